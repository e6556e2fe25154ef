//! One of the writer's threads: how far it is with its commits, and what it expects of the store.

use super::tolerate;
use crate::plan::{Mark, Planned, SHARED, keys, main_stream, planned};
use crate::said::{Said, What};
use crate::writer::Part;
use annals::{
    AppendError, Appended, Commit, Durability, Error, NewEvent, Query, QueryItem, Read, Store,
};
use std::collections::BTreeMap;

/// Why a thread does not go on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What may not be.
    Wrong(String),
    /// The system has failed the store, which said so.
    Failed(Error),
}

/// A thread's place in the plan.
pub(super) struct Hand<'a> {
    part: &'a Part,
    store: &'a Store,
    session: u64,
    thread: u8,
    /// The last commit that is there.
    pub(super) number: u64,
    /// What streams and documents are at, as far as this thread has asked or has made them so.
    versions: BTreeMap<String, u64>,
    revisions: BTreeMap<String, u64>,
}

impl<'a> Hand<'a> {
    /// Finds out how far the thread has come, and says so.
    pub(super) fn resume(
        part: &'a Part,
        store: &'a Store,
        session: u64,
        thread: u8,
    ) -> Result<Self, Trouble> {
        let (versions, revisions) = (BTreeMap::new(), BTreeMap::new());
        let mut hand = Self { part, store, session, thread, number: 0, versions, revisions };
        let last = hand.last_event()?;
        hand.number = last.map_or(0, |(mark, _)| mark.number);
        for key in keys(thread) {
            let document = hand.met(store.document(&key))?;
            let mark = document.as_ref().and_then(|document| Mark::of(&document.value));
            hand.number = hand.number.max(mark.map_or(0, |mark| mark.number));
            hand.revisions.insert(key, document.map_or(0, |document| document.revision.get()));
        }
        Said::of(What::Found, thread, hand.number).say();
        Ok(hand)
    }

    /// Makes the next commit.
    pub(super) fn commit(&mut self, durability: Durability) -> Result<(), Trouble> {
        let mark = Mark { thread: self.thread, number: self.number + 1, session: self.session };
        let plan = planned(self.part.seed, mark);
        let commit = self.expecting(&plan)?.durability(durability);
        Said::of(What::Begun, self.thread, mark.number).say();
        match self.store.commit(&commit) {
            Ok(done) => {
                let what = match durability {
                    Durability::Buffered => What::Buffered,
                    Durability::Synced | Durability::Strict => What::Synced,
                };
                let (first, last) = (done.first.get(), done.last.get());
                Said::of(what, self.thread, mark.number).at(first, last).say();
                self.number = mark.number;
                self.landed(&plan, &done)
            }
            Err(AppendError::OutcomeUnknown(error)) => {
                Said::of(What::Unknown, self.thread, mark.number).because(&error).say();
                Err(self.trouble(error))
            }
            Err(AppendError::Other(error)) => {
                Said::of(What::Refused, self.thread, mark.number).because(&error).say();
                Err(self.trouble(error))
            }
            Err(error) => Err(Trouble::Wrong(format!("{mark:?} was refused: {error:?}"))),
        }
    }

    /// Makes the last commit once more, if it can be told by its ids: it lands no second time.
    pub(super) fn commit_again(&mut self) -> Result<(), Trouble> {
        let Some((mark, last)) = self.last_event()? else { return Ok(()) };
        let plan = planned(self.part.seed, mark);
        if mark.number != self.number || plan.events.iter().any(|event| event.id.is_none()) {
            return Ok(());
        }
        let mut commit = plan
            .events
            .iter()
            .fold(Commit::new(), |commit, event| commit.event(event.stream.as_str(), new(event)));
        commit = documents(commit, &plan, |_| None);
        match self.store.commit(&commit) {
            Ok(done) if done.replayed && done.last.get() == last => Ok(()),
            Ok(done) => Err(Trouble::Wrong(format!("{mark:?} has landed twice: {done:?}"))),
            Err(AppendError::OutcomeUnknown(error) | AppendError::Other(error)) => {
                Err(self.trouble(error))
            }
            Err(error) => Err(Trouble::Wrong(format!("{mark:?} again was refused: {error:?}"))),
        }
    }

    /// What the store has of this thread is what the thread has made. One that was poisoned in the
    /// background shows only what is durable; the next commit is told.
    pub(super) fn read_back(&self) -> Result<(), Trouble> {
        let wrong = |what: String| match self.store.health().poisoned {
            true if self.part.faulty => Ok(()),
            _ => Err(Trouble::Wrong(format!("read back: {what}"))),
        };
        for (stream, version) in self.versions.iter().filter(|(name, _)| *name != SHARED) {
            let mut next = 1;
            let mut cursor = self.met(self.store.read_stream(stream, Read::new()))?;
            while let Some(event) = self.met(cursor.next_event())? {
                if self.met(event.stream())? != stream || event.version.get() != next {
                    return wrong(format!("{} is version {} of {stream}", event.version, next));
                }
                next += 1;
            }
            if next != version + 1 {
                return wrong(format!("{stream} ends at version {}, not {version}", next - 1));
            }
        }
        for (key, revision) in &self.revisions {
            let found = self.met(self.store.document(key))?;
            let found = found.map_or(0, |document| document.revision.get());
            if found != *revision {
                return wrong(format!("{key} has revision {found}, not {revision}"));
            }
        }
        Ok(())
    }

    /// An answer of the store, or why there is none.
    pub(super) fn met<T>(&self, answer: Result<T, Error>) -> Result<T, Trouble> {
        answer.map_err(|error| self.trouble(error))
    }

    /// An error that the system is to blame for, or one that may not be.
    pub(super) fn trouble(&self, error: Error) -> Trouble {
        match tolerate(self.part, "a thread", &error) {
            Ok(()) => Trouble::Failed(error),
            Err(wrong) => Trouble::Wrong(wrong),
        }
    }

    /// The mark and the position of the thread's last event.
    fn last_event(&self) -> Result<Option<(Mark, u64)>, Trouble> {
        // The last event of the main stream is of the thread's last commit with events, which may
        // end with events of other streams.
        let read = Read::new().backward().limit(1);
        let mut cursor = self.met(self.store.read_stream(&main_stream(self.thread), read))?;
        let Some(event) = self.met(cursor.next_event())? else { return Ok(None) };
        let mark = Mark::of(event.payload);
        let mark = mark.ok_or_else(|| Trouble::Wrong("an event without mark".to_owned()))?;
        let plan = planned(self.part.seed, mark);
        let own = main_stream(self.thread);
        let after = plan.events.iter().rev().take_while(|event| event.stream != own).count();
        Ok(Some((mark, event.position.get() + after as u64)))
    }

    /// The commit as planned, with all that this thread knows of the store.
    fn expecting(&mut self, plan: &Planned) -> Result<Commit, Trouble> {
        let mut commit = Commit::new();
        let mut streams: Vec<&str> = plan.events.iter().map(|event| &*event.stream).collect();
        streams.sort_unstable();
        streams.dedup();
        for stream in streams.into_iter().filter(|stream| *stream != SHARED) {
            let version = match self.versions.get(stream) {
                Some(version) => *version,
                None => self.met(self.store.stream_version(stream))?.get(),
            };
            self.versions.insert(stream.to_owned(), version);
            commit = commit.expect(stream, version);
        }
        for event in &plan.events {
            commit = commit.event(event.stream.as_str(), new(event));
        }
        if let Some(only) = &plan.only {
            commit = commit.fail_if_exists(Query::from(QueryItem::new().tag(only)));
        }
        Ok(documents(commit, plan, |key| self.revisions.get(key).copied()))
    }

    /// Takes in what the store has made of a commit.
    fn landed(&mut self, plan: &Planned, done: &Appended) -> Result<(), Trouble> {
        let count = plan.events.len() as u64;
        if done.replayed || done.last.get() + 1 - done.first.get() != count {
            return Err(Trouble::Wrong(format!("{count} events have landed as {done:?}")));
        }
        for event in plan.events.iter().filter(|event| event.stream != SHARED) {
            *self.versions.entry(event.stream.clone()).or_default() += 1;
        }
        for (stream, version) in &done.versions {
            let own = self.versions.get(stream).copied();
            if stream != SHARED && own != Some(version.get()) {
                return Err(Trouble::Wrong(format!("{stream} is not at {own:?}: {done:?}")));
            }
        }
        for (document, (key, revision)) in plan.documents.iter().zip(&done.revisions) {
            let before = self.revisions.get(key).copied().unwrap_or_default();
            // After a deletion the next one is not known from here.
            let is_next = before == 0 || revision.get() == before + 1;
            if document.key != *key || !is_next {
                return Err(Trouble::Wrong(format!("{key} was at {before}: {done:?}")));
            }
            let now = document.value.as_ref().map_or(0, |_| revision.get());
            self.revisions.insert(key.clone(), now);
        }
        Ok(())
    }
}

/// The commit with the planned documents more, each over the revision that is expected.
fn documents(commit: Commit, plan: &Planned, over: impl Fn(&str) -> Option<u64>) -> Commit {
    plan.documents.iter().fold(commit, |commit, document| {
        let key = document.key.as_str();
        match (&document.value, over(key)) {
            (Some(value), Some(revision)) => commit.put_over(key, revision, value.as_slice()),
            (Some(value), None) => commit.put(key, value.as_slice()),
            (None, Some(revision)) => commit.delete_over(key, revision),
            (None, None) => commit.delete(key),
        }
    })
}

fn new(planned: &crate::plan::PlannedEvent) -> NewEvent {
    let event = NewEvent::new(planned.event_type.as_str(), planned.payload.as_slice());
    let event = event.tags(planned.tags.iter().cloned());
    let event = planned.id.into_iter().fold(event, NewEvent::id);
    let event = planned.correlation.into_iter().fold(event, NewEvent::correlation_id);
    planned.metadata.iter().fold(event, |event, metadata| event.metadata(metadata.as_slice()))
}

//! Holding a log to the plan, event by event.

use crate::plan::{Mark, Planned, PlannedEvent, planned};
use annals::{Document, Event, Timestamp};
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// How far a log has been walked, and what follows from it for the index and the documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    seed: u64,
    /// The last position.
    pub(crate) head: u64,
    /// A hash of everything up to it.
    pub(crate) chain: u64,
    recorded: Option<Timestamp>,
    /// The commits of each of the writer's threads.
    pub(crate) threads: Vec<Line>,
    /// The commit that is being walked through: how many of its events have been met.
    current: Option<(Mark, Planned, usize)>,
    documents: BTreeMap<String, Changed>,
    /// The positions of each stream, type and tag.
    pub(crate) streams: BTreeMap<String, Vec<u64>>,
    pub(crate) types: BTreeMap<String, Vec<u64>>,
    pub(crate) tags: BTreeMap<String, Vec<u64>>,
}

/// The commits of one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// The last that is there.
    pub(crate) number: u64,
    /// Those with events: which, and its first and last position.
    pub(crate) placed: Vec<(Mark, u64, u64)>,
}

impl Line {
    /// Where a commit is, if it is there and has events.
    pub(crate) fn place(&self, number: u64) -> Option<(Mark, u64, u64)> {
        let nth = self.placed.binary_search_by_key(&number, |(mark, ..)| mark.number).ok()?;
        self.placed.get(nth).copied()
    }

    /// Where the last one ends that has events.
    fn end(&self) -> (u64, u64) {
        self.placed.last().map_or((0, 0), |(mark, _, last)| (mark.session, *last))
    }
}

/// What last happened to a document.
#[derive(Clone, Debug)]
struct Changed {
    /// By which commit, of which session if it has events.
    mark: Mark,
    revision: u64,
    is_there: bool,
    /// Between which positions the store's head was then.
    heads: (u64, u64),
}

impl Walk {
    /// At the beginning of the log of the store with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The next event: what the plan says, in its place.
    pub(crate) fn event(&mut self, event: &Event<'_>) -> Result<(), String> {
        let position = self.head + 1;
        let at = |what: String| format!("position {position}: {what}");
        if event.position.get() != position {
            return Err(at(format!("is called {}", event.position)));
        }
        if self.current.is_none() {
            self.current = Some(self.begin(event).map_err(at)?);
        }
        let Some((mark, plan, nth)) = &mut self.current else { return Ok(()) };
        let Some(expected) = plan.events.get(*nth) else {
            return Err(at(format!("{mark:?} has no event {nth}")));
        };
        let version = self.streams.get(&expected.stream).map_or(0, Vec::len) as u64 + 1;
        same(event, expected, version)
            .map_err(|what| at(format!("{mark:?}, event {nth}: {what}")))?;
        if self.recorded.is_some_and(|before| event.recorded < before) {
            return Err(at("was recorded before the event before it".to_owned()));
        }
        *nth += 1;
        let is_last = *nth == plan.events.len();
        self.recorded = Some(event.recorded);
        self.head = position;
        self.chain = chained(self.chain, event).map_err(lost)?;
        self.note(event).map_err(lost)?;
        if is_last && let Some((mark, plan, count)) = self.current.take() {
            self.apply(mark, &plan, (position, position));
            let line = self.line(mark.thread);
            line.number = mark.number;
            line.placed.push((mark, position + 1 - count as u64, position));
        }
        Ok(())
    }

    /// Whether the last commit is whole.
    pub(crate) fn is_between_commits(&self) -> bool {
        self.current.is_none()
    }

    /// All commits are whole, and the documents are those of the commits that are there; commits
    /// behind the last event, which have documents only, included.
    pub(crate) fn documents(&mut self, found: &[Document]) -> Result<(), String> {
        if let Some((mark, plan, nth)) = &self.current {
            return Err(format!("{nth} of {} events of {mark:?} are there", plan.events.len()));
        }
        for document in found {
            let mark = mark_of(document)?;
            self.pass(mark.thread, mark.number)?;
        }
        let wanted = self.documents.iter().filter(|(_, changed)| changed.is_there);
        let wanted: Vec<&String> = wanted.map(|(key, _)| key).collect();
        if wanted.iter().copied().ne(found.iter().map(|document| &document.key)) {
            let found: Vec<&String> = found.iter().map(|document| &document.key).collect();
            return Err(format!("the documents {found:?} are there, not {wanted:?}"));
        }
        found.iter().try_for_each(|document| {
            self.document(document).map_err(|what| format!("document {}: {what}", document.key))
        })
    }

    fn document(&self, found: &Document) -> Result<(), String> {
        let Some(changed) = self.documents.get(&found.key) else { return Ok(()) };
        let mark = mark_of(found)?;
        let (revision, head) = (found.revision.get(), found.head.get());
        if (mark.thread, mark.number) != (changed.mark.thread, changed.mark.number) {
            return Err(format!("is of {mark:?}, not of {:?}", changed.mark));
        }
        if changed.mark.session > mark.session {
            return Err(format!("is of session {}, not {:?}", mark.session, changed.mark));
        }
        if revision != changed.revision {
            return Err(format!("has revision {revision}, not {}", changed.revision));
        }
        if head < changed.heads.0 || head > changed.heads.1 {
            return Err(format!("was put at head {head}, not within {:?}", changed.heads));
        }
        let plan = planned(self.seed, mark);
        let wanted = plan.documents.into_iter().find(|document| document.key == found.key);
        if wanted.and_then(|document| document.value).as_ref() != Some(&found.value) {
            return Err(format!("has another value than {mark:?} gave it"));
        }
        Ok(())
    }

    /// The commit that begins with this event. Those of its thread that are missing before it have
    /// documents only.
    fn begin(&mut self, event: &Event<'_>) -> Result<(Mark, Planned, usize), String> {
        let mark = Mark::of(event.payload).ok_or("has no mark")?;
        let line = self.line(mark.thread);
        if mark.number <= line.number {
            return Err(format!("{mark:?} comes after number {}", line.number));
        }
        if mark.session < line.end().0 {
            return Err(format!("{mark:?} comes after session {}", line.end().0));
        }
        self.pass(mark.thread, mark.number - 1)?;
        Ok((mark, planned(self.seed, mark), 0))
    }

    /// Passes over commits up to this one, none of which may have events.
    fn pass(&mut self, thread: u8, upto: u64) -> Result<(), String> {
        while self.line(thread).number < upto {
            let (session, low) = self.line(thread).end();
            let mark = Mark { thread, number: self.line(thread).number + 1, session };
            let plan = planned(self.seed, mark);
            if !plan.events.is_empty() {
                return Err(format!("{mark:?} is not there, but one after it is"));
            }
            self.apply(mark, &plan, (low, self.head));
            self.line(thread).number = mark.number;
        }
        Ok(())
    }

    fn apply(&mut self, mark: Mark, plan: &Planned, heads: (u64, u64)) {
        for document in &plan.documents {
            let before = self.documents.get(&document.key).map_or(0, |it| it.revision);
            let is_there = document.value.is_some();
            let changed = Changed { mark, revision: before + 1, is_there, heads };
            self.documents.insert(document.key.clone(), changed);
        }
    }

    fn note(&mut self, event: &Event<'_>) -> Result<(), annals::Error> {
        let mut add = |to: fn(&mut Self) -> &mut BTreeMap<String, Vec<u64>>, name: &str| {
            let positions = to(self);
            match positions.get_mut(name) {
                Some(there) => there.push(event.position.get()),
                None => drop(positions.insert(name.to_owned(), vec![event.position.get()])),
            }
        };
        add(|walk| &mut walk.streams, event.stream()?);
        add(|walk| &mut walk.types, event.event_type()?);
        event.tags()?.iter().for_each(|tag| add(|walk| &mut walk.tags, tag));
        Ok(())
    }

    /// The commits of a thread.
    fn line(&mut self, thread: u8) -> &mut Line {
        let nth = usize::from(thread);
        if self.threads.len() <= nth {
            self.threads.resize_with(nth + 1, Line::default);
        }
        &mut self.threads[nth]
    }
}

/// The mark of the commit that put a document.
pub(crate) fn mark_of(document: &Document) -> Result<Mark, String> {
    Mark::of(&document.value).ok_or_else(|| format!("document {} has no mark", document.key))
}

/// What can't be had of an event.
fn lost(error: annals::Error) -> String {
    format!("an event's names: {error}")
}

fn same(event: &Event<'_>, expected: &PlannedEvent, version: u64) -> Result<(), String> {
    let found = PlannedEvent {
        stream: event.stream().map_err(lost)?.to_owned(),
        event_type: event.event_type().map_err(lost)?.to_owned(),
        tags: event.tags().map_err(lost)?.iter().map(str::to_owned).collect(),
        id: event.is_id_given().then(|| event.id()),
        correlation: event.correlation_id(),
        metadata: event.metadata().map(<[u8]>::to_vec),
        payload: event.payload.to_vec(),
    };
    if found != *expected {
        return Err(format!("found {found:?}, not {expected:?}"));
    }
    if event.version.get() != version {
        return Err(format!("version {} of {}, not {version}", event.version, expected.stream));
    }
    Ok(())
}

fn chained(before: u64, event: &Event<'_>) -> Result<u64, annals::Error> {
    let mut hasher = DefaultHasher::new();
    (before, event.position.get(), event.version.get()).hash(&mut hasher);
    (event.stream()?, event.event_type()?, event.id().as_u128()).hash(&mut hasher);
    event.tags()?.iter().for_each(|tag| tag.hash(&mut hasher));
    (event.correlation_id().map(|id| id.as_u128()), event.recorded.micros()).hash(&mut hasher);
    (event.metadata(), event.payload).hash(&mut hasher);
    Ok(hasher.finish())
}

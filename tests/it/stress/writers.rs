//! Writers: streams of their own, streams that all write to, seats that are taken once, documents.

use super::said::Said;
use super::{Closed, Life, Random, Told, World, unless_closed};
use annals::{
    AppendError, Appended, Commit, Durability, ExpectedVersion, Query, QueryItem, Revision, Store,
    Uuid, Version,
};
use std::sync::atomic::Ordering::Relaxed;

/// Streams that a writer has for himself.
const OWN: u64 = 5;
/// Documents that all write.
pub const DOCUMENTS: u64 = 4;

struct Writer<'a> {
    world: &'a World,
    nth: usize,
    random: Random,
    commits: u64,
    /// The versions of his own streams.
    own: Told,
    /// The version of the stream that all compete for, as he knows it.
    prize: Version,
}

/// Commits until all is over, to one life of the store after the other.
pub fn write(world: &World, nth: usize) {
    let random = Random(nth as u64 + 1);
    let (own, prize) = (Told::new(), Version::NONE);
    let mut writer = Writer { world, nth, random, commits: 0, own, prize };
    let mut life = world.life();
    loop {
        while writer.act(&life.store).is_ok() {}
        world.leave(nth, &life, &writer.own);
        let Some(next) = world.next_life(&life) else { return };
        writer.go_on(&life, &next);
        life = next;
    }
}

impl Writer<'_> {
    fn go_on(&mut self, before: &Life, next: &Life) {
        if before.file != next.file {
            self.own.clear();
            self.prize = Version::NONE;
        }
    }

    /// One commit, of one kind or another.
    fn act(&mut self, store: &Store) -> Result<(), Closed> {
        self.commits += 1;
        match self.random.below(10) {
            0 => self.compete(store),
            1 => self.take_a_seat(store),
            2 => self.put_a_document(store),
            3 => self.say_it_twice(store),
            _ => self.append(store),
        }
    }

    /// What the store answers, if it is not closed.
    fn commit(
        &self,
        store: &Store,
        commit: &Commit,
    ) -> Result<Result<Appended, AppendError>, Closed> {
        let answer = match store.commit(commit) {
            Err(AppendError::Other(error)) => return unless_closed(Err(error)),
            answer => answer,
        };
        let counter = if answer.is_ok() { &self.world.commits } else { &self.world.refused };
        counter.fetch_add(1, Relaxed);
        if let Ok(landed) = &answer {
            // What is acknowledged is seen, whatever it is.
            if let Ok(head) = unless_closed(store.head()) {
                assert!(head >= landed.last, "{head} {landed:?}");
            }
        }
        Ok(answer)
    }

    fn durability(&mut self) -> Durability {
        match self.random.below(8) {
            0 => Durability::Strict,
            1..4 => Durability::Synced,
            _ => Durability::Buffered,
        }
    }

    fn said(&self, (nth, of): (usize, usize), stream: &str, version: u64) -> Said {
        let (writer, commit, stream) = (self.nth, self.commits, stream.to_owned());
        Said { writer, commit, nth, of, stream, version }
    }

    fn own_stream(&mut self) -> String {
        format!("own{}-{}", self.nth, self.random.below(OWN))
    }

    /// A few events to a stream of his own, at its version, and one to a stream of all.
    fn append(&mut self, store: &Store) -> Result<(), Closed> {
        let stream = self.own_stream();
        let version = self.own.get(&stream).copied().unwrap_or(0);
        let count = 1 + self.random.below(3) as usize;
        let shared = usize::from(self.random.below(3) == 0);
        let of = count + shared;
        let own = (0..count).map(|nth| self.said((nth, of), &stream, version + nth as u64 + 1));
        let own: Vec<_> = own.collect::<Vec<_>>();
        let own: Vec<_> = own.iter().map(|said| said.event(&mut self.random)).collect();
        let mut commit = Commit::new().append(&stream, Version::new(version), own);
        if shared > 0 {
            let event = self.said((count, of), "all", 0).event(&mut self.random);
            commit = commit.append("all", ExpectedVersion::Any, [event]);
        }
        let durability = self.durability();
        let landed = self.commit(store, &commit.durability(durability))?.unwrap();
        if durability != Durability::Buffered {
            assert!(store.durable() >= landed.last, "{landed:?}");
        }
        self.own.insert(stream, version + count as u64);
        Ok(())
    }

    /// One event to the stream that all compete for; who comes too late is told the version.
    fn compete(&mut self, store: &Store) -> Result<(), Closed> {
        let event = self.said((0, 1), "prize", self.prize.get() + 1).event(&mut self.random);
        let commit = Commit::new().append("prize", self.prize, [event]);
        let durability = self.durability();
        match self.commit(store, &commit.durability(durability))? {
            Ok(landed) => self.prize = landed.version(),
            Err(AppendError::Conflict(conflict)) => {
                assert!(conflict.current > self.prize, "{conflict}");
                assert!(unless_closed(store.stream_version("prize"))? >= conflict.current);
                self.prize = conflict.current;
            }
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    /// A seat is taken by one of them.
    fn take_a_seat(&mut self, store: &Store) -> Result<(), Closed> {
        let seat = self.world.seats.load(Relaxed) + self.random.below(3);
        let tag = format!("seat:{seat}");
        let event = self.said((0, 1), "seats", 0).event(&mut self.random).tag(&tag);
        let taken = Query::from(QueryItem::new().tag(&tag));
        let commit = Commit::new().append("seats", ExpectedVersion::Any, [event]);
        let commit = commit.fail_if_exists(taken).durability(self.durability());
        match self.commit(store, &commit)? {
            Ok(_) => {}
            Err(AppendError::AlreadyExists(failed)) => {
                let event = unless_closed(store.event(failed.position))?.unwrap();
                assert!(event.tags.contains(&tag), "{event:?}");
            }
            Err(error) => panic!("{error}"),
        }
        self.world.seats.fetch_max(seat + 1, Relaxed);
        Ok(())
    }

    /// A document that all write, each over the revision that he knows.
    fn put_a_document(&mut self, store: &Store) -> Result<(), Closed> {
        let key = format!("document-{}", self.random.below(DOCUMENTS));
        let known = unless_closed(store.document(&key))?;
        let known = known.map_or(Revision::NONE, |document| document.revision);
        let value = format!("{key} {}", known.get() + 1);
        let commit = Commit::new().put_over(&key, known, value).durability(self.durability());
        match self.commit(store, &commit)? {
            Ok(landed) => assert_eq!(landed.revision().get(), known.get() + 1),
            Err(AppendError::DocumentConflict(late)) => assert!(late.current > known, "{late}"),
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    /// The same commit twice: it lands once.
    fn say_it_twice(&mut self, store: &Store) -> Result<(), Closed> {
        let stream = self.own_stream();
        let version = self.own.get(&stream).copied().unwrap_or(0);
        let id = Uuid::from_u64_pair(self.nth as u64 + 1, self.commits);
        let event = self.said((0, 1), &stream, version + 1).event(&mut self.random).id(id);
        let commit = Commit::new().append(&stream, Version::new(version), [event]);
        let commit = commit.durability(self.durability());
        let landed = self.commit(store, &commit)?.unwrap();
        self.own.insert(stream, version + 1);
        let again = self.commit(store, &commit)?.unwrap();
        assert_eq!((landed.first, again.replayed), (again.first, true));
        Ok(())
    }
}

//! A store that something happens to.

use annals::storage::MemoryStorage;
use annals::{
    Chore, Commit, Durability, ExpectedVersion, LostRange, NewEvent, Options, RecordedEvent,
    SalvageReport, Store, Uuid,
};
use annals_sim::{FramePlace, Truth};
use std::ops::Range;
use std::sync::Arc;

/// Small segments, small runs.
pub fn options() -> Options {
    Options::new().without_keeper().segments(4_096, 8_192).tail(8, u64::MAX).seed(7)
}

/// Events with and without all that they can have.
pub fn event(nth: u64) -> NewEvent {
    let event = NewEvent::new(format!("Type{}", nth % 3), format!("payload {nth} ").repeat(12));
    let event = event.tag(format!("nth:{nth}")).tag("all");
    match nth % 3 {
        0 => event,
        1 => event.id(Uuid::from_u128(u128::from(nth))).correlation_id(Uuid::from_u128(5)),
        _ => event.metadata("").schema_version(2),
    }
}

/// Commits of one to three events of several streams, in several segments, with documents.
pub fn fill(store: &Store, commits: u64) {
    let before = store.head().unwrap().get();
    for nth in before..before + commits {
        let mut commit = Commit::new();
        for more in 0..1 + nth % 3 {
            let stream = format!("order-{}", (nth + more) % 5);
            commit = commit.append(stream, ExpectedVersion::Any, [event(10 * nth + more)]);
        }
        commit = match nth % 4 {
            1 => commit.put("state/1", format!("as of {nth}")),
            2 => commit.put(format!("state/{nth}"), "once"),
            3 if nth % 8 == 3 => commit.delete("state/2"),
            _ => commit,
        };
        store.commit(commit).unwrap();
        if nth % 3 == 0 {
            store.chore(Chore::Index).unwrap();
        }
    }
}

/// A healthy store, and what has become of it.
pub struct Wreck {
    pub truth: Truth,
    pub bytes: Vec<u8>,
}

/// What salvage has made of it.
pub struct Saved {
    pub report: SalvageReport,
    pub store: Store,
}

impl Wreck {
    /// Of a healthy store with these bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { truth: Truth::of(bytes.clone()), bytes }
    }

    /// Of a store with so many commits that was closed.
    pub fn closed(commits: u64) -> Self {
        Self::made(|store| {
            fill(store, commits);
            store.close().unwrap();
        })
    }

    /// Of a store with so many commits that was left as the last of them left it.
    pub fn open(commits: u64) -> Self {
        Self::made(|store| fill(store, commits))
    }

    /// Of what this leaves.
    pub fn made(make: impl FnOnce(&Store)) -> Self {
        let disk = Arc::new(MemoryStorage::new());
        let store = options().open_storage(disk.clone()).unwrap();
        make(&store);
        Self::of(disk.to_bytes())
    }

    /// The commit that has this position.
    pub fn commit(&self, position: u64) -> &FramePlace {
        let frames = &self.truth.layout.frames;
        let has = |frame: &&FramePlace| frame.events.iter().any(|it| it.position == position);
        frames.iter().find(has).unwrap()
    }

    /// The record of the event at this position.
    pub fn record(&self, position: u64) -> Range<usize> {
        let events = &self.commit(position).events;
        events.iter().find(|event| event.position == position).unwrap().bytes.clone()
    }

    /// These bytes rot.
    #[must_use]
    pub fn rot(mut self, bytes: Range<usize>) -> Self {
        self.bytes[bytes].iter_mut().for_each(|byte| *byte ^= 0xA5);
        self
    }

    /// These bytes are others.
    #[must_use]
    pub fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Salvages it; what comes of it is held against all that is known of the healthy store.
    #[track_caller]
    pub fn saved(&self) -> Saved {
        let salvaged = self.truth.salvage(&self.bytes).unwrap();
        let salvaged = salvaged.expect("the key is there");
        let disk = Arc::new(MemoryStorage::from_bytes(salvaged.bytes));
        let store = Options::new().without_keeper().open_storage(disk).unwrap();
        Saved { report: salvaged.report, store }
    }

    /// Salvages it; nothing is lost.
    #[track_caller]
    pub fn saved_whole(&self) -> Saved {
        let saved = self.saved();
        assert!(saved.report.is_whole(), "{}", saved.report);
        assert_eq!(saved.report.events as usize, self.truth.events.len());
        saved
    }
}

impl Saved {
    /// The payloads of all events.
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        self.events().into_iter().map(|event| event.payload).collect()
    }

    pub fn events(&self) -> Vec<RecordedEvent> {
        self.store.read_all(annals::Read::new()).unwrap().map(Result::unwrap).collect()
    }

    /// What is lost, as positions: the first, and how many.
    pub fn lost(&self) -> Vec<(u64, u64)> {
        let range = |lost: &LostRange| (lost.first.get(), lost.events);
        self.report.lost.iter().map(range).collect()
    }
}

/// A commit that is only in the operating system's hands.
pub fn buffered(store: &Store, commit: Commit) {
    store.commit(commit.durability(Durability::Buffered)).unwrap();
}

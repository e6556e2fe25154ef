//! The stores that are swept: small, and with everything in them that a store can have.

use crate::clock::{self, Ticks};
use crate::truth::Truth;
use annals::storage::MemoryStorage;
use annals::{
    Chore, Commit, Durability, EventKind, ExpectedVersion, NewEvent, Options, Store, Timestamp,
    Uuid,
};
use std::sync::Arc;

/// A store that is swept, and what its sectors may be replaced by.
pub struct Sample {
    /// What it is called.
    pub name: &'static str,
    /// Its bytes, and what it holds.
    pub truth: Truth,
    /// Its bytes some commits before.
    pub earlier: Vec<Vec<u8>>,
    /// The bytes of another store of the same plan: another id, another key.
    pub other: Vec<u8>,
}

/// Commits of a sample.
const COMMITS: u64 = 24;
/// After so many the store is closed and opened again.
const SESSIONS: [u64; 2] = [7, 15];
/// Bytes are kept so many commits before the end.
const EARLIER: [u64; 5] = [1, 2, 4, 9, 16];

impl Sample {
    /// The same store, closed, with runs of two levels and of room that was used before; and as its
    /// last commit left it, with one run and a tail.
    pub fn both() -> [Self; 2] {
        [("closed", 5), ("not closed", 20)].map(|(name, tail)| {
            let is_closed = name == "closed";
            let (bytes, earlier) = written(7, tail, is_closed);
            let (other, _) = written(8, tail, is_closed);
            Self { name, truth: Truth::of(bytes), earlier, other }
        })
    }
}

/// How samples are opened: so many events make a run.
pub(super) fn options(seed: u64, tail: u64) -> Options {
    Options::new().without_keeper().segments(4_096, 8_192).tail(tail, u64::MAX).seed(seed)
}

fn written(seed: u64, tail: u64, is_closed: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    clock::begin();
    let disk = Arc::new(MemoryStorage::new());
    let mut store = open(&disk, seed, tail);
    let mut earlier = Vec::new();
    for nth in 0..COMMITS {
        store.commit(commit(nth)).expect("a commit lands");
        // The index lags, keeps up, and merges.
        if nth % 2 == 1 {
            store.chore(Chore::Index).expect("the index keeps up");
        }
        if nth % 5 == 0 {
            store.chore(Chore::Mark).expect("a slot is written");
        }
        if SESSIONS.contains(&nth) {
            store.close().expect("a store closes");
            store = open(&disk, seed + 1 + nth, tail);
        }
        if EARLIER.contains(&(COMMITS - 1 - nth)) {
            earlier.push(disk.to_bytes());
        }
    }
    if is_closed {
        store.close().expect("a store closes");
    }
    (disk.to_bytes(), earlier)
}

fn open(disk: &Arc<MemoryStorage>, seed: u64, tail: u64) -> Store {
    options(seed, tail).clock(Ticks).open_storage(disk.clone()).expect("a sample opens")
}

/// Events of one or several streams, of all kinds and with all that they can have; documents that
/// are put, replaced and deleted, with events and alone.
fn commit(nth: u64) -> Commit {
    let mut commit = Commit::new();
    let stream = |of: u64| match of % 4 {
        0 | 1 => format!("order-{}", of % 3),
        2 => "audit".to_owned(),
        _ => format!("user-{of}"),
    };
    let events = if nth % 6 == 5 { 0 } else { 1 + nth % 3 };
    for more in 0..events {
        commit = commit.append(stream(nth + more), ExpectedVersion::Any, [event(nth, more)]);
    }
    commit = match nth % 6 {
        0 => commit.put(format!("state/{}", nth % 12), format!("begun {nth}")),
        3 => commit.put("state/0", "gone on ".repeat(1 + nth as usize)),
        4 => commit.delete("state/6"),
        5 => commit.put("checkpoint", nth.to_le_bytes()),
        _ => commit,
    };
    let durability = match nth % 8 {
        2 | 3 => Durability::Buffered,
        6 => Durability::Strict,
        _ => Durability::Synced,
    };
    commit.durability(durability)
}

fn event(nth: u64, more: u64) -> NewEvent {
    let number = 10 * nth + more;
    let length = if number % 7 == 3 { 900 } else { 20 + 17 * (number as usize % 5) };
    let payload: Vec<u8> = (0..length).map(|at| (number as usize * 31 + at * 7) as u8).collect();
    let mut event = NewEvent::new(format!("Type{}", number % 4), payload);
    event = event.tag(format!("third:{}", number % 3));
    if number.is_multiple_of(2) {
        event = event.id(Uuid::from_u128(u128::from(number) + 1));
    }
    if number % 4 == 1 {
        event = event.tag(format!("nth:{number}"));
    }
    if number % 5 == 1 {
        event = event.metadata(format!("by {number}")).kind(EventKind::Integration);
    }
    if number % 6 == 2 {
        event = event.correlation_id(Uuid::from_u128(7)).causation_id(Uuid::from_u128(9));
        event = event.occurred(Timestamp::from_micros(-5)).schema_version(3);
    }
    event
}

//! A store with runs of all kinds, and its answers.

use super::Answers;
use crate::fixture::{PAGE, RunPlace, runs};
use annals::storage::MemoryStorage;
use annals::{Chore, Commit, Durability, ExpectedVersion, NewEvent, Options, Store};
use std::sync::Arc;
use uuid::Uuid;

/// Events of a run from memory.
pub const TAIL: u64 = 20;

pub fn options() -> Options {
    let options = Options::new().without_keeper().segments(4_096, 65_536).seed(7);
    options.tail(TAIL, u64::MAX).durability(Durability::Buffered)
}

pub fn device(bytes: &[u8]) -> Arc<MemoryStorage> {
    Arc::new(MemoryStorage::from_bytes(bytes.to_vec()))
}

fn event(nth: u64) -> (String, NewEvent) {
    let stream = match nth % 5 {
        0 | 1 => format!("order-{}", nth % 7),
        2 => "order".to_owned(),
        3 => format!("user-{nth}"),
        _ => format!("audit-{}", nth % 11),
    };
    let event = NewEvent::new(format!("Kind{}", nth % 4), format!("payload {nth}"));
    let event = event.tag(format!("nth:{nth}")).tag(format!("third:{}", nth % 3));
    let event = if nth.is_multiple_of(2) { event } else { event.id(Uuid::from_u128(nth.into())) };
    (stream, event)
}

/// Appends events up to this many, in commits of one to three, and lets the index keep up.
pub fn grow(store: &Store, events: u64) {
    let mut head = store.head().unwrap().get();
    while head < events {
        let mut commit = Commit::new();
        for nth in head..(head + 1 + head % 3).min(events) {
            let (stream, event) = event(nth);
            commit = commit.append(stream, ExpectedVersion::Any, [event]);
        }
        head = store.commit(commit).unwrap().last.get();
        store.chore(Chore::Index).unwrap();
    }
}

/// A closed store: its bytes, its answers, its runs.
pub struct Sample {
    pub bytes: Vec<u8>,
    pub answers: Answers,
    pub runs: Vec<RunPlace>,
}

impl Sample {
    pub fn new(events: u64) -> Self {
        Self::with(&options(), events)
    }

    pub fn with(options: &Options, events: u64) -> Self {
        let disk = device(&[]);
        let store = options.open_storage(disk.clone()).unwrap();
        grow(&store, events);
        let answers = Answers::of(&store);
        store.close().unwrap();
        let bytes = disk.to_bytes();
        let runs = runs(&bytes);
        Self { bytes, answers, runs }
    }

    /// Two merges deep: one large run, one of a merge, some from memory.
    pub fn deep() -> Self {
        let sample = Self::new(450);
        assert!(sample.runs.len() >= 4, "{:?}", sample.runs);
        assert!(sample.runs[0].pages > 12 && sample.runs[1].pages > 7, "{:?}", sample.runs);
        sample
    }

    /// The bytes with something done to them.
    pub fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        bytes
    }

    /// Opened for writing, these bytes give the right answers; as many runs as said are found to
    /// be damaged, made anew, and written anew.
    #[track_caller]
    pub fn heals(&self, bytes: &[u8], damaged: usize, first: usize, what: &str) {
        let disk = device(bytes);
        let store = options().open_storage(disk.clone()).unwrap();
        self.answers.check(&store, first, what);
        let report = store.verify().unwrap();
        assert_eq!(report.issues.len(), damaged, "{what}: {report:?}");
        assert!(report.issues.iter().all(|issue| issue.what.contains("run ")), "{report:?}");
        assert_eq!(store.stats().unwrap().index.healed, damaged as u64, "{what}");
        store.chore(Chore::Index).unwrap();
        let report = store.verify().unwrap();
        assert!(report.is_whole(), "{what}: still not whole: {report:?}");
        self.answers.check(&store, first, what);
        store.close().unwrap();
        // Not only in memory.
        let again = options().open_storage(disk).unwrap();
        assert!(again.verify().unwrap().is_whole(), "{what}: not written anew");
        assert_eq!(again.stats().unwrap().index.healed, 0, "{what}");
    }

    /// Opened only to look, these bytes give the right answers, and are not touched.
    #[track_caller]
    pub fn shows(&self, bytes: &[u8], damaged: usize, first: usize, what: &str) {
        let disk = device(bytes);
        let store = options().open_storage_read_only(disk.clone()).unwrap();
        self.answers.check(&store, first, what);
        let report = store.verify().unwrap();
        assert_eq!(report.issues.len(), damaged, "{what}: {report:?}");
        assert_eq!(store.stats().unwrap().index.healed, damaged as u64, "{what}");
        assert!(disk.to_bytes() == bytes, "{what}: looking has written");
    }
}

/// Which byte of each page comes first, so that all of them have their turn.
pub fn spread(run: &RunPlace, step: usize) -> impl Iterator<Item = usize> {
    let (at, pages) = (run.at, run.pages);
    (0..pages).flat_map(move |page| {
        let start = (page * 13 + at / PAGE) % step;
        (start..PAGE).step_by(step).map(move |byte| at + page * PAGE + byte)
    })
}

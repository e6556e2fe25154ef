//! A plan is carried out, on a store and on the list.

use super::plain::{Outcome, Plain};
use super::plan::{Leaving, Made, Part, Range, STREAMS, Step};
use crate::fixture::{Place, all};
use annals::storage::MemoryStorage;
use annals::{
    Chore, Commit, Cursor, Durability, Ending, Options, Position, Read, Store, Version, View,
    category_of,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the store is.
pub struct Home {
    options: Options,
    device: Device,
}

enum Device {
    Memory(Arc<MemoryStorage>),
    /// A folder, the store's file in it, and how many there were before.
    File(Place, PathBuf, u32),
}

impl Home {
    pub fn memory(options: Options) -> Self {
        Self { options, device: Device::Memory(Arc::default()) }
    }

    pub fn file(options: Options) -> Self {
        let place = Place::new();
        let path = place.path();
        Self { options, device: Device::File(place, path, 0) }
    }

    fn open(&self) -> Store {
        match &self.device {
            Device::Memory(memory) => self.options.open_storage(memory.clone()).unwrap(),
            Device::File(_, path, _) => self.options.open(path).unwrap(),
        }
    }

    fn open_read_only(&self) -> Store {
        match &self.device {
            Device::Memory(memory) => self.options.open_storage_read_only(memory.clone()).unwrap(),
            Device::File(_, path, _) => self.options.open_read_only(path).unwrap(),
        }
    }

    /// From now on the store is a copy of what it is now.
    fn crash(&mut self) {
        match &mut self.device {
            Device::Memory(memory) => {
                *memory = Arc::new(MemoryStorage::from_bytes(memory.to_bytes()));
            }
            Device::File(place, path, nth) => {
                *nth += 1;
                let copy = place.file(&format!("{nth}.annals"));
                std::fs::copy(&*path, &copy).unwrap();
                *path = copy;
            }
        }
    }
}

pub fn run(plan: &[Step], mut home: Home) {
    let mut plain = Plain::default();
    let mut store = home.open();
    let mut held = (store.view().unwrap(), 0);
    for step in plan {
        match step {
            Step::Commit { parts, durability } => commit(&store, &mut plain, parts, *durability),
            Step::ReadAll(range) => {
                let cursor = store.read_all(of_positions(range)).unwrap();
                compare(cursor, &plain, plain.range(None, range));
            }
            Step::ReadStream(stream, range) => {
                let cursor = store.read_stream(STREAMS[*stream], of_versions(range)).unwrap();
                compare(cursor, &plain, plain.range(Some(*stream), range));
            }
            Step::ReadOne(position) => {
                let found = store.event(*position).unwrap();
                let there = *position > 0 && *position <= plain.events.len() as u64;
                assert_eq!(found.is_some(), there);
                found.iter().for_each(|event| plain.check(event));
            }
            Step::View => {
                look_back(&held.0, held.1, &plain);
                held = (store.view().unwrap(), plain.events.len());
            }
            Step::Names => names(&store, &plain),
            Step::Index => store.chore(Chore::Index).unwrap(),
            Step::Sync => {
                store.sync().unwrap();
                assert_eq!(store.durable().get(), plain.events.len() as u64);
            }
            Step::Reopen(leaving) => store = reopen(&mut home, store, *leaving, &plain),
        }
        assert_eq!(store.head().unwrap().get(), plain.events.len() as u64);
    }
    look_back(&held.0, held.1, &plain);
    everything(&store, &plain);
    store.close().unwrap();
    everything(&home.open_read_only(), &plain);
    everything(&home.open(), &plain);
}

fn commit(store: &Store, plain: &mut Plain, parts: &[Part], durability: Durability) {
    let commit = parts.iter().fold(Commit::new(), |commit, part| {
        let events = part.events.iter().map(Made::to_event);
        commit.append(STREAMS[part.stream], plain.expected(part), events)
    });
    let outcome = Outcome::from(store.commit(commit.durability(durability)));
    let wanted = plain.commit(parts);
    assert_eq!(outcome, wanted);
    if let (Outcome::Landed { last, .. }, false) = (wanted, durability == Durability::Buffered) {
        assert!(store.durable().get() >= last);
    }
}

fn reopen(home: &mut Home, store: Store, leaving: Leaving, plain: &Plain) -> Store {
    match leaving {
        Leaving::Close => store.close().unwrap(),
        Leaving::Drop => {}
        Leaving::Crash => home.crash(),
    }
    drop(store);
    everything(&home.open_read_only(), plain);
    let store = home.open();
    let ending = store.recovery_report().ending;
    let crashed = matches!(leaving, Leaving::Crash);
    let fits = match ending {
        Ending::New => plain.events.is_empty(),
        // Nothing was written since it was last closed.
        Ending::Closed => true,
        Ending::Whole => crashed,
        _ => false,
    };
    assert!(fits, "{ending:?} after {leaving:?}");
    store
}

/// Asserts that the store has all events and nothing else.
fn everything(store: &Store, plain: &Plain) {
    let positions = (1..=plain.events.len() as u64).collect();
    compare(store.read_all(Read::new()).unwrap(), plain, positions);
    names(store, plain);
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.events, plain.events.len() as u64);
}

/// Asserts that a cursor gives the events at these positions.
fn compare(cursor: Cursor, plain: &Plain, wanted: Vec<u64>) {
    let found: Vec<_> = cursor.map(Result::unwrap).collect();
    let positions: Vec<_> = found.iter().map(|event| event.position.get()).collect();
    assert_eq!(positions, wanted);
    found.iter().for_each(|event| plain.check(event));
}

/// Asserts that a view still shows what there was when it was taken.
fn look_back(view: &View, events: usize, plain: &Plain) {
    let before = Plain { events: plain.events[..events].to_vec() };
    assert_eq!(view.head().get(), events as u64);
    compare(view.all(Read::new()), &before, (1..=events as u64).collect());
    for (nth, stream) in STREAMS.iter().enumerate() {
        assert_eq!(view.stream_version(stream).unwrap().get(), before.version(nth));
    }
    assert_eq!(all(view.streams()), before.streams(None));
}

fn names(store: &Store, plain: &Plain) {
    assert_eq!(all(store.streams().unwrap()), plain.streams(None));
    let mut categories: Vec<_> = plain.streams(None).into_iter().map(category_of).collect();
    categories.sort_unstable();
    categories.dedup();
    assert_eq!(store.categories().unwrap(), categories);
    for category in ["a", "b", "plain", "ü", "nothing"] {
        let found = all(store.streams_of(category).unwrap());
        assert_eq!(found, plain.streams(Some(category)));
    }
    for (nth, stream) in STREAMS.iter().enumerate() {
        assert_eq!(store.stream_version(stream).unwrap().get(), plain.version(nth));
    }
}

/// A range in the store's words: [`Read`] of positions and of versions have no trait in common that
/// has a name.
macro_rules! reads {
    ($name:ident, $number:ty) => {
        fn $name(range: &Range) -> Read<$number> {
            let read = range.from.into_iter().fold(Read::new(), Read::from);
            let read = range.after.into_iter().fold(read, Read::after);
            let read = range.to.into_iter().fold(read, Read::to);
            let read = range.before.into_iter().fold(read, Read::before);
            let read = range.limit.into_iter().fold(read, Read::limit);
            if range.backward { read.backward() } else { read }
        }
    };
}

reads!(of_positions, Position);
reads!(of_versions, Version);

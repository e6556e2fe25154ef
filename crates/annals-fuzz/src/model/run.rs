//! A plan is carried out, on a store and on the list.

use super::plain::{Outcome, Plain};
use super::plan::{KEYS, KeyRange, Leaving, Made, Range, STREAMS, Step};
use annals::storage::MemoryStorage;
use annals::{
    Chore, Cursor, Durability, Ending, Keys, Options, Position, Read, Store, Version, View,
    category_of,
};
use std::sync::Arc;

/// Where the store of a plan is.
pub trait Home {
    /// Opens it.
    fn open(&self) -> Store;

    /// Opens it to look.
    fn open_read_only(&self) -> Store;

    /// From now on it is a copy of what it is now.
    fn crash(&mut self);

    /// A compacted copy, open, where there is room for one.
    fn compacted(&self) -> Option<Store> {
        None
    }
}

/// A store in memory, opened with these options.
pub struct InMemory {
    options: Options,
    device: Arc<MemoryStorage>,
}

impl InMemory {
    pub fn new(options: Options) -> Self {
        Self { options, device: Arc::default() }
    }
}

impl Home for InMemory {
    fn open(&self) -> Store {
        self.options.open_storage(self.device.clone()).unwrap()
    }

    fn open_read_only(&self) -> Store {
        self.options.open_storage_read_only(self.device.clone()).unwrap()
    }

    fn crash(&mut self) {
        self.device = Arc::new(MemoryStorage::from_bytes(self.device.to_bytes()));
    }
}

/// Asserts that a compacted copy has the same; of documents only what is there.
fn compacted(copy: &Store, plain: &Plain) {
    let report = copy.verify().unwrap();
    let there = (0..KEYS.len()).filter(|nth| plain.document(*nth).is_some()).count();
    assert_eq!((report.is_whole(), report.documents), (true, there as u64));
    documents(&copy.view().unwrap(), plain);
    let found: Vec<_> = copy.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
    assert_eq!(found.len(), plain.events.len());
    // A document that is changed now goes on from the revision that it had.
    for nth in (0..KEYS.len()).filter(|nth| plain.document(*nth).is_some()) {
        let revision = plain.document(nth).unwrap().revision;
        assert_eq!(copy.put(KEYS[nth], "").unwrap().revision().get(), revision + 1);
    }
}

/// Carries a plan out; panics where the store is not as the list says.
pub fn run(plan: &[Step], mut home: impl Home) {
    let mut plain = Plain::default();
    let mut store = home.open();
    let mut held = (store.view().unwrap(), plain.clone());
    for step in plan {
        match step {
            Step::Commit(made) => commit(&store, &mut plain, made),
            Step::Again(nth, difference, durability) => {
                if let Some(made) = plain.again(*nth, *difference) {
                    commit(&store, &mut plain, &Made { durability: *durability, ..made });
                }
            }
            Step::Query(ask, range) => {
                let cursor = store.query(&ask.query(), of_positions(range)).unwrap();
                let wanted = plain.range(None, range, |kept| ask.means(kept));
                compare_marked(cursor, &plain, wanted, range);
            }
            Step::Documents(range) => compare_documents(&store, &plain, range),
            Step::ReadAll(range) => {
                let cursor = store.read_all(of_positions(range)).unwrap();
                compare_marked(cursor, &plain, plain.range(None, range, |_| true), range);
            }
            Step::ReadStream(stream, range) => {
                let cursor = store.read_stream(STREAMS[*stream], of_versions(range)).unwrap();
                compare(cursor, &plain, plain.range(Some(*stream), range, |_| true));
            }
            Step::ReadOne(position) => {
                let found = store.event(*position).unwrap();
                let there = *position > 0 && *position <= plain.events.len() as u64;
                assert_eq!(found.is_some(), there);
                found.iter().for_each(|event| plain.check(event));
            }
            Step::View => {
                look_back(&held.0, &held.1);
                held = (store.view().unwrap(), plain.clone());
            }
            Step::Names => names(&store, &plain),
            Step::Index => store.chore(Chore::Index).unwrap(),
            Step::Sync => {
                store.sync().unwrap();
                assert_eq!(store.durable().get(), plain.events.len() as u64);
            }
            Step::Reopen(leaving) => {
                store = reopen(&mut home, store, *leaving, &plain);
                if cfg!(fuzzing) {
                    // A view that outlives its store knows by the checks of pages that they are
                    // another run's by now.
                    held = (store.view().unwrap(), plain.clone());
                }
            }
        }
        assert_eq!(store.head().unwrap().get(), plain.events.len() as u64);
    }
    look_back(&held.0, &held.1);
    everything(&store, &plain);
    store.close().unwrap();
    everything(&home.open_read_only(), &plain);
    everything(&home.open(), &plain);
    home.compacted().iter().for_each(|copy| compacted(copy, &plain));
}

fn commit(store: &Store, plain: &mut Plain, made: &Made) {
    let commit = plain.to_commit(made);
    let outcome = match made.staged {
        false => store.commit(&commit),
        true => store.stage(commit.clone()).and_then(|staged| staged.commit()),
    };
    let outcome = Outcome::from(outcome);
    let wanted = plain.commit(made);
    assert_eq!(outcome, wanted, "{made:?}");
    let durable = made.durability != Durability::Buffered;
    if let (Outcome::Landed { last, .. }, true) = (wanted, durable) {
        assert!(store.durable().get() >= last);
    }
}

/// Asserts that reading by positions gives these, and says up to where it has looked.
fn compare_marked(mut cursor: Cursor, plain: &Plain, wanted: Vec<u64>, range: &Range) {
    let head = plain.events.len() as u64;
    let before =
        range.from.unwrap_or(1).max(range.after.map_or(1, |after| after.saturating_add(1)));
    let before = before.saturating_sub(1);
    let last =
        range.to.unwrap_or(u64::MAX).min(range.before.map_or(u64::MAX, |it| it.saturating_sub(1)));
    let end = last.min(head).max(before);
    let limit = range.limit.unwrap_or(u64::MAX);
    let count = wanted.len() as u64;
    let marker = match range.backward {
        _ if limit == 0 => before,
        true => end,
        false if count == limit => *wanted.last().unwrap(),
        false => end,
    };
    let mut found = Vec::new();
    while let Some(event) = cursor.next_event().unwrap() {
        found.push(event.to_recorded().unwrap());
        let position = event.position;
        if !range.backward {
            assert_eq!(cursor.marker(), position);
        }
    }
    assert_eq!(cursor.marker().get(), marker, "{range:?}");
    assert_eq!(found.iter().map(|event| event.position.get()).collect::<Vec<_>>(), wanted);
    found.iter().for_each(|event| plain.check(event));
}

const PREFIXES: [&str; 3] = ["", "a/", "b"];

/// Asserts that the documents between these keys are those of the list.
fn compare_documents(store: &Store, plain: &Plain, step: &KeyRange) {
    let KeyRange { prefix, after, before, limit, backward } = *step;
    let keys =
        after.iter().fold(Keys::prefix(PREFIXES[prefix]), |keys, nth| keys.after(KEYS[*nth]));
    let keys = before.iter().fold(keys, |keys, nth| keys.before(KEYS[*nth]));
    let keys = limit.into_iter().fold(keys, Keys::limit);
    let keys = if backward { keys.backward() } else { keys };
    let mut wanted: Vec<usize> = (0..KEYS.len())
        .filter(|nth| KEYS[*nth].starts_with(PREFIXES[prefix]))
        .filter(|nth| after.is_none_or(|after| *nth > after))
        .filter(|nth| before.is_none_or(|before| *nth < before))
        .filter(|nth| plain.document(*nth).is_some())
        .collect();
    if backward {
        wanted.reverse();
    }
    wanted.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()));
    let found: Vec<_> = store.documents(&keys).unwrap().map(Result::unwrap).collect();
    let found_keys: Vec<_> = found.iter().map(|document| document.key.as_str()).collect();
    assert_eq!(found_keys, wanted.iter().map(|nth| KEYS[*nth]).collect::<Vec<_>>());
    for (nth, document) in wanted.iter().zip(&found) {
        plain.check_document(*nth, Some(document));
    }
    // Without their values.
    let mut keys = store.documents(keys).unwrap();
    for document in &found {
        let (key, revision) = keys.next_key().unwrap().unwrap();
        assert_eq!((key, revision), (document.key.clone(), document.revision));
    }
    assert_eq!(keys.next_key().unwrap(), None);
}

fn reopen(home: &mut impl Home, store: Store, leaving: Leaving, plain: &Plain) -> Store {
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
    documents(&store.view().unwrap(), plain);
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.events, plain.events.len() as u64);
}

/// Asserts that a view has the documents and nothing else.
fn documents(view: &View, plain: &Plain) {
    let mut there = 0;
    for (nth, key) in KEYS.iter().enumerate() {
        plain.check_document(nth, view.document(key).unwrap().as_ref());
        there += usize::from(plain.document(nth).is_some());
    }
    assert_eq!(view.documents(&Keys::all()).map(Result::unwrap).count(), there);
}

/// Asserts that a cursor gives the events at these positions.
fn compare(cursor: Cursor, plain: &Plain, wanted: Vec<u64>) {
    let found: Vec<_> = cursor.map(Result::unwrap).collect();
    let positions: Vec<_> = found.iter().map(|event| event.position.get()).collect();
    assert_eq!(positions, wanted);
    found.iter().for_each(|event| plain.check(event));
}

/// Asserts that a view still shows what there was when it was taken.
fn look_back(view: &View, before: &Plain) {
    let events = before.events.len() as u64;
    assert_eq!(view.head().get(), events);
    compare(view.all(Read::new()), before, (1..=events).collect());
    documents(view, before);
    for (nth, stream) in STREAMS.iter().enumerate() {
        assert_eq!(view.stream_version(stream).unwrap().get(), before.version(nth));
    }
    assert_eq!(all(view.streams()), before.streams(None));
}

/// The names, all of which can be read.
fn all(names: annals::Names) -> Vec<String> {
    names.map(Result::unwrap).collect()
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

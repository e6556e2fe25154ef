//! The file at the store's path becomes another one, or none, while the store is open.

use crate::fixture::{Place, assert_append_says, assert_says, note, texts};
use annals::storage::{Access, FileStorage, Storage};
use annals::{Clock, Durability, ErrorKind, ExpectedVersion, Options, Store, Timestamp};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that the test turns.
#[derive(Clone, Default)]
struct Turned(Arc<AtomicI64>);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// What happens to the file at the path; where the store's own file is afterwards.
type Fate = fn(&Place) -> Option<PathBuf>;

const FATES: [(&str, Fate); 4] = [
    ("replaced", |place| {
        fs::rename(other_store(place), place.path()).unwrap();
        None
    }),
    ("removed", |place| {
        fs::remove_file(place.path()).unwrap();
        None
    }),
    ("moved", |place| {
        let there = place.file("moved.annals");
        fs::rename(place.path(), &there).unwrap();
        Some(there)
    }),
    ("moved and replaced", |place| {
        let there = place.file("moved.annals");
        fs::rename(place.path(), &there).unwrap();
        fs::rename(other_store(place), place.path()).unwrap();
        Some(there)
    }),
];

fn other_store(place: &Place) -> PathBuf {
    let path = place.file("other.annals");
    let store = Store::open(&path).unwrap();
    store.append("other", 0, [note("not yours")]).unwrap();
    path
}

#[test]
fn appends_to_a_file_that_is_not_there_any_more_are_refused_and_nothing_is_lost() {
    for (fate, befall) in FATES {
        let place = Place::new();
        let store = place.store();
        store.append("a", 0, [note("1"), note("2")]).unwrap();
        let there = befall(&place);
        let at_path = fs::read(place.path()).ok();
        let own = there.as_ref().map(|there| fs::read(there).unwrap());
        for durability in [Durability::Synced, Durability::Strict] {
            let commit = annals::Commit::new().append("a", 2, [note("x")]).durability(durability);
            let refused = store.commit(commit).unwrap_err();
            let words = ["removed, moved or replaced", "nothing was written", "look at the path"];
            assert_append_says(&refused, ErrorKind::Replaced, &words);
        }
        assert_eq!(there.as_ref().map(|there| fs::read(there).unwrap()), own, "{fate}");
        // What was acknowledged is read as before, and no version was used up.
        assert_eq!(texts(&store), ["1", "2"], "{fate}");
        assert_eq!(store.stream_version("a").unwrap().get(), 2);
        assert!(store.verify().unwrap().is_whole(), "{fate}");
        assert!(!store.health().poisoned, "{fate}");
        store.close().unwrap();
        assert_eq!(fs::read(place.path()).ok(), at_path, "{fate}: the other file was touched");
        if let Some(there) = there {
            assert_eq!(texts(&Store::open(there).unwrap()), ["1", "2"]);
        }
        if at_path.is_some() {
            assert_eq!(texts(&Store::open(place.path()).unwrap()), ["not yours"]);
        }
    }
}

#[test]
fn a_store_whose_file_comes_back_goes_on() {
    let place = Place::new();
    let store = place.store();
    store.append("a", 0, [note("1")]).unwrap();
    let away = place.file("away.annals");
    fs::rename(place.path(), &away).unwrap();
    assert_eq!(store.append("a", 1, [note("x")]).unwrap_err().kind(), Some(ErrorKind::Replaced));
    fs::rename(&away, place.path()).unwrap();
    store.append("a", 1, [note("2")]).unwrap();
    drop(store);
    assert_eq!(texts(&place.store()), ["1", "2"]);
}

#[test]
fn buffered_commits_notice_within_a_tenth_of_a_second_and_syncs_at_once() {
    let place = Place::new();
    let clock = Turned::default();
    let options = Options::new().without_keeper().durability(Durability::Buffered);
    let store = options.clock(clock.clone()).open(place.path()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    fs::rename(place.path(), place.file("moved.annals")).unwrap();
    assert_says(&store.sync().unwrap_err(), ErrorKind::Replaced, &["moved"]);
    // A clock that was set back says nothing of how long ago the last look was.
    for time in [100_000, -1, -1_000_000] {
        clock.0.store(time, Ordering::Relaxed);
        let refused = store.append("a", ExpectedVersion::Any, [note("x")]).unwrap_err();
        assert_append_says(&refused, ErrorKind::Replaced, &["moved"]);
    }
    store.close().unwrap();
    assert_eq!(texts(&Store::open(place.file("moved.annals")).unwrap()), ["1"]);
}

#[test]
fn a_moved_store_stays_locked_where_it_is_now() {
    let place = Place::new();
    let store = place.store();
    let moved = place.file("moved.annals");
    fs::rename(place.path(), &moved).unwrap();
    assert_eq!(Store::open(&moved).unwrap_err().kind(), ErrorKind::Locked);
    // The path is free for another store.
    let other = Store::open(place.path()).unwrap();
    other.append("b", 0, [note("other")]).unwrap();
    store.close().unwrap();
    Store::open(&moved).unwrap().append("a", 0, [note("own")]).unwrap();
    other.append("b", 1, [note("more")]).unwrap();
}

/// The path named one file when it was opened and another when the lock was taken: the lock stood
/// on the other file, and the first was written without any.
#[test]
fn a_file_that_is_replaced_before_it_is_locked_is_not_opened() {
    let place = Place::with(&["1"]);
    let storage = FileStorage::open(&place.path(), Access::Map, true).unwrap();
    let moved = place.file("moved.annals");
    fs::rename(place.path(), &moved).unwrap();
    fs::rename(other_store(&place), place.path()).unwrap();
    assert!(storage.try_lock().is_err());
    let before = fs::read(&moved).unwrap();
    let refused = Options::new().open_storage(Arc::new(storage)).unwrap_err();
    assert_says(&refused, ErrorKind::Io, &["locking the store failed", "replaced"]);
    assert_eq!(fs::read(&moved).unwrap(), before);
    for path in [place.path(), moved] {
        Store::open(path).unwrap().append("c", 0, [note("both are free")]).unwrap();
    }
}

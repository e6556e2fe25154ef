//! Backups and compacted copies.

use crate::fixture::{Place, note};
use annals::storage::MemoryStorage;
use annals::{
    Chore, Commit, Durability, Ending, ErrorKind, ExpectedVersion, NewEvent, Options, Read,
    RecordedEvent, Store, Uuid,
};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs, merges and rotations all the time.
fn tiny() -> Options {
    Options::new().segments(4_096, 16_384).tail(20, 16_384)
}

fn events(store: &Store) -> Vec<RecordedEvent> {
    store.read_all(Read::new()).unwrap().map(Result::unwrap).collect()
}

/// Commits of several streams and all kinds of events.
fn fill(store: &Store, commits: u64) {
    for nth in 0..commits {
        let event = |text: String| {
            let event =
                NewEvent::new(format!("Type{}", nth % 3), text).tag(format!("t:{}", nth % 7));
            if nth % 4 == 0 { event.id(Uuid::new_v4()) } else { event }
        };
        let commit = Commit::new()
            .append(format!("a-{}", nth % 9), ExpectedVersion::Any, [event(format!("one {nth}"))])
            .append("b-1", ExpectedVersion::Any, [event("x".repeat(200)), note("three")]);
        store.commit(commit.durability(Durability::Buffered)).unwrap();
    }
}

fn is_alone(path: &Path) -> bool {
    std::fs::read_dir(path.parent().unwrap()).unwrap().count() == 1
}

#[test]
fn a_backup_is_the_same_store_and_opens_without_a_scan() {
    for commits in [0, 1, 5, 300] {
        let place = Place::new();
        let store = tiny().open(place.path()).unwrap();
        fill(&store, commits);
        let to = place.file("backup.annals");
        let report = store.backup_to(&to).unwrap();
        assert_eq!((report.events, report.cancelled), (3 * commits, false));
        assert_eq!(report.bytes, std::fs::metadata(&to).unwrap().len());
        let copy = tiny().open(&to).unwrap();
        let opened = copy.recovery_report();
        assert!(matches!(opened.ending, Ending::Closed | Ending::New), "{:?}", opened.ending);
        assert_eq!((opened.commits, opened.events), (0, 0));
        assert_eq!(copy.id(), store.id());
        assert_eq!(events(&copy), events(&store));
        assert!(copy.verify().unwrap().is_whole());
        // Both go on, each for itself.
        fill(&copy, 40);
        fill(&store, 20);
        assert_eq!(copy.head().unwrap().get(), 3 * (commits + 40));
        assert_eq!(store.head().unwrap().get(), 3 * (commits + 20));
        copy.close().unwrap();
        assert!(tiny().open(&to).unwrap().verify().unwrap().is_whole());
        assert!(store.verify().unwrap().is_whole());
    }
}

#[test]
fn a_store_can_be_backed_up_while_it_is_written() {
    let place = Place::new();
    let store = tiny().open(place.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fill(&store, 10);
            }
        });
        for nth in 0..8 {
            let to = place.file(&format!("{nth}.annals"));
            let before = store.head().unwrap().get();
            let report = store.backup_to(&to).unwrap();
            assert!(report.events >= before);
            let copy = Store::open(&to).unwrap();
            assert_eq!(copy.recovery_report().events, 0);
            assert_eq!(copy.head().unwrap().get(), report.events);
            let wanted = store.read_all(Read::new().to(report.events)).unwrap();
            let wanted: Vec<_> = wanted.map(Result::unwrap).collect();
            assert_eq!(events(&copy), wanted);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_store_that_another_process_may_write_can_be_backed_up_too() {
    let place = Place::new();
    let store = tiny().open(place.path()).unwrap();
    fill(&store, 100);
    store.sync().unwrap();
    let follower = Store::open_read_only(place.path()).unwrap();
    let to = place.file("backup.annals");
    let report = follower.backup_to(&to).unwrap();
    assert_eq!(report.events, follower.head().unwrap().get());
    assert_eq!(events(&Store::open(&to).unwrap()), events(&store));
}

#[test]
fn a_copy_that_is_stopped_leaves_nothing() {
    let place = Place::new();
    let store = tiny().open(place.path()).unwrap();
    fill(&store, 200);
    let other = Place::new();
    for stop_at in [0, 1, 5, 20] {
        let mut told = 0;
        let mut progress = |done: u64, all: u64| {
            assert!(done <= all, "{done} of {all}");
            told += 1;
            if told > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let report = store.backup_to_with(other.path(), &mut progress).unwrap();
        assert!(report.cancelled);
        let report = store.compact_to_with(other.path(), &mut progress).unwrap();
        assert!(report.cancelled);
        assert_eq!(std::fs::read_dir(other.folder()).unwrap().count(), 0);
    }
}

#[test]
fn a_copy_never_replaces_anything() {
    let place = Place::with(&["1"]);
    let store = Store::open(place.path()).unwrap();
    for path in [place.path(), place.folder().to_owned()] {
        assert_eq!(store.backup_to(&path).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(store.compact_to(&path).unwrap_err().kind(), ErrorKind::Io);
    }
    assert!(is_alone(&place.path()));
}

#[test]
fn a_damaged_log_is_not_backed_up_as_if_it_were_whole() {
    let place = Place::new();
    let store = tiny().open(place.path()).unwrap();
    fill(&store, 100);
    store.close().unwrap();
    let mut bytes = place.bytes();
    let at = bytes
        .windows(7)
        .position(|window| window == b"one 50\0")
        .unwrap_or_else(|| bytes.windows(6).position(|window| window == b"one 50").unwrap());
    bytes[at] ^= 1;
    place.put(&bytes);
    let store = tiny().open(place.path()).unwrap();
    let to = place.file("copy.annals");
    assert_eq!(store.backup_to(&to).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.compact_to(&to).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(is_alone(&place.path()));
}

#[test]
fn a_damaged_run_is_whole_in_the_backup() {
    let place = Place::new();
    let store = tiny().open(place.path()).unwrap();
    fill(&store, 100);
    store.close().unwrap();
    let mut bytes = place.bytes();
    // The tag of a run's header, behind the head of its page.
    let at = bytes.windows(4).position(|window| window == b"ANRN").unwrap();
    bytes[at + 4_096] ^= 1;
    place.put(&bytes);
    let store = tiny().without_keeper().open(place.path()).unwrap();
    let to = place.file("copy.annals");
    store.backup_to(&to).unwrap();
    let copy = Store::open(&to).unwrap();
    assert!(copy.verify().unwrap().is_whole());
    assert_eq!(events(&copy), events(&store));
}

#[test]
fn a_compacted_store_has_the_same_events_at_the_same_positions() {
    for commits in [1, 5, 300] {
        let place = Place::new();
        let store = tiny().open(place.path()).unwrap();
        fill(&store, commits / 2);
        store.close().unwrap();
        let store = tiny().open(place.path()).unwrap();
        fill(&store, commits - commits / 2);
        let to = place.file("compact.annals");
        let report = store.compact_to(&to).unwrap();
        assert_eq!((report.commits, report.events), (commits, 3 * commits));
        let copy = Store::open(&to).unwrap();
        assert_ne!(copy.id(), store.id());
        assert_eq!(copy.recovery_report().events, 0);
        let mut wanted = events(&store);
        // Derived ids are written out.
        wanted.iter_mut().for_each(|event| event.id_given = true);
        assert_eq!(events(&copy), wanted);
        assert!(copy.verify().unwrap().is_whole());
        fill(&copy, 10);
        assert_eq!(copy.head().unwrap().get(), 3 * commits + 30);
    }
}

#[test]
fn a_compacted_store_takes_less_room() {
    let place = Place::new();
    let store = Options::new().tail(50, u64::MAX).reserve(1 << 20).open(place.path()).unwrap();
    for _ in 0..40 {
        fill(&store, 50);
        store.chore(Chore::Index).unwrap();
    }
    let to = place.file("compact.annals");
    store.compact_to(&to).unwrap();
    let taken = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).unwrap().blocks() * 512
    };
    let (before, after) = (taken(&place.path()), taken(&to));
    assert!(after * 10 < before * 8, "{after} bytes instead of {before}");
    // Room that is free in it is used again.
    let copy = Store::open(&to).unwrap();
    fill(&copy, 3_000);
    copy.close().unwrap();
    assert!(Store::open(&to).unwrap().verify().unwrap().is_whole());
}

#[test]
fn a_reader_backs_up_what_the_writer_merges_meanwhile() {
    let disk = Arc::new(MemoryStorage::new());
    let options = tiny().without_keeper();
    let store = options.open_storage(disk.clone()).unwrap();
    let more = |commits| {
        fill(&store, commits);
        store.chore(Chore::Index).unwrap();
    };
    (0..30).for_each(|_| more(10));
    let reader = options.open_storage_read_only(disk).unwrap();
    let durable = reader.head().unwrap();
    let place = Place::new();
    let mut told = 0;
    let report = reader.backup_to_with(place.path(), |_, _| {
        told += 1;
        if told == 1 {
            // Every run that the reader knows is merged away, and its room used again.
            (0..60).for_each(|_| more(10));
        }
        ControlFlow::Continue(())
    });
    let report = report.unwrap();
    assert!(told > 1 && report.events >= durable.get());
    let copy = Store::open(place.path()).unwrap();
    assert!(copy.verify().unwrap().is_whole());
    let wanted = store.read_all(Read::new().to(report.events)).unwrap();
    assert_eq!(events(&copy), wanted.map(Result::unwrap).collect::<Vec<_>>());
}

/// Incident: no backup could be made until the next commit. Mechanism: the log ended behind an end
/// record whose next commit was torn, so the copy's slot put the index there, and its last run
/// before it. Fix: the index ends where the last run does.
#[test]
fn a_log_that_ends_with_an_end_record_can_be_backed_up() {
    let options = tiny().tail(1, u64::MAX).without_keeper();
    let disk = Arc::new(MemoryStorage::new());
    let store = options.open_storage(disk.clone()).unwrap();
    let mut tried = 0;
    for nth in 0..60 {
        let text = format!("the commit with the number {nth}");
        let events = [note(text.clone()), note("x".repeat(400))];
        let commit = Commit::new().append("a", 2 * nth, events);
        store.commit(commit.durability(Durability::Buffered)).unwrap();
        let mut bytes = disk.to_bytes();
        let place = bytes.windows(text.len()).rposition(|part| part == text.as_bytes()).unwrap();
        bytes[place] ^= 1;
        let torn = options.open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
        let place = Place::new();
        torn.backup_to(place.path()).unwrap();
        assert_eq!(Store::open(place.path()).unwrap().head().unwrap(), torn.head().unwrap());
        tried += u64::from(torn.head().unwrap() < store.head().unwrap());
        store.chore(Chore::Index).unwrap();
    }
    assert!(tried > 20, "{tried} commits were torn");
}

//! Devices that fail: afterwards nobody knows what is on them, so nothing is written until the
//! store is opened again.

use crate::fixture::{
    Deed, Device, Op, assert_append_says, assert_says, failing_syncs, note, texts,
};
use annals::{
    AppendError, Chore, Commit, Durability, Ending, Error, ErrorKind, Options, Position, Read,
    Store,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn options() -> Options {
    Options::new().without_keeper()
}

/// A store with two synced events and one that is buffered.
fn store_on(device: &Arc<Device>) -> Store {
    let store = options().open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("1"), note("2")]).unwrap();
    store.commit(buffered(2, "3")).unwrap();
    store
}

fn buffered(version: u64, text: &str) -> Commit {
    Commit::new().append("a", version, [note(text)]).durability(Durability::Buffered)
}

fn synced(version: u64, text: &str) -> Commit {
    Commit::new().append("a", version, [note(text)]).durability(Durability::Synced)
}

fn strict(version: u64, text: &str) -> Commit {
    Commit::new().append("a", version, [note(text)]).durability(Durability::Strict)
}

fn failing_writes(op: Op) -> Deed {
    match op {
        Op::Write { .. } => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    }
}

/// A failure whose operation fails, and the commit that meets it.
type Failure = (&'static str, fn(Op) -> Deed, Commit);

fn failures() -> Vec<Failure> {
    vec![
        ("a write", failing_writes, buffered(3, "x")),
        ("a write", failing_writes, synced(3, "x")),
        ("a write", failing_writes, strict(3, "x")),
        ("a sync", failing_syncs, synced(3, "x")),
        ("a sync", failing_syncs, strict(3, "x")),
    ]
}

#[test]
fn a_failure_makes_the_outcome_unknown_and_stops_all_writing() {
    for (what, failing, commit) in failures() {
        let device = Device::new();
        let store = store_on(&device);
        device.orders(failing);
        let refused = store.commit(commit).unwrap_err();
        assert!(matches!(refused, AppendError::OutcomeUnknown(_)), "{what}: {refused:?}");
        assert_append_says(&refused, ErrorKind::OutcomeUnknown, &["failed", "open", "again"]);
        // The device is well again, but what the failure has done is not undone by that.
        device.behaves();
        let before = device.to_bytes();
        for commit in [buffered(3, "y"), synced(3, "y"), strict(3, "y"), synced(99, "y")] {
            let refused = store.commit(commit).unwrap_err();
            assert!(matches!(refused, AppendError::OutcomeUnknown(_)), "{what}: {refused:?}");
        }
        for chore in [Chore::Sync, Chore::Mark, Chore::Prepare] {
            let refused = store.chore(chore).unwrap_err();
            assert_says(&refused, ErrorKind::OutcomeUnknown, &["open it again"]);
        }
        assert_eq!(store.wait_durable(2).map_err(|error| error.kind()), Ok(()));
        let health = store.health();
        assert!(health.poisoned && !health.writable);
        let waited = store.wait(store.head().unwrap(), Duration::from_secs(60));
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert!(store.wake_after(store.head().unwrap(), std::task::Waker::noop()));
        assert_eq!(store.close().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert!(device.to_bytes() == before, "{what}: something was written afterwards");
    }
}

#[test]
fn after_a_failure_reads_go_on_up_to_the_watermark() {
    for (what, failing, commit) in failures() {
        let device = Device::new();
        let store = store_on(&device);
        let old = store.view().unwrap();
        assert_eq!(old.head(), Position::new(3));
        device.orders(failing);
        store.commit(commit).unwrap_err();
        // New views end where everything is known to be synced.
        assert_eq!(texts(&store), ["1", "2"], "{what}");
        assert_eq!(store.head().unwrap(), Position::new(2));
        assert_eq!(store.durable(), Position::new(2));
        assert_eq!(store.stream_version("a").unwrap().get(), 2);
        assert_eq!(store.event(3).unwrap(), None);
        assert_eq!(store.stats().unwrap().events, 2);
        assert!(store.verify().unwrap().is_whole());
        // Older ones saw more: what lies past the watermark is not passed off as known.
        let mut cursor = old.all(Read::new());
        assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"1");
        assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"2");
        assert_says(&cursor.next_event().unwrap_err(), ErrorKind::OutcomeUnknown, &["open it"]);
        assert!(cursor.next_event().unwrap().is_none(), "{what}: it goes on after its error");
        let backward = old.stream("a", Read::new().backward()).next().unwrap();
        assert_eq!(backward.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(old.event(3).unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(old.event(2).unwrap().unwrap().payload, b"2");
    }
}

#[test]
fn after_a_failure_everything_synced_is_there_when_the_store_is_opened_again() {
    for (what, failing, commit) in failures() {
        let device = Device::new();
        let store = store_on(&device);
        device.orders(failing);
        store.commit(commit).unwrap_err();
        device.behaves();
        // In the same process, at once; and after a power cut, which takes what was never synced.
        let cut = Device::from_bytes(device.durable_bytes());
        store.close().unwrap_err();
        for device in [device, cut] {
            let store = options().open_storage(device.clone()).unwrap();
            let ending = store.recovery_report().ending;
            assert!(matches!(ending, Ending::Whole | Ending::Torn), "{what}: {ending:?}");
            let found = texts(&store);
            assert!(found.len() >= 2, "{what}: {found:?}");
            assert_eq!(found, ["1", "2", "3", "x"][..found.len()], "{what}");
            let next = found.len() as u64;
            store.append("a", next, [note("after")]).unwrap();
            assert!(store.verify().unwrap().is_whole());
            store.close().unwrap();
            assert_eq!(texts(&options().open_storage(device).unwrap()).len(), found.len() + 1);
        }
    }
}

#[test]
fn a_failure_while_closing_is_told_and_frees_the_lock() {
    for failing in [failing_writes, failing_syncs] {
        let device = Device::new();
        let store = store_on(&device);
        device.orders(failing);
        let refused = store.close().unwrap_err();
        assert_says(&refused, ErrorKind::OutcomeUnknown, &["open", "again"]);
        device.behaves();
        let again = options().open_storage(device).unwrap();
        assert_eq!(texts(&again), ["1", "2", "3"]);
        // The handles of the first are closed, whatever became of it.
        assert_eq!(store.head().unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[test]
fn a_failure_in_the_background_shows_in_health_and_in_the_next_append() {
    let device = Device::new();
    let options = Options::new().sync_within(Duration::from_millis(5));
    let store = options.open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    device.orders(failing_syncs);
    store.commit(buffered(1, "2")).unwrap();
    let waited = store.wait(2, Duration::from_secs(60));
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let refused = store.commit(buffered(2, "3")).unwrap_err();
    assert!(matches!(refused, AppendError::OutcomeUnknown(_)), "{refused:?}");
    assert!(store.health().poisoned);
    assert_eq!(texts(&store), ["1"]);
}

#[test]
fn a_read_that_fails_is_an_error_and_never_the_end() {
    let device = Device::new();
    store_on(&device).close().unwrap();
    // Each read of opening in turn.
    type Opening = fn(&Options, Arc<Device>) -> Result<Store, Error>;
    let write: Opening = |options, device| options.open_storage(device);
    let look: Opening = |options, device| options.open_storage_read_only(device);
    for opening in [write, look] {
        let mut refused = 0;
        for nth in 0..50 {
            let reads = AtomicUsize::new(0);
            device.orders(move |op| match op {
                Op::Read { .. } if reads.fetch_add(1, Ordering::Relaxed) == nth => {
                    Deed::Fail(io::ErrorKind::Other)
                }
                _ => Deed::Go,
            });
            let before = device.to_bytes();
            let opened = opening(&options(), device.clone());
            device.behaves();
            match opened {
                Ok(store) => assert_eq!(texts(&store), ["1", "2", "3"]),
                Err(error) => {
                    assert_says(&error, ErrorKind::Io, &["store failed"]);
                    assert!(device.to_bytes() == before, "something was written");
                    refused += 1;
                }
            }
        }
        assert!(refused >= 5, "opening reads at least page 0, two slots, a segment and the log");
    }
    let store = options().open_storage(device.clone()).unwrap();
    device.orders(|op| match op {
        Op::Read { .. } => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    let mut cursor = store.read_all(Read::new()).unwrap();
    assert_says(&cursor.next_event().unwrap_err(), ErrorKind::Io, &["reading the index failed"]);
    assert_says(&store.verify().unwrap_err(), ErrorKind::Io, &["reading the store failed"]);
    // Reading has broken nothing.
    device.behaves();
    assert_eq!(texts(&store), ["1", "2", "3"]);
    store.append("a", 3, [note("4")]).unwrap();
}

#[test]
fn short_and_interrupted_reads_writes_and_syncs_go_on_unharmed() {
    let device = Device::new();
    let turn = AtomicUsize::new(0);
    device.orders(move |op| {
        let nth = turn.fetch_add(1, Ordering::Relaxed);
        match op {
            Op::Allocate => Deed::Go,
            Op::Sync if nth.is_multiple_of(3) => Deed::Fail(io::ErrorKind::Interrupted),
            Op::Sync => Deed::Go,
            _ if nth.is_multiple_of(5) => Deed::Fail(io::ErrorKind::Interrupted),
            _ => Deed::Only(1 + nth * 7_919 % 97),
        }
    });
    let options = options().segments(4_096, 8_192);
    let mut wanted = Vec::new();
    for round in 0..4 {
        let store = options.open_storage(device.clone()).unwrap();
        for nth in 0..10 {
            let text = format!("{round}.{nth}:{}", "x".repeat(nth * 61));
            let commit = [buffered, synced, strict][nth % 3](wanted.len() as u64, &text);
            store.commit(commit).unwrap();
            wanted.push(text);
            assert_eq!(texts(&store), wanted);
        }
        assert!(store.verify().unwrap().is_whole());
        // Without closing it every other time.
        if round % 2 == 0 {
            store.close().unwrap();
        }
        let ending = options.open_storage(Device::from_bytes(device.to_bytes())).unwrap();
        assert_eq!(texts(&ending), wanted);
    }
}

#[test]
fn a_device_that_writes_nothing_is_a_failure_not_a_loop() {
    let device = Device::new();
    let store = store_on(&device);
    device.orders(|op| match op {
        Op::Write { .. } => Deed::Only(0),
        _ => Deed::Go,
    });
    let refused = store.commit(synced(3, "x")).unwrap_err();
    assert_append_says(&refused, ErrorKind::OutcomeUnknown, &["writing the log failed"]);
    assert_eq!(texts(&store), ["1", "2"]);
}

//! Devices without room.

use crate::fixture::{Deed, Device, Mounted, Op, assert_append_says, assert_says, note, texts};
use annals::{AppendError, Chore, Durability, ErrorKind, ExpectedVersion, Options, Read, Store};
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

fn full(op: Op) -> Deed {
    if op == Op::Allocate { Deed::Fail(io::ErrorKind::StorageFull) } else { Deed::Go }
}

/// Appends until there is no room; how many events have landed, and what the last one was told.
fn fill(store: &Store, payload: &str, durability: Durability) -> (usize, AppendError) {
    for landed in 0..10_000 {
        let commit = annals::Commit::new().append("a", landed as u64, [note(payload)]);
        if let Err(error) = store.commit(commit.durability(durability)) {
            return (landed, error);
        }
    }
    panic!("the device was never full");
}

#[test]
fn a_full_device_refuses_commits_until_there_is_room_again() {
    for durability in [Durability::Buffered, Durability::Synced, Durability::Strict] {
        let device = Device::new();
        let options = Options::new().without_keeper().segments(4_096, 8_192);
        let store = options.open_storage(device.clone()).unwrap();
        device.orders(full);
        let payload = "x".repeat(700);
        let (landed, refused) = fill(&store, &payload, durability);
        assert!(landed > 2);
        let words = ["taking room", "nothing was written"];
        assert_append_says(&refused, ErrorKind::Full, &words);
        // Reading goes on, and so does what needs no room.
        assert_eq!(texts(&store).len(), landed);
        assert!(store.health().writable && !store.health().poisoned);
        store.append("b", 0, [note("small")]).unwrap();
        let before = device.to_bytes();
        let again = store.append("a", ExpectedVersion::Any, [note(payload.as_str())]);
        assert_eq!(again.unwrap_err().kind(), Some(ErrorKind::Full));
        assert!(device.to_bytes() == before, "a refused commit was written");
        device.behaves();
        let done = store.append("a", landed as u64, [note(payload.as_str())]).unwrap();
        assert_eq!(done.first.get(), landed as u64 + 2);
        assert!(store.verify().unwrap().is_whole());
        store.close().unwrap();
        let again = options.open_storage(device).unwrap();
        assert_eq!(texts(&again).len(), landed + 2);
        assert!(again.verify().unwrap().is_whole());
    }
}

#[test]
fn a_store_closes_cleanly_on_a_full_device() {
    let device = Device::new();
    let options = Options::new().without_keeper().segments(4_096, 4_096);
    let store = options.open_storage(device.clone()).unwrap();
    device.orders(full);
    let (landed, _) = fill(&store, "some words of a certain length", Durability::Buffered);
    store.close().unwrap();
    let again = options.open_storage(device).unwrap();
    assert_eq!(again.recovery_report().ending, annals::Ending::Closed);
    assert_eq!(texts(&again).len(), landed);
}

#[test]
fn a_store_after_a_crash_opens_on_a_full_device() {
    let device = Device::new();
    let options = Options::new().without_keeper().segments(4_096, 4_096);
    let store = options.open_storage(device.clone()).unwrap();
    let (landed, _) = {
        device.orders(full);
        fill(&store, "some words of a certain length", Durability::Synced)
    };
    let crashed = Device::from_bytes(device.to_bytes());
    crashed.orders(full);
    let again = options.open_storage(crashed.clone()).unwrap();
    assert_eq!(texts(&again).len(), landed);
    crashed.behaves();
    again.append("a", landed as u64, [note("x".repeat(500))]).unwrap();
    assert!(again.verify().unwrap().is_whole());
}

#[test]
fn trouble_of_the_background_thread_shows_in_health_until_it_is_over() {
    let device = Device::new();
    // A reserve is prepared in the background as soon as there is an event.
    let store = Options::new().reserve(1 << 16).open_storage(device.clone()).unwrap();
    device.orders(full);
    let begun = Instant::now();
    let append_until = |wanted: bool| {
        while store.health().background.is_some() != wanted {
            assert!(begun.elapsed() < Duration::from_secs(60), "background trouble: not {wanted}");
            store.append("a", ExpectedVersion::Any, [note("x")]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    };
    append_until(true);
    let trouble = store.health().background.unwrap();
    assert_says(&trouble, ErrorKind::Full, &["taking room"]);
    assert!(store.health().writable);
    device.behaves();
    append_until(false);
}

#[test]
fn a_full_disk_refuses_commits_until_there_is_room_again() {
    let Some(disk) = Mounted::new(1 << 20) else { return };
    let path = disk.file("a.annals");
    let store = Store::open(&path).unwrap();
    let mut old = store.read_all(Read::new()).unwrap();
    assert!(old.next().is_none());
    let ballast = disk.file("ballast");
    fs::write(&ballast, vec![7; 300 << 10]).unwrap();
    let payload = "x".repeat(10_000);
    let (landed, refused) = fill(&store, &payload, Durability::Buffered);
    assert!(landed > 2);
    assert_append_says(&refused, ErrorKind::Full, &["taking room", "nothing was written"]);
    assert_eq!(texts(&store).len(), landed);
    store.sync().unwrap();
    let refused = Store::open(disk.file("new.annals")).unwrap_err();
    assert_says(&refused, ErrorKind::Full, &["creating the store", "new.annals"]);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "something was left");

    fs::remove_file(&ballast).unwrap();
    store.append("a", landed as u64, [note(payload.as_str())]).unwrap();
    assert!(store.verify().unwrap().is_whole());
    store.close().unwrap();
    drop(store);
    let again = Store::open(&path).unwrap();
    assert_eq!(texts(&again).len(), landed + 1);
    assert!(again.verify().unwrap().is_whole());
}

#[test]
fn a_reserve_is_room_that_a_full_device_has_given_already() {
    let device = Device::new();
    let options = Options::new().without_keeper().reserve(1 << 20);
    let store = options.open_storage(device.clone()).unwrap();
    store.chore(Chore::Prepare).unwrap();
    assert!(device.to_bytes().len() > 1 << 20);
    device.orders(full);
    let (landed, _) = fill(&store, &"x".repeat(10_000), Durability::Buffered);
    assert!(landed >= (1 << 20) / 10_100, "{landed} events of 10,000 bytes");
    device.behaves();
    store.chore(Chore::Prepare).unwrap();
    assert!(device.to_bytes().len() > 2 << 20);
}

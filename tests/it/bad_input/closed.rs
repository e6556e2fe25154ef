//! A store after `close()`, and one that was opened to look.

use crate::fixture::{Device, Place, assert_append_says, assert_says, note, texts};
use annals::storage::Access;
use annals::{Chore, Durability, Ending, Error, ErrorKind, Options, Read, Store};
use std::ops::ControlFlow;
use std::task::Waker;
use std::time::Duration;

/// What each method that can fail says on this store.
fn all_methods(store: &Store) -> Vec<(&'static str, Result<(), Error>)> {
    let soon = Duration::from_secs(60);
    vec![
        ("view", store.view().map(drop)),
        ("head", store.head().map(drop)),
        ("read_all", store.read_all(Read::new()).map(drop)),
        ("read_stream", store.read_stream("a", Read::new()).map(drop)),
        ("event", store.event(1).map(drop)),
        ("stream_version", store.stream_version("a").map(drop)),
        ("streams", store.streams().map(drop)),
        ("streams_of", store.streams_of("a").map(drop)),
        ("categories", store.categories().map(drop)),
        ("wait", store.wait(99, soon).map(drop)),
        ("stats", store.stats().map(drop)),
        ("verify", store.verify().map(drop)),
        ("verify_with", store.verify_with(|_, _| ControlFlow::Continue(())).map(drop)),
        ("sync", store.sync()),
        ("chore sync", store.chore(Chore::Sync)),
        ("chore mark", store.chore(Chore::Mark)),
        ("chore prepare", store.chore(Chore::Prepare)),
    ]
}

#[test]
fn every_method_of_every_handle_says_that_the_store_was_closed() {
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    let (id, other) = (store.id(), store.clone());
    store.close().unwrap();
    let before = place.bytes();
    for handle in [&store, &other] {
        for (method, said) in all_methods(handle) {
            let error = said.expect_err(method);
            assert_says(&error, ErrorKind::Closed, &["the store was closed"]);
        }
        for durability in [Durability::Buffered, Durability::Synced, Durability::Strict] {
            let commit = annals::Commit::new().append("a", 1, [note("x")]).durability(durability);
            let refused = handle.commit(commit).unwrap_err();
            assert_append_says(&refused, ErrorKind::Closed, &["the store was closed"]);
        }
        // What needs no view still answers, and closing again finds nothing to do.
        assert_eq!(handle.id(), id);
        assert_eq!(handle.durable().get(), 1);
        handle.wait_durable(1).unwrap();
        assert!(!handle.health().writable && !handle.health().poisoned);
        assert_eq!(handle.recovery_report().ending, Ending::New);
        assert!(handle.wake_after(99, Waker::noop()), "nothing will ever wake it");
        handle.close().unwrap();
    }
    assert_eq!(place.bytes(), before);
}

#[test]
fn closing_one_handle_frees_the_lock_at_once() {
    let place = Place::new();
    let mut clones = Vec::new();
    for round in 0..20 {
        let store = Store::open(place.path()).unwrap();
        clones.push((store.clone(), store.read_all(Read::new()).unwrap()));
        store.append("a", round, [note(round.to_string())]).unwrap();
        store.close().unwrap();
    }
    assert_eq!(texts(&place.store()).len(), 20);
}

#[test]
fn the_last_handle_to_go_closes_the_store() {
    let place = Place::new();
    let store = place.store();
    store.append("a", 0, [note("1")]).unwrap();
    let last = store.clone();
    drop(store);
    last.append("a", 1, [note("2")]).unwrap();
    drop(last);
    let store = place.store();
    assert_eq!(store.recovery_report().ending, Ending::Closed);
    assert_eq!(texts(&store), ["1", "2"]);
}

#[test]
fn cursors_and_views_outlive_the_store_and_what_is_appended_later() {
    for access in [Access::Map, Access::Read] {
        let place = Place::new();
        let options = Options::new().access(access).segments(4_096, 8_192);
        let store = options.open(place.path()).unwrap();
        for nth in 0..50 {
            let commit = annals::Commit::new().append("a", nth, [note(nth.to_string())]);
            // The last of them are not synced when the view is taken.
            let buffered = nth > 45;
            let durability = if buffered { Durability::Buffered } else { Durability::Synced };
            store.commit(commit.durability(durability)).unwrap();
        }
        let view = store.view().unwrap();
        let mut half_read = store.read_stream("a", Read::new()).unwrap();
        for _ in 0..25 {
            half_read.next().unwrap().unwrap();
        }
        store.close().unwrap();
        drop(store);
        let again = options.open(place.path()).unwrap();
        for nth in 50..150 {
            again.append("a", nth, [note(nth.to_string())]).unwrap();
        }
        let rest: Vec<_> = half_read.map(|event| event.unwrap().version.get()).collect();
        assert_eq!(rest, (26..=50).collect::<Vec<_>>());
        assert_eq!(view.all(Read::new()).map(Result::unwrap).count(), 50);
        assert_eq!(view.stream_version("a").unwrap().get(), 50);
        assert_eq!(view.event(50).unwrap().unwrap().payload, b"49");
        assert!(view.event(51).unwrap().is_none());
        assert_eq!(again.head().unwrap().get(), 150);
    }
}

#[test]
fn a_closed_store_in_memory_can_be_opened_again_from_its_device() {
    let device = Device::new();
    let store = Options::new().open_storage(device.clone()).unwrap();
    assert_eq!(Options::new().open_storage(device.clone()).unwrap_err().kind(), ErrorKind::Locked);
    store.append("a", 0, [note("1")]).unwrap();
    store.close().unwrap();
    assert_eq!(texts(&Options::new().open_storage(device).unwrap()), ["1"]);
}

#[test]
fn a_store_opened_to_look_refuses_to_append_and_says_what_to_use() {
    let place = Place::with(&["1"]);
    let before = place.bytes();
    let looking = Store::open_read_only(place.path()).unwrap();
    let refused = looking.append("a", 1, [note("x")]).unwrap_err();
    assert_append_says(&refused, ErrorKind::ReadOnly, &["read-only", "Store::open"]);
    for chore in [Chore::Sync, Chore::Mark, Chore::Prepare] {
        let refused = looking.chore(chore).unwrap_err();
        assert_says(&refused, ErrorKind::ReadOnly, &["read-only"]);
    }
    assert!(!looking.health().writable);
    assert_eq!(texts(&looking), ["1"]);
    looking.close().unwrap();
    for (method, said) in all_methods(&looking) {
        let kind = said.expect_err(method).kind();
        let only_to_look = method.starts_with("chore") || method == "sync";
        let wanted = if only_to_look { ErrorKind::ReadOnly } else { ErrorKind::Closed };
        assert_eq!(kind, wanted, "{method}");
    }
    assert_eq!(place.bytes(), before);
}

//! What ends a subscription: closing, failing devices, and the last handle that goes.

use super::{LONG, MOMENT, append, kind, quiet};
use crate::fixture::{Device, Place, failing_syncs};
use annals::toolkit::{Follow, OnError, Port, Running, Subscription, subscribe};
use annals::{Durability, ErrorKind, Options, Store};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

#[test]
fn closing_the_store_ends_the_wait() {
    for follow in [Follow::all(), Follow::all().buffered()] {
        let (store, port) = quiet();
        let mut subscription = Subscription::new(&port, follow.clone()).unwrap();
        let handle = subscribe(&port, "x", follow, OnError::Stop, |_| Ok(())).unwrap();
        let waiting = thread::spawn(move || {
            let error = subscription.next_event(LONG).unwrap_err();
            // Also for somebody who does not wait.
            let again = subscription.next_event(std::time::Duration::ZERO).unwrap_err();
            (kind(&error), kind(&again))
        });
        thread::sleep(MOMENT);
        let begun = Instant::now();
        store.close().unwrap();
        assert_eq!(waiting.join().unwrap(), (Some(ErrorKind::Closed), Some(ErrorKind::Closed)));
        let Running::Failed(error) = handle.wait_ended(LONG) else { panic!("{handle:?}") };
        assert_eq!(kind(&error), Some(ErrorKind::Closed));
        assert_eq!(kind(&handle.stop().unwrap_err()), Some(ErrorKind::Closed));
        assert!(begun.elapsed() < LONG / 2);
    }
}

#[test]
fn what_was_read_before_closing_is_still_given() {
    let (store, port) = quiet();
    (0..10).for_each(|nth| append(&store, &nth.to_string(), Durability::Synced));
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    subscription.next_event(LONG).unwrap().unwrap();
    store.close().unwrap();
    for nth in 2..=10 {
        assert_eq!(subscription.next_event(LONG).unwrap().unwrap().position.get(), nth);
    }
    assert_eq!(kind(&subscription.next_event(LONG).unwrap_err()), Some(ErrorKind::Closed));
    assert_eq!(subscription.position().get(), 10);
    assert!(Subscription::new(&port, Follow::all()).is_err());
}

#[test]
fn a_failed_sync_ends_it_and_nothing_spins() {
    for follow in [Follow::all(), Follow::all().buffered()] {
        let device = Device::new();
        let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
        let port = Port::new(&store);
        append(&store, "1", Durability::Synced);
        let mut subscription = Subscription::new(&port, follow.clone()).unwrap();
        let handle = subscribe(&port, "x", follow, OnError::Stop, |_| Ok(())).unwrap();
        assert!(handle.wait_for(1, LONG).unwrap());
        subscription.next_event(LONG).unwrap().unwrap();
        let waiting = thread::spawn(move || kind(&subscription.next_event(LONG).unwrap_err()));
        thread::sleep(MOMENT);
        device.orders(failing_syncs);
        let commit = annals::Commit::new().event("a", crate::fixture::note("2"));
        store.commit(commit).unwrap_err();
        assert_eq!(waiting.join().unwrap(), Some(ErrorKind::OutcomeUnknown));
        let Running::Failed(error) = handle.wait_ended(LONG) else { panic!("{handle:?}") };
        assert_eq!(kind(&error), Some(ErrorKind::OutcomeUnknown));
        assert_eq!(handle.position().get(), 1);
    }
}

#[test]
fn the_last_handle_to_go_closes_the_store_wherever_it_is() {
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    let handle = subscribe(&Port::new(&store), "x", Follow::all(), OnError::Stop, |_| Ok(()));
    drop(store);
    assert_eq!(Store::open(place.path()).unwrap_err().kind(), ErrorKind::Locked);
    drop(handle.unwrap());
    let store = Store::open(place.path()).unwrap();
    // In the subscription's own thread, by its callback.
    let port = Port::new(&store);
    append(&store, "1", Durability::Synced);
    drop(store);
    let slot = Arc::new(std::sync::Mutex::new(None));
    let own = slot.clone();
    let mut gate = slot.lock().unwrap();
    let handle = subscribe(&port, "x", Follow::all(), OnError::Stop, move |_| {
        drop(own.lock().unwrap().take());
        Ok(())
    });
    drop(port);
    *gate = Some(handle.unwrap());
    drop(gate);
    drop(slot);
    let begun = Instant::now();
    loop {
        match Store::open(place.path()) {
            Ok(store) => break store.close().unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Locked),
        }
        assert!(begun.elapsed() < LONG, "nobody has closed it");
        thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn an_event_that_is_damaged_is_told_each_time_and_never_passed_over() {
    for text in ["rotten payload", "rotten type"] {
        let place = Place::with(&["1"]);
        let store = place.store();
        let event = annals::NewEvent::new("rotten type", "rotten payload");
        store.append("a", 1, [event]).unwrap();
        store.append("a", 2, [crate::fixture::note("3")]).unwrap();
        store.close().unwrap();
        let mut bytes = place.bytes();
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        bytes[found.unwrap()] ^= 4;
        place.put(&bytes);
        let port = Port::new(&place.store());
        let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
        for round in 0..3 {
            let given: Vec<_> = subscription.arriving(MOMENT).collect();
            assert_eq!(given.len(), if round == 0 { 2 } else { 1 });
            let error = given.last().unwrap().as_ref().unwrap_err();
            assert_eq!(kind(error), Some(ErrorKind::Corrupt), "{error}");
            assert_eq!(subscription.position().get(), 1);
        }
        let handle = subscribe(&port, "x", Follow::all(), OnError::Skip, |event| {
            event.event_type()?;
            Ok(())
        });
        let handle = handle.unwrap();
        match text {
            // Lent it is whole, and what the callback fails with is its own matter.
            "rotten type" => assert!(handle.wait_for(3, LONG).unwrap()),
            _ => assert!(matches!(handle.wait_ended(LONG), Running::Failed(_))),
        }
        assert_eq!(handle.position().get(), if text == "rotten type" { 3 } else { 1 });
        #[cfg(feature = "async")]
        {
            use futures_core::Stream;
            let mut stream =
                annals::toolkit::EventStream::new(&port, Follow::all().after(1)).unwrap();
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let mut poll = || std::pin::Pin::new(&mut stream).poll_next(&mut context);
            let std::task::Poll::Ready(Some(Err(error))) = poll() else { panic!("it is damaged") };
            assert_eq!(kind(&error), Some(ErrorKind::Corrupt), "{error}");
            assert!(matches!(poll(), std::task::Poll::Ready(None)));
            assert_eq!(stream.position().get(), 1);
        }
    }
}

//! Models of waiting: nobody waits in vain, and no waker is called under a lock.

use super::{wait, wait_durable_after, wake_after, wake_durable_after};
use crate::engine::Engine;
use crate::engine::races::{commit, open};
use crate::storage::modelled::{Disk, Fails};
use crate::threads::atomic::{AtomicUsize, Ordering};
use crate::threads::{LONG, model, thread};
use crate::words::{Durability, ErrorKind, Position};
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Waits for the first event while this is done. A ring that is lost is a deadlock.
fn wait_while(fails: Fails, act: impl Fn(&Engine) + Send + Sync + Clone + 'static) {
    model(2, move || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        disk.fails(fails);
        let acting = {
            let (engine, act) = (engine.clone(), act.clone());
            thread::spawn(move || act(&engine))
        };
        match wait(&engine, Position::START, 2 * LONG) {
            Ok(head) => assert_eq!(head.get(), 1),
            Err(error) if error.kind() == ErrorKind::Closed => {}
            Err(error) => assert!(fails != Fails::default(), "{error}"),
        }
        acting.join().unwrap();
    });
}

#[test]
fn who_waits_is_woken_by_a_commit() {
    for durability in [Durability::Buffered, Durability::Synced] {
        wait_while(Fails::default(), move |engine| {
            engine.commit(&commit("first", durability)).unwrap();
        });
    }
}

#[test]
fn who_waits_is_woken_by_closing() {
    wait_while(Fails::default(), |engine| engine.close().unwrap());
}

#[test]
fn who_waits_is_woken_by_a_failure() {
    for nth in 0..2 {
        wait_while(Fails { sync: Some(nth), ..Fails::default() }, |engine| {
            assert!(engine.commit(&commit("first", Durability::Synced)).is_err());
        });
    }
}

/// An engine with an event that is visible, which another thread makes durable.
fn syncing() -> (Arc<Engine>, thread::JoinHandle<()>) {
    let engine = open(&Disk::new(&[]));
    engine.commit(&commit("first", Durability::Buffered)).unwrap();
    let own = engine.clone();
    let syncing = thread::spawn(move || own.wait_durable(Position::new(1)).unwrap());
    (engine, syncing)
}

#[test]
fn who_waits_for_what_is_durable_is_woken_by_a_sync() {
    model(2, move || {
        let (engine, syncing) = syncing();
        let durable = wait_durable_after(&engine, Position::START, 2 * LONG).unwrap();
        assert_eq!(durable.get(), 1);
        syncing.join().unwrap();
    });
}

#[test]
fn a_waker_that_waits_for_what_is_durable_is_called_by_a_sync() {
    model(2, move || {
        let (engine, syncing) = syncing();
        let calls = Arc::new(AtomicUsize::new(0));
        let user = Arc::new(User { engine: engine.clone(), calls: calls.clone() });
        let is_there = wake_durable_after(&engine, Position::START, &Waker::from(user));
        syncing.join().unwrap();
        let calls = calls.load(Ordering::Relaxed);
        assert!(calls == 1 || calls == 0 && is_there, "called {calls} times, {is_there}");
        engine.close().unwrap();
    });
}

/// A waker that uses the store: were it called under a lock, it would stop there for ever.
struct User {
    engine: Arc<Engine>,
    calls: Arc<AtomicUsize>,
}

impl Wake for User {
    fn wake(self: Arc<Self>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.engine.view().is_ok() {
            let _ = self.engine.commit(&commit("second", Durability::Synced));
        }
        let _ = self.engine.close();
    }
}

#[test]
fn a_waker_is_called_once_and_may_use_the_store() {
    for durability in [Durability::Buffered, Durability::Strict] {
        model(2, move || {
            let engine = open(&Disk::new(&[]));
            let committing = {
                let engine = engine.clone();
                thread::spawn(move || drop(engine.commit(&commit("first", durability)).unwrap()))
            };
            let calls = Arc::new(AtomicUsize::new(0));
            let user = Arc::new(User { engine: engine.clone(), calls: calls.clone() });
            let is_there = wake_after(&engine, Position::START, &Waker::from(user));
            committing.join().unwrap();
            let calls = calls.load(Ordering::Relaxed);
            assert!(calls == 1 || calls == 0 && is_there, "called {calls} times, {is_there}");
            engine.close().unwrap();
        });
    }
}

//! Many threads on one state.

use super::with_account;
use crate::fixture::Place;
use crate::toolkit::bank::{Ask, Moved, Refused, codec, deposited, port};
use annals::toolkit::{
    Boundary, Decider, Evolve, ExecuteError, Port, Repository, Retry, SnapshotPolicy, Snapshots,
};
use annals::{Query, QueryItem, Store};
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn threads_that_change_one_state_lose_no_update_and_never_break_a_rule() {
    const THREADS: u64 = 4;
    const EACH: u64 = 60;
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    let snapshots = Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(7)).keep(2);
    let bank =
        with_account(&Port::new(&store), &[20]).snapshots(snapshots).retry(Retry::new(9_999));
    let (came, went) = (AtomicU64::new(20), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (bank, came, went) = (&bank, &came, &went);
            scope.spawn(move || {
                for nth in 0..EACH {
                    let cents = thread * 3 + nth % 17;
                    if nth % 3 == 0 {
                        bank.execute("1", &Ask::Deposit(cents)).unwrap();
                        came.fetch_add(cents, Ordering::Relaxed);
                    } else {
                        match bank.execute("1", &Ask::Withdraw(cents)) {
                            Ok(_) => _ = went.fetch_add(cents, Ordering::Relaxed),
                            Err(error) => assert!(error.refusal().is_some(), "{error:?}"),
                        }
                    }
                }
            });
        }
    });
    let left = came.load(Ordering::Relaxed) - went.load(Ordering::Relaxed);
    assert_eq!(bank.load("1").unwrap().state.cents, left);
    // Event by event, there never was less than nothing.
    let mut cents = 0_u64;
    for past in bank.events_after("1", 0).unwrap() {
        match past.unwrap().event {
            Moved::Deposited { cents: more } => cents += more,
            Moved::Withdrawn { cents: less } => cents = cents.checked_sub(less).unwrap(),
            _ => {}
        }
    }
    assert_eq!(cents, left);
    assert!(store.verify().unwrap().is_whole());
}

/// Seats that threads run for: what is given is tagged, and goes to streams of the threads' own.
struct Seats;

impl Evolve for Seats {
    type State = u64;
    type Event = Moved;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, taken: &mut u64, _: &Moved) {
        *taken += 1;
    }
}

impl Decider for Seats {
    type Command = u64;
    type Refusal = Refused;

    fn decide(&self, taken: &u64, seats: &u64) -> Result<Vec<Moved>, Refused> {
        if taken < seats { Ok(vec![deposited(100)]) } else { Err(Refused::NotOpen) }
    }
}

#[test]
fn threads_over_one_tag_break_no_rule_whatever_streams_they_write() {
    const SEATS: u64 = 50;
    let port = port();
    let snapshots = Snapshots::new("seats", 1).unwrap().policy(SnapshotPolicy::Every(10));
    let seats = Repository::new(&port, "seats", Seats, codec()).unwrap();
    let seats = seats.snapshots(snapshots).retry(Retry::new(9_999));
    let given: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let seats = &seats;
                scope.spawn(move || {
                    let query = Query::from(QueryItem::new().tag("large"));
                    let boundary = Boundary::query("large", query, format!("seats-{thread}"));
                    let mut given = 0;
                    loop {
                        match seats.execute(&boundary, &SEATS) {
                            Ok(_) => given += 1,
                            Err(ExecuteError::Refused(_)) => return given,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(given.iter().sum::<u64>(), SEATS);
    assert_eq!(port.head().unwrap().get(), SEATS);
    for (thread, given) in given.iter().enumerate() {
        assert_eq!(seats.version(&thread.to_string()).unwrap().get(), *given);
    }
}

//! Snapshots made anew.

use super::{NEWEST, every, save, used, versions};
use crate::toolkit::bank::{Bank, bank, port};
use annals::toolkit::{Interceptor, Received, Repository, SnapshotWrite, ToolError};
use annals::{Commit, RecordedEvent};
use std::ops::ControlFlow;
use std::sync::Mutex;

/// Deletes all snapshots as soon as the first event is read through it.
struct Deletes(Mutex<Option<Repository<Bank>>>);

impl Interceptor for Deletes {
    fn read(&self, _: &Received<'_>) -> Result<Option<RecordedEvent>, annals::toolkit::Failure> {
        if let Some(bank) = self.0.lock().unwrap().take() {
            assert_eq!(bank.rebuild("1", 0)?.snapshots, 1);
        }
        Ok(None)
    }
}

/// Incident: a rebuild deletes snapshots that nobody trusts, while a load has begun with one of
/// them. Mechanism: the load then writes one of what it made of that. Fix: a snapshot is written
/// only over the one that the load has seen.
#[test]
fn what_was_made_of_a_snapshot_that_is_gone_does_not_come_back() {
    let port = port();
    let own = bank(&port).snapshots(every(1));
    save(&own, "1", 4);
    own.load("1").unwrap();
    let text = String::from_utf8(port.document(NEWEST).unwrap().unwrap().value).unwrap();
    let wrong = text.replace(r#""cents":6"#, r#""cents":666"#);
    port.commit(Commit::new().put(NEWEST, wrong)).unwrap();
    save(&own, "1", 1);

    let slow = port.clone().intercept(Deletes(Mutex::new(Some(own.clone()))));
    let loaded = bank(&slow).snapshots(every(1)).load("1").unwrap();
    assert_eq!(loaded.state.cents, 670, "it began with what it had no reason to doubt");
    assert!(matches!(loaded.written, SnapshotWrite::Overtaken), "{loaded:?}");
    assert_eq!(own.load("1").unwrap().state.cents, 10);
}

#[test]
fn a_rebuild_writes_one_after_every_so_many_events_and_at_the_end() {
    let port = port();
    let bank = bank(&port).snapshots(every(1_000_000).keep(9));
    save(&bank, "1", 10);
    port.commit(Commit::new().put(NEWEST, "rubbish")).unwrap();
    for (every, kept) in [(4, vec![4, 8, 10]), (5, vec![5, 10]), (0, vec![10]), (99, vec![10])] {
        let rebuilt = bank.rebuild("1", every).unwrap();
        assert_eq!((rebuilt.states, rebuilt.events), (1, 10));
        assert_eq!(rebuilt.snapshots, kept.len() as u64);
        assert_eq!(versions(&bank.list_snapshots("1").unwrap()), kept, "every {every}");
        assert_eq!(used(&bank.load("1").unwrap()), Some(10));
    }
    let none = bank.rebuild("none", 1).unwrap();
    assert_eq!((none.events, none.snapshots), (0, 0));
    assert_eq!(bank.list_snapshots("none").unwrap(), []);
}

#[test]
fn a_rebuild_of_all_tells_how_far_it_is_and_can_be_stopped() {
    let port = port();
    let bank = bank(&port).snapshots(every(1_000_000));
    for id in ["a", "b", "c"] {
        save(&bank, id, 4);
    }
    port.append("account", 0, [crate::fixture::note("no account's")]).unwrap();
    port.append("accounts-1", 0, [crate::fixture::note("another category's")]).unwrap();
    let mut told = Vec::new();
    let done = bank.rebuild_all(0, |now| {
        told.push((now.stream.to_owned(), now.done, now.of, now.so_far.events));
        ControlFlow::Continue(())
    });
    let done = done.unwrap();
    assert_eq!((done.states, done.events, done.snapshots, done.cancelled), (3, 12, 3, false));
    let expected = [("account-a", 1, 4), ("account-b", 2, 8), ("account-c", 3, 12)];
    let expected = expected.map(|(name, done, events)| (name.to_owned(), done, 3, events));
    assert_eq!(told, expected);

    bank.prune_snapshots("b", 0).unwrap();
    bank.prune_snapshots("c", 0).unwrap();
    let stop = |now: &annals::toolkit::RebuildProgress<'_>| match now.done {
        2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let done = bank.rebuild_all(0, stop).unwrap();
    assert_eq!((done.states, done.cancelled), (2, true));
    assert_eq!(used(&bank.load("b").unwrap()), Some(4));
    assert_eq!(used(&bank.load("c").unwrap()), None);
    // Stopped behind the last one, it is done.
    let done = bank.rebuild_all(0, |now| match now.done {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(!done.unwrap().cancelled);
    let panicked = bank.rebuild_all(0, |_| panic!("no more"));
    assert!(matches!(panicked.unwrap_err(), ToolError::Panicked { .. }));
}

//! Poison: a write or a sync fails while others commit and read.

use super::{beside, commit, open, texts};
use crate::engine::Chore;
use crate::storage::modelled::{Disk, Fails};
use crate::threads::{model, thread};
use crate::words::{AppendError, Durability};

/// Commits of three threads, one of which fails at some point. What each is told has to hold for
/// what a power cut leaves, and for what the store shows.
fn one_fails(fails: Fails) {
    model(2, move || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        engine.commit(&commit("zero", Durability::Synced)).unwrap();
        disk.fails(fails);
        let try_to = |(text, durability): (&'static str, Durability)| {
            let engine = engine.clone();
            move || match engine.commit(&commit(text, durability)) {
                Ok(_) => Some((text, durability)),
                Err(AppendError::OutcomeUnknown(_)) => None,
                Err(error) => panic!("{error}"),
            }
        };
        let others = [("first", Durability::Synced), ("second", Durability::Buffered)];
        let others = others.map(try_to).map(thread::spawn);
        let mut told = vec![try_to(("third", Durability::Synced))()];
        told.extend(others.map(|other| other.join().unwrap()));
        let told: Vec<_> = told.into_iter().flatten().collect();
        let poisoned = engine.core.is_poisoned();
        for (text, durability) in &told {
            let synced = *durability == Durability::Synced;
            assert!(!synced || disk.has_durably(text.as_bytes()), "{text} is lost");
        }
        let shown = texts(&engine.view().unwrap());
        if poisoned {
            assert!(shown.iter().all(|text| disk.has_durably(text.as_bytes())), "{shown:?}");
            assert!(engine.commit(&commit("late", Durability::Synced)).is_err());
            assert!(!disk.bytes().windows(4).any(|bytes| bytes == b"late"));
        }
        for (text, durability) in told {
            let known = !poisoned || durability == Durability::Synced;
            assert!(!known || shown.iter().any(|shown| shown == text), "{text} is not shown");
        }
        let left = texts(&open(&Disk::new(&disk.durable())).view().unwrap());
        assert!(left.starts_with(&shown) || !poisoned && shown.starts_with(&left), "{left:?}");
    });
}

#[test]
fn after_a_failed_sync_nobody_is_acknowledged_and_nobody_waits_for_ever() {
    for nth in 0..2 {
        one_fails(Fails { sync: Some(nth), ..Fails::default() });
    }
}

#[test]
fn after_a_failed_write_nobody_is_acknowledged_and_nobody_waits_for_ever() {
    for nth in 0..3 {
        one_fails(Fails { write: Some(nth), ..Fails::default() });
    }
}

/// One who marks a slot syncs, too, and not in turn with those who commit. After a failed sync he
/// would be told that all is well.
#[test]
fn after_a_failed_sync_no_other_is_believed() {
    for nth in 0..2 {
        model(2, move || {
            let disk = Disk::new(&[]);
            let engine = open(&disk);
            engine.commit(&commit("zero", Durability::Synced)).unwrap();
            disk.fails(Fails { sync: Some(nth), ..Fails::default() });
            let marking = beside(&engine, |engine| drop(engine.chore(Chore::Mark)));
            let landed = engine.commit(&commit("one", Durability::Synced)).is_ok();
            marking.join().unwrap();
            assert!(!landed || disk.has_durably(b"one"));
            let shown = texts(&engine.view().unwrap());
            assert!(shown.iter().all(|text| disk.has_durably(text.as_bytes())), "{shown:?}");
            let left = texts(&open(&Disk::new(&disk.durable())).view().unwrap());
            assert!(left.starts_with(&shown), "{left:?}");
        });
    }
}

/// A view that was taken before, and one that is taken meanwhile, end at what is known.
#[test]
fn a_view_past_a_failure_shows_nothing_that_is_not_known() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        engine.commit(&commit("zero", Durability::Synced)).unwrap();
        disk.fails(Fails { sync: Some(0), ..Fails::default() });
        let committing = {
            let engine = engine.clone();
            thread::spawn(move || {
                engine.commit(&commit("buffered", Durability::Buffered)).unwrap();
                assert!(engine.commit(&commit("synced", Durability::Synced)).is_err());
            })
        };
        let view = engine.view().unwrap();
        assert_eq!(view.place(view.head).unwrap().unwrap().position, view.head);
        let mut fetch = view.core.fetch(view.segments.clone(), crate::engine::READ_ONE);
        let last = view.place(view.head).unwrap().unwrap();
        let read = view.event(&mut fetch, last).map(|event| event.payload.to_vec());
        match read {
            Ok(payload) => assert!(payload == b"zero" || payload == b"buffered"),
            Err(error) => assert!(engine.core.is_poisoned(), "{error}"),
        }
        committing.join().unwrap();
        assert_eq!(texts(&engine.view().unwrap()), ["zero"]);
        // What the older view has past that is not known to anybody.
        drop(fetch);
        let mut fetch = view.core.fetch(view.segments.clone(), crate::engine::READ_ONE);
        let again = view.event(&mut fetch, last).map(|event| event.payload.to_vec());
        assert!(again.is_err() || last.position.get() == 1);
    });
}

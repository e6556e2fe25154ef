//! Closing, against everybody else. The disk stops a model in which anything is written after the
//! lock was given back.

use super::{TEXTS, append, beside, commit, open, open_with, settings, small, texts};
use crate::engine::Chore;
use crate::engine::settings::Settings;
use crate::storage::modelled::{Disk, Fails};
use crate::threads::{model, thread};
use crate::words::{AppendError, Durability, ErrorKind};

/// Two close while one commits. Whoever has closed can open again at once, and finds what was
/// acknowledged, and nothing that was refused.
fn close_against(durability: Durability, keeper: bool) {
    model(2, move || {
        let disk = Disk::new(&[]);
        let engine = open_with(&disk, Settings { keeper, ..settings() });
        engine.commit(&commit("zero", Durability::Buffered)).unwrap();
        let committing = {
            let engine = engine.clone();
            thread::spawn(move || match engine.commit(&commit("one", durability)) {
                Ok(_) => true,
                Err(AppendError::Other(error)) if error.kind() == ErrorKind::Closed => false,
                Err(error) => panic!("{error}"),
            })
        };
        let closing = {
            let (engine, disk) = (engine.clone(), disk.clone());
            thread::spawn(move || {
                engine.close().unwrap();
                assert!(disk.is_free());
            })
        };
        engine.close().unwrap();
        assert!(disk.is_free());
        let landed = committing.join().unwrap();
        closing.join().unwrap();
        let wanted = if landed { vec!["zero", "one"] } else { vec!["zero"] };
        for bytes in [disk.bytes(), disk.durable()] {
            let again = open(&Disk::new(&bytes));
            assert_eq!(texts(&again.view().unwrap()), wanted);
            assert_eq!(again.report().ending, crate::engine::Ending::Closed);
        }
    });
}

#[test]
fn closing_finishes_a_synced_commit_or_refuses_it() {
    close_against(Durability::Synced, false);
}

#[test]
fn closing_finishes_a_buffered_commit_or_refuses_it() {
    close_against(Durability::Buffered, false);
}

#[test]
fn closing_finishes_a_strict_commit_or_refuses_it() {
    close_against(Durability::Strict, false);
}

#[test]
fn closing_sends_the_keeper_home() {
    close_against(Durability::Buffered, true);
}

/// Whoever was about to take room for the next segment finds the store closed.
#[test]
fn closing_turns_away_who_takes_room() {
    model(2, || {
        let disk = Disk::new(&[]);
        // With a reserve, room is due as soon as there is none besides that in use.
        let engine = open_with(&disk, Settings { reserve: 1, ..settings() });
        let long = ["one", "two"].map(|name| format!("{name} {}", "x".repeat(2_500)));
        append(&engine, &long.each_ref().map(String::as_str));
        let preparing = beside(&engine, |engine| drop(engine.chore(Chore::Prepare)));
        engine.close().unwrap();
        assert!(disk.is_free());
        preparing.join().unwrap();
        assert_eq!(texts(&open(&Disk::new(&disk.bytes())).view().unwrap()), long);
    });
}

/// A store that is poisoned is closed too, and nothing is written by anybody after that.
#[test]
fn closing_after_a_failure_waits_for_whoever_writes() {
    for fails in
        [Fails { write: Some(0), ..Fails::default() }, Fails { sync: Some(0), ..Fails::default() }]
    {
        model(2, move || {
            let disk = Disk::new(&[]);
            let engine = open(&disk);
            engine.commit(&commit("zero", Durability::Synced)).unwrap();
            disk.fails(fails);
            let committers = [("one", Durability::Strict), ("two", Durability::Synced)];
            let committers = committers.map(|(text, durability)| {
                let (engine, disk) = (engine.clone(), disk.clone());
                thread::spawn(move || {
                    let landed = engine.commit(&commit(text, durability)).is_ok();
                    assert!(!landed || disk.has_durably(text.as_bytes()));
                })
            });
            drop(engine.close());
            assert!(disk.is_free());
            committers.into_iter().for_each(|committer| committer.join().unwrap());
            assert!(texts(&open(&Disk::new(&disk.durable())).view().unwrap()).len() <= 3);
        });
    }
}

/// A run is being written by whoever noticed that the index lags, and somebody else's sync fails.
#[test]
fn closing_after_a_failure_waits_for_a_run_that_is_being_written() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open_with(&disk, small());
        append(&engine, &TEXTS[..1]);
        engine.chore(Chore::Sync).unwrap();
        disk.fails(Fails { sync: Some(0), ..Fails::default() });
        let indexing = beside(&engine, |engine| drop(engine.chore(Chore::Index)));
        let failing = beside(&engine, |engine| {
            drop(engine.commit(&commit("synced", Durability::Synced)));
        });
        drop(engine.close());
        assert!(disk.is_free());
        indexing.join().unwrap();
        failing.join().unwrap();
    });
}

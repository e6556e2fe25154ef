//! Publication and group commit.

use super::{TEXTS, append, beside, commit, image, open, settings, texts};
use crate::engine::Chore;
use crate::storage::modelled::Disk;
use crate::threads::{model, thread};
use crate::words::{
    AppendError, Commit, Durability, ExpectedVersion, NewEvent, Query, QueryItem, Timestamp,
};
use std::sync::Arc;

/// One leads, and names the next. The disk sees to it that no two sync at a time.
#[test]
fn who_is_acknowledged_is_synced_and_nobody_waits_for_ever() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        let commit_synced = |text: &'static str| {
            let (engine, disk) = (engine.clone(), disk.clone());
            move || {
                engine.commit(&commit(text, Durability::Synced)).unwrap();
                assert!(disk.has_durably(text.as_bytes()), "{text} was acknowledged");
            }
        };
        let others = ["second", "third"].map(commit_synced).map(thread::spawn);
        commit_synced("first")();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(texts(&engine.view().unwrap()).len(), 3);
    });
}

/// A sync makes durable what was written before it began, and nothing else.
#[test]
fn what_is_written_while_a_sync_runs_is_not_durable_by_it() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        append(&engine, &TEXTS[..1]);
        let syncing = beside(&engine, |engine| engine.chore(Chore::Sync).unwrap());
        append(&engine, &TEXTS[1..2]);
        syncing.join().unwrap();
        let durable = usize::try_from(engine.durable().get()).unwrap();
        assert!(TEXTS[..durable].iter().all(|text| disk.has_durably(text.as_bytes())));
    });
}

/// Whatever a view shows, it has the position's place and the event, and nothing before it is
/// missing; what was to be synced is.
#[test]
fn a_view_at_any_moment_is_a_prefix_and_finds_all_of_it() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        engine.commit(&commit("zero", Durability::Synced)).unwrap();
        let committers = [("synced", Durability::Synced), ("buffered", Durability::Buffered)];
        let committers = committers.map(|(text, durability)| {
            let engine = engine.clone();
            thread::spawn(move || drop(engine.commit(&commit(text, durability)).unwrap()))
        });
        let mut before = Vec::new();
        for _ in 0..2 {
            let view = engine.view().unwrap();
            let now = texts(&view);
            assert!(now.starts_with(&before), "{before:?}, then {now:?}");
            let is_visible = now.iter().any(|text| text == "synced");
            assert!(!is_visible || disk.has_durably(b"synced"), "{now:?}");
            before = now;
        }
        committers.into_iter().for_each(|committer| committer.join().unwrap());
        assert_eq!(texts(&engine.view().unwrap()).len(), 3);
    });
}

/// What one reader finds stable in a map, another borrows.
#[test]
fn readers_borrow_what_others_have_found_stable() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        engine.commit(&commit("zero", Durability::Synced)).unwrap();
        let committing = {
            let engine = engine.clone();
            thread::spawn(move || {
                engine.commit(&commit("one", Durability::Synced)).unwrap();
                assert_eq!(texts(&engine.view().unwrap()), ["zero", "one"]);
            })
        };
        let now = texts(&engine.view().unwrap());
        assert_eq!(now, ["zero", "one"][..now.len()]);
        committing.join().unwrap();
    });
}

/// A refusal rests on a commit that may be in flight: it is given when that is visible, and durable
/// if it is to be.
#[test]
fn who_is_refused_sees_why() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        let compete = |text: &'static str| {
            let (engine, disk) = (engine.clone(), disk.clone());
            move || {
                let event = NewEvent::new("Noted", text);
                let commit = Commit::new().append("a", ExpectedVersion::NoStream, [event]);
                let result = engine.commit(&commit);
                assert_eq!(engine.view().unwrap().head.get(), 1, "{result:?}");
                let won = match result {
                    Ok(_) => true,
                    Err(AppendError::Conflict(_)) => false,
                    Err(error) => panic!("{error}"),
                };
                let there = ["one", "two"].map(|text| disk.has_durably(text.as_bytes()));
                assert_eq!(there, ["one", "two"].map(|other| won == (other == text)));
                won
            }
        };
        let other = thread::spawn(compete("two"));
        assert_ne!(compete("one")(), other.join().unwrap());
    });
}

/// The same, where the refusal rests on what a query reads in the log: it may have its place there,
/// and not be written.
#[test]
fn who_is_refused_by_what_the_log_says_sees_why() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        let since = Timestamp::from_micros(0);
        let noted = Query::from(QueryItem::new().event_type("Noted").since(since));
        let compete = |text: &'static str| {
            let (engine, noted) = (engine.clone(), noted.clone());
            move || {
                let commit = commit(text, Durability::Buffered).fail_if_events_match(noted, 0);
                let result = engine.commit(&commit);
                assert_eq!(engine.view().unwrap().head.get(), 1, "{result:?}");
                match result {
                    Ok(_) => true,
                    Err(AppendError::ConditionFailed(_)) => false,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let other = thread::spawn(compete("two"));
        assert_ne!(compete("one")(), other.join().unwrap());
    });
}

/// Two threads make the same commit, which has ids: it lands once, and both are told where, when it
/// is durable.
#[test]
fn who_retries_is_told_what_is_durable() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        let event = NewEvent::new("Noted", "once").id(uuid::Uuid::from_u128(1));
        let commit = Arc::new(Commit::new().append("a", ExpectedVersion::NoStream, [event]));
        let retry = || {
            let (engine, disk, commit) = (engine.clone(), disk.clone(), commit.clone());
            move || {
                let done = engine.commit(&commit).unwrap();
                assert!(disk.has_durably(b"once"));
                (done.first, done.replayed)
            }
        };
        let other = thread::spawn(retry());
        let (own, other) = (retry()(), other.join().unwrap());
        assert_eq!(own.0, other.0);
        assert_ne!(own.1, other.1);
        assert_eq!(texts(&engine.view().unwrap()), ["once"]);
    });
}

/// The log goes on in a new segment, which one of them takes room for while the others commit and
/// read.
#[test]
fn a_view_reads_on_from_one_segment_to_the_next() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open(&disk);
        let long = |name| format!("{name} {}", "x".repeat(2_500));
        engine.commit(&commit(&long("zero"), Durability::Synced)).unwrap();
        let committing = |text: String, durability| {
            let engine = engine.clone();
            thread::spawn(move || drop(engine.commit(&commit(&text, durability)).unwrap()))
        };
        let others = [
            committing(long("one"), Durability::Synced),
            committing(long("two"), Durability::Buffered),
        ];
        let now = texts(&engine.view().unwrap());
        assert!(
            now.iter().all(|text| text.starts_with("two") || disk.has_durably(text.as_bytes()))
        );
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(texts(&engine.view().unwrap()).len(), 3);
        let left = open(&Disk::new(&disk.bytes()));
        assert_eq!(texts(&left.view().unwrap()).len(), 3);
    });
}

/// Who leads a sync has a step of preparing room go with it, while others commit and write slots.
/// The first commit of a small file is so large that room for more is due from then on.
#[test]
fn room_is_prepared_by_who_syncs_while_another_marks_a_slot() {
    let large = || format!("large {}", "x".repeat(90_000));
    let bytes = image(settings(), move |engine| append(engine, &[&large()]));
    model(1, move || {
        let disk = Disk::new(&bytes);
        let engine = open(&disk);
        let commit_synced = |text: &'static str| {
            let (engine, disk) = (engine.clone(), disk.clone());
            move || {
                engine.commit(&commit(text, Durability::Synced)).unwrap();
                assert!(disk.has_durably(text.as_bytes()), "{text} was acknowledged");
            }
        };
        commit_synced("zero")();
        let other = thread::spawn(commit_synced("one"));
        let marking = beside(&engine, |engine| engine.chore(Chore::Mark).unwrap());
        commit_synced("two")();
        other.join().unwrap();
        marking.join().unwrap();
        commit_synced("three")();
        let side = engine.write_side().unwrap();
        assert_eq!(side.slots.lock().prepared.len(), 1);
        let left = open(&Disk::new(&disk.bytes()));
        assert_eq!(texts(&left.view().unwrap()).len(), 5);
    });
}

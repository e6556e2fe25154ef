//! One writer, in whatever process.

use super::child::Other;
use crate::fixture::{Place, assert_says, note, texts};
use annals::{Ending, ErrorKind, Store};

#[test]
fn a_second_writer_in_another_process_is_told_who_has_the_store() {
    let place = Place::with(&["1"]);
    let mut other = Other::start("hold", &place.path(), 0);
    let before = place.bytes();
    let refused = Store::open(place.path()).unwrap_err();
    let process = format!("process {}", other.id());
    assert_says(&refused, ErrorKind::Locked, &[&process, "close it there", "read-only"]);
    assert_eq!(refused.holder(), Some(other.id()));
    assert_eq!(place.bytes(), before);
    // Looking is no trouble, for either.
    let looking = Store::open_read_only(place.path()).unwrap();
    assert_eq!(looking.recovery_report().ending, Ending::InUse);
    assert_eq!(texts(&looking), ["1"]);
    assert_eq!(other.ask("go"), "closed");
    let store = Store::open(place.path()).unwrap();
    assert_eq!(store.recovery_report().ending, Ending::Closed);
    store.append("a", 1, [note("2")]).unwrap();
    assert_eq!(texts(&looking), ["1", "2"]);
}

#[test]
fn another_process_is_told_that_this_one_has_the_store() {
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    let mut other = Other::start("open", &place.path(), 0);
    let answer = other.ask("write");
    let wanted = format!("Locked Some({})", std::process::id());
    assert!(answer.starts_with(&wanted), "{answer}");
    assert_eq!(other.ask("look"), "opened at 1");
    store.append("a", 1, [note("2")]).unwrap();
    store.close().unwrap();
    assert_eq!(other.ask("write"), "opened at 2");
    let refused = Store::open(place.path()).unwrap_err();
    assert_eq!(refused.holder(), Some(other.id()));
}

#[test]
fn the_lock_of_a_killed_process_is_free_at_once() {
    let place = Place::with(&["1"]);
    for _ in 0..5 {
        let mut other = Other::start("hold", &place.path(), 0);
        assert_eq!(Store::open(place.path()).unwrap_err().kind(), ErrorKind::Locked);
        other.kill();
        assert_eq!(texts(&Store::open(place.path()).unwrap()), ["1"]);
    }
}

#[test]
fn of_many_who_make_a_store_at_once_one_has_it_and_the_others_are_told() {
    for _ in 0..5 {
        let place = Place::new();
        let mut others: Vec<_> = (0..4).map(|_| Other::start("open", &place.path(), 0)).collect();
        others.iter_mut().for_each(|other| other.tell("write"));
        let answers: Vec<_> = others.iter_mut().map(Other::hears).collect();
        let opened = answers.iter().filter(|answer| *answer == "opened at 0").count();
        assert_eq!(opened, 1, "{answers:?}");
        let told = answers.iter().filter(|answer| answer.starts_with("Locked")).count();
        assert_eq!(told, 3, "{answers:?}");
        assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 1);
    }
}

#[test]
fn readers_that_ask_whether_a_writer_lives_do_not_keep_writers_out() {
    let place = Place::with(&["1"]);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..200 {
                        assert_eq!(texts(&Store::open_read_only(place.path()).unwrap()), ["1"]);
                    }
                })
            })
            .collect();
        while readers.iter().any(|reader| !reader.is_finished()) {
            Store::open(place.path()).unwrap().close().unwrap();
        }
    });
}

//! Staged commits: two phases.

use crate::fixture::{Device, note};
use annals::{
    AppendError, Commit, ErrorKind, Keys, NewEvent, Options, Query, QueryItem, Read, Store,
};
use std::time::Duration;

#[test]
fn nothing_of_a_staged_commit_is_visible_before_it_is_committed() {
    let device = Device::new();
    let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("x").tag("t")]).unwrap();
    let before = device.to_bytes();
    let commit = Commit::new().append("a", 1, [note("y").tag("t")]).put("k", "v");
    let staged = store.stage(commit.clone()).unwrap();
    assert_eq!(store.head().unwrap().get(), 1);
    assert_eq!(store.stream_version("a").unwrap().get(), 1);
    assert_eq!(store.documents(Keys::all()).unwrap().count(), 0);
    let tagged = Query::from(QueryItem::new().tag("t"));
    assert_eq!(store.query(&tagged, Read::new()).unwrap().count(), 1);
    assert_eq!(store.wait(1, Duration::ZERO).unwrap().get(), 1);
    assert!(device.to_bytes() == before, "staging has written");
    // Dropping it rolls it back: it has used up nothing.
    drop(staged);
    store.stage(commit.clone()).unwrap().roll_back();
    assert!(device.to_bytes() == before, "rolling back has written");
    let done = store.stage(commit).unwrap().commit().unwrap();
    assert_eq!((done.marker().get(), done.version().get(), done.revision().get()), (2, 2, 1));
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn staging_checks_what_can_not_be_and_committing_what_does_not_hold() {
    let store = Store::in_memory().unwrap();
    assert!(matches!(store.stage(Commit::new()), Err(AppendError::Empty)));
    let nameless = Commit::new().event("", note("x"));
    assert!(matches!(store.stage(nameless), Err(AppendError::Invalid(_))));
    let large = Commit::new().event("a", NewEvent::new("T", vec![0; (64 << 20) + 1]));
    assert!(matches!(store.stage(large), Err(AppendError::Limit(_))));

    // Both are staged on version 0; who commits first wins.
    let race = |text: &str| store.stage(Commit::new().append("a", 0, [note(text)])).unwrap();
    let (first, second) = (race("first"), race("second"));
    second.commit().unwrap();
    assert_eq!(first.commit().unwrap_err().conflict().unwrap().current.get(), 1);
    // Conditions and ids are looked at when it is committed, too.
    let all = Commit::new().event("b", note("x")).fail_if_events_match(Query::all(), 1);
    let staged = store.stage(all).unwrap();
    let same = Commit::new().event("c", note("y")).with_ids();
    let (one, two) = (store.stage(same.clone()).unwrap(), store.stage(same).unwrap());
    assert!(!one.commit().unwrap().replayed);
    assert!(two.commit().unwrap().replayed);
    assert!(matches!(staged.commit(), Err(AppendError::ConditionFailed(_))));
    assert_eq!(store.head().unwrap().get(), 2);
}

#[test]
fn a_commit_may_be_staged_in_one_thread_and_committed_in_another() {
    let store = Store::in_memory().unwrap();
    let staged = store.stage(Commit::new().append("a", 0, [note("x")])).unwrap();
    std::thread::spawn(move || staged.commit().unwrap()).join().unwrap();
    assert_eq!(store.head().unwrap().get(), 1);
}

#[test]
fn what_is_staged_when_the_store_is_closed_can_not_be_committed() {
    let store = Store::in_memory().unwrap();
    let staged = store.stage(Commit::new().append("a", 0, [note("x")])).unwrap();
    store.close().unwrap();
    assert_eq!(staged.commit().unwrap_err().kind(), Some(ErrorKind::Closed));
    let late = store.stage(Commit::new().append("a", 0, [note("x")])).unwrap_err();
    assert_eq!(late.kind(), Some(ErrorKind::Closed));
}

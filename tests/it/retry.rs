//! Retry: the same ids as a commit that landed.

use crate::fixture::{Deed, Device, Op, Place, note};
use annals::storage::MemoryStorage;
use annals::{
    AppendError, Appended, Chore, Commit, Difference, Durability, ExpectedVersion, IdCheck,
    IdConflict, Invalid, NewEvent, Options, Query, QueryItem, Read, Store, Uuid,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn with_id(id: u128) -> NewEvent {
    note(id.to_string()).id(Uuid::from_u128(id))
}

#[track_caller]
fn conflict(result: Result<Appended, AppendError>) -> IdConflict {
    match result.unwrap_err() {
        AppendError::IdConflict(conflict) => conflict,
        other => panic!("{other:?}"),
    }
}

/// Asserts that a commit landed before as this, and writes nothing now.
#[track_caller]
fn replays(store: &Store, commit: &Commit, landed: &Appended) {
    let before = (store.head().unwrap(), store.stats().unwrap().log_bytes);
    let again = store.commit(commit).unwrap();
    assert!(again.replayed);
    assert_eq!((again.first, again.last), (landed.first, landed.last));
    assert_eq!((&again.versions, &again.revisions), (&landed.versions, &landed.revisions));
    assert_eq!((store.head().unwrap(), store.stats().unwrap().log_bytes), before);
}

/// Commits with every expectation, each of which would be refused if it were made once more.
fn commits() -> Vec<Commit> {
    let name = Query::from(QueryItem::new().tag("name:ann"));
    let commits = vec![
        Commit::new().append("a", ExpectedVersion::NoStream, [note("1"), note("2")]),
        Commit::new().append("a", 2, [note("3")]).append("b", 0, [note("4")]),
        Commit::new().append("a", ExpectedVersion::Any, [note("5")]).expect("b", 1),
        Commit::new().append("b", 1, [note("6")]).expect("a", ExpectedVersion::StreamExists),
        Commit::new().event("c", note("7").tag("name:ann")).fail_if_exists(name.clone()),
        Commit::new().event("c", note("8").tag("name:ann")).fail_if_events_match(name, 7),
        Commit::new().event("c", note("9")).put_over("state", 0, "first").delete("nothing"),
        Commit::new().event("a", note("10")).event("c", note("11")).event("a", note("12")),
        Commit::new().event("c", note("13")).put_over("state", 1, "second"),
    ];
    commits.into_iter().map(Commit::with_ids).collect()
}

#[test]
fn a_retry_succeeds_for_every_expectation_with_the_original_numbers() {
    let store = Store::in_memory().unwrap();
    let landed: Vec<_> =
        commits().into_iter().map(|commit| (store.commit(&commit).unwrap(), commit)).collect();
    assert_eq!(store.head().unwrap().get(), 13);
    for (landed, commit) in &landed {
        assert!(!landed.replayed);
        replays(&store, commit, landed);
    }
    assert_eq!(store.document("state").unwrap().unwrap().value, b"second");
}

#[test]
fn a_retry_succeeds_after_restarts_runs_and_merges() {
    let memory = Arc::new(MemoryStorage::new());
    let options = || Options::new().without_keeper().segments(4_096, 16_384).tail(3, u64::MAX);
    let mut store = options().open_storage(memory.clone()).unwrap();
    let mut landed = Vec::new();
    for (nth, commit) in commits().into_iter().enumerate() {
        landed.push((store.commit(&commit).unwrap(), commit));
        store.chore(Chore::Index).unwrap();
        if nth % 3 == 2 {
            store.close().unwrap();
            store = options().open_storage(memory.clone()).unwrap();
        }
    }
    for nth in 0..200_u64 {
        store.append("noise", nth, [note("x").id(Uuid::new_v4())]).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    assert!(store.stats().unwrap().index.levels > 1, "merged more than once");
    for (landed, commit) in &landed {
        replays(&store, commit, landed);
    }
    // As a killed process leaves it, and another version of the same program finds it.
    let bytes = memory.to_bytes();
    let store = options().open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
    for (landed, commit) in &landed {
        replays(&store, commit, landed);
    }
}

#[test]
fn a_prefix_of_a_landed_commit_is_a_replay() {
    let store = Store::in_memory().unwrap();
    store.append("z", 0, [note("before")]).unwrap();
    let whole = [with_id(1), with_id(2), with_id(3)];
    store.append("a", 0, whole.clone()).unwrap();
    for count in 1..=3 {
        let again = store.append("a", 0, whole[..count].to_vec()).unwrap();
        assert!(again.replayed);
        assert_eq!((again.first.get(), again.last.get()), (2, 1 + count as u64));
        assert_eq!(again.version().get(), count as u64);
    }
    // What does not begin where it began is no prefix.
    let refused = conflict(store.append("a", 0, whole[1..].to_vec()));
    assert_eq!((refused.id, refused.position.get()), (Uuid::from_u128(2), 3));
    assert_eq!(refused.difference, Difference::Event);
}

#[test]
fn a_superset_of_a_landed_commit_is_an_error_of_its_own() {
    let store = Store::in_memory().unwrap();
    store.append("a", 0, [with_id(1), with_id(2)]).unwrap();
    let refused = conflict(store.append("a", 0, [with_id(1), with_id(2), with_id(3)]));
    assert_eq!(refused.difference, Difference::Longer);
    assert!(refused.to_string().contains("more events"), "{refused}");
    // Also where the rest would be another stream's, or has no id.
    let commit = Commit::new().append("a", 0, [with_id(1), with_id(2)]).event("b", note("x"));
    assert_eq!(conflict(store.commit(commit)).difference, Difference::Longer);
    assert_eq!(store.head().unwrap().get(), 2);
}

#[test]
fn the_same_ids_under_another_stream_are_that_error() {
    let store = Store::in_memory().unwrap();
    store.append("a", 0, [with_id(1)]).unwrap();
    let refused = conflict(store.append("b", 0, [with_id(1)]));
    assert_eq!((refused.id, refused.difference), (Uuid::from_u128(1), Difference::Event));
    assert!(refused.to_string().contains("position 1 already"), "{refused}");
}

#[test]
fn a_mix_that_no_retry_explains_is_that_error() {
    let store = Store::in_memory().unwrap();
    store.append("a", 0, [with_id(1), with_id(2)]).unwrap();
    store.append("a", 2, [with_id(3), note("no id")]).unwrap();
    for events in [
        // Of two commits; in another order; one of them new; one without its id.
        vec![with_id(1), with_id(3)],
        vec![with_id(2), with_id(1)],
        vec![with_id(9), with_id(1)],
        vec![with_id(1), with_id(9)],
        vec![with_id(1), note("2")],
        vec![note("1"), with_id(2)],
        vec![with_id(3), with_id(9)],
    ] {
        let refused = conflict(store.append("a", ExpectedVersion::Any, events.clone()));
        assert_eq!(refused.difference, Difference::Event, "{events:?}");
    }
    // One without an id where there was none is the same.
    let again = store.append("a", 2, [with_id(3), note("no id")]).unwrap();
    assert!(again.replayed);
    assert_eq!(store.head().unwrap().get(), 4);
}

#[test]
fn a_retry_has_to_change_the_same_documents() {
    let store = Store::in_memory().unwrap();
    let commit = |key: &str| Commit::new().event("a", with_id(1)).put(key, "x");
    store.commit(commit("k")).unwrap();
    assert!(store.commit(commit("k")).unwrap().replayed);
    assert!(store.append("a", 0, [with_id(1)]).unwrap().replayed, "fewer are a prefix");
    assert_eq!(conflict(store.commit(commit("other"))).difference, Difference::Document);
}

#[test]
fn two_events_of_a_commit_have_different_ids() {
    let store = Store::in_memory().unwrap();
    let refused = store.append("a", 0, [with_id(7), with_id(7)]).unwrap_err();
    let AppendError::Invalid(invalid) = refused else { panic!("{refused:?}") };
    assert_eq!(invalid, Invalid::IdTwice { id: Uuid::from_u128(7) });
}

#[test]
fn without_the_check_an_id_may_be_there_twice() {
    let store = Store::in_memory().unwrap();
    let commit = || Commit::new().event("a", with_id(1)).id_check(IdCheck::Off);
    for position in 1..=3 {
        let done = store.commit(commit()).unwrap();
        assert!(!done.replayed);
        assert_eq!(done.first.get(), position);
    }
    assert_eq!(store.event_by_id(Uuid::from_u128(1)).unwrap().unwrap().position.get(), 1);
    // With the check, any of them explains a retry.
    let twice = Commit::new().event("a", with_id(5)).event("a", with_id(1));
    store.commit(twice.clone().id_check(IdCheck::Off)).unwrap();
    assert_eq!(store.commit(&twice).unwrap().first.get(), 4);
}

#[test]
fn an_event_is_found_by_its_id_given_or_derived() {
    let place = Place::new();
    let options = Options::new().without_keeper().segments(4_096, 16_384).tail(5, u64::MAX);
    let store = options.open(place.path()).unwrap();
    for nth in 0..50_u64 {
        let event = if nth % 2 == 0 { with_id(nth.into()) } else { note("x") };
        store.append("a", nth, [event]).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    let events: Vec<_> = store.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
    for event in &events {
        assert_eq!(store.event_by_id(event.id).unwrap().as_ref(), Some(event));
    }
    assert_eq!(store.event_by_id(Uuid::from_u128(999)).unwrap(), None);
    assert_eq!(store.event_by_id(Uuid::new_v4()).unwrap(), None);
    // Of another store.
    let other = Store::in_memory().unwrap();
    other.append("a", 0, [note("x")]).unwrap();
    let foreign = other.event(1).unwrap().unwrap().id;
    assert_eq!(store.event_by_id(foreign).unwrap(), None);
    // The copy has the same ids, all of them given.
    let copy = place.file("copy.annals");
    store.compact_to(&copy).unwrap();
    let copy = Store::open(copy).unwrap();
    for event in &events {
        assert_eq!(copy.event_by_id(event.id).unwrap().unwrap().position, event.position);
    }
}

#[test]
fn a_retry_is_as_durable_as_it_asks_to_be() {
    let device = Device::new();
    let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
    let commit = Commit::new().append("a", 0, [note("x")]).with_ids();
    store.commit(commit.clone().durability(Durability::Buffered)).unwrap();
    assert_eq!(store.durable().get(), 0);
    assert!(store.commit(commit.clone().durability(Durability::Buffered)).unwrap().replayed);
    assert_eq!(store.durable().get(), 0);
    assert!(store.commit(commit.clone().durability(Durability::Synced)).unwrap().replayed);
    assert_eq!(store.durable().get(), 1);
    assert!(store.commit(commit.durability(Durability::Strict)).unwrap().replayed);
    let left = MemoryStorage::from_bytes(device.durable_bytes());
    let left = Options::new().open_storage(Arc::new(left)).unwrap();
    assert_eq!(left.head().unwrap().get(), 1);
}

/// A sync fails, nobody knows what landed; whoever opens the store again and retries lands once.
#[test]
fn after_an_unknown_outcome_a_retry_lands_once() {
    for landed in [false, true] {
        let device = Device::new();
        let options = Options::new().without_keeper();
        let store = options.open_storage(device.clone()).unwrap();
        store.append("a", 0, [note("first")]).unwrap();
        let commit = Commit::new().append("a", 1, [note("second")]).with_ids();
        let syncs = AtomicUsize::new(0);
        device.orders(move |op| match op {
            Op::Sync if syncs.fetch_add(1, Ordering::Relaxed) == 0 => {
                Deed::Fail(io::ErrorKind::Other)
            }
            _ => Deed::Go,
        });
        let unknown = store.commit(&commit).unwrap_err();
        assert!(matches!(unknown, AppendError::OutcomeUnknown(_)), "{unknown:?}");
        // The power is cut; the device has what was durable, or what was written as well.
        let bytes = if landed { device.to_bytes() } else { device.durable_bytes() };
        let store = options.open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
        let again = store.commit(&commit).unwrap();
        assert_eq!(again.replayed, landed);
        assert_eq!((again.first.get(), store.head().unwrap().get()), (2, 2));
    }
}

/// All threads retry the same commits: each lands once, and all learn the same positions.
#[test]
fn racing_retries_land_once() {
    let place = Place::new();
    let store = Options::new().tail(20, u64::MAX).open(place.path()).unwrap();
    let commits: Vec<Commit> = (0..100_u64)
        .map(|nth| {
            let commit = Commit::new().event(format!("s-{}", nth % 7), note(nth.to_string()));
            let commit = commit.put(format!("k/{nth}"), "x").with_ids();
            commit.durability(if nth % 4 == 0 { Durability::Synced } else { Durability::Buffered })
        })
        .collect();
    let learnt: Vec<Vec<(u64, u64, bool)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    commits
                        .iter()
                        .map(|commit| {
                            let done = store.commit(commit).unwrap();
                            (done.first.get(), done.revision().get(), done.replayed)
                        })
                        .collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(store.head().unwrap().get(), 100);
    for nth in 0..commits.len() {
        let first = learnt[0][nth].0;
        assert!(learnt.iter().all(|thread| (thread[nth].0, thread[nth].1) == (first, 1)));
        let landed = learnt.iter().filter(|thread| !thread[nth].2).count();
        assert_eq!(landed, 1, "commit {nth}");
    }
    assert!(store.verify().unwrap().is_whole());
}

//! Documents: state beside the events.

use crate::fixture::{Place, assert_append_says, note};
use annals::storage::{Access, MemoryStorage};
use annals::{
    AppendError, Chore, Commit, DocumentConflict, Durability, ErrorKind, Invalid, Keys, Limit,
    Options, Position, Read, Revision, Store,
};
use std::sync::Arc;

fn value(store: &Store, key: &str) -> Option<String> {
    let document = store.document(key).unwrap();
    document.map(|document| String::from_utf8(document.value).unwrap())
}

fn keys(store: &Store, keys: Keys) -> Vec<String> {
    store.documents(keys).unwrap().map(|document| document.unwrap().key).collect()
}

#[track_caller]
fn conflict(result: Result<annals::Appended, AppendError>) -> DocumentConflict {
    match result.unwrap_err() {
        AppendError::DocumentConflict(conflict) => conflict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_has_the_revision_and_the_head_of_its_commit() {
    let store = Store::in_memory().unwrap();
    let done = store.put("a", "1").unwrap();
    assert_eq!((done.revision(), done.first.get(), done.last.get()), (Revision::new(1), 1, 0));
    let commit = Commit::new().append("s", 0, [note("x"), note("y")]).put("a", "2").put("b", "1");
    let done = store.commit(commit).unwrap();
    assert_eq!(done.revisions, [("a".into(), Revision::new(2)), ("b".into(), Revision::new(1))]);
    let document = store.document("a").unwrap().unwrap();
    assert_eq!((document.revision.get(), document.head.get()), (2, 2));
    assert_eq!(document.recorded, store.event(2).unwrap().unwrap().recorded);
    // It takes no position.
    assert_eq!(store.head().unwrap(), Position::new(2));
    store.put("a", "3").unwrap();
    assert_eq!(store.document("a").unwrap().unwrap().head, Position::new(2));
    assert_eq!(store.append("s", 2, [note("z")]).unwrap().first.get(), 3);
}

#[test]
fn put_and_delete_over_a_revision_ask_for_that_one() {
    let store = Store::in_memory().unwrap();
    let over = |revision: u64| store.commit(Commit::new().put_over("a", revision, "x"));
    let found = conflict(over(1));
    assert_eq!((found.expected, found.current), (Revision::new(1), Revision::NONE));
    assert!(found.to_string().contains("does not exist"), "{found}");
    over(0).unwrap();
    let found = conflict(over(0));
    assert_eq!((found.key.as_str(), found.expected, found.current.get()), ("a", Revision::NONE, 1));
    assert!(found.to_string().contains("not to exist, but is at revision 1"), "{found}");
    over(1).unwrap();
    conflict(store.commit(Commit::new().delete_over("a", 1)));
    store.commit(Commit::new().delete_over("a", 2)).unwrap();
    assert_eq!(store.document("a").unwrap(), None);
    // What is deleted is not there, and its revisions are not given again.
    conflict(store.commit(Commit::new().delete_over("a", 3)));
    assert_eq!(over(0).unwrap().revision().get(), 4);
}

#[test]
fn a_document_that_is_only_expected_guards_the_commit_and_is_not_changed() {
    let store = Store::in_memory().unwrap();
    store.put("a", "1").unwrap();
    let guarded = |revision: u64| {
        store.commit(Commit::new().event("s", note("x")).expect_document("a", revision))
    };
    conflict(guarded(0));
    conflict(guarded(2));
    assert_eq!(guarded(1).unwrap().revisions, []);
    assert_eq!(store.document("a").unwrap().unwrap().revision.get(), 1);
    let absent = Commit::new().event("s", note("x")).expect_document("b", 0);
    store.commit(absent).unwrap();
}

#[test]
fn a_refused_commit_changes_no_document_and_no_stream() {
    let store = Store::in_memory().unwrap();
    store.put("a", "1").unwrap();
    let commit = Commit::new().event("s", note("x")).put("a", "2").put_over("b", 1, "1");
    conflict(store.commit(commit));
    let stale = Commit::new().append("s", 7, [note("x")]).put("a", "2");
    assert!(store.commit(stale).unwrap_err().conflict().is_some());
    assert_eq!((value(&store, "a").as_deref(), store.head().unwrap().get()), (Some("1"), 0));
    assert_eq!(store.put("a", "2").unwrap().revision().get(), 2);
}

#[test]
fn nothing_in_a_value_is_interpreted() {
    let place = Place::new();
    let store = place.store();
    // A checkpoint beyond the head is a number like any other.
    store.put("checkpoint", u64::MAX.to_le_bytes()).unwrap();
    let all: Vec<u8> = (0..=255).collect();
    store.put("all", all.clone()).unwrap();
    store.put("empty", "").unwrap();
    store.put("like a frame", [&b"ANFR"[..], &[0; 92]].concat()).unwrap();
    store.close().unwrap();
    let store = place.store();
    assert_eq!(store.document("checkpoint").unwrap().unwrap().value, u64::MAX.to_le_bytes());
    assert_eq!(store.document("all").unwrap().unwrap().value, all);
    assert_eq!(value(&store, "empty").as_deref(), Some(""));
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn documents_survive_runs_merges_reopening_and_killed_processes() {
    for access in [Access::Map, Access::Read] {
        let place = Place::new();
        let options = || {
            let options = Options::new().without_keeper().segments(4_096, 16_384);
            options.tail(10, u64::MAX).access(access)
        };
        let mut store = options().open(place.path()).unwrap();
        for round in 0..6_u64 {
            for nth in 0..40_u64 {
                let commit = Commit::new()
                    .put(format!("k/{:02}", nth % 13), format!("{round}/{nth}"))
                    .durability(Durability::Buffered);
                let commit = if nth % 3 == 0 { commit.event("s", note("x")) } else { commit };
                store.commit(commit).unwrap();
                if nth % 7 == 6 {
                    store.chore(Chore::Index).unwrap();
                }
            }
            store.delete(format!("k/{:02}", round)).unwrap();
            let before: Vec<_> =
                store.documents(Keys::all()).unwrap().map(Result::unwrap).collect();
            match round % 3 {
                0 => store.close().unwrap(),
                1 => {
                    // As a killed process leaves it.
                    let bytes = place.bytes();
                    store.close().unwrap();
                    place.put(&bytes);
                }
                _ => {}
            }
            if round % 3 < 2 {
                store = options().open(place.path()).unwrap();
            }
            let after: Vec<_> = store.documents(Keys::all()).unwrap().map(Result::unwrap).collect();
            assert_eq!(after, before);
            assert!(store.verify().unwrap().is_whole());
            let looked = Store::open_read_only(place.path()).unwrap();
            assert_eq!(looked.document("k/12").unwrap(), store.document("k/12").unwrap());
        }
        // Six rounds of 40 puts over 13 keys, each of six deleted once.
        let document = store.document("k/12").unwrap().unwrap();
        assert_eq!((document.revision.get(), document.value), (18, b"5/38".to_vec()));
        assert_eq!(store.document("k/05").unwrap(), None);
    }
}

#[test]
fn a_view_shows_documents_as_they_were_when_it_was_taken() {
    let place = Place::new();
    let options = Options::new().without_keeper().segments(4_096, 16_384).tail(5, u64::MAX);
    let store = options.open(place.path()).unwrap();
    let mut views = Vec::new();
    for nth in 0..60_u64 {
        views.push((store.view().unwrap(), nth));
        store.put("a", nth.to_string()).unwrap();
        if nth % 4 == 3 {
            store.chore(Chore::Index).unwrap();
        }
    }
    store.close().unwrap();
    // Another writer gives the room of merged runs to others.
    let next = options.open(place.path()).unwrap();
    for nth in 60..200_u64 {
        next.put("a", nth.to_string()).unwrap();
        next.chore(Chore::Index).unwrap();
    }
    for (view, before) in views {
        let document = view.document("a").unwrap();
        let found = document.map(|document| String::from_utf8(document.value).unwrap());
        assert_eq!(found, before.checked_sub(1).map(|nth| nth.to_string()), "after {before}");
        assert_eq!(view.documents(&Keys::all()).count() as u64, before.min(1));
    }
}

#[test]
fn keys_are_listed_in_the_order_of_their_bytes_from_runs_and_memory_alike() {
    let options = Options::new().without_keeper().segments(4_096, 65_536).tail(64, u64::MAX);
    let store = options.in_memory().unwrap();
    // Some 3,000 keys, in an order that is not theirs.
    let mut wanted: Vec<String> =
        (0..3_000_u64).map(|nth| format!("k/{}", nth * 7 % 3_000)).collect();
    for some in wanted.chunks(50) {
        let commit = some.iter().fold(Commit::new(), |commit, key| commit.put(&**key, ""));
        store.commit(commit).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    for nth in (0..3_000).step_by(3) {
        store.delete(format!("k/{nth}")).unwrap();
    }
    wanted.retain(|key| key[2..].parse::<u64>().unwrap() % 3 != 0);
    wanted.sort_unstable();
    assert_eq!(keys(&store, Keys::all()), wanted);
    let mut down = keys(&store, Keys::prefix("k/").backward());
    down.reverse();
    assert_eq!(down, wanted);
    // Page by page, as a program lists them.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = keys(&store, Keys::prefix("k/1").after(&*after).limit(100));
        let Some(last) = page.last() else { break };
        after = last.clone();
        paged.extend(page);
    }
    let with_1: Vec<_> = wanted.iter().filter(|key| key.starts_with("k/1")).cloned().collect();
    assert_eq!(paged, with_1);
    assert_eq!(
        keys(&store, Keys::prefix("k/1").backward().limit(1)),
        [with_1.last().unwrap().as_str()]
    );
    assert_eq!(keys(&store, Keys::all().limit(0)), [""; 0]);
    assert_eq!(keys(&store, Keys::prefix("nothing")), [""; 0]);
    assert_eq!(keys(&store, Keys::all().after("k/9").before("k/0")), [""; 0]);
}

#[test]
fn a_document_of_64_mib_is_the_largest() {
    let store = Options::new().durability(Durability::Buffered).in_memory().unwrap();
    let most = Limit::Value.allowed();
    let large = vec![7; most as usize];
    store.put("a", large.clone()).unwrap();
    let mut larger = large;
    larger.push(7);
    let refused = store.put("b", larger).unwrap_err();
    let AppendError::Limit(limit) = &refused else { panic!("{refused:?}") };
    assert_eq!((limit.limit, limit.allowed, limit.given), (Limit::Value, most, most + 1));
    assert_eq!(store.document("a").unwrap().unwrap().value.len() as u64, most);
    assert_eq!(store.document("b").unwrap(), None);
}

#[test]
fn keys_are_1_to_1024_bytes_without_nul_and_named_once_in_a_commit() {
    let store = Store::in_memory().unwrap();
    let refused = |commit: Commit| match store.commit(commit).unwrap_err() {
        AppendError::Invalid(invalid) => invalid,
        other => panic!("{other:?}"),
    };
    let what = "document key";
    assert_eq!(refused(Commit::new().put("", "x")), Invalid::EmptyName { what });
    assert_eq!(refused(Commit::new().delete("a\0b")), Invalid::NulInName { what });
    let twice = Commit::new().put("a", "1").expect_document("a", 0);
    assert_eq!(refused(twice), Invalid::DocumentTwice { key: "a".to_owned() });
    let longest = "ü".repeat(512);
    store.put(&*longest, "x").unwrap();
    assert_eq!(value(&store, &longest).as_deref(), Some("x"));
    let AppendError::Limit(limit) = store.put(longest + "x", "x").unwrap_err() else { panic!() };
    assert_eq!((limit.limit, limit.given), (Limit::Key, 1_025));
    // Asking for what can't be is no error: it is not there.
    assert_eq!(store.document("").unwrap(), None);
    assert_eq!(keys(&store, Keys::prefix("\0")), [""; 0]);
}

#[test]
fn documents_can_be_copied_and_dead_ones_are_not_compacted() {
    let place = Place::new();
    let options = Options::new().without_keeper().segments(4_096, 16_384).tail(20, u64::MAX);
    let store = options.open(place.path()).unwrap();
    for nth in 0..200_u64 {
        let commit = Commit::new().put(format!("k/{}", nth % 5), vec![b'x'; 300]);
        let commit = if nth % 4 == 0 { commit.event("s", note(nth.to_string())) } else { commit };
        store.commit(commit).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    store.delete("k/3").unwrap();
    let before: Vec<_> = store.documents(Keys::all()).unwrap().map(Result::unwrap).collect();
    let (backup, compacted) = (place.file("b.annals"), place.file("c.annals"));
    assert_eq!(store.backup_to(&backup).unwrap().documents, 201);
    let report = store.compact_to(&compacted).unwrap();
    assert_eq!((report.events, report.documents), (50, 4));
    for path in [backup, compacted] {
        let copy = options.open(&path).unwrap();
        let after: Vec<_> = copy.documents(Keys::all()).unwrap().map(Result::unwrap).collect();
        // Revisions, heads and recorded times included.
        assert_eq!(after, before);
        assert!(copy.verify().unwrap().is_whole());
        assert_eq!(copy.read_all(Read::new()).unwrap().count(), 50);
        assert_eq!(copy.put("k/0", "").unwrap().revision().get(), 41);
    }
}

#[test]
fn a_closed_store_has_no_documents_for_new_readers_and_all_for_old_ones() {
    let place = Place::new();
    let store = place.store();
    store.commit(Commit::new().put("a", "1").put("b", "2")).unwrap();
    let view = store.view().unwrap();
    let mut half = store.documents(Keys::all()).unwrap();
    assert_eq!(half.next().unwrap().unwrap().key, "a");
    store.append("s", 0, [note("a half-read cursor blocks no append")]).unwrap();
    store.close().unwrap();
    assert_eq!(store.document("a").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(store.documents(Keys::all()).unwrap_err().kind(), ErrorKind::Closed);
    assert_append_says(&store.put("a", "x").unwrap_err(), ErrorKind::Closed, &["closed"]);
    assert_eq!(half.next().unwrap().unwrap().key, "b");
    assert_eq!(view.document("b").unwrap().unwrap().value, b"2");
    // It moves to another thread, and owns what it reads from.
    drop(store);
    let other = std::thread::spawn(move || view.documents(&Keys::all()).count());
    assert_eq!(other.join().unwrap(), 2);
}

#[test]
fn a_store_without_any_event_keeps_documents_by_the_thousand() {
    let memory = Arc::new(MemoryStorage::new());
    let options = || Options::new().without_keeper().segments(4_096, 65_536).tail(100, u64::MAX);
    let store = options().open_storage(memory.clone()).unwrap();
    for nth in 0..2_000_u64 {
        let commit = Commit::new().put(format!("k/{nth}"), nth.to_string());
        store.commit(commit.durability(Durability::Buffered)).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    store.close().unwrap();
    let store = options().open_storage(memory).unwrap();
    let report = store.recovery_report();
    assert_eq!((report.commits, report.events), (0, 0), "nothing is read again");
    assert_eq!(value(&store, "k/1234").as_deref(), Some("1234"));
    assert_eq!(store.documents(Keys::all()).unwrap().count(), 2_000);
    assert_eq!(store.append("s", 0, [note("x")]).unwrap().first.get(), 1);
    assert!(store.verify().unwrap().is_whole());
}

//! Documents: the newest that is whole, and whether it may be out of date.

use super::Wreck;
use annals::{Commit, ExpectedVersion, Keys, NewEvent, Store};

fn note(store: &Store) -> Commit {
    let stream = format!("s-{}", store.head().unwrap().get());
    Commit::new().append(stream, ExpectedVersion::Any, [NewEvent::new("Noted", "x".repeat(300))])
}

/// Three revisions of one, one that is deleted, one that was put once.
fn three() -> Wreck {
    Wreck::made(|store| {
        store.commit(note(store).put("a", "first").put("once", "only")).unwrap();
        store.commit(note(store).put("a", "second").put("gone", "here")).unwrap();
        store.commit(note(store)).unwrap();
        store.commit(note(store).put("a", "third").delete("gone")).unwrap();
        store.commit(note(store)).unwrap();
        store.close().unwrap();
    })
}

/// The record of a document at a revision.
fn record(wreck: &Wreck, key: &str, revision: u64) -> std::ops::Range<usize> {
    let mut all = wreck.truth.layout.frames.iter().flat_map(|frame| &frame.documents);
    let found = all.find(|document| document.key == key && document.revision == revision);
    found.unwrap().bytes.clone()
}

#[test]
fn the_newest_of_each_is_kept_with_its_revision_and_the_deleted_stay_deleted() {
    let saved = three().saved_whole();
    let a = saved.store.document("a").unwrap().unwrap();
    assert_eq!((a.value.as_slice(), a.revision.get(), a.head.get()), (&b"third"[..], 3, 4));
    assert_eq!(saved.store.documents(Keys::all()).unwrap().count(), 2);
    assert_eq!((saved.report.documents, saved.report.documents_in_doubt), (2, 0));
    assert!(saved.store.document("gone").unwrap().is_none());
}

#[test]
fn where_the_newest_rots_the_one_before_is_kept_and_in_doubt() {
    let wreck = three();
    let newest = record(&wreck, "a", 3);
    let saved = wreck.rot(newest).saved();
    let a = saved.store.document("a").unwrap().unwrap();
    assert_eq!((a.value.as_slice(), a.revision.get(), a.head.get()), (&b"second"[..], 2, 2));
    // Which one was lost is not known: it may have been any that stands before.
    assert!(saved.report.documents_in_doubt >= 2, "{}", saved.report);
    assert!(saved.report.to_string().contains("something newer may be lost"));
    // Its commit's event is there.
    assert_eq!(saved.report.events, 5);
    assert_eq!(saved.report.broken.len(), 1);
}

#[test]
fn an_older_one_that_rots_costs_nothing_but_certainty() {
    let wreck = three();
    let older = record(&wreck, "a", 2);
    let saved = wreck.rot(older).saved();
    assert_eq!(saved.store.document("a").unwrap().unwrap().value, b"third");
    // `a` and `gone` are newer than what is lost; `once` is not.
    assert_eq!(saved.report.documents_in_doubt, 1);
}

#[test]
fn a_deletion_that_rots_brings_the_document_back_in_doubt() {
    let wreck = three();
    let deletion = record(&wreck, "gone", 2);
    let saved = wreck.rot(deletion).saved();
    assert_eq!(saved.store.document("gone").unwrap().unwrap().value, b"here");
    assert!(saved.report.documents_in_doubt >= 1);
}

#[test]
fn documents_of_a_broken_commit_are_kept() {
    let wreck = three();
    let event = wreck.record(4);
    let saved = wreck.rot(event).saved();
    assert_eq!(saved.lost(), [(4, 1)]);
    let a = saved.store.document("a").unwrap().unwrap();
    // Its head is the last position before it that is kept.
    assert_eq!((a.value.as_slice(), a.revision.get(), a.head.get()), (&b"third"[..], 3, 3));
    assert!(saved.store.document("gone").unwrap().is_none());
    assert_eq!(saved.report.documents_in_doubt, 0);
}

#[test]
fn a_commit_of_documents_alone_that_is_lost_is_told_without_positions() {
    let wreck = Wreck::made(|store| {
        store.commit(note(store).put("a", "first")).unwrap();
        store.put("a", "second").unwrap();
        store.commit(note(store)).unwrap();
        store.close().unwrap();
    });
    let frame = wreck.truth.layout.frames[1].clone();
    let saved = wreck.rot(frame.header()).saved();
    assert_eq!(saved.lost(), [(2, 0)]);
    assert_eq!(saved.store.document("a").unwrap().unwrap().value, b"first");
    assert_eq!(saved.report.documents_in_doubt, 1);
}

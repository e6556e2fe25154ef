//! Segments: their headers, their ends, and sectors that are not theirs.

use super::Wreck;
use super::wreck::{event, fill, options};
use crate::fixture::PAGE;
use annals::storage::MemoryStorage;
use annals::{Commit, ExpectedVersion, NewEvent};
use std::sync::Arc;

const SECTOR: usize = 512;

#[test]
fn a_segment_whose_header_rots_is_found_by_others() {
    let segments = Wreck::closed(60).truth.layout.segments.len();
    assert!(segments > 4);
    for nth in 0..segments {
        let wreck = Wreck::closed(60);
        let header = wreck.truth.layout.segments[nth].header();
        let report = wreck.rot(header).saved_whole().report;
        assert_eq!(report.issues.len(), 1, "{report}");
        assert!(report.issues[0].what.contains("header of the segment"));
    }
}

/// Nothing names the last segments then but the end record of the one before.
#[test]
fn without_slots_a_segment_whose_header_rots_is_found_by_the_end_record_before_it() {
    let wreck = Wreck::open(60);
    let used = wreck.truth.layout.frames.last().unwrap().segment;
    let headers: Vec<_> =
        wreck.truth.layout.segments[used..].iter().map(|it| it.header()).collect();
    let wreck = wreck.rot(PAGE..3 * PAGE);
    let wreck = headers.into_iter().fold(wreck, Wreck::rot);
    wreck.saved_whole();
}

/// Nothing names a store's only segment then, but every log begins at the same byte.
#[test]
fn without_slots_the_first_segment_is_where_the_first_one_always_is() {
    for commits in [1, 3, 60] {
        let wreck = Wreck::open(commits);
        let header = wreck.truth.layout.segments[0].header();
        wreck.rot(PAGE..3 * PAGE).rot(header).saved_whole();
    }
}

#[test]
fn where_nothing_of_the_log_is_left_something_is_lost() {
    let mut wreck = Wreck::closed(20);
    wreck.bytes.truncate(PAGE);
    let report = wreck.saved().report;
    assert_eq!((report.events, report.is_whole()), (0, false), "{report}");
}

#[test]
fn of_a_file_that_was_cut_all_is_kept_that_is_there() {
    let whole = Wreck::closed(40);
    let events = whole.truth.events.len() as u64;
    let mut fewer = events;
    for length in (3 * PAGE..whole.bytes.len()).step_by(1_000).rev() {
        let mut wreck = Wreck { bytes: whole.bytes.clone(), ..Wreck::of(whole.bytes.clone()) };
        wreck.bytes.truncate(length);
        let report = wreck.saved().report;
        // What is gone is told as far as the slots prove it: all of it.
        assert_eq!(report.events + report.events_lost(), events, "{report}");
        assert!(report.events <= fewer);
        fewer = report.events;
    }
    assert_eq!(fewer, 0);
}

#[test]
fn sectors_of_another_store_are_not_taken() {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().seed(8).open_storage(disk.clone()).unwrap();
    fill(&store, 30);
    store.close().unwrap();
    let other = disk.to_bytes();
    for sector in (4 * PAGE / SECTOR..20 * PAGE / SECTOR).step_by(3) {
        let at = sector * SECTOR;
        Wreck::closed(30).put(at, &other[at..at + SECTOR]).saved();
    }
}

#[test]
fn sectors_that_changed_places_are_not_taken() {
    let log = 4 * PAGE / SECTOR..8 * PAGE / SECTOR;
    for sector in log.step_by(5) {
        let (a, b) = (sector * SECTOR, (sector + 7) * SECTOR);
        let wreck = Wreck::closed(30);
        let bytes = wreck.bytes.clone();
        wreck.put(a, &bytes[b..b + SECTOR]).put(b, &bytes[a..a + SECTOR]).saved();
    }
}

/// A page of the log in the place of another: whole frames, each at a place that it does not say.
#[test]
fn pages_that_changed_places_are_not_taken() {
    let wreck = Wreck::closed(60);
    let bytes = wreck.bytes.clone();
    let (a, b) = (4 * PAGE, 5 * PAGE);
    let saved = wreck.put(a, &bytes[b..b + PAGE]).put(b, &bytes[a..a + PAGE]).saved();
    assert!(saved.report.events_lost() > 0);
}

/// Somebody keeps a backup of the store in the store: frames that pass every check, but stand in a
/// payload. And it was gone on with, so it knows of an epoch that comes later.
#[test]
fn a_copy_of_the_store_in_a_payload_is_not_taken_for_the_store() {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().open_storage(disk.clone()).unwrap();
    fill(&store, 6);
    store.close().unwrap();
    let copy = Arc::new(MemoryStorage::from_bytes(disk.to_bytes()));
    let fork = options().seed(9).open_storage(copy.clone()).unwrap();
    fork.append("fork", 0, [NewEvent::new("Forked", "not of this store")]).unwrap();
    fork.close().unwrap();
    let fork = options().seed(10).open_storage(copy.clone()).unwrap();
    fork.append("fork", 1, [NewEvent::new("Forked", "nor this")]).unwrap();
    fork.close().unwrap();

    let store = options().seed(11).open_storage(disk.clone()).unwrap();
    let payload = NewEvent::new("BackedUp", copy.to_bytes());
    let commit = Commit::new().append("backups", 0, [payload]).put("backup", copy.to_bytes());
    store.commit(commit).unwrap();
    store.append("order-0", ExpectedVersion::StreamExists, [event(1)]).unwrap();
    store.close().unwrap();
    let wreck = Wreck::of(disk.to_bytes());
    assert_eq!(wreck.saved_whole().store.streams_of("fork").unwrap().count(), 0);
    // Nor without the slots.
    wreck.rot(PAGE..3 * PAGE).saved_whole();
}

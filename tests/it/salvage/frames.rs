//! Frames and their records.

use super::Wreck;
use super::wreck::fill;
use crate::fixture::runs;
use annals::{Commit, NewEvent};

/// A commit of five events in a store of others.
fn with_five() -> Wreck {
    Wreck::made(|store| {
        fill(store, 6);
        let five = (0..5).map(|nth| {
            let event = NewEvent::new(format!("Five{nth}"), format!("{nth} of five").repeat(9));
            event.tag(format!("of five: {nth}"))
        });
        store.commit(Commit::new().append("five", 0, five)).unwrap();
        fill(store, 6);
        store.close().unwrap();
    })
}

/// The position of the first of the five.
const FIRST: u64 = 13;

#[test]
fn a_frame_whose_header_rots_is_lost_and_nothing_else() {
    let wreck = with_five();
    let frame = wreck.commit(FIRST).clone();
    assert_eq!((frame.first, frame.events.len()), (FIRST, 5));
    let saved = wreck.rot(frame.header()).saved();
    assert_eq!(saved.lost(), [(FIRST, 5)]);
    let lost = &saved.report.lost[0];
    assert_eq!((lost.from.get(), lost.to.get()), (frame.at, frame.end));
    assert_eq!(lost.file_offset, Some(frame.bytes.start as u64));
    assert!(lost.documents && saved.report.broken.is_empty());
    // What was behind it has moved up.
    let kept = &saved.report.kept;
    assert_eq!((kept[1].first.get(), kept[1].now.get()), (FIRST + 5, FIRST));
    let said = saved.report.to_string();
    assert!(said.contains("positions 13 to 17 are lost"), "{said}");
    assert!(said.contains("positions 18 to 29 are kept, from position 13 on now"), "{said}");
}

#[test]
fn each_bit_of_a_frames_header_counts() {
    let header = with_five().commit(FIRST).header();
    for at in header {
        let mut wreck = with_five();
        wreck.bytes[at] ^= 1 << (at % 8);
        assert_eq!(wreck.saved().lost(), [(FIRST, 5)], "byte {at}");
    }
}

#[test]
fn of_a_commit_those_events_are_kept_whose_records_are_whole() {
    for nth in 0..5 {
        let wreck = with_five();
        let frame = wreck.commit(FIRST).clone();
        let record = wreck.record(FIRST + nth);
        // The payload; the head; all of it.
        for bytes in [record.end - 9..record.end - 8, record.start..record.start + 40, record] {
            let saved = with_five().rot(bytes).saved();
            assert_eq!(saved.lost(), [(FIRST + nth, 1)]);
            assert!(!saved.report.lost[0].documents);
            let broken = &saved.report.broken[..];
            assert_eq!(broken.len(), 1);
            let [broken] = broken else { unreachable!() };
            assert_eq!((broken.at.get(), broken.first.get()), (frame.at, FIRST));
            assert_eq!((broken.events, broken.kept), (5, 4));
            assert_eq!(saved.store.stream_version("five").unwrap().get(), 4);
            assert_eq!(saved.report.documents_in_doubt, 0);
        }
    }
}

#[test]
fn several_records_of_a_commit_may_rot() {
    let wreck = with_five();
    let (second, third) = (wreck.record(FIRST + 1), wreck.record(FIRST + 2));
    let saved = wreck.rot(second.start..third.end).saved();
    assert_eq!(saved.lost(), [(FIRST + 1, 2)]);
    assert_eq!(saved.report.broken[0].kept, 3);
    assert!(saved.report.to_string().contains("3 of its 5 events are kept"));
}

#[test]
fn an_event_is_lost_with_a_name_that_it_refers_to() {
    let wreck = with_five();
    let frame = wreck.commit(FIRST).clone();
    // The stream of all five; the type of one; the tag of one.
    let names = |nth: usize| frame.events[nth].names.clone();
    let saved = with_five().rot(names(0)[0].clone()).saved();
    assert_eq!(saved.report.events_lost(), 5);
    assert!(saved.report.lost.iter().any(|lost| lost.what.contains("a name that it refers to")));
    assert!(saved.store.stream_version("five").unwrap().get() == 0);
    for (nth, name) in [(1, 1), (2, 2)] {
        let saved = with_five().rot(names(nth)[name].clone()).saved();
        let lost: Vec<_> = saved.lost().into_iter().filter(|lost| lost.1 > 0).collect();
        assert_eq!(lost, [(FIRST + nth as u64, 1)]);
    }
}

/// Names are written once in a segment: later commits refer to them.
#[test]
fn a_name_outlives_the_frame_in_which_it_stands() {
    let wreck = Wreck::closed(6);
    let first = wreck.commit(1).clone();
    let refers = wreck.truth.layout.frames.iter().skip(1).filter(|frame| {
        let names = frame.events.iter().flat_map(|event| &event.names);
        names.clone().any(|name| first.names.contains(name))
    });
    assert!(refers.count() > 0);
    assert_eq!(wreck.rot(first.header()).saved().lost(), [(1, 1)]);
}

#[test]
fn rotten_runs_cost_nothing() {
    let wreck = Wreck::closed(60);
    let runs = runs(&wreck.bytes);
    assert!(runs.len() > 1);
    let wreck = runs.iter().fold(wreck, |wreck, run| wreck.rot(run.bytes()));
    assert!(wreck.saved_whole().report.issues.is_empty());
}

#[test]
fn the_end_of_a_segment_is_no_event() {
    let wreck = Wreck::closed(60);
    let ends: Vec<_> = wreck.truth.layout.frames.iter().filter(|frame| !frame.is_commit).collect();
    assert!(ends.len() > 2);
    for end in ends {
        let saved = Wreck::closed(60).rot(end.header()).saved();
        // Nothing tells that it was not a commit of documents.
        assert_eq!(saved.lost(), [(saved.report.lost[0].first.get(), 0)]);
        assert_eq!(saved.report.events as usize, wreck.truth.events.len());
        assert!(saved.report.to_string().contains("documents before position"));
    }
}

/// Each commit's watermark is behind it only in the next one, and of the last only in a stub.
#[test]
fn the_last_commit_is_lost_aloud_as_long_as_anything_proves_it() {
    let wreck = Wreck::open(9);
    let layout = &wreck.truth.layout;
    let last = layout.frames.last().unwrap().clone();
    let (stub, watermark) = layout.stub.clone().unwrap();
    assert_eq!(watermark, last.end);
    let saved = Wreck::open(9).rot(last.header()).saved();
    // That there was something is proven, how many events it had is not.
    assert_eq!(saved.lost(), [(last.first, 0)]);
    let said = saved.report.to_string();
    assert!(said.contains("the log was synced up to there"), "{said}");
    // With its stub it was never there.
    let silent = Wreck::open(9).rot(last.header()).rot(stub).saved();
    assert!(silent.report.is_whole(), "{}", silent.report);
    assert_eq!(silent.report.events, last.first - 1);
}

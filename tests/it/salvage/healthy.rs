//! Stores to which nothing has happened.

use super::Wreck;
use super::wreck::{buffered, event, fill, options};
use annals::storage::MemoryStorage;
use annals::{Commit, Ending, ExpectedVersion, NewEvent, Read};
use std::sync::Arc;

#[test]
fn a_healthy_store_loses_nothing() {
    for wreck in [Wreck::closed(40), Wreck::open(40), Wreck::closed(1), Wreck::open(1)] {
        let saved = wreck.saved_whole();
        let report = &saved.report;
        assert!(report.issues.is_empty() && report.torn.is_none(), "{report}");
        assert_eq!(report.kept.len(), 1);
        assert_eq!((report.kept[0].first, report.kept[0].now), (1.into(), 1.into()));
        assert_eq!(report.scanned as usize, wreck.bytes.len());
        // Nothing was in the way of any version either.
        let versions = |events: &[annals::RecordedEvent]| {
            events.iter().map(|event| event.version.get()).collect::<Vec<_>>()
        };
        assert_eq!(versions(&saved.events()), versions(&wreck.truth.events));
    }
}

#[test]
fn a_store_with_nothing_in_it_is_salvaged_to_one_with_nothing_in_it() {
    let saved = Wreck::made(|_| {}).saved_whole();
    assert_eq!((saved.report.commits, saved.report.documents), (0, 0));
    assert_eq!(saved.store.head().unwrap().get(), 0);
}

#[test]
fn the_new_store_is_another_one_that_goes_on() {
    let wreck = Wreck::closed(12);
    let saved = wreck.saved_whole();
    let (store, events) = (saved.store, &wreck.truth.events);
    let original = options().open_storage(Arc::new(MemoryStorage::from_bytes(wreck.bytes.clone())));
    assert_ne!(store.id(), original.unwrap().id());
    // Ids that were derived from the old store's are given ones now.
    for event in events {
        assert_eq!(store.event_by_id(event.id).unwrap().unwrap().payload, event.payload);
    }
    let head = store.head().unwrap();
    store.append("order-1", ExpectedVersion::StreamExists, [event(1)]).unwrap();
    assert_eq!(store.event(head.next().unwrap()).unwrap().unwrap().event_type, "Type1");
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn commits_stay_commits() {
    let wreck = Wreck::closed(30);
    let saved = wreck.saved_whole();
    let events: usize = wreck.truth.layout.frames.iter().map(|frame| frame.events.len()).sum();
    assert_eq!(saved.report.events as usize, events);
    // Each of these has an event.
    assert_eq!(saved.report.commits, 30);
}

#[test]
fn a_store_whose_frames_fill_sectors_loses_nothing() {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().pad_to_sector().open_storage(disk.clone()).unwrap();
    fill(&store, 20);
    store.close().unwrap();
    let wreck = Wreck::of(disk.to_bytes());
    wreck.saved_whole();
    // What only fills a sector is nothing.
    let padding = wreck.truth.layout.frames.iter().find(|frame| frame.padding > 0).unwrap();
    let padding = padding.covered().end..padding.bytes.end;
    assert!(wreck.rot(padding).saved_whole().report.issues.is_empty());
}

/// What a crash has torn, and what it has left whole behind that, was never acknowledged as synced:
/// recovery discards it, and salvage does not bring it in, in whole or in part.
#[test]
fn what_recovery_discards_is_not_taken_and_no_loss() {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().open_storage(disk.clone()).unwrap();
    fill(&store, 5);
    let healthy = disk.to_bytes();
    let two = |text: &str| [NewEvent::new("A", format!("{text} one")), NewEvent::new("B", text)];
    buffered(&store, Commit::new().append("x", 0, two("to be torn")));
    buffered(&store, Commit::new().append("y", 0, two("left whole")));
    let mut crashed = disk.to_bytes();
    let at = crashed.windows(14).position(|window| window == b"to be torn one").unwrap();
    crashed[at] ^= 1;

    let wreck = Wreck { bytes: crashed.clone(), ..Wreck::of(healthy) };
    let saved = {
        // Judged by hand: the healthy store has nothing where the torn commits stand.
        let from: Arc<dyn annals::storage::Storage> =
            Arc::new(MemoryStorage::from_bytes(crashed.clone()));
        let disk = Arc::new(MemoryStorage::new());
        let to: Arc<dyn annals::storage::Storage> = disk.clone();
        let go_on = |_, _| std::ops::ControlFlow::Continue(());
        let report = annals::Store::salvage_storage(&from, &to, go_on).unwrap();
        (report, options().open_storage(disk).unwrap())
    };
    let (report, store) = saved;
    assert!(report.is_whole(), "{report}");
    let events = wreck.truth.events.len() as u64;
    let torn = report.torn.unwrap();
    assert_eq!((torn.first.get(), torn.events, torn.commits), (events + 1, 4, 2));
    assert!(report.to_string().contains("were not taken"));
    assert_eq!(store.head().unwrap().get(), events);

    let recovered = Arc::new(MemoryStorage::from_bytes(crashed));
    let recovered = options().open_storage(recovered).unwrap();
    assert_eq!(recovered.recovery_report().ending, Ending::Torn);
    assert_eq!(recovered.head().unwrap().get(), events);
}

/// What nothing proves, but nothing has torn, is kept as recovery keeps it.
#[test]
fn what_was_not_synced_and_is_whole_is_taken() {
    let wreck = Wreck::made(|store| {
        fill(store, 5);
        for nth in 0..4 {
            buffered(store, Commit::new().append("x", nth, [event(nth)]));
        }
    });
    assert_eq!(wreck.saved_whole().store.read_stream("x", Read::new()).unwrap().count(), 4);
}

/// The golden files of version 1, whoever wrote them.
#[test]
fn stores_of_the_frozen_format_lose_nothing() {
    for name in ["closed", "crashed", "merged", "compacted"] {
        let packed = format!("{}/tests/data/v1/{name}.annals.gz", env!("CARGO_MANIFEST_DIR"));
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(packed).unwrap();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut bytes).unwrap();
        let report = Wreck::of(bytes).saved_whole().report;
        assert!(report.torn.is_none() && report.issues.is_empty(), "{name}: {report}");
    }
}

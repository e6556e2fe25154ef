//! How many runs there are, what they cost, and what opening costs with them.

use super::{Answers, Sample, device, grow, options};
use annals::{Chore, Ending, ExpectedVersion, NewEvent};
use std::sync::Arc;

#[test]
fn there_are_few_runs_and_each_byte_is_rewritten_seldom() {
    let store = options().tail(4, u64::MAX).open_storage(device(&[])).unwrap();
    let mut tails = 0;
    while tails < 256 {
        for _ in 0..4 {
            let event = NewEvent::new("Noted", "x").tag(format!("tail:{tails}"));
            store.append(format!("a-{}", tails % 30), ExpectedVersion::Any, [event]).unwrap();
        }
        tails += 1;
        store.chore(Chore::Index).unwrap();
        let index = store.stats().unwrap().index;
        assert!(index.runs <= 3 * 5 + 1 && index.levels <= 5, "{tails} tails: {index:?}");
        assert!(index.tail_events <= 4, "{tails} tails: {index:?}");
        // ceil(log4(tails)) merges of each byte.
        let merges = (0..).find(|levels| 4_u64.pow(*levels) >= tails).unwrap();
        let most = u64::from(merges) * index.written;
        assert!(index.rewritten <= most, "{tails} tails: {index:?}");
    }
    let index = store.stats().unwrap().index;
    assert_eq!((index.runs, index.levels), (1, 4), "{index:?}");
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn a_file_does_not_grow_by_merges() {
    let disk = device(&[]);
    let store = options().open_storage(disk.clone()).unwrap();
    for events in (200..=4_000).step_by(200) {
        grow(&store, events);
        let stats = store.stats().unwrap();
        // What is merged is there twice for a while.
        let live = stats.log_bytes + stats.index.run_bytes;
        assert!(stats.file_bytes <= 2 * live + (128 << 10), "{events} events: {stats:?}");
    }
    assert!(store.stats().unwrap().index.levels >= 3);
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn a_file_does_not_grow_by_being_opened_and_closed() {
    let disk = device(&[]);
    let mut events = 0;
    for round in 0..120 {
        let store = options().open_storage(disk.clone()).unwrap();
        let report = store.recovery_report();
        assert_eq!((report.events, report.commits), (0, 0), "round {round}");
        let event = NewEvent::new("Noted", "x").tag(format!("round:{round}"));
        store.append(format!("a-{}", round % 10), ExpectedVersion::Any, [event]).unwrap();
        events += 1;
        let stats = store.stats().unwrap();
        assert_eq!(stats.events, events);
        assert!(stats.index.runs <= 40, "{stats:?}");
        let live = stats.log_bytes + stats.index.run_bytes;
        assert!(stats.file_bytes <= 2 * live + (128 << 10), "round {round}: {stats:?}");
        store.close().unwrap();
    }
    let store = options().open_storage(disk).unwrap();
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn a_closed_store_opens_without_a_look_at_its_log() {
    for events in [1, 19, 20, 21, 450] {
        let sample = Sample::new(events);
        for look in [true, false] {
            let disk = device(&sample.bytes);
            let store = match look {
                true => options().open_storage_read_only(disk),
                false => options().open_storage(disk),
            };
            let store = store.unwrap();
            let report = store.recovery_report();
            assert_eq!(report.ending, Ending::Closed);
            assert_eq!((report.events, report.commits), (0, 0), "{events} events");
            assert_eq!(store.stats().unwrap().index.tail_events, 0);
            sample.answers.check(&store, 0, "closed");
            assert!(store.verify().unwrap().is_whole());
        }
    }
}

/// What no run indexes yet is read when a store opens that was not closed, and no more.
#[test]
fn a_store_that_was_not_closed_opens_with_a_look_at_its_tail_only() {
    let disk = device(&[]);
    let store = options().open_storage(disk.clone()).unwrap();
    grow(&store, 450);
    store.sync().unwrap();
    let tail = store.stats().unwrap().index.tail_events;
    let answers = Answers::of(&store);
    let crashed = Arc::new(annals::storage::MemoryStorage::from_bytes(disk.to_bytes()));
    let again = options().open_storage(crashed).unwrap();
    assert_eq!(again.recovery_report().events, tail);
    assert!(tail < 25, "{tail}");
    answers.check(&again, 0, "crashed");
    assert!(again.verify().unwrap().is_whole());
}

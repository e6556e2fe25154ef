//! Devices that refuse room for runs, or fail to write them. The log has everything.

use super::{Answers, grow, options};
use crate::fixture::{Deed, Device, Op, PAGE, assert_says};
use annals::{Chore, Durability, Ending, ErrorKind, ExpectedVersion, NewEvent, Options, Store};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// All the room that the log will need is there from the beginning.
fn roomy() -> Options {
    options().segments(1 << 20, 1 << 20)
}

fn full(op: Op) -> Deed {
    if op == Op::Allocate { Deed::Fail(io::ErrorKind::StorageFull) } else { Deed::Go }
}

/// Whether this is a write of pages of a run: whole pages behind the fixed ones.
fn is_of_a_run(op: Op) -> bool {
    let Op::Write { offset, length } = op else { return false };
    let pages = offset.is_multiple_of(PAGE as u64) && length.is_multiple_of(PAGE);
    pages && offset >= 4 * PAGE as u64
}

/// Appends events, letting the index try to keep up; returns whether it ever failed to.
fn append(store: &Store, events: u64) -> bool {
    let mut failed = false;
    for nth in 0..events {
        let event = NewEvent::new("Noted", format!("{nth}")).tag(format!("nth:{nth}"));
        let stream = format!("order-{}", nth % 7);
        store.append(stream, ExpectedVersion::Any, [event]).unwrap();
        failed |= store.chore(Chore::Index).is_err();
    }
    failed
}

#[test]
fn without_room_for_runs_appends_go_on_and_nothing_is_lost() {
    let device = Device::new();
    let store = roomy().open_storage(device.clone()).unwrap();
    grow(&store, 205);
    device.orders(full);
    let runs = store.stats().unwrap().index.runs;
    assert!(append(&store, 300));
    let refused = store.chore(Chore::Index).unwrap_err();
    assert_says(&refused, ErrorKind::Full, &["writing the index failed", "the log has"]);
    let health = store.health();
    assert!(health.writable && !health.poisoned);
    assert_says(&health.background.unwrap(), ErrorKind::Full, &["index"]);
    let stats = store.stats().unwrap();
    assert!(stats.index.tail_events >= 200 && stats.events == 505, "{stats:?}");
    // Room that was free before may still be used; none is taken.
    assert!(stats.index.runs <= runs + 4, "{stats:?}");
    let answers = Answers::of(&store);
    answers.check(&store, 0, "full");
    assert!(store.verify().unwrap().is_whole());

    device.behaves();
    store.chore(Chore::Index).unwrap();
    assert!(store.health().background.is_none());
    append(&store, 1);
    let answers = Answers::of(&store);
    let stats = store.stats().unwrap();
    assert!(stats.index.tail_events <= 20, "{stats:?}");
    answers.check(&store, 0, "there is room again");
    assert!(store.verify().unwrap().is_whole());
    store.close().unwrap();
    let again = roomy().open_storage(device).unwrap();
    answers.check(&again, 0, "opened again");
    assert!(again.verify().unwrap().is_whole());
}

#[test]
fn a_log_without_room_refuses_cleanly_while_its_index_has_none_either() {
    let device = Device::new();
    let small = options().segments(4_096, 8_192);
    let store = small.open_storage(device.clone()).unwrap();
    grow(&store, 100);
    device.orders(full);
    let mut landed = 100;
    let refused = loop {
        let event = NewEvent::new("Noted", "x".repeat(300));
        match store.append("order", ExpectedVersion::Any, [event]) {
            Ok(done) => landed = done.last.get(),
            Err(error) => break error,
        }
        let _ = store.chore(Chore::Index);
    };
    assert_eq!(refused.kind(), Some(ErrorKind::Full));
    assert_eq!(store.head().unwrap().get(), landed);
    Answers::of(&store).check(&store, 0, "full");
    device.behaves();
    store.chore(Chore::Index).unwrap();
    grow(&store, landed + 50);
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn a_store_closes_cleanly_without_room_for_its_last_run() {
    let sources: [fn(Op) -> Deed; 3] = [
        full,
        |op| if is_of_a_run(op) { Deed::Fail(io::ErrorKind::StorageFull) } else { Deed::Go },
        |op| if is_of_a_run(op) { Deed::Fail(io::ErrorKind::Other) } else { Deed::Go },
    ];
    for (nth, order) in sources.into_iter().enumerate() {
        let device = Device::new();
        let store = roomy().open_storage(device.clone()).unwrap();
        append(&store, 30);
        device.orders(order);
        append(&store, 70);
        let answers = Answers::of(&store);
        store.close().unwrap();
        device.behaves();
        let again = roomy().open_storage(device.clone()).unwrap();
        let report = again.recovery_report();
        assert_eq!(report.ending, Ending::Closed, "{nth}: {report:?}");
        assert!(report.events >= 70, "{nth}: {report:?}");
        answers.check(&again, 0, "closed without room");
        assert!(again.verify().unwrap().is_whole());
        again.close().unwrap();
        let again = roomy().open_storage(device).unwrap();
        assert_eq!(again.recovery_report().events, 0);
        answers.check(&again, 0, "closed with room");
    }
}

#[test]
fn a_run_that_can_not_be_written_poisons_nothing() {
    for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull, io::ErrorKind::WriteZero] {
        for durability in [Durability::Buffered, Durability::Synced, Durability::Strict] {
            let device = Device::new();
            let store = roomy().durability(durability).open_storage(device.clone()).unwrap();
            grow(&store, 130);
            // Sometimes the first write of a run's pages fails, sometimes a later one.
            let fails = Arc::new(AtomicBool::new(false));
            device.orders(move |op| match is_of_a_run(op) {
                true if fails.fetch_xor(true, Ordering::Relaxed) => Deed::Fail(kind),
                _ => Deed::Go,
            });
            assert!(append(&store, 200));
            let health = store.health();
            assert!(health.writable && !health.poisoned, "{kind:?} {durability:?}");
            Answers::of(&store).check(&store, 0, "while writing runs fails");
            assert!(store.verify().unwrap().is_whole());
            device.behaves();
            store.chore(Chore::Index).unwrap();
            append(&store, 40);
            let answers = Answers::of(&store);
            assert!(store.verify().unwrap().is_whole());
            let stats = store.stats().unwrap();
            assert!(stats.index.runs <= 16 && stats.index.tail_events <= 20, "{stats:?}");
            let live = stats.log_bytes + stats.index.run_bytes;
            assert!(stats.file_bytes <= 2 * live + (2 << 20), "{stats:?}");
            store.close().unwrap();
            let again = roomy().open_storage(device).unwrap();
            answers.check(&again, 0, "opened again");
            assert!(again.verify().unwrap().is_whole());
        }
    }
}

/// Writes of a few bytes at a time are no failures.
#[test]
fn a_run_that_is_written_piecemeal_is_whole() {
    let device = Device::new();
    let store = roomy().open_storage(device.clone()).unwrap();
    device.orders(|op| if is_of_a_run(op) { Deed::Only(1_000) } else { Deed::Go });
    assert!(!append(&store, 400));
    assert!(store.verify().unwrap().is_whole());
    assert_eq!(store.stats().unwrap().index.healed, 0);
}

/// A crash while pages of a run are written leaves the slots that were before.
#[test]
fn a_crash_among_the_pages_of_a_run_loses_nothing() {
    let device = Device::new();
    let store = roomy().open_storage(device.clone()).unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    append(&store, 15);
    device.orders(move |op| match is_of_a_run(op) {
        true if fails.fetch_xor(true, Ordering::Relaxed) => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    for round in 0..30 {
        append(&store, 9);
        store.sync().unwrap();
        let answers = Answers::of(&store);
        let crashed = roomy().open_storage(Device::from_bytes(device.to_bytes())).unwrap();
        answers.check(&crashed, round, "crashed");
        grow(&crashed, answers.events.len() as u64 + 60);
        assert!(crashed.verify().unwrap().is_whole(), "round {round}");
        assert_eq!(crashed.stats().unwrap().index.healed, 0, "round {round}");
    }
}

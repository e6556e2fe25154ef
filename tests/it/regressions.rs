//! What the simulator, the fuzzers and the torture found, one test each: incident, mechanism, fix.

use crate::fixture::{Deed, Device, Op, note, reseal_page, runs};
use annals::storage::MemoryStorage;
use annals::{
    AppendError, Chore, Durability, ErrorKind, Invalid, NewEvent, Options, Read, Store, Uuid,
};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Incident: after a crash a store was fine, took commits, and was corrupt at the next opening.
/// Mechanism: recovery remembered the names of a torn commit, so that the next commit referred to
/// names which were zeroed with it. Fix: the walk keeps the names of valid commits only.
#[test]
fn names_of_a_torn_commit_are_not_referred_to() {
    let disk = Arc::new(MemoryStorage::new());
    let store = Options::new().without_keeper().open_storage(disk.clone()).unwrap();
    store.append("a", 0, [NewEvent::new("Old", "1")]).unwrap();
    let torn = annals::Commit::new().append("a", 1, [NewEvent::new("New", "to be torn")]);
    store.commit(torn.durability(Durability::Buffered)).unwrap();

    // The power goes off: the names of the second commit have reached the disk, its payload has
    // not.
    let mut bytes = disk.to_bytes();
    let payload = b"to be torn";
    let at = bytes.windows(payload.len()).position(|window| window == payload).unwrap();
    bytes[at..at + payload.len()].fill(0);

    let disk = Arc::new(MemoryStorage::from_bytes(bytes));
    let store = Options::new().without_keeper().open_storage(disk.clone()).unwrap();
    assert_eq!(store.head().unwrap().get(), 1);
    store.append("a", 1, [NewEvent::new("New", "2")]).unwrap();
    store.close().unwrap();
    let store = Options::new().open_storage(disk).unwrap();
    let types = store.read_all(Read::new()).unwrap().map(|event| event.unwrap().event_type);
    assert_eq!(types.collect::<Vec<_>>(), ["Old", "New"]);
    assert!(store.verify().unwrap().is_whole());
}

/// Incident: under load both slots became unreadable, and the store with them. Mechanism: a commit
/// that found the index lagging made a run without asking whether a slot has room for it; with 41
/// the slot could be written, but not read. Fix: such a
/// commit merges first, and no slot with more is written.
#[test]
fn a_slot_never_names_more_runs_than_it_has_room_for() {
    let memory = Arc::new(MemoryStorage::new());
    let options = Options::new().without_keeper().tail(4, u64::MAX);
    let options = options.durability(Durability::Buffered);
    let store = options.open_storage(memory.clone()).unwrap();
    for nth in 0..1_500 {
        store.append("a", nth, [NewEvent::new("Noted", nth.to_string())]).unwrap();
        if nth % 100 == 99 {
            assert!(store.stats().unwrap().index.runs <= 40);
            // As a killed process leaves it.
            let copy = Arc::new(MemoryStorage::from_bytes(memory.to_bytes()));
            let again = options.open_storage(copy).unwrap();
            assert_eq!(again.head().unwrap().get(), nth + 1);
            assert!(again.verify().unwrap().is_whole());
        }
    }
    let index = store.stats().unwrap().index;
    assert!(index.tail_events < 40, "{} events wait", index.tail_events);
}

/// Incident: a store opened with `pad_to_sector` was refused after a crash. Mechanism: the header
/// of a segment shares its sector with the segment's first frame, whose write may spoil that sector
/// as a whole. Fix: where nothing in the segment is proven, it is taken as the slot names it, and
/// recovery writes the header again.
#[test]
fn a_segment_header_that_was_torn_with_the_first_frame_is_mended() {
    let disk = Arc::new(MemoryStorage::new());
    let options = Options::new().without_keeper().pad_to_sector().segments(4_096, 4_096);
    let store = options.open_storage(disk.clone()).unwrap();
    let mut appended = 0;
    let is_header = |page: &&[u8]| page.starts_with(b"ANSG");
    let newest = loop {
        let event = NewEvent::new("Noted", vec![7; 400]);
        let commit = annals::Commit::new().append("a", appended, [event]);
        store.commit(commit.durability(Durability::Buffered)).unwrap();
        appended += 1;
        // Pages of segments, each with its first frame or still without.
        let bytes = disk.to_bytes();
        let (pages, _) = bytes.as_chunks::<4_096>();
        let begun = pages.iter().map(<[u8; 4_096]>::as_slice).filter(is_header).filter(|page| {
            let first_frame = &page[64..68];
            first_frame == b"ANFR"
        });
        if begun.count() == 3 {
            break pages.iter().rposition(|page| is_header(&&page[..]) && page[64] != 0).unwrap();
        }
    };

    let mut bytes = disk.to_bytes();
    bytes[newest * 4_096..][..512].fill(0xA7);
    let disk = Arc::new(MemoryStorage::from_bytes(bytes));
    let looking = options.open_storage_read_only(disk.clone()).unwrap();
    assert_eq!(looking.head().unwrap().get(), appended - 1);
    let store = options.open_storage(disk.clone()).unwrap();
    store.append("a", appended - 1, [NewEvent::new("Noted", "again")]).unwrap();
    assert!(store.verify().unwrap().is_whole());
    store.close().unwrap();
    assert_eq!(options.open_storage(disk).unwrap().head().unwrap().get(), appended);
}

/// Incident: with one read of a healthy store failing (EIO), `verify` said that a run was damaged,
/// and made it anew. Mechanism: an index that could not be asked counted as one that gives a wrong
/// answer. Fix: only an answer is compared; why there is none is the error that `verify` returns.
#[test]
fn a_read_that_fails_is_not_damage_to_verify() {
    let device = Device::new();
    let options = Options::new().without_keeper().segments(4_096, 8_192).tail(4, u64::MAX);
    let store = options.open_storage(device.clone()).unwrap();
    for nth in 0..40 {
        store.append(format!("s-{}", nth % 3), annals::ExpectedVersion::Any, [note("x")]).unwrap();
    }
    store.close().unwrap();
    let (mut failed, mut nth) = (0, 0);
    loop {
        let store = options.open_storage(device.clone()).unwrap();
        assert!(store.stats().unwrap().index.runs > 0);
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = reads.clone();
        device.orders(move |op| match op {
            Op::Read { .. } if counted.fetch_add(1, Ordering::Relaxed) == nth => {
                Deed::Fail(io::ErrorKind::Other)
            }
            _ => Deed::Go,
        });
        match store.verify() {
            Ok(report) => assert!(report.is_whole(), "read {nth}: {report:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Io, "read {nth}: {error}");
                failed += 1;
            }
        }
        device.behaves();
        assert_eq!(store.stats().unwrap().index.healed, 0, "read {nth}");
        store.close().unwrap();
        if reads.load(Ordering::Relaxed) <= nth {
            break;
        }
        nth += 1;
    }
    assert!(failed > 10, "{failed} reads failed");
}

/// Incident: `fdatasync` failed once (EIO), and the store was corrupt at the next opening: 'the
/// header of a segment fails its check'. Mechanism: a slot that names a new segment was written,
/// and its sync failed; the store was poisoned and forgot the segment, but the keeper, which had
/// waited for the slots' lock meanwhile, took the same room for a run and wrote over the segment's
/// header. Fix: a poisoned store gives no room, and writes no page of a run.
#[test]
fn a_poisoned_store_writes_nothing_to_room_that_a_slot_may_name() {
    let device = Device::new();
    let options = Options::new().without_keeper().segments(4_096, 4_096).tail(4, u64::MAX);
    let store = options.open_storage(device.clone()).unwrap();
    for nth in 0..6 {
        store.append("a", nth, [note("x")]).unwrap();
    }
    let (index, waits) = (store.clone(), Arc::new(AtomicUsize::new(0)));
    let syncs = waits.clone();
    device.orders(move |op| match op {
        // The first is that of the segment's header, the second that of the slot.
        Op::Sync if syncs.fetch_add(1, Ordering::Relaxed) == 1 => {
            std::thread::sleep(Duration::from_millis(200));
            Deed::Fail(io::ErrorKind::Other)
        }
        _ => Deed::Go,
    });
    let run = std::thread::spawn(move || {
        while waits.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
        index.chore(Chore::Index)
    });
    let large = annals::Commit::new().append("a", 6, [note("x".repeat(4_000))]);
    let unknown = store.commit(large.durability(Durability::Buffered)).unwrap_err();
    assert_eq!(unknown.kind(), Some(ErrorKind::OutcomeUnknown));
    assert_eq!(run.join().unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert!(store.close().is_err());
    device.behaves();
    let again = options.open_storage(Device::from_bytes(device.to_bytes())).unwrap();
    assert_eq!(again.head().unwrap().get(), 6);
    assert!(again.verify().unwrap().is_whole());
}

/// Incident: a run that said of its first event that it has another position than 1 made all events
/// invisible, and verifying said that the log was damaged. Mechanism: verifying began at the
/// position that the first run says. Fix: it begins at the one that the log's first frame says; so
/// the run is found out, and made anew.
#[test]
fn a_run_that_lies_of_the_first_position_is_found_out_and_made_anew() {
    let disk = Arc::new(MemoryStorage::new());
    let options = Options::new().without_keeper().tail(4, u64::MAX);
    let store = options.open_storage(disk.clone()).unwrap();
    for nth in 0..10 {
        store.append("a", nth, [NewEvent::new("Noted", nth.to_string())]).unwrap();
        store.chore(Chore::Index).unwrap();
    }
    store.close().unwrap();
    for first in [0_u64, 2, 3, u64::MAX] {
        let mut bytes = disk.to_bytes();
        let run = runs(&bytes)[0];
        // Where its header has the position of its first event.
        bytes[run.page(0)][40..48].copy_from_slice(&first.to_le_bytes());
        reseal_page(&mut bytes, &run, 0);
        let store = options.open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
        let report = store.verify().unwrap();
        assert_eq!(report.events, 10, "{first}: {report:?}");
        assert!(report.issues.iter().all(|issue| issue.what.contains("run ")), "{report:?}");
        let events: Vec<_> = store.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
        assert_eq!(events.len(), 10, "{first}");
        assert_eq!(events[0].position.get(), 1);
    }
}

/// Incident: a thread wrote pages of a run to a file that its store had given back, and that was
/// somebody else's by then. Mechanism: a commit that helps with the index was in the middle of a
/// run when another's sync failed; closing a store that has failed writes nothing, so it did not
/// wait for whoever makes runs. Fix: it does.
#[test]
fn closing_after_a_failure_waits_for_a_run_that_is_being_written() {
    const PAGE: usize = 4_096;
    let device = Device::new();
    let store = Options::new().without_keeper().tail(4, u64::MAX);
    let store = store.open_storage(device.clone()).unwrap();
    for nth in 0..4 {
        store.append("a", nth, [note("x")]).unwrap();
    }
    let (arrived, is_there) = channel();
    let (go_on, told) = channel::<()>();
    let (told, held) = (Mutex::new(told), AtomicBool::new(false));
    let closed = Arc::new(AtomicBool::new(false));
    let late = Arc::new(AtomicUsize::new(0));
    let (is_closed, written_late) = (closed.clone(), late.clone());
    device.orders(move |op| {
        // Nothing but runs and slots has whole pages, and runs come later in the file.
        let of_run = matches!(op, Op::Write { offset, length }
            if length >= PAGE && offset > 4 * PAGE as u64);
        if of_run && !held.swap(true, Ordering::Relaxed) {
            arrived.send(()).unwrap();
            let _ = told.lock().unwrap().recv_timeout(Duration::from_millis(500));
        }
        if matches!(op, Op::Write { .. }) && is_closed.load(Ordering::Relaxed) {
            written_late.fetch_add(1, Ordering::Relaxed);
        }
        let fails = op == Op::Sync || !of_run && matches!(op, Op::Write { .. });
        if fails { Deed::Fail(io::ErrorKind::Other) } else { Deed::Go }
    });
    std::thread::scope(|scope| {
        let indexing = scope.spawn(|| store.chore(Chore::Index));
        is_there.recv().unwrap();
        store.append("a", 4, [note("fails")]).unwrap_err();
        store.close().unwrap_err();
        closed.store(true, Ordering::Relaxed);
        let _ = go_on.send(());
        indexing.join().unwrap().unwrap_err();
    });
    assert_eq!(late.load(Ordering::Relaxed), 0);
}

/// Incident: of two ids that were each there twice in a commit, the refusal named the one that came
/// again later. Mechanism: ids are sorted to find the same ones, and the least was named. Fix: once
/// it is known that there are any, they are looked for in the order of the commit.
#[test]
fn of_ids_that_are_there_twice_the_first_is_named() {
    let store = Store::in_memory().unwrap();
    let events = [1, 9, 9, 1].map(|id| note("x").id(Uuid::from_u128(id)));
    let refused = store.append("a", 0, events).unwrap_err();
    let AppendError::Invalid(invalid) = refused else { panic!("{refused:?}") };
    assert_eq!(invalid, Invalid::IdTwice { id: Uuid::from_u128(9) });
    assert_eq!(store.head().unwrap().get(), 0);
}

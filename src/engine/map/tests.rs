//! Whatever became of a store, its map has each byte once.

use super::*;
use crate::engine::tests::quiet;
use crate::engine::{Chore, Engine, Settings};
use crate::format::PAGE;
use crate::storage::{MemoryStorage, Storage};
use crate::words::{Commit, ExpectedVersion, LogOffset, NewEvent, Position};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::sync::Arc;

fn settings() -> Settings {
    Settings { segment_min: 4_096, segment_max: 16_384, tail_events: 8, ..quiet() }
}

/// Checks what holds for every map of a store that is not damaged.
fn check(map: &FileMap, disk: &MemoryStorage) {
    let size = disk.size().unwrap();
    let (mut end, mut segments, mut runs) = (0, Vec::new(), Vec::new());
    for extent in &map.extents {
        assert_eq!(extent.file_offset, end, "{map:?}");
        assert!(extent.length > 0 && extent.length.is_multiple_of(PAGE), "{extent:?}");
        for within in [0, extent.length - 1] {
            assert_eq!(map.find(extent.file_offset + within), Some(extent));
        }
        end = extent.end();
        match extent.part {
            FilePart::Segment { log_offset, used } => {
                segments.push((log_offset, extent.length, used));
            }
            FilePart::Run { start, end, first, next, level, .. } => {
                assert!(level.is_some() && start < end && first <= next);
                runs.push((start, end, first, next));
            }
            _ => {}
        }
    }
    assert_eq!((map.file_bytes, end), (size, size));
    assert_eq!(map.find(end), None);
    let fixed: Vec<FilePart> = map.extents.iter().take(4).map(|extent| extent.part).collect();
    let [FilePart::Header, FilePart::Slot { counter: a }, FilePart::Slot { counter: b }, last] =
        fixed.as_slice()
    else {
        panic!("{fixed:?}")
    };
    assert_eq!((last, a.max(b)), (&FilePart::Holder, &Some(map.counter)));
    // All of the log, up to its end, is in segments.
    segments.sort_unstable();
    let mut log = LogOffset::ZERO;
    for (log_offset, length, used) in &segments {
        assert_eq!(*log_offset, log);
        log = log.plus(*length);
        let is_prepared = log_offset.plus(64) >= map.log_end;
        let wanted = if is_prepared { 0 } else { map.log_end.min(log).since(*log_offset) };
        assert_eq!(*used, wanted);
    }
    assert!(map.log_end <= log);
    // So is the index, in runs, up to what is in memory.
    runs.sort_unstable();
    let (mut at, mut position) = (LogOffset::new(64), Position::new(1));
    for (start, end, first, next) in runs {
        assert_eq!((start, first), (at, position));
        (at, position) = (end, next);
    }
    assert!(at <= map.log_end);
}

#[derive(Clone, Debug)]
enum Op {
    Append(usize, usize),
    Chore(Chore),
    Reopen,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (1..40_usize, 0..3_000_usize).prop_map(|(events, bytes)| Op::Append(events, bytes)),
        1 => Just(Op::Chore(Chore::Prepare)),
        1 => Just(Op::Chore(Chore::Mark)),
        4 => Just(Op::Chore(Chore::Index)),
        1 => Just(Op::Reopen),
        1 => Just(Op::Crash),
    ]
}

fn go_on(disk: &mut Arc<MemoryStorage>, engine: &mut Engine, op: &Op) {
    match op {
        Op::Append(events, bytes) => {
            for nth in 0..*events {
                let event = NewEvent::new("Noted", vec![7; bytes * (nth % 3) / 2]);
                let commit = Commit::new().append("a", ExpectedVersion::Any, [event]);
                engine.commit(&commit.put("key", vec![7; bytes / 7])).unwrap();
            }
        }
        Op::Chore(chore) => engine.chore(*chore).unwrap(),
        Op::Reopen => {
            engine.close().unwrap();
            *engine = Engine::open(disk.clone(), settings()).unwrap();
        }
        // Its memory is gone, what it wrote is there.
        Op::Crash => {
            *disk = Arc::new(MemoryStorage::from_bytes(disk.to_bytes()));
            *engine = Engine::open(disk.clone(), settings()).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn each_byte_is_in_one_extent(ops in prop::collection::vec(op(), 1..24)) {
        let mut disk = Arc::new(MemoryStorage::new());
        let mut engine = Engine::open(disk.clone(), settings()).unwrap();
        for op in ops {
            go_on(&mut disk, &mut engine, &op);
            let map = engine.map().unwrap();
            check(&map, &disk);
            // Who only looks sees the same file, and of the log what is durable.
            let reader = Engine::open_read_only(disk.clone(), &settings()).unwrap();
            let seen = reader.map().unwrap();
            check(&seen, &disk);
            prop_assert_eq!(seen.counter, map.counter);
        }
        let go_on = |_, _| ControlFlow::Continue(());
        let (backup, compact) = (Arc::new(MemoryStorage::new()), Arc::new(MemoryStorage::new()));
        let target: Arc<dyn Storage> = backup.clone();
        engine.backup(&target, go_on).unwrap();
        let target: Arc<dyn Storage> = compact.clone();
        engine.compact(&target, go_on).unwrap();
        for copy in [backup, compact] {
            let engine = Engine::open_read_only(copy.clone(), &settings()).unwrap();
            check(&engine.map().unwrap(), &copy);
        }
    }
}

#[test]
fn runs_that_became_one_leave_room_that_is_free() {
    let mut disk = Arc::new(MemoryStorage::new());
    let mut engine = Engine::open(disk.clone(), settings()).unwrap();
    for _ in 0..40 {
        go_on(&mut disk, &mut engine, &Op::Append(9, 100));
        go_on(&mut disk, &mut engine, &Op::Chore(Chore::Index));
    }
    let map = engine.map().unwrap();
    check(&map, &disk);
    let merged = |part: &FilePart| matches!(part, FilePart::Run { level: Some(1..), .. });
    assert!(map.bytes_of(merged) > 0);
    assert!(map.bytes_of(|part| *part == FilePart::Free) > 0);
}

#[test]
fn a_run_whose_first_page_is_damaged_is_there_without_its_level() {
    let mut disk = Arc::new(MemoryStorage::new());
    let mut engine = Engine::open(disk.clone(), settings()).unwrap();
    go_on(&mut disk, &mut engine, &Op::Append(30, 10));
    engine.close().unwrap();
    let whole = Engine::open_read_only(disk.clone(), &settings()).unwrap();
    let map = whole.map().unwrap();
    let is_run = |extent: &&FileExtent| matches!(extent.part, FilePart::Run { .. });
    let run = *map.extents.iter().rfind(is_run).unwrap();
    disk.write_at(&[0xAA; 8], run.file_offset + 40).unwrap();
    let FilePart::Run { id, start, end, first, next, .. } = run.part else { panic!("{run:?}") };
    let lost = FilePart::Run { id, level: None, start, end, first, next };
    assert_eq!(whole.map().unwrap().find(run.file_offset).unwrap().part, lost);
}

#[test]
fn segments_to_which_no_header_leads_are_unnamed() {
    let mut disk = Arc::new(MemoryStorage::new());
    let mut engine = Engine::open(disk.clone(), settings()).unwrap();
    go_on(&mut disk, &mut engine, &Op::Append(40, 40_000));
    let map = engine.map().unwrap();
    let mut segments: Vec<(LogOffset, FileExtent)> = Vec::new();
    for extent in &map.extents {
        if let FilePart::Segment { log_offset, .. } = extent.part {
            segments.push((log_offset, *extent));
        }
    }
    segments.sort_unstable_by_key(|(log_offset, _)| *log_offset);
    assert!(segments.len() > 35, "more than a slot names");
    let place = segments[segments.len() - 33].1;
    disk.write_at(&[0xAA; 8], place.file_offset + 8).unwrap();
    let lost = engine.map().unwrap();
    assert!(matches!(lost.find(place.file_offset).unwrap().part, FilePart::Segment { .. }));
    for (_, before) in &segments[..segments.len() - 33] {
        assert_eq!(lost.find(before.file_offset).unwrap().part, FilePart::Unnamed);
    }
}

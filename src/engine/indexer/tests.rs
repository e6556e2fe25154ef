//! What is merged with what and when, and what happens where that fails.

use super::*;
use crate::engine::tests::device::{Asked, Watched};
use crate::engine::tests::quiet;
use crate::engine::tests::shelf::Shelf;
use crate::engine::{Chore, Engine, Settings};
use crate::format::index;
use crate::words::{Commit, NewEvent, Version};
use std::ops::Range;

/// Whether room is asked for.
fn is_room(asked: &Asked) -> bool {
    *asked == Asked::Allocate
}

/// Whether whole pages behind the fixed ones are written.
fn is_of_a_run(asked: &Asked) -> bool {
    let Asked::Write(range) = asked else { return false };
    range.start >= 4 * PAGE && (range.end - range.start).is_multiple_of(PAGE)
}

/// Refuses such things: the device is full.
fn full(is_refused: fn(&Asked) -> bool) -> impl Fn(&Asked) -> Option<io::ErrorKind> {
    move |asked| is_refused(asked).then_some(io::ErrorKind::StorageFull)
}

/// A store of which four events make a table full.
fn store() -> (Arc<Watched>, Engine) {
    let disk = Watched::new();
    let settings = Settings { tail_events: 4, ..quiet() };
    let engine = Engine::open(disk.clone(), settings).unwrap();
    (disk, engine)
}

fn side(engine: &Engine) -> &WriteSide {
    engine.write_side().unwrap()
}

/// Appends events that make a table full: from now on it waits to become a run.
fn fill(engine: &Engine) {
    append(engine, 4);
    assert_eq!(waiting(engine), 1);
}

fn append(engine: &Engine, events: usize) {
    let version = engine.core.flow.lock().visible.1.get();
    let events = vec![NewEvent::new("Noted", "x"); events];
    engine.commit(&Commit::new().append("a", Version::new(version), events)).unwrap();
}

fn step(engine: &Engine) -> bool {
    side(engine).index_step(&engine.core).unwrap()
}

/// Makes so many runs, none of which is merged.
fn make_runs(engine: &Engine, count: usize) {
    for _ in 0..count {
        fill(engine);
        assert!(step(engine));
        assert_eq!(waiting(engine), 0);
    }
}

/// How many tables wait to become runs.
fn waiting(engine: &Engine) -> usize {
    engine.core.index.sources().tables.len() - 1
}

fn levels(engine: &Engine) -> Vec<u32> {
    engine.core.index.sources().runs.iter().map(|run| run.header().level).collect()
}

fn ids(engine: &Engine) -> Vec<u32> {
    engine.core.index.sources().runs.iter().map(|run| run.place().id).collect()
}

/// What is chosen to be merged of these runs: which of them, and to what level.
fn chosen(
    engine: &Engine,
    state: &mut State,
    runs: &[Arc<Run>],
    urgent: bool,
) -> Option<(Range<u32>, u32)> {
    let before = state.merges.len();
    let sources = Sources { runs: runs.to_vec(), tables: Vec::new() };
    side(engine).plan(&engine.core, state, &sources, urgent).unwrap();
    let merge = state.merges.get(before)?;
    assert_eq!(state.merges.len(), before + 1);
    let ids = ids_of(&merge.inputs);
    let (first, next) = (ids[0], ids[0] + u32::try_from(ids.len()).unwrap());
    assert_eq!(ids, (first..next).collect::<Vec<_>>());
    Some((first..next, merge.level))
}

#[test]
fn four_of_a_level_are_merged_the_lowest_level_first_and_of_that_the_oldest() {
    let (_, engine) = store();
    let mut state = side(&engine).indexer.lock();
    for (levels, wanted) in [
        (&[][..], None),
        (&[0, 0, 0], None),
        (&[0, 0, 0, 0], Some((0..4, 1))),
        (&[0, 0, 0, 0, 0], Some((0..4, 1))),
        (&[1, 0, 0, 0], None),
        (&[1, 0, 0, 0, 0], Some((1..5, 1))),
        (&[2, 1, 1, 1, 0, 0, 0], None),
        (&[1, 1, 1, 1, 0, 0, 0], Some((0..4, 2))),
        (&[1, 1, 1, 1, 0, 0, 0, 0], Some((4..8, 1))),
        // A run that was merged out of turn lies between.
        (&[0, 0, 1, 0, 0], None),
    ] {
        for urgent in [false, true] {
            state.merges.clear();
            let runs = Shelf::default().runs(levels);
            assert_eq!(chosen(&engine, &mut state, &runs, urgent), wanted, "{levels:?}");
        }
    }
    state.merges.clear();
}

#[test]
fn a_merge_waits_for_smaller_ones_and_for_nothing_else() {
    let (_, engine) = store();
    let mut state = side(&engine).indexer.lock();
    let runs = Shelf::default().runs(&[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(chosen(&engine, &mut state, &runs[..4], false), Some((0..4, 2)));
    // What is being merged is not merged twice.
    assert_eq!(chosen(&engine, &mut state, &runs[..4], false), None);
    assert_eq!(chosen(&engine, &mut state, &runs[..8], false), Some((4..8, 1)));
    // Not one beside it that is as large.
    assert_eq!(chosen(&engine, &mut state, &runs, false), None);
    state.merges.clear();
}

#[test]
fn what_could_not_be_merged_is_left_alone_for_a_minute() {
    let (_, engine) = store();
    let mut state = side(&engine).indexer.lock();
    let runs = Shelf::default().runs(&[0, 0, 0, 0, 0]);
    let now = Instant::now();
    state.resting.push((vec![0, 1, 2, 3], now));
    assert_eq!(chosen(&engine, &mut state, &runs[..4], false), None);
    assert_eq!(chosen(&engine, &mut state, &runs, false), Some((1..5, 1)));
    state.merges.clear();
    state.resting[0].1 = now.checked_sub(REST + Duration::from_secs(1)).unwrap();
    assert_eq!(chosen(&engine, &mut state, &runs, false), Some((0..4, 1)));
    assert!(state.resting.is_empty());
    state.merges.clear();
}

#[test]
fn the_last_runs_become_one_where_no_slot_has_room_for_another() {
    let (_, engine) = store();
    let mut state = side(&engine).indexer.lock();
    // Never four of a level.
    let most = u32::try_from(SLOT_RUNS).unwrap();
    let levels: Vec<u32> = (0..most).map(|nth| (most - 1 - nth) / 3).collect();
    let runs = Shelf::default().runs(&levels);
    assert_eq!(chosen(&engine, &mut state, &runs, false), None);
    assert_eq!(chosen(&engine, &mut state, &runs[1..], true), None);
    assert_eq!(chosen(&engine, &mut state, &runs, true), Some((most - 4..most, 2)));
    // One is enough.
    assert_eq!(chosen(&engine, &mut state, &runs, true), None);
    state.merges.clear();
    state.resting.push(((most - 4..most).collect(), Instant::now()));
    assert_eq!(chosen(&engine, &mut state, &runs, true), None);
}

#[test]
fn a_run_that_was_made_anew_is_written_again_by_itself() {
    let (_, engine) = store();
    let mut state = side(&engine).indexer.lock();
    let mut runs = Shelf::default().runs(&[3, 2, 0]);
    let place = *runs[1].place();
    let anew = Arc::try_unwrap(runs.remove(1)).ok().unwrap().standing_for(place, None);
    runs.insert(1, Arc::new(anew));
    assert_eq!(chosen(&engine, &mut state, &runs, false), Some((1..2, 2)));
    // That is under way.
    assert_eq!(chosen(&engine, &mut state, &runs, false), None);
    state.merges.clear();
    state.resting.push((vec![1], Instant::now()));
    assert_eq!(chosen(&engine, &mut state, &runs, false), None);
}

#[test]
fn a_damaged_run_is_made_anew_and_then_merged_at_once() {
    let (disk, engine) = store();
    make_runs(&engine, FAN);
    drop(engine);
    let settings = Settings { tail_events: 4, ..quiet() };
    let engine = Engine::open(disk.clone(), settings).unwrap();
    let damaged = *engine.core.index.sources().runs[1].place();
    let pages = vec![0xAA; index(u64::from(damaged.pages - 1) * PAGE)];
    disk.write_at(&pages, damaged.file_offset + PAGE).unwrap();
    let mut steps = 0;
    while side(&engine).indexer.lock().damaged.is_none() {
        step(&engine);
        steps += 1;
        assert!(steps < 10 && levels(&engine) == [0; FAN], "nothing was said of it");
    }
    {
        let state = side(&engine).indexer.lock();
        assert_eq!(state.damaged, Some((damaged.id, damaged.file_offset)));
        assert_eq!((state.resting.len(), state.merges.len()), (1, 0));
    }
    assert!(step(&engine));
    assert_eq!((engine.core.healed.load(Ordering::Relaxed), levels(&engine)), (1, vec![0; FAN]));
    // What could not be read does not rest any more.
    while step(&engine) {}
    assert_eq!(levels(&engine), [1]);
    assert!(side(&engine).indexer.lock().resting.is_empty());
}

#[test]
fn tables_become_runs_before_runs_are_merged_until_they_crowd() {
    let (_, engine) = store();
    make_runs(&engine, CROWD);
    assert_eq!(levels(&engine), [0; CROWD]);
    assert_eq!(ids(&engine), (1..=8).collect::<Vec<_>>());
    fill(&engine);
    while levels(&engine).len() == CROWD {
        assert!(step(&engine));
        assert_eq!(waiting(&engine), 1);
    }
    assert_eq!((levels(&engine), ids(&engine)), (vec![1, 0, 0, 0, 0], vec![9, 5, 6, 7, 8]));
    assert!(step(&engine));
    assert_eq!((waiting(&engine), levels(&engine)), (0, vec![1, 0, 0, 0, 0, 0]));
    while step(&engine) {}
    assert_eq!((levels(&engine), ids(&engine)), (vec![1, 1, 0], vec![9, 11, 10]));
}

#[test]
fn where_nothing_can_be_merged_runs_are_made_until_a_slot_is_full() {
    let (_, engine) = store();
    for count in 1..=SLOT_RUNS {
        fill(&engine);
        assert!(step(&engine));
        assert_eq!((waiting(&engine), levels(&engine).len()), (0, count));
        let mut state = side(&engine).indexer.lock();
        let windows = ids(&engine);
        state.resting.extend(windows.windows(FAN).map(|four| (four.to_vec(), Instant::now())));
    }
    fill(&engine);
    for _ in 0..3 {
        assert!(!step(&engine));
        assert_eq!((waiting(&engine), levels(&engine).len()), (1, SLOT_RUNS));
    }
}

#[test]
fn who_appends_helps_until_one_table_less_waits_and_no_more() {
    for (runs, after) in [(4, vec![0; 5]), (CROWD, vec![1, 0, 0, 0, 0, 0])] {
        let (_, engine) = store();
        make_runs(&engine, runs);
        fill(&engine);
        let side = side(&engine);
        // Nobody is asked to.
        side.keep_up(&engine.core);
        assert_eq!(waiting(&engine), 1);
        side.indexer.lags.store(true, Ordering::Relaxed);
        // It has just failed.
        side.indexer.lock().not_before = Some(Instant::now() + REST);
        side.keep_up(&engine.core);
        assert_eq!(waiting(&engine), 1);
        side.indexer.lock().not_before = Some(Instant::now());
        side.keep_up(&engine.core);
        assert_eq!((waiting(&engine), levels(&engine)), (0, after));
        assert!(side.indexer.lock().merges.is_empty());
        assert!(!side.indexer.lags.load(Ordering::Relaxed));
    }
}

#[test]
fn what_failed_is_tried_again_after_a_pause_or_when_it_is_asked_for() {
    let (disk, engine) = store();
    fill(&engine);
    let side = side(&engine);
    assert_eq!(side.index_again(), None);
    disk.orders(full(is_room));
    let asked = || disk.asked().iter().filter(|asked| is_room(asked)).count();
    asked();
    assert!(side.index_step(&engine.core).is_err());
    assert_eq!(asked(), 1);
    assert!(side.indexer.trouble().is_some());
    let again = side.index_again().unwrap();
    assert!(again > Duration::ZERO && again <= PAUSE, "{again:?}");
    // Not at once,
    assert!(!step(&engine));
    assert_eq!(asked(), 0);
    // but when it is asked for,
    side.index_now();
    assert!(side.index_step(&engine.core).is_err());
    assert_eq!(asked(), 1);
    // and after the pause.
    side.indexer.lock().not_before = Some(Instant::now());
    assert!(side.index_step(&engine.core).is_err());
    assert_eq!(asked(), 1);
    disk.behaves();
    side.index_now();
    assert!(step(&engine));
    assert!(side.indexer.trouble().is_none() && side.index_again().is_none());
    // Work that came too late for a store that is being closed is no trouble.
    let mut state = side.indexer.lock();
    side.note_index(&mut state, &Err::<(), _>(Error::closed()));
    assert!(state.not_before.is_none() && side.indexer.trouble().is_none());
}

#[test]
fn room_of_runs_that_could_not_be_written_is_used_for_the_next() {
    let (disk, engine) = store();
    fill(&engine);
    let side = side(&engine);
    disk.orders(full(is_of_a_run));
    let mut ends = Vec::new();
    for _ in 0..3 {
        side.index_now();
        assert!(side.index_step(&engine.core).is_err());
        ends.push(side.slots.lock().file_end);
    }
    disk.behaves();
    side.index_now();
    assert!(step(&engine));
    ends.push(side.slots.lock().file_end);
    assert_eq!(ends, [ends[0]; 4]);
}

#[test]
fn a_poisoned_store_gives_no_room() {
    let (_, engine) = store();
    let side = side(&engine);
    assert!(side.room(&engine.core, PAGE).is_ok());
    engine.core.poison();
    let end = side.slots.lock().file_end;
    assert!(side.room(&engine.core, PAGE).is_err());
    assert_eq!(side.slots.lock().file_end, end);
}

#[test]
fn closing_writes_one_slot_for_the_last_run_and_for_having_closed() {
    for (full, more) in [(false, 3), (true, 0), (true, 3)] {
        let (_, engine) = store();
        append(&engine, 1);
        if full {
            append(&engine, 4);
        }
        if more > 0 {
            append(&engine, more - 1);
        }
        let counter = || side(&engine).slots.lock().newest.counter;
        let before = counter();
        let runs = u64::from(full) + u64::from(more > 0);
        engine.close().unwrap();
        assert_eq!(counter() - before, runs, "{runs} runs");
        assert!(side(&engine).slots.lock().newest.clean);
    }
}

#[test]
fn a_large_merge_is_written_and_synced_piece_by_piece() {
    let disk = Watched::new();
    let settings = Settings { tail_events: 48_000, tail_bytes: u64::MAX, ..quiet() };
    let engine = Engine::open(disk.clone(), settings).unwrap();
    let side = side(&engine);
    let mut nth = 0_u64;
    while levels(&engine).len() < FAN {
        let version = Version::new(nth);
        let events =
            (0..4_000).map(|event| NewEvent::new("Noted", "").tag(format!("{nth}/{event}")));
        let events: Vec<NewEvent> = events.collect();
        nth += 4_000;
        let commit = Commit::new().append("a", version, events);
        engine.commit(&commit).unwrap();
        if waiting(&engine) > 0 {
            assert!(step(&engine));
        }
    }
    engine.chore(Chore::Sync).unwrap();
    drop(disk.asked());
    let mut pieces = Vec::new();
    let mut written = 0;
    while levels(&engine).len() == FAN {
        assert!(step(&engine));
        let state = side.indexer.lock();
        if let Some(merge) = state.merges.last() {
            pieces.push(merge.job.written() - written);
            written = merge.job.written();
        }
    }
    let (_, rewritten) = side.indexer.counters();
    assert!(rewritten > 3 * STEP, "{rewritten}");
    let most = STEP + STEP / 4;
    assert!(pieces.iter().all(|piece| *piece <= most), "{pieces:?}");
    let (mut unsynced, mut syncs) = (0, 0);
    for asked in disk.asked() {
        match asked {
            Asked::Write(range) => unsynced += range.end - range.start,
            Asked::Sync => (unsynced, syncs) = (0, syncs + 1),
            _ => {}
        }
        assert!(unsynced <= STEP + most);
    }
    // One for each piece of that size, and two for the slot that names the run.
    assert!((2 + rewritten / most / 2..=2 + rewritten / STEP).contains(&syncs), "{syncs} syncs");
}

#[test]
fn a_merge_gives_way_to_synced_commits_unless_something_waits_for_it() {
    let (_disk, engine) = store();
    let gently = |commits| {
        let gently = side(&engine).index_gently(&engine.core, commits);
        let step = side(&engine).indexer.step.load(Ordering::Relaxed);
        assert_eq!(step, if gently { GENTLE } else { STEP });
        gently
    };
    assert!(gently(true) && !gently(false));
    fill(&engine);
    assert!(!gently(true), "a table waits");
    assert!(step(&engine));
    assert!(gently(true));
    // Each commit that asks for a sync is counted, and no other.
    let asked = || engine.core.flow.lock().asked;
    let before = asked();
    append(&engine, 2);
    let version = Version::new(engine.core.flow.lock().visible.1.get());
    let buffered = Commit::new().append("a", version, [NewEvent::new("Noted", "x")]);
    engine.commit(&buffered.durability(crate::words::Durability::Buffered)).unwrap();
    assert_eq!(asked(), before + 1);
}

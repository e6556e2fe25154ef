//! Runs that can't be read, one after the other: which of them is made anew, and from what.

use super::*;
use crate::engine::tests::device::{Asked, Watched};
use crate::engine::tests::shelf::{Shelf, mark};
use crate::engine::tests::{identity, quiet};
use crate::engine::{Chore, Engine, Settings};
use crate::format::Extent;
use crate::words::{Commit, ErrorKind, NewEvent, Position, Version};

/// Opens two runs of a store that has no log; the second begins at this mark.
fn open(second: Mark) -> Result<Opened, Error> {
    let mut shelf = Shelf::default();
    let named =
        [shelf.write(1, 0, mark(64, 1), mark(1_000, 4)), shelf.write(2, 0, second, mark(2_000, 6))];
    let (storage, reach) = (shelf.storage(), Arc::new(Reach::new(true)));
    let opened = open_runs(&storage, &reach, &identity(), &SegmentList::default(), &named, &[]);
    opened.map(|opened| opened.expect("nobody else writes"))
}

#[test]
fn a_run_has_to_begin_where_the_one_before_it_ends() {
    assert!(open(mark(1_000, 4)).is_ok_and(|(runs, healed)| (runs.len(), healed) == (2, 0)));
    for (what, start) in [
        ("later in the log", mark(1_008, 4)),
        ("earlier in the log", mark(992, 4)),
        ("at a later position", mark(1_000, 5)),
        ("at an earlier position", mark(1_000, 3)),
    ] {
        // It would be made anew from the log, were there one.
        assert!(open(start).is_err_and(|error| error.corruption().is_some()), "{what}");
    }
}

/// Four events make a table full.
fn tiny() -> Settings {
    Settings { tail_events: 4, ..quiet() }
}

/// Appends so many events, each four of them a commit, and makes a run of each.
fn grow(engine: &Engine, runs: u64) {
    for _ in 0..runs {
        let version = engine.core.flow.lock().visible.1.get();
        let four = vec![NewEvent::new("Noted", "x"); 4];
        engine.commit(&Commit::new().append("a", Version::new(version), four)).unwrap();
        assert!(engine.write_side().unwrap().index_step(&engine.core).unwrap());
    }
}

fn runs(engine: &Engine) -> Vec<Arc<Run>> {
    engine.core.index.sources().runs.clone()
}

fn healed(engine: &Engine) -> u64 {
    engine.core.healed.load(Ordering::Relaxed)
}

/// Whether each position of these is found where it is, by all of the index.
fn locates(engine: &Engine, events: u64) -> bool {
    let sources = engine.core.index.sources();
    let at = |nth| sources.locate(Position::new(nth)).unwrap().unwrap();
    (2..=events).all(|nth| at(nth) > at(nth - 1))
}

#[test]
fn the_run_that_is_meant_is_made_anew_and_no_other() {
    let engine = Engine::open(Arc::new(MemoryStorage::new()), tiny()).unwrap();
    grow(&engine, 3);
    let places: Vec<RunRef> = runs(&engine).iter().map(|run| *run.place()).collect();
    let [first, second, third] = places.as_slice() else { panic!("{places:?}") };
    // Numbers and places that don't belong together: whoever means them was overtaken.
    for (id, file_offset) in [(first.id, second.file_offset), (second.id, 1), (9, 1)] {
        engine.core.heal(id, file_offset).unwrap();
        assert_eq!(healed(&engine), 0, "{id} at {file_offset}");
    }
    for (nth, place) in [(1, second), (0, first), (2, third)] {
        for _ in 0..2 {
            engine.core.heal(place.id, place.file_offset).unwrap();
        }
        let runs = runs(&engine);
        assert!(runs[nth].is_rebuilt() && runs[nth].place() == place && locates(&engine, 12));
    }
    assert_eq!(healed(&engine), 3);
}

#[test]
fn where_the_log_is_damaged_too_it_is_said_where() {
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), tiny()).unwrap();
    grow(&engine, 2);
    let segments = engine.core.flow.lock().segments.clone();
    let places: Vec<RunRef> = runs(&engine).iter().map(|run| *run.place()).collect();
    // At its very beginning, from where it would be made anew.
    for (damaged, before) in [(places[1], Some(&places[0])), (places[0], None)] {
        let at = indexed_to(before);
        let file_offset = segments.find(at).unwrap().place.file_offset(at);
        disk.write_at(&[0xAA; 8], file_offset).unwrap();
        let error = engine.core.heal(damaged.id, damaged.file_offset).unwrap_err();
        let corruption = error.corruption().expect("it is damaged");
        assert_eq!(corruption.log_offset, Some(at));
        assert_eq!(corruption.file_offset, Some(file_offset));
    }
    assert_eq!(healed(&engine), 0);
}

#[test]
fn a_follower_takes_the_newest_runs_where_one_is_gone_and_makes_anew_what_is_not() {
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), tiny()).unwrap();
    grow(&engine, 2);
    let follower = Engine::open_read_only(disk.clone(), &tiny()).unwrap();
    let old = *runs(&follower)[0].place();
    // Still named: it is damaged.
    follower.core.heal(old.id, old.file_offset).unwrap();
    assert_eq!((healed(&follower), runs(&follower)[0].is_rebuilt()), (1, true));
    let follower = Engine::open_read_only(disk.clone(), &tiny()).unwrap();
    // Merged, and its room another run's by now.
    let named = || engine.write_side().unwrap().slots.lock().newest.runs.clone();
    let takes_its_place = |run: &RunRef| run.file_offset == old.file_offset && run.id != old.id;
    let mut events = 8;
    while !named().iter().any(takes_its_place) {
        grow(&engine, 1);
        engine.chore(Chore::Index).unwrap();
        events += 4;
        assert!(events < 400, "its room is not used again");
    }
    follower.core.heal(old.id, old.file_offset).unwrap();
    let now: Vec<RunRef> = runs(&follower).iter().map(|run| *run.place()).collect();
    assert_eq!((healed(&follower), now), (0, named()));
    assert!(locates(&follower, events) && !runs(&follower).iter().any(|run| run.is_rebuilt()));
}

#[test]
fn runs_are_opened_or_made_anew_or_given_up_by_what_the_newest_slot_names() {
    let disk = Watched::new();
    let engine = Engine::open(disk.clone(), tiny()).unwrap();
    grow(&engine, 2);
    let named = engine.write_side().unwrap().slots.lock().newest.runs.clone();
    let storage: Arc<dyn Storage> = disk.clone();
    let segments = engine.core.flow.lock().segments.clone();
    let open = |named: &[RunRef], is_foreign: bool| {
        let (identity, reach) = (&engine.core.identity, Arc::new(Reach::new(!is_foreign)));
        let opened = open_runs(&storage, &reach, identity, &segments, named, &[]);
        opened.map(|opened| opened.map(|(runs, healed)| (runs.len(), healed)))
    };
    for is_foreign in [true, false] {
        assert_eq!(open(&named, is_foreign).unwrap(), Some((2, 0)));
    }
    // Not what any slot names: a reader beside the writer comes too late, the writer has nothing
    // newer to look at.
    let mut gone = named.clone();
    gone[0].id += 100;
    assert_eq!(open(&gone, true).unwrap(), None);
    assert_eq!(open(&gone, false).unwrap(), Some((2, 1)));
    // Damaged, and named.
    let headers: Vec<Extent> = named.iter().map(RunRef::extent).collect();
    for header in &headers {
        disk.write_at(&[0xAA; 64], header.file_offset).unwrap();
    }
    for is_foreign in [true, false] {
        assert_eq!(open(&named, is_foreign).unwrap(), Some((2, 2)));
    }
    // What can't be read now may be whole.
    let flaw = headers[1].file_offset..headers[1].end();
    disk.orders(move |asked| match asked {
        Asked::Read(range) if range.start < flaw.end && range.end > flaw.start => {
            Some(io::ErrorKind::Other)
        }
        _ => None,
    });
    for is_foreign in [true, false] {
        let error = open(&named, is_foreign).unwrap_err();
        assert_eq!((error.kind(), error.corruption().is_some()), (ErrorKind::Io, false));
    }
}

#[test]
fn a_run_of_many_tables_is_made_anew_as_it_was() {
    let settings = Settings { tail_events: 1 << 20, tail_bytes: u64::MAX, ..quiet() };
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), settings.clone()).unwrap();
    let (commits, each) = (0..45_u64, 1_000);
    for nth in commits {
        let events = (0..each).map(|event| {
            let tag = format!("tag:{}", (nth * each + event) % 7_001);
            NewEvent::new("Noted", "x").tag(tag)
        });
        let events: Vec<NewEvent> = events.collect();
        engine.commit(&Commit::new().append("a", Version::new(nth * each), events)).unwrap();
    }
    engine.close().unwrap();
    let engine = Engine::open(disk.clone(), settings).unwrap();
    let run = runs(&engine).remove(0);
    assert!(run.header().events().is_some_and(|events| u64::from(events) > 2 * TABLE));
    engine.core.heal(run.place().id, run.place().file_offset).unwrap();
    let anew = runs(&engine).remove(0);
    assert!(anew.is_rebuilt() && locates(&engine, 45 * each));
    assert_eq!(anew.header(), run.header());
}

/// Runs of these levels that become one another's neighbours in memory.
fn merged(levels: &[u32]) -> Vec<u32> {
    let runs = Shelf::default().runs(levels);
    let mut runs: Vec<Run> =
        runs.into_iter().map(|run| Arc::try_unwrap(run).ok().unwrap()).collect();
    merge_last(&mut runs, 9, &identity()).unwrap();
    runs.iter().map(|run| run.header().level).collect()
}

#[test]
fn the_last_runs_in_memory_become_one_while_there_are_four_of_a_level() {
    assert_eq!(merged(&[]), [0; 0]);
    assert_eq!(merged(&[0, 0, 0]), [0, 0, 0]);
    assert_eq!(merged(&[0, 0, 0, 0]), [1]);
    assert_eq!(merged(&[1, 0, 0, 0]), [1, 0, 0, 0]);
    assert_eq!(merged(&[1, 1, 1, 0, 0, 0, 0]), [2]);
    assert_eq!(merged(&[2, 1, 0, 0, 0, 0]), [2, 1, 1]);
    assert_eq!(merged(&[0, 0, 0, 0, 0]), [0, 1]);
}

#[test]
fn a_segment_holds_what_is_in_it_and_not_what_is_beside_it() {
    let segment = |log_offset, length| {
        let extent = Extent { file_offset: 0, length };
        SegmentRef { extent, log_offset: LogOffset::new(log_offset) }
    };
    let all = [segment(0, 100), segment(100, 100), segment(200, 100)];
    let found = |start, end| holding(&all, LogOffset::new(start), LogOffset::new(end));
    assert_eq!(found(100, 200), all[1..2]);
    assert_eq!(found(99, 200), all[..2]);
    assert_eq!(found(100, 201), all[1..]);
    assert_eq!(found(0, 300), all);
    assert_eq!(found(300, 400), []);
}

#[test]
fn damage_of_a_page_says_where_in_the_file_it_is() {
    let error = run_error(RunError::Damaged { id: 7, file_offset: 5 * PAGE, page: 3 });
    let damage = error.corruption().unwrap();
    assert_eq!(damage.file_offset, Some(8 * PAGE));
    assert_eq!(damage.what, "page 3 of run 7 of the index fails its check");
}

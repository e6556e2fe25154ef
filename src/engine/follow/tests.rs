//! What a follower keeps of what it meets, while another writes.

use super::*;
use crate::engine::bell::Awaited;
use crate::engine::tests::{append, quiet};
use crate::format::RunRef;
use crate::storage::MemoryStorage;
use crate::words::Position;
use std::task::Waker;

/// Four events make a table full.
fn tiny() -> Settings {
    Settings { tail_events: 4, ..quiet() }
}

/// A store and somebody who follows it.
fn pair() -> (Engine, Arc<Engine>) {
    let disk = Arc::new(MemoryStorage::new());
    let writer = Engine::open(disk.clone(), tiny()).unwrap();
    let follower = Engine::open_read_only(disk, &tiny()).unwrap();
    assert!(follower.is_follower() && !writer.is_follower());
    (writer, Arc::new(follower))
}

/// One piece of what is to be done for the index.
fn step(writer: &Engine) -> bool {
    writer.write_side().unwrap().index_step(&writer.core).unwrap()
}

/// The last position that the follower sees, after it has looked.
fn head(follower: &Engine) -> u64 {
    follower.view().unwrap().head.get()
}

fn runs(engine: &Engine) -> Vec<RunRef> {
    engine.core.index.sources().runs.iter().map(|run| *run.place()).collect()
}

#[test]
fn a_follower_has_the_runs_that_the_newest_slot_names() {
    let (writer, follower) = pair();
    let mut counts = Vec::new();
    for events in (4..=60).step_by(4) {
        append(&writer, 4);
        while step(&writer) {
            assert_eq!(head(&follower), events);
            assert_eq!(runs(&follower), runs(&writer), "{events} events");
            counts.push(runs(&writer).len());
        }
    }
    // As many as before, and others.
    assert!(counts.windows(2).any(|pair| pair[1] < pair[0]), "nothing was merged");
    assert_eq!(follower.core.healed.load(Ordering::Relaxed), 0);
}

#[test]
fn as_many_runs_as_before_of_which_each_is_another_are_others() {
    let (writer, follower) = pair();
    append(&writer, 4);
    assert!(step(&writer));
    assert_eq!(head(&follower), 4);
    let before = runs(&follower);
    let mut events = 4;
    while runs(&writer).len() != 1 || runs(&writer) == before {
        append(&writer, 4);
        while step(&writer) {}
        events += 4;
    }
    assert_eq!((head(&follower), runs(&follower)), (events, runs(&writer)));
}

#[test]
fn a_follower_that_was_asleep_goes_on_from_where_the_runs_end() {
    let (writer, follower) = pair();
    append(&writer, 2);
    assert_eq!(head(&follower), 2);
    append(&writer, 11);
    while step(&writer) {}
    append(&writer, 1);
    assert_eq!(head(&follower), 14);
    let sources = follower.core.index.sources();
    let end = sources.runs.last().unwrap().header().end;
    assert_eq!(sources.tables.iter().map(|table| table.start().at).collect::<Vec<_>>(), [end]);
    assert!(sources.locate(Position::new(14)).unwrap().is_some());
}

#[test]
fn a_follower_that_is_awake_keeps_what_it_has_met_since_the_runs_end() {
    let (writer, follower) = pair();
    append(&writer, 5);
    assert_eq!(head(&follower), 5);
    let last = || follower.core.index.sources().active().cloned().unwrap();
    let before = last();
    assert!(step(&writer));
    assert_eq!((head(&follower), runs(&follower).len()), (5, 1));
    assert!(Arc::ptr_eq(&before, &last()), "it has walked the same once more");
}

#[test]
fn what_waits_for_the_writers_run_lies_in_tables_of_the_usual_size() {
    let (writer, follower) = pair();
    append(&writer, 11);
    assert_eq!(head(&follower), 11);
    let sources = follower.core.index.sources();
    assert_eq!(sources.tables.iter().map(|table| table.load()).collect::<Vec<_>>(), [4, 4, 3]);
}

#[test]
fn one_thread_looks_as_long_as_somebody_waits_and_another_when_somebody_waits_again() {
    let (_writer, follower) = pair();
    let every = Duration::from_millis(1);
    let running = || {
        let keeper = follower.keeper.lock().unwrap();
        keeper.as_ref().map(|thread| thread.thread().id())
    };
    follower.core.bell.register(Awaited::Visible(Position::new(1)), Waker::noop());
    follower.start_looking(every).unwrap();
    let first = running();
    follower.start_looking(every).unwrap();
    assert!(first.is_some() && running() == first);
    // Nobody waits any more: it ends.
    follower.core.bell.ring(Ring::Ended);
    while running().is_some() {
        thread::sleep(every);
    }
    follower.core.bell.register(Awaited::Visible(Position::new(1)), Waker::noop());
    follower.start_looking(every).unwrap();
    let second = running();
    assert!(second.is_some() && second != first);
}

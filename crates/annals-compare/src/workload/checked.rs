//! What a small machine is asked: the same kinds of work, where each answer has to be right. The
//! clock runs while payloads are compared, too.

use super::{
    BATCH, Measures, Scale, UNSYNCED, asked, batch_of, head, loaded, measures, rate, round_robin,
    some_positions, some_streams,
};
use crate::peer::{Asked, Peer};
use crate::process;
use crate::support;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Batches between two looks at the size of the files.
const BETWEEN_LOOKS: u64 = 100;
/// Reads, most of which are of the disk: together more than there is memory for.
const STREAMS_READ: u64 = 200;
const POSITIONS_READ: u64 = 20_000;
const TAGS_READ: u64 = 12;
/// Decisions, each of which begins with reading all that there is of a type with a tag.
pub const DECISIONS: u64 = 2 * BATCH;

/// The parts in their order: the first makes the store, the last writes to it.
pub const PARTS: [&str; 7] = ["ingest", "replay", "streams", "positions", "open", "tag", "decide"];

pub(super) fn run<P: Peer>(name: &str, folder: &Path, scale: Scale, seed: u64) -> Measures {
    let mut found = match name {
        "small-ingest" => return ingest::<P>(folder, scale),
        "small-replay" => replay::<P>(folder, scale),
        "small-streams" => streams::<P>(folder, scale, seed),
        "small-positions" => positions::<P>(folder, scale, seed),
        "small-open" => open::<P>(folder, scale),
        "small-tag" => tag::<P>(folder, scale),
        "small-decide" => decide::<P>(folder, scale),
        other => panic!("there is no workload '{other}'"),
    };
    found.insert("memory".to_owned(), process::peak_memory());
    found.insert("read".to_owned(), process::bytes_read() / 1e6);
    found
}

/// Appends until the files take so many bytes, which here stand where the number of events does
/// otherwise; then syncs.
fn ingest<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let bytes = scale.events;
    let store = P::create(folder, UNSYNCED);
    let (mut commits, mut time) = (0, Duration::ZERO);
    while process::sizes(folder).0 < bytes {
        for nth in commits..commits + BETWEEN_LOOKS {
            let batch = batch_of::<P>(nth, UNSYNCED, scale);
            let start = Instant::now();
            store.append(&batch);
            time += start.elapsed();
        }
        commits += BETWEEN_LOOKS;
    }
    let start = Instant::now();
    store.sync();
    time += start.elapsed();
    store.close();
    let events = (commits * BATCH) as f64;
    measures([
        ("rate", events / time.as_secs_f64()),
        ("events", events),
        ("bytes", process::sizes(folder).0 as f64),
        ("memory", process::peak_memory()),
        ("read", process::bytes_read() / 1e6),
    ])
}

/// The numbers of events, whose payloads have to come in this order.
struct Expected<I>(I);

impl<I: Iterator<Item = u64>> Expected<I> {
    fn next(&mut self, payload: &[u8]) {
        let nth = self.0.next().expect("no more than there are");
        assert!(payload == support::payload(nth), "event {nth} has another payload");
    }

    fn end(mut self) {
        assert_eq!(self.0.next(), None, "events are missing");
    }
}

fn replay<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let mut expected = Expected(0..scale.events);
    let start = Instant::now();
    let count = store.replay(|payload| expected.next(payload));
    let time = start.elapsed();
    expected.end();
    assert_eq!(count, scale.events);
    rate(count, time)
}

fn streams<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let mut count = 0;
    let start = Instant::now();
    for name in some_streams(STREAMS_READ, scale, seed) {
        let first = name.trim_start_matches("account-").parse().unwrap();
        let mut expected = Expected((first..scale.events).step_by(scale.streams as usize));
        count += store.stream(&name, |payload| expected.next(payload));
        expected.end();
    }
    rate(count, start.elapsed())
}

fn positions<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let positions = some_positions(POSITIONS_READ, scale, seed);
    let mut expected = Expected(positions.iter().map(|position| position - 1));
    let start = Instant::now();
    store.positions(&positions, |payload| expected.next(payload));
    let time = start.elapsed();
    expected.end();
    rate(POSITIONS_READ, time)
}

fn open<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let mut expected = Expected([0, scale.events - 1].into_iter());
    let start = Instant::now();
    let store = loaded::<P>(folder);
    store.positions(&[1, scale.events], |payload| expected.next(payload));
    let time = start.elapsed();
    expected.end();
    assert_eq!(head(&store), scale.events);
    store.close();
    measures([("milliseconds", time.as_secs_f64() * 1e3)])
}

fn tag<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let (mut count, mut time) = (0, Duration::ZERO);
    for nth in 0..TAGS_READ {
        let (_, [tag, _]) = support::kinds(nth);
        let has = |number: &u64| support::kinds(*number).1[0] == tag;
        let numbers: Vec<u64> = (0..scale.events).filter(has).collect();
        let mut expected = Expected(numbers.into_iter());
        let start = Instant::now();
        count += store.tagged(&support::tag_name(tag), |payload| expected.next(payload));
        time += start.elapsed();
        expected.end();
    }
    rate(count, time)
}

/// Reads all of a type with a tag, and appends one more unless another has come; first tries it
/// with what was seen being too old, which has to be refused.
fn decide<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let numbers = scale.events..scale.events + DECISIONS;
    let mut of: HashMap<Asked, Vec<u64>> =
        numbers.clone().map(|nth| (asked(nth), Vec::new())).collect();
    for nth in 0..numbers.end {
        if let Some(list) = of.get_mut(&asked(nth)) {
            list.push(nth);
        }
    }
    let (mut read, mut time) = (0, Duration::ZERO);
    for nth in numbers {
        let asked = asked(nth);
        let batch = P::batch(&[round_robin(nth, scale)], UNSYNCED);
        let earlier = of[&asked].iter().copied().take_while(|other| *other < nth);
        let count = earlier.clone().count() as u64;
        assert!(count == 0 || !store.append_unless(&batch, &asked, 0), "it was seen too early");
        let mut expected = Expected(earlier);
        let start = Instant::now();
        let seen = store.since(&asked, 0, |payload| expected.next(payload));
        assert!(store.append_unless(&batch, &asked, seen));
        time += start.elapsed();
        expected.end();
        read += count;
    }
    store.sync();
    assert_eq!(head(&store), scale.events + DECISIONS);
    store.close();
    let a_second = DECISIONS as f64 / time.as_secs_f64();
    measures([("rate", a_second), ("events", read as f64 / DECISIONS as f64)])
}

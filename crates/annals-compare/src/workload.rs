//! The workloads: what each asks of a store, and what it measures.

pub mod checked;
mod growth;
pub mod marked;

use crate::peer::{Asked, Mode, Nth, Peer};
use crate::process;
use crate::support::{self, Random};
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub events: u64,
    pub streams: u64,
}

/// What was measured, by name.
pub type Measures = BTreeMap<String, f64>;

/// Events of a commit of many.
const BATCH: u64 = 100;
/// Commits that are made ready at a time: the clock costs as much as a part of one.
const READY: u64 = 256;
/// Synced commits of one thread, and of each of many.
const SYNCED: u64 = 2_000;
const THREADS: u64 = 16;
const OF_THREAD: u64 = 300;
const BATCHES_SYNCED: u64 = 200;
/// Commits of one event that nobody syncs.
const SINGLE: u64 = 100_000;
const STREAMS_READ: u64 = 2_000;
const POSITIONS_READ: u64 = 200_000;
const DECISIONS: u64 = 20_000;
const DECISIONS_SYNCED: u64 = 2_000;
const TOGETHER: Duration = Duration::from_secs(5);
/// Events that a writer has appended since the last close when it is killed.
const BEFORE_KILL: u64 = 50_000;
/// Reads from a disk whose cache was dropped.
const COLD_STREAMS: u64 = 200;
const COLD_POSITIONS: u64 = 1_000;

const UNSYNCED: Mode = Mode { synced: false, lean: false, reserve: false };
const SYNCING: Mode = Mode { synced: true, lean: false, reserve: true };

/// Runs the workload with this name; each has its own process, and a folder with what the one
/// before has left.
pub fn run<P: Peer>(name: &str, folder: &Path, scale: Scale, seed: u64) -> Measures {
    let growing = Mode { reserve: false, ..SYNCING };
    match name {
        "W1" => one_thread::<P>(folder, SYNCING),
        "W1d" => one_thread::<P>(folder, growing),
        "W2" => many_threads::<P>(folder, SYNCING),
        "W2d" => many_threads::<P>(folder, growing),
        "W3" => load::<P>(folder, UNSYNCED, scale),
        "W3lean" => load::<P>(folder, Mode { lean: true, ..UNSYNCED }, scale),
        "W3b" => single::<P>(folder),
        "W4" => batches_synced::<P>(folder, SYNCING),
        "W4d" => batches_synced::<P>(folder, growing),
        "W5" => replay::<P>(folder, scale),
        "W6" => streams::<P>(folder, scale, seed),
        "W7" => positions::<P>(folder, scale, seed),
        "W8" | "W8k" => open::<P>(folder),
        "write" => write_and_wait::<P>(folder, scale),
        "W9" => decisions::<P>(folder, UNSYNCED, DECISIONS),
        "W9s" => decisions::<P>(folder, SYNCING, DECISIONS_SYNCED),
        "W10" => together::<P>(folder, scale, seed),
        "C5" => replay::<P>(folder, scale),
        "C6" => cold_streams::<P>(folder, scale, seed),
        "C7" => cold_positions::<P>(folder, scale, seed),
        "C8" => open::<P>(folder),
        "C9" => cold_tag::<P>(folder, seed),
        "W1g" => growth::one_thread::<P>(folder, growing, scale),
        "W6g" => growth::streams::<P>(folder, scale, seed),
        "W9g" => growth::decisions::<P>(folder, scale),
        "tag" => growth::tag::<P>(folder, seed),
        _ if name.starts_with("small-") => checked::run::<P>(name, folder, scale, seed),
        _ if name.starts_with("marked-") => marked::run::<P>(name, folder, scale),
        other => panic!("there is no workload '{other}'"),
    }
}

fn measures<const N: usize>(all: [(&str, f64); N]) -> Measures {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn rate(count: u64, time: Duration) -> Measures {
    measures([("rate", count as f64 / time.as_secs_f64())])
}

/// An event of a stream that a thread has for itself.
fn own(thread: u64, nth: u64) -> Nth {
    Nth { nth: nth * THREADS + thread, stream: thread, expected: nth }
}

/// An event of all that go round robin over the streams.
fn round_robin(nth: u64, scale: Scale) -> Nth {
    Nth { nth, stream: nth % scale.streams, expected: nth / scale.streams }
}

/// A new store whose first segment, which is never filled with zeros ahead, is full.
fn settled<P: Peer>(folder: &Path, mode: Mode) -> (P, u64) {
    let store = P::create(folder, mode);
    let first = 256;
    (0..first).for_each(|nth| store.append(&P::batch(&[own(0, nth)], mode)));
    store.sync();
    store.settle();
    (store, first)
}

fn one_thread<P: Peer>(folder: &Path, mode: Mode) -> Measures {
    let (store, first) = settled::<P>(folder, mode);
    let mut each = Vec::new();
    for nth in first..first + SYNCED {
        let batch = P::batch(&[own(0, nth)], mode);
        let start = Instant::now();
        store.append(&batch);
        each.push(start.elapsed());
    }
    store.close();
    rate_and_slowest(each)
}

fn rate_and_slowest(mut each: Vec<Duration>) -> Measures {
    let all: Duration = each.iter().sum();
    each.sort_unstable();
    let slowest = each[each.len() * 99 / 100];
    let rate = each.len() as f64 / all.as_secs_f64();
    measures([("rate", rate), ("p99", slowest.as_secs_f64() * 1e6)])
}

fn many_threads<P: Peer>(folder: &Path, mode: Mode) -> Measures {
    let (store, first) = settled::<P>(folder, mode);
    let (ready, go) = (Barrier::new(THREADS as usize + 1), Barrier::new(THREADS as usize + 1));
    let start = std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let first = if thread == 0 { first } else { 0 };
            let (store, ready, go) = (&store, &ready, &go);
            scope.spawn(move || {
                let batches: Vec<_> = (first..first + OF_THREAD)
                    .map(|nth| P::batch(&[own(thread, nth)], mode))
                    .collect();
                ready.wait();
                go.wait();
                batches.iter().for_each(|batch| store.append(batch));
            });
        }
        ready.wait();
        let start = Instant::now();
        go.wait();
        start
    });
    let time = start.elapsed();
    store.close();
    rate(THREADS * OF_THREAD, time)
}

/// Appends commits with these numbers, some made ready at a time; the clock runs while they are
/// appended.
fn append_all<P: Peer>(
    store: &P,
    commits: u64,
    ready: u64,
    make: impl Fn(u64) -> P::Batch,
) -> Duration {
    let mut time = Duration::ZERO;
    let mut batches = Vec::new();
    for first in (0..commits).step_by(ready as usize) {
        batches.extend((first..commits.min(first + ready)).map(&make));
        let start = Instant::now();
        batches.iter().for_each(|batch| store.append(batch));
        time += start.elapsed();
        batches.clear();
    }
    time
}

fn batch_of<P: Peer>(nth: u64, mode: Mode, scale: Scale) -> P::Batch {
    let events: Vec<Nth> =
        (nth * BATCH..(nth + 1) * BATCH).map(|nth| round_robin(nth, scale)).collect();
    P::batch(&events, mode)
}

fn load<P: Peer>(folder: &Path, mode: Mode, scale: Scale) -> Measures {
    let store = P::create(folder, mode);
    let commits = scale.events / BATCH;
    let mut time = append_all(&store, commits, 2, |nth| batch_of::<P>(nth, mode, scale));
    let start = Instant::now();
    store.sync();
    time += start.elapsed();
    let memory = process::peak_memory();
    store.close();
    let (used, taken) = process::sizes(folder);
    let events = scale.events as f64;
    measures([
        ("rate", events / time.as_secs_f64()),
        ("memory", memory),
        ("used", used as f64 / events),
        ("taken", taken as f64 / events),
    ])
}

fn single<P: Peer>(folder: &Path) -> Measures {
    let store = P::create(folder, UNSYNCED);
    let make = |nth| P::batch(&[own(0, nth)], UNSYNCED);
    let mut time = append_all(&store, SINGLE, READY, make);
    let start = Instant::now();
    store.sync();
    time += start.elapsed();
    store.close();
    rate(SINGLE, time)
}

fn batches_synced<P: Peer>(folder: &Path, mode: Mode) -> Measures {
    let scale = Scale { events: 0, streams: support::STREAMS };
    let store = P::create(folder, mode);
    // Every stream has its name in the file, and the first segment is full.
    let first = scale.streams / BATCH;
    (0..first).for_each(|nth| store.append(&batch_of::<P>(nth, mode, scale)));
    store.sync();
    store.settle();
    let make = |nth| batch_of::<P>(first + nth, mode, scale);
    let time = append_all(&store, BATCHES_SYNCED, 4, make);
    store.close();
    rate(BATCHES_SYNCED * BATCH, time)
}

/// A store that another process has loaded.
fn loaded<P: Peer>(folder: &Path) -> P {
    P::open(folder, UNSYNCED)
}

fn replay<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let mut all = 0;
    let start = Instant::now();
    let count = store.replay(|payload| all ^= support::fold(payload));
    let time = start.elapsed();
    black_box(all);
    assert!(count >= scale.events, "{count}");
    rate(count, time)
}

fn some_streams(count: u64, scale: Scale, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    (0..count).map(|_| support::stream_name(random.below(scale.streams))).collect()
}

fn read_streams<P: Peer>(store: &P, streams: &[String]) -> u64 {
    let mut all = 0;
    let each = |name: &String| store.stream(name, |payload| all ^= support::fold(payload));
    let count = streams.iter().map(each).sum();
    black_box(all);
    count
}

fn streams<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    // What a process reads first of a file it has yet to map.
    read_streams(&store, &some_streams(STREAMS_READ, scale, !seed));
    let some = some_streams(STREAMS_READ, scale, seed);
    let start = Instant::now();
    let count = read_streams(&store, &some);
    rate(count, start.elapsed())
}

fn some_positions(count: u64, scale: Scale, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    (0..count).map(|_| 1 + random.below(scale.events)).collect()
}

fn read_positions<P: Peer>(store: &P, positions: &[u64]) -> Duration {
    let mut all = 0;
    let start = Instant::now();
    store.positions(positions, |payload| all ^= support::fold(payload));
    black_box(all);
    start.elapsed()
}

fn positions<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    read_positions(&store, &some_positions(POSITIONS_READ, scale, !seed));
    let time = read_positions(&store, &some_positions(POSITIONS_READ, scale, seed));
    measures([("nanoseconds", time.as_secs_f64() * 1e9 / POSITIONS_READ as f64)])
}

fn open<P: Peer>(folder: &Path) -> Measures {
    let start = Instant::now();
    let store = loaded::<P>(folder);
    store.positions(&[1], |payload| _ = black_box(support::fold(payload)));
    let time = start.elapsed();
    let memory = process::peak_memory();
    store.close();
    measures([("milliseconds", time.as_secs_f64() * 1e3), ("memory", memory)])
}

/// Appends to what is there, says so, and waits to be killed.
fn write_and_wait<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let first = head(&store) / BATCH;
    for nth in 0..BEFORE_KILL / BATCH {
        store.append(&batch_of::<P>(first + nth, UNSYNCED, scale));
    }
    process::say_ready();
    // No longer than that: whoever was to do it may be gone.
    std::thread::sleep(Duration::from_secs(60));
    Measures::new()
}

/// Decisions in a new store.
fn decisions<P: Peer>(folder: &Path, mode: Mode, count: u64) -> Measures {
    let scale = Scale { events: 0, streams: support::STREAMS };
    let store = P::create(folder, mode);
    let first = 1_000;
    (0..first).for_each(|nth| store.append(&P::batch(&[round_robin(nth, scale)], mode)));
    store.sync();
    store.settle();
    let time = decide(&store, mode, first..first + count, 0, scale);
    store.close();
    rate(count, time)
}

/// The type and the first tag of the `nth` event of all.
fn asked(nth: u64) -> Asked {
    let (event_type, [tag, _]) = support::kinds(nth);
    Asked { event_type: support::type_name(event_type), tag: support::tag_name(tag) }
}

/// How many events there are.
fn head<P: Peer>(store: &P) -> u64 {
    store.since(&asked(0), 0, |_| ())
}

/// For each of these events: reads those of its type with its tag since they were last seen, those
/// up to a position having been seen before, then appends it on the condition that no other has
/// come.
fn decide<P: Peer>(
    store: &P,
    mode: Mode,
    numbers: Range<u64>,
    seen_before: u64,
    scale: Scale,
) -> Duration {
    let mut seen: HashMap<Asked, u64> = HashMap::new();
    let mut all = 0;
    let mut time = Duration::ZERO;
    for first in numbers.clone().step_by(READY as usize) {
        let ready: Vec<_> = (first..numbers.end.min(first + READY))
            .map(|nth| (P::batch(&[round_robin(nth, scale)], mode), asked(nth)))
            .collect();
        let start = Instant::now();
        for (batch, asked) in &ready {
            let seen = match seen.get_mut(asked) {
                Some(seen) => seen,
                None => seen.entry(asked.clone()).or_insert(seen_before),
            };
            *seen = store.since(asked, *seen, |payload| all ^= support::fold(payload));
            assert!(store.append_unless(batch, asked, *seen));
        }
        time += start.elapsed();
    }
    black_box(all);
    let start = Instant::now();
    store.sync();
    time + start.elapsed()
}

/// One writer of batches, and two readers of random streams.
fn together<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let there = store.replay(|_| ());
    let over = AtomicBool::new(false);
    let (written, read) = std::thread::scope(|scope| {
        let (store, over) = (&store, &over);
        let writer = scope.spawn(move || {
            let (mut count, mut time) = (0, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let first = there / BATCH + count;
                let made = [0, 1].map(|nth| batch_of::<P>(first + nth, UNSYNCED, scale));
                let start = Instant::now();
                made.iter().for_each(|batch| store.append(batch));
                time += start.elapsed();
                count += 2;
            }
            (count * BATCH) as f64 / time.as_secs_f64()
        });
        let readers: Vec<_> = (0..2)
            .map(|nth| {
                scope.spawn(move || {
                    let (mut count, start) = (0, Instant::now());
                    for round in 0.. {
                        let some = some_streams(20, scale, seed + nth + 2 * round);
                        count += read_streams(store, &some);
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    count as f64 / start.elapsed().as_secs_f64()
                })
            })
            .collect();
        std::thread::sleep(TOGETHER);
        over.store(true, Ordering::Relaxed);
        let read: f64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        (writer.join().unwrap(), read)
    });
    store.sync();
    store.close();
    measures([("written", written), ("read", read)])
}

fn cold_streams<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let some = some_streams(COLD_STREAMS, scale, seed);
    cold(folder, || read_streams(&store, &some))
}

fn cold_positions<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let some = some_positions(COLD_POSITIONS, scale, seed);
    cold(folder, || {
        read_positions(&store, &some);
        COLD_POSITIONS
    })
}

fn cold_tag<P: Peer>(folder: &Path, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let tag = support::tag_name(seed * 7 % 1_000);
    let mut all = 0;
    cold(folder, || store.tagged(&tag, |payload| all ^= support::fold(payload)))
}

/// Events a second, and what is read of the disk for one. What opening has read is dropped before.
fn cold(folder: &Path, read: impl FnOnce() -> u64) -> Measures {
    process::drop_cache(folder);
    let (before, start) = (process::bytes_read(), Instant::now());
    let count = read();
    let time = start.elapsed();
    let bytes = process::bytes_read() - before;
    measures([
        ("rate", count as f64 / time.as_secs_f64()),
        ("microseconds", time.as_secs_f64() * 1e6 / count as f64),
        ("read", bytes / count as f64),
    ])
}

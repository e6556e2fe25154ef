//! The pieces of which commits, reading and opening are made, each by itself: when `commit` or
//! `replay` says that something has become slower, this says where.
//!
//! `cargo bench --bench pieces` has criterion compare each number with its last run; words behind
//! `--` choose: `cargo bench --bench pieces -- lookup`. There is no floor here. Files lie in the
//! target directory and are read through maps, devices in memory stand for them where it is not
//! the device that is measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

mod support;

use annals::inside::{self, Reread, Sealed, Steps};
use annals::storage::{MemoryStorage, Storage};
use annals::{Chore, Commit, Durability, Options, Read, Store, View};
use criterion::{BatchSize, Bencher, Criterion, Throughput};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Random, STREAMS};

const KEY: [u8; 16] = [7; 16];
/// Events of a commit.
const BATCH: u64 = 100;
/// Events of a table before it becomes a run: about what 5 MiB of log are.
const TABLE: u64 = 15_000;
/// Bytes of an event's record with a payload of 256 and two tags.
const RECORD: usize = 304;
/// Tables of which the runs are made that are merged.
const RUNS: u64 = 4;
/// Things looked up before they come again.
const ASKED: u64 = 1 << 14;

/// A commit of events from this number on.
fn commit(first: u64) -> Commit {
    let events = first..first + BATCH;
    support::commit(events.map(|nth| (nth, nth % STREAMS, nth / STREAMS)))
}

/// Nothing happens in it but what is asked for; a table becomes a run when the store is closed.
fn options() -> Options {
    let options = Options::new().durability(Durability::Buffered).without_keeper();
    options.tail(u64::MAX, u64::MAX)
}

/// Appends this many events behind those that are there.
fn load(store: &Store, events: u64) {
    let there = store.head().unwrap().get();
    for first in (there..there + events).step_by(BATCH as usize) {
        store.commit(commit(first)).unwrap();
    }
    store.sync().unwrap();
}

/// Times `step` of commits that go through all of them, with tables that are full some time.
fn time_steps(
    bencher: &mut Bencher<'_>,
    mut steps: impl FnMut(&mut Steps, &Commit, &mut Duration),
) {
    let commits: Vec<Commit> = (0..TABLE).step_by(BATCH as usize).map(commit).collect();
    let mut way = Steps::new(KEY);
    let mut next = commits.iter();
    bencher.iter_custom(|times| {
        let mut time = Duration::ZERO;
        for _ in 0..times {
            let commit = next.next().unwrap_or_else(|| {
                way.begin_again();
                next = commits.iter();
                next.next().unwrap()
            });
            steps(&mut way, commit, &mut time);
        }
        time
    });
}

/// Adds what it takes.
fn timed<T>(time: &mut Duration, step: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = black_box(step());
    *time += start.elapsed();
    done
}

/// A commit becomes a frame: what needs no place, and, once its names are looked up, the rest.
fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("without a place", |bencher| {
        time_steps(bencher, |steps, commit, time| {
            assert!(timed(time, || steps.fill(commit)));
            steps.look_up();
            steps.place();
            steps.take_in();
        });
    });
    group.bench_function("for its place", |bencher| {
        time_steps(bencher, |steps, commit, time| {
            steps.fill(commit);
            steps.look_up();
            timed(time, || steps.place().len());
            steps.take_in();
        });
    });
    group.finish();
    let mut steps = Steps::new(KEY);
    assert!(steps.fill(&commit(0)));
    steps.look_up();
    assert_eq!(inside::frame(steps.place(), KEY), Reread::Same);
}

/// A record's check, given and looked at.
fn checksum(criterion: &mut Criterion) {
    let mut record = Sealed::new(&support::event(0), KEY);
    assert_eq!(record.bytes().len(), RECORD);
    let mut group = criterion.benchmark_group("checksum");
    group.throughput(Throughput::Bytes(RECORD as u64));
    group.bench_function("given", |bencher| bencher.iter(|| black_box(&mut record).seal()));
    group.bench_function("looked at", |bencher| {
        bencher.iter(|| assert!(black_box(&record).is_whole()));
    });
    group.finish();
}

/// The index in memory learns of a commit: its names are looked up, its events put in.
fn tail(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tail");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("names looked up", |bencher| {
        time_steps(bencher, |steps, commit, time| {
            steps.fill(commit);
            timed(time, || steps.look_up());
            steps.place();
            steps.take_in();
        });
    });
    group.bench_function("events put in", |bencher| {
        time_steps(bencher, |steps, commit, time| {
            steps.fill(commit);
            steps.look_up();
            steps.place();
            timed(time, || steps.take_in());
        });
    });
    group.finish();
}

/// Places and versions, asked of the index in memory, and of runs.
fn lookup(criterion: &mut Criterion) {
    let folder = support::folder();
    let path = folder.path().join("tail.annals");
    let in_tail = options().open(path).unwrap();
    load(&in_tail, TABLE);
    let path = folder.path().join("runs.annals");
    for _ in 0..RUNS + 1 {
        let store = options().open(&path).unwrap();
        // Those that are there become one once they are enough.
        store.chore(Chore::Index).unwrap();
        load(&store, TABLE);
        store.close().unwrap();
    }
    let in_runs = options().open(&path).unwrap();
    assert_eq!(in_runs.stats().unwrap().index.runs, 2);

    let mut group = criterion.benchmark_group("lookup");
    for (part, store) in [("tail", in_tail), ("runs", in_runs)] {
        let view = store.view().unwrap();
        let mut random = Random::new(1);
        let positions: Vec<u64> = (0..ASKED).map(|_| 1 + random.below(view.head().get())).collect();
        let mut positions = positions.iter().cycle();
        let mut reader = view.reader();
        group.bench_function(format!("event by position, {part}"), |bencher| {
            bencher.iter(|| {
                let event = reader.event(*positions.next().unwrap()).unwrap().unwrap();
                black_box(event.payload.len())
            });
        });
        let names: Vec<String> =
            (0..ASKED).map(|_| support::stream_name(random.below(STREAMS))).collect();
        let mut names = names.iter().cycle();
        group.bench_function(format!("version of a stream, {part}"), |bencher| {
            bencher.iter(|| view.stream_version(names.next().unwrap()).unwrap());
        });
    }
    group.finish();
}

/// A table becomes a run, as at closing; runs become a larger one.
fn merge(criterion: &mut Criterion) {
    let open = |bytes: &[u8]| {
        options().open_storage(Arc::new(MemoryStorage::from_bytes(bytes.to_vec()))).unwrap()
    };
    let disk = Arc::new(MemoryStorage::new());
    let mut killed = Vec::new();
    for _ in 0..RUNS {
        let store = options().open_storage(disk.clone()).unwrap();
        load(&store, TABLE);
        if killed.is_empty() {
            killed = disk.to_bytes();
        }
        store.close().unwrap();
    }
    let closed = disk.to_bytes();
    let mut group = criterion.benchmark_group("merge");
    group.throughput(Throughput::Elements(TABLE));
    group.bench_function("a table to a run", |bencher| {
        bencher.iter_batched(|| open(&killed), closed_by, BatchSize::PerIteration);
    });
    group.throughput(Throughput::Elements(RUNS * TABLE));
    group.bench_function("four runs to one", |bencher| {
        bencher.iter_batched(|| open(&closed), merged, BatchSize::PerIteration);
    });
    group.finish();
    let runs = |store: &Store| store.stats().unwrap().index.runs;
    assert_eq!((runs(&open(&closed)), runs(&merged(open(&closed)))), (RUNS, 1));
}

fn closed_by(store: Store) -> Store {
    store.close().unwrap();
    store
}

fn merged(store: Store) -> Store {
    store.chore(Chore::Index).unwrap();
    store
}

/// The log walked from the index on, as after a crash; everything read, as by a projection.
fn scan(criterion: &mut Criterion) {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().open_storage(disk.clone()).unwrap();
    load(&store, TABLE);
    let killed: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(disk.to_bytes()));
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(TABLE));
    group.bench_function("walk at opening", |bencher| {
        bencher.iter_with_large_drop(|| {
            let store = options().open_storage_read_only(killed.clone()).unwrap();
            assert_eq!(store.recovery_report().events, TABLE);
            store
        });
    });

    let folder = support::folder();
    let store = options().open(folder.path().join("scan.annals")).unwrap();
    load(&store, RUNS * TABLE);
    let view = store.view().unwrap();
    group.throughput(Throughput::Elements(RUNS * TABLE));
    group.bench_function("replay, lent", |bencher| bencher.iter(|| lent(&view)));
    group.bench_function("replay, lent with names", |bencher| bencher.iter(|| named(&view)));
    group.bench_function("replay, owned", |bencher| bencher.iter(|| owned(&view)));
    group.finish();
}

/// Everything but the bytes of the payloads, which are the reader's own work.
fn lent(view: &View) {
    let mut cursor = view.all(Read::new());
    while let Some(event) = cursor.next_event().unwrap() {
        black_box(event.payload);
    }
}

fn named(view: &View) {
    let mut cursor = view.all(Read::new());
    while let Some(event) = cursor.next_event().unwrap() {
        black_box((event.payload, event.stream().unwrap(), event.event_type().unwrap()));
    }
}

fn owned(view: &View) {
    view.all(Read::new()).for_each(|event| drop(black_box(event.unwrap())));
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    encode(&mut criterion);
    checksum(&mut criterion);
    tail(&mut criterion);
    lookup(&mut criterion);
    merge(&mut criterion);
    scan(&mut criterion);
    criterion.final_summary();
}

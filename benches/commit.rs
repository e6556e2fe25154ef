//! Commits, beside the floor: the same bytes written raw.
//!
//! `cargo bench --bench commit` has criterion compare each number with its last run. Ratios need
//! less noise than a machine has between two runs: `cargo bench --bench commit -- --ratios`
//! measures floor and Annals in turns, each round with fresh files, and prints one table. A number
//! behind it is that of the rounds; `--only buffered` measures the lines with that word.
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

use annals::{Chore, Commit, Durability, Options, Store};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use support::{Floor, FloorBatch, Row, STREAMS, Sizes, Spread};
use tempfile::TempDir;

/// A way to commit.
struct Case {
    name: &'static str,
    threads: u64,
    /// Events in a commit: one goes to its thread's own stream, many go round robin over all
    /// streams.
    batch: u64,
    durability: Durability,
    /// Bytes of room filled with zeros ahead.
    reserve: u64,
    /// Commits of each thread in a round of the table.
    commits: u64,
    /// The least that is to be had of the floor.
    goal: f64,
}

const ONE: Case = Case {
    name: "one synced event",
    threads: 1,
    batch: 1,
    durability: Durability::Synced,
    reserve: 0,
    commits: 2_000,
    goal: 0.85,
};
const MANY_THREADS: Case =
    Case { name: "16 threads, one synced event", threads: 16, commits: 500, ..ONE };
const HUNDRED: Case =
    Case { name: "batch of 100 synced", batch: 100, commits: 200, goal: 0.7, ..ONE };
const RESERVE: u64 = 8 << 20;

const CASES: [Case; 8] = [
    ONE,
    MANY_THREADS,
    HUNDRED,
    Case { name: "one synced event, room reserved", reserve: RESERVE, goal: 0.93, ..ONE },
    Case { name: "16 threads, room reserved", reserve: RESERVE, goal: 0.9, ..MANY_THREADS },
    Case { name: "batch of 100 synced, room reserved", reserve: RESERVE, ..HUNDRED },
    Case {
        name: "one buffered event",
        durability: Durability::Buffered,
        commits: 100_000,
        goal: 0.7,
        ..ONE
    },
    Case {
        name: "batch of 100 buffered",
        durability: Durability::Buffered,
        commits: 2_000,
        goal: 0.4,
        ..HUNDRED
    },
];

/// How many times the rate of one thread 16 threads are to have.
const SHARED: f64 = 4.0;

/// What can be committed to: Annals, or the floor.
trait Ground: Sync {
    type Batch: Send;
    /// The `nth` commit of a thread.
    fn batch(&self, case: &Case, thread: u64, nth: u64) -> Self::Batch;
    fn commit(&self, batch: &Self::Batch);
    /// What has to be over before the clock starts.
    fn settle(&self) {}
    /// Makes what was buffered durable.
    fn sync(&self);
}

impl Ground for Store {
    type Batch = Commit;

    fn batch(&self, case: &Case, thread: u64, nth: u64) -> Commit {
        support::commit(events(case, thread, nth))
    }

    fn commit(&self, batch: &Commit) {
        black_box(self.commit(batch).unwrap());
    }

    fn settle(&self) {
        self.chore(Chore::Prepare).unwrap();
    }

    fn sync(&self) {
        self.sync().unwrap();
    }
}

struct RawFile {
    floor: Floor,
    synced: bool,
}

impl Ground for RawFile {
    type Batch = FloorBatch;

    fn batch(&self, case: &Case, thread: u64, nth: u64) -> FloorBatch {
        FloorBatch::new(events(case, thread, nth).map(|(nth, stream, _)| (nth, stream)))
    }

    fn commit(&self, batch: &FloorBatch) {
        if self.synced { self.floor.synced(batch) } else { self.floor.buffered(batch) }
    }

    fn sync(&self) {
        self.floor.sync();
    }
}

/// The events of a thread's `nth` commit: number among all, stream, and the version at which that
/// stream has to be.
fn events(case: &Case, thread: u64, nth: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let batch = case.batch;
    (nth * batch..(nth + 1) * batch).map(move |number| match batch {
        1 => (number * 16 + thread, thread, number),
        _ => (number, number % STREAMS, number / STREAMS),
    })
}

/// What a round has measured.
struct Round {
    /// All commits, and for buffered ones the sync at their end.
    time: Duration,
    /// Of each commit, where one thread makes synced ones.
    each: Vec<Duration>,
}

/// A round on a fresh file of Annals.
fn annals(case: &Case, sizes: Sizes, commits: u64) -> Round {
    let folder = support::folder();
    let options = Options::new().durability(case.durability).reserve(case.reserve);
    let store = options.open(folder.path().join("bench.annals")).unwrap();
    let round = round(&store, case, sizes, commits);
    store.close().unwrap();
    round
}

/// A round on a fresh file of the floor.
fn floor(case: &Case, sizes: Sizes, commits: u64) -> Round {
    let folder: TempDir = support::folder();
    let floor = Floor::new(&folder.path().join("bench.floor"), case.reserve, sizes);
    let synced = case.durability == Durability::Synced;
    round(&RawFile { floor, synced }, case, sizes, commits)
}

fn round<G: Ground>(ground: &G, case: &Case, sizes: Sizes, commits: u64) -> Round {
    // Past the first segment, which is never filled with zeros.
    let first = (80 << 10) / sizes.frame(case.batch as usize) as u64 + 1;
    (0..first).for_each(|nth| ground.commit(&ground.batch(case, 0, nth)));
    ground.sync();
    ground.settle();
    match (case.threads, case.durability) {
        (1, Durability::Buffered) => buffered(ground, case, first, commits),
        (1, _) => synced(ground, case, first, commits),
        _ => by_threads(ground, case, first, commits),
    }
}

/// Synced commits of one thread, the time of each taken.
fn synced<G: Ground>(ground: &G, case: &Case, first: u64, commits: u64) -> Round {
    let mut each = Vec::with_capacity(commits as usize);
    for nth in first..first + commits {
        let batch = ground.batch(case, 0, nth);
        let start = Instant::now();
        ground.commit(&batch);
        each.push(start.elapsed());
    }
    Round { time: each.iter().sum(), each }
}

/// Buffered commits of one thread, some of them made ready at a time: the clock costs as much as a
/// part of one.
fn buffered<G: Ground>(ground: &G, case: &Case, first: u64, commits: u64) -> Round {
    let ready = (256 / case.batch).max(1);
    let end = first + commits;
    let mut time = Duration::ZERO;
    let mut batches = Vec::with_capacity(ready as usize);
    for nth in (first..end).step_by(ready as usize) {
        batches.extend((nth..end.min(nth + ready)).map(|nth| ground.batch(case, 0, nth)));
        let start = Instant::now();
        batches.iter().for_each(|batch| ground.commit(batch));
        time += start.elapsed();
        batches.clear();
    }
    let start = Instant::now();
    ground.sync();
    Round { time: time + start.elapsed(), each: Vec::new() }
}

/// Synced commits of several threads, all made ready before the clock starts.
fn by_threads<G: Ground>(ground: &G, case: &Case, first: u64, commits: u64) -> Round {
    let ready = Barrier::new(case.threads as usize + 1);
    let go = Barrier::new(case.threads as usize + 1);
    let start = std::thread::scope(|scope| {
        for thread in 0..case.threads {
            // The first thread's stream has events already.
            let first = if thread == 0 { first } else { 0 };
            let (ready, go) = (&ready, &go);
            scope.spawn(move || {
                let batches: Vec<_> =
                    (first..first + commits).map(|nth| ground.batch(case, thread, nth)).collect();
                ready.wait();
                go.wait();
                batches.iter().for_each(|batch| ground.commit(batch));
            });
        }
        ready.wait();
        let start = Instant::now();
        go.wait();
        start
    });
    Round { time: start.elapsed(), each: Vec::new() }
}

/// One side's measurements of a case.
#[derive(Clone, Default)]
struct Series {
    /// Events a second.
    rates: Spread,
    /// Microseconds of the slowest of a hundred commits.
    slowest: Spread,
}

impl Series {
    fn add(&mut self, case: &Case, mut round: Round) {
        let events = (case.threads * case.batch * case.commits) as f64;
        self.rates.push(events / round.time.as_secs_f64());
        round.each.sort_unstable();
        if let Some(slowest) = round.each.get(round.each.len() * 99 / 100) {
            self.slowest.push(slowest.as_secs_f64() * 1e6);
        }
    }
}

/// Floor and Annals in turns, and one table of both.
fn ratios(rounds: usize) {
    let sizes = Sizes::measure();
    let mut series = CASES.map(|case| (case, Series::default(), Series::default()));
    for nth in 0..rounds {
        let wanted = |(case, ..): &&mut (Case, _, _)| support::is_wanted(case.name);
        for (case, raw, own) in series.iter_mut().filter(wanted) {
            // Who comes first changes from round to round.
            if nth % 2 == 0 {
                raw.add(case, floor(case, sizes, case.commits));
                own.add(case, annals(case, sizes, case.commits));
            } else {
                own.add(case, annals(case, sizes, case.commits));
                raw.add(case, floor(case, sizes, case.commits));
            }
        }
    }
    println!(
        "\nCommits, in events a second: medians of {rounds} rounds in turns (smallest to \
         largest). A commit of one event has {} bytes with {} of payload, one of 100 has {}.\n",
        sizes.frame(1),
        support::PAYLOAD,
        sizes.frame(100),
    );
    let mut rows = Vec::new();
    for (case, raw, own) in series.iter().filter(|(case, ..)| support::is_wanted(case.name)) {
        let ratio = own.rates.per(&raw.rates);
        rows.push(Row {
            what: case.name.to_owned(),
            floor: raw.rates.text(0),
            annals: own.rates.text(0),
            goal: at_least(case.goal, ratio.median()),
            ratio: ratio.text(2),
        });
    }
    let by_name = |name| series.iter().find(|(case, ..)| case.name == name).unwrap();
    let (_, one_raw, one) = by_name(ONE.name);
    let (_, many_raw, many) = by_name(MANY_THREADS.name);
    let shared = many.rates.per(&one.rates);
    rows.push(Row {
        what: "16 threads / one thread".to_owned(),
        floor: many_raw.rates.per(&one_raw.rates).text(1),
        goal: at_least(SHARED, shared.median()),
        annals: shared.text(1),
        ratio: String::new(),
    });
    for (case, raw, own) in series.iter().filter(|(case, ..)| case.threads * case.batch == 1) {
        if case.durability == Durability::Synced {
            rows.push(Row {
                what: format!("{}: 99 of 100 take at most, µs", case.name),
                floor: raw.slowest.text(0),
                annals: own.slowest.text(0),
                ratio: own.slowest.per(&raw.slowest).text(2),
                goal: String::new(),
            });
        }
    }
    support::print_table(&rows);
}

fn at_least(goal: f64, found: f64) -> String {
    format!(">= {goal}: {}", if found >= goal { "met" } else { "missed" })
}

fn main() {
    if let Some(rounds) = support::ratios_wanted(9) {
        return ratios(rounds);
    }
    let sizes = Sizes::measure();
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    for case in &CASES {
        for (name, run) in [("floor", floor as fn(&_, _, _) -> Round), ("annals", annals)] {
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::Elements(case.threads * case.batch));
            group.bench_function(case.name, |bencher| {
                bencher.iter_custom(|commits| run(case, sizes, commits).time);
            });
        }
    }
    criterion.final_summary();
}

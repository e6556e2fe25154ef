//! What the index costs and gives: ingest with runs and without, opening at any size, memory,
//! looking up streams.
//!
//! `cargo bench --bench index -- --ratios` takes a million events of 256 bytes; a number behind it
//! is that of the rounds. `cargo bench --bench index -- --large [EVENTS] [STREAMS]` makes a store
//! of events of 64 bytes (100 million in 10 million streams unless told, some 20 GB) and opens
//! that; where there is less room than it needs it says so. Without either, criterion compares
//! look-ups with its last run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    missing_docs,
    reason = "a benchmark"
)]

mod support;

use annals::{Chore, Commit, Durability, ExpectedVersion, NewEvent, Options, Store};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use support::{Random, Row, STREAMS, Spread, grouped};

const BATCH: u64 = 100;
/// Streams looked up in a round.
const LOOKUPS: u64 = 100_000;

/// What is loaded.
#[derive(Clone, Copy)]
struct Load {
    events: u64,
    streams: u64,
    /// Small events without tags, as many streams as are told; else the data of all benchmarks.
    small: bool,
    /// Whether runs are written.
    runs: bool,
}

impl Load {
    fn commit(&self, first: u64) -> Commit {
        let events = first..(first + BATCH).min(self.events);
        if !self.small {
            let Self { streams, .. } = *self;
            return support::commit(events.map(|nth| (nth, nth % streams, nth / streams)));
        }
        events.fold(Commit::new(), |commit, nth| {
            let payload = nth.to_le_bytes().repeat(8);
            let event = NewEvent::new("Happened", payload);
            let version = ExpectedVersion::Exact((nth / self.streams).into());
            commit.append(self.stream(nth), version, [event])
        })
    }

    fn stream(&self, nth: u64) -> String {
        match self.small {
            true => format!("sensor-{}", nth % self.streams),
            false => support::stream_name(nth % self.streams),
        }
    }

    fn open(&self, path: &Path) -> Store {
        let options = Options::new().durability(Durability::Buffered);
        let options = if self.runs { options } else { options.tail(u64::MAX, u64::MAX) };
        options.open(path).unwrap()
    }

    /// Appends everything; returns the time in the store, in seconds.
    fn load(&self, store: &Store) -> f64 {
        let mut time = 0.0;
        let begun = Instant::now();
        let there = store.head().unwrap().get();
        for first in (there..self.events).step_by(BATCH as usize) {
            let commit = self.commit(first);
            let start = Instant::now();
            store.commit(commit).unwrap();
            time += start.elapsed().as_secs_f64();
            if first % 10_000_000 == 0 && first > 0 {
                let rate = grouped(first as f64 / begun.elapsed().as_secs_f64(), 0);
                eprintln!("{} events, {rate} a second", grouped(first as f64, 0));
            }
        }
        let start = Instant::now();
        store.sync().unwrap();
        time + start.elapsed().as_secs_f64()
    }

    /// Versions of random streams; returns the nanoseconds that one took.
    fn look_up(&self, store: &Store, seed: u64) -> f64 {
        let mut random = Random::new(seed);
        let names: Vec<String> =
            (0..LOOKUPS).map(|_| self.stream(random.below(self.streams))).collect();
        let view = store.view().unwrap();
        let start = Instant::now();
        for name in &names {
            assert!(view.stream_version(name).unwrap().get() > 0);
        }
        start.elapsed().as_nanos() as f64 / LOOKUPS as f64
    }

    /// The same of streams that are not there.
    fn look_up_absent(&self, store: &Store) -> f64 {
        let names: Vec<String> = (0..LOOKUPS).map(|nth| format!("nobody-{nth}")).collect();
        let view = store.view().unwrap();
        let start = Instant::now();
        for name in &names {
            assert!(view.stream_version(name).unwrap().get() == 0);
        }
        start.elapsed().as_nanos() as f64 / LOOKUPS as f64
    }

    fn arguments(&self) -> [String; 4] {
        [self.events, self.streams, self.small.into(), self.runs.into()].map(|n| n.to_string())
    }

    fn parse(arguments: &[String]) -> Self {
        let number = |nth: usize| arguments[nth].parse::<u64>().unwrap();
        Self { events: number(0), streams: number(1), small: number(2) == 1, runs: number(3) == 1 }
    }
}

/// A process of its own with this part; what it says in its first line.
fn other(part: &str, path: &Path, load: Load) -> (std::process::Child, String) {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .arg("--part")
        .arg(part)
        .arg(path)
        .args(load.arguments())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    (child, said)
}

/// What such a process does.
fn part(arguments: &[String]) {
    let (path, load) = (Path::new(&arguments[1]), Load::parse(&arguments[2..]));
    match arguments[0].as_str() {
        // Loads what is not there yet, syncs, and waits to be killed. How many seconds it took, and
        // the bytes of runs that were written from memory and by merging.
        "load" => {
            let store = load.open(path);
            let time = load.load(&store);
            let index = store.stats().unwrap().index;
            println!("{time} {} {}", index.written, index.rewritten);
            loop {
                std::thread::park();
            }
        }
        // Opens and reads one event. Milliseconds, and the most memory it ever had, in KiB.
        "open" => {
            let start = Instant::now();
            let store = Store::open(path).unwrap();
            black_box(store.event(load.events / 2).unwrap().unwrap());
            let time = start.elapsed().as_secs_f64() * 1e3;
            println!("{time} {}", peak_memory());
            store.close().unwrap();
        }
        other => panic!("there is no part '{other}'"),
    }
}

/// The most memory that this process has had, in KiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

fn numbers(said: &str) -> Vec<f64> {
    said.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Loads in a process that is then killed; returns what it said.
fn load_and_kill(path: &Path, load: Load) -> Vec<f64> {
    let (mut child, said) = other("load", path, load);
    // So that it is killed while its background work goes on, or after it: both happen.
    child.kill().unwrap();
    child.wait().unwrap();
    numbers(&said)
}

fn open(path: &Path, load: Load) -> (f64, f64) {
    let (mut child, said) = other("open", path, load);
    assert!(child.wait().unwrap().success());
    let said = numbers(&said);
    (said[0], said[1] / 1024.0)
}

fn row(what: &str, spread: &Spread, decimals: usize, goal: Option<(f64, &str)>) -> Row {
    let goal = goal.map_or(String::new(), |(most, unit)| {
        let met = if spread.median() <= most { "met" } else { "missed" };
        format!("<= {most}{unit}: {met}")
    });
    let (floor, ratio) = (String::new(), String::new());
    Row { what: what.to_owned(), floor, annals: spread.text(decimals), ratio, goal }
}

fn one(number: f64) -> Spread {
    let mut spread = Spread::default();
    spread.push(number);
    spread
}

/// Opening, memory and look-ups of a store that was loaded and closed.
fn rows_of(path: &Path, load: Load, rounds: usize, (time, memory): (f64, f64)) -> Vec<Row> {
    let [mut opened, mut resident, mut found, mut absent, mut waited] =
        std::array::from_fn(|_| Spread::default());
    for _ in 0..rounds {
        let (milliseconds, megabytes) = open(path, load);
        opened.push(milliseconds);
        resident.push(megabytes);
    }
    let store = Store::open(path).unwrap();
    // The pages are there, as they are in a program that has run for a while.
    load.look_up(&store, u64::MAX);
    for round in 0..rounds {
        found.push(load.look_up(&store, round as u64));
        absent.push(load.look_up_absent(&store));
    }
    let start = Instant::now();
    store.chore(Chore::Index).unwrap();
    waited.push(start.elapsed().as_secs_f64());
    let stats = store.stats().unwrap();
    let events = load.events as f64;
    vec![
        row("open what was closed, read one; ms", &opened, 2, Some((time, " ms"))),
        row("the most memory of that process; MB", &resident, 1, Some((memory, " MB"))),
        row("version of a random stream; ns", &found, 0, Some((3_000.0, " ns"))),
        row("that a stream is not there; ns", &absent, 0, None),
        row("runs", &one(stats.index.runs as f64), 0, Some((40.0, ""))),
        row("bytes of runs an event", &one(stats.index.run_bytes as f64 / events), 1, {
            (!load.small).then_some((36.0, ""))
        }),
        row("bytes of the file an event", &one(stats.file_bytes as f64 / events), 1, None),
    ]
}

fn ratios(rounds: usize) {
    let folder = support::folder();
    let load = Load { events: 1_000_000, streams: STREAMS, small: false, runs: true };
    let [mut with, mut without, mut killed, mut times] = std::array::from_fn(|_| Spread::default());
    let mut levels = 0;
    for round in 0..rounds {
        for runs in [round % 2 == 0, round % 2 == 1] {
            let path = folder.path().join(format!("{round}-{runs}.annals"));
            let said = load_and_kill(&path, Load { runs, ..load });
            let rate = load.events as f64 / said[0];
            if runs {
                with.push(rate);
                killed.push(open(&path, load).0);
                let store = Store::open(&path).unwrap();
                levels = store.stats().unwrap().index.levels;
                times.push(said[2] / said[1]);
            } else {
                without.push(rate);
            }
            std::fs::remove_file(&path).unwrap();
        }
    }
    let path = folder.path().join("closed.annals");
    let store = load.open(&path);
    load.load(&store);
    store.close().unwrap();
    drop(store);
    let ratio = with.per(&without);
    let met = if ratio.median() >= 0.85 { "met" } else { "missed" };
    println!(
        "\nA million events of {} bytes with two tags: medians of {rounds} rounds in turns \
         (smallest to largest).\n",
        support::PAYLOAD
    );
    let mut rows = vec![
        Row {
            what: "ingest in batches of 100, buffered, runs off (first) and on; events/s".into(),
            floor: without.text(0),
            annals: with.text(0),
            ratio: ratio.text(2),
            goal: format!(">= 0.85: {met}"),
        },
        row("open what a killed writer left, read one; ms", &killed, 2, Some((20.0, " ms"))),
        row(
            "bytes merged for a byte written from memory",
            &times,
            2,
            Some((f64::from(levels), "")),
        ),
    ];
    rows.extend(rows_of(&path, load, rounds, (1.0, 6.0)));
    support::print_table(&rows);
}

/// Bytes free on the disk of this folder.
fn free_disk(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib * 1024)
}

fn large(events: u64, streams: u64) {
    let folder = support::folder();
    let load = Load { events, streams, small: true, runs: true };
    let needed = events * 200 + (1 << 30);
    if let Some(free) = free_disk(folder.path())
        && free < needed
    {
        let gib = |bytes: u64| grouped(bytes as f64 / f64::from(1 << 30), 1);
        eprintln!("{} GiB of disk are needed, {} GiB are free", gib(needed), gib(free));
        std::process::exit(1);
    }
    let path = folder.path().join("large.annals");
    let said = load_and_kill(&path, load);
    let mut killed = Spread::default();
    killed.push(open(&path, load).0);
    let mut grown = load;
    for _ in 0..4 {
        // More than the index has in memory, then killed again.
        grown.events += 100_000;
        load_and_kill(&path, grown);
        killed.push(open(&path, grown).0);
    }
    let load = grown;
    let store = Store::open(&path).unwrap();
    // Merges that were under way when it was killed.
    store.chore(Chore::Index).unwrap();
    store.close().unwrap();
    drop(store);
    println!(
        "\n{} events of 64 bytes in {} streams.\n",
        grouped(events as f64, 0),
        grouped(streams as f64, 0)
    );
    let mut rows = vec![
        row("ingest in batches of 100, buffered; events/s", &one(events as f64 / said[0]), 0, None),
        row("open what a killed writer left, read one; ms", &killed, 2, Some((20.0, " ms"))),
        row("bytes merged for a byte written from memory", &one(said[2] / said[1]), 2, None),
    ];
    rows.extend(rows_of(&path, load, 5, (1.5, 10.0)));
    support::print_table(&rows);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--part") {
        return part(&arguments[at + 1..]);
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "--large") {
        let number = |nth: usize, usual: u64| {
            arguments.get(at + nth).and_then(|number| number.parse().ok()).unwrap_or(usual)
        };
        return large(number(1, 100_000_000), number(2, 10_000_000));
    }
    if let Some(rounds) = support::ratios_wanted(5) {
        return ratios(rounds);
    }
    let folder = support::folder();
    let load = Load { events: 1_000_000, streams: STREAMS, small: false, runs: true };
    let store = load.open(&folder.path().join("index.annals"));
    load.load(&store);
    store.chore(Chore::Index).unwrap();
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(LOOKUPS));
    group.bench_function("version of a random stream", |bencher| {
        bencher.iter(|| load.look_up(&store, 1));
    });
    group.bench_function("that a stream is not there", |bencher| {
        bencher.iter(|| load.look_up_absent(&store));
    });
    group.finish();
    criterion.final_summary();
}

//! Reading a million events, beside the floor: the same bytes through a map and an offset array.
//!
//! `cargo bench --bench replay` has criterion compare each number with its last run; `cargo bench
//! --bench replay -- --ratios` measures floor and Annals in turns and prints one table, sizes
//! included. A number behind it is that of the rounds.
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

use annals::{Cursor, Durability, Options, Read, Store, VerifyReport, View};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Floor, FloorBatch, FloorReader, Random, Row, STREAMS, Sizes, Spread};
use tempfile::TempDir;

const EVENTS: u64 = 1_000_000;
const BATCH: u64 = 100;
/// Whole streams read in a round, and single positions.
const SOME_STREAMS: u64 = 2_000;
const SOME_POSITIONS: u64 = 200_000;

/// Both sides, loaded with the same events, in a folder that goes with them.
struct Loaded {
    folder: TempDir,
    floor: Floor,
    store: Store,
    /// How long the last bytes of the file are, and those it takes on the disk, after it was
    /// closed.
    sizes: (u64, u64),
    load_time: Duration,
}

fn load() -> Loaded {
    let folder = support::folder();
    let floor = Floor::new(&folder.path().join("replay.floor"), 0, Sizes::measure());
    for first in (0..EVENTS).step_by(BATCH as usize) {
        let events = (first..first + BATCH).map(|nth| (nth, nth % STREAMS));
        floor.buffered(&FloorBatch::new(events));
    }
    floor.sync();

    let closed = folder.path().join("replay.annals");
    let store = Options::new().durability(Durability::Buffered).open(&closed).unwrap();
    let mut load_time = Duration::ZERO;
    for first in (0..EVENTS).step_by(BATCH as usize) {
        let events = (first..first + BATCH).map(|nth| (nth, nth % STREAMS, nth / STREAMS));
        let commit = support::commit(events);
        let start = Instant::now();
        store.commit(commit).unwrap();
        load_time += start.elapsed();
    }
    let start = Instant::now();
    store.sync().unwrap();
    load_time += start.elapsed();
    store.close().unwrap();
    let sizes = on_disk(&closed);
    let store = Store::open(&closed).unwrap();
    assert_eq!(store.head().unwrap().get(), EVENTS);
    Loaded { floor, store, sizes, load_time, folder }
}

/// A file's length, and the bytes it takes on the disk.
fn on_disk(path: &Path) -> (u64, u64) {
    let metadata = std::fs::metadata(path).unwrap();
    #[cfg(unix)]
    let taken = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
    #[cfg(not(unix))]
    let taken = metadata.len();
    (metadata.len(), taken)
}

/// Reads every byte of the payloads that are left; returns how many events they were.
fn drain(mut cursor: Cursor) -> u64 {
    let (mut events, mut all) = (0, 0);
    while let Some(event) = cursor.next_event().unwrap() {
        all ^= support::fold(event.payload);
        events += 1;
    }
    black_box(all);
    events
}

fn replay(view: &View) {
    assert_eq!(drain(view.all(Read::new())), EVENTS);
}

fn replay_floor(floor: &FloorReader<'_>) {
    let all = (0..floor.len()).fold(0, |all, nth| all ^ support::fold(floor.payload(nth)));
    black_box(all);
}

/// Streams in random order, by number and by name.
fn some_streams(seed: u64) -> Vec<(u64, String)> {
    let mut random = Random::new(seed);
    (0..SOME_STREAMS)
        .map(|_| random.below(STREAMS))
        .map(|stream| (stream, support::stream_name(stream)))
        .collect()
}

fn streams(view: &View, streams: &[(u64, String)]) {
    let events: u64 = streams.iter().map(|(_, name)| drain(view.stream(name, Read::new()))).sum();
    assert_eq!(events, SOME_STREAMS * (EVENTS / STREAMS));
}

fn streams_floor(floor: &FloorReader<'_>, streams: &[(u64, String)]) {
    let mut all = 0;
    for (stream, _) in streams {
        for position in floor.stream(*stream) {
            all ^= support::fold(floor.payload(*position as usize));
        }
    }
    black_box(all);
}

/// Positions in random order, from 1.
fn some_positions(seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    (0..SOME_POSITIONS).map(|_| 1 + random.below(EVENTS)).collect()
}

fn positions(view: &View, positions: &[u64]) {
    let (mut reader, mut all) = (view.reader(), 0);
    for position in positions {
        let event = reader.event(*position).unwrap().unwrap();
        all ^= support::fold(event.payload);
    }
    black_box(all);
}

fn positions_floor(floor: &FloorReader<'_>, positions: &[u64]) {
    let mut all = 0;
    for position in positions {
        all ^= support::fold(floor.payload(*position as usize - 1));
    }
    black_box(all);
}

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

/// Measurements of both sides.
#[derive(Default)]
struct Both {
    floor: Spread,
    annals: Spread,
}

impl Both {
    /// One of each, in turns; `number` makes of seconds what is reported.
    fn add(
        &mut self,
        annals_first: bool,
        number: impl Fn(f64) -> f64,
        floor: impl Fn(),
        annals: impl Fn(),
    ) {
        if annals_first {
            self.annals.push(number(seconds(&annals)));
            self.floor.push(number(seconds(&floor)));
        } else {
            self.floor.push(number(seconds(&floor)));
            self.annals.push(number(seconds(&annals)));
        }
    }

    fn row(&self, what: &str, goal: impl Fn(f64, f64) -> (String, bool)) -> Row {
        let ratio = self.annals.per(&self.floor);
        let (goal, met) = goal(self.annals.median(), ratio.median());
        Row {
            what: what.to_owned(),
            floor: self.floor.text(0),
            annals: self.annals.text(0),
            ratio: ratio.text(2),
            goal: judged(&goal, met),
        }
    }
}

fn judged(goal: &str, met: bool) -> String {
    format!("{goal}: {}", if met { "met" } else { "missed" })
}

/// A line without a floor, with the least that it has to be.
fn at_least(what: &str, annals: &Spread, least: f64) -> Row {
    let goal = judged(&format!(">= {least}"), annals.median() >= least);
    let (floor, ratio) = Default::default();
    Row { what: what.to_owned(), floor, annals: annals.text(0), ratio, goal }
}

/// A line without a floor, which has nothing of the kind.
fn row(what: &str, annals: &Spread, decimals: usize, most: f64, unit: &str) -> Row {
    Row {
        what: what.to_owned(),
        floor: String::new(),
        annals: annals.text(decimals),
        ratio: String::new(),
        goal: judged(&format!("<= {most}{unit}"), annals.median() <= most),
    }
}

/// Bytes of log and index that are looked at in a second, in MB.
fn verify(verify: impl FnOnce() -> Result<VerifyReport, annals::Error>) -> f64 {
    let start = Instant::now();
    let report = verify().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!(report.is_whole() && report.events == EVENTS);
    (report.bytes + report.index_bytes) as f64 / seconds / 1e6
}

fn ratios(rounds: usize) {
    let Loaded { folder, floor, store, sizes, load_time } = load();
    let [mut all, mut by_stream, mut by_position] = std::array::from_fn(|_| Both::default());
    let [mut quick, mut full] = [Spread::default(), Spread::default()];
    let (view, floor) = (store.view().unwrap(), floor.reader());
    for round in 0..rounds {
        quick.push(verify(|| store.verify_quick()));
        full.push(verify(|| store.verify()));
        let annals_first = round % 2 == 1;
        let rate = |seconds: f64| EVENTS as f64 / seconds;
        all.add(annals_first, rate, || replay_floor(&floor), || replay(&view));

        let some = some_streams(round as u64);
        let rate = |seconds: f64| (SOME_STREAMS * (EVENTS / STREAMS)) as f64 / seconds;
        by_stream.add(
            annals_first,
            rate,
            || streams_floor(&floor, &some),
            || streams(&view, &some),
        );

        let some = some_positions(round as u64);
        let nanoseconds = |seconds: f64| seconds * 1e9 / SOME_POSITIONS as f64;
        by_position.add(
            annals_first,
            nanoseconds,
            || positions_floor(&floor, &some),
            || positions(&view, &some),
        );
    }
    drop(view);
    store.close().unwrap();

    let one = |number: f64| {
        let mut spread = Spread::default();
        spread.push(number);
        spread
    };
    let [used, taken] = [sizes.0, sizes.1].map(|bytes| one(bytes as f64 / EVENTS as f64));
    let (fresh, first) = new_store(folder.path());
    println!(
        "\nReading {EVENTS} events of {} bytes: medians of {rounds} rounds in turns \
         (smallest to largest). Loading them, buffered in batches of {BATCH}, took {:.2} s.\n",
        support::PAYLOAD,
        load_time.as_secs_f64(),
    );
    support::print_table(&[
        all.row("replay of everything; events/s", |rate, ratio| {
            (">= 10 million and 0.6 of the floor".into(), rate >= 10e6 && ratio >= 0.6)
        }),
        by_stream.row("2,000 random whole streams of 100; events/s", |_, ratio| {
            (">= 0.3 of the floor".into(), ratio >= 0.3)
        }),
        by_position.row("random read by position; ns", |_, ratio| {
            ("<= 2.5 of the floor".into(), ratio <= 2.5)
        }),
        at_least("every check of log and index looked at; MB/s", &quick, 1_000.0),
        at_least("the same, and every posting compared with the log; MB/s", &full, 200.0),
        row("bytes an event, of the file, after close", &used, 1, 340.0, ""),
        row("bytes an event, on the disk, after close", &taken, 1, 385.0, ""),
        row("new store on the disk; KiB", &one(fresh), 0, 128.0, " KiB"),
        row("store of one event on the disk; KiB", &one(first), 0, 128.0, " KiB"),
    ]);
}

/// What a new store takes on the disk, and one with an event in it, in KiB.
fn new_store(folder: &Path) -> (f64, f64) {
    let path = folder.join("new.annals");
    let taken = || on_disk(&path).1 as f64 / 1024.0;
    Store::open(&path).unwrap().close().unwrap();
    let fresh = taken();
    let store = Store::open(&path).unwrap();
    store.commit(support::commit([(0, 0, 0)].into_iter())).unwrap();
    store.close().unwrap();
    (fresh, taken())
}

fn main() {
    if let Some(rounds) = support::ratios_wanted(5) {
        return ratios(rounds);
    }
    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let Loaded { folder: _folder, floor, store, .. } = load();
    let (view, floor) = (store.view().unwrap(), floor.reader());

    for (name, of_floor) in [("floor", true), ("annals", false)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(EVENTS));
        group.bench_function("replay of everything", |bencher| {
            bencher.iter(|| if of_floor { replay_floor(&floor) } else { replay(&view) });
        });
        group.throughput(Throughput::Elements(SOME_STREAMS * (EVENTS / STREAMS)));
        let some = some_streams(1);
        group.bench_function("random whole streams", |bencher| {
            bencher.iter(|| match of_floor {
                true => streams_floor(&floor, &some),
                false => streams(&view, &some),
            });
        });
        group.throughput(Throughput::Elements(SOME_POSITIONS));
        let some = some_positions(1);
        group.bench_function("random reads by position", |bencher| {
            bencher.iter(|| match of_floor {
                true => positions_floor(&floor, &some),
                false => positions(&view, &some),
            });
        });
    }
    criterion.final_summary();
}

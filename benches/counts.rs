//! Does pieces of Annals so many times that their instructions can be counted, which noise does not
//! change; `.ci/counts` has valgrind count them and compares with what they were.
//!
//! `counts PIECE ROUNDS MOST` makes ready what MOST rounds of this piece need, does ROUNDS of them,
//! and ends at once: what two numbers of rounds differ by, of the same MOST, is the rounds alone.
//! `counts list` lists the pieces, `counts processor` says what the code that is counted chooses
//! by. Everything is the same in each run: data, times, keys, devices; nothing has a thread.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark"
)]

mod support;

use annals::storage::MemoryStorage;
use annals::{
    Chore, Clock, Commit, Cursor, Durability, Options, Position, Query, QueryItem, Read, Store,
    Timestamp, View,
};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use support::{Random, kinds, stream_name, tag_name, type_name};

/// Events of a store that is read, or written to.
const EVENTS: u64 = 2_500;
/// Those of them that are in a run, where one has both.
const IN_RUN: u64 = 2_000;
/// Events of each of the runs that are merged.
const MERGED: u64 = 1_000;
/// Streams, round robin.
const STREAMS: u64 = 250;
/// Events of a commit of many.
const BATCH: u64 = 100;

/// What is counted.
struct Piece {
    name: &'static str,
    /// Makes ready what so many rounds need.
    ready: fn(u64) -> Round,
    /// Rounds that are enough for a number that says something.
    rounds: u64,
    /// How many of what is counted a round has.
    each: u64,
    /// What that is.
    what: &'static str,
}

/// Does the round with this number.
type Round = Box<dyn FnMut(u64)>;

const PIECES: [Piece; 13] = [
    piece("append", append, (1_000, 1), "synced commit of one event"),
    piece("append-100", append_100, (20, BATCH), "event of a buffered commit of 100"),
    piece("decide", decide, (500, 1), "query since the last look, and a commit on condition"),
    piece("scan", scan, (2, EVENTS), "event of a replay, lent"),
    piece("scan-names", scan_names, (2, EVENTS), "the same, asked for stream and type"),
    piece("scan-owned", scan_owned, (1, EVENTS), "event of a replay, owned"),
    piece("event", event, (5_000, 1), "event by position, lent"),
    piece("version", version, (5_000, 1), "version of a stream"),
    piece("stream", stream, (STREAMS, 1), "whole stream of 10 events, lent"),
    piece("query", query, (500, 1), "query by type and tag, its events lent"),
    piece("recover", recover, (1, EVENTS), "event walked over when a killed store is opened"),
    piece("run", run, (1, EVENTS), "event of a table that becomes a run"),
    piece("merge", merge, (1, 4 * MERGED), "event of four runs that become one"),
];

const fn piece(
    name: &'static str,
    ready: fn(u64) -> Round,
    (rounds, each): (u64, u64),
    what: &'static str,
) -> Piece {
    Piece { name, ready, rounds, each, what }
}

/// Always the same time.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000)
    }
}

/// Stores with the same key, in which nothing happens but what is asked for.
fn options(durability: Durability) -> Options {
    let options = Options::new().durability(durability).without_keeper().clock(Still).seed(1);
    options.tail(u64::MAX, u64::MAX)
}

/// Events from this number on, each in its stream.
fn commit(first: u64, events: u64) -> Commit {
    support::commit((first..first + events).map(|nth| (nth, nth % STREAMS, nth / STREAMS)))
}

/// Appends so many events behind those that are there.
fn load(store: &Store, events: u64) {
    let there = store.head().unwrap().get();
    for first in (there..there + events).step_by(BATCH as usize) {
        store.commit(commit(first, BATCH)).unwrap();
    }
    store.sync().unwrap();
}

/// A device with a store of which the last events are in no run: so many each time that it was
/// open. It was closed but for the last time.
fn killed(events: &[u64]) -> Vec<u8> {
    let disk = Arc::new(MemoryStorage::new());
    let mut bytes = Vec::new();
    for events in events {
        let store = options(Durability::Buffered).open_storage(disk.clone()).unwrap();
        load(&store, *events);
        bytes = disk.to_bytes();
        store.close().unwrap();
    }
    bytes
}

fn open(bytes: &[u8]) -> Store {
    let disk = MemoryStorage::from_bytes(bytes.to_vec());
    options(Durability::Buffered).open_storage(Arc::new(disk)).unwrap()
}

/// A store with room for all that is going to be appended: when it takes more is no matter of one
/// commit.
fn roomy(durability: Durability) -> Store {
    let store = options(durability).segments(4 << 20, 64 << 20).in_memory().unwrap();
    load(&store, EVENTS);
    store
}

fn appended(store: Store, events: u64, most: u64) -> Round {
    let commits: Vec<Commit> = (0..most).map(|nth| commit(EVENTS + nth * events, events)).collect();
    Box::new(move |nth| drop(black_box(store.commit(&commits[nth as usize]).unwrap())))
}

fn append(most: u64) -> Round {
    appended(roomy(Durability::Synced), 1, most)
}

fn append_100(most: u64) -> Round {
    appended(roomy(Durability::Buffered), BATCH, most)
}

/// Type and second tag of the `nth` event.
fn boundary(nth: u64) -> (u64, u64) {
    let (event_type, tags) = kinds(nth);
    (event_type, tags[1])
}

/// The events of a type with a tag.
fn matching((event_type, tag): (u64, u64)) -> Query {
    Query::from(QueryItem::new().event_type(type_name(event_type)).tag(tag_name(tag)))
}

fn decide(most: u64) -> Round {
    let store = roomy(Durability::Buffered);
    let ready = |nth: u64| {
        let event = Commit::new().event(stream_name(nth % STREAMS), support::event(nth));
        (boundary(nth), matching(boundary(nth)), event)
    };
    let ready: Vec<_> = (EVENTS..EVENTS + most).map(ready).collect();
    let mut ready = ready.into_iter();
    let mut seen: BTreeMap<(u64, u64), Position> = BTreeMap::new();
    Box::new(move |_| {
        let (boundary, query, event) = ready.next().unwrap();
        let seen = seen.entry(boundary).or_default();
        let mut cursor = store.query(&query, Read::new().after(*seen)).unwrap();
        drain(&mut cursor);
        *seen = cursor.marker();
        let commit = event.fail_if_events_match(query, *seen);
        drop(black_box(store.commit(commit).unwrap()));
    })
}

/// All that is left, lent.
fn drain(cursor: &mut Cursor) {
    while let Some(event) = cursor.next_event().unwrap() {
        black_box(event.payload);
    }
}

/// A view of a store in a file, which is read through maps. Most of it is in a run, the rest not.
fn view() -> View {
    let folder = support::folder();
    let path = folder.path().join("counts.annals");
    std::fs::write(&path, killed(&[IN_RUN, EVENTS - IN_RUN])).unwrap();
    let store = options(Durability::Buffered).open(&path).unwrap();
    let view = store.view().unwrap();
    assert_eq!((view.head().get(), store.stats().unwrap().index.runs), (EVENTS, 1));
    // Recovery has dropped of the page cache what was written back already, which is chance; and a
    // replay takes another way where it meets what is not in memory.
    black_box(std::fs::read(&path).unwrap());
    // Closed, it would have no events but in runs. The file is without a name from here on.
    std::mem::forget(store);
    view
}

fn scan(_: u64) -> Round {
    let view = view();
    Box::new(move |_| drain(&mut view.all(Read::new())))
}

fn scan_names(_: u64) -> Round {
    let view = view();
    Box::new(move |_| {
        let mut cursor = view.all(Read::new());
        while let Some(event) = cursor.next_event().unwrap() {
            black_box((event.payload, event.stream().unwrap(), event.event_type().unwrap()));
        }
    })
}

fn scan_owned(_: u64) -> Round {
    let view = view();
    Box::new(move |_| view.all(Read::new()).for_each(|event| drop(black_box(event.unwrap()))))
}

/// Numbers in no order.
fn numbers(most: u64, end: u64) -> Vec<u64> {
    let mut random = Random::new(1);
    (0..most).map(|_| random.below(end)).collect()
}

fn event(most: u64) -> Round {
    let positions = numbers(most, EVENTS);
    let mut reader = view().reader();
    Box::new(move |nth| {
        let event = reader.event(1 + positions[nth as usize]).unwrap().unwrap();
        black_box(event.payload);
    })
}

/// Names of streams, in no order.
fn names(most: u64) -> Vec<String> {
    numbers(most, STREAMS).into_iter().map(stream_name).collect()
}

fn version(most: u64) -> Round {
    let (view, names) = (view(), names(most));
    Box::new(move |nth| {
        black_box(view.stream_version(&names[nth as usize]).unwrap());
    })
}

fn stream(most: u64) -> Round {
    let (view, names) = (view(), names(most));
    Box::new(move |nth| drain(&mut view.stream(&names[nth as usize], Read::new())))
}

fn query(most: u64) -> Round {
    let queries: Vec<_> =
        numbers(most, EVENTS).into_iter().map(|nth| matching(boundary(nth))).collect();
    let view = view();
    Box::new(move |nth| drain(&mut view.query(&queries[nth as usize], Read::new()).unwrap()))
}

fn recover(most: u64) -> Round {
    let bytes = killed(&[EVENTS]);
    let copies: Vec<Vec<u8>> = (0..most).map(|_| bytes.clone()).collect();
    let mut copies = copies.into_iter().map(|bytes| Arc::new(MemoryStorage::from_bytes(bytes)));
    Box::new(move |_| {
        let store = options(Durability::Buffered).open_storage(copies.next().unwrap()).unwrap();
        assert_eq!(store.recovery_report().events, EVENTS);
        std::mem::forget(store);
    })
}

fn run(most: u64) -> Round {
    let bytes = killed(&[EVENTS]);
    let stores: Vec<Store> = (0..most).map(|_| open(&bytes)).collect();
    Box::new(move |nth| stores[nth as usize].close().unwrap())
}

fn merge(most: u64) -> Round {
    let bytes = killed(&[MERGED, MERGED, MERGED, MERGED, 0]);
    let stores: Vec<Store> = (0..most).map(|_| open(&bytes)).collect();
    let runs = |store: &Store| store.stats().unwrap().index.runs;
    Box::new(move |nth| {
        let store = &stores[nth as usize];
        assert_eq!(runs(store), 4);
        store.chore(Chore::Index).unwrap();
        assert_eq!(runs(store), 1);
    })
}

/// What libraries choose their code by, as far as this program is told.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    let features = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("vpclmulqdq", is_x86_feature_detected!("vpclmulqdq")),
    ];
    let there = features.iter().filter(|(_, there)| *there);
    there.fold("x86_64".to_owned(), |all, (name, _)| all + " " + name)
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    std::env::consts::ARCH.to_owned()
}

fn main() {
    // `cargo bench` puts a word of its own behind.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments: Vec<String> = arguments.collect();
    let number = |nth: usize| arguments.get(nth).and_then(|number| number.parse::<u64>().ok());
    let word = arguments.first().map(String::as_str);
    let piece = PIECES.iter().find(|piece| Some(piece.name) == word);
    match (word, piece, number(1), number(2)) {
        (_, Some(piece), Some(rounds), Some(most)) if rounds <= most => {
            let mut round = (piece.ready)(most);
            (0..rounds).for_each(&mut round);
            // Nothing is closed or given back: that is no part of a round.
            std::process::exit(0);
        }
        (Some("list"), ..) => {
            for Piece { name, rounds, each, what, .. } in &PIECES {
                println!("{name} {rounds} {each} {what}");
            }
        }
        (Some("processor"), ..) => println!("{}", processor()),
        (None, ..) => println!("`.ci/counts` has valgrind count what this program does"),
        _ => {
            eprintln!("counts PIECE ROUNDS MOST | counts list | counts processor");
            std::process::exit(2);
        }
    }
}

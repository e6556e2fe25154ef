//! What a decision costs: queries, conditions, retries and documents.
//!
//! `cargo bench --bench decide -- --ratios` measures and prints one table: decisions beside the
//! floor, in turns, each round with fresh files; look-ups in a store of a million events and one of
//! a million documents. A number behind it is that of the rounds; `--only` and words measures the
//! decisions whose names have them, or the look-ups where the words are `look-ups`. Without
//! `--ratios`, criterion compares the look-ups with its last run.
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

use annals::{
    Chore, Commit, Durability, ExpectedVersion, IdCheck, Options, Position, Query, QueryItem, Read,
    Store, Uuid,
};
use criterion::Criterion;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{Asked, Floor, FloorBatch, Random, Row, STREAMS, Sizes, Spread, fold, mixed};
use tempfile::TempDir;

/// Decisions of a round without syncs, and with.
const BUFFERED: u64 = 50_000;
const SYNCED: u64 = 2_000;
/// Events, and documents, of a store in which things are looked up.
const MANY: u64 = 1_000_000;
/// One of so many events has the rare tag.
const RARE: u64 = MANY / 100;
/// Items of the large condition.
const ITEMS: u64 = 128;
/// Events of a commit whose ids are looked for.
const IDS: u64 = 100;
/// Times that a look-up is made in a round.
const TIMES: u64 = 2_000;

/// What the `nth` decision is about: events of a type, with a tag.
fn boundary(nth: u64) -> (u64, u64) {
    let (event_type, tags) = support::kinds(nth);
    (event_type, tags[0])
}

fn query(nth: u64) -> Query {
    let (event_type, tag) = boundary(nth);
    let item = QueryItem::new().event_type(support::type_name(event_type));
    Query::from(item.tag(support::tag_name(tag)))
}

fn durability(synced: bool) -> Durability {
    if synced { Durability::Synced } else { Durability::Buffered }
}

/// Bytes of room filled with zeros ahead.
fn reserve(synced: bool) -> u64 {
    if synced { 8 << 20 } else { 0 }
}

/// The seconds of `count` decisions, each by its number; some of them are made ready at a time, for
/// the clock costs as much as a part of one.
fn clocked<T, U>(count: u64, ready: impl Fn(u64) -> T, mut decide: impl FnMut(u64, T) -> U) -> f64 {
    let mut time = Duration::ZERO;
    for first in (0..count).step_by(256) {
        let batch: Vec<(u64, T)> =
            (first..count.min(first + 256)).map(|nth| (nth, ready(nth))).collect();
        let mut used = Vec::with_capacity(batch.len());
        let start = Instant::now();
        used.extend(batch.into_iter().map(|(nth, made)| decide(nth, made)));
        time += start.elapsed();
        drop(used);
    }
    time.as_secs_f64()
}

/// Reads the events of a type with a tag since they were last seen, then appends one more on the
/// condition that no other has come: decisions a second.
fn annals(synced: bool) -> f64 {
    let count = if synced { SYNCED } else { BUFFERED };
    let folder = support::folder();
    let options = Options::new().durability(durability(synced)).reserve(reserve(synced));
    let store = options.open(folder.path().join("bench.annals")).unwrap();
    (0..1_000).for_each(|nth| {
        store.commit(support::commit([(nth, nth % STREAMS, nth / STREAMS)].into_iter())).unwrap();
    });
    store.sync().unwrap();
    store.chore(Chore::Prepare).unwrap();
    let mut seen: HashMap<(u64, u64), Position> = HashMap::new();
    let made = |nth: u64| {
        let event = Commit::new().event(support::stream_name(nth % STREAMS), support::event(nth));
        (query(nth), event, query(nth))
    };
    let mut all = 0;
    let time = clocked(count, made, |nth, (query, event, same)| {
        let seen = seen.entry(boundary(nth)).or_default();
        let mut cursor = store.query(&query, Read::new().after(*seen)).unwrap();
        while let Some(event) = cursor.next_event().unwrap() {
            all ^= fold(event.payload);
        }
        *seen = cursor.marker();
        let commit = event.fail_if_events_match(same, *seen);
        store.commit(&commit).unwrap();
        (query, commit)
    });
    black_box(all);
    let start = Instant::now();
    store.sync().unwrap();
    let time = time + start.elapsed().as_secs_f64();
    store.close().unwrap();
    count as f64 / time
}

/// The same on the floor.
fn floor(synced: bool, sizes: Sizes) -> f64 {
    let count = if synced { SYNCED } else { BUFFERED };
    let folder = support::folder();
    let floor = Floor::new(&folder.path().join("bench.floor"), reserve(synced), sizes);
    let batch = |nth: u64| FloorBatch::new([(nth, nth % STREAMS)].into_iter());
    (0..1_000).for_each(|nth| floor.buffered(&batch(nth)));
    floor.sync();
    let mut seen: HashMap<(u64, u64), u32> = HashMap::new();
    let mut all = 0;
    let time = clocked(count, batch, |nth, batch| {
        let (event_type, tag) = boundary(nth);
        let seen = seen.entry((event_type, tag)).or_default();
        let asked = Asked { event_type, tag, from: *seen };
        *seen = floor.read(asked, |payload| all ^= fold(payload));
        let asked = Some(Asked { from: *seen, ..asked });
        let done = match synced {
            true => floor.synced_unless(&batch, asked),
            false => floor.buffered_unless(&batch, asked),
        };
        assert!(done);
        batch
    });
    black_box(all);
    let start = Instant::now();
    floor.sync();
    count as f64 / (time + start.elapsed().as_secs_f64())
}

/// A store of a million events, each with the tags of all benchmarks: every second one has a third,
/// and 100 of them a fourth.
fn events() -> (TempDir, Store) {
    let folder = support::folder();
    let options = Options::new().durability(Durability::Buffered);
    let store = options.open(folder.path().join("events.annals")).unwrap();
    for first in (0..MANY).step_by(100) {
        let commit = (first..first + 100).fold(Commit::new(), |commit, nth| {
            let mut event = support::event(nth);
            event = if nth % 2 == 0 { event.tag("half") } else { event };
            event = if nth % RARE == 0 { event.tag("rare") } else { event };
            commit.append(support::stream_name(nth % STREAMS), nth / STREAMS, [event])
        });
        store.commit(commit).unwrap();
    }
    settled(&store);
    (folder, store)
}

/// A store of a million documents.
fn documents() -> (TempDir, Store) {
    let folder = support::folder();
    let options = Options::new().durability(Durability::Buffered);
    let store = options.open(folder.path().join("documents.annals")).unwrap();
    for first in (0..MANY).step_by(100) {
        let put = |commit: Commit, nth| commit.put(key(nth), mixed(nth).to_le_bytes().repeat(8));
        store.commit((first..first + 100).fold(Commit::new(), put)).unwrap();
    }
    settled(&store);
    (folder, store)
}

/// Everything synced and indexed.
fn settled(store: &Store) {
    store.sync().unwrap();
    store.chore(Chore::Index).unwrap();
}

/// The key of a document.
fn key(nth: u64) -> String {
    format!("account-{nth:07}/state")
}

/// Reads all events with both tags.
fn both_tags(store: &Store) {
    let query = Query::from(QueryItem::new().tag("half").tag("rare"));
    let mut cursor = store.query(&query, Read::new()).unwrap();
    let mut count = 0;
    while let Some(event) = cursor.next_event().unwrap() {
        black_box(fold(event.payload));
        count += 1;
    }
    assert_eq!(count, MANY / RARE);
}

/// A commit of a document on a condition.
fn on_condition((query, after): (Query, Position)) -> Commit {
    Commit::new()
        .durability(Durability::Buffered)
        .put("decided", *b"")
        .fail_if_events_match(query, after)
}

/// What decides on something that others change too: each item a type and a tag. All of them have
/// events, none after the position that comes with it.
fn of_a_type_with_a_tag() -> (Query, Position) {
    let items = (0..ITEMS).map(|nth| {
        let (event_type, tag) = boundary(mixed(nth) % (MANY - 20_000));
        QueryItem::new().event_type(support::type_name(event_type)).tag(support::tag_name(tag))
    });
    let last = (MANY - 20_000..MANY).rev().find(|nth| {
        let found = boundary(*nth);
        (0..ITEMS).any(|nth| boundary(mixed(nth) % (MANY - 20_000)) == found)
    });
    (Query::any(items), Position::new(last.unwrap() + 1))
}

/// What has to be new, over the whole log: each item a tag that no event has.
fn of_new_tags() -> (Query, Position) {
    let items = (0..ITEMS).map(|nth| QueryItem::new().tag(format!("name:{nth}")));
    (Query::any(items), Position::new(0))
}

/// What is dear: each item two tags of a thousand events each, none of which has both.
fn of_tags_that_never_meet() -> (Query, Position) {
    let items = (0..ITEMS).map(|nth| {
        let accounts = [nth, nth + 500].map(support::tag_name);
        accounts.into_iter().fold(QueryItem::new(), QueryItem::tag)
    });
    (Query::any(items), Position::new(0))
}

/// Commits of events whose ids are given and not there yet, looked for and not in turns: the
/// seconds of both.
fn given_ids(store: &Store, first: u64) -> [f64; 2] {
    let made = |nth: u64| {
        let events = (nth * IDS..(nth + 1) * IDS)
            .map(|nth| support::event(nth).id(Uuid::from_u64_pair(mixed(nth), mixed(!nth))));
        let commit = Commit::new().durability(Durability::Buffered);
        commit.append(support::stream_name(nth % STREAMS), ExpectedVersion::Any, events)
    };
    let mut times = [0.0; 2];
    for nth in 0..1_000 {
        let check = [IdCheck::On, IdCheck::Off][nth % 2];
        let commit = made(first + nth as u64).id_check(check);
        let start = Instant::now();
        store.commit(&commit).unwrap();
        times[nth % 2] += start.elapsed().as_secs_f64();
    }
    store.sync().unwrap();
    times
}

/// Microseconds of one of so many.
fn microseconds(times: u64, mut one: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| one());
    start.elapsed().as_secs_f64() * 1e6 / times as f64
}

fn at_most(goal: f64, found: f64) -> String {
    format!("<= {goal}: {}", if found <= goal { "met" } else { "missed" })
}

/// The decisions, beside the floor's.
fn decisions(rounds: usize, rows: &mut Vec<Row>) {
    let sizes = Sizes::measure();
    for (name, synced, goal) in [("decide, buffered", false, 0.6), ("decide, synced", true, 0.9)] {
        if !support::is_wanted(name) {
            continue;
        }
        let (mut raw, mut own) = (Spread::default(), Spread::default());
        for nth in 0..rounds {
            if nth % 2 == 0 {
                raw.push(floor(synced, sizes));
                own.push(annals(synced));
            } else {
                own.push(annals(synced));
                raw.push(floor(synced, sizes));
            }
        }
        let ratio = own.per(&raw);
        let met = if ratio.median() >= goal { "met" } else { "missed" };
        rows.push(Row {
            what: format!("{name}, decisions a second"),
            floor: raw.text(0),
            annals: own.text(0),
            goal: format!(">= {goal}: {met}"),
            ratio: ratio.text(2),
        });
    }
}

/// The look-ups, whose goals are times.
fn look_ups(rounds: usize, rows: &mut Vec<Row>) {
    let (_folder, store) = events();
    let (_other_folder, kept) = documents();
    let conditions = [of_a_type_with_a_tag(), of_new_tags(), of_tags_that_never_meet()];
    let conditions = conditions.map(on_condition);
    let mut random = Random::new(1);
    let keys: Vec<String> = (0..TIMES * 10).map(|_| key(random.below(MANY))).collect();
    let mut found: [Spread; 7] = Default::default();
    let [tags, since, absent, never, document, on, off] = &mut found;
    for _ in 0..rounds {
        tags.push(microseconds(TIMES, || both_tags(&store)));
        let times = [TIMES, TIMES, TIMES / 100];
        let series = [&mut *since, &mut *absent, &mut *never];
        for ((commit, times), series) in conditions.iter().zip(times).zip(series) {
            series.push(microseconds(times, || _ = store.commit(commit).unwrap()));
        }
        let mut keys = keys.iter();
        document.push(microseconds(TIMES * 10, || {
            let found = kept.document(keys.next().unwrap()).unwrap().unwrap();
            black_box(&found.value);
        }));
    }
    // The store grows by these, so they come last; each commit has ids of its own.
    for nth in 0..rounds as u64 {
        let times = given_ids(&store, MANY + nth * 1_000);
        on.push(times[0]);
        off.push(times[1]);
    }
    let mut row = |what: &str, found: &Spread, goal: Option<f64>, decimals: usize| {
        rows.push(Row {
            what: what.to_owned(),
            floor: String::new(),
            annals: found.text(decimals),
            ratio: String::new(),
            goal: goal.map_or(String::new(), |goal| at_most(goal, found.median())),
        });
    };
    row("two tags, 100 events of a million, µs", tags, Some(60.0), 1);
    row("128 items, a type and a tag, since their last event, µs", since, Some(50.0), 1);
    row("128 items, a tag that none of a million has, µs", absent, Some(50.0), 1);
    row("128 items, two tags of 1,000 that never meet, µs", never, None, 1);
    row("a document of a million, µs", document, Some(1.0), 2);
    row("100 ids looked for / commit of 100 without", &on.over(off), Some(0.25), 2);
}

fn main() {
    if let Some(rounds) = support::ratios_wanted(9) {
        let mut rows = Vec::new();
        decisions(rounds, &mut rows);
        if support::is_wanted("look-ups") {
            look_ups(rounds, &mut rows);
        }
        println!("\nMedians of {rounds} rounds in turns (smallest to largest).\n");
        return support::print_table(&rows);
    }
    let mut criterion = Criterion::default().configure_from_args();
    let (_folder, store) = events();
    let (_other_folder, kept) = documents();
    let mut random = Random::new(1);
    criterion.bench_function("two tags", |bencher| bencher.iter(|| both_tags(&store)));
    let conditions = [("since", of_a_type_with_a_tag()), ("new", of_new_tags())];
    for (name, condition) in conditions {
        let commit = on_condition(condition);
        criterion.bench_function(&format!("a condition of 128 items/{name}"), |bencher| {
            bencher.iter(|| store.commit(&commit).unwrap());
        });
    }
    criterion.bench_function("a document of a million", |bencher| {
        bencher.iter(|| kept.document(&key(random.below(MANY))).unwrap().unwrap());
    });
    criterion.final_summary();
}

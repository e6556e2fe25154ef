//! Queries: what reading by one finds is what it matches, whatever runs there are.

use crate::fixture::{Place, assert_says, note};
use annals::storage::MemoryStorage;
use annals::{
    Chore, Clock, Durability, ErrorKind, EventKind, ExpectedVersion, Limit, NewEvent, Options,
    Position, Query, QueryItem, Read, RecordedEvent, Store, Timestamp, Uuid,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const STREAMS: [&str; 5] = ["a-1", "a-2", "b-1", "plain", "ü-✓"];
const TYPES: [&str; 3] = ["Placed", "Paid", "Größe"];
const TAGS: [&str; 4] = ["t:1", "t:2", "customer:7", "✓"];
const KINDS: [EventKind; 2] = [EventKind::Domain, EventKind::Fat];

/// An event as a few numbers: stream, type, tags, kind, correlation, causation, how much later.
type Made = ([usize; 2], Vec<usize>, usize, [Option<u128>; 2], i64);

/// A step of the clock at each commit, as the plan says.
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

fn made() -> impl Strategy<Value = Made> {
    let tags = prop::collection::vec(0..TAGS.len(), 0..4);
    let ids = [prop::option::of(0..3_u128), prop::option::of(0..3_u128)];
    ([0..STREAMS.len(), 0..TYPES.len()], tags, 0..KINDS.len(), ids, 0..3_i64)
}

fn item() -> impl Strategy<Value = QueryItem> {
    let some = |most: usize| prop::option::weighted(0.2, 0..most);
    let lists =
        (prop::collection::vec(0..TYPES.len(), 0..3), prop::collection::vec(0..4_usize, 0..3));
    let names = (some(3), some(STREAMS.len()), some(5), some(2));
    let ids = (prop::option::weighted(0.2, 0..3_u128), prop::option::weighted(0.2, 0..3_u128));
    let times = (prop::option::weighted(0.2, 0..200_i64), prop::option::weighted(0.2, 0..200_i64));
    (lists, names, ids, times).prop_map(
        |((types, tags), (category, stream, prefix, kind), ids, times)| {
            let mut item = QueryItem::new()
                .types(types.into_iter().map(|nth| TYPES[nth]))
                .tags(tags.into_iter().map(|nth| TAGS[nth]));
            item = category
                .into_iter()
                .fold(item, |item, nth| item.category(["a", "b", "plain"][nth]));
            item = stream.into_iter().fold(item, |item, nth| item.stream(STREAMS[nth]));
            let prefixes = ["a", "a-", "a-1", "ü", "nothing-"];
            item = prefix.into_iter().fold(item, |item, nth| item.stream_prefix(prefixes[nth]));
            item = kind.into_iter().fold(item, |item, nth| item.kind(KINDS[nth]));
            item =
                ids.0.into_iter().fold(item, |item, id| item.correlation_id(Uuid::from_u128(id)));
            item = ids.1.into_iter().fold(item, |item, id| item.causation_id(Uuid::from_u128(id)));
            let time = Timestamp::from_micros;
            item = times.0.into_iter().fold(item, |item, micros| item.since(time(micros)));
            times.1.into_iter().fold(item, |item, micros| item.until(time(micros)))
        },
    )
}

fn queries() -> impl Strategy<Value = Query> {
    let items = prop::collection::vec(item(), 1..4);
    let items = items.prop_map(|items| {
        let empty = QueryItem::new();
        Query::any(items.into_iter().filter(|item| *item != empty))
    });
    prop_oneof![1 => Just(Query::all()), 9 => items]
}

fn store(events: &[Made], tail: u64, buffered: bool) -> Store {
    let clock = Arc::new(Steps(AtomicI64::new(0)));
    let memory = Arc::new(MemoryStorage::new());
    let durability = if buffered { Durability::Buffered } else { Durability::Synced };
    let options = Options::new().without_keeper().segments(4_096, 16_384).tail(tail, u64::MAX);
    let options = options.durability(durability).clock(ByArc(clock.clone()));
    let mut store = options.open_storage(memory.clone()).unwrap();
    for (nth, ([stream, event_type], tags, kind, ids, later)) in events.iter().enumerate() {
        clock.0.fetch_add(*later, Ordering::Relaxed);
        let mut event = NewEvent::new(TYPES[*event_type], nth.to_string())
            .tags(tags.iter().map(|nth| TAGS[*nth]))
            .kind(KINDS[*kind]);
        event =
            ids[0].into_iter().fold(event, |event, id| event.correlation_id(Uuid::from_u128(id)));
        event = ids[1].into_iter().fold(event, |event, id| event.causation_id(Uuid::from_u128(id)));
        store.append(STREAMS[*stream], ExpectedVersion::Any, [event]).unwrap();
        if nth % 40 == 39 {
            store.chore(Chore::Index).unwrap();
        }
        if nth % 97 == 96 {
            store.close().unwrap();
            store = options.open_storage(memory.clone()).unwrap();
        }
    }
    store
}

struct ByArc(Arc<Steps>);

impl Clock for ByArc {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

fn all(store: &Store, query: &Query, read: Read<Position>) -> Vec<RecordedEvent> {
    store.query(query, read).unwrap().map(Result::unwrap).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn reading_by_a_query_finds_what_the_query_matches(
        events in prop::collection::vec(made(), 1..300),
        queries in prop::collection::vec(queries(), 1..12),
        tail in prop_oneof![Just(1_u64), Just(7), Just(60), Just(u64::MAX)],
        bounds in (0..320_u64, 0..320_u64, 0..40_u64),
        buffered in any::<bool>(),
    ) {
        let store = store(&events, tail, buffered);
        let everything = all(&store, &Query::all(), Read::new());
        prop_assert_eq!(everything.len(), events.len());
        for query in &queries {
            let Ok(_) = store.query(query, Read::new()) else {
                prop_assert_eq!(query, &Query::any([]));
                continue;
            };
            let matches = |event: &RecordedEvent| query.matches(&event.as_event()).unwrap();
            let matching: Vec<_> = everything.iter().filter(|event| matches(event)).collect();
            let (from, to, limit) = bounds;
            for (read, from, to, limit) in [
                (Read::new(), 0, u64::MAX, usize::MAX),
                (Read::new().from(from).to(to), from, to, usize::MAX),
                (Read::new().after(from).limit(limit), from + 1, u64::MAX, limit as usize),
            ] {
                let within = |event: &&&RecordedEvent| {
                    (from..=to).contains(&event.position.get())
                };
                let up: Vec<RecordedEvent> =
                    matching.iter().filter(within).take(limit).copied().cloned().collect();
                prop_assert_eq!(all(&store, query, read), up);
                let down: Vec<RecordedEvent> =
                    matching.iter().rev().filter(within).take(limit).copied().cloned().collect();
                prop_assert_eq!(all(&store, query, read.backward()), down);
            }
        }
    }
}

#[test]
fn a_query_that_asks_for_nothing_is_refused() {
    let store = Store::in_memory().unwrap();
    let refused = |query: Query, words: &[&str]| {
        let error = store.query(&query, Read::new()).unwrap_err();
        assert_says(&error, ErrorKind::Invalid, words);
    };
    refused(Query::any([]), &["no items", "Query::all"]);
    refused(Query::from(QueryItem::new()), &["asks for nothing", "Query::all"]);
    refused(Query::from(QueryItem::new().tag("x")).or(QueryItem::new()), &["asks for nothing"]);
    refused(QueryItem::new().tag("").into(), &["empty name"]);
    refused(QueryItem::new().event_type("a\0b").into(), &["NUL"]);
    let many = |count: u64| Query::any((0..count).map(|nth| QueryItem::new().tag(nth.to_string())));
    assert!(store.query(&many(Limit::QueryItems.allowed()), Read::new()).is_ok());
    refused(many(Limit::QueryItems.allowed() + 1), &["items of a query", "256"]);
}

#[test]
fn a_query_sees_the_view_that_it_was_asked_of() {
    let place = Place::new();
    let store = Options::new().tail(5, u64::MAX).open(place.path()).unwrap();
    let tagged = |nth: u64| note(nth.to_string()).tag("x");
    for nth in 0..50 {
        store.append("a", nth, [tagged(nth)]).unwrap();
    }
    let view = store.view().unwrap();
    let query = Query::from(QueryItem::new().tag("x"));
    let mut half = view.query(&query, Read::new()).unwrap();
    assert_eq!(half.by_ref().take(25).count(), 25);
    for nth in 50..200 {
        store.append("a", nth, [tagged(nth)]).unwrap();
    }
    store.close().unwrap();
    assert_eq!(half.map(Result::unwrap).last().unwrap().position.get(), 50);
    assert_eq!(view.query(&query, Read::new().backward()).unwrap().count(), 50);
}

//! Calls of a port, at random.

use annals::{Durability, EventKind};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Names that are used by all, among them such as look like another's.
pub const STREAMS: [&str; 11] =
    ["a", "a-1", "a-2", "b-1", "-x", "-", "a/b", "acme", "bolt/a", "acme/a-1", ""];
pub const CATEGORIES: [&str; 7] = ["a", "b", "", "acme", "acme/a", "bolt", "a/b"];
pub const PREFIXES: [&str; 6] = ["", "a", "a-", "-", "acme/", "b"];
pub const TAGS: [&str; 8] = ["t", "u", "v:1", "acme", "acme/", "bolt/t", "t/u", ""];
pub const KEYS: [&str; 8] = ["k", "k/1", "k/2", "acme/k", "acme/", "~snapshot/a", "z", ""];
pub const TYPES: [&str; 3] = ["T", "U", ""];

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Acme,
    Bolt,
    /// Who has the port of the whole store.
    Whole,
}

#[derive(Clone, Debug)]
pub enum Call {
    Commit(Made),
    /// One of the commits that were made before, once more.
    Again(usize),
    ReadAll(Range),
    ReadStream(usize, Range),
    Query(Ask, Range),
    Follow(Ask, u64),
    Event(u64),
    EventById(Id),
    Document(usize),
    Documents(Listed),
    Version(usize),
    Streams,
    StreamsOf(usize),
    Categories,
    Tags(Listed),
    Count,
    Totals,
    StreamTotals(usize),
    Head,
}

/// A commit.
#[derive(Clone, Debug)]
pub struct Made {
    pub parts: Vec<(usize, Expected, Vec<MadeEvent>)>,
    pub documents: Vec<(usize, Change, Option<u64>)>,
    pub conditions: Vec<(Ask, Option<u64>, bool)>,
    pub checks_ids: bool,
    pub durability: Durability,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Any,
    NoStream,
    StreamExists,
    /// What it is, or nearly.
    Near(i64),
}

#[derive(Clone, Debug)]
pub enum Change {
    Put(u8),
    Delete,
    Expect,
}

#[derive(Clone, Debug)]
pub struct MadeEvent {
    pub event_type: usize,
    pub payload: u8,
    pub tags: Vec<usize>,
    /// Its own, that of its conversation, and of its cause.
    pub ids: [Option<u128>; 3],
    pub kind: EventKind,
    pub metadata: Option<u8>,
}

#[derive(Clone, Debug)]
pub enum Id {
    Given(u128),
    /// That of an event of this tenant's, as he sees it.
    Of(Who, usize),
    /// That of any event, as it stands in the store.
    Raw(usize),
}

/// Positions are those of the whole store, wherever it ends.
#[derive(Clone, Debug)]
pub struct Range {
    pub from: Option<u64>,
    pub after: Option<u64>,
    pub to: Option<u64>,
    pub before: Option<u64>,
    pub limit: Option<u64>,
    pub backward: bool,
}

/// All events, or those of any of these items.
#[derive(Clone, Debug)]
pub struct Ask(pub Option<Vec<Item>>);

#[derive(Clone, Debug)]
pub struct Item {
    pub types: Vec<usize>,
    pub tags: Vec<usize>,
    pub stream: Option<usize>,
    pub category: Option<usize>,
    pub prefix: Option<usize>,
    pub ids: [Option<u128>; 2],
    pub kind: Option<EventKind>,
    pub times: [Option<i64>; 2],
}

/// Keys or tags.
#[derive(Clone, Debug)]
pub struct Listed {
    pub prefix: usize,
    pub after: Option<usize>,
    pub before: Option<usize>,
    pub limit: Option<u64>,
    pub backward: bool,
}

pub fn calls() -> impl Strategy<Value = Vec<(Who, Call)>> {
    let who = prop_oneof![3 => Just(Who::Acme), 3 => Just(Who::Bolt), 2 => Just(Who::Whole)];
    vec((who, call()), 1..100)
}

fn call() -> impl Strategy<Value = Call> {
    let stream = || 0..STREAMS.len();
    prop_oneof![
        16 => made().prop_map(Call::Commit),
        2 => any::<usize>().prop_map(Call::Again),
        2 => range().prop_map(Call::ReadAll),
        3 => (stream(), range()).prop_map(|(stream, range)| Call::ReadStream(stream, range)),
        5 => (ask(), range()).prop_map(|(ask, range)| Call::Query(ask, range)),
        1 => (ask(), number()).prop_map(|(ask, after)| Call::Follow(ask, after)),
        2 => number().prop_map(Call::Event),
        3 => id().prop_map(Call::EventById),
        1 => (0..KEYS.len()).prop_map(Call::Document),
        3 => listed(KEYS.len()).prop_map(Call::Documents),
        1 => stream().prop_map(Call::Version),
        2 => Just(Call::Streams),
        2 => (0..CATEGORIES.len()).prop_map(Call::StreamsOf),
        2 => Just(Call::Categories),
        3 => listed(TAGS.len()).prop_map(Call::Tags),
        1 => Just(Call::Count),
        1 => Just(Call::Totals),
        1 => stream().prop_map(Call::StreamTotals),
        1 => Just(Call::Head),
    ]
}

fn made() -> impl Strategy<Value = Made> {
    let expected = prop_oneof![
        6 => Just(Expected::Any),
        1 => Just(Expected::NoStream),
        1 => Just(Expected::StreamExists),
        4 => Just(Expected::Near(0)),
        1 => (-1_i64..=1).prop_map(Expected::Near),
    ];
    // The last names are those that are refused, or nearly another's.
    let stream = prop_oneof![80 => 0..STREAMS.len() - 1, 1 => Just(STREAMS.len() - 1)];
    let events = prop_oneof![1 => Just(0), 9 => 1..4_usize];
    let events = events.prop_flat_map(|count| vec(made_event(), count));
    let part = (stream, expected, events).boxed();
    let change = prop_oneof![
        5 => any::<u8>().prop_map(Change::Put),
        2 => Just(Change::Delete),
        1 => Just(Change::Expect),
    ];
    let key = prop_oneof![40 => 0..KEYS.len() - 1, 1 => Just(KEYS.len() - 1)];
    let document = (key, change, option::weighted(0.3, 0_u64..3)).boxed();
    let condition = (ask(), option::weighted(0.7, number()), prop::bool::weighted(0.3)).boxed();
    let rare = |most: usize| prop_oneof![3 => Just(0), 1 => 0..most];
    let durability = prop_oneof![Just(Durability::Buffered), Just(Durability::Synced)];
    (
        prop_oneof![1 => Just(0), 9 => 1..3_usize]
            .prop_flat_map(move |count| vec(part.clone(), count)),
        rare(3).prop_flat_map(move |count| vec(document.clone(), count)),
        rare(3).prop_flat_map(move |count| vec(condition.clone(), count)),
        prop::bool::weighted(0.9),
        durability,
    )
        .prop_map(|(parts, documents, conditions, checks_ids, durability)| Made {
            parts,
            documents,
            conditions,
            checks_ids,
            durability,
        })
}

fn made_event() -> impl Strategy<Value = MadeEvent> {
    let event_type = prop_oneof![200 => 0..TYPES.len() - 1, 1 => Just(TYPES.len() - 1)];
    let tag = prop_oneof![400 => 0..TAGS.len() - 1, 1 => Just(TAGS.len() - 1)];
    let own = prop_oneof![4 => Just(None), 1 => (1_u128..6).prop_map(Some),
        4 => any::<u128>().prop_map(Some)];
    let about = || option::weighted(0.3, 1_u128..4);
    let ids = (own, about(), about()).prop_map(|(own, of, by)| [own, of, by]);
    (event_type, any::<u8>(), vec(tag, 0..4), ids, kind(), option::weighted(0.2, any::<u8>()))
        .prop_map(|(event_type, payload, tags, ids, kind, metadata)| MadeEvent {
            event_type,
            payload,
            tags,
            ids,
            kind,
            metadata,
        })
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![4 => Just(EventKind::Domain), 1 => Just(EventKind::Fat)]
}

fn id() -> impl Strategy<Value = Id> {
    let who = prop_oneof![Just(Who::Acme), Just(Who::Bolt)];
    prop_oneof![
        (1_u128..6).prop_map(Id::Given),
        (who, any::<usize>()).prop_map(|(who, nth)| Id::Of(who, nth)),
        any::<usize>().prop_map(Id::Raw),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0_u64..40, 1 => Just(u64::MAX)]
}

fn range() -> impl Strategy<Value = Range> {
    let bound = || option::weighted(0.2, number());
    let limit = option::weighted(0.25, 0_u64..6);
    (bound(), bound(), bound(), bound(), limit, any::<bool>()).prop_map(
        |(from, after, to, before, limit, backward)| Range {
            from,
            after,
            to,
            before,
            limit,
            backward,
        },
    )
}

fn listed(names: usize) -> impl Strategy<Value = Listed> {
    let bound = move || option::weighted(0.3, 0..names);
    let limit = option::weighted(0.4, 0_u64..4);
    (0..4_usize, bound(), bound(), limit, any::<bool>()).prop_map(
        |(prefix, after, before, limit, backward)| Listed {
            prefix,
            after,
            before,
            limit,
            backward,
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        2 => Just(Ask(None)),
        12 => vec(item(), 1..3).prop_map(|items| Ask(Some(items))),
        1 => Just(Ask(Some(Vec::new()))),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let lists = (vec(0..TYPES.len() - 1, 0..2), vec(0..TAGS.len() - 1, 0..3));
    let rare = |most: usize| option::weighted(0.15, 0..most);
    let names = (rare(STREAMS.len()), rare(CATEGORIES.len()), rare(PREFIXES.len()));
    let id = || option::weighted(0.1, 1_u128..4);
    let time = || option::weighted(0.1, 0_i64..60);
    (lists, names, (id(), id()), option::weighted(0.15, kind()), (time(), time())).prop_map(
        |((types, tags), (stream, category, prefix), ids, kind, times)| Item {
            types,
            tags,
            stream,
            category,
            prefix,
            ids: ids.into(),
            kind,
            times: times.into(),
        },
    )
}

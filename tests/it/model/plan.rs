//! What a plan is made of, and how plans are made.

use super::ask::{Ask, asks};
use annals::{Durability, EventKind, IdCheck};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// The streams of all plans.
pub const STREAMS: [&str; 5] = ["a-1", "a-2", "b-1", "plain", "ü-✓"];
pub const TYPES: [&str; 3] = ["Placed", "Paid", "Größe"];
pub const TAGS: [&str; 6] = ["t:1", "t:2", "customer:7", "✓", "x", "t:1:2"];
/// The documents of all plans, in the order of their bytes.
pub const KEYS: [&str; 5] = ["a", "a/1", "a/2", "b/ü", "✓"];

#[derive(Clone, Debug)]
pub enum Step {
    Commit(Made),
    /// A commit once more that was made before, perhaps with a difference.
    Again(usize, Difference, Durability),
    Query(Ask, Range),
    Documents(KeyRange),
    ReadAll(Range),
    ReadStream(usize, Range),
    ReadOne(u64),
    /// Takes a view, and looks at the one that was taken before.
    View,
    Names,
    /// What is due for the index is done.
    Index,
    Sync,
    Reopen(Leaving),
}

/// What a commit is made of.
#[derive(Clone, Debug)]
pub struct Made {
    pub parts: Vec<Part>,
    pub documents: Vec<Change>,
    pub conditions: Vec<Condition>,
    pub id_check: IdCheck,
    pub durability: Durability,
    /// Whether it is staged first.
    pub staged: bool,
}

/// What becomes of a document.
#[derive(Clone, Debug)]
pub struct Change {
    pub key: usize,
    /// The current revision, and so much more or less; nothing: whatever is there.
    pub expected: Option<i64>,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Put(Vec<u8>),
    Delete,
    Expect,
}

#[derive(Clone, Debug)]
pub struct Condition {
    pub ask: Ask,
    /// So far before the head, or beyond it; nothing: any match fails it.
    pub after: Option<i64>,
    pub unique: bool,
}

/// Documents that are to be read.
#[derive(Clone, Copy, Debug)]
pub struct KeyRange {
    pub prefix: usize,
    pub after: Option<usize>,
    pub before: Option<usize>,
    pub limit: Option<u64>,
    pub backward: bool,
}

/// How a commit that is made again differs from what it was.
#[derive(Clone, Copy, Debug)]
pub enum Difference {
    None,
    /// Only the first so many events.
    Prefix(usize),
    /// One event more.
    Longer,
    /// An event is of another stream.
    OtherStream(usize),
    /// It puts one document more.
    OtherDocument(usize),
}

/// How a store is left before it is opened again.
#[derive(Clone, Copy, Debug)]
pub enum Leaving {
    Close,
    /// The last handle goes.
    Drop,
    /// As a killed process leaves it: everything written, nothing closed.
    Crash,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub stream: usize,
    pub expected: Expected,
    pub events: Vec<MadeEvent>,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Any,
    NoStream,
    StreamExists,
    /// The current version, and so much more or less.
    Near(i64),
}

/// An event as the plan has it.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeEvent {
    pub event_type: usize,
    pub payload: Vec<u8>,
    pub kind: EventKind,
    pub schema_version: u16,
    pub tags: Vec<usize>,
    pub ids: [Option<u128>; 3],
    pub occurred: Option<i64>,
    pub metadata: Option<Vec<u8>>,
}

/// A range: each bound may be said or not.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub from: Option<u64>,
    pub after: Option<u64>,
    pub to: Option<u64>,
    pub before: Option<u64>,
    pub limit: Option<u64>,
    pub backward: bool,
}

pub fn plans() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..120)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => made().prop_map(Step::Commit),
        2 => (any::<usize>(), difference(), durability())
            .prop_map(|(nth, difference, durability)| Step::Again(nth, difference, durability)),
        3 => (asks(), range()).prop_map(|(ask, range)| Step::Query(ask, range)),
        1 => documents(),
        3 => range().prop_map(Step::ReadAll),
        3 => (stream(), range()).prop_map(|(stream, range)| Step::ReadStream(stream, range)),
        1 => number().prop_map(Step::ReadOne),
        1 => Just(Step::View),
        1 => Just(Step::Names),
        2 => Just(Step::Index),
        1 => Just(Step::Sync),
        1 => prop_oneof![Just(Leaving::Close), Just(Leaving::Drop), Just(Leaving::Crash)]
            .prop_map(Step::Reopen),
    ]
}

fn made() -> impl Strategy<Value = Made> {
    let rare = |most: usize| prop_oneof![5 => Just(0), 1 => 0..most];
    let changes = rare(4).prop_flat_map(|count| vec(change(), count));
    let conditions = rare(4).prop_flat_map(|count| vec(condition(), count));
    let id_check = prop_oneof![9 => Just(IdCheck::On), 1 => Just(IdCheck::Off)];
    let how = (id_check, durability(), any::<bool>());
    (parts(), changes, conditions, how).prop_map(
        |(parts, documents, conditions, (id_check, durability, staged))| Made {
            parts,
            documents,
            conditions,
            id_check,
            durability,
            staged,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let what = prop_oneof![
        6 => payload().prop_map(What::Put),
        2 => Just(What::Delete),
        1 => Just(What::Expect),
    ];
    let expected =
        prop_oneof![3 => Just(None), 3 => Just(Some(0)), 1 => (-2_i64..=2).prop_map(Some)];
    (0..KEYS.len(), expected, what).prop_map(|(key, expected, what)| {
        // Who only looks expects something.
        let expected = if matches!(what, What::Expect) { expected.or(Some(0)) } else { expected };
        Change { key, expected, what }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let after = prop_oneof![1 => Just(None), 5 => (-5_i64..=2).prop_map(Some)];
    (asks(), after, prop::bool::weighted(0.2)).prop_map(|(ask, after, unique)| Condition {
        ask,
        after: after.filter(|_| !unique),
        unique,
    })
}

fn difference() -> impl Strategy<Value = Difference> {
    prop_oneof![
        4 => Just(Difference::None),
        1 => (0_usize..4).prop_map(Difference::Prefix),
        1 => Just(Difference::Longer),
        1 => (0_usize..4).prop_map(Difference::OtherStream),
        1 => (0..KEYS.len()).prop_map(Difference::OtherDocument),
    ]
}

fn documents() -> impl Strategy<Value = Step> {
    let bound = || option::weighted(0.25, 0..KEYS.len());
    (0..3_usize, bound(), bound(), option::weighted(0.3, 0_u64..4), any::<bool>()).prop_map(
        |(prefix, after, before, limit, backward)| {
            Step::Documents(KeyRange { prefix, after, before, limit, backward })
        },
    )
}

/// Mostly one part, rarely none, sometimes a stream named twice.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = (stream(), expected(), vec(made_event(), 0..4))
        .prop_map(|(stream, expected, events)| Part { stream, expected, events })
        .boxed();
    prop_oneof![8 => vec(part.clone(), 1), 4 => vec(part.clone(), 2..4), 1 => vec(part, 0..6)]
}

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        4 => Just(Expected::Any),
        1 => Just(Expected::NoStream),
        1 => Just(Expected::StreamExists),
        4 => Just(Expected::Near(0)),
        1 => (-2_i64..=2).prop_map(Expected::Near),
    ]
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![
        6 => Just(Durability::Buffered),
        2 => Just(Durability::Synced),
        1 => Just(Durability::Strict),
    ]
}

pub fn made_event() -> impl Strategy<Value = MadeEvent> {
    let kind = prop_oneof![
        Just(EventKind::Domain),
        Just(EventKind::Integration),
        Just(EventKind::Trigger),
        Just(EventKind::Fat),
    ];
    let id = || option::weighted(0.3, prop_oneof![1 => 0..9_u128, 9 => 0..u128::MAX]);
    let about = (0..TYPES.len(), kind, prop_oneof![4 => Just(1_u16), 1 => any::<u16>()]);
    let rest = (
        vec(0..TAGS.len(), 0..6),
        [id(), id(), id()],
        option::weighted(0.3, any::<i64>()),
        option::weighted(0.3, vec(any::<u8>(), 0..20)),
    );
    (about, payload(), rest).prop_map(|((event_type, kind, schema_version), payload, rest)| {
        let (tags, ids, occurred, metadata) = rest;
        MadeEvent { event_type, payload, kind, schema_version, tags, ids, occurred, metadata }
    })
}

/// Mostly short, sometimes about a page, rarely longer than the largest of tiny segments.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let long = |length: std::ops::Range<usize>| {
        (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length])
    };
    prop_oneof![20 => vec(any::<u8>(), 0..50), 4 => long(500..5_000), 1 => long(15_000..40_000)]
}

fn stream() -> impl Strategy<Value = usize> {
    0..STREAMS.len()
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0_u64..80, 1 => Just(u64::MAX), 1 => Just((1 << 63) - 1)]
}

fn range() -> impl Strategy<Value = Range> {
    let bound = || option::weighted(0.25, number());
    (bound(), bound(), bound(), bound(), option::weighted(0.3, 0_u64..20), any::<bool>()).prop_map(
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

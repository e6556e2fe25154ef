//! How plans are made.

use annals::{Durability, EventKind, IdCheck};
use annals_fuzz::model::{
    Ask, CATEGORIES, Change, Condition, Difference, Expected, Item, KEYS, KeyRange, Leaving, Made,
    MadeEvent, PREFIXES, Part, Range, STREAMS, Step, TAGS, TYPES, What,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

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

fn made_event() -> impl Strategy<Value = MadeEvent> {
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

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![1 => Just(Ask(None)), 9 => vec(item(), 1..3).prop_map(|items| Ask(Some(items)))]
}

fn item() -> impl Strategy<Value = Item> {
    let lists = (vec(0..TYPES.len(), 0..3), vec(0..TAGS.len(), 0..3));
    let rare = |most: usize| option::weighted(0.15, 0..most);
    let names = (rare(STREAMS.len()), rare(CATEGORIES.len()), rare(PREFIXES.len()));
    let kind = option::weighted(0.15, Just(EventKind::Fat));
    (lists, names, kind).prop_map(|((types, mut tags), (stream, category, prefix), kind)| {
        let alone = [stream, category, prefix].iter().all(Option::is_none);
        if alone && types.is_empty() && tags.is_empty() && kind.is_none() {
            // One that asks for nothing is refused, which is another test's matter.
            tags.push(0);
        }
        Item { types, tags, stream, category, prefix, kind }
    })
}

//! Plans from the bytes of a fuzzer: any bytes give one.

use super::ask::{Ask, CATEGORIES, Item, PREFIXES};
use super::plan::{
    Change, Condition, Difference, Expected, KEYS, KeyRange, Leaving, Made, MadeEvent, Part, Range,
    STREAMS, Step, TAGS, TYPES, What,
};
use annals::{Durability, EventKind, IdCheck};
use arbitrary::{Arbitrary, Result, Unstructured};

/// A number below `most`, from one byte.
fn below(from: &mut Unstructured<'_>, most: usize) -> Result<usize> {
    Ok(usize::from(u8::arbitrary(from)?) % most)
}

/// Something so many times of 8, else nothing.
fn maybe<'a, T>(
    from: &mut Unstructured<'a>,
    eighths: usize,
    what: impl FnOnce(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Option<T>> {
    if below(from, 8)? < eighths { what(from).map(Some) } else { Ok(None) }
}

/// At most so many of something.
fn list<'a, T>(
    from: &mut Unstructured<'a>,
    most: usize,
    one: impl Fn(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..below(from, most + 1)?).map(|_| one(from)).collect()
}

/// So much more or less than what is there: -2 to 2, mostly 0.
fn near(from: &mut Unstructured<'_>) -> Result<i64> {
    Ok([0, 0, 0, 0, 1, -1, 2, -2][below(from, 8)?])
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match below(from, 32)? {
            0..13 => Self::Commit(from.arbitrary()?),
            13..16 => {
                let difference = match below(from, 8)? {
                    0..4 => Difference::None,
                    4 => Difference::Prefix(below(from, 4)?),
                    5 => Difference::Longer,
                    6 => Difference::OtherStream(below(from, 4)?),
                    _ => Difference::OtherDocument(below(from, KEYS.len())?),
                };
                Self::Again(below(from, 256)?, difference, durability(from)?)
            }
            16..20 => Self::Query(from.arbitrary()?, from.arbitrary()?),
            20 => Self::Documents(KeyRange {
                prefix: below(from, 3)?,
                after: maybe(from, 2, |from| below(from, KEYS.len()))?,
                before: maybe(from, 2, |from| below(from, KEYS.len()))?,
                limit: maybe(from, 2, |from| Ok(below(from, 4)? as u64))?,
                backward: from.arbitrary()?,
            }),
            21 | 22 => Self::ReadAll(from.arbitrary()?),
            23 | 24 => Self::ReadStream(below(from, STREAMS.len())?, from.arbitrary()?),
            25 => Self::ReadOne(number(from)?),
            26 => Self::View,
            27 => Self::Names,
            28 | 29 => Self::Index,
            30 => Self::Sync,
            _ => Self::Reopen(match below(from, 3)? {
                0 => Leaving::Close,
                1 => Leaving::Drop,
                _ => Leaving::Crash,
            }),
        })
    }
}

impl<'a> Arbitrary<'a> for Made {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        // Mostly one part, rarely none; sometimes documents or conditions.
        let parts = [1, 1, 1, 1, 1, 2, 3, 0][below(from, 8)?];
        let more = below(from, 8)?;
        Ok(Self {
            parts: (0..parts).map(|_| from.arbitrary()).collect::<Result<_>>()?,
            documents: list(from, if more < 3 { 3 } else { 0 }, |from| change(from))?,
            conditions: list(from, if more % 3 == 0 { 3 } else { 0 }, |from| condition(from))?,
            id_check: if below(from, 8)? == 0 { IdCheck::Off } else { IdCheck::On },
            durability: durability(from)?,
            staged: from.arbitrary()?,
        })
    }
}

fn durability(from: &mut Unstructured<'_>) -> Result<Durability> {
    Ok(match below(from, 8)? {
        0..6 => Durability::Buffered,
        6 => Durability::Synced,
        _ => Durability::Strict,
    })
}

fn change(from: &mut Unstructured<'_>) -> Result<Change> {
    let what = match below(from, 8)? {
        0..5 => What::Put(payload(from)?),
        5 | 6 => What::Delete,
        _ => What::Expect,
    };
    let mut expected = maybe(from, 4, near)?;
    if matches!(what, What::Expect) {
        // Who only looks expects something.
        expected = expected.or(Some(0));
    }
    Ok(Change { key: below(from, KEYS.len())?, expected, what })
}

fn condition(from: &mut Unstructured<'_>) -> Result<Condition> {
    let unique = below(from, 8)? == 0;
    let after = maybe(from, 7, |from| Ok(below(from, 8)? as i64 - 5))?;
    Ok(Condition { ask: from.arbitrary()?, after: after.filter(|_| !unique), unique })
}

impl<'a> Arbitrary<'a> for Part {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        let expected = match below(from, 8)? {
            0..3 => Expected::Any,
            3 => Expected::NoStream,
            4 => Expected::StreamExists,
            _ => Expected::Near(near(from)?),
        };
        let stream = below(from, STREAMS.len())?;
        Ok(Self { stream, expected, events: list(from, 3, |from| from.arbitrary())? })
    }
}

impl<'a> Arbitrary<'a> for MadeEvent {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        let kinds = [EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
        // Few different ones, so that some meet again.
        let id = |from: &mut Unstructured<'_>| maybe(from, 2, |from| Ok(below(from, 24)? as u128));
        Ok(Self {
            event_type: below(from, TYPES.len())?,
            payload: payload(from)?,
            kind: kinds[below(from, 4)?],
            schema_version: maybe(from, 1, |from| from.arbitrary())?.unwrap_or(1),
            tags: list(from, 5, |from| below(from, TAGS.len()))?,
            ids: [id(from)?, id(from)?, id(from)?],
            occurred: maybe(from, 2, |from| from.arbitrary())?,
            metadata: maybe(from, 2, |from| Ok(vec![7; below(from, 20)?]))?,
        })
    }
}

/// Mostly short, sometimes about a page, rarely longer than the largest of tiny segments.
fn payload(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = match below(from, 32)? {
        0..27 => below(from, 50)?,
        27..31 => 500 + below(from, 256)? * 16,
        _ => 15_000 + below(from, 256)? * 100,
    };
    Ok(vec![from.arbitrary()?; length])
}

impl<'a> Arbitrary<'a> for Ask {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        if below(from, 10)? == 0 {
            return Ok(Self(None));
        }
        let count = 1 + below(from, 2)?;
        (0..count).map(|_| from.arbitrary()).collect::<Result<_>>().map(|items| Self(Some(items)))
    }
}

impl<'a> Arbitrary<'a> for Item {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        let mut item = Self {
            types: list(from, 2, |from| below(from, TYPES.len()))?,
            tags: list(from, 2, |from| below(from, TAGS.len()))?,
            stream: maybe(from, 1, |from| below(from, STREAMS.len()))?,
            category: maybe(from, 1, |from| below(from, CATEGORIES.len()))?,
            prefix: maybe(from, 1, |from| below(from, PREFIXES.len()))?,
            kind: maybe(from, 1, |_| Ok(EventKind::Fat))?,
        };
        let names = [item.stream, item.category, item.prefix];
        let empty = item.types.is_empty() && item.tags.is_empty() && item.kind.is_none();
        if empty && names.iter().all(Option::is_none) {
            // One that asks for nothing is refused, which is another test's matter.
            item.tags.push(0);
        }
        Ok(item)
    }
}

fn number(from: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match below(from, 32)? {
        0 => u64::MAX,
        1 => (1 << 63) - 1,
        _ => below(from, 80)? as u64,
    })
}

impl<'a> Arbitrary<'a> for Range {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            from: maybe(from, 2, number)?,
            after: maybe(from, 2, number)?,
            to: maybe(from, 2, number)?,
            before: maybe(from, 2, number)?,
            limit: maybe(from, 2, |from| Ok(below(from, 20)? as u64))?,
            backward: from.arbitrary()?,
        })
    }
}

//! What a plan is made of.

use super::ask::Ask;
use annals::{Durability, EventKind, IdCheck};

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

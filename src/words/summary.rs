//! What events there are, counted.

use super::{Position, Timestamp};

/// Events counted: of a stream, or all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// How many.
    pub events: u64,
    /// The first; nothing if there is none.
    pub first: Option<Moment>,
    /// The last; nothing if there is none.
    pub last: Option<Moment>,
    /// Their types, by name, and how many are of each.
    pub types: Vec<Counted>,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

/// Where and when an event was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Moment {
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded: Timestamp,
}

/// A name, and how many events have it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Counted {
    /// The name.
    pub name: String,
    /// Events with it.
    pub events: u64,
}

impl Moment {
    pub(crate) fn new(position: Position, recorded: Timestamp) -> Self {
        Self { position, recorded }
    }
}

impl Counted {
    pub(crate) fn new(name: String, events: u64) -> Self {
        Self { name, events }
    }
}

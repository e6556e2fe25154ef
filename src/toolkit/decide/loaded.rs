//! A state, and how it came about.

use crate::toolkit::ToolError;
use crate::toolkit::snapshot::{AsOf, Stale};
use std::time::Duration;

/// A state, and how it came about.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded<S> {
    /// The state.
    pub state: S,
    /// Of when it is: its version, and its position or marker.
    pub as_of: AsOf,
    /// How many events were read for it, those before its snapshot not included.
    pub sourced: u64,
    /// How long that took.
    pub took: Duration,
    /// What snapshot it began with, or why with none.
    pub snapshot: SnapshotUse,
    /// Whether a snapshot was written.
    pub written: SnapshotWrite,
}

/// What snapshot a state began with.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SnapshotUse {
    /// The repository keeps none.
    Off,
    /// There is none, or none that is old enough.
    Absent,
    /// That of this moment.
    Used(AsOf),
    /// There is one, and it was passed over.
    Stale(Stale),
}

/// What became of the snapshot of a state that was loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotWrite {
    /// None was due.
    NotDue,
    /// It was written.
    Written,
    /// Somebody else has written or deleted one meanwhile; that stays.
    Overtaken,
    /// It could not be written. The state is as good as without it.
    Failed(ToolError),
}

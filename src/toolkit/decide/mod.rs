//! States made of events, and decisions that rest on them.

mod boundary;
mod decider;
mod error;
mod execute;
mod lifecycle;
mod loaded;
mod past;
mod rebuild;
mod repository;
mod source;
mod typed_events;
mod unit;

#[cfg(test)]
mod tests;

pub use boundary::{Boundary, Which};
pub use decider::{Decider, Evolve};
pub use error::ExecuteError;
pub use execute::Executed;
pub use lifecycle::{Change, Lifecycle};
pub use loaded::{Loaded, SnapshotUse, SnapshotWrite};
pub use rebuild::{RebuildProgress, Rebuilt};
pub use repository::Repository;
pub use typed_events::{Past, TypedEvents};
pub use unit::{Done, Handle, UnitOfWork, UnitPhase};

//! Saved states: as documents, one under a fixed key, older ones beside it.

mod header;
mod policy;
mod snapshots;
mod stale;

#[cfg(test)]
mod tests;

pub use header::AsOf;
pub use policy::SnapshotPolicy;
pub use snapshots::{Found, Kept, Snapshot, Snapshots};
pub use stale::Stale;

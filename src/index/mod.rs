//! What is where: positions to log offsets, terms to positions. Derived from the log: the newest
//! piece is made in memory (tables), older pieces stand in the file (runs).

mod build;
mod check;
mod live;
mod matching;
mod offsets;
mod run;
mod sources;
mod table;

pub use build::{Input, Job, Sink, Step};
pub use check::Tally;
pub use live::Index;
pub use matching::{Items, Matching, Wanted};
use offsets::Offsets;
pub use run::{Pages, Pin, Pinned, Reach, Run, RunError};
pub use sources::Sources;
pub use table::Table;

#[cfg(test)]
mod tests;

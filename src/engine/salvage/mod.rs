//! Salvage: what is still whole in a damaged store, written to a new one. ARCHITECTURE.md has the
//! rules by their numbers.
//!
//! Nothing here needs a store that can be opened: only an id and a key, and what passes its check.

mod contents;
mod copy;
mod frames;
mod identity;
mod judge;
mod names;
mod progress;
mod reader;
mod report;
mod scan;

pub use copy::salvage;
pub use report::{BrokenCommit, KeptRange, LostRange, SalvageReport, TornTail};

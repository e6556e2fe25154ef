//! Runs: immutable pieces of index, read page by page.

mod filter;
mod find;
mod names;
mod pages;
mod postings;

pub(super) use filter::Block;
pub use find::Run;
pub(super) use names::{Listing, NameAt};
pub use pages::{Reach, RunError};

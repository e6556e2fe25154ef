//! Runs: immutable pieces of index, read page by page.

mod bring;
mod filter;
mod find;
mod names;
mod pages;
mod pin;
mod postings;
#[cfg(all(test, loom))]
mod races;
mod reach;

pub(super) use bring::find_in_each;
pub(super) use filter::Block;
pub use find::Run;
pub(super) use names::{Listing, NameAt};
pub use pages::{Pages, RunError};
pub use pin::{Pin, Pinned};
pub use reach::Reach;

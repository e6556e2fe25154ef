//! The public handle and its options.

mod copies;
mod damaged;
mod handle;
mod options;
mod staged;

pub use handle::Store;
pub use options::Options;
pub use staged::Staged;

//! The public handle and its options.

mod handle;
mod options;

pub use handle::Store;
pub use options::Options;

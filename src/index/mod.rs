//! What is where: positions to log offsets, streams to positions, categories to streams. In memory,
//! made from the log.

mod offsets;
mod streams;
mod tail;

pub use offsets::Offsets;
pub use streams::StreamId;
pub use tail::{Entry, Tail};

//! What each byte of the file is there for.

mod draw;
mod parts;

pub use draw::segments_of;
pub use parts::{FileExtent, FileMap, FilePart};

#[cfg(test)]
mod tests;

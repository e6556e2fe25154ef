//! What each byte of the file is there for.

mod draw;
mod parts;

pub use parts::{FileExtent, FileMap, FilePart};

#[cfg(test)]
mod tests;

//! The versions of streams that were written lately: a cache of bounded size.

use crate::format::{TermHash, index};
use crate::words::Version;

/// Cells: some two MiB, once streams come into it.
const CELLS: usize = 1 << 16;

/// The versions of streams that are not in the newest table. Each stream has one cell, which it may
/// lose to another.
#[derive(Default)]
pub struct Heads {
    cells: Vec<(TermHash, Version)>,
}

impl Heads {
    /// Keeps the version of a stream, by the hash of its term.
    pub fn keep(&mut self, stream: TermHash, version: Version) {
        if self.cells.is_empty() {
            self.cells = vec![(TermHash(0), Version::NONE); CELLS];
        }
        if let Some(cell) = self.cells.get_mut(Self::cell(stream)) {
            *cell = (stream, version);
        }
    }

    /// The version of a stream, if it is kept.
    pub fn get(&self, stream: TermHash) -> Option<Version> {
        let (kept, version) = self.cells.get(Self::cell(stream))?;
        (*kept == stream).then_some(*version)
    }

    fn cell(stream: TermHash) -> usize {
        index(stream.high()) % CELLS
    }
}

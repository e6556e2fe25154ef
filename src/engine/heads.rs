//! The versions of streams that were written lately: a cache of bounded size.

use crate::format::{TermHash, index};
use crate::words::Version;

/// Cells: some two MiB, once streams come into it.
const CELLS: usize = 1 << 16;
/// Cells that it begins with.
const FEW: usize = 1 << 8;

/// The versions of streams that are not in the newest table. Each stream has one cell, which it may
/// lose to another. There are more cells where there are more streams, up to a bound.
#[derive(Default)]
pub struct Heads {
    cells: Vec<(TermHash, Version)>,
    taken: usize,
}

impl Heads {
    /// Keeps the version of a stream, by the hash of its term.
    pub fn keep(&mut self, stream: TermHash, version: Version) {
        if self.taken >= self.cells.len() / 2 && self.cells.len() < CELLS {
            self.grow();
        }
        let nth = self.cell(stream);
        if let Some(cell) = self.cells.get_mut(nth) {
            self.taken += usize::from(cell.1 == Version::NONE);
            *cell = (stream, version);
        }
    }

    /// The version of a stream, if it is kept.
    pub fn get(&self, stream: TermHash) -> Option<Version> {
        let (kept, version) = self.cells.get(self.cell(stream))?;
        (*kept == stream && *version != Version::NONE).then_some(*version)
    }

    fn grow(&mut self) {
        let cells = (self.cells.len() * 4).clamp(FEW, CELLS);
        let fewer = std::mem::replace(&mut self.cells, vec![(TermHash(0), Version::NONE); cells]);
        self.taken = 0;
        for (stream, version) in fewer.into_iter().filter(|(_, version)| *version != Version::NONE)
        {
            self.keep(stream, version);
        }
    }

    /// Their number is a power of two, or none.
    fn cell(&self, stream: TermHash) -> usize {
        index(stream.high()) & self.cells.len().saturating_sub(1)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of which nothing but the cell is known.
    fn stream(nth: usize) -> TermHash {
        TermHash(u128::from(crate::format::u64_of(nth)) << 64)
    }

    fn version(nth: usize) -> Version {
        Version::new(crate::format::u64_of(nth) + 1)
    }

    #[test]
    fn there_are_more_cells_where_there_are_more_streams_up_to_a_bound() {
        let mut heads = Heads::default();
        assert_eq!(heads.get(stream(0)), None);
        for nth in 0..CELLS + 1_000 {
            heads.keep(stream(nth), version(nth));
            let wanted = match nth + 1 {
                0..=128 => FEW,
                129..=512 => 1_024,
                513..=2_048 => 4_096,
                2_049..=8_192 => 16_384,
                _ => CELLS,
            };
            assert_eq!(heads.cells.len(), wanted, "with {nth}");
            // Whoever has a cell of his own is kept, however often the cells grow.
            let last = nth.saturating_sub(100);
            assert_eq!(heads.get(stream(last)), Some(version(last)));
        }
        let kept = |nth: usize| heads.get(stream(nth)) == Some(version(nth));
        assert!((1_000..CELLS + 1_000).all(kept));
        // These lost theirs to others.
        assert!((0..1_000).all(|nth| heads.get(stream(nth)).is_none()));
    }

    #[test]
    fn a_stream_that_is_kept_again_takes_no_other_cell() {
        let mut heads = Heads::default();
        for nth in 0..1_000 {
            heads.keep(stream(7), version(nth));
            assert_eq!(heads.get(stream(7)), Some(version(nth)));
        }
        assert_eq!((heads.cells.len(), heads.taken), (FEW, 1));
        // The cell of none is no stream's, not even of the one whose hash is 0.
        assert_eq!(heads.get(stream(0)), None);
        assert_eq!(heads.get(stream(7 + FEW)), None);
    }
}

//! The table position -> log offset, read without a lock.

use crate::threads::atomic::{AtomicU64, Ordering};
use crate::threads::{MODELLED, OnceLock};
use crate::words::{LogOffset, Position};

/// Cells of the first chunk; each chunk has twice as many as the one before.
const FIRST: usize = if MODELLED { 2 } else { 1 << 10 };
/// Chunks: with the last one, more cells than memory has.
const CHUNKS: usize = if MODELLED { 5 } else { 40 };

/// A table that grows at its end. One thread at a time extends it; any number read what they have
/// been told of.
pub struct Offsets {
    /// The position of the first cell.
    base: u64,
    chunks: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

impl Offsets {
    /// An empty table whose first entry will be that of `base`.
    pub fn new(base: Position) -> Self {
        Self { base: base.get(), chunks: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// Stores the log offset of a position. Whoever reads it has learnt of the position through a
    /// lock taken later.
    pub fn set(&self, position: Position, at: LogOffset) {
        let Some((chunk, cell)) = self.cell(position) else { return };
        let chunk = self.chunks.get(chunk).map(|cells| {
            cells.get_or_init(|| (0..FIRST << chunk).map(|_| AtomicU64::new(0)).collect())
        });
        if let Some(cell) = chunk.and_then(|cells| cells.get(cell)) {
            // Relaxed: the lock that publishes the position orders it (ARCHITECTURE.md, 'Who
            // publishes what').
            cell.store(at.get(), Ordering::Relaxed);
        }
    }

    /// The log offset of a position that was set.
    pub fn get(&self, position: Position) -> Option<LogOffset> {
        let (chunk, cell) = self.cell(position)?;
        let at = self.chunks.get(chunk)?.get()?.get(cell)?.load(Ordering::Relaxed);
        (at != 0).then_some(LogOffset::new(at))
    }

    /// Which chunk, and which cell in it.
    fn cell(&self, position: Position) -> Option<(usize, usize)> {
        let nth = usize::try_from(position.get().checked_sub(self.base)?).ok()?;
        // Chunk k begins at FIRST * (2^k - 1).
        let chunk = (nth / FIRST + 1).ilog2();
        let begin = FIRST * ((1 << chunk) - 1);
        Some((usize::try_from(chunk).ok()?, nth - begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_position_has_a_cell_of_its_own() {
        let offsets = Offsets::new(Position::new(7));
        for nth in 0..10_000 {
            offsets.set(Position::new(7 + nth), LogOffset::new(64 + 8 * nth));
        }
        for nth in 0..10_000 {
            assert_eq!(offsets.get(Position::new(7 + nth)), Some(LogOffset::new(64 + 8 * nth)));
        }
        assert_eq!(offsets.get(Position::new(6)), None);
        assert_eq!(offsets.get(Position::new(10_007)), None);
    }
}

//! For who reads the log forward: what comes next is in memory.

use super::super::Segment;
use crate::format::{index, u64_of};
use crate::storage::{Storage, read_through};
use crate::words::LogOffset;
use std::io;

/// Up to where the log was seen to.
///
/// As long as it finds the log in memory, it only looks. Once it was to go on at a place that is
/// not, it reads all that follows, and what lies between two segments of the file, too: a system
/// reads ahead of who reads on and on, but not of who leaves anything out. (That something further
/// on is not in memory says less: at its end a segment has room that nobody wrote to.)
#[derive(Clone, Copy, Default)]
pub(super) struct Ready {
    until: LogOffset,
    /// The byte of the file up to which it has read.
    read: Option<u64>,
}

/// Seen to at once.
const AT_ONCE: usize = 2 << 20;

/// As much is read that nobody asks for, to go on reading without a gap.
const GAP: u64 = 8 << 20;

impl Ready {
    /// Sees to it that the stable bytes of this segment from `at` up to `end` are in memory, and
    /// some more. An error if they can't be read.
    #[inline]
    pub(super) fn make(
        &mut self,
        storage: &dyn Storage,
        segment: &Segment,
        at: LogOffset,
        end: LogOffset,
    ) -> io::Result<()> {
        while self.until < end {
            let from = self.until.max(at);
            let wanted = AT_ONCE.max(index(end.since(from)));
            self.until = from.plus(u64_of(self.some(storage, segment, from, wanted)?));
        }
        Ok(())
    }

    /// Whether it reads all that follows.
    pub(super) fn reads_on(&self) -> bool {
        self.read.is_some()
    }

    /// Sees to so many bytes from here on, or fewer; returns how many.
    #[cold]
    fn some(
        &mut self,
        storage: &dyn Storage,
        segment: &Segment,
        from: LogOffset,
        wanted: usize,
    ) -> io::Result<usize> {
        let begin = index(from.since(segment.place.log_offset));
        let length = wanted.min(segment.known_stable().len().saturating_sub(begin)).max(1);
        if self.read.is_none() && !segment.is_cold_among(begin, length) {
            return Ok(length);
        }
        let offset = segment.place.file_offset(from);
        let reads_on = self.read.is_some() || segment.is_cold(from);
        let gap = self.read.and_then(|read| Some((read, offset.checked_sub(read)?)));
        if let Some((read, gap)) = gap.filter(|(_, gap)| *gap <= GAP) {
            // Whether that can be read matters to nobody.
            let _ = read_through(storage, read, index(gap));
        }
        let length = read_through(storage, offset, length)?;
        self.read = reads_on.then(|| offset.saturating_add(u64_of(length)));
        Ok(length)
    }
}

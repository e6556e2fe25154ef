//! The engine, and what its writing side holds.

use super::core::Core;
use super::follow::Follow;
use super::heads::Heads;
use super::indexer::Indexer;
use super::keeper::KeeperCall;
use super::report::RecoveryReport;
use super::settings::Settings;
use super::slots::Slots;
use crate::format::{Chain, Epoch, Mark, PAGE, SegmentRef, u64_of};
use crate::log::Draft;
use crate::threads::atomic::AtomicI64;
use crate::threads::thread::JoinHandle;
use crate::threads::{Mutex, MutexGuard, PoisonError};
use crate::words::{Error, ErrorKind, LogOffset, Position, Timestamp};
use std::sync::Arc;

/// A store's engine: what it reads with, and what it writes or follows with.
pub struct Engine {
    /// What readers share.
    pub core: Arc<Core>,
    pub(super) mode: Mode,
    pub(super) report: RecoveryReport,
    pub(super) keeper: Mutex<Option<JoinHandle<()>>>,
}

/// What an engine may do.
pub(super) enum Mode {
    /// Write: it holds the lock.
    Write(Arc<WriteSide>),
    /// Look, at what another process or nobody writes.
    Follow(Box<Follow>),
}

/// What writing needs. The locks are declared in the order in which they may be taken.
pub struct WriteSide {
    pub(super) settings: Settings,
    pub(super) indexer: Indexer,
    pub(super) io: Mutex<Io>,
    pub(super) writer: Mutex<Writer>,
    pub(super) slots: Slots,
    pub(super) call: KeeperCall,
    /// Drafts that may be used again.
    pub(super) drafts: Mutex<Vec<Draft>>,
    /// The last recorded time given out, in microseconds.
    pub(super) recorded: AtomicI64,
    /// What went wrong in the background, until it goes well again.
    pub(super) trouble: Mutex<Option<Error>>,
}

/// The order of writes to the log.
#[derive(Default)]
pub struct Io {
    /// The epoch of what was written; none before the first commit.
    pub(super) epoch: Option<Epoch>,
    /// Whether the store was closed: the file may be somebody else's by now.
    pub(super) sealed: bool,
    /// A buffer for the next pending bytes.
    pub(super) spare: Pending,
}

/// Where the next frame goes.
pub struct Writer {
    pub(super) end: LogOffset,
    pub(super) next: Position,
    pub(super) chain: Chain,
    pub(super) recorded: Timestamp,
    /// None before the first commit after a clean open: it begins an epoch.
    pub(super) epoch: Option<Epoch>,
    /// Whether the room that the log goes on in is known to be there: whoever closed the store may
    /// have given it back.
    pub(super) has_room: bool,
    pub(super) segment: SegmentRef,
    /// Grows by one with each segment: names of the log are where they are in one segment.
    pub(super) segment_number: u32,
    pub(super) heads: Heads,
    pub(super) pending: Pending,
}

impl Writer {
    /// The place of the next frame.
    pub(super) fn mark(&self) -> Mark {
        Mark { at: self.end, chain: self.chain, next: self.next }
    }
}

/// Frames that have their place and wait to be written.
#[derive(Default)]
pub struct Pending {
    bytes: Vec<u8>,
    /// The file offset of each piece, and where it begins in `bytes`.
    pieces: Vec<(u64, usize)>,
    /// The log offset after the last of them.
    pub(super) end: LogOffset,
    /// The segment that the last of them stands in.
    segment: SegmentRef,
}

/// Drafts that are kept.
const DRAFTS: usize = 16;
/// A buffer that grew beyond this is given back.
const KEEP: usize = 1 << 20;

impl Pending {
    /// Adds bytes for this place of a segment; `end` is the log offset after them.
    pub(super) fn add(&mut self, segment: SegmentRef, at: LogOffset, bytes: &[u8], end: LogOffset) {
        let file_offset = segment.file_offset(at);
        if self.last().is_none_or(|(_, to)| to != file_offset) {
            self.pieces.push((file_offset, self.bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
        (self.end, self.segment) = (end, segment);
    }

    /// Where the last piece begins and ends in the file.
    fn last(&self) -> Option<(u64, u64)> {
        let (offset, start) = *self.pieces.last()?;
        Some((offset, offset.saturating_add(u64_of(self.bytes.len() - start))))
    }

    /// What is to be filled with zeros before this is written, as an offset of the file and a
    /// length: the last block that it writes to, if nothing was written there before, as far as the
    /// segment goes; of the block that the segment begins in, what begins with a page behind the
    /// last frame. Who writes as much as a block at once fills nothing.
    ///
    /// What was written in large pieces the system keeps in large pages, which are mapped at less
    /// cost; and a synced commit finds its room written to, so its sync has no change of the
    /// file's extents to bring to the device.
    pub(super) fn unfilled(&self, block: u64) -> Option<(u64, u64)> {
        let (from, to) = self.last()?;
        let begin = to.saturating_sub(1) / block * block;
        let first = self.segment.file_offset(self.segment.first_frame());
        let until = begin.saturating_add(block).min(self.segment.extent.end());
        let start = if from <= begin { begin } else { to.next_multiple_of(PAGE) };
        let is_due = from <= begin.max(first) && to - from < block;
        (is_due && start < until).then(|| (start, until - start))
    }

    /// Each piece: file offset and bytes.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let ends = self.pieces.iter().skip(1).map(|(_, start)| *start).chain([self.bytes.len()]);
        self.pieces.iter().zip(ends).map(|((offset, start), end)| {
            (*offset, self.bytes.get(*start..end).unwrap_or_default())
        })
    }

    /// Empties it, keeping a buffer of usual size.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
    }
}

impl Engine {
    /// The writing side, or why there is none.
    pub(super) fn write_side(&self) -> Result<&Arc<WriteSide>, Error> {
        match &self.mode {
            Mode::Write(side) => Ok(side),
            Mode::Follow(_) => Err(Error::new(
                ErrorKind::ReadOnly,
                "the store was opened read-only; use `Store::open` to append",
            )),
        }
    }

    /// What opening it has found.
    pub fn report(&self) -> &RecoveryReport {
        &self.report
    }
}

impl WriteSide {
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn io(&self) -> MutexGuard<'_, Io> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how something in the background went.
    pub(super) fn note<T>(&self, result: &Result<T, Error>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // Work that came too late for a store that is being closed is no trouble.
        let error = result.as_ref().err().filter(|error| error.kind() != ErrorKind::Closed);
        *trouble = error.cloned();
    }

    /// A draft with nothing in it.
    pub(super) fn take_draft(&self) -> Draft {
        self.drafts().pop().unwrap_or_default()
    }

    /// Keeps a draft for another commit.
    pub(super) fn keep_draft(&self, mut draft: Draft) {
        draft.clear();
        let mut drafts = self.drafts();
        if drafts.len() < DRAFTS {
            drafts.push(draft);
        }
    }

    fn drafts(&self) -> MutexGuard<'_, Vec<Draft>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Extent;

    /// A segment whose log offsets are those of the file.
    fn segment(file_offset: u64, length: u64) -> SegmentRef {
        let log_offset = LogOffset::new(file_offset);
        SegmentRef { extent: Extent { file_offset, length }, log_offset }
    }

    #[test]
    fn what_nobody_wrote_of_a_block_yet_is_filled_as_far_as_the_segment_goes() {
        let segment = segment(4_096, 5 * 4_096);
        let first = segment.first_frame().get();
        for (from, to, unfilled) in [
            (first, first + 100, None),
            (first, 8_192, None),
            (first, 8_193, Some((8_192, 8_192))),
            (first, 12_289, Some((8_192, 8_192))),
            // Somebody has written there.
            (first + 8, first + 108, None),
            (8_200, 8_208, None),
            (8_184, 8_192, None),
            (8_184, 8_193, Some((8_192, 8_192))),
            (8_192, 8_200, Some((8_192, 8_192))),
            (8_192, 16_384, None),
            // As much as a block.
            (8_184, 16_376, None),
            (8_184, 16_385, None),
            // The block goes on past the segment.
            (16_384, 16_400, Some((16_384, 8_192))),
            (16_384, 20_481, Some((16_384, 8_192))),
        ] {
            let mut pending = Pending::default();
            pending.add(segment, LogOffset::new(50), b"before", LogOffset::new(56));
            let bytes = vec![1; usize::try_from(to - from).unwrap()];
            pending.add(segment, LogOffset::new(from), &bytes, LogOffset::new(to));
            assert_eq!(pending.unfilled(8_192), unfilled, "{from}..{to}");
        }
        assert_eq!(Pending::default().unfilled(8_192), None);
    }

    #[test]
    fn what_goes_to_one_place_is_one_piece_and_nothing_stays_behind() {
        let mut pending = Pending::default();
        let segment = segment(0, 1 << 20);
        for round in 0..2 {
            let end = LogOffset::new(64 * (round + 1));
            for (file_offset, bytes) in
                [(100, "abc"), (103, "d"), (200, "e"), (201, "fg"), (50, "h")]
            {
                pending.add(segment, LogOffset::new(file_offset), bytes.as_bytes(), end);
            }
            let pieces: Vec<(u64, &[u8])> = pending.pieces().collect();
            assert_eq!(pieces, [(100, &b"abcd"[..]), (200, b"efg"), (50, b"h")]);
            assert_eq!(pending.end, end);
            pending.clear();
            assert_eq!(pending.pieces().count(), 0);
        }
    }
}

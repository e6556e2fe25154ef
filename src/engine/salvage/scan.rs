//! What there is: one time through the file, for everything that carries a keyed check. Rule 2.

use super::progress::Progress;
use super::reader::Reader;
use crate::format::{
    Chain, Epoch, FRAME_LEN, FileKey, FrameHeader, FrameKind, PAGE, SEGMENT_HEADER_LEN,
    SegmentHeader, Stub,
};
use crate::words::{LogOffset, Position};
use std::ops::ControlFlow;

/// What was found.
#[derive(Default)]
pub struct Found {
    /// Headers of segments, each at its place in the file, in the order of the file.
    pub segments: Vec<SegmentHeader>,
    /// Frames, in the order of the file.
    pub stretches: Vec<Stretch>,
    /// Stubs, each with the byte of the file where it stands.
    pub stubs: Vec<(u64, Stub)>,
    /// How much passes a check under this key.
    pub count: u64,
}

/// Frames of one epoch behind one another, each with the check of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// The byte of the file where the first of them stands.
    pub file_offset: u64,
    /// The log offset where it says that it stands.
    pub start: LogOffset,
    /// The log offset behind the last of them.
    pub end: LogOffset,
    /// The position of the first event.
    pub first: Position,
    /// The position behind the last event.
    pub next: Position,
    /// Their epoch.
    pub epoch: Epoch,
    /// The check of the frame before the first of them, as that says.
    pub before: Chain,
    /// The check of the last of them.
    pub check: Chain,
    /// How many they are.
    pub frames: u64,
    /// The lowest and the highest watermark that they state.
    pub watermarks: (LogOffset, LogOffset),
    /// The first of them alone: the log offset and position behind it, and its check.
    pub first_frame: (LogOffset, Position, Chain),
    /// Where in the file the log goes on, if the last of them ends a segment.
    pub next_segment: Option<u64>,
}

/// Looked at at once.
const CHUNK: u64 = 1 << 18;
/// What of a header may hang over the end of a chunk.
const OVERLAP: usize = FRAME_LEN;

/// Looks at the whole file; nothing if it was stopped.
pub fn scan(reader: &mut Reader, key: &FileKey, progress: &mut Progress<'_>) -> Option<Found> {
    let mut found = Found::default();
    let size = reader.size();
    let mut at = 0;
    while at < size {
        // Where nothing was ever written, there is nothing. Chunks begin with a page.
        let data = reader.next_data(at).max(at);
        at = data / PAGE * PAGE;
        if at >= size {
            break;
        }
        let own = CHUNK.min(size - at);
        let bytes = reader.get(at, crate::format::index(own) + OVERLAP);
        found.look(bytes, own, at, key);
        at = at.saturating_add(own);
        if progress.at(at).is_break() {
            return None;
        }
    }
    match progress.through() {
        ControlFlow::Continue(()) => Some(found),
        ControlFlow::Break(()) => None,
    }
}

impl Found {
    /// Looks at the first `own` bytes, which stand at this byte of the file.
    fn look(&mut self, bytes: &[u8], own: u64, file_offset: u64, key: &FileKey) {
        let (words, _) = bytes.as_chunks::<8>();
        for (word, nth) in words.iter().zip((0..own).step_by(8)) {
            if nth.is_multiple_of(PAGE) {
                self.segment(bytes, nth, file_offset, key);
            }
            if !FrameHeader::looks_like(word) && !Stub::looks_like(word) {
                continue;
            }
            let rest = bytes.get(crate::format::index(nth)..).unwrap_or_default();
            if let Some((header, check)) = FrameHeader::find(rest, key) {
                self.add(&header, check, file_offset.saturating_add(nth));
            } else if let Some(stub) = Stub::find(rest, key) {
                self.count += 1;
                self.stubs.push((file_offset.saturating_add(nth), stub));
            }
        }
    }

    /// Takes the header of a segment that says it stands here.
    fn segment(&mut self, bytes: &[u8], nth: u64, file_offset: u64, key: &FileKey) {
        let at = crate::format::index(nth);
        let bytes = bytes.get(at..at.saturating_add(SEGMENT_HEADER_LEN)).unwrap_or_default();
        let header = SegmentHeader::decode(bytes, key);
        let here = file_offset.saturating_add(nth);
        if let Some(header) = header.filter(|header| header.own.extent.file_offset == here) {
            self.count += 1;
            self.segments.push(header);
        }
    }

    /// Takes a frame: it goes on the last stretch, or begins another.
    fn add(&mut self, header: &FrameHeader, check: Chain, file_offset: u64) {
        self.count += 1;
        let (end, next) = (header.end(), header.next());
        let next_segment = match header.kind {
            FrameKind::Commit => None,
            FrameKind::End { next_segment } => Some(next_segment),
        };
        if let Some(last) = self.stretches.last_mut().filter(|last| last.goes_on(header))
            && last.file_offset.saturating_add(header.at.since(last.start)) == file_offset
        {
            (last.end, last.next, last.check) = (end, next, check);
            (last.next_segment, last.frames) = (next_segment, last.frames + 1);
            let (lowest, highest) = last.watermarks;
            last.watermarks = (lowest.min(header.watermark), highest.max(header.watermark));
            return;
        }
        self.stretches.push(Stretch {
            file_offset,
            start: header.at,
            end,
            first: header.first,
            next,
            epoch: header.epoch,
            before: header.before,
            check,
            frames: 1,
            watermarks: (header.watermark, header.watermark),
            first_frame: (end, next, check),
            next_segment,
        });
    }
}

impl Stretch {
    /// Whether a frame goes on where this one ends.
    fn goes_on(&self, header: &FrameHeader) -> bool {
        self.next_segment.is_none()
            && (self.end, self.check, self.next) == (header.at, header.before, header.first)
            && self.epoch == header.epoch
    }
}

const _: () = assert!(CHUNK.is_multiple_of(PAGE), "chunks begin with a page");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;
    use std::sync::Arc;

    #[test]
    fn a_header_over_the_end_of_a_chunk_is_found() {
        let key = FileKey::new([3; 16]);
        let at = CHUNK - 40;
        let stub = Stub {
            at: LogOffset::new(at),
            epoch: Epoch { counter: 2, salt: 7 },
            watermark: LogOffset::new(64),
        };
        let mut bytes = vec![0; crate::format::index(2 * CHUNK)];
        let place = crate::format::index(at);
        let encoded = stub.encode(&key);
        bytes[place..place + encoded.len()].copy_from_slice(&encoded);
        let size = crate::format::u64_of(bytes.len());
        let storage = Arc::new(MemoryStorage::from_bytes(bytes));
        let mut reader = Reader::new(storage, size, 0);
        let mut go_on = |_, _| ControlFlow::Continue(());
        let mut progress = Progress::new(size, 1, &mut go_on);
        let found = scan(&mut reader, &key, &mut progress).unwrap();
        assert_eq!((found.count, found.stubs), (1, vec![(at, stub)]));
    }
}

//! Segments: extents that hold log.

use super::bytes::{get_u32, get_u64, put_u32, put_u64};
use super::check::{FileKey, matches};
use super::layout::{FIRST_EXTENT, PAGE, SEGMENT_TAG, segment, segment_ref};
use crate::words::LogOffset;

/// A contiguous piece of the file, in whole pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extent {
    /// Its first byte.
    pub file_offset: u64,
    /// Its bytes.
    pub length: u64,
}

impl Extent {
    /// The byte after its last.
    pub fn end(&self) -> u64 {
        self.file_offset.saturating_add(self.length)
    }

    /// Whether it can be one: whole pages, behind the fixed pages, within 2^63 bytes.
    pub(super) fn is_sane(&self) -> bool {
        self.file_offset.is_multiple_of(PAGE)
            && self.length.is_multiple_of(PAGE)
            && self.length > 0
            && self.file_offset >= FIRST_EXTENT
            && self.file_offset.checked_add(self.length).is_some_and(|end| end < 1 << 63)
    }
}

/// A segment: its extent, and the log offset of the extent's first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SegmentRef {
    /// Where it is.
    pub extent: Extent,
    /// The log offset of its first byte, which is that of its header.
    pub log_offset: LogOffset,
}

impl SegmentRef {
    /// The log offset after its last byte: where the next segment begins.
    pub fn log_end(&self) -> LogOffset {
        self.log_offset.plus(self.extent.length)
    }

    /// Whether this log offset lies in it.
    pub fn contains(&self, at: LogOffset) -> bool {
        at >= self.log_offset && at < self.log_end()
    }

    /// The byte of the file where this log offset is, given that the segment contains it.
    pub fn file_offset(&self, at: LogOffset) -> u64 {
        self.extent.file_offset.saturating_add(at.since(self.log_offset))
    }

    /// Where its first frame stands.
    pub fn first_frame(&self) -> LogOffset {
        self.log_offset.plus(super::u64_of(segment::LEN))
    }

    /// Its bytes as a slot or a run names it.
    pub fn to_bytes(self) -> [u8; segment_ref::LEN] {
        let mut bytes = [0; segment_ref::LEN];
        self.encode(&mut bytes, 0);
        bytes
    }

    pub(super) fn encode(&self, bytes: &mut [u8], at: usize) {
        put_u64(bytes, at + segment_ref::FILE_OFFSET, self.extent.file_offset);
        put_u64(bytes, at + segment_ref::LENGTH, self.extent.length);
        put_u64(bytes, at + segment_ref::LOG_OFFSET, self.log_offset.get());
    }

    pub(super) fn decode(bytes: &[u8], at: usize) -> Self {
        Self {
            extent: Extent {
                file_offset: get_u64(bytes, at + segment_ref::FILE_OFFSET),
                length: get_u64(bytes, at + segment_ref::LENGTH),
            },
            log_offset: LogOffset::new(get_u64(bytes, at + segment_ref::LOG_OFFSET)),
        }
    }

    pub(super) fn is_sane(&self) -> bool {
        // Names are referred to by 32 bits.
        self.extent.is_sane()
            && u32::try_from(self.extent.length).is_ok()
            && self.log_offset.get().is_multiple_of(PAGE)
            && self
                .log_offset
                .get()
                .checked_add(self.extent.length)
                .is_some_and(|end| end < 1 << 63)
    }
}

/// What a segment begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The segment itself.
    pub own: SegmentRef,
    /// The segment before it; none before the first.
    pub before: Option<SegmentRef>,
}

impl SegmentHeader {
    /// Its bytes.
    pub fn encode(&self, key: &FileKey) -> [u8; segment::LEN] {
        let mut bytes = [0; segment::LEN];
        put_u32(&mut bytes, segment::TAG, SEGMENT_TAG);
        self.own.encode(&mut bytes, segment::FILE_OFFSET);
        self.before.unwrap_or_default().encode(&mut bytes, segment::BEFORE_FILE_OFFSET);
        let check = key.keyed(bytes.get(..segment::CHECK).unwrap_or_default());
        put_u64(&mut bytes, segment::CHECK, check);
        bytes
    }

    /// Reads a header; nothing if it fails its check or can't be one.
    pub fn decode(bytes: &[u8], key: &FileKey) -> Option<Self> {
        let bytes = bytes.get(..segment::LEN)?;
        let check = key.keyed(bytes.get(..segment::CHECK)?);
        if get_u32(bytes, segment::TAG) != SEGMENT_TAG
            || !matches(get_u64(bytes, segment::CHECK), check)
        {
            return None;
        }
        let own = SegmentRef::decode(bytes, segment::FILE_OFFSET);
        let before = SegmentRef::decode(bytes, segment::BEFORE_FILE_OFFSET);
        let first = before == SegmentRef::default();
        let fits = if first {
            own.log_offset == LogOffset::ZERO
        } else {
            before.is_sane() && before.log_end() == own.log_offset
        };
        (own.is_sane() && fits).then_some(Self { own, before: (!first).then_some(before) })
    }
}

const _: () = {
    assert!(segment::LENGTH == segment::FILE_OFFSET + segment_ref::LENGTH);
    assert!(segment::LOG_OFFSET == segment::FILE_OFFSET + segment_ref::LOG_OFFSET);
    assert!(segment::BEFORE_LOG_OFFSET == segment::BEFORE_FILE_OFFSET + segment_ref::LOG_OFFSET);
};

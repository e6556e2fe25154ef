//! Frames: a commit's header, or the end record of a segment.

use super::bytes::{get_i64, get_u16, get_u32, get_u64, put_i64, put_u16, put_u32, put_u64};
use super::check::{Chain, FileKey, crc, matches};
use super::layout::{COMMIT_TAG, END_TAG, frame};
use crate::words::{LogOffset, Position, Timestamp};

/// A stretch of the log's life between two recoveries: a counter, and random bits that no other
/// stretch has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch {
    /// Grows by one with each.
    pub counter: u64,
    /// Random.
    pub salt: u64,
}

impl Epoch {
    /// Both, to tell it from others.
    pub fn number(self) -> (u64, u64) {
        (self.counter, self.salt)
    }
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// A commit; records follow.
    Commit,
    /// The end of a segment; the log goes on in the segment at this byte of the file.
    End {
        /// The first byte of the next segment.
        next_segment: u64,
    },
}

/// What a frame begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// What it is.
    pub kind: FrameKind,
    /// Where it stands.
    pub at: LogOffset,
    /// When it was written.
    pub epoch: Epoch,
    /// Its bytes, this header included.
    pub length: u32,
    /// How many of them, at its end, are only there to fill a sector.
    pub padding: u16,
    /// Its records.
    pub records: u32,
    /// How many of its records are events.
    pub events: u32,
    /// The CRC-32 of its records' checks, in their order.
    pub records_check: u32,
    /// The position of its first event; without events, the position that the next event gets.
    pub first: Position,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// The check of the frame before.
    pub before: Chain,
    /// Up to where everything was known to be synced when it was placed.
    pub watermark: LogOffset,
}

impl FrameHeader {
    /// The log offset behind it.
    pub fn end(&self) -> LogOffset {
        self.at.plus(u64::from(self.length))
    }

    /// The position behind its last event.
    pub fn next(&self) -> Position {
        // Decoding has seen that there is one.
        self.first.forward(u64::from(self.events)).unwrap_or(self.first)
    }

    /// Its bytes, and its check: what the next frame repeats.
    pub fn encode(&self, key: &FileKey) -> ([u8; frame::LEN], Chain) {
        let mut bytes = [0; frame::LEN];
        let (tag, next_segment) = match self.kind {
            FrameKind::Commit => (COMMIT_TAG, 0),
            FrameKind::End { next_segment } => (END_TAG, next_segment),
        };
        put_u32(&mut bytes, frame::TAG, tag);
        put_u16(&mut bytes, frame::PADDING, self.padding);
        put_u64(&mut bytes, frame::LOG_OFFSET, self.at.get());
        put_u64(&mut bytes, frame::EPOCH, self.epoch.counter);
        put_u64(&mut bytes, frame::EPOCH_SALT, self.epoch.salt);
        put_u32(&mut bytes, frame::LENGTH, self.length);
        put_u32(&mut bytes, frame::RECORD_COUNT, self.records);
        put_u32(&mut bytes, frame::EVENT_COUNT, self.events);
        put_u32(&mut bytes, frame::RECORDS_CHECK, self.records_check);
        put_u64(&mut bytes, frame::FIRST_POSITION, self.first.get());
        put_i64(&mut bytes, frame::RECORDED, self.recorded.micros());
        put_u64(&mut bytes, frame::BEFORE_CHECK, self.before.0);
        put_u64(&mut bytes, frame::WATERMARK, self.watermark.get());
        put_u64(&mut bytes, frame::NEXT_SEGMENT, next_segment);
        let check = key.keyed(bytes.get(..frame::CHECK).unwrap_or_default());
        put_u64(&mut bytes, frame::CHECK, check);
        (bytes, Chain(check))
    }

    /// Whether the bytes begin like a frame: the cheap look before [`FrameHeader::decode`].
    pub fn looks_like(bytes: &[u8]) -> bool {
        let tag = get_u32(bytes, frame::TAG);
        tag == COMMIT_TAG || tag == END_TAG
    }

    /// How many bytes at the frame's end are said to fill a sector, whether or not that can be.
    pub fn padding_of(bytes: &[u8]) -> u16 {
        get_u16(bytes, frame::PADDING)
    }

    /// Reads the header of a frame, with its check, wherever it says that it stands.
    pub fn find(bytes: &[u8], key: &FileKey) -> Option<(Self, Chain)> {
        Self::decode(bytes, LogOffset::new(get_u64(bytes, frame::LOG_OFFSET)), key)
    }

    /// Reads the header of a frame that stands at `at`, with its check; nothing if it isn't one, or
    /// stands elsewhere.
    pub fn decode(bytes: &[u8], at: LogOffset, key: &FileKey) -> Option<(Self, Chain)> {
        let bytes = bytes.get(..frame::LEN)?;
        let next_segment = get_u64(bytes, frame::NEXT_SEGMENT);
        let kind = match get_u32(bytes, frame::TAG) {
            COMMIT_TAG => FrameKind::Commit,
            END_TAG => FrameKind::End { next_segment },
            _ => return None,
        };
        if get_u64(bytes, frame::LOG_OFFSET) != at.get() {
            return None;
        }
        let stored = get_u64(bytes, frame::CHECK);
        if !matches(stored, key.keyed(bytes.get(..frame::CHECK)?)) {
            return None;
        }
        let header = Self {
            kind,
            at,
            epoch: Epoch {
                counter: get_u64(bytes, frame::EPOCH),
                salt: get_u64(bytes, frame::EPOCH_SALT),
            },
            length: get_u32(bytes, frame::LENGTH),
            padding: get_u16(bytes, frame::PADDING),
            records: get_u32(bytes, frame::RECORD_COUNT),
            events: get_u32(bytes, frame::EVENT_COUNT),
            records_check: get_u32(bytes, frame::RECORDS_CHECK),
            first: Position::new(get_u64(bytes, frame::FIRST_POSITION)),
            recorded: Timestamp::from_micros(get_i64(bytes, frame::RECORDED)),
            before: Chain(get_u64(bytes, frame::BEFORE_CHECK)),
            watermark: LogOffset::new(get_u64(bytes, frame::WATERMARK)),
        };
        header.is_sane().then_some((header, Chain(stored)))
    }

    /// Goes on from the check of the records before to that of one more.
    pub fn add_record_check(before: u32, check: u32) -> u32 {
        crc(before, &check.to_le_bytes())
    }

    /// The bytes of its records; nothing if there can't be so few.
    pub fn records_len(&self) -> Option<usize> {
        let length = super::index(u64::from(self.length.checked_sub(u32::from(self.padding))?));
        length.checked_sub(frame::LEN).filter(|length| length.is_multiple_of(8))
    }

    fn is_sane(&self) -> bool {
        let length = super::index(u64::from(self.length));
        let plain = self.records == 0 && self.events == 0 && length == frame::LEN;
        self.records_len().is_some()
            && length.is_multiple_of(8)
            && self.events <= self.records
            && self.watermark <= self.at
            && self.first >= Position::new(1)
            && self.first.forward(u64::from(self.events)).is_some()
            && (self.kind == FrameKind::Commit || plain)
    }
}

//! One structure of each sort, with fixed values.

use super::make::Spot;
use crate::format::*;
use crate::words::{LogOffset, Position, Timestamp};
use uuid::Uuid;

pub fn key() -> FileKey {
    FileKey::new(*b"a key of a store")
}

pub fn place(pages: u64) -> SegmentRef {
    let extent = Extent { file_offset: FIRST_EXTENT + pages * PAGE, length: 2 * PAGE };
    SegmentRef { extent, log_offset: LogOffset::new(pages * PAGE) }
}

pub fn a_slot() -> Slot {
    let mark =
        |at, next| Mark { at: LogOffset::new(at), chain: Chain(at), next: Position::new(next) };
    Slot {
        identity: Identity { store_id: Uuid::from_u128(7), key: key() },
        compatible: 0,
        read_compatible: 0,
        counter: 3,
        epoch: Epoch { counter: 2, salt: 77 },
        watermark: LogOffset::new(3 * PAGE),
        recorded: Timestamp::from_micros(1),
        index: mark(64, 1),
        proof: mark(PAGE, 9),
        clean: true,
        segments: vec![place(0), place(2)],
        runs: Vec::new(),
        free: vec![place(6).extent],
    }
}

/// The same with two runs, the second of which ends where the index does.
pub fn a_slot_with_runs() -> Slot {
    let index = Mark { at: LogOffset::new(2 * PAGE), chain: Chain(5), next: Position::new(8) };
    let run = |page: u64, id, end, next| RunRef {
        file_offset: FIRST_EXTENT + page * PAGE,
        pages: 5,
        id,
        end: LogOffset::new(end),
        next: Position::new(next),
    };
    let runs = vec![run(20, 3, 640, 4), run(10, 2, 2 * PAGE, 8)];
    let free = vec![place(6).extent, place(30).extent];
    Slot { index, runs, free, ..a_slot() }
}

/// A run's header, and the run as a slot names it.
pub fn a_run() -> (RunHeader, RunRef) {
    let header = RunHeader {
        level: 2,
        start: LogOffset::new(640),
        end: LogOffset::new(64_000),
        first: Position::new(4),
        next: Position::new(2_104),
        width: 4,
        terms: 600,
        postings: 3_000,
        name_pages: 2,
        segments: 3,
        payload_bytes: 70_000,
    };
    let pages = header.sections().map_or(0, |(_, pages)| pages);
    let (end, next) = (header.end, header.next);
    (header, RunRef { file_offset: FIRST_EXTENT, pages, id: 9, end, next })
}

/// A page of a run, complete but for its seal.
pub fn a_page() -> Vec<u8> {
    let mut page = vec![0; index(PAGE)];
    for (byte, value) in page[PAGE_HEAD_LEN..].iter_mut().zip((0..=250_u8).cycle()) {
        *byte = value;
    }
    page
}

pub fn a_segment() -> SegmentHeader {
    SegmentHeader { own: place(2), before: Some(place(0)) }
}

pub fn a_frame() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::Commit,
        at: LogOffset::new(640),
        epoch: Epoch { counter: 2, salt: 77 },
        length: 200,
        padding: 0,
        records: 2,
        events: 1,
        records_check: 5,
        first: Position::new(4),
        recorded: Timestamp::from_micros(1),
        before: Chain(6),
        watermark: LogOffset::new(64),
    }
}

pub fn a_stub() -> Stub {
    Stub {
        at: LogOffset::new(640),
        epoch: Epoch { counter: 2, salt: 77 },
        watermark: LogOffset::new(640),
    }
}

pub const SPOT: Spot = Spot {
    at: LogOffset::new(736),
    position: Position::new(4),
    distance: 96,
    stream: 160,
    event_type: 176,
    version: 3,
    recorded: 1_700_000_000_000_000,
};

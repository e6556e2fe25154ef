//! What stands past the end is found, wherever that is, and nothing else.

use super::*;
use crate::format::{Extent, STUB_LEN};
use crate::log::Place;
use crate::log::fixture::{a_frame, a_place};
use crate::storage::MemoryStorage;
use std::io::Read;

const KEY: [u8; 16] = [9; 16];
/// Where the segment stands, and how long it is: three chunks of `CHUNK` bytes and a bit.
const PLACE: SegmentRef = SegmentRef {
    extent: Extent { file_offset: 5 * PAGE, length: 3 * 262_144 + 2 * PAGE },
    log_offset: LogOffset::new(8_192),
};
const EPOCH: Epoch = Epoch { counter: 3, salt: 7 };

/// The file with a stub of this epoch at `at`, and room behind the segment.
fn with_stub(at: LogOffset, epoch: Epoch) -> Vec<u8> {
    let stub = Stub { at, epoch, watermark: LogOffset::new(4_321) };
    let mut bytes = vec![0; index(PLACE.extent.end())];
    let place = index(PLACE.file_offset(at));
    bytes[place..place + STUB_LEN].copy_from_slice(&stub.encode(&FileKey::new(KEY)));
    bytes
}

/// What is found on this device past a log that ends at `end`.
fn past(storage: &dyn Storage, end: LogOffset) -> Residue {
    let segments = SegmentList::new(vec![PLACE]);
    scan_past(storage, &segments, &FileKey::new(KEY), end, EPOCH).unwrap()
}

/// What is found if a stub of this epoch stands at `at`, past a log that ends at `end`.
fn found(end: LogOffset, at: LogOffset, epoch: Epoch) -> Residue {
    past(&MemoryStorage::from_bytes(with_stub(at, epoch)), end)
}

/// Whether these pieces are in order, each in one page, with something in it.
fn are_pieces(residue: &Residue, bytes: &[u8]) -> bool {
    let pages = residue.dirty.windows(2).all(|two| two[0].0 / PAGE < two[1].0 / PAGE);
    let piece = |(at, length): &(u64, usize)| {
        let there = &bytes[index(*at)..index(*at) + length];
        there.iter().any(|byte| *byte != 0) && at / PAGE == (at + u64_of(*length) - 1) / PAGE
    };
    pages && residue.dirty.iter().all(piece)
}

#[test]
fn a_stub_at_any_place_past_the_end_is_found_over_the_edges_of_chunks_too() {
    let end = PLACE.log_offset.plus(1_000);
    let last = PLACE.extent.length - u64_of(STUB_LEN);
    let edges = (1..=3).map(|nth| nth * u64_of(CHUNK)).chain([1_048, 5 * PAGE, last]);
    let around = |edge: u64| (edge.saturating_sub(1_048)..=edge + 1_048).step_by(8);
    let mut met = 0;
    for at in edges.flat_map(around).filter(|at| (1_008..=last).contains(at)) {
        let residue = found(end, PLACE.log_offset.plus(at), EPOCH);
        assert_eq!(residue.watermark, LogOffset::new(4_321), "at {at}");
        assert!(!residue.newer && !residue.frame, "at {at}");
        // All of it is to be zeroed, and is counted once.
        let file_offset = PLACE.extent.file_offset + at;
        let dirty = |byte: u64| {
            let holds =
                |(start, length): &&(u64, usize)| (*start..start + u64_of(*length)).contains(&byte);
            residue.dirty.iter().filter(holds).count()
        };
        assert_eq!((dirty(file_offset), dirty(file_offset + u64_of(STUB_LEN) - 1)), (1, 1));
        assert!(residue.dirty.len() <= 2, "at {at}: {residue:?}");
        assert!(residue.bytes > 0 && residue.bytes <= u64_of(STUB_LEN), "at {at}");
        met += 1;
    }
    assert!(met > 1_000, "{met} places");
}

#[test]
fn a_stub_at_the_end_of_what_is_left_is_found_whatever_is_left() {
    let last = PLACE.log_end().get() - u64_of(STUB_LEN);
    for left in (0..=240).step_by(8).map(|more| u64_of(CHUNK) - 120 + more) {
        let end = LogOffset::new(PLACE.log_end().get() - left);
        let bytes = with_stub(LogOffset::new(last), EPOCH);
        let residue = past(&MemoryStorage::from_bytes(bytes.clone()), end);
        assert_eq!(residue.watermark, LogOffset::new(4_321), "{left} bytes are left");
        assert!(are_pieces(&residue, &bytes) && residue.dirty.len() == 1, "{residue:?}");
    }
}

/// A file with holes: it has pages only where something other than zeros is.
struct Holes(Vec<u8>);

impl Storage for Holes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut rest = self.0.get(index(offset)..).unwrap_or_default();
        rest.read(buffer)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(u64_of(self.0.len()))
    }

    fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn next_data(&self, offset: u64, end: u64) -> u64 {
        let rest = self.0.get(index(offset)..index(end)).unwrap_or_default();
        let data = rest.iter().position(|byte| *byte != 0);
        let page = |at| (offset + u64_of(at)) / PAGE * PAGE;
        data.map_or(end, |at| page(at).max(offset))
    }
}

#[test]
fn what_stands_between_holes_of_a_file_is_found() {
    let end = PLACE.log_offset.plus(1_000);
    let places = [1_008, 9 * PAGE - 8, 262_144 + 48, 2 * 262_144 + 3 * PAGE - 24];
    for at in places.map(|at| PLACE.log_offset.plus(at)) {
        let bytes = with_stub(at, EPOCH);
        let residue = past(&Holes(bytes.clone()), end);
        assert_eq!(residue.watermark, LogOffset::new(4_321), "at {at:?}");
        assert!(are_pieces(&residue, &bytes), "at {at:?}: {residue:?}");
        assert_eq!(residue, past(&MemoryStorage::from_bytes(bytes), end), "at {at:?}");
    }
}

#[test]
fn bytes_at_the_end_of_a_file_that_is_cut_are_to_be_zeroed_too() {
    // Also where only some of the last word are there, and where a chunk is not whole.
    let lengths = [5_001, 5_003, CHUNK - 1_100, CHUNK - 70, CHUNK - 7, CHUNK + 50, CHUNK + 1_100];
    let ends = [1_000, PAGE, PAGE + 8].map(|end| PLACE.log_offset.plus(end));
    for (end, left) in ends.into_iter().flat_map(|end| lengths.map(|left| (end, left))) {
        let mut bytes = vec![0; index(PLACE.file_offset(end)) + left];
        let zeros = past(&MemoryStorage::from_bytes(bytes.clone()), end);
        assert_eq!(zeros, Residue::default(), "{left} bytes are left");
        *bytes.last_mut().unwrap() = 1;
        let residue = past(&MemoryStorage::from_bytes(bytes.clone()), end);
        let is_it = residue.dirty.len() == 1 && are_pieces(&residue, &bytes);
        assert!(is_it, "{left} bytes are left: {residue:?}");
        assert_eq!(
            residue.dirty.first().map(|(at, length)| index(*at) + length),
            Some(bytes.len())
        );
    }
}

#[test]
fn nothing_but_zeros_is_taken_for_zeros() {
    for length in [0, 5, 8, 64, 72, 133, 200] {
        assert!(is_zero(&vec![0; length]));
        let each = (0..length).map(|at| [at, at]);
        // Two bytes that are the same may not cancel each other out.
        let twice =
            (0..length).flat_map(|at| (at + 8..length).step_by(8).map(move |two| [at, two]));
        for places in each.chain(twice) {
            let mut bytes = vec![0; length];
            places.iter().for_each(|at| bytes[*at] = 4);
            assert!(!is_zero(&bytes), "{places:?} of {length}");
        }
        assert!(length == 0 || !is_zero(&vec![1; length]));
    }
}

#[test]
fn a_stub_right_at_the_end_is_not_counted_and_others_are() {
    let end = PLACE.log_offset.plus(1_000);
    assert_eq!(found(end, end, EPOCH).bytes, 0);
    assert!(found(end, end.plus(8), EPOCH).bytes > 0);
    // What stands before the end is not looked at.
    let before = found(end, PLACE.log_offset.plus(512), EPOCH);
    assert_eq!(before, Residue::default());
}

#[test]
fn an_epoch_is_newer_by_its_counter_or_by_its_salt_alone() {
    let (end, at) = (PLACE.log_offset.plus(1_000), PLACE.log_offset.plus(2_000));
    let stub = |epoch| found(end, at, epoch);
    let frame = |epoch| {
        let watermark = LogOffset::new(4_321);
        let place = Place { at, segment: PLACE.log_offset, epoch, watermark, ..a_place() };
        let (frame, _) = a_frame(&place, false, &FileKey::new(KEY));
        let mut bytes = vec![0; index(PLACE.extent.end())];
        let place = index(PLACE.file_offset(at));
        bytes[place..place + frame.len()].copy_from_slice(&frame);
        let residue = past(&MemoryStorage::from_bytes(bytes), end);
        assert!(residue.frame && residue.watermark == watermark);
        residue
    };
    for (counter, salt, newer) in
        [(4, 7, true), (4, 0, true), (3, 8, true), (3, 7, false), (2, 7, false), (2, 9, false)]
    {
        let epoch = Epoch { counter, salt };
        assert_eq!((stub(epoch).newer, frame(epoch).newer), (newer, newer), "{epoch:?}");
    }
}

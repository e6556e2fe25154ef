//! What stands past the place where a walk ended.

#[cfg(test)]
mod tests;

use super::SegmentList;
use crate::format::{
    Epoch, FRAME_LEN, FileKey, FrameHeader, PAGE, SegmentRef, Stub, index, u64_of,
};
use crate::storage::{Storage, read_full};
use crate::words::LogOffset;
use std::io;

/// What a scan past the end found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Residue {
    /// The highest watermark in a valid frame or stub.
    pub watermark: LogOffset,
    /// Whether there is a valid frame or stub of an epoch newer than the slot's.
    pub newer: bool,
    /// Whether there is a valid frame, of whatever epoch.
    pub frame: bool,
    /// Pieces of the file that are not zero, page by page: (file offset, bytes).
    pub dirty: Vec<(u64, usize)>,
    /// Bytes that are neither zero nor a stub at the end, as near as pages tell.
    pub bytes: u64,
}

/// A page and what of a frame may hang over its end.
const OVERLAP: usize = FRAME_LEN;
/// Looked at at once.
const CHUNK: usize = 1 << 18;

/// Looks at every multiple of 8 from `end` to the end of the last segment.
///
/// Any place can hold a frame or stub that a crash left: sectors of one sync reach the device in
/// any order.
pub fn scan_past(
    storage: &dyn Storage,
    segments: &SegmentList,
    key: &FileKey,
    end: LogOffset,
    epoch: Epoch,
) -> io::Result<Residue> {
    let mut residue = Residue::default();
    let mut stub_at_end = false;
    let left = |segment: &SegmentRef| index(segment.log_end().since(end.max(segment.log_offset)));
    let most = segments.iter().map(left).max().unwrap_or(0);
    let mut buffer = vec![0; most.min(CHUNK + OVERLAP)];
    for segment in segments.iter().filter(|segment| segment.log_end() > end) {
        let mut at = end.max(segment.first_frame());
        while at < segment.log_end() {
            let file_offset = segment.file_offset(at);
            // Pages that were read ahead would pass for data; room that was never used has none.
            let rest = segment.extent.end().saturating_sub(file_offset);
            let _ = storage.drop_cache(file_offset, rest);
            let data = storage.next_data(file_offset, segment.extent.end());
            if data > file_offset {
                // Where nothing was ever written, there is nothing. Places stay multiples of 8.
                at = at.plus((data - file_offset) & !7);
                if at >= segment.log_end() {
                    break;
                }
            }
            let left = index(segment.log_end().since(at));
            let wanted = buffer.len().min(left);
            let bytes = buffer.get_mut(..wanted).unwrap_or_default();
            let file_offset = segment.file_offset(at);
            let read = read_full(storage, bytes, file_offset)?;
            let bytes = bytes.get(..read).unwrap_or_default();
            // All but the last chunk end with a page, and leave the overlap to the next.
            let own = if read < CHUNK + OVERLAP { read } else { CHUNK - index(file_offset % PAGE) };
            if own == 0 {
                break;
            }
            if is_zero(bytes) {
                at = at.plus(u64_of(own));
                continue;
            }
            note_dirty(&mut residue, bytes.get(..own).unwrap_or_default(), file_offset);
            look(bytes, own, at, |bytes, at| {
                if let Some((header, _)) = FrameHeader::decode(bytes, at, key) {
                    residue.watermark = residue.watermark.max(header.watermark);
                    residue.newer |= is_newer(header.epoch, epoch);
                    residue.frame = true;
                } else if let Some(stub) = Stub::decode(bytes, at, key) {
                    residue.watermark = residue.watermark.max(stub.watermark);
                    residue.newer |= is_newer(stub.epoch, epoch);
                    stub_at_end |= at == end;
                }
            });
            at = at.plus(u64_of(own));
        }
    }
    if stub_at_end {
        residue.bytes = residue.bytes.saturating_sub(u64_of(crate::format::STUB_LEN));
    }
    Ok(residue)
}

/// Whether there is nothing but zeros. Most of what is scanned is room that was never used.
fn is_zero(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<64>();
    let (words, tail) = rest.as_chunks::<8>();
    let or = |words: &[[u8; 8]]| words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word));
    chunks.iter().all(|chunk| or(chunk.as_chunks::<8>().0) == 0)
        && or(words) == 0
        && tail.iter().all(|byte| *byte == 0)
}

/// Newer than the slot's, or another of the same number: that too was begun by a slot which is
/// gone.
fn is_newer(found: Epoch, slot: Epoch) -> bool {
    found.counter > slot.counter || (found.counter == slot.counter && found.salt != slot.salt)
}

/// Calls `found` for each place among the first `own` bytes that looks like a frame or a stub.
fn look(bytes: &[u8], own: usize, at: LogOffset, mut found: impl FnMut(&[u8], LogOffset)) {
    let mut place = 0;
    while place < own {
        let rest = bytes.get(place..).unwrap_or_default();
        if FrameHeader::looks_like(rest) || Stub::looks_like(rest) {
            found(rest, at.plus(u64_of(place)));
        }
        place += 8;
    }
}

/// Remembers the pages that are not zero.
fn note_dirty(residue: &mut Residue, bytes: &[u8], file_offset: u64) {
    let mut at = 0;
    while at < bytes.len() {
        let offset = file_offset.saturating_add(u64_of(at));
        let to_page_end = index(PAGE - offset % PAGE);
        let page = bytes.get(at..bytes.len().min(at + to_page_end)).unwrap_or_default();
        // By words, or the scan of a large prepared segment would take its time.
        let (words, tail) = page.as_chunks::<8>();
        let count = words.iter().filter(|word| u64::from_le_bytes(**word) != 0).count();
        if count > 0 || tail.iter().any(|&byte| byte != 0) {
            residue.dirty.push((offset, page.len()));
            residue.bytes = residue.bytes.saturating_add(u64_of(count * 8));
        }
        at += page.len();
    }
}

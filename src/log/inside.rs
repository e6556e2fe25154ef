//! For the fuzzers: a whole frame read from any bytes, written, and read again.

use super::check_frame;
use crate::format::inside::{Reread, again, frame_at, frame_header};
use crate::format::{FileKey, FrameHeader, u64_of};
use crate::words::LogOffset;

/// A frame, wherever its header says that it stands: the header, and each record. Refused
/// if the header is, or if its records are not what it says.
pub fn frame(bytes: &[u8], key: [u8; 16]) -> Reread {
    let file_key = FileKey::new(key);
    let found = FrameHeader::decode(bytes, frame_at(bytes), &file_key);
    let Some((header, _)) = found else { return Reread::Refused };
    let mut same = frame_header(bytes, key) == Reread::Same;
    let mut end = LogOffset::ZERO;
    let checked = check_frame(bytes, &header, &file_key, |record, at, position| {
        same &= again(record, (at, position), &file_key) == Reread::Same;
        end = end.max(at.plus(u64_of(record.len())));
    });
    // Nothing of it is behind its end.
    same &= end <= header.end();
    if same && checked.is_err() { Reread::Refused } else { Reread::same(same) }
}

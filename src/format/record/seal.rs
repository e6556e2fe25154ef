//! The check of a record: over its bytes and its place. The body comes before the head, so that its
//! CRC can be taken before the record has a place.

use crate::format::bytes::{get_u32, put_u32};
use crate::format::check::{FileKey, crc, crc_of_two, matches};
use crate::format::layout::{document, event, name};
use crate::words::{LogOffset, Position};

/// The CRC of a record's body.
pub(in crate::format) fn body_crc(record: &[u8], head_len: usize) -> u32 {
    crc(0, record.get(head_len..).unwrap_or_default())
}

/// Gives a record its check: the CRC-32 of its body, then of its head behind the check, then its
/// place.
pub(in crate::format) fn seal(
    record: &mut [u8],
    head_len: usize,
    body_crc: u32,
    at: LogOffset,
    position: Position,
    key: &FileKey,
) -> u32 {
    let head = record.get(event::CHECK + 4..head_len).unwrap_or_default();
    let check = key.record_check(crc(body_crc, head), at, position);
    put_u32(record, event::CHECK, check);
    check
}

/// The check that a record has, if it is the right one for its place.
pub(in crate::format) fn verify(
    record: &[u8],
    head_len: usize,
    at: LogOffset,
    position: Position,
    key: &FileKey,
) -> Option<u32> {
    let stored = get_u32(record, event::CHECK);
    let crc = record_crc(record, head_len)?;
    matches(stored, key.record_check(crc, at, position)).then_some(stored)
}

/// The CRC of a record, from which its place makes the check: of its body, then of its head behind
/// the check.
pub(in crate::format) fn record_crc(record: &[u8], head_len: usize) -> Option<u32> {
    let (head, body) = record.split_at_checked(head_len)?;
    Some(crc_of_two(body, head.get(event::CHECK + 4..)?))
}

const _: () = {
    assert!(name::CHECK == event::CHECK && document::CHECK == event::CHECK, "records begin alike");
    assert!(name::TAG == event::TAG && document::TAG == event::TAG, "records begin alike");
};

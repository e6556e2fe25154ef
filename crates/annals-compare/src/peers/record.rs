//! Keys and records of the event stores that are built by hand on ordered maps of bytes.

use crate::peer::Event;

/// Sorted by name, then by number: no byte of UTF-8 is 255.
pub(super) fn key(name: &str, number: u64) -> Vec<u8> {
    [name.as_bytes(), &[255], &number.to_be_bytes()].concat()
}

/// The number at the end of a key.
pub(super) fn number(key: &[u8]) -> u64 {
    u64::from_be_bytes(*key.last_chunk().unwrap())
}

/// Where the payload begins, the version, the names with their lengths, the payload.
pub(super) fn write(record: &mut Vec<u8>, event: &Event) {
    record.clear();
    record.extend([0; 2]);
    record.extend((event.expected + 1).to_le_bytes());
    for name in [&event.stream, &event.event_type].into_iter().chain(&event.tags) {
        record.extend((name.len() as u16).to_le_bytes());
        record.extend(name.as_bytes());
    }
    let at = record.len() as u16;
    record[..2].copy_from_slice(&at.to_le_bytes());
    record.extend(&event.payload);
}

pub(super) fn payload(record: &[u8]) -> &[u8] {
    &record[u16::from_le_bytes(*record.first_chunk().unwrap()).into()..]
}

//! The checks themselves, as FORMAT.md's section 'Checks' has them.

use crate::layout::{NAME_TAG, index, number, pad8, record, set};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::ops::Range;

/// The key of a file.
#[derive(Clone, Copy)]
pub struct Key {
    bytes: [u8; 16],
    salt: u64,
}

impl Key {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self { bytes, salt: SipHasher13::new_with_key(&bytes).hash(b"record") }
    }

    /// The key that stands in these bytes; zeros where they end before.
    pub fn in_bytes(bytes: &[u8], field: Range<usize>) -> Self {
        let found = bytes.get(field).and_then(|bytes| bytes.first_chunk());
        Self::new(found.copied().unwrap_or_default())
    }

    /// Gives a structure the check at its end, over all that stands before. Returns it.
    pub fn seal(&self, bytes: &mut [u8], check: Range<usize>) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.bytes);
        hasher.write(bytes.get(..check.start).unwrap_or_default());
        let keyed = hasher.finish();
        set(bytes, check, keyed);
        keyed
    }

    /// The check of a record, or of a run's page, by the CRC of its bytes and its place.
    pub fn of_place(&self, crc: u32, at: u64, position: u64) -> u32 {
        let mut place = self.salt ^ at ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        place = (place ^ (place >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        place = (place ^ (place >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [a, b, c, d, ..] = (place ^ (place >> 31)).to_le_bytes();
        crc ^ u32::from_le_bytes([a, b, c, d])
    }

    /// Gives a record with a head of so many bytes its check. Returns it.
    pub fn seal_record(&self, record: &mut [u8], head: usize, at: u64, position: u64) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(record.get(head..).unwrap_or_default());
        crc.update(record.get(record::CHECK.end..head).unwrap_or_default());
        let check = self.of_place(crc.finalize(), at, position);
        set(record, record::CHECK, check.into());
        check
    }
}

/// The head of the record that these bytes begin with, and all of it: how long they are. Nothing if
/// they end before, or begin with something else.
pub fn extent_of_record(bytes: &[u8]) -> Option<(usize, usize)> {
    let field = |field| index(number(bytes, field));
    let (head, length) = match *bytes.get(record::TAG)? {
        NAME_TAG => (record::NAME_LEN, record::NAME_LEN + field(record::NAME_LENGTH)),
        crate::layout::EVENT_TAG => {
            let (flags, tags) = (field(6..7), field(7..8));
            let head = pad8(record::EVENT_LEN + 4 * tags);
            let parts = [(1, 16), (2, 16), (4, 16), (8, 8), (16, 8)];
            let there = parts.iter().filter(|(bit, _)| flags & bit != 0);
            let before_extras = there.clone().filter(|(bit, _)| *bit != 16);
            let extras = head + before_extras.map(|(_, length)| length).sum::<usize>();
            let metadata = if flags & 16 != 0 { field(extras..extras + 4) } else { 0 };
            let parts = there.map(|(_, length)| length).sum::<usize>();
            (head, head + parts + metadata + field(record::EVENT_PAYLOAD_LENGTH))
        }
        crate::layout::DOCUMENT_TAG => {
            let body = field(record::KEY_LENGTH) + field(record::VALUE_LENGTH);
            (record::DOCUMENT_LEN, record::DOCUMENT_LEN + body)
        }
        _ => return None,
    };
    let length = pad8(length);
    (length <= bytes.len() && head <= length).then_some((head, length))
}

//! Files made by somebody who knows the format and the key: any numbers, under checks that pass.

use super::wreck::options;
use crate::fixture::PAGE;
use annals::storage::MemoryStorage;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::sync::Arc;

/// A file that is being forged. It begins as a new store whose first segment fills it.
pub struct Forge {
    pub file: Vec<u8>,
    key: [u8; 16],
}

/// Where the first frame stands, in the file and in the log.
pub const FIRST: (usize, u64) = (4 * PAGE + 64, 64);

/// What a frame's header says.
#[derive(Clone, Copy, Default)]
pub struct Head {
    pub at: u64,
    pub epoch: u64,
    pub length: u32,
    pub records: u32,
    pub events: u32,
    pub first: u64,
    pub watermark: u64,
    /// The check of the frame before.
    pub before: u64,
    /// Where the log goes on, for the end of a segment.
    pub next_segment: Option<u64>,
}

/// The recorded time of all that is forged.
const RECORDED: i64 = 1_000;

impl Forge {
    /// A file of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let disk = Arc::new(MemoryStorage::new());
        options().open_storage(disk.clone()).unwrap().close().unwrap();
        let mut file = disk.to_bytes();
        let key = file[32..48].try_into().unwrap();
        file.resize(bytes, 0);
        let mut forge = Self { file, key };
        forge.segment(4 * PAGE, bytes - 4 * PAGE, 0);
        forge
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn keyed(&self, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(bytes);
        hasher.finish()
    }

    /// Puts the check at the end of so many bytes.
    fn seal(&mut self, at: usize, length: usize) {
        let check = self.keyed(&self.file[at..at + length - 8]);
        self.put(at + length - 8, &check.to_le_bytes());
    }

    /// The header of a segment; the one before it is as long as the log is until then.
    pub fn segment(&mut self, at: usize, length: usize, log_offset: u64) {
        self.put(at, b"ANSG\0\0\0\0");
        let before = if log_offset > 0 { 4 * PAGE as u64 } else { 0 };
        let fields = [at as u64, length as u64, log_offset, before, log_offset, 0];
        for (nth, field) in fields.into_iter().enumerate() {
            self.put(at + 8 + 8 * nth, &field.to_le_bytes());
        }
        self.seal(at, 64);
    }

    /// A frame's header; returns its check.
    pub fn head(&mut self, at: usize, head: Head) -> u64 {
        self.put(at, if head.next_segment.is_some() { b"ANEN" } else { b"ANFR" });
        let place = [(8, head.at), (16, head.epoch), (48, head.first)];
        let longs = place.into_iter().chain([(64, head.before), (72, head.watermark)]);
        for (field, value) in longs {
            self.put(at + field, &value.to_le_bytes());
        }
        self.put(at + 56, &RECORDED.to_le_bytes());
        for (field, value) in [(32, head.length), (36, head.records), (40, head.events)] {
            self.put(at + field, &value.to_le_bytes());
        }
        self.put(at + 80, &head.next_segment.unwrap_or(0).to_le_bytes());
        self.seal(at, 96);
        u64::from_le_bytes(self.file[at + 88..at + 96].try_into().unwrap())
    }

    /// Gives a record its check, for its log offset and position.
    fn seal_record(&mut self, at: usize, (head, length): (usize, usize), place: (u64, u64)) {
        let record = &self.file[at..at + length];
        let mut crc = crc32fast::Hasher::new();
        crc.update(&record[head..]);
        crc.update(&record[4..head]);
        let (log_offset, position) = place;
        let salt = self.keyed(b"record");
        let mut mixed = salt ^ log_offset ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let check = crc.finalize() ^ mixed as u32;
        self.put(at, &check.to_le_bytes());
    }

    /// A name's record; returns its length.
    pub fn name(&mut self, at: usize, text: &[u8], log_offset: u64) -> usize {
        let length = (8 + text.len()).next_multiple_of(8);
        self.file[at..at + length].fill(0);
        self.put(at + 4, &[0xA1, 0]);
        self.put(at + 6, &(text.len() as u16).to_le_bytes());
        self.put(at + 8, text);
        self.seal_record(at, (8, length), (log_offset, 0));
        length
    }

    /// An event's record without a body but so many bytes of payload, which are what stands there;
    /// returns its length. Its check is right only if a position is given.
    pub fn event(
        &mut self,
        at: usize,
        (log_offset, distance): (u64, u32),
        (stream, tags): (u32, &[u32]),
        payload: u32,
        position: Option<u64>,
    ) -> usize {
        let head = (40 + 4 * tags.len()).next_multiple_of(8);
        self.file[at..at + head].fill(0);
        self.put(at + 4, &[0xA2, 1, 0, tags.len() as u8]);
        for (field, value) in [(8, distance), (12, payload), (16, stream), (20, stream)] {
            self.put(at + field, &value.to_le_bytes());
        }
        self.put(at + 24, &1_u64.to_le_bytes());
        self.put(at + 32, &RECORDED.to_le_bytes());
        for (nth, tag) in tags.iter().enumerate() {
            self.put(at + 40 + 4 * nth, &tag.to_le_bytes());
        }
        let length = head + (payload as usize).next_multiple_of(8);
        if let Some(position) = position {
            self.seal_record(at, (head, length), (log_offset, position));
        }
        length
    }
}

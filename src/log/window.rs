//! A piece of the log in memory, read from the device.

use super::SegmentList;
use crate::format::index;
use crate::storage::{Storage, read_full};
use crate::words::LogOffset;
use std::io;
use std::sync::Arc;

/// Reads the log by pieces: what is asked for and, going forward, some more.
pub struct Window {
    storage: Arc<dyn Storage>,
    at: LogOffset,
    bytes: Vec<u8>,
    ahead: usize,
}

/// No more is taken into memory at once without asking how much there is.
const MUCH: usize = 1 << 20;

impl Window {
    /// A window that reads at least `ahead` bytes at a time, as far as the segment goes.
    pub fn new(storage: Arc<dyn Storage>, ahead: usize) -> Self {
        Self { storage, at: LogOffset::ZERO, bytes: Vec::new(), ahead }
    }

    /// The device it reads.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The `length` bytes from `at` on, or fewer where the segment or the device ends; none outside
    /// of all segments.
    pub fn get(
        &mut self,
        segments: &SegmentList,
        at: LogOffset,
        length: usize,
    ) -> io::Result<&[u8]> {
        let Some(segment) = segments.find(at) else {
            return Ok(&[]);
        };
        let left = index(segment.place.log_end().since(at));
        let wanted = length.min(left);
        let skip = match at >= self.at {
            true => index(at.since(self.at)),
            false => usize::MAX,
        };
        let have = self.bytes.get(skip..).is_some_and(|bytes| bytes.len() >= wanted);
        if have {
            return Ok(self.bytes.get(skip..).and_then(|b| b.get(..wanted)).unwrap_or_default());
        }
        let offset = segment.place.file_offset(at);
        let mut length = wanted.max(self.ahead).min(left);
        if length > MUCH {
            // A length may lie; the device's own does not.
            let there = self.storage.size()?.saturating_sub(offset);
            length = length.min(index(there));
        }
        self.at = at;
        self.bytes.clear();
        self.bytes.resize(length, 0);
        let read = match read_full(&*self.storage, &mut self.bytes, offset) {
            Ok(read) => read,
            Err(error) => {
                self.bytes.clear();
                return Err(error);
            }
        };
        self.bytes.truncate(read);
        Ok(self.bytes.get(..wanted.min(read)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Extent, SegmentRef};
    use crate::storage::MemoryStorage;

    /// A segment that claims 64 MiB, in a file that has 3 MiB of it.
    fn liar() -> (SegmentList, Arc<MemoryStorage>) {
        let extent = Extent { file_offset: 4_096, length: 64 << 20 };
        let place = SegmentRef { extent, log_offset: LogOffset::ZERO };
        let bytes: Vec<u8> =
            (0..4_096 + (3 << 20)).map(|at| u8::try_from(at % 251).unwrap()).collect();
        (SegmentList::new([place]), Arc::new(MemoryStorage::from_bytes(bytes)))
    }

    #[test]
    fn no_more_is_taken_into_memory_than_there_is() {
        let (segments, file) = liar();
        let bytes = file.to_bytes();
        for (ahead, length) in [(0, 64 << 20), (64 << 20, 8), (0, 2 << 20), (5_000, 100)] {
            for at in [0, 8, (3 << 20) - 16] {
                let mut window = Window::new(file.clone(), ahead);
                let start = 4_096 + index(at);
                let wanted = &bytes[start..bytes.len().min(start + length)];
                assert_eq!(window.get(&segments, LogOffset::new(at), length).unwrap(), wanted);
                assert!(window.bytes.capacity() <= 3 << 20, "{ahead} and {length} at {at}");
            }
        }
    }

    #[test]
    fn what_was_read_ahead_is_not_read_again() {
        let (segments, file) = liar();
        let bytes = file.to_bytes();
        let mut window = Window::new(file, 1_000);
        for (at, length, from) in [
            (64, 10, 64),
            (1_000, 64, 64),
            (1_000, 65, 1_000),
            (999, 1, 999),
            (1_998, 1, 999),
            (1_999, 1, 1_999),
        ] {
            let start = 4_096 + index(at);
            let read = window.get(&segments, LogOffset::new(at), length).unwrap();
            assert_eq!(read, &bytes[start..start + length]);
            assert_eq!(window.at, LogOffset::new(from), "{length} at {at}");
        }
    }
}

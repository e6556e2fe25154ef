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
    /// The device's length when the window was made: nothing longer is ever allocated.
    size: u64,
}

impl Window {
    /// A window that reads at least `ahead` bytes at a time, as far as the segment goes.
    pub fn new(storage: Arc<dyn Storage>, ahead: usize) -> Self {
        // A device that doesn't say is going to fail the read, too.
        let size = storage.size().unwrap_or(u64::MAX);
        Self { storage, at: LogOffset::ZERO, bytes: Vec::new(), ahead, size }
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
        let offset = segment.place.file_offset(at);
        let there = self.size.saturating_sub(offset);
        let left = index(segment.place.log_end().since(at).min(there));
        let wanted = length.min(left);
        let skip = match at >= self.at {
            true => index(at.since(self.at)),
            false => usize::MAX,
        };
        let have = self.bytes.get(skip..).is_some_and(|bytes| bytes.len() >= wanted);
        if have {
            return Ok(self.bytes.get(skip..).and_then(|b| b.get(..wanted)).unwrap_or_default());
        }
        self.at = at;
        self.bytes.clear();
        self.bytes.resize(wanted.max(self.ahead).min(left), 0);
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

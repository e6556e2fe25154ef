//! Reading a device of which pieces may not be readable.

use crate::format::{PAGE, index, u64_of};
use crate::storage::{Storage, read_full};
use std::io;
use std::sync::Arc;

/// Reads the file by pieces: what is asked for and, going forward, some more. What the device
/// refuses to read is taken for zeros, page by page: zeros pass no check.
pub struct Reader {
    storage: Arc<dyn Storage>,
    size: u64,
    ahead: usize,
    at: u64,
    bytes: Vec<u8>,
    /// Bytes that were refused, each as often as it was asked for.
    pub refused: u64,
    /// Why the first of them were.
    pub refusal: Option<io::Error>,
}

impl Reader {
    /// A reader of a device of this size, of at least `ahead` bytes at a time.
    pub fn new(storage: Arc<dyn Storage>, size: u64, ahead: usize) -> Self {
        Self { storage, size, ahead, at: 0, bytes: Vec::new(), refused: 0, refusal: None }
    }

    /// The device's size.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first place from `offset` on where there may be something but zeros.
    pub fn next_data(&self, offset: u64) -> u64 {
        self.storage.next_data(offset, self.size)
    }

    /// The `length` bytes from `offset` on, or fewer where the device ends.
    pub fn get(&mut self, offset: u64, length: usize) -> &[u8] {
        let left = index(self.size.saturating_sub(offset));
        let wanted = length.min(left);
        let skip = offset.checked_sub(self.at).map_or(usize::MAX, index);
        let have = self.bytes.get(skip..).is_some_and(|bytes| bytes.len() >= wanted);
        if !have {
            self.fill(offset, wanted.max(self.ahead).min(left));
        }
        let skip = index(offset.saturating_sub(self.at));
        let bytes = self.bytes.get(skip..).unwrap_or_default();
        bytes.get(..wanted).unwrap_or(bytes)
    }

    fn fill(&mut self, offset: u64, length: usize) {
        self.at = offset;
        self.bytes.clear();
        self.bytes.resize(length, 0);
        match read_full(&*self.storage, &mut self.bytes, offset) {
            Ok(read) => self.bytes.truncate(read),
            Err(_) => self.fill_by_pages(offset),
        }
    }

    /// What of it can be read.
    fn fill_by_pages(&mut self, offset: u64) {
        self.bytes.fill(0);
        let mut at = 0;
        while at < self.bytes.len() {
            let place = offset.saturating_add(u64_of(at));
            let to_page_end = index(PAGE - place % PAGE);
            let end = self.bytes.len().min(at + to_page_end);
            let page = self.bytes.get_mut(at..end).unwrap_or_default();
            if let Err(error) = read_full(&*self.storage, page, place) {
                page.fill(0);
                self.refused = self.refused.saturating_add(u64_of(page.len()));
                self.refusal.get_or_insert(error);
            }
            at = end;
        }
    }
}

//! Pages of a run, part by part, to where it will stand.

use crate::format::{FileKey, PAGE, PAGE_HEAD_LEN, index, seal_page, u64_of};
use std::io;
use std::ops::Range;

/// Where a run's pages go.
pub trait Sink {
    /// Writes pages from the one with this number on.
    fn write(&mut self, first: u32, pages: &[u8]) -> io::Result<()>;
}

/// Pages that are written at once.
const TOGETHER: usize = 16;

/// One part of a run while it is written. Values are put one behind another; one that does not fit
/// into its page begins the next.
pub(super) struct Part {
    /// The next page to be written.
    next: u32,
    end: u32,
    pages: Vec<u8>,
    /// Bytes used in the last page, its head included; 0 if there is none.
    used: usize,
}

impl Part {
    pub(super) fn new(pages: &Range<u32>) -> Self {
        Self { next: pages.start, end: pages.end, pages: Vec::new(), used: 0 }
    }

    /// Puts a value behind the others. `true` if it is the first of its page.
    pub(super) fn put(&mut self, bytes: &[u8], to: &mut Output<'_>) -> io::Result<bool> {
        let begins = self.used == 0 || self.used + bytes.len() > index(PAGE);
        if begins {
            self.begin_page(to)?;
        }
        let start = self.pages.len() - index(PAGE) + self.used;
        if let Some(place) = self.pages.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.used += bytes.len();
        Ok(begins)
    }

    /// Begins a new page, whether or not the last one is full.
    pub(super) fn begin_page(&mut self, to: &mut Output<'_>) -> io::Result<()> {
        if self.pages.len() >= TOGETHER * index(PAGE) {
            self.flush(to)?;
        }
        self.pages.resize(self.pages.len() + index(PAGE), 0);
        self.used = PAGE_HEAD_LEN;
        Ok(())
    }

    /// Seals and writes what is there.
    pub(super) fn flush(&mut self, to: &mut Output<'_>) -> io::Result<()> {
        if self.pages.is_empty() {
            return Ok(());
        }
        let first = self.next;
        for page in self.pages.chunks_mut(index(PAGE)) {
            seal_page(page, to.id, self.next, to.key);
            self.next = self.next.saturating_add(1);
        }
        if self.next > self.end {
            // Two walks over the same inputs differed.
            return Err(io::ErrorKind::InvalidData.into());
        }
        to.sink.write(first, &self.pages)?;
        to.written = to.written.saturating_add(u64_of(self.pages.len()));
        self.pages.clear();
        self.used = 0;
        Ok(())
    }
}

/// Where parts go, and how much went there.
pub(super) struct Output<'a> {
    pub(super) sink: &'a mut dyn Sink,
    pub(super) key: &'a FileKey,
    pub(super) id: u32,
    pub(super) written: u64,
}

//! Memory that stands for a file where hand-overs are modelled: written and read as a file is, and
//! mapped. Who borrows bytes from a map has to be behind whoever wrote them: loom knows.

use crate::threads::atomic::{AtomicUsize, Ordering};
use loom::cell::UnsafeCell;
use std::cell::UnsafeCell as Raw;
use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes of a file, as many as it can ever have.
pub struct Memory {
    bytes: Box<[Raw<u8>]>,
    /// What was written, and a cell for loom to watch over.
    writes: Mutex<Vec<Write>>,
    /// Who writes or borrows goes by it, so that every order of that is gone through. Relaxed:
    /// nobody learns anything by it.
    uses: AtomicUsize,
}

type Write = (Range<usize>, UnsafeCell<()>);

// SAFETY: loom runs one thread of a model at a time, all of them in one thread of the system.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Memory {
    /// A file that begins with these bytes and can have so many.
    pub fn new(contents: &[u8], room: usize) -> Self {
        let mut bytes = vec![0; room];
        bytes[..contents.len()].copy_from_slice(contents);
        let bytes = bytes.into_iter().map(Raw::new).collect();
        Self { bytes, writes: Mutex::default(), uses: AtomicUsize::new(0) }
    }

    /// As `pwrite` does.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.uses.fetch_add(1, Ordering::Relaxed);
        let range = offset..offset + bytes.len();
        let place = self.bytes[range.clone()].as_ptr();
        self.writes().push((range, UnsafeCell::new(())));
        // SAFETY: the place has as many cells, and nothing else runs. That a borrowed byte changes
        // here is what models look for.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), Raw::raw_get(place), bytes.len()) };
    }

    fn writes(&self) -> MutexGuard<'_, Vec<Write>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As `pread` does: the kernel sees to it that this may happen while somebody writes.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) {
        let place = self.bytes[offset..offset + buffer.len()].as_ptr();
        // SAFETY: the place has as many cells, and nothing else runs.
        unsafe { ptr::copy_nonoverlapping(place.cast(), buffer.as_mut_ptr(), buffer.len()) };
    }
}

/// What [`super::Map`] has: a mapped piece of a file.
pub enum MmapRaw {
    File(memmap2::MmapRaw),
    Memory {
        memory: Arc<Memory>,
        range: Range<usize>,
        /// Whether loom watches: not where only the kernel stands between who writes and who reads.
        watched: bool,
    },
}

impl MmapRaw {
    pub fn as_ptr(&self) -> *const u8 {
        match self {
            Self::File(map) => map.as_ptr(),
            Self::Memory { memory, range, .. } => memory.bytes[range.clone()].as_ptr().cast(),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::File(map) => map.len(),
            Self::Memory { range, .. } => range.len(),
        }
    }

    /// So many bytes are borrowed: whoever wrote them has to have done so before.
    pub fn watch(&self, length: usize) {
        let Self::Memory { memory, range, watched } = self else { return };
        memory.uses.fetch_add(1, Ordering::Relaxed);
        let (start, end) = (range.start, range.start + length);
        for (written, cell) in memory.writes().iter() {
            if *watched && written.start < end && written.end > start {
                cell.with(|_| ());
            }
        }
    }

    pub fn advise_range(&self, _: memmap2::Advice, _: usize, _: usize) -> std::io::Result<()> {
        Ok(())
    }
}

impl From<memmap2::MmapRaw> for MmapRaw {
    fn from(map: memmap2::MmapRaw) -> Self {
        Self::File(map)
    }
}

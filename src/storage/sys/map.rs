//! A map of a piece of a file, of which a growing beginning may be borrowed.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A read-only map of a piece of a file. Only its stable beginning can be looked at.
///
/// The bytes below the stable length are never written again, by this process or another: that is
/// Annals' protocol (everything below the watermark is immutable), and what makes a `&[u8]` into a
/// shared map sound. A foreign program that writes to the file or cuts it breaks the protocol;
/// cutting it makes the kernel stop the process (SIGBUS). Where files come from strangers or live
/// on a network, use [`crate::storage::Access::Read`], which maps nothing.
pub struct Map {
    map: memmap2::Mmap,
    stable: AtomicUsize,
}

impl Map {
    /// Maps `length` bytes of `file` from `offset` on.
    pub(in crate::storage) fn new(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        // SAFETY: `memmap2::MmapOptions::map` asks that the bytes behind a borrowed slice do not
        // change. Slices are handed out by `stable` alone, below a length that `set_stable` moves
        // only over bytes that are below the store's watermark, which no writer touches again (see
        // the type's documentation).
        let map = unsafe { memmap2::MmapOptions::new().offset(offset).len(length).map(file)? };
        Ok(Self { map, stable: AtomicUsize::new(0) })
    }

    /// The bytes that never change again.
    pub(crate) fn stable(&self) -> &[u8] {
        // Acquire pairs with the release in `set_stable`: whoever sees the length sees the bytes.
        self.map.get(..self.stable.load(Ordering::Acquire)).unwrap_or_default()
    }

    /// Puts these bytes into the page tables at once, instead of by a fault every few pages. Best
    /// effort.
    pub(crate) fn populate(&self, offset: usize, length: usize) {
        // Advice that is not taken leaves the faults.
        #[cfg(target_os = "linux")]
        let _ = self.map.advise_range(memmap2::Advice::PopulateRead, offset, length);
        let _ = (offset, length);
    }

    /// Says that no process writes to the first `length` bytes any more. It never shrinks.
    pub(crate) fn set_stable(&self, length: usize) {
        self.stable.fetch_max(length.min(self.map.len()), Ordering::Release);
    }
}

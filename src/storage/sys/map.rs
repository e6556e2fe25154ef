//! A map of a piece of a file, of which a growing beginning may be borrowed, and the rest copied.

#[cfg(all(test, loom))]
use super::modelled::MmapRaw;
use crate::threads::atomic::{AtomicUsize, Ordering};
#[cfg(not(all(test, loom)))]
use memmap2::MmapRaw;
use std::fs::File;
use std::io;
use std::{ptr, slice};

/// A read-only map of a piece of a file. Only its stable beginning can be looked at; what stands
/// behind it can be copied.
///
/// The bytes below the stable length are never written again, by this process or another: that is
/// Annals' protocol (everything below the watermark is immutable), and what makes a `&[u8]` into a
/// shared map sound. A foreign program that writes to the file or cuts it breaks the protocol;
/// cutting it makes the kernel stop the process (SIGBUS). Where files come from strangers or live
/// on a network, use [`crate::storage::Access::Read`], which maps nothing.
pub struct Map {
    /// Raw: there is no reference to the bytes that may change.
    map: MmapRaw,
    stable: AtomicUsize,
}

impl Map {
    /// Maps `length` bytes of `file` from `offset` on.
    pub(in crate::storage) fn new(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        let map = memmap2::MmapOptions::new().offset(offset).len(length).map_raw_read_only(file)?;
        #[cfg(all(test, loom))]
        let map = map.into();
        Ok(Self::over(map))
    }

    /// Over bytes that are mapped.
    pub(in crate::storage) fn over(map: MmapRaw) -> Self {
        Self { map, stable: AtomicUsize::new(0) }
    }

    /// The bytes that never change again.
    #[inline]
    pub(crate) fn stable(&self) -> &[u8] {
        // Acquire pairs with the release in `set_stable`: whoever sees the length sees the bytes.
        let length = self.stable.load(Ordering::Acquire);
        #[cfg(all(test, loom))]
        self.map.watch(length);
        // SAFETY: the stable length is within the map (`set_stable`), which lives as long as `self`
        // and is readable. It is moved only over bytes that are below the store's watermark, which
        // no writer touches again (see the type's documentation).
        unsafe { slice::from_raw_parts(self.map.as_ptr(), length) }
    }

    /// How many bytes are mapped.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies bytes to an empty `out`, as many of them as there are, stable or not. What is not may
    /// change meanwhile: whoever uses the copy checks it.
    pub(crate) fn copy(&self, offset: usize, length: usize, out: &mut Vec<u8>) {
        let length = length.min(self.map.len().saturating_sub(offset));
        out.reserve(length);
        // SAFETY: `offset..offset + length` is within the map, which is readable; `out` has room
        // for as much; the two do not overlap. There is no reference to the map's bytes, only this
        // copy is looked at, and any bytes are `u8`s.
        unsafe {
            ptr::copy_nonoverlapping(self.map.as_ptr().add(offset), out.as_mut_ptr(), length);
            out.set_len(length);
        }
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

//! A map of a piece of a file, of which a growing beginning may be borrowed, and the rest copied.

#[cfg(all(test, loom))]
use super::modelled::MmapRaw;
use crate::threads::atomic::{AtomicUsize, Ordering};
#[cfg(not(all(test, loom)))]
use memmap2::MmapRaw;
use std::fs::File;
use std::io;
use std::{ptr, slice};

/// The smallest pages that there are.
#[cfg(target_os = "linux")]
const PAGE: usize = 4_096;

/// Bytes that come to the processor at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

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
        // A fault reads the page that it needs, not megabytes around it: what is wanted is
        // announced. Best effort.
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Random);
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

    /// Says that these bytes are going to be read, as far as they are mapped: they come into the
    /// cache meanwhile. Best effort.
    pub(crate) fn announce(&self, offset: usize, length: usize) {
        let length = length.min(self.map.len().saturating_sub(offset));
        #[cfg(unix)]
        if length > 0 {
            let _ = self.map.advise_range(memmap2::Advice::WillNeed, offset, length);
        }
        let _ = (offset, length);
    }

    /// Says that these bytes are going to be read within a microsecond, as far as they are mapped:
    /// what is in memory comes nearer to the processor meanwhile. Nothing is waited for.
    #[inline]
    pub(crate) fn bring(&self, offset: usize, length: usize) {
        let length = length.min(self.map.len().saturating_sub(offset));
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        for ahead in (0..length).step_by(LINE) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let at = self.map.as_ptr().wrapping_add(offset + ahead);
            // SAFETY: a hint reads nothing and fails on no address; and this one is within the map.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
        }
        let _ = length;
    }

    /// Says that none of its bytes is going to be read for a while: they don't count as memory of
    /// this process any more. Whoever reads them all the same finds them as they are in the file.
    /// Best effort.
    pub(crate) fn let_go(&self) {
        #[cfg(all(unix, not(all(test, loom))))]
        // SAFETY: the map is one of a file, shared and read-only, so none of what it shows is lost
        // by that: a page that is touched again is mapped again, with the bytes that the file has.
        unsafe {
            let _ = self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed);
        }
    }

    /// Whether the page that this byte lies in is in memory, as far as the system tells: to who may
    /// not write to the file, Linux says that it is.
    pub(crate) fn is_in_memory(&self, offset: usize) -> bool {
        #[cfg(all(target_os = "linux", not(all(test, loom))))]
        if offset < self.map.len() {
            let page = self.map.as_ptr().wrapping_add(offset).map_addr(|at| at / PAGE * PAGE);
            let mut found = 0;
            // SAFETY: `mincore` asks for one page, which begins at a multiple of the smallest page
            // size (of larger ones it answers with an error), and writes one byte to `found`.
            let failed = unsafe { libc::mincore(page.cast_mut().cast(), 1, &raw mut found) };
            return failed != 0 || found & 1 != 0;
        }
        let _ = offset;
        true
    }

    /// Says that no process writes to the first `length` bytes any more. It never shrinks.
    pub(crate) fn set_stable(&self, length: usize) {
        self.stable.fetch_max(length.min(self.map.len()), Ordering::Release);
    }
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::super::drop_cache;
    use super::*;

    #[test]
    fn what_was_let_go_or_brought_near_is_there_when_it_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &[7; 3 * PAGE]).unwrap();
        let map = Map::new(&file, 0, 3 * PAGE).unwrap();
        map.set_stable(3 * PAGE);
        // Whatever is asked for, no byte is touched.
        for (offset, length) in [(0, usize::MAX), (17, 100), (3 * PAGE, 1), (usize::MAX, 1)] {
            map.bring(offset, length);
        }
        let borrowed = map.stable();
        for _ in 0..2 {
            assert!(borrowed.iter().all(|byte| *byte == 7));
            map.let_go();
        }
    }

    #[test]
    fn what_was_dropped_is_not_in_memory_until_it_is_announced_or_touched() {
        let pages = 600;
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), vec![7; pages * PAGE]).unwrap();
        let file = path.as_file();
        file.sync_all().unwrap();
        let map = Map::new(file, 0, pages * PAGE).unwrap();
        let in_memory = || (0..pages).filter(|page| map.is_in_memory(page * PAGE + 17)).count();
        assert_eq!(in_memory(), pages);
        drop_cache(file, 0, (pages * PAGE).try_into().unwrap()).unwrap();
        if in_memory() == pages {
            let why = b"skipped: this file system does not drop what it is asked to\n";
            return io::Write::write_all(&mut io::stderr(), why).unwrap();
        }
        assert_eq!(in_memory(), 0);
        let mut copy = Vec::new();
        map.copy(5 * PAGE, 1, &mut copy);
        assert_eq!((copy, in_memory()), (vec![7], 1), "a fault reads its page alone");
        map.announce(9 * PAGE + 100, PAGE);
        map.announce(pages * PAGE - 1, usize::MAX);
        map.announce(pages * PAGE, 1);
        let ends = [9, 10, pages - 1];
        while !ends.iter().all(|page| map.is_in_memory(page * PAGE)) {
            crate::threads::thread::yield_now();
        }
        // Nothing lies past the end.
        assert!(map.is_in_memory(pages * PAGE) && map.is_in_memory(usize::MAX));
    }
}

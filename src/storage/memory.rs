//! A device in memory, for tests and for stores that need not outlive the process.

use super::Storage;
use crate::threads::atomic::{AtomicBool, Ordering};
use crate::threads::{PoisonError, RwLock};
use std::fmt;
use std::io;

/// Bytes in memory that behave like a file.
#[derive(Default)]
pub struct MemoryStorage {
    bytes: RwLock<Vec<u8>>,
    locked: AtomicBool,
}

impl MemoryStorage {
    /// An empty device.
    pub fn new() -> Self {
        Self::default()
    }

    /// A device with these bytes, such as those of a file.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes: RwLock::new(bytes), locked: AtomicBool::new(false) }
    }

    /// A copy of its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn index(offset: u64) -> io::Result<usize> {
        usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
    }
}

impl Storage for MemoryStorage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        let there = bytes.get(Self::index(offset)?..).unwrap_or_default();
        let count = buffer.len().min(there.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), there.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn write_at(&self, new: &[u8], offset: u64) -> io::Result<usize> {
        let start = Self::index(offset)?;
        let end = start.checked_add(new.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        if let Some(place) = bytes.get_mut(start..end) {
            place.copy_from_slice(new);
        }
        Ok(new.len())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let length = self.bytes.read().unwrap_or_else(PoisonError::into_inner).len();
        u64::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge.into())
    }

    fn release(&self, offset: u64, length: u64) -> io::Result<()> {
        let (start, end) = (Self::index(offset)?, Self::index(offset.saturating_add(length))?);
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        let end = end.min(bytes.len());
        if let Some(released) = bytes.get_mut(start..end) {
            released.fill(0);
        }
        Ok(())
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        let end = Self::index(offset.checked_add(length).ok_or(io::ErrorKind::FileTooLarge)?)?;
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() < end {
            let more = end - bytes.len();
            bytes.try_reserve_exact(more).map_err(|_| io::ErrorKind::StorageFull)?;
            bytes.resize(end, 0);
        }
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(!self.locked.swap(true, Ordering::AcqRel))
    }

    fn unlock(&self) {
        self.locked.store(false, Ordering::Release);
    }

    fn is_locked(&self) -> io::Result<bool> {
        Ok(self.locked.load(Ordering::Acquire))
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.bytes.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("MemoryStorage").field("bytes", &length).finish_non_exhaustive()
    }
}

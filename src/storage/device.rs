//! What Annals asks of a device.

use super::Map;
use std::io;

/// A device of bytes that can be read, written, synced and made longer.
///
/// All methods take `&self` and may be called by several threads at once; Annals never writes the
/// same bytes from two threads, and never calls `sync` twice at a time. Reads and writes may be
/// short, as POSIX has them. An implementation must not call back into the store.
///
/// ```
/// use annals::storage::{MemoryStorage, Storage};
/// use annals::{NewEvent, Options};
///
/// let disk = std::sync::Arc::new(MemoryStorage::new());
/// let store = Options::new().open_storage(disk.clone())?;
/// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
/// store.close()?;
/// assert!(disk.size()? > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Storage: Send + Sync + 'static {
    /// Reads some bytes at `offset` into `buffer`; 0 means that the device ends there.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes everything written and allocated before this call durable. After a failure nothing is
    /// known of it.
    fn sync(&self) -> io::Result<()>;

    /// The device's length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Takes room for `[offset, offset + length)`, making the device longer where needed. What was
    /// not there before reads as zero. A device without room answers
    /// [`io::ErrorKind::StorageFull`], and then nothing has changed that a reader of the old length
    /// could see.
    fn allocate(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Maps these bytes for reading, as far as they are there, if the device can.
    fn map(&self, offset: u64, length: u64) -> io::Result<Option<Map>> {
        let _ = (offset, length);
        Ok(None)
    }

    /// Forgets what is cached of these bytes, so that the next read asks the device. Best effort: a
    /// cache has pages, and one that is only in part among these bytes may stay.
    fn drop_cache(&self, offset: u64, length: u64) -> io::Result<()> {
        let _ = (offset, length);
        Ok(())
    }

    /// The first offset in `[offset, end)` that may hold other bytes than zeros; `end` if there is
    /// none.
    fn next_data(&self, offset: u64, end: u64) -> u64 {
        let _ = end;
        offset
    }

    /// Gives the room of these bytes back, if the device can: they read as zero then, or as before.
    fn release(&self, offset: u64, length: u64) -> io::Result<()> {
        let _ = (offset, length);
        Ok(())
    }

    /// Whether this is still what the next opener would find. `false` stops all writing.
    fn still_there(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Takes the one writer's lock; `false` if somebody else has it.
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Gives the writer's lock back.
    fn unlock(&self) {}

    /// Whether some process holds the writer's lock now.
    fn is_locked(&self) -> io::Result<bool> {
        Ok(false)
    }
}

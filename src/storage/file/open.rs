//! Opening and using a file.

use super::super::{Map, Storage, sys};
use super::create;
use super::lock::{self, FileId};
use crate::threads::{Mutex, MutexGuard, PoisonError};
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Access {
    /// Through maps: payloads are borrowed from the page cache, nothing is copied. Whoever cuts the
    /// file while it is mapped kills the process.
    #[default]
    Map,
    /// By reading: for files on a network or from strangers. A cut file gives an error.
    Read,
}

/// A file.
pub struct FileStorage {
    file: File,
    path: PathBuf,
    id: FileId,
    access: Access,
    writable: bool,
    /// The descriptor that holds the lock, while it does.
    lock: Mutex<Option<File>>,
}

impl FileStorage {
    /// Opens a file that is there, for reading and perhaps for writing.
    pub fn open(path: &Path, access: Access, writable: bool) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        if found.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !found.is_file() {
            // A pipe would hang on opening; a device has no length.
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = OpenOptions::new().read(true).write(writable).open(path)?;
        let id = file_id(&file.metadata()?);
        // A later change of the working directory must not change which file is meant.
        let path = std::path::absolute(path)?;
        Ok(Self { file, path, id, access, writable, lock: Mutex::new(None) })
    }

    /// Makes a file that begins with `contents` and has room for `length` bytes: atomically,
    /// durably, never over another.
    pub fn create(path: &Path, contents: &[u8], length: u64) -> io::Result<()> {
        create::create(path, contents, length)
    }

    /// Whether there is something at `path`.
    pub fn exists(path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock_file(&self) -> MutexGuard<'_, Option<File>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A descriptor of its own, for a lock; of the same file, whatever is at the path by now.
    fn open_again(&self) -> io::Result<File> {
        let own = OpenOptions::new().read(true).write(self.writable).open(&self.path)?;
        if file_id(&own.metadata()?) != self.id {
            let what = "the file was replaced while it was being opened; open it again";
            return Err(io::Error::other(what));
        }
        Ok(own)
    }
}

impl Storage for FileStorage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_at(&self.file, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        write_at(&self.file, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        sys::allocate(&self.file, offset, length)
    }

    fn map(&self, offset: u64, length: u64) -> io::Result<Option<Map>> {
        // What lies past the end of the file can be mapped, but not touched.
        let there = self.size()?.saturating_sub(offset).min(length);
        match (self.access, usize::try_from(there)) {
            (Access::Map, Ok(length)) if length > 0 => {
                Map::new(&self.file, offset, length).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn drop_cache(&self, offset: u64, length: u64) -> io::Result<()> {
        sys::drop_cache(&self.file, offset, length)
    }

    fn next_data(&self, offset: u64, end: u64) -> u64 {
        sys::next_data(&self.file, offset, end)
    }

    fn release(&self, offset: u64, length: u64) -> io::Result<()> {
        sys::release(&self.file, offset, length)
    }

    fn still_there(&self) -> io::Result<bool> {
        match sys::file_at(&self.path) {
            Ok(found) => Ok(found == self.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        let own = self.open_again()?;
        let taken = lock::take(&own, self.id)?;
        if taken {
            *self.lock_file() = Some(own);
        }
        Ok(taken)
    }

    fn unlock(&self) {
        if let Some(own) = self.lock_file().take() {
            lock::release(&own, self.id);
        }
    }

    fn is_locked(&self) -> io::Result<bool> {
        lock::is_held(&self.open_again()?, self.id)
    }
}

impl Drop for FileStorage {
    fn drop(&mut self) {
        self.unlock();
    }
}

impl fmt::Debug for FileStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStorage")
            .field("path", &self.path)
            .field("access", &self.access)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(windows)]
fn file_id(metadata: &Metadata) -> FileId {
    use std::os::windows::fs::MetadataExt;
    (metadata.creation_time(), 0)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

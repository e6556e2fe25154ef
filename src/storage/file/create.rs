//! Atomic creation: the file appears whole or not at all, and never in the place of another.

use super::super::{Access, FileStorage, Storage, sync_full, sys, write_full};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that is being made beside its place, and comes there whole when it is finished. Dropped
/// before, it is gone.
pub struct NewFile {
    storage: Arc<FileStorage>,
    temporary: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Begins an empty file that is to be at `path`, where nothing may be.
    pub fn begin(path: &Path) -> io::Result<Self> {
        if path.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let temporary = temporary_name(path)?;
        OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let storage = FileStorage::open(&temporary, Access::Map, true);
        let storage = Arc::new(storage.inspect_err(|_| drop(fs::remove_file(&temporary)))?);
        Ok(Self { storage, temporary, path: path.to_owned() })
    }

    /// What is written to.
    pub fn storage(&self) -> &Arc<FileStorage> {
        &self.storage
    }

    /// Makes it durable and puts it in its place.
    ///
    /// Fails with `AlreadyExists` if there is something, even if it came up while this was under
    /// way.
    pub fn finish(self) -> io::Result<()> {
        sync_full(&*self.storage)?;
        sys::rename_new(&self.temporary, &self.path)?;
        sync_folder(&self.path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After finishing there is nothing; else, if it stays, it is in nobody's way.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes a file at `path` that begins with `contents` and has room for `length` bytes, all of it
/// durable, at once or not at all.
pub(super) fn create(path: &Path, contents: &[u8], length: u64) -> io::Result<()> {
    let new = NewFile::begin(path)?;
    new.storage.allocate(0, length)?;
    write_full(&*new.storage, contents, 0)?;
    new.finish()
}

/// A name beside `path` that nobody else takes.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut own = std::ffi::OsString::from(".");
    own.push(name);
    own.push(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    Ok(path.with_file_name(own))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        // A folder can't be opened like a file there; the rename is in its journal.
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Takes room by writing zeros, from the file's end on: what is there already stays as it is.
pub(in crate::storage) fn fill_with_zeros(file: &File, offset: u64, length: u64) -> io::Result<()> {
    const ZEROS: &[u8] = &[0; 1 << 16];
    let end = offset.checked_add(length).ok_or(io::ErrorKind::FileTooLarge)?;
    let mut at = file.metadata()?.len();
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(ZEROS.len());
        let written = super::open::write_at(file, ZEROS.get(..count).unwrap_or_default(), at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        at = at.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
    }
    Ok(())
}

//! Atomic creation: the file appears whole or not at all, and never in the place of another.

use super::super::sys;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a file at `path` that begins with `contents` and has room for `length` bytes, all of it
/// durable.
///
/// Fails with `AlreadyExists` if there is something at `path`, even if it came up while this was
/// under way.
pub(super) fn create(path: &Path, contents: &[u8], length: u64) -> io::Result<()> {
    let temporary = temporary_name(path)?;
    let result = write_whole(&temporary, contents, length)
        .and_then(|()| sys::rename_new(&temporary, path))
        .and_then(|()| sync_folder(path));
    if result.is_err() {
        // It may be there or not; if it stays, it is in nobody's way.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn write_whole(path: &Path, contents: &[u8], length: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    sys::allocate(&file, 0, length)?;
    file.write_all(contents)?;
    file.sync_all()
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

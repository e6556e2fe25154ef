//! System calls of unix.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Takes room for `[offset, offset + length)` and makes the file longer where needed.
pub(in crate::storage) fn allocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let (from, count) = (off_t(offset)?, off_t(length)?);
        loop {
            // SAFETY: `fallocate` takes a descriptor and numbers; `file` keeps the descriptor open.
            if unsafe { libc::fallocate(file.as_raw_fd(), 0, from, count) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                // The file system can't: room is then taken by writing zeros.
                Some(libc::EOPNOTSUPP | libc::ENOSYS) => break,
                _ => return Err(error),
            }
        }
    }
    super::super::file::fill_with_zeros(file, offset, length)
}

/// Forgets what the page cache has of these bytes, as far as it is not dirty.
pub(in crate::storage) fn drop_cache(file: &File, offset: u64, length: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let (from, count) = (off_t(offset)?, off_t(length)?);
        // SAFETY: `posix_fadvise` takes a descriptor and numbers; `file` keeps the descriptor open.
        let refused = unsafe {
            libc::posix_fadvise(file.as_raw_fd(), from, count, libc::POSIX_FADV_DONTNEED)
        };
        if refused != 0 {
            return Err(io::Error::from_raw_os_error(refused));
        }
    }
    let _ = (file, offset, length);
    Ok(())
}

/// Gives room back to the file system. Best effort: where it can't, the room stays.
pub(in crate::storage) fn release(file: &File, offset: u64, length: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let (from, count) = (off_t(offset)?, off_t(length)?);
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: `fallocate` takes a descriptor and numbers; `file` keeps the descriptor open.
        if unsafe { libc::fallocate(file.as_raw_fd(), mode, from, count) } != 0 {
            let error = io::Error::last_os_error();
            if !matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS)) {
                return Err(error);
            }
        }
    }
    let _ = (file, offset, length);
    Ok(())
}

/// Where the next bytes are that were ever written, from `offset` on; `end` if none before it.
pub(in crate::storage) fn next_data(file: &File, offset: u64, end: u64) -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let Ok(from) = off_t(offset) else { return offset };
        // SAFETY: `lseek` takes a descriptor and numbers. The descriptor's own place is used by
        // nobody.
        let found = unsafe { libc::lseek(file.as_raw_fd(), from, libc::SEEK_DATA) };
        match u64::try_from(found) {
            Ok(found) => return found.clamp(offset, end.max(offset)),
            Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::ENXIO) => return end,
            Err(_) => {}
        }
    }
    let _ = (file, end);
    offset
}

/// Renames, unless there is something at `to` already: then it fails with `AlreadyExists`.
pub(in crate::storage) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt;
        let [old, new] = [from, to].map(|path| CString::new(path.as_os_str().as_bytes()));
        let (old, new) = (old?, new?);
        // SAFETY: both are NUL-terminated strings that live until the call returns.
        let result = unsafe {
            libc::renameat2(
                libc::AT_FDCWD,
                old.as_ptr(),
                libc::AT_FDCWD,
                new.as_ptr(),
                libc::RENAME_NOREPLACE,
            )
        };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) {
            return Err(error);
        }
    }
    // A link fails where there is something already, which is all that is asked.
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

/// Which file is at `path` now.
///
/// On Linux the times are not asked for: since 6.13 a file whose times were looked at gets new ones
/// with the next write, which costs a journal entry each (multigrain timestamps).
pub(in crate::storage) fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt;
        let name = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: all of `statx` are numbers, for which zero is a value.
        let mut found: libc::statx = unsafe { std::mem::zeroed() };
        // SAFETY: the name is NUL-terminated, and both pointers live until the call returns.
        let result = unsafe {
            libc::statx(libc::AT_FDCWD, name.as_ptr(), 0, libc::STATX_INO, &raw mut found)
        };
        if result == 0 {
            let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
            return Ok((device, found.stx_ino));
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ENOSYS) {
            return Err(error);
        }
    }
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// This host's name, or nothing.
pub(super) fn host_name() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is as long as it is said to be, less one, so a NUL always follows the
    // name.
    let result = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    if result != 0 {
        return String::new();
    }
    let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn off_t(number: u64) -> io::Result<libc::off_t> {
    libc::off_t::try_from(number).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

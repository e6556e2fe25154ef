//! What unix has as system calls, from what std has. Written with care, not tested: see README.

use std::fs::File;
use std::io;
use std::path::Path;

pub(in crate::storage) fn allocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    super::super::file::fill_with_zeros(file, offset, length)
}

pub(in crate::storage) fn drop_cache(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

pub(in crate::storage) fn release(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

pub(in crate::storage) fn next_data(_: &File, offset: u64, _: u64) -> u64 {
    offset
}

pub(in crate::storage) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

pub(in crate::storage) fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::windows::fs::MetadataExt;
    Ok((std::fs::metadata(path)?.creation_time(), 0))
}

pub(super) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

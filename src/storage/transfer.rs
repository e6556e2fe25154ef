//! Whole reads, writes and syncs out of short or interrupted ones.

use super::Storage;
use std::io;

/// Reads until `buffer` is full or the device ends; returns how much there was.
pub fn read_full(
    storage: &dyn Storage,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> io::Result<usize> {
    let mut total = 0;
    while !buffer.is_empty() {
        match storage.read_at(buffer, offset) {
            Ok(0) => break,
            Ok(read) => {
                total += read;
                offset = advanced(offset, read);
                buffer = buffer.get_mut(read..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Writes all of `bytes`, going on after short writes and interruptions.
pub fn write_full(storage: &dyn Storage, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match storage.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset = advanced(offset, written);
                bytes = bytes.get(written..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Syncs, going on after interruptions.
pub fn sync_full(storage: &dyn Storage) -> io::Result<()> {
    loop {
        match storage.sync() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn advanced(offset: u64, by: usize) -> u64 {
    offset.saturating_add(u64::try_from(by).unwrap_or(u64::MAX))
}

//! Whole reads, writes and syncs out of short or interrupted ones.

use super::Storage;
use std::io;
use std::sync::LazyLock;

/// Read at once of what is not kept: the nearest memory has room for it.
const PIECE: usize = 16 << 10;

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

/// Reads these bytes and keeps nothing: what a map shows of them is in memory then. Returns how
/// many were read before the device failed; an error if it failed at once.
///
/// A system that is read from, on and on, asks the device for more at a time than one that is told
/// what is going to be wanted, keeps it in larger pages, and goes on ahead by itself.
#[cold]
pub fn read_through(storage: &dyn Storage, offset: u64, length: usize) -> io::Result<usize> {
    let mut piece = [0; PIECE];
    for at in (0..length).step_by(PIECE) {
        let piece = piece.get_mut(..PIECE.min(length - at)).unwrap_or_default();
        match read_full(storage, piece, advanced(offset, at)) {
            Err(_) if at > 0 => return Ok(at),
            result => result?,
        };
    }
    Ok(length)
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

/// Writes so many zeros, many at a time.
pub fn write_zeros(storage: &dyn Storage, offset: u64, length: u64) -> io::Result<()> {
    /// Never written to, so the system has one page for all of them: the nearest memory has it.
    static ZEROS: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; 1 << 20]);
    let mut written = 0;
    while written < length {
        let count = usize::try_from(length - written).unwrap_or(usize::MAX).min(ZEROS.len());
        write_full(storage, ZEROS.get(..count).unwrap_or_default(), offset + written)?;
        written += u64::try_from(count).unwrap_or(u64::MAX);
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

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;
    use crate::storage::{Access, FileStorage};

    #[test]
    fn what_was_read_through_is_in_memory() {
        let length = 100 * PIECE + 17;
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), vec![7; length]).unwrap();
        path.as_file().sync_all().unwrap();
        let storage = FileStorage::open(path.path(), Access::Map, true).unwrap();
        let whole = u64::try_from(length).unwrap();
        let map = storage.map(0, whole).unwrap().unwrap();
        storage.drop_cache(0, whole).unwrap();
        if map.is_in_memory(0) {
            let why = b"skipped: this file system does not drop what it is asked to\n";
            return io::Write::write_all(&mut io::stderr(), why).unwrap();
        }
        let from = 50 * PIECE + 5;
        let read = read_through(&storage, u64::try_from(from).unwrap(), length - from);
        assert_eq!(read.unwrap(), length - from);
        assert!((from..length).all(|at| map.is_in_memory(at)));
        assert!(!map.is_in_memory(0));
        // Nothing of it is there; that is not an error.
        read_through(&storage, whole, 10).unwrap();
    }

    /// Fails where `read_at` touches its last byte.
    struct Rotten;

    impl Storage for Rotten {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let rotten = advanced(100, 3 * PIECE);
            if advanced(offset, buffer.len()) > rotten {
                Err(io::ErrorKind::Other.into())
            } else {
                Ok(buffer.len())
            }
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            unreachable!("nothing is written")
        }

        fn sync(&self) -> io::Result<()> {
            unreachable!("nothing is synced")
        }

        fn size(&self) -> io::Result<u64> {
            unreachable!("nobody asks")
        }

        fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
            unreachable!("nothing is written")
        }
    }

    #[test]
    fn what_stands_before_a_rotten_piece_was_read_and_the_piece_itself_is_an_error() {
        let start = u64::try_from(3 * PIECE).unwrap();
        assert_eq!(read_through(&Rotten, 0, 5 * PIECE).unwrap(), 3 * PIECE);
        assert_eq!(read_through(&Rotten, start, 100).unwrap(), 100);
        assert!(read_through(&Rotten, start, 101).is_err());
    }
}

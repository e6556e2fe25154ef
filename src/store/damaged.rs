//! A file that need not be a store that can be opened: looked into.

use super::Store;
use crate::engine::dissect;
use crate::storage::{Access, FileStorage, Storage};
use crate::words::{Dissection, Error};
use std::path::Path;
use std::sync::Arc;

impl Store {
    /// What stands at this byte of a file, taken apart as FORMAT.md has it: the structures that
    /// have it, from the outside in, with their fields and checks. For whoever writes another
    /// reader, and for damaged files: the store need not be one that can be opened. Nothing is
    /// written, and no lock is taken.
    ///
    /// ```
    /// use annals::{NewEvent, Store};
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("orders.annals");
    /// let store = Store::open(&path)?;
    /// store.append("order-1", 0, [NewEvent::new("OrderPlaced", "{}")])?;
    /// // Segment, frame, and the first record of the first commit.
    /// let found = Store::dissect(&path, 16_384 + 64 + 96)?;
    /// let names: Vec<_> = found.structures.iter().map(|found| found.name).collect();
    /// assert_eq!(names, ["segment", "frame", "name"]);
    /// let name = &found.structures[2];
    /// assert_eq!(name.field("text").unwrap().value, "`order-1`");
    /// assert_eq!(name.log_offset.unwrap().get(), 160);
    /// assert!(name.is_whole());
    /// // There is nothing behind the file's end.
    /// assert!(Store::dissect(&path, 1 << 40).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the file ends before that byte;
    /// [`ErrorKind::NotAnnals`](crate::ErrorKind::NotAnnals),
    /// [`ErrorKind::Newer`](crate::ErrorKind::Newer) or
    /// [`ErrorKind::Older`](crate::ErrorKind::Older) for a byte behind the fixed pages of a file
    /// that is no store, or not of this version.
    pub fn dissect(path: impl AsRef<Path>, file_offset: u64) -> Result<Dissection, Error> {
        Self::dissect_storage(&to_read(path.as_ref())?, file_offset)
    }

    /// As [`Store::dissect`], of a device.
    pub fn dissect_storage(
        device: &Arc<dyn Storage>,
        file_offset: u64,
    ) -> Result<Dissection, Error> {
        dissect(device, file_offset)
    }
}

/// The file there, to be read.
pub(super) fn to_read(path: &Path) -> Result<Arc<dyn Storage>, Error> {
    let opened = FileStorage::open(path, Access::Read, false).map_err(|error| {
        Error::io(format!("opening the store '{}' failed", path.display()), error)
    })?;
    Ok(Arc::new(opened))
}

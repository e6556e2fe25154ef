//! Copies of a store, and what is got out of a damaged one.

use super::Store;
use super::damaged::to_read;
use crate::engine::{CopyReport, SalvageReport, salvage};
use crate::storage::{NewFile, Storage};
use crate::words::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

impl Store {
    /// Copies what is durable now to a new file, while the store goes on being written: the same
    /// store, with the same id, closed. The copy is read again before it appears.
    ///
    /// ```
    /// use annals::{NewEvent, Store};
    /// let folder = tempfile::tempdir()?;
    /// let store = Store::open(folder.path().join("orders.annals"))?;
    /// store.append("order-1", 0, [NewEvent::new("OrderPlaced", "{}")])?;
    /// store.backup_to(folder.path().join("backup.annals"))?;
    /// let copy = Store::open(folder.path().join("backup.annals"))?;
    /// assert_eq!(copy.id(), store.id());
    /// assert_eq!(copy.head()?.get(), 1);
    /// // Nothing is ever written over.
    /// assert!(store.backup_to(folder.path().join("backup.annals")).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_to(&self, path: impl AsRef<Path>) -> Result<CopyReport, Error> {
        self.backup_to_with(path, |_, _| ControlFlow::Continue(()))
    }

    /// As [`Store::backup_to`]; `progress` gets bytes done and bytes in all, and may stop it. Then
    /// there is no copy.
    pub fn backup_to_with(
        &self,
        path: impl AsRef<Path>,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<CopyReport, Error> {
        copy_to(path.as_ref(), |target| self.engine.backup(target, progress))
    }

    /// As [`Store::backup_to`], to an empty device.
    ///
    /// ```
    /// use annals::storage::MemoryStorage;
    /// use annals::{NewEvent, Options, Store};
    /// let store = Store::in_memory()?;
    /// store.append("order-1", 0, [NewEvent::new("OrderPlaced", "{}")])?;
    /// let copy = std::sync::Arc::new(MemoryStorage::new());
    /// store.backup_to_storage(copy.clone())?;
    /// assert_eq!(Options::new().open_storage(copy)?.head()?.get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_to_storage(&self, device: Arc<dyn Storage>) -> Result<CopyReport, Error> {
        self.engine.backup(&device, |_, _| ControlFlow::Continue(()))
    }

    /// Writes everything anew to a new file: a store with an id of its own, that has the same
    /// events at the same positions, and no unused room. Ids that were derived are written out.
    pub fn compact_to(&self, path: impl AsRef<Path>) -> Result<CopyReport, Error> {
        self.compact_to_with(path, |_, _| ControlFlow::Continue(()))
    }

    /// As [`Store::compact_to`]; `progress` gets bytes done and bytes in all, and may stop it. Then
    /// there is no copy.
    pub fn compact_to_with(
        &self,
        path: impl AsRef<Path>,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<CopyReport, Error> {
        copy_to(path.as_ref(), |target| self.engine.compact(target, progress))
    }

    /// As [`Store::compact_to`], to an empty device.
    pub fn compact_to_storage(&self, device: Arc<dyn Storage>) -> Result<CopyReport, Error> {
        self.engine.compact(&device, |_, _| ControlFlow::Continue(()))
    }

    /// Reads a store that is damaged, however it is, and writes what is still whole to a new file:
    /// a store with an id of its own. Nothing is written to the damaged one.
    ///
    /// Nothing gets out but what passes its check. Commits, ids, times, tags, metadata and the
    /// revisions of documents are as they were; positions and versions are dense again.
    /// [`SalvageReport`] lists what is lost, by position.
    ///
    /// ```
    /// use annals::{ErrorKind, NewEvent, Store};
    /// let folder = tempfile::tempdir()?;
    /// let (path, to) = (folder.path().join("a.annals"), folder.path().join("b.annals"));
    /// let store = Store::open(&path)?;
    /// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
    /// // A store that is being written is not damaged: `backup_to` copies it.
    /// assert_eq!(Store::salvage(&path, &to).unwrap_err().kind(), ErrorKind::Locked);
    /// store.close()?;
    ///
    /// // Both slots rot: the store can't be opened for writing any more.
    /// let mut bytes = std::fs::read(&path)?;
    /// bytes[4_096..12_288].fill(0xA5);
    /// std::fs::write(&path, bytes)?;
    /// assert_eq!(Store::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    ///
    /// let report = Store::salvage(&path, &to)?;
    /// assert!(report.is_whole());
    /// assert_eq!(Store::open(&to)?.event(1)?.unwrap().payload, b"x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Locked`](crate::ErrorKind::Locked) if somebody has the store open for writing.
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) or
    /// [`ErrorKind::NotAnnals`](crate::ErrorKind::NotAnnals) if page 0 and both slots are gone:
    /// they have the key by which everything is checked.
    /// [`ErrorKind::Newer`](crate::ErrorKind::Newer); [`ErrorKind::Io`](crate::ErrorKind::Io),
    /// also if there is something at `to`.
    pub fn salvage(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<SalvageReport, Error> {
        Self::salvage_with(from, to, |_, _| ControlFlow::Continue(()))
    }

    /// As [`Store::salvage`]; `progress` gets bytes done and bytes in all, and may stop it. Then
    /// there is no new store. Each byte counts as often as it is read.
    pub fn salvage_with(
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<SalvageReport, Error> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let from = to_read(from)?;
        let make = |target: &Arc<dyn Storage>| salvage(&from, target, progress);
        new_file(to, make, |report| report.cancelled)
    }

    /// As [`Store::salvage_with`], from one device to an empty one.
    pub fn salvage_storage(
        from: &Arc<dyn Storage>,
        to: &Arc<dyn Storage>,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<SalvageReport, Error> {
        salvage(from, to, progress)
    }
}

/// Makes a file of what `copy` writes; none if it fails or is stopped.
fn copy_to(
    path: &Path,
    copy: impl FnOnce(&Arc<dyn Storage>) -> Result<CopyReport, Error>,
) -> Result<CopyReport, Error> {
    new_file(path, copy, |report| report.cancelled)
}

/// Makes a file of what `make` writes; none if it fails or says that it was stopped.
fn new_file<R>(
    path: &Path,
    make: impl FnOnce(&Arc<dyn Storage>) -> Result<R, Error>,
    is_stopped: impl FnOnce(&R) -> bool,
) -> Result<R, Error> {
    let failed =
        |error| Error::io(format!("copying the store to '{}' failed", path.display()), error);
    let new = NewFile::begin(path).map_err(failed)?;
    let target: Arc<dyn Storage> = new.storage().clone();
    let report = make(&target)?;
    if !is_stopped(&report) {
        new.finish().map_err(failed)?;
    }
    Ok(report)
}

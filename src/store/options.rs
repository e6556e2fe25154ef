//! How a store is opened.

use super::Store;
use crate::engine::{Clock, Engine, Settings};
use crate::log::Rules;
use crate::storage::{Access, FileStorage, MemoryStorage, Storage};
use crate::words::{Durability, Error, ErrorKind};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a store is opened.
///
/// ```
/// use annals::{Durability, Options};
/// let store = Options::new().durability(Durability::Buffered).in_memory()?;
/// assert_eq!(store.head()?.get(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Options {
    settings: Settings,
    access: Access,
    create: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The usual: synced commits, a file that is made if it is not there, read through maps.
    pub fn new() -> Self {
        Self { settings: Settings::default(), access: Access::Map, create: true }
    }

    /// What 'acknowledged' means for commits that don't say; [`Durability::Synced`] unless told.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = durability;
        self
    }

    /// The longest that a buffered commit waits for its sync: 1 second unless told.
    #[must_use]
    pub fn sync_within(mut self, time: Duration) -> Self {
        self.settings.sync_within = time;
        self
    }

    /// The most bytes that wait for a sync: 16 MiB unless told. A commit that would exceed it waits
    /// for one.
    #[must_use]
    pub fn sync_bytes(mut self, bytes: u64) -> Self {
        self.settings.sync_bytes = bytes.max(1);
        self
    }

    /// Keeps at least so many bytes of room ahead, filled with zeros, at most 1 GiB: commits into
    /// such room are cheaper, and a full device is noticed that much earlier. 0, the default: room
    /// is taken as the file grows, an eighth of it at most.
    #[must_use]
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.settings.reserve = bytes.min(1 << 30);
        self
    }

    /// Begins each commit in a sector of its own, so that no write touches a sector with bytes that
    /// were synced before. Annals assumes otherwise, as SQLite does, that bytes rewritten with the
    /// same value survive a torn write of their sector. It costs 256 bytes a commit on the average.
    ///
    /// Two things stay: recovery rewrites sectors, whole and as they were, and those survive; and
    /// the first commit behind one that was written without this shares its sector.
    #[must_use]
    pub fn pad_to_sector(mut self) -> Self {
        self.settings.pad_to_sector = true;
        self
    }

    /// How the file is read.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Whether a file that is not there is made; yes unless told.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Where recorded times come from; the system's clock unless told.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Without a background thread. What it would do, [`Store::chore`] does when asked; room is
    /// then prepared by the syncs of commits, or in the commit that needs it.
    #[must_use]
    pub fn without_keeper(mut self) -> Self {
        self.settings.keeper = false;
        self
    }

    /// For tests of the store itself: the smallest and the largest segment, in bytes.
    #[doc(hidden)]
    #[must_use]
    pub fn segments(mut self, min: u64, max: u64) -> Self {
        (self.settings.segment_min, self.settings.segment_max) = (min, max);
        self
    }

    /// For tests of the store itself: who writes to a block of so many bytes first, fills it with
    /// zeros; for a page, nobody does.
    #[doc(hidden)]
    #[must_use]
    pub fn write_block(mut self, bytes: u64) -> Self {
        self.settings.write_block = bytes.max(1);
        self
    }

    /// For tests of the store itself: how many events, or bytes of log, make the index in memory a
    /// run.
    #[doc(hidden)]
    #[must_use]
    pub fn tail(mut self, events: u64, bytes: u64) -> Self {
        (self.settings.tail_events, self.settings.tail_bytes) = (events, bytes);
        self
    }

    /// For tests of the store itself: which parts of the recovery rule hold.
    #[doc(hidden)]
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.settings.rules = rules;
        self
    }

    /// For tests of the store itself: what random bits are made from.
    #[doc(hidden)]
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// For tests of the store itself: how long nothing has to happen until the watermark goes to a
    /// slot.
    #[doc(hidden)]
    #[must_use]
    pub fn idle(mut self, time: Duration) -> Self {
        self.settings.idle = time;
        self
    }

    /// Opens the store in this file for reading and writing.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if it is open for writing already, [`ErrorKind::Corrupt`] if it is
    /// damaged, [`ErrorKind::NotAnnals`], [`ErrorKind::Newer`], [`ErrorKind::NotFound`] (with
    /// `create(false)`), [`ErrorKind::Io`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Store, Error> {
        let path = path.as_ref();
        let failed = |error| opening(path, error, "; to look at it, open it read-only");
        if self.create && !FileStorage::exists(path).map_err(failed)? {
            let genesis = crate::engine::genesis(&self.settings);
            match FileStorage::create(path, &genesis.bytes, genesis.length) {
                // Somebody else was faster: his store is as good.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => result.map_err(|error| {
                    Error::io(format!("creating the store '{}' failed", path.display()), error)
                })?,
            }
        }
        let storage = FileStorage::open(path, self.access, true).map_err(failed)?;
        if storage.size().map_err(failed)? == 0 {
            return Err(Error::new(
                ErrorKind::NotAnnals,
                format!(
                    "'{}' is empty, not an Annals store; remove it, and it is made anew",
                    path.display()
                ),
            ));
        }
        self.open_storage(Arc::new(storage))
    }

    /// Opens the store in this file to read it. No lock is taken; what another process commits
    /// durably appears. While it writes, a store that is opened later may for a moment show a
    /// commit less than one that was opened earlier; each by itself never goes back.
    ///
    /// A damaged store opens too, up to the damage: [`Store::recovery_report`] says so.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotAnnals`], [`ErrorKind::Newer`], [`ErrorKind::Io`];
    /// [`ErrorKind::Corrupt`] only if nothing can be read.
    pub fn open_read_only(&self, path: impl AsRef<Path>) -> Result<Store, Error> {
        let path = path.as_ref();
        let storage = FileStorage::open(path, self.access, false);
        self.open_storage_read_only(Arc::new(storage.map_err(|error| opening(path, error, ""))?))
    }

    /// Opens the store on a device of yours, for reading and writing. An empty device becomes a new
    /// store.
    pub fn open_storage(&self, storage: Arc<dyn Storage>) -> Result<Store, Error> {
        Engine::open(storage, self.settings.clone()).map(Store::new)
    }

    /// Opens the store on a device of yours to read it.
    pub fn open_storage_read_only(&self, storage: Arc<dyn Storage>) -> Result<Store, Error> {
        Engine::open_read_only(storage, &self.settings).map(Store::new)
    }

    /// A new store in memory. It behaves like one in a file, and is gone with its last handle.
    pub fn in_memory(&self) -> Result<Store, Error> {
        self.open_storage(Arc::new(MemoryStorage::new()))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.settings.durability)
            .field("sync_within", &self.settings.sync_within)
            .field("sync_bytes", &self.settings.sync_bytes)
            .field("reserve", &self.settings.reserve)
            .field("access", &self.access)
            .field("create", &self.create)
            .finish_non_exhaustive()
    }
}

/// `hint` is for whoever may not do what was asked for.
fn opening(path: &Path, error: io::Error, hint: &str) -> Error {
    let is_denied =
        matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
    let hint = if is_denied { hint } else { "" };
    Error::io(format!("opening the store '{}' failed{hint}", path.display()), error)
}

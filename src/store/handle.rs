//! The handle.

use super::{Options, Staged};
use crate::engine::{Chore, Engine, FileMap, Health, RecoveryReport, Stats, VerifyReport};
use crate::read::{Counts, Cursor, Documents, Keys, Names, Read, StreamReport, View};
use crate::wake;
use crate::words::{
    AppendError, Appended, Commit, Document, Error, ExpectedVersion, NewEvent, Position, Query,
    RecordedEvent, Summary, Version,
};
use std::borrow::Borrow;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use uuid::Uuid;

/// An open store. Clones are handles to the same store; the last one to go closes it.
///
/// ```
/// use annals::{ExpectedVersion, NewEvent, Read, Store};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("orders.annals"))?;
/// store.append("order-1", ExpectedVersion::NoStream, [NewEvent::new("OrderPlaced", "{}")])?;
///
/// // Somebody who believes that there is no order yet is told what there is.
/// let again = [NewEvent::new("OrderPlaced", "{}")];
/// let late = store.append("order-1", ExpectedVersion::NoStream, again);
/// assert_eq!(late.unwrap_err().conflict().unwrap().current.get(), 1);
///
/// for event in store.read_stream("order-1", Read::new())? {
///     assert_eq!(event?.event_type, "OrderPlaced");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(super) engine: Arc<Engine>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine: Arc::new(engine) }
    }

    /// Opens the store in this file, which is made if it is not there. See [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::new().open(path)
    }

    /// Opens the store in this file to read it, also while another process writes it. See
    /// [`Options::open_read_only`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::new().open_read_only(path)
    }

    /// A new store in memory.
    pub fn in_memory() -> Result<Self, Error> {
        Options::new().in_memory()
    }

    /// Appends events to one stream, which has to be at the expected version: a number, or an
    /// [`ExpectedVersion`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn append(
        &self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.commit(Commit::new().append(stream, expected, events))
    }

    /// Appends a commit, owned or borrowed: all of it or nothing.
    ///
    /// Runs in the caller's thread and returns when the commit is as durable as it asks to be.
    /// Concurrent commits share a sync.
    ///
    /// # Errors
    /// In this order: [`AppendError::Empty`], [`AppendError::Limit`] and [`AppendError::Invalid`]
    /// if the commit can't be one; [`AppendError::IdConflict`] if its ids are those of another one;
    /// [`AppendError::Conflict`] if a stream is not at its expected version;
    /// [`AppendError::DocumentConflict`] if a document is not at its expected revision;
    /// [`AppendError::ConditionFailed`] or [`AppendError::AlreadyExists`] if a condition does not
    /// hold. [`AppendError::Other`] if the store is closed, read-only, full or replaced. In all of
    /// these nothing of it is in the store. [`AppendError::OutcomeUnknown`] if a write or sync
    /// failed: then open the store again and commit it once more, [with
    /// ids](Commit::with_ids), or look.
    pub fn commit(&self, commit: impl Borrow<Commit>) -> Result<Appended, AppendError> {
        self.engine.commit(commit.borrow())
    }

    /// Checks and encodes a commit, of which nothing is in the store before [`Staged::commit`].
    ///
    /// # Errors
    /// Those of [`Store::commit`] that say that it can't be a commit.
    pub fn stage(&self, commit: Commit) -> Result<Staged, AppendError> {
        Staged::new(self.engine.clone(), commit)
    }

    /// Puts a document under this key, whatever is there.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn put(
        &self,
        key: impl Into<String>,
        value: impl Into<Vec<u8>>,
    ) -> Result<Appended, AppendError> {
        self.commit(Commit::new().put(key, value))
    }

    /// Deletes the document under this key, whatever is there.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn delete(&self, key: impl Into<String>) -> Result<Appended, AppendError> {
        self.commit(Commit::new().delete(key))
    }

    /// What is visible now, to read several things that belong together.
    pub fn view(&self) -> Result<View, Error> {
        self.engine.view().map(View::new)
    }

    /// The last visible position; [`Position::START`] if there is no event.
    pub fn head(&self) -> Result<Position, Error> {
        Ok(self.engine.view()?.head)
    }

    /// Events of all streams, by position.
    pub fn read_all(&self, read: Read<Position>) -> Result<Cursor, Error> {
        Ok(self.view()?.all(read))
    }

    /// Events of a stream, by version. A stream that does not exist has none.
    pub fn read_stream(&self, stream: &str, read: Read<Version>) -> Result<Cursor, Error> {
        Ok(self.view()?.stream(stream, read))
    }

    /// The events that a query means, by position. See [`View::query`].
    pub fn query(&self, query: &Query, read: Read<Position>) -> Result<Cursor, Error> {
        self.view()?.query(query, read)
    }

    /// The event at this position, if there is one.
    pub fn event(&self, position: impl Into<Position>) -> Result<Option<RecordedEvent>, Error> {
        self.view()?.event(position)
    }

    /// The event with this id, if there is one: given or derived; of several that were given it the
    /// first.
    ///
    /// ```
    /// use annals::{NewEvent, Store, Uuid};
    /// let store = Store::in_memory()?;
    /// let id = Uuid::from_u128(7);
    /// store.append("a", 0, [NewEvent::new("Noted", "x").id(id)])?;
    /// assert_eq!(store.event_by_id(id)?.unwrap().position.get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn event_by_id(&self, id: Uuid) -> Result<Option<RecordedEvent>, Error> {
        self.view()?.event_by_id(id)
    }

    /// The document with this key, if there is one.
    pub fn document(&self, key: &str) -> Result<Option<Document>, Error> {
        self.view()?.document(key)
    }

    /// Documents in the order of their keys. See [`Keys`].
    pub fn documents(&self, keys: impl Borrow<Keys>) -> Result<Documents, Error> {
        Ok(self.view()?.documents(keys.borrow()))
    }

    /// The version of a stream; [`Version::NONE`] if it does not exist.
    pub fn stream_version(&self, stream: &str) -> Result<Version, Error> {
        self.view()?.stream_version(stream)
    }

    /// The names of all streams, in the order in which they began.
    pub fn streams(&self) -> Result<Names, Error> {
        Ok(self.view()?.streams())
    }

    /// The names of the streams of a category (a stream's name up to its first `-`), in the order
    /// in which they began.
    pub fn streams_of(&self, category: &str) -> Result<Names, Error> {
        Ok(self.view()?.streams_of(category))
    }

    /// The names of all categories, sorted.
    pub fn categories(&self) -> Result<Vec<String>, Error> {
        self.view()?.categories()
    }

    /// The types of events, sorted, and how many events are of each. See [`Keys`].
    pub fn types(&self, names: impl Borrow<Keys>) -> Result<Counts, Error> {
        Ok(self.view()?.types(names.borrow()))
    }

    /// The tags of events, sorted, and how many events have each. See [`View::tags`].
    pub fn tags(&self, names: impl Borrow<Keys>) -> Result<Counts, Error> {
        Ok(self.view()?.tags(names.borrow()))
    }

    /// All events, counted by the index: however many there are, few are read.
    ///
    /// ```
    /// use annals::{NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// let events = [NewEvent::new("OrderPlaced", "{}"), NewEvent::new("Noted", "")];
    /// store.append("order-1", 0, events)?;
    /// let summary = store.summary()?;
    /// assert_eq!((summary.events, summary.payload_bytes), (2, 2));
    /// assert_eq!(summary.last.unwrap().position.get(), 2);
    /// assert_eq!(summary.types[0].name, "Noted");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summary(&self) -> Result<Summary, Error> {
        self.view()?.summary()
    }

    /// The events of a stream, counted by reading each of them.
    pub fn stream_summary(&self, stream: &str) -> Result<Summary, Error> {
        self.view()?.stream_summary(stream)
    }

    /// Looks at each event of a stream. See [`View::verify_stream`].
    pub fn verify_stream(&self, stream: &str) -> Result<StreamReport, Error> {
        self.view()?.verify_stream(stream)
    }

    /// Makes everything committed so far durable.
    pub fn sync(&self) -> Result<(), Error> {
        self.engine.chore(Chore::Sync)
    }

    /// The last durable position: a power cut takes nothing up to it.
    pub fn durable(&self) -> Position {
        self.engine.durable()
    }

    /// Returns when this position is durable, asking for a sync at once if it is not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no event has this position yet;
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly) if nothing proves it durable, and the
    /// store was opened only to look.
    pub fn wait_durable(&self, position: impl Into<Position>) -> Result<(), Error> {
        self.engine.wait_durable(position.into())
    }

    /// Waits until there is more than `after`, at most for `timeout`; returns the last visible
    /// position, which is `after` or less if the time is over.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) as soon as the store is closed.
    pub fn wait(&self, after: impl Into<Position>, timeout: Duration) -> Result<Position, Error> {
        wake::wait(&self.engine, after.into(), timeout)
    }

    /// Waits until more than `after` is durable, at most for `timeout`; returns the last durable
    /// position, which is `after` or less if the time is over. Asks for no sync: what was committed
    /// as `Buffered` is synced when its time has come.
    ///
    /// ```
    /// use annals::{Commit, Durability, NewEvent, Store};
    /// use std::time::Duration;
    /// let store = Store::in_memory()?;
    /// let commit = Commit::new().event("a", NewEvent::new("Noted", ""));
    /// store.commit(commit.durability(Durability::Buffered))?;
    /// assert_eq!(store.wait(0, Duration::from_secs(60))?.get(), 1);
    /// assert_eq!(store.wait_durable_after(0, Duration::from_secs(60))?.get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) as soon as the store is closed.
    pub fn wait_durable_after(
        &self,
        after: impl Into<Position>,
        timeout: Duration,
    ) -> Result<Position, Error> {
        wake::wait_durable_after(&self.engine, after.into(), timeout)
    }

    /// `true` if there is more than `after`, or never will be; else the waker is called once when
    /// there is. Checks and registers in one step: nothing slips through between.
    pub fn wake_after(&self, after: impl Into<Position>, waker: &Waker) -> bool {
        wake::wake_after(&self.engine, after.into(), waker)
    }

    /// `true` if more than `after` is durable, or never will be; else the waker is called once at
    /// the next sync, after which it may be. Checks and registers in one step.
    pub fn wake_durable_after(&self, after: impl Into<Position>, waker: &Waker) -> bool {
        wake::wake_durable_after(&self.engine, after.into(), waker)
    }

    /// The store's id, given when it was made.
    pub fn id(&self) -> Uuid {
        self.engine.core.identity.store_id
    }

    /// What opening the store has found and done.
    pub fn recovery_report(&self) -> &RecoveryReport {
        self.engine.report()
    }

    /// Whether commits can be made, and what went wrong in the background.
    pub fn health(&self) -> Health {
        self.engine.health()
    }

    /// The store's numbers.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.engine.stats()
    }

    /// What each byte of the file is there for: the fixed pages, segments, runs, and room that is
    /// free or that nobody names. Reads one slot, the headers of segments and the first page of
    /// each run.
    ///
    /// ```
    /// use annals::{FilePart, NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
    /// let map = store.map()?;
    /// let last = map.extents.last().unwrap();
    /// assert_eq!(last.end(), map.file_bytes);
    /// assert!(matches!(map.find(0).unwrap().part, FilePart::Header));
    /// assert!(matches!(map.find(16_384).unwrap().part, FilePart::Segment { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if no slot is valid, or if two extents
    /// share bytes of the file.
    pub fn map(&self) -> Result<FileMap, Error> {
        self.engine.map()
    }

    /// Reads everything again and compares the index with the log.
    pub fn verify(&self) -> Result<VerifyReport, Error> {
        self.verify_with(|_, _| ControlFlow::Continue(()))
    }

    /// As [`Store::verify`]; `progress` gets bytes done and bytes in all, and may stop it.
    pub fn verify_with(
        &self,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, Error> {
        self.engine.verify(progress)
    }

    /// Looks at every check there is: of page 0, the slots, the headers of segments, each frame and
    /// record of the log, and each page of the index. Finds all that rots, several times as fast as
    /// [`Store::verify`], which also finds an index that passes its checks and says other things
    /// than the log.
    ///
    /// ```
    /// use annals::storage::{MemoryStorage, Storage};
    /// use annals::{NewEvent, Options};
    /// let disk = std::sync::Arc::new(MemoryStorage::new());
    /// let store = Options::new().open_storage(disk.clone())?;
    /// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
    /// assert!(store.verify_quick()?.is_whole());
    /// // A bit of the first commit rots: it stands behind the segment's header of 64 bytes.
    /// disk.write_at(&[0xA5], 16_384 + 64 + 100)?;
    /// let report = store.verify_quick()?;
    /// assert_eq!(report.issues[0].file_offset, Some(16_384 + 64));
    /// assert_eq!(report.issues[0].position.unwrap().get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_quick(&self) -> Result<VerifyReport, Error> {
        self.verify_quick_with(|_, _| ControlFlow::Continue(()))
    }

    /// As [`Store::verify_quick`]; `progress` gets bytes done and bytes in all, and may stop it.
    pub fn verify_quick_with(
        &self,
        progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, Error> {
        self.engine.verify_quick(progress)
    }

    /// Does now what the background thread would do some time: for stores opened [without
    /// it](Options::without_keeper).
    pub fn chore(&self, chore: Chore) -> Result<(), Error> {
        self.engine.chore(chore)
    }

    /// Closes the store for all its handles, and frees its lock. Cursors and views go on.
    pub fn close(&self) -> Result<(), Error> {
        self.engine.close()
    }
}

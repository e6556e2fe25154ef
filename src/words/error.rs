//! What can go wrong, but for the refusals of a commit: one error with a kind.

use super::{LogOffset, Position};
use std::fmt;
use std::io;
use std::sync::Arc;

/// What kind of error it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused or failed; [`std::error::Error::source`] says how.
    Io,
    /// There is no such file.
    NotFound,
    /// The file is not an Annals store.
    NotAnnals,
    /// The file is of a newer format, or has a feature that this version does not know.
    Newer,
    /// The file is of a format from before the first that is kept readable.
    Older,
    /// Another writer has the file open; [`Error::holder`] names it if it can.
    Locked,
    /// Bytes that were durable once fail their check; [`Error::corruption`] says where.
    Corrupt,
    /// There is no room on the device. Nothing was written; appends work again when there is room.
    Full,
    /// The store was opened read-only.
    ReadOnly,
    /// The store was closed.
    Closed,
    /// The file at the store's path is another one now, or none.
    Replaced,
    /// A write or sync failed before: nobody knows what is on the device. Open the store again.
    OutcomeUnknown,
    /// What was asked for has no meaning or is over a limit; the message says which.
    Invalid,
}

/// Where and how a store is damaged.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Corruption {
    /// The byte of the file at which the damage was met, where it has a place.
    pub file_offset: Option<u64>,
    /// The log offset at which the damage was met, if it is in the log.
    pub log_offset: Option<LogOffset>,
    /// The last position before the damage, if it is in the log: everything up to it can still be
    /// read.
    pub intact_to: Option<Position>,
    /// What was found there, in words.
    pub what: String,
}

/// Any error but those of an append that callers branch on.
///
/// ```
/// use annals::{ErrorKind, Store};
/// let error = Store::open_read_only("no/such/file.annals").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    corruption: Option<Corruption>,
    holder: Option<u32>,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::build(kind, message.into(), None, None, None)
    }

    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Io,
        };
        Self::build(kind, doing.into(), None, None, Some(source))
    }

    /// A failure after which nobody knows what is on the device.
    pub(crate) fn poisoned_by(doing: impl Into<String>, source: io::Error) -> Self {
        Self::build(ErrorKind::OutcomeUnknown, doing.into(), None, None, Some(source))
    }

    pub(crate) fn corrupt(corruption: Corruption) -> Self {
        Self::build(ErrorKind::Corrupt, String::new(), Some(corruption), None, None)
    }

    pub(crate) fn locked(message: impl Into<String>, holder: Option<u32>) -> Self {
        Self::build(ErrorKind::Locked, message.into(), None, holder, None)
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the store was closed")
    }

    pub(crate) fn outcome_unknown() -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "a write or sync of this store failed: what is on the device is unknown; open it again",
        )
    }

    fn build(
        kind: ErrorKind,
        message: String,
        corruption: Option<Corruption>,
        holder: Option<u32>,
        source: Option<io::Error>,
    ) -> Self {
        Self { inner: Arc::new(Inner { kind, message, corruption, holder, source }) }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// For [`ErrorKind::Corrupt`]: where, and how much is intact.
    pub fn corruption(&self) -> Option<&Corruption> {
        self.inner.corruption.as_ref()
    }

    /// For [`ErrorKind::Locked`]: the process that has the store open, if the file says so. Advice,
    /// not proof.
    pub fn holder(&self) -> Option<u32> {
        self.inner.holder
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        if let Some(corruption) = &inner.corruption {
            return corruption.fmt(f);
        }
        f.write_str(&inner.message)?;
        if let Some(source) = &inner.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store is corrupt")?;
        if let Some(offset) = self.file_offset {
            write!(f, " at byte {offset} of the file")?;
        }
        if let Some(offset) = self.log_offset {
            write!(f, " (log offset {offset})")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(position) = self.intact_to {
            write!(f, "; opened read-only it gives the events up to position {position}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.inner.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_ref().map(|source| {
            let source: &(dyn std::error::Error + 'static) = source;
            source
        })
    }
}

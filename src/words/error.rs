//! What can go wrong. What callers branch on is structured; the rest is one error with a kind.

use super::{ExpectedVersion, Limit, LogOffset, Position, Version};
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

/// A stream was not at the version that was expected of it.
#[doc(alias = "WrongExpectedVersion")]
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Conflict {
    /// Which stream.
    pub stream: String,
    /// What was expected.
    pub expected: ExpectedVersion,
    /// What it is.
    pub current: Version,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream '{}' was expected ", self.stream)?;
        match self.expected {
            ExpectedVersion::Any => write!(f, "to be anything")?,
            ExpectedVersion::NoStream => write!(f, "not to exist")?,
            ExpectedVersion::StreamExists => write!(f, "to exist")?,
            ExpectedVersion::Exact(version) => write!(f, "at version {version}")?,
        }
        match self.current {
            Version::NONE => write!(f, ", but it does not exist"),
            current => write!(f, ", but is at version {current}"),
        }
    }
}

/// A limit was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LimitExceeded {
    /// Which.
    pub limit: Limit,
    /// The most that is allowed.
    pub allowed: u64,
    /// What was given.
    pub given: u64,
}

impl LimitExceeded {
    pub(crate) fn check(limit: Limit, given: u64) -> Result<(), Refusal> {
        let allowed = limit.allowed();
        if given <= allowed { Ok(()) } else { Err(Refusal::Limit(Self { limit, allowed, given })) }
    }

    pub(crate) fn check_len(limit: Limit, given: usize) -> Result<(), Refusal> {
        Self::check(limit, u64::try_from(given).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many {}: {} given, at most {} allowed", self.limit, self.given, self.allowed)
    }
}

/// Something in a commit has no meaning.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Invalid {
    /// A stream, type or tag has the empty name; `what` says which of them.
    EmptyName {
        /// `stream`, `type` or `tag`.
        what: &'static str,
    },
    /// A name has a NUL in it; `what` says which kind of name.
    NulInName {
        /// `stream`, `type` or `tag`.
        what: &'static str,
    },
    /// A query has no items: to mean all events, say so.
    NoItems,
    /// An item of a query asks for nothing: to mean all events, say so.
    EmptyItem,
    /// The commit names this stream twice.
    StreamTwice {
        /// Which stream.
        stream: String,
    },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyName { what } => write!(f, "a {what} has an empty name"),
            Self::NulInName { what } => write!(f, "a {what} has a NUL character in its name"),
            Self::NoItems => f.write_str("a query has no items; for all events use `Query::all`"),
            Self::EmptyItem => {
                f.write_str("an item of a query asks for nothing; for all events use `Query::all`")
            }
            Self::StreamTwice { stream } => {
                write!(f, "stream '{stream}' is named twice; give all its events at once")
            }
        }
    }
}

/// Why a commit can't be one, found before anything else is looked at.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// Nothing in it.
    Empty,
    /// Over a limit.
    Limit(LimitExceeded),
    /// Without meaning.
    Invalid(Invalid),
}

impl Refusal {
    pub(super) fn twice(stream: &str) -> Self {
        Self::Invalid(Invalid::StreamTwice { stream: stream.to_owned() })
    }
}

/// A query that can't be one.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let what = match refusal {
            Refusal::Empty => "there is nothing in it".to_owned(),
            Refusal::Limit(limit) => limit.to_string(),
            Refusal::Invalid(invalid) => invalid.to_string(),
        };
        Self::new(ErrorKind::Invalid, what)
    }
}

impl From<Refusal> for AppendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Empty => Self::Empty,
            Refusal::Limit(limit) => Self::Limit(limit),
            Refusal::Invalid(invalid) => Self::Invalid(invalid),
        }
    }
}

/// Why a commit did not land. Whatever the reason, nothing of it is in the store,
/// [`AppendError::OutcomeUnknown`] excepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// A stream was not as expected.
    Conflict(Conflict),
    /// The commit holds no event.
    Empty,
    /// Something in it is over a limit.
    Limit(LimitExceeded),
    /// Something in it has no meaning.
    Invalid(Invalid),
    /// A write or sync failed: the commit may be there or not. Open the store again and look.
    OutcomeUnknown(Error),
    /// Anything else: closed, read-only, no room, I/O.
    Other(Error),
}

impl AppendError {
    /// The conflict, if that is what it is.
    pub fn conflict(&self) -> Option<&Conflict> {
        match self {
            Self::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// The kind, for the errors that have one.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::OutcomeUnknown(error) | Self::Other(error) => Some(error.kind()),
            _ => None,
        }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::OutcomeUnknown => Self::OutcomeUnknown(error),
            _ => Self::Other(error),
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::Empty => f.write_str("the commit holds no event"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::OutcomeUnknown(error) | Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AppendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::OutcomeUnknown(error) | Self::Other(error) => error.source(),
            _ => None,
        }
    }
}

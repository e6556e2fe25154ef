//! Why a commit did not land: values, with what the caller needs to go on.

use super::{Error, ErrorKind, ExpectedVersion, Limit, Position, Revision, Version};
use std::fmt;
use uuid::Uuid;

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

/// A document was not at the revision that was expected of it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DocumentConflict {
    /// Its key.
    pub key: String,
    /// What was expected; [`Revision::NONE`] that it is not there.
    pub expected: Revision,
    /// What it is; [`Revision::NONE`] if it is not there.
    pub current: Revision,
}

impl fmt::Display for DocumentConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document '{}' was expected ", self.key)?;
        match self.expected {
            Revision::NONE => write!(f, "not to exist")?,
            expected => write!(f, "at revision {expected}")?,
        }
        match self.current {
            Revision::NONE => write!(f, ", but it does not exist"),
            current => write!(f, ", but is at revision {current}"),
        }
    }
}

/// An event that must not be there is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConditionFailed {
    /// Which of the commit's conditions, counted from 0.
    pub condition: usize,
    /// The first event that made it fail: its position.
    pub position: Position,
    /// That event's id.
    pub id: Uuid,
}

impl fmt::Display for ConditionFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { condition, position, id } = self;
        write!(f, "the event at position {position} ({id}) matches condition {condition}")
    }
}

/// Some of a commit's ids are in the store already, and it is not that commit once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct IdConflict {
    /// An id that is there already.
    pub id: Uuid,
    /// Where.
    pub position: Position,
    /// What differs from the commit that is there.
    pub difference: Difference,
}

/// What makes two commits with a common id different ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Difference {
    /// An event is of another stream, has another id, or has one where the other has none.
    Event,
    /// The commit goes on where the one that landed ends.
    Longer,
    /// A document that the commit changes is not changed by the one that landed.
    Document,
}

impl fmt::Display for IdConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, position, .. } = self;
        write!(f, "an event with id {id} is at position {position} already, of another commit: ")?;
        f.write_str(match self.difference {
            Difference::Event => "their events differ in stream or id",
            Difference::Longer => "this one has more events; retry with the same ones",
            Difference::Document => "this one changes a document that the other does not change",
        })
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
    /// A stream, type, tag or document's key is empty; `what` says which of them.
    EmptyName {
        /// `stream`, `type`, `tag` or `document key`.
        what: &'static str,
    },
    /// A name has a NUL in it; `what` says which kind of name.
    NulInName {
        /// `stream`, `type`, `tag` or `document key`.
        what: &'static str,
    },
    /// A query has no items: to mean all events, say so.
    NoItems,
    /// An item of a query asks for nothing: to mean all events, say so.
    EmptyItem,
    /// The commit says twice what it expects of this stream.
    StreamTwice {
        /// Which stream.
        stream: String,
    },
    /// The commit names this document twice.
    DocumentTwice {
        /// Its key.
        key: String,
    },
    /// Two events of the commit have this id.
    IdTwice {
        /// Which id; where there are several, the one that comes again first, in the order of the
        /// commit.
        id: Uuid,
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
                write!(f, "what is expected of stream '{stream}' is said twice; say it once")
            }
            Self::DocumentTwice { key } => {
                write!(f, "document '{key}' is named twice; give its last value only")
            }
            Self::IdTwice { id } => write!(f, "two events of the commit have the id {id}"),
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
    /// What is expected of a stream is said twice.
    pub fn stream_twice(stream: &str) -> Self {
        Self::Invalid(Invalid::StreamTwice { stream: stream.to_owned() })
    }

    /// A document is named twice.
    pub fn document_twice(key: &str) -> Self {
        Self::Invalid(Invalid::DocumentTwice { key: key.to_owned() })
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
    /// Something has happened that was not to happen.
    ConditionFailed(ConditionFailed),
    /// What was to be the first of its kind is not.
    AlreadyExists(ConditionFailed),
    /// A document was not as expected.
    DocumentConflict(DocumentConflict),
    /// Some of its ids are in the store, and it is not that commit once more.
    IdConflict(IdConflict),
    /// The commit holds no event, and changes no document.
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
    /// The conflict over a stream's version, if that is what it is.
    pub fn conflict(&self) -> Option<&Conflict> {
        match self {
            Self::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// The event that made a condition fail, if that is what it is; what was to be the first of its
    /// kind included.
    pub fn condition_failed(&self) -> Option<&ConditionFailed> {
        match self {
            Self::ConditionFailed(failed) | Self::AlreadyExists(failed) => Some(failed),
            _ => None,
        }
    }

    /// The conflict over a document's revision, if that is what it is.
    pub fn document_conflict(&self) -> Option<&DocumentConflict> {
        match self {
            Self::DocumentConflict(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Whether somebody else was faster: who reads again and decides again may succeed.
    ///
    /// ```
    /// use annals::{NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// let note = || [NewEvent::new("Noted", "")];
    /// store.append("a", 0, note())?;
    /// assert!(store.append("a", 0, note()).unwrap_err().is_conflict());
    /// assert!(!store.append("", 0, note()).unwrap_err().is_conflict());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::ConditionFailed(_) | Self::DocumentConflict(_))
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
            Self::ConditionFailed(failed) => {
                write!(f, "{failed} of the commit; read what has come, and decide again")
            }
            Self::AlreadyExists(failed) => {
                write!(f, "it exists already: {failed} of the commit")
            }
            Self::DocumentConflict(conflict) => conflict.fmt(f),
            Self::IdConflict(conflict) => conflict.fmt(f),
            Self::Empty => f.write_str("the commit holds no event and changes no document"),
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

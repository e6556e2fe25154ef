//! How it ends: why it could not do what was asked, and with which exit code.

use crate::show::escaped;
use annals::{AppendError, ErrorKind};
use std::fmt;
use std::io;

/// It looked, and something is wrong: a store that is not whole, two that differ, lines that are
/// no events, a program that failed.
pub const PROBLEMS: u8 = 1;
/// It could not do what was asked.
pub const CAN_NOT: u8 = 2;
/// What was asked for is not there: a stream, a type, a tag, a document.
pub const NOT_THERE: u8 = 3;
/// Nothing was appended, since what was expected does not hold.
pub const REFUSED: u8 = 4;
/// Somebody else is writing to the store.
pub const LOCKED: u8 = 5;
/// It was interrupted.
pub const INTERRUPTED: u8 = 130;

/// What the help says of them.
pub const CODES: &str = "\
Exit codes:
  0    done
  1    looked, and something is wrong: problems found, differences, lines that are no events
  2    could not run: wrong usage, no such file, not a store, newer, no room, I/O; or the store is
       damaged, and what was shown is not all
  3    what was asked for is not there: a stream, a type, a tag, a document
  4    nothing was appended: what was expected does not hold
  5    somebody else is writing to the store: try again
  130  interrupted; everything is left whole";

/// Why it ends without having done what was asked.
#[derive(Debug)]
pub enum Failure {
    /// With this code, and this to say; nothing if it is said already.
    Ended(u8, String),
    /// Nobody reads what it writes any more.
    NobodyReads,
}

/// What each verb returns.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// It could not do what was asked.
    pub fn can_not(message: impl Into<String>) -> Self {
        Self::Ended(CAN_NOT, message.into())
    }

    /// Something is wrong with what it looked at.
    pub fn problems(message: impl Into<String>) -> Self {
        Self::Ended(PROBLEMS, message.into())
    }

    /// What was asked for is not there.
    pub fn not_there(message: impl Into<String>) -> Self {
        Self::Ended(NOT_THERE, message.into())
    }

    /// It was interrupted, and has this to say about what is there now.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::Ended(INTERRUPTED, message.into())
    }

    /// A failed read or write of something else than a store, and what it was.
    pub fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        Self::can_not(format!("{doing}: {error}"))
    }
}

impl From<annals::Error> for Failure {
    fn from(error: annals::Error) -> Self {
        let (code, hint) = match error.kind() {
            ErrorKind::Locked => {
                (LOCKED, "; `read`, `tail`, `stats` and `backup` work beside its writer")
            }
            ErrorKind::Corrupt => {
                (CAN_NOT, "; `verify` lists the damage, `salvage` gets the rest out")
            }
            ErrorKind::Newer => (CAN_NOT, "; a newer `annals` reads it"),
            ErrorKind::Full => (CAN_NOT, "; make room, and try again"),
            _ => (CAN_NOT, ""),
        };
        Self::Ended(code, format!("{}{hint}", harmless(&error)))
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let refused = |what: &dyn fmt::Display| Self::Ended(REFUSED, harmless(what));
        match error {
            AppendError::OutcomeUnknown(error) | AppendError::Other(error) => error.into(),
            AppendError::Conflict(what) => refused(&what),
            AppendError::ConditionFailed(what) | AppendError::AlreadyExists(what) => refused(&what),
            AppendError::DocumentConflict(what) => refused(&what),
            AppendError::IdConflict(what) => refused(&what),
            other => Self::can_not(harmless(&other)),
        }
    }
}

/// What the library says has names in it that come from a file, or are those of files.
fn harmless(error: &dyn fmt::Display) -> String {
    escaped(&error.to_string()).into_owned()
}

/// What writing to standard output meets.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::io("writing failed", &error),
        }
    }
}

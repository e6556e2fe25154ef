//! Why an event, or a value, could not be written or read.

use crate::Position;
use std::fmt;

/// Why an event or a value could not be written or read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// No type of the program has this name, and such events are not to be passed over.
    UnknownType {
        /// The name.
        event_type: String,
        /// Where the event stands.
        position: Position,
    },
    /// The event was written by a newer version of the program.
    Newer {
        /// Its type.
        event_type: String,
        /// Its schema version.
        version: u16,
        /// The one that this program writes.
        known: u16,
        /// Where the event stands.
        position: Position,
    },
    /// The event has an older schema version from which no upcaster leads on.
    NoUpcaster {
        /// Its type.
        event_type: String,
        /// The version from which nothing leads on.
        version: u16,
        /// The one that this program writes.
        known: u16,
        /// Where the event stands.
        position: Position,
    },
    /// The event's payload is not what its type says.
    Event {
        /// Its type.
        event_type: String,
        /// Where it stands.
        position: Position,
        /// What is wrong.
        what: String,
    },
    /// Bytes are not the value that they are to be.
    Unreadable(String),
    /// A value can't be written.
    Unwritable(String),
}

impl CodecError {
    pub(crate) fn unreadable(error: impl fmt::Display) -> Self {
        Self::Unreadable(error.to_string())
    }

    pub(crate) fn unwritable(error: impl fmt::Display) -> Self {
        Self::Unwritable(error.to_string())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { event_type, position } => write!(
                f,
                "the event at position {position} has the type '{event_type}', which this program \
                 does not know; to pass over such events, say `Unknown::Skip`"
            ),
            Self::Newer { event_type, version, known, position } => write!(
                f,
                "the event at position {position} is a '{event_type}' of schema version {version}, \
                 and this program knows {known} at the most: use a newer one"
            ),
            Self::NoUpcaster { event_type, version, known, position } => write!(
                f,
                "the event at position {position} is a '{event_type}' of schema version {version}, \
                 and no upcaster leads from there to {known}"
            ),
            Self::Event { event_type, position, what } => {
                write!(f, "the event at position {position} is no '{event_type}': {what}")
            }
            Self::Unreadable(what) => write!(f, "it can't be read: {what}"),
            Self::Unwritable(what) => write!(f, "it can't be written: {what}"),
        }
    }
}

impl std::error::Error for CodecError {}

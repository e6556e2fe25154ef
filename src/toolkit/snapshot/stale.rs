//! Why a snapshot is passed over.

use crate::{Position, Version};
use std::fmt;

/// Why a snapshot is passed over, as if there were none. It can be made again from the events.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Stale {
    /// It is one of another kind of state.
    Kind {
        /// Which one.
        found: String,
    },
    /// It is that of another state of the kind.
    Key {
        /// Whose it is.
        found: String,
    },
    /// The state had another schema when it was written.
    Schema {
        /// Which one.
        found: u32,
    },
    /// It is written in another encoding.
    Encoding {
        /// Which one.
        found: String,
    },
    /// A stream's snapshot where one of a query is wanted, or the other way round.
    Boundary,
    /// Its stream has no such version, or at that version another event; or the store ends before
    /// it.
    Beyond {
        /// The version that it says.
        version: Version,
        /// The position that it says.
        position: Position,
    },
    /// Its bytes are no snapshot, or no such state.
    Unreadable(String),
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { found } => write!(f, "the snapshot is of the kind '{found}'"),
            Self::Key { found } => write!(f, "the snapshot is that of '{found}'"),
            Self::Schema { found } => write!(f, "the snapshot has schema {found}"),
            Self::Encoding { found } => write!(f, "the snapshot is written as {found}"),
            Self::Boundary => f.write_str("the snapshot is of another sort of boundary"),
            Self::Beyond { version, position } => write!(
                f,
                "the snapshot is of version {version} at position {position}, where the store has \
                 no such event"
            ),
            Self::Unreadable(what) => write!(f, "the snapshot can't be read: {what}"),
        }
    }
}

//! What is the most that a commit may hold; each limit is checked before anything is allocated.

use std::fmt;

/// A named limit. [`Limit::allowed`] gives its number; the constants are the same numbers.
///
/// ```
/// use annals::Limit;
/// assert_eq!(Limit::Payload.allowed(), 64 << 20);
/// assert_eq!(Limit::Payload.to_string(), "payload bytes of an event");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of one event's payload: 64 MiB.
    Payload,
    /// Bytes of one event's metadata: 1 MiB.
    Metadata,
    /// Bytes of one commit, with everything that is stored for it: 256 MiB.
    CommitBytes,
    /// Events in one commit: 65,536.
    CommitEvents,
    /// Streams that one commit names, written or only expected: 65,536.
    CommitStreams,
    /// Documents that one commit changes or only expects something of: 65,536.
    CommitDocuments,
    /// Conditions of one commit: 65,536.
    CommitConditions,
    /// Bytes of a stream's name, a type or a tag: 1,024.
    Name,
    /// Bytes of a document's key: 1,024.
    Key,
    /// Bytes of a document's value: 64 MiB.
    Value,
    /// Tags of one event, or of one item of a query: 128.
    Tags,
    /// Items of one query: 256.
    QueryItems,
    /// Positions of a store: 2^63 - 1.
    Positions,
    /// Versions of a stream: 2^63 - 1.
    Versions,
    /// Revisions of a document: 2^63 - 1.
    Revisions,
    /// Bytes of a file: 2^63 - 1.
    FileBytes,
}

impl Limit {
    /// The most that is allowed, inclusive.
    pub const fn allowed(self) -> u64 {
        match self {
            Self::Payload | Self::Value => 64 << 20,
            Self::Metadata => 1 << 20,
            Self::CommitBytes => 256 << 20,
            Self::CommitEvents
            | Self::CommitStreams
            | Self::CommitDocuments
            | Self::CommitConditions => 65_536,
            Self::Name | Self::Key => 1_024,
            Self::Tags => 128,
            Self::QueryItems => 256,
            Self::Positions | Self::Versions | Self::Revisions | Self::FileBytes => (1 << 63) - 1,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payload => "payload bytes of an event",
            Self::Metadata => "metadata bytes of an event",
            Self::CommitBytes => "bytes of a commit",
            Self::CommitEvents => "events of a commit",
            Self::CommitStreams => "streams of a commit",
            Self::CommitDocuments => "documents of a commit",
            Self::CommitConditions => "conditions of a commit",
            Self::Name => "bytes of a name",
            Self::Key => "bytes of a document's key",
            Self::Value => "bytes of a document's value",
            Self::Tags => "tags of an event",
            Self::QueryItems => "items of a query",
            Self::Positions => "positions of a store",
            Self::Versions => "versions of a stream",
            Self::Revisions => "revisions of a document",
            Self::FileBytes => "bytes of a file",
        })
    }
}

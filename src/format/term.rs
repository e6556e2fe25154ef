//! Terms: what the index knows events by.

use super::check::{FileKey, TermHash};
use crate::words::{LogOffset, Position, Revision, Version};
use uuid::Uuid;

/// What a term is. The number is in the hash of the term and in the names of a run; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum TermKind {
    /// The events of a stream.
    Stream,
    /// The events of the streams of a category.
    Category,
    /// The events of a type.
    Type,
    /// The events with a tag.
    Tag,
    /// The events of a conversation.
    Correlation,
    /// The events with a cause.
    Causation,
    /// The event with an id that was given to it.
    Id,
    /// The first event of each stream. Its text is empty.
    Begins,
    /// The first event of each stream of a category.
    BeginsIn,
    /// The newest record of a document.
    Document,
}

impl TermKind {
    /// The kinds whose names a run lists, in the order in which it lists them.
    pub const NAMED: [Self; 5] =
        [Self::Stream, Self::Category, Self::Type, Self::Tag, Self::Document];

    /// What an entry's ids are terms of.
    pub const IDS: [Self; 3] = [Self::Id, Self::Correlation, Self::Causation];

    /// Its number on disk.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Stream => 1,
            Self::Category => 2,
            Self::Type => 3,
            Self::Tag => 4,
            Self::Correlation => 5,
            Self::Causation => 6,
            Self::Id => 7,
            Self::Begins => 8,
            Self::BeginsIn => 9,
            Self::Document => 10,
        }
    }

    /// The kind with this number, if a run lists its names.
    pub(super) fn named(byte: u8) -> Option<Self> {
        Self::NAMED.into_iter().find(|kind| kind.byte() == byte)
    }
}

impl TermHash {
    /// The hash of a term of this kind whose text has this hash.
    ///
    /// Two texts whose keyed hashes differ by the same few bits are as unlikely as two that are
    /// equal.
    #[must_use]
    pub fn of(self, kind: TermKind) -> Self {
        Self(self.0 ^ u128::from(kind.byte()))
    }

    /// Its upper half: runs sort by it, and find by it about where a term is.
    pub fn high(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.to_be_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// A name and its keyed hash, whatever it is the name of.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The name.
    pub text: &'a str,
    /// Its hash.
    pub hash: TermHash,
}

/// A name that events of a commit refer to, as a term of one kind.
#[derive(Clone, Copy, Debug)]
pub struct TermName<'a> {
    /// What it is the name of.
    pub kind: TermKind,
    /// The name.
    pub text: &'a str,
    /// The hash of the term.
    pub hash: TermHash,
}

/// What the newest table knows of a name of a commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolved {
    /// The term's number in the table, if it has it.
    pub term: Option<u32>,
    /// Bytes from the current segment's first byte to the name; 0 if it is not there yet.
    pub reference: u32,
    /// For a stream that the table has: its version.
    pub version: Option<Version>,
}

/// The terms of the ids that an event was given, as [`TermKind::IDS`] has them.
pub fn terms_of_ids(ids: [Option<Uuid>; 3], key: &FileKey) -> [Option<TermHash>; 3] {
    let mut kinds = TermKind::IDS.into_iter();
    ids.map(|id| {
        let kind = kinds.next()?;
        id.map(|id| key.term(id.as_bytes()).of(kind))
    })
}

/// An event of a commit that has its place: its names are numbers among the names of the commit.
#[derive(Clone, Copy, Debug)]
pub struct PlacedEvent<'a> {
    /// Its position.
    pub position: Position,
    /// Where its record stands.
    pub at: LogOffset,
    /// Its number in its stream.
    pub version: Version,
    /// Bytes of its payload.
    pub payload: u32,
    /// Its stream.
    pub stream: u32,
    /// Its type.
    pub event_type: u32,
    /// Its tags.
    pub tags: &'a [u32],
    /// The terms of the ids that it was given, as [`TermKind::IDS`] has them.
    pub ids: [Option<TermHash>; 3],
}

/// An event as the index takes it in: where it is, and its terms.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its position.
    pub position: Position,
    /// Where its record stands.
    pub at: LogOffset,
    /// Its number in its stream.
    pub version: Version,
    /// Bytes of its payload.
    pub payload: u32,
    /// Its stream.
    pub stream: Named<'a>,
    /// Its type.
    pub event_type: Named<'a>,
    /// Its tags.
    pub tags: &'a [Named<'a>],
    /// The ids that it was given, as [`TermKind::IDS`] has them: its own, the conversation's, the
    /// cause's.
    pub ids: [Option<Uuid>; 3],
}

/// Where the record of a document is, and what it says beside the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DocumentPlace {
    /// Where its record stands.
    pub at: LogOffset,
    /// Its number among the records of its key.
    pub revision: Revision,
    /// Whether it says that the document is deleted.
    pub deleted: bool,
}

/// A document's record as the index takes it in.
#[derive(Clone, Copy, Debug)]
pub struct DocumentEntry<'a> {
    /// Its key.
    pub key: Named<'a>,
    /// Where it is.
    pub place: DocumentPlace,
    /// The record of its key before it.
    pub before: Option<DocumentPlace>,
}

/// What a commit has for the index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entries<'a> {
    /// Its events, in their order.
    pub events: &'a [Entry<'a>],
    /// Its documents, in theirs.
    pub documents: &'a [DocumentEntry<'a>],
}

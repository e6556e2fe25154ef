//! A commit's bytes before it has a place (draft), and what the place adds (place).
//!
//! Everything that does not depend on the place is done outside of the writer's lock: payloads are
//! copied and summed once.

mod make;
mod names;
mod place;

use crate::format::{DocumentEntry, DocumentPlace, Entry, KeyedAlready, Named, TermHash, u64_of};
use crate::words::{ExpectedVersion, LogOffset, Position, Revision, Version};
use names::NameList;
pub use place::Place;
use std::collections::HashMap;
use uuid::Uuid;

/// Where the current segment has each name: bytes from the segment's first byte.
pub type Names = HashMap<TermHash, u32, KeyedAlready>;

/// A commit's bytes before it has a place.
pub struct Draft {
    /// Room for the header and all names, then the records.
    buffer: Vec<u8>,
    /// Where the records begin in `buffer`.
    records_at: usize,
    names: NameList,
    events: Vec<DraftEvent>,
    tag_names: Vec<u32>,
    /// The streams it names, in the order of the commit.
    pub streams: Vec<DraftStream>,
    /// The documents it names, in the order of the commit.
    pub documents: Vec<DraftDocument>,
    /// The frame ends at a multiple of this.
    sector: usize,
}

/// A stream that a commit names.
pub struct DraftStream {
    /// By which the index knows it.
    pub hash: TermHash,
    /// What is expected of it.
    pub expected: ExpectedVersion,
    /// How many events it gets.
    pub events: u64,
    /// Its name.
    pub name: String,
}

/// A document that a commit names.
pub struct DraftDocument {
    /// By which the index knows it.
    pub hash: TermHash,
    /// Its key.
    pub key: String,
    /// At which revision it has to be.
    pub expected: Option<Revision>,
    /// The revision that it gets, where that is not for the store to say.
    pub given: Option<Revision>,
    /// Its record; nothing if it is only looked at.
    record: Option<DraftRecord>,
}

/// The record of a document that is put or deleted.
struct DraftRecord {
    /// Its first byte, from the first record on.
    at: usize,
    body_crc: u32,
    deleted: bool,
    /// Given with the place.
    placed: DocumentPlace,
    before: Option<DocumentPlace>,
}

struct DraftEvent {
    /// Its record's first byte, from the first record on.
    at: usize,
    body_crc: u32,
    /// Which of the draft's streams.
    stream: u32,
    stream_name: u32,
    type_name: u32,
    /// Where its tags begin in `tag_names`, and how many they are.
    tags: (usize, usize),
    ids: [Option<Uuid>; 3],
    payload: u32,
    /// Given with the place.
    placed: (Position, Version, LogOffset),
}

impl Draft {
    /// Its events.
    pub fn events(&self) -> u64 {
        u64_of(self.events.len())
    }

    /// The ids that its events were given, in their order.
    pub fn ids(&self) -> impl Iterator<Item = Option<Uuid>> {
        self.events.iter().map(|event| event.ids[0])
    }

    /// The stream of each of its events, by the number that it has in the draft.
    pub fn stream_numbers(&self) -> impl Iterator<Item = u32> {
        self.events.iter().map(|event| event.stream)
    }

    /// The bytes of its frame in a segment that has these names already, and at most so many more
    /// to fill a sector.
    pub fn len_with(&self, names: &Names) -> u64 {
        let known = self.names.list.iter().filter(|name| names.contains_key(&name.hash));
        let known: usize = known.map(|name| self.names.len_of(name)).sum();
        u64_of((self.buffer.len() - known).saturating_add(self.sector - 8))
    }

    /// The same in a segment that has no names yet.
    pub fn len_alone(&self) -> u64 {
        u64_of(self.buffer.len().saturating_add(self.sector - 8))
    }
}

/// What the index takes in, once it has its place.
impl Draft {
    /// The names of its events' tags, for [`Draft::entries`].
    pub fn tags(&self) -> Vec<Named<'_>> {
        self.tag_names.iter().map(|name| self.names.named(*name)).collect()
    }

    /// Its events.
    pub fn entries<'a>(&'a self, tags: &'a [Named<'a>]) -> impl Iterator<Item = Entry<'a>> {
        self.events.iter().map(|event| {
            let (position, version, at) = event.placed;
            let (start, count) = event.tags;
            Entry {
                position,
                at,
                version,
                payload: event.payload,
                stream: self.names.named(event.stream_name),
                event_type: self.names.named(event.type_name),
                tags: tags.get(start..start + count).unwrap_or_default(),
                ids: event.ids,
            }
        })
    }

    /// Its documents, those that are only looked at left out.
    pub fn document_entries(&self) -> impl Iterator<Item = DocumentEntry<'_>> {
        self.documents.iter().filter_map(|document| {
            let record = document.record.as_ref()?;
            Some(DocumentEntry {
                key: Named { text: &document.key, hash: document.hash },
                place: record.placed,
                before: record.before,
            })
        })
    }
}

impl DraftDocument {
    /// Whether it gets a record.
    pub fn is_change(&self) -> bool {
        self.record.is_some()
    }
}

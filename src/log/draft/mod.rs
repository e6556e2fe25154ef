//! A commit's bytes before it has a place (draft), and what the place adds (place).
//!
//! Everything that does not depend on the place is done outside of the writer's lock: payloads are
//! copied and summed once. A draft can be used again for another commit: then nothing is allocated.

mod make;
mod names;
mod place;
#[cfg(test)]
mod tests;

use crate::format::{
    DocumentEntry, DocumentPlace, Named, PlacedEvent, Resolved, TermHash, TermKind, TermName,
    u64_of,
};
use crate::words::{ExpectedVersion, LogOffset, Position, Revision, Version};
use names::{NameList, Numbers};
pub use place::Place;
use uuid::Uuid;

/// A commit's bytes before it has a place.
#[derive(Default)]
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
    /// Which of the streams, and which of the documents, were met before.
    met: [Numbers; 2],
    /// What the newest table knows of each name.
    pub resolved: Vec<Resolved>,
    /// The version of each stream before the commit.
    pub versions: Vec<Version>,
    /// The newest record of each document before the commit.
    pub newest: Vec<Option<DocumentPlace>>,
    /// The terms of all names, by number in the newest table.
    pub terms: Vec<u32>,
}

/// A stream that a commit names.
pub struct DraftStream {
    /// What is expected of it.
    pub expected: ExpectedVersion,
    /// How many events it gets.
    pub events: u64,
    /// Its version with the commit; given with the place.
    pub last: Version,
    /// Which of the commit's names it is.
    name: u32,
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
    /// Which of its names.
    stream_name: u32,
    type_name: u32,
    /// Where its tags begin in `tag_names`, and how many they are.
    tags: (usize, usize),
    /// The id that it was given.
    id: Option<Uuid>,
    /// Terms of that and of what it belongs to.
    ids: [Option<TermHash>; 3],
    payload: u32,
    /// Given with the place.
    placed: (Position, Version, LogOffset),
}

/// A buffer that grew beyond this is given back.
const KEEP: usize = 1 << 20;

impl Draft {
    /// Forgets the commit, and keeps room of usual size for another.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(KEEP);
        self.names.clear();
        self.events.clear();
        self.tag_names.clear();
        self.streams.clear();
        self.documents.clear();
        self.met.iter_mut().for_each(Numbers::clear);
        self.resolved.clear();
        self.versions.clear();
        self.newest.clear();
    }

    /// Its events.
    pub fn events(&self) -> u64 {
        u64_of(self.events.len())
    }

    /// The ids that its events were given, in their order.
    pub fn ids(&self) -> impl Iterator<Item = Option<Uuid>> {
        self.events.iter().map(|event| event.id)
    }

    /// The terms of these ids.
    pub fn id_terms(&self) -> impl Iterator<Item = TermHash> {
        self.events.iter().filter_map(|event| event.ids[0])
    }

    /// The stream of each of its events, by the number that it has in the draft.
    pub fn stream_numbers(&self) -> impl Iterator<Item = u32> {
        self.events.iter().map(|event| event.stream)
    }

    /// The hashes of the terms of its names.
    pub fn terms(&self) -> impl Iterator<Item = TermHash> {
        self.names.list.iter().map(|name| name.hash)
    }

    /// The name of a stream, and the hash of its term.
    pub fn stream(&self, stream: &DraftStream) -> Named<'_> {
        let name = self.names.get(stream.name);
        name.map_or(Named { text: "", hash: TermHash(0) }, |name| Named {
            text: self.names.text(name),
            hash: name.hash,
        })
    }

    /// The version of a stream, if the newest table knows it.
    pub fn known_version(&self, stream: &DraftStream) -> Option<Version> {
        self.resolved.get(crate::format::index(u64::from(stream.name)))?.version
    }

    /// The log goes on in another segment, which has no names yet.
    pub fn forget_references(&mut self) {
        self.resolved.iter_mut().for_each(|resolved| resolved.reference = 0);
    }

    /// The bytes of its frame in the segment for which its names were resolved, and at most so many
    /// more to fill a sector.
    pub fn len_here(&self) -> u64 {
        let names = self.names.list.iter().zip(&self.resolved);
        let known = names.filter(|(_, resolved)| resolved.reference != 0);
        let known: usize = known.map(|(name, _)| self.names.record_len(name)).sum();
        u64_of((self.buffer.len() - known).saturating_add(self.sector - 8))
    }

    /// The same in a segment that has no names yet.
    pub fn len_alone(&self) -> u64 {
        u64_of(self.buffer.len().saturating_add(self.sector - 8))
    }
}

/// What the index takes in, once a commit has its place.
pub struct PlacedParts<'a, N, E, D> {
    /// Its names, each with what is known of it, and, of a stream, its version before. Nothing for
    /// a stream that is only looked at.
    pub names: N,
    /// Its events.
    pub events: E,
    /// Its documents, those that are only looked at left out.
    pub documents: D,
    /// Room for the terms of the names.
    pub terms: &'a mut Vec<u32>,
}

impl Draft {
    /// What the index takes in.
    pub fn parts(
        &mut self,
    ) -> PlacedParts<
        '_,
        impl Iterator<Item = Option<(TermName<'_>, &mut Resolved, Version)>>,
        impl Iterator<Item = PlacedEvent<'_>>,
        impl Iterator<Item = DocumentEntry<'_>>,
    > {
        let Self { names, events, tag_names, documents, resolved, versions, terms, .. } = self;
        let names: &'_ NameList = names;
        let mut before = versions.iter();
        let names = names.list.iter().zip(resolved).map(move |(name, resolved)| {
            // Streams were noted in the order of the names that they are.
            let version = match name.kind {
                TermKind::Stream => before.next().copied().unwrap_or_default(),
                _ => Version::NONE,
            };
            name.is_used.then(|| (names.term(name), resolved, version))
        });
        let events = events.iter().map(|event| {
            let (position, version, at) = event.placed;
            let (start, count) = event.tags;
            PlacedEvent {
                position,
                at,
                version,
                payload: event.payload,
                stream: event.stream_name,
                event_type: event.type_name,
                tags: tag_names.get(start..start + count).unwrap_or_default(),
                ids: event.ids,
            }
        });
        let documents = entries_of(documents);
        PlacedParts { names, events, documents, terms }
    }

    /// The documents that it changes, once it has its place.
    pub fn document_entries(&self) -> impl Iterator<Item = DocumentEntry<'_>> {
        entries_of(&self.documents)
    }
}

fn entries_of(documents: &[DraftDocument]) -> impl Iterator<Item = DocumentEntry<'_>> {
    documents.iter().filter_map(|document| {
        let record = document.record.as_ref()?;
        Some(DocumentEntry {
            key: Named { text: &document.key, hash: document.hash },
            place: record.placed,
            before: record.before,
        })
    })
}

impl DraftDocument {
    /// Whether it gets a record.
    pub fn is_change(&self) -> bool {
        self.record.is_some()
    }
}

//! A commit is encoded, as far as can be without a place.

use super::{Draft, DraftDocument, DraftEvent, DraftRecord, DraftStream};
use crate::format::{
    BodyPlan, DOCUMENT_LEN, DocumentPlace, FRAME_LEN, FileKey, RawDocument, TermKind,
    event_head_len, index, terms_of_ids, u64_of,
};
use crate::words::{
    Change, Commit, DocumentPart, ExpectedVersion, Limit, LimitExceeded, LogOffset, NewEvent,
    Position, Refusal, Revision, Version,
};

impl Draft {
    /// Encodes a commit whose parts are within their limits, into a draft that is empty. Its frame
    /// will end at a multiple of `sector`.
    pub fn fill(&mut self, commit: &Commit, key: &FileKey, sector: usize) -> Result<(), Refusal> {
        // Before anything is allocated for it.
        let most = most_bytes(commit)?;
        self.sector = sector;
        // First what the records refer to, so that the room for names is known.
        self.note_names(commit, key)?;
        self.records_at = FRAME_LEN + self.names.records_len();
        self.buffer.reserve(self.records_at + most + sector);
        self.buffer.resize(self.records_at, 0);
        for (event, drafted) in commit.events().zip(&mut self.events) {
            drafted.at = self.buffer.len() - self.records_at;
            drafted.body_crc = BodyPlan::new(event).write(&mut self.buffer);
        }
        self.note_documents(commit, key)?;
        LimitExceeded::check_len(Limit::CommitBytes, self.buffer.len())
    }

    /// Notes the streams of a commit and what its events refer to.
    fn note_names(&mut self, commit: &Commit, key: &FileKey) -> Result<(), Refusal> {
        for part in &commit.parts {
            let name = self.names.add(TermKind::Stream, &part.stream, key);
            let (stream, new) = self.met[0].add(self.names.hash(name));
            if new {
                let (expected, events, last) = (ExpectedVersion::Any, 0, Version::NONE);
                self.streams.push(DraftStream { expected, events, last, name });
            }
            let Some(drafted) = self.streams.get_mut(index(u64::from(stream))) else { continue };
            drafted.events += u64_of(part.events.len());
            if part.expected != ExpectedVersion::Any {
                if drafted.expected != ExpectedVersion::Any {
                    return Err(Refusal::stream_twice(&part.stream));
                }
                drafted.expected = part.expected;
            }
            for event in &part.events {
                self.note_event(event, (stream, name), key);
            }
        }
        LimitExceeded::check_len(Limit::CommitStreams, self.streams.len())
    }

    fn note_event(&mut self, event: &NewEvent, (stream, stream_name): (u32, u32), key: &FileKey) {
        let tags_at = self.tag_names.len();
        let type_name = self.names.add(TermKind::Type, &event.event_type, key);
        for tag in &event.tags {
            let tag = self.names.add(TermKind::Tag, tag, key);
            self.names.use_it(tag);
            self.tag_names.push(tag);
        }
        self.names.use_it(stream_name);
        self.names.use_it(type_name);
        let ids = terms_of_ids([event.id, event.correlation_id, event.causation_id], key);
        self.events.push(DraftEvent {
            at: 0,
            body_crc: 0,
            stream,
            stream_name,
            type_name,
            tags: (tags_at, event.tags.len()),
            id: event.id,
            ids,
            payload: u32::try_from(event.payload.len()).unwrap_or(u32::MAX),
            placed: (Position::START, Version::NONE, LogOffset::ZERO),
        });
    }

    /// Writes the records of a commit's documents behind those of its events.
    fn note_documents(&mut self, commit: &Commit, key: &FileKey) -> Result<(), Refusal> {
        for part in &commit.documents {
            let hash = key.term(part.key.as_bytes());
            if !self.met[1].add(hash).1 {
                return Err(Refusal::document_twice(&part.key));
            }
            let DocumentPart { expected, given, .. } = *part;
            let at = self.buffer.len() - self.records_at;
            let record = (part.change != Change::None).then(|| DraftRecord {
                at,
                body_crc: RawDocument::write(&part.key, part.value(), &mut self.buffer),
                deleted: part.change == Change::Delete,
                placed: DocumentPlace {
                    at: LogOffset::ZERO,
                    revision: Revision::NONE,
                    deleted: false,
                },
                before: None,
            });
            let key = part.key.clone();
            self.documents.push(DraftDocument { hash, key, expected, given, record });
        }
        Ok(())
    }
}

/// The bytes that a commit's records take at the most, its names left out; an error if that is over
/// the limit.
pub(super) fn most_bytes(commit: &Commit) -> Result<usize, Refusal> {
    let mut most = 0;
    for event in commit.events() {
        most += most_bytes_of(event);
        LimitExceeded::check_len(Limit::CommitBytes, most)?;
    }
    for part in &commit.documents {
        most += DOCUMENT_LEN + part.key.len() + part.value().map_or(0, <[u8]>::len) + 8;
        LimitExceeded::check_len(Limit::CommitBytes, most)?;
    }
    Ok(most)
}

fn most_bytes_of(event: &NewEvent) -> usize {
    let ids_times_and_extras = 3 * 16 + 8 + 8;
    let metadata = event.metadata.as_ref().map_or(0, Vec::len);
    event_head_len(event.tags.len()) + ids_times_and_extras + metadata + event.payload.len() + 8
}

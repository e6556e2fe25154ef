//! A commit is encoded, as far as can be without a place.

use super::names::{NameList, Numbers};
use super::{Draft, DraftDocument, DraftEvent, DraftRecord, DraftStream};
use crate::format::{
    BodyPlan, DOCUMENT_LEN, DocumentPlace, FRAME_LEN, FileKey, RawDocument, event_head_len, index,
};
use crate::words::{
    Change, Commit, DocumentPart, ExpectedVersion, Limit, LimitExceeded, LogOffset, NewEvent,
    Position, Refusal, Revision, Version,
};

impl Draft {
    /// Encodes a commit whose parts are within their limits. Its frame will end at a multiple of
    /// `sector`.
    pub fn new(commit: &Commit, key: &FileKey, sector: usize) -> Result<Self, Refusal> {
        // Before anything is allocated for it.
        let most = most_bytes(commit)?;
        let count = commit.parts.iter().map(|part| part.events.len()).sum();
        let tags = commit.events().map(|event| event.tags.len()).sum();
        let mut draft = Self {
            buffer: Vec::new(),
            records_at: 0,
            names: NameList::default(),
            events: Vec::with_capacity(count),
            tag_names: Vec::with_capacity(tags),
            streams: Vec::with_capacity(commit.parts.len().min(count + 1)),
            documents: Vec::with_capacity(commit.documents.len()),
            sector,
        };
        // First what the records refer to, so that the room for names is known.
        draft.name(commit, key)?;
        let names = draft.names.list.iter().map(|name| draft.names.len_of(name));
        draft.records_at = FRAME_LEN + names.sum::<usize>();
        draft.buffer = Vec::with_capacity(draft.records_at + most + sector);
        draft.buffer.resize(draft.records_at, 0);
        for (event, drafted) in commit.events().zip(&mut draft.events) {
            drafted.at = draft.buffer.len() - draft.records_at;
            drafted.body_crc = BodyPlan::new(event).write(&mut draft.buffer);
        }
        draft.documents(commit, key)?;
        LimitExceeded::check_len(Limit::CommitBytes, draft.buffer.len())?;
        Ok(draft)
    }

    /// Notes the streams of a commit and what its events refer to.
    fn name(&mut self, commit: &Commit, key: &FileKey) -> Result<(), Refusal> {
        let mut numbers = Numbers::default();
        for part in &commit.parts {
            let hash = key.term(part.stream.as_bytes());
            let (stream, new) = numbers.add(hash);
            if new {
                let (events, expected) = (0, ExpectedVersion::Any);
                let name = part.stream.clone();
                self.streams.push(DraftStream { hash, expected, events, name });
            }
            let Some(drafted) = self.streams.get_mut(index(u64::from(stream))) else { continue };
            drafted.events += crate::format::u64_of(part.events.len());
            if part.expected != ExpectedVersion::Any {
                if drafted.expected != ExpectedVersion::Any {
                    return Err(Refusal::stream_twice(&part.stream));
                }
                drafted.expected = part.expected;
            }
            for event in &part.events {
                let tags_at = self.tag_names.len();
                let stream_name = self.names.add_hashed(&part.stream, hash);
                let type_name = self.names.add(&event.event_type, key);
                for tag in &event.tags {
                    self.tag_names.push(self.names.add(tag, key));
                }
                self.events.push(DraftEvent {
                    at: 0,
                    body_crc: 0,
                    stream,
                    stream_name,
                    type_name,
                    tags: (tags_at, event.tags.len()),
                    ids: [event.id, event.correlation_id, event.causation_id],
                    payload: u32::try_from(event.payload.len()).unwrap_or(u32::MAX),
                    placed: (Position::START, Version::NONE, LogOffset::ZERO),
                });
            }
        }
        LimitExceeded::check_len(Limit::CommitStreams, self.streams.len())
    }

    /// Writes the records of a commit's documents behind those of its events.
    fn documents(&mut self, commit: &Commit, key: &FileKey) -> Result<(), Refusal> {
        let mut numbers = Numbers::default();
        for part in &commit.documents {
            let hash = key.term(part.key.as_bytes());
            if !numbers.add(hash).1 {
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
fn most_bytes(commit: &Commit) -> Result<usize, Refusal> {
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

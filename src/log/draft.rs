//! A commit's bytes before it has a place (draft), and what the place adds (place).
//!
//! Everything that does not depend on the place is done outside of the writer's lock: payloads are
//! copied and summed once.

use crate::format::{
    BodyPlan, Chain, Entry, Epoch, EventHead, FRAME_LEN, FileKey, FrameHeader, FrameKind,
    KeyedAlready, NameRecord, Named, TermHash, event_head_len, u64_of, write_tag_ref,
};
use crate::words::{
    Commit, ExpectedVersion, Limit, LimitExceeded, LogOffset, Position, Refusal, Timestamp, Version,
};
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
    names: Vec<DraftName>,
    events: Vec<DraftEvent>,
    tag_names: Vec<u32>,
    /// The streams it names, in the order of the commit.
    pub streams: Vec<DraftStream>,
}

/// A stream that a commit names.
pub struct DraftStream {
    /// By which the index knows it.
    pub hash: TermHash,
    /// What is expected of it.
    pub expected: ExpectedVersion,
    /// How many events it gets.
    pub events: usize,
    name: String,
}

impl DraftStream {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

struct DraftName {
    hash: TermHash,
    text: String,
    reference: u32,
}

struct DraftEvent {
    /// Its record's first byte, from the first record on.
    at: usize,
    body_crc: u32,
    stream_name: u32,
    type_name: u32,
    /// Where its tags begin in `tag_names`, and how many they are.
    tags: (usize, usize),
    ids: [Option<Uuid>; 3],
    /// Given with the place.
    placed: (Position, Version, LogOffset),
}

/// Where a commit goes.
pub struct Place {
    /// Its frame's log offset.
    pub at: LogOffset,
    /// The log offset of its segment.
    pub segment: LogOffset,
    /// When.
    pub epoch: Epoch,
    /// The check of the frame before.
    pub before: Chain,
    /// The position of its first event.
    pub first: Position,
    /// Its recorded time.
    pub recorded: Timestamp,
    /// What is known to be synced.
    pub watermark: LogOffset,
}

/// A commit that has its place.
pub struct Placed<'a> {
    /// Its frame.
    pub bytes: &'a [u8],
    /// Its frame's check.
    pub chain: Chain,
}

impl Draft {
    /// Encodes a commit whose parts are within their limits, as far as can be without a place.
    pub fn new(commit: &Commit, key: &FileKey) -> Result<Self, Refusal> {
        let mut names = NameList::default();
        let mut records = 0;
        for event in commit.parts.iter().flat_map(|part| &part.events) {
            let ids = 3 * 16 + 8 + 8;
            let metadata = event.metadata.as_ref().map_or(0, Vec::len);
            records += event_head_len(event.tags.len()) + ids + metadata + event.payload.len() + 8;
            // Before anything is allocated for it.
            LimitExceeded::check_len(Limit::CommitBytes, records)?;
        }
        let mut body = Vec::with_capacity(records);
        let mut draft = Self {
            buffer: Vec::new(),
            records_at: 0,
            names: Vec::new(),
            events: Vec::with_capacity(commit.parts.iter().map(|part| part.events.len()).sum()),
            tag_names: Vec::new(),
            streams: Vec::with_capacity(commit.parts.len()),
        };
        for part in &commit.parts {
            let hash = key.term(part.stream.as_bytes());
            for event in &part.events {
                let at = body.len();
                let tags_at = draft.tag_names.len();
                let stream_name = names.add_hashed(&part.stream, hash);
                let type_name = names.add(&event.event_type, key);
                draft.tag_names.extend(event.tags.iter().map(|tag| names.add(tag, key)));
                let body_crc = BodyPlan::new(event).write(&mut body);
                let tags = (tags_at, event.tags.len());
                let ids = [event.id, event.correlation_id, event.causation_id];
                let placed = (Position::START, Version::NONE, LogOffset::ZERO);
                draft.events.push(DraftEvent {
                    at,
                    body_crc,
                    stream_name,
                    type_name,
                    tags,
                    ids,
                    placed,
                });
            }
            draft.streams.push(DraftStream {
                hash,
                expected: part.expected,
                events: part.events.len(),
                name: part.stream.clone(),
            });
        }
        draft.names = names.list;
        draft.records_at = FRAME_LEN + draft.names.iter().map(DraftName::len).sum::<usize>();
        LimitExceeded::check_len(Limit::CommitBytes, draft.records_at + body.len())?;
        draft.buffer = vec![0; draft.records_at];
        draft.buffer.append(&mut body);
        Ok(draft)
    }

    /// Its events.
    pub fn events(&self) -> u64 {
        u64_of(self.events.len())
    }

    /// The bytes of its frame in a segment that has these names already.
    pub fn len_with(&self, names: &Names) -> u64 {
        let known = self.names.iter().filter(|name| names.contains_key(&name.hash));
        u64_of(self.buffer.len() - known.map(DraftName::len).sum::<usize>())
    }

    /// The bytes of its frame in a segment that has no names yet.
    pub fn len_alone(&self) -> u64 {
        u64_of(self.buffer.len())
    }

    /// Completes the frame for its place. `versions` has the version of each of its streams as it
    /// is before.
    pub fn place(
        &mut self,
        place: &Place,
        names: &mut Names,
        versions: &[Version],
        key: &FileKey,
    ) -> Placed<'_> {
        let new_names: usize = self
            .names
            .iter()
            .filter(|name| !names.contains_key(&name.hash))
            .map(DraftName::len)
            .sum();
        let start = self.records_at - FRAME_LEN - new_names;
        let frame = self.buffer.get_mut(start..).unwrap_or_default();
        let mut records_check = 0;
        let mut records = 0;

        let mut at = FRAME_LEN;
        for name in &mut self.names {
            name.reference = *names.entry(name.hash).or_insert_with(|| {
                let offset = place.at.plus(u64_of(at));
                let length = name.len();
                let bytes = frame.get_mut(at..at + length).unwrap_or_default();
                let check = NameRecord::write(bytes, &name.text, offset, key);
                records_check = FrameHeader::add_record_check(records_check, check);
                records += 1;
                at += length;
                u32::try_from(offset.since(place.segment)).unwrap_or(u32::MAX)
            });
        }
        debug_assert_eq!(start + at, self.records_at, "the names fill the room before the records");

        let reference = |name: u32| {
            let name = self.names.get(usize::try_from(name).unwrap_or(usize::MAX));
            name.map_or(0, |name| name.reference)
        };
        let mut position = place.first;
        let mut events = self.events.iter_mut();
        for (stream, before) in self.streams.iter().zip(versions) {
            let mut version = *before;
            for event in events.by_ref().take(stream.events) {
                version = version.next().unwrap_or(version);
                let distance = at + event.at;
                let offset = place.at.plus(u64_of(distance));
                let record = frame.get_mut(distance..).unwrap_or_default();
                let (tags_at, tags) = event.tags;
                let tag_names = self.tag_names.iter().skip(tags_at).take(tags);
                for (nth, name) in tag_names.enumerate() {
                    write_tag_ref(record, nth, reference(*name));
                }
                // The record ends where the next begins: the head's codec needs its first bytes
                // only.
                let head = EventHead {
                    distance: u32::try_from(distance).unwrap_or(u32::MAX),
                    stream: reference(event.stream_name),
                    event_type: reference(event.type_name),
                    version,
                };
                let check = head.write(record, (tags, event.body_crc), (offset, position), key);
                records_check = FrameHeader::add_record_check(records_check, check);
                records += 1;
                event.placed = (position, version, offset);
                position = position.next().unwrap_or(position);
            }
        }

        let header = FrameHeader {
            kind: FrameKind::Commit,
            at: place.at,
            epoch: place.epoch,
            length: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            records,
            events: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
            records_check,
            first: place.first,
            recorded: place.recorded,
            before: place.before,
            watermark: place.watermark,
        };
        let (bytes, chain) = header.encode(key);
        if let Some(room) = frame.first_chunk_mut::<FRAME_LEN>() {
            *room = bytes;
        }
        Placed { bytes: frame, chain }
    }
}

impl Draft {
    /// The names of its events' tags, for [`Draft::entries`].
    pub fn tags(&self) -> Vec<Named<'_>> {
        self.tag_names.iter().map(|name| self.named(*name)).collect()
    }

    /// Its events for the index, once they have their places.
    pub fn entries<'a>(&'a self, tags: &'a [Named<'a>]) -> impl Iterator<Item = Entry<'a>> {
        self.events.iter().map(|event| {
            let (position, version, at) = event.placed;
            let (start, count) = event.tags;
            Entry {
                position,
                at,
                version,
                stream: self.named(event.stream_name),
                event_type: self.named(event.type_name),
                tags: tags.get(start..start + count).unwrap_or_default(),
                ids: event.ids,
            }
        })
    }

    fn named(&self, name: u32) -> Named<'_> {
        let name = self.names.get(usize::try_from(name).unwrap_or(usize::MAX));
        name.map_or(Named { text: "", hash: TermHash(0) }, |name| Named {
            text: &name.text,
            hash: name.hash,
        })
    }
}

impl DraftName {
    fn len(&self) -> usize {
        NameRecord::len_of(&self.text)
    }
}

/// The names of a commit, each once.
#[derive(Default)]
struct NameList {
    list: Vec<DraftName>,
    /// Where each is in the list; used when the list has grown too long to look through.
    places: HashMap<TermHash, u32, KeyedAlready>,
}

/// Up to so many names are found by looking through the list.
const LOOK_THROUGH: usize = 12;

impl NameList {
    fn add(&mut self, text: &str, key: &FileKey) -> u32 {
        self.add_hashed(text, key.term(text.as_bytes()))
    }

    fn add_hashed(&mut self, text: &str, hash: TermHash) -> u32 {
        let found = if self.list.len() <= LOOK_THROUGH {
            let nth = self.list.iter().position(|name| name.hash == hash);
            nth.and_then(|nth| u32::try_from(nth).ok())
        } else {
            if self.places.is_empty() {
                self.places = (0..).zip(&self.list).map(|(nth, name)| (name.hash, nth)).collect();
            }
            self.places.get(&hash).copied()
        };
        found.unwrap_or_else(|| {
            let nth = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
            if !self.places.is_empty() {
                self.places.insert(hash, nth);
            }
            self.list.push(DraftName { hash, text: text.to_owned(), reference: 0 });
            nth
        })
    }
}

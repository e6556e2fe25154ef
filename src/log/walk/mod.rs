//! Walking over the log, frame by frame, believing nothing.

#[cfg(test)]
mod tests;

use super::{Rules, SegmentList, Window, check_frame};
use crate::format::{
    DocumentEntry, DocumentPlace, Entries, Entry, Epoch, FRAME_LEN, FileKey, FrameHeader,
    FrameKind, KeyedAlready, Mark, NAME_HEAD_LEN, NameRecord, Named, RawDocument, RawEvent, Record,
    TermHash, index, u64_of,
};
use crate::words::{Limit, LogOffset, Position, Timestamp, Version};
use std::collections::HashMap;
use std::io;
use uuid::Uuid;

/// Who is told of what a walk meets.
pub trait Visitor {
    /// What a commit has whose checks are right. `false` says that it can't be all the same, such
    /// as a version that does not follow: the walk ends before it.
    fn commit(&mut self, met: Entries<'_>) -> bool;
}

impl<F: FnMut(Entries<'_>) -> bool> Visitor for F {
    fn commit(&mut self, met: Entries<'_>) -> bool {
        self(met)
    }
}

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// There is no valid frame here.
    NoFrame,
    /// The log goes on in a segment that is not in the list.
    UnknownSegment,
    /// The slot's mark for the beginning of its epoch is not what the log has there.
    MarkMissed,
}

/// A walk over the log from a mark on.
pub struct Walk<'a> {
    key: FileKey,
    segments: &'a SegmentList,
    window: Window,
    rules: Rules,
    /// Where this epoch begins, and which it is.
    proof: Mark,
    epoch: Epoch,
    /// The next frame's place: what the walk believes.
    pub here: Mark,
    /// The highest watermark in the frames that it met.
    pub watermark: LogOffset,
    /// The last recorded time that it met.
    pub recorded: Timestamp,
    /// The commits that it met.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// Records of documents in them.
    pub documents: u64,
    last_epoch: u64,
    proof_met: bool,
    names: HashMap<u32, OwnName, KeyedAlready>,
    names_of: Option<LogOffset>,
    /// Bytes of the records of these names.
    names_len: u64,
    seen: Vec<Seen>,
    seen_documents: Vec<SeenDocument>,
    /// The names that the seen events refer to: stream, type, tags.
    references: Vec<u32>,
}

struct OwnName {
    text: Box<str>,
    hash: TermHash,
}

struct Seen {
    position: Position,
    at: LogOffset,
    version: Version,
    payload: u32,
    ids: [Option<Uuid>; 3],
    /// Where its names begin in `references`, and how many they are.
    names: (usize, usize),
}

struct SeenDocument {
    key: OwnName,
    place: DocumentPlace,
    before: Option<DocumentPlace>,
}

/// Names kept at the most: those of a segment of usual size.
const NAMES: usize = 1 << 20;

impl<'a> Walk<'a> {
    /// A walk from `start`; from `proof` on it asks for frames of `epoch`.
    pub fn new(
        key: FileKey,
        segments: &'a SegmentList,
        window: Window,
        rules: Rules,
        (start, proof, epoch): (Mark, Mark, Epoch),
    ) -> Self {
        Self {
            key,
            segments,
            window,
            rules,
            proof,
            epoch,
            here: start,
            watermark: LogOffset::ZERO,
            recorded: Timestamp::from_micros(i64::MIN),
            commits: 0,
            events: 0,
            documents: 0,
            last_epoch: 0,
            // A walk that starts later has the epoch's beginning behind it.
            proof_met: start.at > proof.at,
            names: HashMap::default(),
            names_of: None,
            names_len: 0,
            seen: Vec::new(),
            seen_documents: Vec::new(),
            references: Vec::new(),
        }
    }

    /// A walk from `start` by the chain alone, whatever the epochs: over a log, or a piece of one,
    /// to which the recovery rule was applied before.
    pub fn by_chain(key: FileKey, segments: &'a SegmentList, window: Window, start: Mark) -> Self {
        let never = Mark { at: LogOffset::new(u64::MAX), ..start };
        let any = Epoch { counter: u64::MAX, salt: 0 };
        Self::new(key, segments, window, Rules::ALL, (start, never, any))
    }

    /// Goes on as long as there are valid frames, but not past `limit`; says why it ended, or
    /// nothing if that is why.
    pub fn run(&mut self, limit: LogOffset, visitor: &mut dyn Visitor) -> io::Result<Option<Stop>> {
        while self.here.at < limit {
            let stop = self.step(|walk, header, segment| walk.records(header, segment, visitor))?;
            if stop.is_some() {
                return Ok(stop);
            }
        }
        Ok(None)
    }

    /// As [`Walk::run`], by checks and chain alone: the names that events refer to are not looked
    /// up, and nobody is told of anything.
    pub fn run_checks(&mut self, limit: LogOffset) -> io::Result<Option<Stop>> {
        while self.here.at < limit {
            let stop = self.step(|walk, header, _| walk.records_checks(header))?;
            if stop.is_some() {
                return Ok(stop);
            }
        }
        Ok(None)
    }

    /// One frame, if there is a valid one; whether its records are valid, says `records`, which
    /// gets its header and the log offset of its segment.
    fn step(
        &mut self,
        records: impl FnOnce(&mut Self, &FrameHeader, LogOffset) -> io::Result<bool>,
    ) -> io::Result<Option<Stop>> {
        let at = self.here.at;
        if !self.proof_met && at >= self.proof.at {
            // Come to the beginning of this epoch, or past it without meeting it.
            self.proof_met = true;
            if self.rules.chain && self.here != self.proof {
                return Ok(Some(Stop::MarkMissed));
            }
        }
        let bytes = self.window.get(self.segments, at, FRAME_LEN)?;
        let Some((header, check)) = FrameHeader::decode(bytes, at, &self.key) else {
            return Ok(Some(Stop::NoFrame));
        };
        if !self.follows(&header) {
            return Ok(Some(Stop::NoFrame));
        }
        let Some(segment) = self.segments.find(at).map(|segment| segment.place) else {
            return Ok(Some(Stop::NoFrame));
        };
        let here = match header.kind {
            FrameKind::End { next_segment } => {
                let next = self.segments.find(segment.log_end()).map(|next| next.place);
                match next.filter(|next| next.extent.file_offset == next_segment) {
                    Some(next) => next.first_frame(),
                    None => return Ok(Some(Stop::UnknownSegment)),
                }
            }
            FrameKind::Commit => {
                let documents_before = self.documents;
                if !records(self, &header, segment.log_offset)? {
                    self.documents = documents_before;
                    // The names of a commit that is discarded are not going to be there.
                    let end = at.since(segment.log_offset);
                    self.names.retain(|reference, _| u64::from(*reference) < end);
                    self.names_len = self.names.values().map(OwnName::record_len).sum();
                    return Ok(Some(Stop::NoFrame));
                }
                self.commits += 1;
                self.events += u64::from(header.events);
                header.end()
            }
        };
        let next = header.next();
        self.here = Mark { at: here, chain: check, next };
        self.watermark = self.watermark.max(header.watermark);
        self.recorded = self.recorded.max(header.recorded);
        self.last_epoch = header.epoch.counter;
        Ok(None)
    }

    /// Whether a frame whose header passed its check is the next one.
    fn follows(&self, header: &FrameHeader) -> bool {
        let epoch = if header.at >= self.proof.at {
            header.epoch == self.epoch
        } else {
            header.epoch.counter >= self.last_epoch && header.epoch.counter <= self.epoch.counter
        };
        (epoch || !self.rules.epoch)
            && (header.before == self.here.chain || !self.rules.chain)
            && header.first == self.here.next
    }

    /// Checks a commit's records and tells the visitor of its events; `false` if they are not
    /// valid.
    fn records(
        &mut self,
        header: &FrameHeader,
        segment: LogOffset,
        visitor: &mut dyn Visitor,
    ) -> io::Result<bool> {
        let length = index(u64::from(header.length));
        let bytes = self.window.get(self.segments, header.at, length)?;
        if bytes.len() < length {
            return Ok(false);
        }
        if self.names_of != Some(segment) || self.names.len() > NAMES {
            self.names.clear();
            (self.names_of, self.names_len) = (Some(segment), 0);
        }
        let (names, seen, references) = (&mut self.names, &mut self.seen, &mut self.references);
        let (names_len, documents) = (&mut self.names_len, &mut self.seen_documents);
        seen.clear();
        documents.clear();
        references.clear();
        let key = &self.key;
        let checked = check_frame(bytes, header, key, |record, at, position| match record {
            Record::Name(name) => {
                let reference = u32::try_from(at.since(segment)).unwrap_or(u32::MAX);
                let name = OwnName::new(name.text, key);
                *names_len += name.record_len();
                if let Some(again) = names.insert(reference, name) {
                    *names_len -= again.record_len();
                }
            }
            Record::Event(event) => seen.push(Seen::new(event, at, position, references)),
            Record::Document(document) => documents.push(SeenDocument::new(document, at, key)),
        });
        if checked.is_err() {
            return Ok(false);
        }
        // Names written before the walk began are read where they stand. If they take more than the
        // segment has up to here, they are not records: these do not lie within one another.
        let room = header.at.since(segment).saturating_add(u64_of(length));
        for nth in 0..self.references.len() {
            let Some(reference) = self.references.get(nth).copied() else { break };
            let known = self.names.contains_key(&reference);
            if !known && (!self.read_name(reference, segment)? || self.names_len > room) {
                return Ok(false);
            }
        }
        let nameless = Named { text: "", hash: TermHash(0) };
        let named: Vec<Named<'_>> = self
            .references
            .iter()
            .map(|reference| self.names.get(reference).map_or(nameless, OwnName::named))
            .collect();
        let entries = self.seen.iter().map(|seen| {
            let (start, count) = seen.names;
            let names = named.get(start..start.saturating_add(count)).unwrap_or_default();
            let (first, tags) = names.split_at_checked(2).unwrap_or_default();
            let name = |nth: usize| first.get(nth).copied().unwrap_or(nameless);
            Entry {
                position: seen.position,
                at: seen.at,
                version: seen.version,
                payload: seen.payload,
                stream: name(0),
                event_type: name(1),
                tags,
                ids: seen.ids,
            }
        });
        let events: Vec<Entry<'_>> = entries.collect();
        let documents = self.seen_documents.iter().map(SeenDocument::entry);
        let documents: Vec<DocumentEntry<'_>> = documents.collect();
        self.documents += u64_of(documents.len());
        Ok(visitor.commit(Entries { events: &events, documents: &documents }))
    }

    /// Checks a commit's records; `false` if they are not valid.
    fn records_checks(&mut self, header: &FrameHeader) -> io::Result<bool> {
        let length = index(u64::from(header.length));
        let bytes = self.window.get(self.segments, header.at, length)?;
        if bytes.len() < length {
            return Ok(false);
        }
        let mut documents = 0;
        let checked = check_frame(bytes, header, &self.key, |record, _, _| {
            documents += u64::from(matches!(record, Record::Document(_)));
        });
        self.documents += documents;
        Ok(checked.is_ok())
    }

    fn read_name(&mut self, reference: u32, segment: LogOffset) -> io::Result<bool> {
        let at = segment.plus(u64::from(reference));
        let most = NAME_HEAD_LEN + index(Limit::Name.allowed());
        let mut window = Window::new(self.window.storage().clone(), 0);
        let bytes = window.get(self.segments, at, most)?;
        let name = NameRecord::parse(bytes).filter(|name| name.check(at, &self.key).is_some());
        let Some(name) = name.map(|name| OwnName::new(name.text, &self.key)) else {
            return Ok(false);
        };
        self.names_len += name.record_len();
        self.names.insert(reference, name);
        Ok(true)
    }
}

impl OwnName {
    fn new(text: &str, key: &FileKey) -> Self {
        Self { text: text.into(), hash: key.term(text.as_bytes()) }
    }

    /// Bytes that it takes as a record.
    fn record_len(&self) -> u64 {
        u64_of(NameRecord::len_of(&self.text))
    }

    fn named(&self) -> Named<'_> {
        Named { text: &self.text, hash: self.hash }
    }
}

impl Seen {
    fn new(
        event: &RawEvent<'_>,
        at: LogOffset,
        position: Position,
        references: &mut Vec<u32>,
    ) -> Self {
        let begin = references.len();
        references.extend(event.names());
        let ids = [event.id, event.correlation_id, event.causation_id];
        let names = (begin, references.len() - begin);
        let payload = u32::try_from(event.payload.len()).unwrap_or(u32::MAX);
        Self { position, at, version: event.version, payload, ids, names }
    }
}

impl SeenDocument {
    fn new(document: &RawDocument<'_>, at: LogOffset, key: &FileKey) -> Self {
        let RawDocument { revision, before, .. } = *document;
        let place = DocumentPlace { at, revision, deleted: document.value.is_none() };
        Self { key: OwnName::new(document.key, key), place, before }
    }

    fn entry(&self) -> DocumentEntry<'_> {
        DocumentEntry { key: self.key.named(), place: self.place, before: self.before }
    }
}

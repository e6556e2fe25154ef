//! For the fuzzers: structures read from any bytes, written, and read again. For the benches: the
//! check of a record.
//!
//! Programs have no use for it. It stands here because only this module sees the codecs.

use super::bytes::{get_u32, get_u64};
use super::layout::{frame, page_head, run, stub};
use super::record::{body_crc, seal, verify};
use super::{
    BodyPlan, DocumentHead, EventHead, FileHeader, FileKey, FrameHeader, Listed, NameRecord, PAGE,
    PAGE_HEAD_LEN, RawDocument, RawEvent, Record, RunHeader, RunRef, SegmentHeader, SegmentRef,
    Slot, Stub, TERM_LEN, TERMS_PER_PAGE, TermEntry, block_at, event_head_len, index, is_page,
    offset_at, segment_at, u32_at, u64_at, words_from, write_tag_ref,
};
use crate::words::{LogOffset, NewEvent, Position};

/// What came of bytes that were read as a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reread {
    /// They are not one.
    Refused,
    /// They are one; written, and read again, it is the same.
    Same,
    /// They are one, but not the same once it was written and read again: the codec is wrong.
    Other,
}

impl Reread {
    pub(crate) fn of<T: PartialEq>(found: Option<T>, again: impl FnOnce(&T) -> Option<T>) -> Self {
        match found {
            None => Self::Refused,
            Some(found) => Self::same(again(&found).is_some_and(|again| again == found)),
        }
    }

    pub(crate) fn same(same: bool) -> Self {
        if same { Self::Same } else { Self::Other }
    }
}

/// Page 0.
pub fn header(bytes: &[u8]) -> Reread {
    Reread::of(FileHeader::decode(bytes).ok(), |found| FileHeader::decode(&found.encode()).ok())
}

/// A slot.
pub fn slot(bytes: &[u8]) -> Reread {
    Reread::of(Slot::decode(bytes).ok(), |found| Slot::decode(&found.encode()).ok())
}

/// The header of a segment of the file with this key.
pub fn segment(bytes: &[u8], key: [u8; 16]) -> Reread {
    let key = FileKey::new(key);
    let decode = |bytes: &[u8]| SegmentHeader::decode(bytes, &key);
    Reread::of(decode(bytes), |found| decode(&found.encode(&key)))
}

/// A stub, wherever it says that it stands.
pub fn stub(bytes: &[u8], key: [u8; 16]) -> Reread {
    let key = FileKey::new(key);
    let at = LogOffset::new(get_u64(bytes, stub::LOG_OFFSET));
    let decode = |bytes: &[u8]| Stub::decode(bytes, at, &key);
    Reread::of(decode(bytes), |found| decode(&found.encode(&key)))
}

/// Where a frame says that it stands.
pub(crate) fn frame_at(bytes: &[u8]) -> LogOffset {
    LogOffset::new(get_u64(bytes, frame::LOG_OFFSET))
}

/// The header of a frame, wherever it says that it stands.
pub fn frame_header(bytes: &[u8], key: [u8; 16]) -> Reread {
    let (key, at) = (FileKey::new(key), frame_at(bytes));
    let found = FrameHeader::decode(bytes, at, &key);
    // What has no field of its own may differ, and so may the check.
    Reread::of(found.map(|(header, _)| header), |found| {
        let (again, check) = found.encode(&key);
        let again = FrameHeader::decode(&again, at, &key);
        again.filter(|(_, stored)| *stored == check).map(|(header, _)| header)
    })
}

/// A record at this log offset; an event's has this position. Whether it passes its check, too.
pub fn record(bytes: &[u8], at: u64, position: u64, key: [u8; 16]) -> (Reread, bool) {
    let (key, at, position) = (FileKey::new(key), LogOffset::new(at), Position::new(position));
    let Some(record) = Record::parse(bytes) else { return (Reread::Refused, false) };
    let checked = match &record {
        Record::Name(name) => name.check(at, &key),
        Record::Event(event) => event.check(at, position, &key),
        Record::Document(document) => document.check(at, &key),
    };
    // Whoever reads one record first asks how long it is.
    let hint = match &record {
        Record::Name(_) => Some(record.len()),
        Record::Event(_) => RawEvent::len_hint(bytes),
        Record::Document(_) => RawDocument::len_hint(bytes),
    };
    let whole = hint == Some(record.len()) && record.len() <= bytes.len();
    let again = again(&record, (at, position), &key);
    (if whole { again } else { Reread::Other }, checked.is_some())
}

/// A record that was read, written, and read again.
pub(crate) fn again(
    record: &Record<'_>,
    (at, position): (LogOffset, Position),
    key: &FileKey,
) -> Reread {
    let mut out = Vec::new();
    let same = match record {
        Record::Name(name) => name_again(name, at, key, &mut out),
        Record::Event(event) => event_again(event, (at, position), key, &mut out),
        Record::Document(document) => document_again(document, at, key, &mut out),
    };
    // Written anew, it takes no more room than it had.
    Reread::same(same && record.len().is_multiple_of(8) && out.len() <= record.len())
}

fn name_again(name: &NameRecord<'_>, at: LogOffset, key: &FileKey, out: &mut Vec<u8>) -> bool {
    out.resize(NameRecord::len_of(name.text), 0);
    let check = NameRecord::write(out, name.text, at, key);
    let again = NameRecord::parse(out);
    again.is_some_and(|again| again.text == name.text && again.check(at, key) == Some(check))
        && NameRecord::text_again(out) == name.text
}

fn event_again(
    event: &RawEvent<'_>,
    (at, position): (LogOffset, Position),
    key: &FileKey,
    out: &mut Vec<u8>,
) -> bool {
    let tags: Vec<u32> = event.tags().collect();
    let mut new = NewEvent::new("", event.payload);
    new.kind = event.kind;
    new.schema_version = event.schema_version;
    // How many there are counts, not what they are.
    new.tags = vec![String::new(); tags.len()];
    (new.id, new.correlation_id) = (event.id, event.correlation_id);
    (new.causation_id, new.occurred) = (event.causation_id, event.occurred);
    new.metadata = event.metadata.map(<[u8]>::to_vec);
    let body_crc = BodyPlan::new(&new).write(out);
    for (nth, tag) in tags.iter().enumerate() {
        write_tag_ref(out, nth, *tag);
    }
    let head = EventHead {
        distance: event.distance,
        stream: event.stream,
        event_type: event.event_type,
        version: event.version,
        recorded: event.recorded,
    };
    let check = head.write(out, (tags.len(), body_crc), (at, position), key);
    let Some(again) = RawEvent::parse(out) else { return false };
    let numbers = |it: &RawEvent<'_>| {
        let references = (it.distance, it.stream, it.event_type);
        (references, it.version, it.recorded, it.kind, it.schema_version)
    };
    let ids = |it: &RawEvent<'_>| (it.id, it.correlation_id, it.causation_id, it.occurred);
    numbers(&again) == numbers(event)
        && ids(&again) == ids(event)
        && again.tag_refs == event.tag_refs
        && (again.metadata, again.payload) == (event.metadata, event.payload)
        && again.check(at, position, key) == Some(check)
}

fn document_again(
    document: &RawDocument<'_>,
    at: LogOffset,
    key: &FileKey,
    out: &mut Vec<u8>,
) -> bool {
    let body_crc = RawDocument::write(document.key, document.value, out);
    let head = DocumentHead {
        distance: document.distance,
        revision: document.revision,
        before: document.before,
        head: document.head,
        recorded: document.recorded,
    };
    let check = head.write(out, body_crc, at, key);
    let Some(again) = RawDocument::parse(out) else { return false };
    let numbers =
        |it: &RawDocument<'_>| ((it.distance, it.revision, it.before), (it.head, it.recorded));
    (again.key, again.value) == (document.key, document.value)
        && numbers(&again) == numbers(document)
        && again.check(at, key) == Some(check)
}

/// What stands in a page of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The run's header.
    Header,
    /// Terms.
    Terms,
    /// Names.
    Names,
    /// Log offsets, postings, fences, blocks of the filter, or segments.
    Numbers,
}

/// A page of a run, read as one of this part. Whether it passes its check for what its head says,
/// too.
pub fn run_page(page: &[u8], part: Part, key: [u8; 16]) -> (Reread, bool) {
    let (id, number) = (get_u32(page, page_head::RUN), get_u32(page, page_head::NUMBER));
    let whole = is_page(page, id, number, &FileKey::new(key));
    let reread = match part {
        Part::Header => {
            let place = place_of(page);
            let decode = |page: &[u8]| RunHeader::decode(page, &place);
            Reread::of(decode(page), |found| decode(&found.encode()))
        }
        Part::Terms => Reread::same(terms(page)),
        Part::Names => Reread::same(names(page)),
        Part::Numbers => Reread::same(numbers(page)),
    };
    (reread, whole)
}

/// A place that fits the header on this page, whatever it says.
fn place_of(page: &[u8]) -> RunRef {
    let said = RunHeader::unchecked(page);
    RunRef {
        file_offset: 4 * PAGE,
        pages: said.sections().map_or(0, |(_, pages)| pages),
        id: get_u32(page, page_head::RUN),
        end: LogOffset::new(get_u64(page, run::END)),
        next: said.next,
    }
}

fn terms(page: &[u8]) -> bool {
    let mut bytes = [0; PAGE_HEAD_LEN + TERM_LEN];
    (0..index(u64::from(TERMS_PER_PAGE))).all(|nth| {
        let entry = TermEntry::decode(page, nth);
        entry.encode(bytes.get_mut(PAGE_HEAD_LEN..).unwrap_or_default());
        let of_document = entry.document().filter(|place| place.at < LogOffset::new(1 << 63));
        let document = of_document.map(|place| TermEntry::of_document(entry.hash, &place));
        TermEntry::decode(&bytes, 0) == entry
            && TermEntry::hash_at(page, nth) == entry.hash
            && document.is_none_or(|again| again == entry)
    })
}

/// What has nothing to be written by itself: read at each place, and behind the last.
fn numbers(page: &[u8]) -> bool {
    let words = words_from(page, 0).len();
    let read = |nth: usize| {
        let base = u64_at(page, 0);
        let is_behind = |width| offset_at(page, nth, width).is_none_or(|at| at.get() >= base);
        let ends = |place: SegmentRef| place.log_end() > place.log_offset;
        let _ = (u32_at(page, nth), block_at(page, nth));
        is_behind(4) && is_behind(8) && segment_at(page, nth).is_none_or(ends)
    };
    words <= page.len() / 4 && (0..=words).all(read)
}

fn names(page: &[u8]) -> bool {
    let mut at = 0;
    let mut bytes = Vec::new();
    while let Some(listed) = Listed::decode(page, at) {
        bytes.clear();
        bytes.resize(PAGE_HEAD_LEN + listed.len(), 0);
        listed.encode(bytes.get_mut(PAGE_HEAD_LEN..).unwrap_or_default());
        at += listed.len();
        if Listed::decode(&bytes, 0) != Some(listed) || PAGE_HEAD_LEN + at > page.len() {
            return false;
        }
    }
    Listed::decode(page, usize::MAX).is_none() && Listed::is_end(page, usize::MAX)
}

/// The record of an event, at the beginning of a log.
pub struct Sealed {
    bytes: Vec<u8>,
    head_len: usize,
    key: FileKey,
}

impl Sealed {
    /// The record of this event, sealed.
    pub fn new(event: &NewEvent, key: [u8; 16]) -> Self {
        let (mut bytes, key) = (Vec::new(), FileKey::new(key));
        BodyPlan::new(event).write(&mut bytes);
        let mut sealed = Self { bytes, head_len: event_head_len(event.tags.len()), key };
        sealed.seal();
        sealed
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives it its check, as who writes it does. Returns that.
    pub fn seal(&mut self) -> u32 {
        let body = body_crc(&self.bytes, self.head_len);
        seal(&mut self.bytes, self.head_len, body, LogOffset::ZERO, Position::new(1), &self.key)
    }

    /// Whether it passes its check, as who reads it asks.
    pub fn is_whole(&self) -> bool {
        verify(&self.bytes, self.head_len, LogOffset::ZERO, Position::new(1), &self.key).is_some()
    }
}

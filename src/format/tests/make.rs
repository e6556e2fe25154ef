//! Arbitrary structures, such as a writer could write.

use crate::format::*;
use crate::words::{EventKind, LogOffset, NewEvent, Position, Revision, Timestamp, Version};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

/// The largest number of a position, and the end of a file.
const MOST: u64 = (1 << 63) - 1;

/// Bytes of a key: the key itself does not show itself.
pub fn keys() -> impl Strategy<Value = [u8; 16]> {
    any::<[u8; 16]>()
}

pub fn identity(id: u128, key: [u8; 16]) -> Identity {
    Identity { store_id: Uuid::from_u128(id), key: FileKey::new(key) }
}

pub fn offsets() -> impl Strategy<Value = LogOffset> {
    (0..MOST / 8).prop_map(|words| LogOffset::new(words * 8))
}

pub fn positions() -> impl Strategy<Value = Position> {
    (1..=MOST).prop_map(Position::new)
}

fn epochs() -> impl Strategy<Value = Epoch> {
    (0..u64::MAX, any::<u64>()).prop_map(|(counter, salt)| Epoch { counter, salt })
}

fn times() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

/// A stretch of segments that follow one another, wherever they are in the file.
pub fn segments(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<SegmentRef>> {
    let places = vec((4..1_u64 << 40, 1..1_u64 << 20), count);
    (0..1_u64 << 40, places).prop_map(|(first, places)| {
        let mut log_offset = LogOffset::new(first * PAGE);
        let follow = |(page, pages): (u64, u64)| {
            let extent = Extent { file_offset: page * PAGE, length: pages * PAGE };
            let segment = SegmentRef { extent, log_offset };
            log_offset = segment.log_end();
            segment
        };
        places.into_iter().map(follow).collect()
    })
}

pub fn segment_headers() -> impl Strategy<Value = SegmentHeader> {
    (segments(2..=2), any::<bool>()).prop_map(|(places, first)| match first {
        true => SegmentHeader {
            own: SegmentRef { log_offset: LogOffset::ZERO, ..places[1] },
            before: None,
        },
        false => SegmentHeader { own: places[1], before: Some(places[0]) },
    })
}

/// What a slot is made of, since a slot has a key and does not show itself.
#[derive(Clone, Debug)]
pub struct SlotParts {
    id: u128,
    key: [u8; 16],
    counter: u64,
    epoch: Epoch,
    /// Watermark, index and proof: parts of 2^16 of what is possible.
    places: [u64; 3],
    chains: [u64; 2],
    next: [Position; 2],
    recorded: Timestamp,
    clean: bool,
    segments: Vec<SegmentRef>,
    /// Where runs are: page, pages, id.
    runs: Vec<(u64, u32, u32)>,
    free: Vec<SegmentRef>,
}

pub fn slot_parts() -> impl Strategy<Value = SlotParts> {
    let numbers = (any::<u128>(), keys(), 0..u64::MAX, epochs());
    let marks = (
        [0..=1_u64 << 16, 0..=1 << 16, 0..=1 << 16],
        any::<[u64; 2]>(),
        [positions(), positions()],
    );
    let runs = vec((4..1_u64 << 40, 1..=u32::MAX, any::<u32>()), 0..=SLOT_RUNS);
    let lists = (segments(1..=SLOT_SEGMENTS), runs, segments(0..=SLOT_FREE));
    (numbers, marks, times(), any::<bool>(), lists).prop_map(
        |((id, key, counter, epoch), (places, chains, next), recorded, clean, lists)| {
            let (segments, runs, free) = lists;
            SlotParts {
                id,
                key,
                counter,
                epoch,
                places,
                chains,
                next,
                recorded,
                clean,
                segments,
                runs,
                free,
            }
        },
    )
}

impl SlotParts {
    pub fn slot(&self) -> Slot {
        let end = self.segments.last().map_or(LogOffset::ZERO, SegmentRef::log_end);
        let part = |of: LogOffset, part: u64| LogOffset::new(((of.get() >> 16) * part) & !7);
        let [watermark, index, proof] = self.places;
        // Not before the log's first frame, where the index begins if there are no runs.
        let first = LogOffset::new(u64_of(SEGMENT_HEADER_LEN));
        let watermark = part(end, watermark).max(first);
        let mark = |place, nth: usize| Mark {
            at: part(watermark, place),
            chain: Chain(self.chains[nth]),
            next: self.next[nth],
        };
        let mut index = mark(index, 0);
        let runs = self.runs(&index);
        if runs.is_empty() {
            index.at = first;
        }
        Slot {
            identity: identity(self.id, self.key),
            compatible: 0,
            read_compatible: 0,
            counter: self.counter,
            epoch: self.epoch,
            watermark,
            recorded: self.recorded,
            index,
            proof: mark(proof, 1),
            clean: self.clean,
            segments: self.segments.clone(),
            runs,
            free: self.free.iter().map(|free| free.extent).collect(),
        }
    }
}

impl SlotParts {
    /// Runs that lie behind one another and end where the index does, if it has room for them.
    fn runs(&self, index: &Mark) -> Vec<RunRef> {
        let count = u64_of(self.runs.len());
        if index.at.get() < 8 * count || index.next.get() <= count {
            return Vec::new();
        }
        let left = (0..count).rev();
        let places = self.runs.iter().zip(left);
        places
            .map(|((page, pages, id), left)| RunRef {
                file_offset: page * PAGE,
                pages: *pages,
                id: *id,
                end: LogOffset::new(index.at.get() - 8 * left),
                next: Position::new(index.next.get() - left),
            })
            .collect()
    }
}

/// Headers of runs, and the runs as a slot names them.
pub fn runs() -> impl Strategy<Value = (RunHeader, RunRef)> {
    let log = (0..MOST / 16, 1..MOST / 16);
    let positions = (1..=MOST, 0..1_u32 << 31);
    let counts = (any::<u32>(), any::<u32>(), 0..1_u32 << 31, 0..1_u32 << 20, any::<u64>());
    let width = prop_oneof![Just(4), Just(8)];
    let place = (4..1_u64 << 40, any::<u32>());
    (any::<u32>(), log, positions, width, counts, place).prop_map(
        |(level, (start, words), (first, events), width, counts, (page, id))| {
            let header = RunHeader {
                level,
                start: LogOffset::new(start * 8),
                end: LogOffset::new((start + words) * 8),
                first: Position::new(first),
                next: Position::new(first + u64::from(events)),
                width,
                terms: counts.0,
                postings: counts.1,
                name_pages: counts.2,
                segments: counts.3,
                payload_bytes: counts.4,
            };
            let (_, pages) = header.sections().unwrap();
            let (end, next) = (header.end, header.next);
            (header, RunRef { file_offset: page * PAGE, pages, id, end, next })
        },
    )
}

pub fn terms() -> impl Strategy<Value = TermEntry> {
    (any::<u128>(), any::<u32>(), any::<u32>(), any::<u64>()).prop_map(
        |(hash, start, count, base)| TermEntry { hash: TermHash(hash), start, count, base },
    )
}

/// What a run lists of a name: its kind, its text, count, first and last.
pub fn listed() -> impl Strategy<Value = (TermKind, String, [u32; 3])> {
    let kinds = proptest::sample::select(TermKind::NAMED.to_vec());
    let texts = prop_oneof![Just(String::new()), names()];
    (kinds, texts, 1..=u32::MAX, any::<[u32; 2]>())
        .prop_map(|(kind, text, count, [a, b])| (kind, text, [count, a.min(b), a.max(b)]))
}

pub fn frames() -> impl Strategy<Value = FrameHeader> {
    let counts = (12..1_u32 << 29, any::<u32>(), any::<u32>(), any::<u32>(), any::<u16>());
    let marks = (epochs(), any::<u64>(), times(), option::of(any::<u64>()));
    (offsets(), any::<u64>(), 1..=MOST, counts, marks).prop_map(
        |(at, watermark, first, (words, records, events, records_check, padding), marks)| {
            let (epoch, before, recorded, next_segment) = marks;
            let (kind, length, records) = match next_segment {
                Some(next_segment) => (FrameKind::End { next_segment }, 96, 0),
                None => (FrameKind::Commit, words * 8, records),
            };
            let events = events.min(records);
            let padding = u16::try_from(u32::from(padding) % (length - 88) / 8 * 8).unwrap();
            FrameHeader {
                kind,
                at,
                epoch,
                length,
                padding,
                records,
                events,
                records_check,
                first: Position::new(first.min(MOST - u64::from(events))),
                recorded,
                before: Chain(before),
                watermark: LogOffset::new(watermark.min(at.get())),
            }
        },
    )
}

pub fn stubs() -> impl Strategy<Value = Stub> {
    (offsets(), epochs(), any::<u64>()).prop_map(|(at, epoch, watermark)| Stub {
        at,
        epoch,
        watermark: LogOffset::new(watermark.min(at.get())),
    })
}

/// Names with letters of all lengths in UTF-8.
pub fn names() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zß-ü0-9:/ €😀-]{1,200}").unwrap()
}

pub fn events() -> impl Strategy<Value = NewEvent> {
    let id = || option::of(any::<u128>().prop_map(Uuid::from_u128));
    let kinds = vec![EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
    let tags = prop_oneof![3 => 0..6_usize, 1 => 0..=128_usize];
    let schema = prop_oneof![Just(1), any::<u16>()];
    let parts =
        (option::of(times()), option::of(vec(any::<u8>(), 0..40)), vec(any::<u8>(), 0..200));
    ([id(), id(), id()], tags, proptest::sample::select(kinds), schema, parts).prop_map(
        |(ids, tags, kind, schema_version, (occurred, metadata, payload))| {
            let [id, correlation_id, causation_id] = ids;
            let event = NewEvent::new("T", payload).kind(kind).schema_version(schema_version);
            let event = event.tags((0..tags).map(|nth| nth.to_string()));
            NewEvent { id, correlation_id, causation_id, occurred, metadata, ..event }
        },
    )
}

/// Where an event stands and what it refers to. Its tags refer to `stream` and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub at: LogOffset,
    pub position: Position,
    pub distance: u32,
    pub stream: u32,
    pub event_type: u32,
    pub version: u64,
    pub recorded: i64,
}

pub fn spots() -> impl Strategy<Value = Spot> {
    let references = (any::<u32>(), 0..u32::MAX - 200, any::<u32>());
    (offsets(), positions(), references, any::<u64>(), any::<i64>()).prop_map(
        |(at, position, (distance, stream, event_type), version, recorded)| Spot {
            at,
            position,
            distance,
            stream,
            event_type,
            version,
            recorded,
        },
    )
}

/// The whole record of an event, and its check.
pub fn event_record(event: &NewEvent, spot: &Spot, key: &FileKey) -> (Vec<u8>, u32) {
    let mut bytes = Vec::new();
    let body_crc = BodyPlan::new(event).write(&mut bytes);
    for (nth, reference) in (0..event.tags.len()).zip(spot.stream + 1..) {
        write_tag_ref(&mut bytes, nth, reference);
    }
    let head = EventHead {
        distance: spot.distance,
        stream: spot.stream,
        event_type: spot.event_type,
        version: Version::new(spot.version),
        recorded: Timestamp::from_micros(spot.recorded),
    };
    let place = (spot.at, spot.position);
    let check = head.write(&mut bytes, (event.tags.len(), body_crc), place, key);
    (bytes, check)
}

/// What a document's record is made of.
#[derive(Clone, Debug)]
pub struct DocumentParts {
    pub key: String,
    pub value: Option<Vec<u8>>,
    pub at: LogOffset,
    pub distance: u32,
    pub revision: u64,
    pub before: Option<(u64, bool)>,
    pub head: Position,
    pub recorded: i64,
}

pub fn documents() -> impl Strategy<Value = DocumentParts> {
    let body = (names(), option::of(vec(any::<u8>(), 0..200)));
    let before = option::of((1..MOST / 8, any::<bool>()));
    let place = (offsets(), any::<u32>(), positions(), any::<i64>());
    (body, 1..=MOST, before, place).prop_map(|((key, value), revision, before, place)| {
        let (at, distance, head, recorded) = place;
        let before = before.map(|(words, deleted)| (words * 8, deleted));
        let revision = if before.is_some() { revision.max(2) } else { revision };
        DocumentParts { key, value, at, distance, revision, before, head, recorded }
    })
}

/// The whole record of a document, and its check.
pub fn document_record(parts: &DocumentParts, key: &FileKey) -> (Vec<u8>, u32) {
    let mut bytes = Vec::new();
    let body_crc = RawDocument::write(&parts.key, parts.value.as_deref(), &mut bytes);
    let head = DocumentHead {
        distance: parts.distance,
        revision: Revision::new(parts.revision),
        before: parts.before.map(|(at, deleted)| DocumentPlace {
            at: LogOffset::new(at),
            revision: Revision::new(parts.revision - 1),
            deleted,
        }),
        head: parts.head,
        recorded: Timestamp::from_micros(parts.recorded),
    };
    let check = head.write(&mut bytes, body_crc, parts.at, key);
    (bytes, check)
}

/// The whole record of a name, and its check.
pub fn name_record(text: &str, at: LogOffset, key: &FileKey) -> (Vec<u8>, u32) {
    let mut bytes = vec![0xEE; NameRecord::len_of(text)];
    let check = NameRecord::write(&mut bytes, text, at, key);
    (bytes, check)
}

//! The store of the examples.

use crate::format::bytes::get_u32;
use crate::format::layout::event;
use crate::format::*;
use crate::words::{EventKind, LogOffset, NewEvent, Position, Revision, Timestamp, Version};
use uuid::Uuid;

pub const ID: Uuid = Uuid::from_u128(0x1011_1213_1415_8617_9819_1a1b_1c1d_1e1f);
pub const EPOCH: Epoch = Epoch { counter: 2, salt: 0x0123_4567_89ab_cdef };
pub const FIRST_TIME: i64 = 1_700_000_000_000_000;
pub const SECOND_TIME: i64 = 1_700_000_001_000_000;

pub fn identity() -> Identity {
    let bytes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    Identity { store_id: ID, key: FileKey::new(bytes) }
}

pub fn key() -> FileKey {
    identity().key
}

pub fn first_segment() -> SegmentRef {
    let extent = Extent { file_offset: FIRST_EXTENT, length: 65_536 };
    SegmentRef { extent, log_offset: LogOffset::ZERO }
}

pub fn second_segment() -> SegmentRef {
    let extent = Extent { file_offset: FIRST_EXTENT + 65_536, length: 65_536 };
    SegmentRef { extent, log_offset: LogOffset::new(65_536) }
}

pub fn name_record(text: &str, at: u64) -> Vec<u8> {
    let mut bytes = vec![0; NameRecord::len_of(text)];
    NameRecord::write(&mut bytes, text, LogOffset::new(at), &key());
    bytes
}

/// The key of the document of the examples.
pub const STATE_KEY: &str = "order-1/state";

/// Its record, put by the second commit.
pub fn state_record() -> Vec<u8> {
    let mut bytes = Vec::new();
    let body_crc = RawDocument::write(STATE_KEY, Some(br#"{"paid":true}"#), &mut bytes);
    let head = DocumentHead {
        distance: 304,
        revision: Revision::new(1),
        before: None,
        head: Position::new(3),
        recorded: Timestamp::from_micros(SECOND_TIME),
    };
    head.write(&mut bytes, body_crc, state_place().at, &key());
    bytes
}

/// Where it stands.
pub fn state_place() -> DocumentPlace {
    DocumentPlace { at: LogOffset::new(592), revision: Revision::new(1), deleted: false }
}

/// Where an example's event stands, and when that was: distance to its frame's header, log offset,
/// position and version, recorded time.
pub type Place = (u32, u64, u64, i64);

pub fn event_record(
    event: &NewEvent,
    (stream, kind, tags): (u32, u32, &[u32]),
    place: Place,
) -> Vec<u8> {
    let (distance, at, position, recorded) = place;
    let mut bytes = Vec::new();
    let body_crc = BodyPlan::new(event).write(&mut bytes);
    for (nth, tag) in tags.iter().enumerate() {
        write_tag_ref(&mut bytes, nth, *tag);
    }
    // All are of one stream, so positions and versions are alike.
    let version = Version::new(position);
    let recorded = Timestamp::from_micros(recorded);
    let head = EventHead { distance, stream, event_type: kind, version, recorded };
    let place = (LogOffset::new(at), Position::new(position));
    head.write(&mut bytes, (tags.len(), body_crc), place, &key());
    bytes
}

pub fn placed() -> NewEvent {
    NewEvent::new("OrderPlaced", r#"{"total":12}"#).tag("customer:7")
}

pub fn paid() -> NewEvent {
    let id = |byte: u8| Uuid::from_bytes([byte; 16]);
    NewEvent::new("OrderPaid", "{}")
        .kind(EventKind::Integration)
        .tags(["customer:7", "late"])
        .id(id(0xaa))
        .correlation_id(id(0xbb))
        .causation_id(id(0xcc))
        .occurred(Timestamp::from_micros(-1))
        .schema_version(3)
        .metadata(r#"{"by":"ann"}"#)
}

pub fn bare() -> NewEvent {
    NewEvent::new("OrderPaid", "").metadata("")
}

pub fn first_records() -> [Vec<u8>; 4] {
    [
        name_record("order-1", 160),
        name_record("OrderPlaced", 176),
        name_record("customer:7", 200),
        event_record(&placed(), (160, 176, &[200]), (160, 224, 1, FIRST_TIME)),
    ]
}

pub fn second_records() -> [Vec<u8>; 5] {
    [
        name_record("OrderPaid", 384),
        name_record("late", 408),
        event_record(&paid(), (160, 384, &[200, 408]), (136, 424, 2, SECOND_TIME)),
        event_record(&bare(), (160, 384, &[]), (264, 552, 3, SECOND_TIME)),
        state_record(),
    ]
}

pub fn records_check(records: &[Vec<u8>]) -> u32 {
    records
        .iter()
        .fold(0, |all, bytes| FrameHeader::add_record_check(all, get_u32(bytes, event::CHECK)))
}

pub fn first_frame() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::Commit,
        at: LogOffset::new(64),
        epoch: EPOCH,
        length: 224,
        padding: 0,
        records: 4,
        events: 1,
        records_check: records_check(&first_records()),
        first: Position::new(1),
        recorded: Timestamp::from_micros(FIRST_TIME),
        before: Chain(0),
        watermark: LogOffset::new(64),
    }
}

pub fn second_frame() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::Commit,
        at: LogOffset::new(288),
        epoch: EPOCH,
        length: 384,
        padding: 0,
        records: 5,
        events: 2,
        records_check: records_check(&second_records()),
        first: Position::new(2),
        recorded: Timestamp::from_micros(SECOND_TIME),
        before: first_frame().encode(&key()).1,
        watermark: LogOffset::new(288),
    }
}

pub fn end_record() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::End { next_segment: second_segment().extent.file_offset },
        length: 96,
        records: 0,
        events: 0,
        records_check: 0,
        recorded: Timestamp::from_micros(FIRST_TIME),
        ..second_frame()
    }
}

pub fn end_stub() -> Stub {
    Stub { at: LogOffset::new(672), epoch: EPOCH, watermark: LogOffset::new(672) }
}

/// Where the records of the three events stand.
pub const RECORDS: [u64; 3] = [224, 424, 552];

/// The run, as the slot names it.
pub fn run_place() -> RunRef {
    RunRef {
        file_offset: second_segment().extent.end(),
        pages: 6,
        id: 1,
        end: LogOffset::new(672),
        next: Position::new(4),
    }
}

pub fn run_length() -> u64 {
    u64_of(run_pages().len())
}

pub fn run_header() -> RunHeader {
    let terms = run_terms();
    let postings = terms.iter().map(|term| term.2.len()).filter(|count| *count > 1).sum();
    let count = |length: usize| u32::try_from(length).unwrap();
    RunHeader {
        level: 0,
        start: LogOffset::new(64),
        end: run_place().end,
        first: Position::new(1),
        next: run_place().next,
        width: 4,
        terms: count(terms.len() + 1),
        postings: count(postings),
        name_pages: 1,
        segments: 1,
        payload_bytes: 14,
    }
}

/// The names of events in the run, in their order, and which events have them. The document's key
/// stands behind them.
pub fn run_names() -> [(TermKind, &'static str, &'static [u32]); 6] {
    [
        (TermKind::Stream, "order-1", &[0, 1, 2]),
        (TermKind::Category, "order", &[0, 1, 2]),
        (TermKind::Type, "OrderPaid", &[1, 2]),
        (TermKind::Type, "OrderPlaced", &[0]),
        (TermKind::Tag, "customer:7", &[0, 1]),
        (TermKind::Tag, "late", &[1]),
    ]
}

/// All terms of events in the run: kind, text, which events have it.
pub fn run_terms() -> Vec<(TermKind, Vec<u8>, &'static [u32])> {
    let names = run_names().map(|(kind, text, postings)| (kind, text.into(), postings));
    let others: [(TermKind, Vec<u8>, &'static [u32]); 5] = [
        (TermKind::Correlation, vec![0xbb; 16], &[1]),
        (TermKind::Causation, vec![0xcc; 16], &[1]),
        (TermKind::Id, vec![0xaa; 16], &[1]),
        (TermKind::Begins, Vec::new(), &[0]),
        (TermKind::BeginsIn, b"order".to_vec(), &[0]),
    ];
    names.into_iter().chain(others).collect()
}

/// The pages of the run, put together by hand: header, offsets, terms, postings, segments,
/// names.
pub fn run_pages() -> Vec<u8> {
    let mut offsets = RECORDS[0].to_le_bytes().to_vec();
    for at in RECORDS {
        offsets.extend(u32::try_from((at - RECORDS[0]) / 8).unwrap().to_le_bytes());
    }
    let state = key().term(STATE_KEY.as_bytes()).of(TermKind::Document);
    let mut sorted: Vec<(TermHash, &[u32])> = run_terms()
        .into_iter()
        .map(|(kind, text, postings)| (key().term(&text).of(kind), postings))
        .collect();
    sorted.push((state, &[]));
    sorted.sort_unstable();
    let (mut terms, mut placed) = (Vec::new(), Vec::new());
    for (hash, of_term) in sorted {
        let mut bytes = [0; TERM_LEN];
        if hash == state {
            TermEntry::of_document(state, &state_place()).encode(&mut bytes);
            terms.extend(bytes);
            continue;
        }
        let count = u32::try_from(of_term.len()).unwrap();
        let start = match *of_term {
            [only] => only,
            _ => u32::try_from(placed.len()).unwrap(),
        };
        placed.extend(of_term.iter().filter(|_| count > 1));
        TermEntry { hash, start, count, base: 0 }.encode(&mut bytes);
        terms.extend(bytes);
    }
    let postings = placed.iter().flat_map(|posting: &u32| posting.to_le_bytes()).collect();
    let mut names = Vec::new();
    for (kind, text, of_name) in run_names() {
        let count = u32::try_from(of_name.len()).unwrap();
        let listed =
            Listed { kind, text, count, first: of_name[0], last: *of_name.last().unwrap() };
        let begin = names.len();
        names.resize(begin + listed.len(), 0);
        listed.encode(&mut names[begin..]);
    }
    let begin = names.len();
    names.resize(begin + Listed::of_document(STATE_KEY).len(), 0);
    Listed::of_document(STATE_KEY).encode(&mut names[begin..]);
    let segments = first_segment().to_bytes().to_vec();
    let page = |values: Vec<u8>| {
        let mut page = vec![0; PAGE_HEAD_LEN];
        page.extend(values);
        page.resize(index(PAGE), 0);
        page
    };
    let mut pages = [
        run_header().encode(),
        page(offsets),
        page(terms),
        page(postings),
        page(segments),
        page(names),
    ];
    for (page, number) in pages.iter_mut().zip(0..) {
        seal_page(page, run_place().id, number, &key());
    }
    pages.concat()
}

pub fn closed_slot() -> Slot {
    let start = Mark { at: LogOffset::new(64), chain: Chain(0), next: Position::new(1) };
    Slot {
        runs: vec![run_place()],
        free: Vec::new(),
        identity: identity(),
        compatible: 0,
        read_compatible: 0,
        counter: 4,
        epoch: EPOCH,
        watermark: LogOffset::new(672),
        recorded: Timestamp::from_micros(SECOND_TIME),
        index: Mark {
            at: run_place().end,
            chain: second_frame().encode(&key()).1,
            next: run_place().next,
        },
        proof: start,
        clean: true,
        segments: vec![first_segment(), second_segment()],
    }
}

/// Every example's structure and title, and what the codec makes of the values above.
pub fn written() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let first = SegmentHeader { own: first_segment(), before: None };
    let second = SegmentHeader { own: second_segment(), before: Some(first_segment()) };
    let [order, order_placed, customer, placed] = first_records();
    let [order_paid, late, paid, bare, state] = second_records();
    vec![
        ("header", "", FileHeader { identity: identity() }.encode()),
        ("slot", "", closed_slot().encode()),
        ("segment", "first", first.encode(&key()).to_vec()),
        ("segment", "second", second.encode(&key()).to_vec()),
        ("frame", "first", first_frame().encode(&key()).0.to_vec()),
        ("frame", "second", second_frame().encode(&key()).0.to_vec()),
        ("frame", "end", end_record().encode(&key()).0.to_vec()),
        ("name", "order-1", order),
        ("name", "OrderPlaced", order_placed),
        ("name", "customer:7", customer),
        ("name", "OrderPaid", order_paid),
        ("name", "late", late),
        ("event", "1", placed),
        ("event", "2", paid),
        ("event", "3", bare),
        ("document", STATE_KEY, state),
        ("run", "", run_pages()),
        ("stub", "", end_stub().encode(&key()).to_vec()),
    ]
}

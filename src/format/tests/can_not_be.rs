//! What can't be is refused although its check is right: a check proves who wrote, not that the
//! writer was right.

use super::fixed::*;
use super::make::{DocumentParts, document_record, event_record, name_record};
use crate::format::bytes::{put_u16, put_u32, put_u64};
use crate::format::check::crc;
use crate::format::layout::{
    document, event, frame, free_ref, header, listed, name, run, run_ref, segment, segment_ref,
    slot, stub,
};
use crate::format::*;
use crate::words::{LogOffset, NewEvent, Position};

/// Changes a structure and gives it the check that it then needs.
fn resealed(bytes: &[u8], check: usize, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let computed = key().keyed(&bytes[..check]);
    put_u64(&mut bytes, check, computed);
    bytes
}

#[test]
fn a_slot_that_can_not_be_is_damaged() {
    let page = a_slot().encode();
    let decode = |at: usize, value: u64| {
        Slot::decode(&resealed(&page, slot::CHECK, |page| put_u64(page, at, value))).err()
    };
    let second = slot::SEGMENTS + segment_ref::LEN;
    assert_eq!(decode(slot::COUNTER, 4), None, "a slot that can be");
    for (what, at, value) in [
        ("the last counter", slot::COUNTER, u64::MAX),
        ("the last epoch", slot::EPOCH, u64::MAX),
        ("a watermark below the proof", slot::WATERMARK, PAGE - 8),
        ("a watermark beyond the segments", slot::WATERMARK, 4 * PAGE + 8),
        ("a watermark between words", slot::WATERMARK, 3 * PAGE - 1),
        ("an index beyond the watermark", slot::INDEX_END, 3 * PAGE + 8),
        ("an index between words", slot::INDEX_END, 65),
        ("an index without position", slot::INDEX_NEXT, 0),
        ("a proof beyond the watermark", slot::PROOF_START, 3 * PAGE + 8),
        ("a proof between words", slot::PROOF_START, 65),
        ("a proof without position", slot::PROOF_NEXT, 0),
        ("a segment in the fixed pages", second + segment_ref::FILE_OFFSET, 3 * PAGE),
        ("a segment between pages", second + segment_ref::FILE_OFFSET, FIRST_EXTENT + 8),
        ("a segment past 2^63", second + segment_ref::FILE_OFFSET, (1 << 63) - PAGE),
        ("a segment past 2^64", second + segment_ref::FILE_OFFSET, 0_u64.wrapping_sub(PAGE)),
        ("a segment without bytes", second + segment_ref::LENGTH, 0),
        ("a segment of half a page", second + segment_ref::LENGTH, PAGE / 2),
        ("a segment that leaves a gap", second + segment_ref::LOG_OFFSET, 3 * PAGE),
    ] {
        assert_eq!(decode(at, value), Some(Unopenable::Damaged), "{what}");
    }
    for count in [0, 33, u32::MAX] {
        let page = resealed(&page, slot::CHECK, |page| put_u32(page, slot::SEGMENT_COUNT, count));
        assert!(Slot::decode(&page).err() == Some(Unopenable::Damaged), "{count} segments");
    }
}

#[test]
fn a_slot_with_runs_that_can_not_be_is_damaged() {
    let page = a_slot_with_runs().encode();
    let decode = |at: usize, value: u64| {
        Slot::decode(&resealed(&page, slot::CHECK, |page| put_u64(page, at, value))).err()
    };
    let (first, second) = (slot::RUNS, slot::RUNS + run_ref::LEN);
    let free = slot::FREE + free_ref::LEN;
    assert_eq!(decode(second + run_ref::FILE_OFFSET, FIRST_EXTENT), None, "a slot that can be");
    for (what, at, value) in [
        ("a run in the fixed pages", first + run_ref::FILE_OFFSET, 3 * PAGE),
        ("a run between pages", first + run_ref::FILE_OFFSET, FIRST_EXTENT + 8),
        ("a run past 2^63", first + run_ref::FILE_OFFSET, (1 << 63) - 5 * PAGE),
        ("a run past 2^64", first + run_ref::FILE_OFFSET, 0_u64.wrapping_sub(PAGE)),
        ("a run without pages", first + run_ref::PAGES, 3 << 32),
        ("a run that ends between words", first + run_ref::END, 644),
        ("a run without log", first + run_ref::END, 2 * PAGE),
        ("a run that goes back", first + run_ref::END, 2 * PAGE + 8),
        ("a run whose positions go back", first + run_ref::NEXT, 9),
        ("runs that end before the index", second + run_ref::END, 2 * PAGE - 8),
        ("runs that end behind the index", second + run_ref::END, 2 * PAGE + 8),
        ("runs that end at another position", second + run_ref::NEXT, 9),
        ("an index that ends elsewhere", slot::INDEX_END, 2 * PAGE - 8),
        ("an index with another position", slot::INDEX_NEXT, 9),
        ("room in the fixed pages", free + free_ref::FILE_OFFSET, 3 * PAGE),
        ("room between pages", free + free_ref::FILE_OFFSET, FIRST_EXTENT + 8),
        ("room without bytes", free + free_ref::LENGTH, 0),
        ("room of half a page", free + free_ref::LENGTH, PAGE / 2),
        ("room past 2^63", free + free_ref::LENGTH, 1 << 63),
    ] {
        assert_eq!(decode(at, value), Some(Unopenable::Damaged), "{what}");
    }
    for (at, count) in [
        (slot::RUN_COUNT, 1),
        (slot::RUN_COUNT, 3),
        (slot::RUN_COUNT, 41),
        (slot::RUN_COUNT, u32::MAX),
        (slot::FREE_COUNT, 3),
        (slot::FREE_COUNT, 65),
        (slot::FREE_COUNT, u32::MAX),
    ] {
        let page = resealed(&page, slot::CHECK, |page| put_u32(page, at, count));
        assert!(Slot::decode(&page).err() == Some(Unopenable::Damaged), "{count} at {at}");
    }
}

#[test]
fn a_runs_header_that_can_not_be_is_none() {
    let (header, place) = a_run();
    let refused = |what: &str, header: RunHeader| {
        assert_eq!(RunHeader::decode(&header.encode(), &place), None, "{what}");
    };
    assert_eq!(RunHeader::decode(&header.encode(), &place), Some(header), "one that can be");
    for width in [0, 1, 5, 16, u32::MAX] {
        refused("log offsets of no such width", RunHeader { width, ..header });
    }
    refused("more terms than its pages have", RunHeader { terms: 700, ..header });
    refused("fewer terms than its pages have", RunHeader { terms: 500, ..header });
    refused("more postings than its pages have", RunHeader { postings: 4_000, ..header });
    refused("more segments than its pages have", RunHeader { segments: 171, ..header });
    refused("more pages than there are", RunHeader { name_pages: 3, ..header });
    refused("more pages than can be", RunHeader { name_pages: u32::MAX, ..header });
    refused("wider log offsets than its pages have", RunHeader { width: 8, ..header });
    refused("no log", RunHeader { start: header.end, ..header });
    refused("log that goes back", RunHeader { start: header.end.plus(8), ..header });
    refused("no events", RunHeader { first: header.next, ..header });
    refused("events that go back", RunHeader { first: Position::new(2_105), ..header });
    refused("another end", RunHeader { end: header.end.plus(8), ..header });
    refused("another next position", RunHeader { next: Position::new(2_105), ..header });
    for (what, place) in [
        ("a page more", RunRef { pages: place.pages + 1, ..place }),
        ("a page fewer", RunRef { pages: place.pages - 1, ..place }),
        ("no page", RunRef { pages: 0, ..place }),
    ] {
        assert_eq!(RunHeader::decode(&header.encode(), &place), None, "{what}");
    }
    let next = Position::new(4 + (1 << 32));
    let many = RunHeader { next, ..header };
    assert_eq!((many.events(), many.sections()), (None, None), "2^32 events");
    assert_eq!(RunHeader::decode(&many.encode(), &RunRef { next, ..place }), None, "2^32 events");
    let mut untagged = header.encode();
    put_u32(&mut untagged, run::TAG, 0);
    assert_eq!(RunHeader::decode(&untagged, &place), None, "no tag");
}

#[test]
fn a_listed_name_that_can_not_be_is_none() {
    let text = "x".repeat(1_024);
    let decode = |change: fn(&mut [u8])| {
        let mut page = vec![b'x'; 4_096];
        let name = Listed { kind: TermKind::Tag, text: &text, count: 3, first: 2, last: 9 };
        name.encode(&mut page[PAGE_HEAD_LEN..]);
        change(&mut page[PAGE_HEAD_LEN..]);
        Listed::decode(&page, 0).map(|listed| listed.text.len())
    };
    assert_eq!(decode(|_| ()), Some(1_024), "one that can be");
    assert_eq!(decode(|bytes| put_u16(bytes, listed::LENGTH, 0)), Some(0), "an empty category");
    assert_eq!(decode(|bytes| put_u16(bytes, listed::LENGTH, 1_025)), None, "too long");
    assert_eq!(decode(|bytes| put_u16(bytes, listed::LENGTH, u16::MAX)), None, "beyond its page");
    assert_eq!(decode(|bytes| bytes[listed::KIND] = 0), None, "no kind");
    assert_eq!(decode(|bytes| bytes[listed::KIND] = 5), None, "a kind without names");
    assert_eq!(decode(|bytes| bytes[listed::LEN] = 0xFF), None, "not UTF-8");
    assert_eq!(decode(|bytes| put_u32(bytes, listed::COUNT, 0)), None, "no events");
    assert_eq!(decode(|bytes| put_u32(bytes, listed::FIRST, 10)), None, "a first after the last");
}

#[test]
fn a_log_offset_past_2_to_the_64_is_none() {
    let mut page = a_page();
    put_u64(&mut page, PAGE_HEAD_LEN, u64::MAX - 7);
    put_u64(&mut page, PAGE_HEAD_LEN + 8, 7);
    assert_eq!(offset_at(&page, 0, 8), Some(LogOffset::new(u64::MAX)));
    put_u64(&mut page, PAGE_HEAD_LEN + 8, 8);
    assert_eq!(offset_at(&page, 0, 8), None);
    put_u64(&mut page, PAGE_HEAD_LEN + 8, 1);
    assert_eq!(offset_at(&page, 0, 4), None);
}

#[test]
fn a_segment_header_that_can_not_be_is_none() {
    let bytes = a_segment().encode(&key());
    let decode = |at: usize, value: u64| {
        let bytes = resealed(&bytes, segment::CHECK, |bytes| put_u64(bytes, at, value));
        SegmentHeader::decode(&bytes, &key())
    };
    assert!(decode(segment::FILE_OFFSET, FIRST_EXTENT).is_some(), "a header that can be");
    for (what, at, value) in [
        ("a segment in the fixed pages", segment::FILE_OFFSET, 3 * PAGE),
        ("a segment without bytes", segment::LENGTH, 0),
        ("a segment that leaves a gap", segment::LOG_OFFSET, 3 * PAGE),
        ("one before it in the fixed pages", segment::BEFORE_FILE_OFFSET, 0),
        ("one before it without bytes", segment::BEFORE_LENGTH, 0),
        ("one before it that ends elsewhere", segment::BEFORE_LENGTH, PAGE),
        ("one before it that overlaps", segment::BEFORE_LOG_OFFSET, PAGE),
    ] {
        assert_eq!(decode(at, value), None, "{what}");
    }
    let first = SegmentHeader { own: place(2), before: None }.encode(&key());
    assert_eq!(SegmentHeader::decode(&first, &key()), None, "a first segment in mid-log");
}

#[test]
fn a_frame_header_that_can_not_be_is_none() {
    let refused = |what: &str, frame: FrameHeader| {
        let (bytes, _) = frame.encode(&key());
        assert_eq!(FrameHeader::decode(&bytes, frame.at, &key()), None, "{what}");
    };
    let frame = a_frame();
    let most = Position::MAX;
    refused("shorter than its header", FrameHeader { length: 88, ..frame });
    refused("no length", FrameHeader { length: 0, ..frame });
    refused("a length between words", FrameHeader { length: 204, ..frame });
    refused("padding between words", FrameHeader { padding: 4, ..frame });
    refused("more padding than there is room", FrameHeader { padding: 112, ..frame });
    refused("padding longer than the frame", FrameHeader { padding: u16::MAX - 7, ..frame });
    refused("more events than records", FrameHeader { events: 3, ..frame });
    refused("a watermark beyond itself", FrameHeader { watermark: LogOffset::new(648), ..frame });
    refused("no position", FrameHeader { first: Position::START, ..frame });
    refused("positions that overflow", FrameHeader { first: most, ..frame });
    refused(
        "positions that overflow more",
        FrameHeader { first: Position::new(u64::MAX), ..frame },
    );
    let kind = FrameKind::End { next_segment: FIRST_EXTENT };
    let end = FrameHeader { kind, length: 96, records: 0, events: 0, ..frame };
    refused("a padded end record", FrameHeader { length: 104, padding: 8, ..end });
    refused("an end record with a body", FrameHeader { length: 104, ..end });
    refused("an end record with a record", FrameHeader { records: 1, ..end });
    let untagged = resealed(&frame.encode(&key()).0, frame::CHECK, |bytes| put_u32(bytes, 0, 0));
    assert_eq!(FrameHeader::decode(&untagged, frame.at, &key()), None, "no tag");
}

#[test]
fn a_stub_that_can_not_be_is_none() {
    let stub = a_stub();
    let beyond = Stub { watermark: LogOffset::new(648), ..stub };
    assert_eq!(Stub::decode(&beyond.encode(&key()), stub.at, &key()), None);
    let untagged = resealed(&stub.encode(&key()), stub::CHECK, |bytes| put_u32(bytes, 0, 0));
    assert_eq!(Stub::decode(&untagged, stub.at, &key()), None, "no tag");
}

#[test]
fn a_record_that_can_not_be_is_none() {
    let name = |change: fn(&mut Vec<u8>)| {
        let mut bytes = name_record("order", SPOT.at, &key()).0;
        bytes.extend([b'x'; 2_000]);
        change(&mut bytes);
        Record::parse(&bytes).is_none()
    };
    assert!(!name(|_| ()), "a name that can be");
    assert!(name(|bytes| bytes[name::TAG] = 0), "no tag");
    assert!(name(|bytes| put_u16(bytes, name::LENGTH, 0)), "an empty name");
    assert!(!name(|bytes| {
        bytes[8..16].fill(b'x');
        put_u16(bytes, name::LENGTH, 1_024);
    }));
    assert!(
        name(|bytes| {
            bytes[8..16].fill(b'x');
            put_u16(bytes, name::LENGTH, 1_025)
        }),
        "too long"
    );
    assert!(name(|bytes| bytes[10] = 0), "a NUL in the name");
    assert!(name(|bytes| bytes[10] = 0xFF), "not UTF-8");

    let event = |change: fn(&mut Vec<u8>)| {
        let mut bytes = event_record(&NewEvent::new("T", "payload"), &SPOT, &key()).0;
        bytes.extend([0; 2_000]);
        change(&mut bytes);
        Record::parse(&bytes).is_none()
    };
    assert!(!event(|_| ()), "an event that can be");
    assert!(event(|bytes| bytes[event::KIND] = 0), "no kind");
    assert!(event(|bytes| bytes[event::KIND] = 5), "an unknown kind");
    assert!(event(|bytes| bytes[event::FLAGS] = 0x40), "an unknown part");
    assert!(event(|bytes| bytes[event::FLAGS] = 0x80), "an unknown part");
    assert!(!event(|bytes| bytes[event::FLAGS + 1] = 128));
    assert!(event(|bytes| bytes[event::FLAGS + 1] = 129), "too many tags");
    assert!(event(|bytes| put_u32(bytes, event::PAYLOAD_LENGTH, u32::MAX)), "no such payload");

    let with_metadata = NewEvent::new("T", "payload").metadata("some");
    let mut bytes = event_record(&with_metadata, &SPOT, &key()).0;
    assert!(Record::parse(&bytes).is_some());
    bytes[event::FLAGS] &= !0x20;
    assert!(Record::parse(&bytes).is_none(), "metadata whose flag is not set");
    // Without metadata, there may be a version of the schema.
    let mut later = NewEvent::new("T", "payload");
    later.schema_version = 7;
    assert!(Record::parse(&event_record(&later, &SPOT, &key()).0).is_some());
}

#[test]
fn a_record_that_is_cut_within_its_head_leads_nowhere() {
    let bytes = event_record(&NewEvent::new("T", "payload"), &SPOT, &key()).0;
    assert_eq!(RawEvent::distance_of(&bytes), Some(SPOT.distance));
    for length in 0..event::LEN {
        assert_eq!(RawEvent::distance_of(&bytes[..length]), None, "{length} bytes");
        assert_eq!(RawEvent::len_hint(&bytes[..length]), None, "{length} bytes");
    }
    // One without a body is a head, and no more.
    let bare = event_record(&NewEvent::new("T", ""), &SPOT, &key()).0;
    assert_eq!((bare.len(), RawEvent::len_hint(&bare)), (event::LEN, Some(event::LEN)));
    let name = name_record("order", SPOT.at, &key()).0;
    assert_eq!(RawEvent::distance_of(&[name, vec![0; 100]].concat()), None, "a name");
    let put = DocumentParts {
        key: "k".to_owned(),
        value: None,
        at: SPOT.at,
        distance: 96,
        revision: 1,
        before: None,
        head: SPOT.position,
        recorded: 0,
    };
    let bytes = document_record(&put, &key()).0;
    for length in 0..document::LEN {
        assert_eq!(RawDocument::len_hint(&bytes[..length]), None, "{length} bytes");
    }
    assert_eq!(RawDocument::len_hint(&bytes), Some(bytes.len()));
}

/// Makes a record one that can't be.
type Spoil = fn(&mut Vec<u8>);

#[test]
fn a_documents_record_that_can_not_be_is_none() {
    let put = DocumentParts {
        key: "order-1/state".to_owned(),
        value: Some(b"value".to_vec()),
        at: SPOT.at,
        distance: 96,
        revision: 3,
        before: Some((640, true)),
        head: SPOT.position,
        recorded: 0,
    };
    let refused = |parts: &DocumentParts, change: Spoil| {
        let mut bytes = document_record(parts, &key()).0;
        bytes.extend([b'x'; 2_000]);
        change(&mut bytes);
        Record::parse(&bytes).is_none()
    };
    assert!(!refused(&put, |_| ()), "a document that can be");
    let changes: [(&str, Spoil); 12] = [
        ("an unknown flag", |bytes| bytes[document::FLAGS] |= 4),
        ("an empty key", |bytes| put_u16(bytes, document::KEY_LENGTH, 0)),
        ("a key that is too long", |bytes| put_u16(bytes, document::KEY_LENGTH, 1_025)),
        ("a NUL in the key", |bytes| bytes[document::LEN] = 0),
        ("a key that is not UTF-8", |bytes| bytes[document::LEN] = 0xFF),
        ("a value that is not there", |bytes| put_u32(bytes, document::VALUE_LENGTH, 9_000)),
        ("a deletion with a value", |bytes| bytes[document::FLAGS] |= 1),
        ("no revision", |bytes| put_u64(bytes, document::REVISION, 0)),
        ("no such revision", |bytes| put_u64(bytes, document::REVISION, 1 << 63)),
        ("a first one that has one before", |bytes| put_u64(bytes, document::REVISION, 1)),
        ("one before it between words", |bytes| put_u64(bytes, document::BEFORE, 644)),
        ("a deleted one before it that is not there", |bytes| put_u64(bytes, document::BEFORE, 0)),
    ];
    for (what, change) in changes {
        assert!(refused(&put, change), "{what}");
    }
    let first = DocumentParts { revision: 1, before: None, value: None, ..put };
    assert!(!refused(&first, |_| ()), "a deletion of what was not there");
    assert!(refused(&first, |bytes| put_u64(bytes, document::REVISION, 0)), "a first one of none");
}

#[test]
fn a_newer_file_is_told_from_a_damaged_one() {
    let page = FileHeader { identity: a_slot().identity }.encode();
    let header = |at: usize, value: u32, seal: bool| {
        let mut page = page.clone();
        put_u32(&mut page, at, value);
        if seal {
            let check = crc(0, &page[..header::CHECK]);
            put_u32(&mut page, header::CHECK, check);
        }
        FileHeader::decode(&page).err()
    };
    assert_eq!(header(header::FORMAT_VERSION, 7, true), Some(Unopenable::Newer(7)));
    assert_eq!(header(header::FORMAT_VERSION, 0, true), Some(Unopenable::Older(0)));
    assert_eq!(header(header::FORMAT_VERSION, 0, false), Some(Unopenable::Damaged));
    assert_eq!(header(header::FORMAT_VERSION, 7, false), Some(Unopenable::Damaged));
    assert_eq!(header(header::PAGE_SIZE, 8_192, true), Some(Unopenable::Damaged));
    assert_eq!(header(header::MAGIC, 0, true), Some(Unopenable::Foreign));

    let page = a_slot().encode();
    let slot = |at: usize, value: u64| {
        Slot::decode(&resealed(&page, slot::CHECK, |page| put_u64(page, at, value))).err()
    };
    let newer = (PAGE << 32) | 7;
    assert_eq!(slot(slot::FORMAT_VERSION, newer), Some(Unopenable::Newer(7)));
    assert_eq!(slot(slot::INCOMPATIBLE, 4), Some(Unopenable::Features(4)));
    assert_eq!(slot(slot::READ_COMPATIBLE, 4), None, "what a reader may ignore");
    assert_eq!(slot(slot::COMPATIBLE, 4), None, "what may be ignored");
    assert_eq!(slot(slot::MAGIC, 0), Some(Unopenable::Foreign));
}

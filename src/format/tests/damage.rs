//! Damage is noticed: a flipped bit, a cut, another place, another file.

use super::fixed::*;
use super::make::*;
use crate::format::bytes::put_u32;
use crate::format::layout::page_head;
use crate::format::*;
use crate::words::{EventKind, LogOffset, NewEvent, Position, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

/// Events of all shapes: bare, with each part, with tags that fill their words and that don't, all
/// zeros, longer.
fn some_events() -> Vec<NewEvent> {
    let plain = || NewEvent::new("T", "some payload");
    let id = Uuid::from_u128(0x1234_5678);
    vec![
        NewEvent::new("T", ""),
        NewEvent::new("T", "").metadata(""),
        NewEvent::new("T", [0; 64]),
        plain(),
        plain().kind(EventKind::Fat).id(id),
        plain().correlation_id(id).causation_id(id),
        plain().occurred(Timestamp::from_micros(-1)),
        plain().schema_version(9),
        plain().metadata("some metadata"),
        plain().tags(["a"]),
        plain().tags(["a", "b"]).id(id).metadata("m").occurred(Timestamp::from_micros(5)),
        NewEvent::new("T", vec![0xA2; 700]).tags((0..128).map(|nth: u8| nth.to_string())),
    ]
}

/// Documents of all shapes: put and deleted, without and with a value, the first and a later one.
fn some_documents() -> Vec<Vec<u8>> {
    let parts = |value: Option<&str>, before| DocumentParts {
        key: "order-1/state".to_owned(),
        value: value.map(|value| value.as_bytes().to_vec()),
        at: SPOT.at,
        distance: SPOT.distance,
        revision: 2,
        before,
        head: SPOT.position,
        recorded: SPOT.recorded,
    };
    let all = [
        parts(Some(""), None),
        parts(Some("some value"), Some((640, false))),
        parts(Some("some longer value"), Some((640, true))),
        parts(None, Some((640, false))),
    ];
    all.iter().map(|parts| document_record(parts, &key()).0).collect()
}

/// Whether the bytes begin with a record that is valid there.
fn is_valid(bytes: &[u8], at: LogOffset, position: Position, key: &FileKey) -> bool {
    Record::parse(bytes).is_some_and(|record| match record {
        Record::Name(name) => name.check(at, key).is_some(),
        Record::Event(event) => event.check(at, position, key).is_some(),
        Record::Document(document) => document.check(at, key).is_some(),
    })
}

/// Flips each bit, one at a time.
fn each_flip(bytes: &[u8], mut look: impl FnMut(&[u8], usize)) {
    let mut bytes = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        look(&bytes, bit);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn no_flipped_bit_of_page_0_passes() {
    let page = FileHeader { identity: a_slot().identity }.encode();
    assert!(FileHeader::decode(&page).is_ok());
    each_flip(&page, |page, bit| assert!(FileHeader::decode(page).is_err(), "bit {bit}"));
}

#[test]
fn no_flipped_bit_of_a_slot_passes() {
    let page = a_slot().encode();
    assert!(Slot::decode(&page).is_ok());
    each_flip(&page, |page, bit| assert!(Slot::decode(page).is_err(), "bit {bit}"));
}

#[test]
fn no_flipped_bit_of_a_slot_with_runs_passes() {
    let page = a_slot_with_runs().encode();
    assert!(Slot::decode(&page).is_ok_and(|slot| slot == a_slot_with_runs()));
    each_flip(&page, |page, bit| assert!(Slot::decode(page).is_err(), "bit {bit}"));
}

#[test]
fn no_flipped_bit_of_a_runs_page_passes() {
    let mut page = a_page();
    seal_page(&mut page, 9, 4, &key());
    assert!(is_page(&page, 9, 4, &key()));
    each_flip(&page, |page, bit| assert!(!is_page(page, 9, 4, &key()), "bit {bit}"));
    assert!(!is_page(&page[..page.len() - 1], 9, 4, &key()), "cut short");
    assert!(!is_page(&[&page[..], &[0]].concat(), 9, 4, &key()), "too long");
    assert!(!is_page(&vec![0; page.len()], 0, 0, &key()), "zeros are no page");
}

/// A header says where the page should be; the check covers where it is.
#[test]
fn a_page_of_another_run_or_number_fails_its_check() {
    let mut page = a_page();
    seal_page(&mut page, 9, 4, &key());
    for (id, number) in [(8, 4), (9, 3), (9, 5), (4, 9), (0, 0), (u32::MAX, 4), (9, u32::MAX)] {
        assert!(!is_page(&page, id, number, &key()), "page {number} of run {id}");
        // Its head says what was asked for, its check what it is.
        let mut moved = page.clone();
        put_u32(&mut moved, page_head::RUN, id);
        put_u32(&mut moved, page_head::NUMBER, number);
        assert!(!is_page(&moved, id, number, &key()), "moved to {number} of run {id}");
    }
}

#[test]
fn no_flipped_bit_of_a_segment_header_passes() {
    let bytes = a_segment().encode(&key());
    assert!(SegmentHeader::decode(&bytes, &key()).is_some());
    each_flip(&bytes, |bytes, bit| {
        assert_eq!(SegmentHeader::decode(bytes, &key()), None, "bit {bit}");
    });
}

#[test]
fn no_flipped_bit_of_a_frame_header_passes() {
    let end = FrameKind::End { next_segment: FIRST_EXTENT };
    for frame in
        [a_frame(), FrameHeader { kind: end, length: 96, records: 0, events: 0, ..a_frame() }]
    {
        let (bytes, _) = frame.encode(&key());
        assert!(FrameHeader::decode(&bytes, frame.at, &key()).is_some());
        each_flip(&bytes, |bytes, bit| {
            assert_eq!(FrameHeader::decode(bytes, frame.at, &key()), None, "bit {bit}");
        });
    }
}

#[test]
fn no_flipped_bit_of_a_stub_passes() {
    let stub = a_stub();
    let bytes = stub.encode(&key());
    assert!(Stub::decode(&bytes, stub.at, &key()).is_some());
    each_flip(&bytes, |bytes, bit| {
        assert_eq!(Stub::decode(bytes, stub.at, &key()), None, "bit {bit}");
    });
}

/// Other records follow, so that a record that became longer finds bytes.
#[test]
fn no_flipped_bit_of_a_record_passes() {
    let at = SPOT.at;
    let follow: Vec<u8> =
        some_events().iter().flat_map(|event| event_record(event, &SPOT, &key()).0).collect();
    let names = ["a", "order-1", "1234567", "12345678", &"ä".repeat(512)];
    let names = names.iter().map(|text| name_record(text, at, &key()).0);
    let events = some_events();
    let events = events.iter().map(|event| event_record(event, &SPOT, &key()).0);
    for record in events.chain(names).chain(some_documents()) {
        assert!(is_valid(&record, at, SPOT.position, &key()));
        each_flip(&record, |record, bit| {
            assert!(!is_valid(record, at, SPOT.position, &key()), "alone, bit {bit}");
            let all = [record, &follow].concat();
            assert!(!is_valid(&all, at, SPOT.position, &key()), "followed, bit {bit}");
        });
    }
}

#[test]
fn what_is_cut_short_is_nothing() {
    let header = FileHeader { identity: a_slot().identity }.encode();
    let slot = a_slot().encode();
    for length in 0..slot.len() {
        assert!(FileHeader::decode(&header[..length]).is_err(), "page 0 of {length} bytes");
        assert!(Slot::decode(&slot[..length]).is_err(), "slot of {length} bytes");
    }
    let segment = a_segment().encode(&key());
    let (frame, _) = a_frame().encode(&key());
    let stub = a_stub().encode(&key());
    for length in 0..frame.len() {
        let cut = |bytes: &[u8]| bytes[..length.min(bytes.len() - 1)].to_vec();
        assert_eq!(SegmentHeader::decode(&cut(&segment), &key()), None);
        assert_eq!(FrameHeader::decode(&cut(&frame), a_frame().at, &key()), None);
        assert_eq!(Stub::decode(&cut(&stub), a_stub().at, &key()), None);
    }
    let name = name_record("order-1", SPOT.at, &key()).0;
    let events = some_events();
    let events = events.iter().map(|event| event_record(event, &SPOT, &key()).0);
    for record in events.chain([name]).chain(some_documents()) {
        for length in 0..record.len() {
            assert!(Record::parse(&record[..length]).is_none(), "{length} of {}", record.len());
        }
    }
}

proptest! {
    #[test]
    fn no_flipped_bit_of_any_event_passes(
        event in events(), spot in spots(), key in keys(), bit in any::<prop::sample::Index>(),
    ) {
        let key = FileKey::new(key);
        let (mut record, _) = event_record(&event, &spot, &key);
        let bit = bit.index(record.len() * 8);
        record[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!is_valid(&record, spot.at, spot.position, &key));
    }

    #[test]
    fn an_event_elsewhere_or_at_another_position_fails(
        event in events(), spot in spots(), at in offsets(), position in positions(),
    ) {
        let (record, _) = event_record(&event, &spot, &key());
        prop_assume!(at != spot.at && position != spot.position);
        prop_assert!(is_valid(&record, spot.at, spot.position, &key()));
        prop_assert!(!is_valid(&record, at, spot.position, &key()));
        prop_assert!(!is_valid(&record, spot.at, position, &key()));
        prop_assert!(!is_valid(&record, at, position, &key()));
    }

    #[test]
    fn two_records_that_changed_places_fail(
        a in events(), b in events(), spot in spots(), words in 4..1_u64 << 20,
    ) {
        // Far from the ends, so that there is a next place.
        let at = LogOffset::new((spot.at.get() / 2) & !7);
        let spot = Spot { at, position: Position::new(spot.position.get() / 2 + 1), ..spot };
        let (at, position) = (spot.at.plus(words * 8), spot.position.next().unwrap());
        let next = Spot { at, position, ..spot };
        let (a, b) = (event_record(&a, &spot, &key()).0, event_record(&b, &next, &key()).0);
        prop_assert!(!is_valid(&a, next.at, next.position, &key()));
        prop_assert!(!is_valid(&b, spot.at, spot.position, &key()));
    }

    #[test]
    fn a_name_elsewhere_fails(text in names(), at in offsets(), other in offsets()) {
        let (record, _) = name_record(&text, at, &key());
        prop_assume!(at != other);
        prop_assert!(!is_valid(&record, other, Position::START, &key()));
    }

    #[test]
    fn what_another_file_wrote_fails(
        (ours, theirs) in (keys(), keys()), event in events(), spot in spots(), text in names(),
        segment in segment_headers(), frame in frames(), stub in stubs(),
    ) {
        prop_assume!(ours != theirs);
        let (ours, theirs) = (FileKey::new(ours), FileKey::new(theirs));
        let (record, _) = event_record(&event, &spot, &theirs);
        prop_assert!(!is_valid(&record, spot.at, spot.position, &ours));
        let (record, _) = name_record(&text, spot.at, &theirs);
        prop_assert!(!is_valid(&record, spot.at, Position::START, &ours));
        prop_assert_eq!(SegmentHeader::decode(&segment.encode(&theirs), &ours), None);
        prop_assert_eq!(FrameHeader::decode(&frame.encode(&theirs).0, frame.at, &ours), None);
        prop_assert_eq!(Stub::decode(&stub.encode(&theirs), stub.at, &ours), None);
    }

    #[test]
    fn a_page_of_another_file_run_or_number_fails_its_check(
        (ours, theirs) in (keys(), keys()), run in any::<[u32; 2]>(), number in any::<[u32; 2]>(),
    ) {
        prop_assume!(ours != theirs && run[0] != run[1] && number[0] != number[1]);
        let (ours, theirs) = (FileKey::new(ours), FileKey::new(theirs));
        let mut page = a_page();
        seal_page(&mut page, run[0], number[0], &ours);
        prop_assert!(is_page(&page, run[0], number[0], &ours));
        prop_assert!(!is_page(&page, run[0], number[0], &theirs));
        prop_assert!(!is_page(&page, run[1], number[0], &ours));
        prop_assert!(!is_page(&page, run[0], number[1], &ours));
    }

    #[test]
    fn a_frame_or_stub_elsewhere_is_none(frame in frames(), stub in stubs(), at in offsets()) {
        prop_assume!(at != frame.at && at != stub.at);
        prop_assert_eq!(FrameHeader::decode(&frame.encode(&key()).0, at, &key()), None);
        prop_assert_eq!(Stub::decode(&stub.encode(&key()), at, &key()), None);
    }
}

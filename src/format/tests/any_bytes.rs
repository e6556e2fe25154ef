//! Decoders take any bytes: they return a value or nothing, and what they return can be written and
//! read again.

use super::make::*;
use crate::format::bytes::{get_16, put_u32, put_u64};
use crate::format::check::crc;
use crate::format::layout::{frame, header, segment, slot, stub};
use crate::format::*;
use crate::words::{LogOffset, Position};
use proptest::collection::vec;
use proptest::prelude::*;

/// Decodes the bytes as everything there is.
fn decode_all(bytes: &[u8], at: LogOffset, key: &FileKey) {
    if let Ok(found) = FileHeader::decode(bytes) {
        assert!(FileHeader::decode(&found.encode()).is_ok_and(|again| again == found));
    }
    if let Ok(found) = Slot::decode(bytes) {
        assert!(found.segments.len() <= SLOT_SEGMENTS);
        assert!(Slot::decode(&found.encode()).is_ok_and(|again| again == found));
    }
    if let Some(found) = SegmentHeader::decode(bytes, key) {
        assert_eq!(SegmentHeader::decode(&found.encode(key), key), Some(found));
    }
    if let Some((found, _)) = FrameHeader::decode(bytes, at, key) {
        let (again, check) = found.encode(key);
        assert_eq!(FrameHeader::decode(&again, at, key), Some((found, check)));
    }
    if let Some(found) = Stub::decode(bytes, at, key) {
        assert_eq!(Stub::decode(&found.encode(key), at, key), Some(found));
    }
    let hint = RawEvent::len_hint(bytes);
    let raw = RawEvent::parse(bytes);
    if let Some(raw) = &raw {
        assert_eq!(hint, Some(Record::Event(*raw).len()), "the hint is the length");
        assert_eq!(raw.tags().count(), usize::from(bytes[7]));
        let _ = raw.check(at, Position::new(1), key);
    }
    let name = NameRecord::parse(bytes);
    if let Some(name) = &name {
        assert!((1..=1_024).contains(&name.text.len()));
        let _ = name.check(at, key);
    }
    let record = Record::parse(bytes);
    assert_eq!(record.is_some(), raw.is_some() || name.is_some());
    if let Some(record) = record {
        assert!(record.len() <= bytes.len() && record.len().is_multiple_of(8));
    }
}

/// Changes to bytes: where, and to what.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    // Small numbers and ends of ranges are where lengths and counts go wrong.
    let value = prop_oneof![Just(0), Just(1), Just(0x7F), Just(0x80), Just(0xFF), any::<u8>()];
    vec((any::<prop::sample::Index>(), value), 1..12)
}

fn change(bytes: &mut [u8], most: usize, changes: &[(prop::sample::Index, u8)]) {
    let most = most.min(bytes.len());
    for (place, value) in changes {
        bytes[place.index(most)] = *value;
    }
}

/// Gives the bytes the check that they need to get past it.
fn seal(bytes: &mut [u8], check: usize, key: &FileKey) {
    let computed = key.keyed(&bytes[..check]);
    put_u64(bytes, check, computed);
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in vec(any::<u8>(), 0..400), at in offsets(), key in keys()) {
        decode_all(&bytes, at, &FileKey::new(key));
    }

    #[test]
    fn any_bytes_behind_a_records_tag_are_taken(
        bytes in vec(any::<u8>(), 5..1_500), tag in 0xA1..=0xA2_u8, flags in any::<[u8; 2]>(),
        long in any::<bool>(),
    ) {
        let mut bytes = bytes;
        bytes[4] = tag;
        if bytes.len() >= 16 {
            bytes[5] %= 5;
            bytes[6..8].copy_from_slice(&flags);
            if !long {
                bytes[13..16].fill(0);
            }
        }
        decode_all(&bytes, LogOffset::ZERO, &FileKey::new([1; 16]));
    }

    #[test]
    fn changed_records_are_taken(
        event in events(), spot in spots(), text in names(), changes in changes(),
    ) {
        let key = FileKey::new([1; 16]);
        let (event, _) = event_record(&event, &spot, &key);
        let (name, _) = name_record(&text, spot.at, &key);
        for mut bytes in [event, name] {
            change(&mut bytes, 48, &changes);
            decode_all(&bytes, spot.at, &key);
        }
    }

    #[test]
    fn a_changed_page_0_with_a_right_check_is_taken(
        id in any::<u128>(), key in keys(), changes in changes(),
    ) {
        let mut page = FileHeader { identity: identity(id, key) }.encode();
        change(&mut page, 64, &changes);
        let check = crc(0, &page[..header::CHECK]);
        put_u32(&mut page, header::CHECK, check);
        decode_all(&page, LogOffset::ZERO, &FileKey::new(key));
    }

    #[test]
    fn a_changed_slot_with_a_right_check_is_taken(parts in slot_parts(), changes in changes()) {
        let mut page = parts.slot().encode();
        change(&mut page, slot::RUNS, &changes);
        let key = FileKey::new(get_16(&page, slot::FILE_KEY));
        seal(&mut page, slot::CHECK, &key);
        decode_all(&page, LogOffset::ZERO, &key);
    }

    #[test]
    fn changed_headers_with_right_checks_are_taken(
        (segment, frame, stub) in (segment_headers(), frames(), stubs()),
        (key, changes) in (keys(), changes()),
    ) {
        let key = FileKey::new(key);
        let mut bytes = segment.encode(&key);
        change(&mut bytes, segment::CHECK, &changes);
        seal(&mut bytes, segment::CHECK, &key);
        decode_all(&bytes, LogOffset::ZERO, &key);

        let (mut bytes, _) = frame.encode(&key);
        change(&mut bytes, frame::CHECK, &changes);
        put_u64(&mut bytes, frame::LOG_OFFSET, frame.at.get());
        seal(&mut bytes, frame::CHECK, &key);
        decode_all(&bytes, frame.at, &key);

        let mut bytes = stub.encode(&key);
        change(&mut bytes, stub::CHECK, &changes);
        put_u64(&mut bytes, stub::LOG_OFFSET, stub.at.get());
        seal(&mut bytes, stub::CHECK, &key);
        decode_all(&bytes, stub.at, &key);
    }
}

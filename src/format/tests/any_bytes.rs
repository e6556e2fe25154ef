//! Decoders take any bytes: they return a value or nothing, and what they return can be written and
//! read again.

use super::fixed::{a_page, key};
use super::make::*;
use crate::format::bytes::{get_16, put_u32, put_u64};
use crate::format::check::crc;
use crate::format::inside::{self, Part, Reread};
use crate::format::layout::{frame, header, run, segment, slot, stub};
use crate::format::*;
use crate::words::LogOffset;
use proptest::collection::vec;
use proptest::prelude::*;

/// Decodes the bytes as everything there is.
fn decode_all(bytes: &[u8], at: LogOffset, key: &FileKey) {
    let file_key = *key.bytes();
    let (record, _) = inside::record(bytes, at.get(), 1, file_key);
    let rereads = [
        inside::header(bytes),
        inside::slot(bytes),
        inside::segment(bytes, file_key),
        inside::frame_header(bytes, file_key),
        inside::stub(bytes, file_key),
        record,
    ];
    assert!(!rereads.contains(&Reread::Other), "{rereads:?}");
    if let Ok(found) = Slot::decode(bytes) {
        assert!(found.segments.len() <= SLOT_SEGMENTS);
        assert!(found.runs.len() <= SLOT_RUNS && found.free.len() <= SLOT_FREE);
    }
    let raw = RawEvent::parse(bytes);
    assert!(raw.is_none_or(|raw| raw.tags().count() == usize::from(bytes[7])));
    let name = NameRecord::parse(bytes);
    assert!(name.is_none_or(|name| (1..=1_024).contains(&name.text.len())));
    let document = RawDocument::parse(bytes);
    assert!(document.is_none_or(|document| (1..=1_024).contains(&document.key.len())));
    let one = raw.is_some() || name.is_some() || document.is_some();
    assert_eq!(record == Reread::Same, one);
}

/// Decodes the bytes as a page of a run.
fn decode_page(page: &[u8]) {
    for part in [Part::Header, Part::Terms, Part::Names, Part::Numbers] {
        let (reread, _) = inside::run_page(page, part, *key().bytes());
        assert_ne!(reread, Reread::Other, "{part:?}");
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
        change(&mut page, slot::RESERVED, &changes);
        let key = FileKey::new(get_16(&page, slot::FILE_KEY));
        seal(&mut page, slot::CHECK, &key);
        decode_all(&page, LogOffset::ZERO, &key);
    }

    #[test]
    fn any_bytes_are_taken_as_a_page_of_a_run(bytes in vec(any::<u8>(), 0..5_000)) {
        decode_page(&bytes);
    }

    #[test]
    fn a_changed_header_of_a_run_is_taken((header, _) in runs(), changes in changes()) {
        let mut page = header.encode();
        change(&mut page[run::TAG..], run::RESERVED - run::TAG, &changes);
        put_u32(&mut page, run::TAG, u32::from_le_bytes(*b"ANRN"));
        decode_page(&page);
    }

    #[test]
    fn a_changed_page_of_names_is_taken(
        (kind, text, [count, first, last]) in listed(), changes in changes(),
    ) {
        let listed = Listed { kind, text: &text, count, first, last };
        let mut page = a_page();
        page[PAGE_HEAD_LEN..].fill(0);
        for nth in 0..PAGE_ROOM / listed.len() {
            listed.encode(&mut page[PAGE_HEAD_LEN + nth * listed.len()..]);
        }
        change(&mut page[PAGE_HEAD_LEN..], 3 * listed.len(), &changes);
        decode_page(&page);
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

//! What is written is read, whatever it is.

use super::make::*;
use crate::format::*;
use crate::words::{DerivedId, LogOffset, NewEvent, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn page_0_is_read_as_it_was_written(id in any::<u128>(), key in keys()) {
        let identity = identity(id, key);
        let page = FileHeader { identity }.encode();
        prop_assert_eq!(u64_of(page.len()), PAGE);
        prop_assert!(FileHeader::decode(&page).is_ok_and(|header| header.identity == identity));
    }

    #[test]
    fn a_slot_is_read_as_it_was_written(parts in slot_parts()) {
        let page = parts.slot().encode();
        prop_assert_eq!(u64_of(page.len()), PAGE);
        let decoded = Slot::decode(&page);
        prop_assert!(decoded.is_ok_and(|slot| slot == parts.slot()));
    }

    #[test]
    fn a_segment_header_is_read_as_it_was_written(header in segment_headers(), key in keys()) {
        let key = FileKey::new(key);
        prop_assert_eq!(SegmentHeader::decode(&header.encode(&key), &key), Some(header));
    }

    #[test]
    fn a_frame_header_is_read_as_it_was_written(header in frames(), key in keys()) {
        let key = FileKey::new(key);
        let (bytes, check) = header.encode(&key);
        prop_assert!(FrameHeader::looks_like(&bytes) && !Stub::looks_like(&bytes));
        prop_assert_eq!(FrameHeader::decode(&bytes, header.at, &key), Some((header, check)));
    }

    #[test]
    fn a_stub_is_read_as_it_was_written(stub in stubs(), key in keys()) {
        let key = FileKey::new(key);
        let bytes = stub.encode(&key);
        prop_assert!(Stub::looks_like(&bytes) && !FrameHeader::looks_like(&bytes));
        prop_assert_eq!(Stub::decode(&bytes, stub.at, &key), Some(stub));
    }

    #[test]
    fn a_runs_header_is_read_as_it_was_written((header, place) in runs()) {
        let page = header.encode();
        prop_assert_eq!(u64_of(page.len()), PAGE);
        prop_assert_eq!(RunHeader::decode(&page, &place), Some(header));
    }

    /// As FORMAT.md has them: whoever reads a run by that page finds its parts.
    #[test]
    fn the_parts_of_a_run_fill_it_one_behind_another((header, place) in runs()) {
        let (parts, pages) = header.sections().unwrap();
        let term_pages = header.terms.div_ceil(127);
        let per_page = if header.width == 4 { 1_018 } else { 509 };
        let has_fences = term_pages > 1;
        let wanted = [
            header.events().unwrap().div_ceil(per_page),
            term_pages,
            if has_fences { term_pages.div_ceil(510) } else { 0 },
            if header.terms > 127 { header.terms.div_ceil(24).div_ceil(127) } else { 0 },
            header.postings.div_ceil(1_020),
            header.segments.div_ceil(170),
            header.name_pages,
        ];
        let Sections { offsets, terms, fences, filter, postings, segments, names } = parts;
        let parts = [offsets, terms, fences, filter, postings, segments, names];
        let mut end = 1;
        for (part, wanted) in parts.iter().zip(wanted) {
            prop_assert_eq!((part.start, part.end), (end, end + wanted));
            end = part.end;
        }
        prop_assert_eq!((end, pages), (place.pages, place.pages));
    }

    #[test]
    fn a_term_is_read_as_it_was_written(written in vec(terms(), 1..=127)) {
        let mut page = vec![0; PAGE_HEAD_LEN];
        for term in &written {
            let mut bytes = [0; TERM_LEN];
            term.encode(&mut bytes);
            page.extend(bytes);
        }
        prop_assert!(u64_of(page.len()) <= PAGE);
        for (nth, term) in written.iter().enumerate() {
            prop_assert_eq!(TermEntry::decode(&page, nth), *term);
            prop_assert_eq!(TermEntry::hash_at(&page, nth), term.hash);
        }
    }

    #[test]
    fn the_names_of_a_page_are_read_as_they_were_written(written in vec(listed(), 1..20)) {
        let (mut page, mut at) = (vec![0; index(PAGE)], 0);
        let names: Vec<Listed<'_>> = written
            .iter()
            .map(|(kind, text, [count, first, last])| Listed {
                kind: *kind,
                text,
                count: *count,
                first: *first,
                last: *last,
            })
            .scan(PAGE_ROOM, |room, name| {
                *room = room.checked_sub(name.len())?;
                Some(name)
            })
            .collect();
        for name in &names {
            name.encode(&mut page[PAGE_HEAD_LEN + at..]);
            at += name.len();
        }
        at = 0;
        for name in &names {
            prop_assert_eq!(Listed::decode(&page, at), Some(*name));
            at += name.len();
        }
        prop_assert_eq!(Listed::decode(&page, at), None, "the page has no more");
    }

    #[test]
    fn a_log_offset_is_read_as_it_was_written(
        base in offsets(), steps in vec(any::<u32>(), 1..=509),
    ) {
        for width in [4, 8] {
            let mut page = vec![0; PAGE_HEAD_LEN];
            page.extend(base.get().to_le_bytes());
            for step in &steps {
                let bytes = (u64::from(*step) * 8).to_le_bytes();
                let units = step.to_le_bytes();
                page.extend_from_slice(if width == 4 { &units } else { &bytes });
            }
            for (nth, step) in steps.iter().enumerate() {
                let wanted = base.plus(u64::from(*step) * 8);
                prop_assert_eq!(offset_at(&page, nth, width), Some(wanted));
            }
        }
    }

    #[test]
    fn a_name_is_read_as_it_was_written(text in names(), at in offsets(), key in keys()) {
        let key = FileKey::new(key);
        let (mut bytes, check) = name_record(&text, at, &key);
        let length = bytes.len();
        bytes.extend([0xA2; 40]);
        let record = Record::parse(&bytes).unwrap();
        prop_assert_eq!(record.len(), length);
        let Record::Name(name) = record else { panic!("a name became an event") };
        prop_assert_eq!(name.text, &text);
        prop_assert_eq!(name.check(at, &key), Some(check));
    }

    #[test]
    fn an_event_is_read_as_it_was_written(event in events(), spot in spots(), key in keys()) {
        let key = FileKey::new(key);
        let (mut bytes, check) = event_record(&event, &spot, &key);
        let length = bytes.len();
        bytes.extend([0xA2; 40]);
        let record = Record::parse(&bytes).unwrap();
        prop_assert_eq!(record.len(), length);
        prop_assert!(length.is_multiple_of(8));
        let Record::Event(raw) = record else { panic!("an event became a name") };
        prop_assert_eq!(raw.check(spot.at, spot.position, &key), Some(check));
        prop_assert_eq!(raw.kind, event.kind);
        prop_assert_eq!(raw.distance, spot.distance);
        prop_assert_eq!(raw.version.get(), spot.version);
        prop_assert_eq!(raw.recorded.micros(), spot.recorded);
        prop_assert_eq!((raw.stream, raw.event_type), (spot.stream, spot.event_type));
        let tags: Vec<_> = (spot.stream + 1..).take(event.tags.len()).collect();
        prop_assert_eq!(raw.tags().collect::<Vec<_>>(), tags);
        prop_assert_eq!(raw.id, event.id);
        prop_assert_eq!(raw.correlation_id, event.correlation_id);
        prop_assert_eq!(raw.causation_id, event.causation_id);
        prop_assert_eq!(raw.occurred, event.occurred);
        prop_assert_eq!(raw.schema_version, event.schema_version);
        prop_assert_eq!(raw.metadata, event.metadata.as_deref());
        prop_assert_eq!(raw.payload, event.payload);
    }

    #[test]
    fn a_document_is_read_as_it_was_written(parts in documents(), key in keys()) {
        let key = FileKey::new(key);
        let (mut bytes, check) = document_record(&parts, &key);
        let length = bytes.len();
        prop_assert_eq!(RawDocument::len_hint(&bytes[..DOCUMENT_LEN]), Some(length));
        bytes.extend([0xA3; 40]);
        let record = Record::parse(&bytes).unwrap();
        prop_assert_eq!(record.len(), length);
        let Record::Document(raw) = record else { panic!("a document became something else") };
        prop_assert_eq!(raw.check(parts.at, &key), Some(check));
        prop_assert_eq!(raw.key, &parts.key);
        prop_assert_eq!(raw.value, parts.value.as_deref());
        prop_assert_eq!(raw.distance, parts.distance);
        prop_assert_eq!((raw.revision.get(), raw.head), (parts.revision, parts.head));
        prop_assert_eq!(raw.recorded.micros(), parts.recorded);
        let before = raw.before.map(|before| (before.at.get(), before.deleted));
        prop_assert_eq!(before, parts.before);
        prop_assert!(raw.before.is_none_or(|it| it.revision.get() + 1 == parts.revision));
    }

    #[test]
    fn a_term_of_a_document_is_read_as_it_was_written(
        hash in any::<u128>(), at in offsets(), revision in any::<u64>(), deleted in any::<bool>(),
    ) {
        let place = DocumentPlace { at, revision: revision.into(), deleted };
        let entry = TermEntry::of_document(TermHash(hash), &place);
        prop_assert_eq!((entry.document(), entry.hash), (Some(place), TermHash(hash)));
        // An entry of events has fewer of them than would make it one of a document.
        let events = TermEntry { count: (1 << 31) - 1, ..entry };
        prop_assert_eq!(events.document(), None);
    }

    /// So a reader knows how much to read before it reads it.
    #[test]
    fn an_event_tells_its_length_before_its_payload(event in events(), spot in spots()) {
        let (bytes, _) = event_record(&event, &spot, &FileKey::new([0; 16]));
        prop_assert_eq!(RawEvent::len_hint(&bytes), Some(bytes.len()));
        let parts = 3 * 16 + 8 + 8;
        let enough = (event_head_len(event.tags.len()) + parts).min(bytes.len());
        prop_assert_eq!(RawEvent::len_hint(&bytes[..enough]), Some(bytes.len()));
    }

    #[test]
    fn a_derived_id_is_of_version_8_and_of_one_place_only(
        (id, key) in (any::<u128>(), keys()),
        (at, check, moment) in (offsets(), any::<u32>(), any::<i64>()),
        (position, other) in (1..1_u64 << 62, 1..1_u64 << 62),
    ) {
        let store = identity(id, key).id_bits();
        let (position, other) = (position.into(), other.into());
        let id = |at, check, moment, position| {
            DerivedId { store, at, check }.id(position, Timestamp::from_micros(moment))
        };
        let derived = id(at, check, moment, position);
        prop_assert_eq!(derived.get_version_num(), 8);
        prop_assert_eq!(derived.get_variant(), uuid::Variant::RFC4122);
        prop_assert_eq!(derived == id(at, check, moment, other), position == other);
        prop_assert_eq!(DerivedId::position(store, derived), position);
        // What got the position instead of an event that a crash took back is another event.
        prop_assert_ne!(derived, id(at, !check, moment, position));
        prop_assert_ne!(derived, id(at, check, !moment, position));
        prop_assert_ne!(derived, id(LogOffset::new(at.get() ^ 8), check, moment, position));
    }
}

#[test]
fn metadata_absent_and_empty_stay_different() {
    for (event, metadata) in [
        (NewEvent::new("T", "payload"), None),
        (NewEvent::new("T", "payload").metadata(""), Some(&b""[..])),
        (NewEvent::new("T", "payload").metadata("m"), Some(&b"m"[..])),
        (NewEvent::new("T", "payload").schema_version(2), None),
        (NewEvent::new("T", "payload").schema_version(2).metadata(""), Some(&b""[..])),
    ] {
        let mut bytes = Vec::new();
        BodyPlan::new(&event).write(&mut bytes);
        let read = RawEvent::parse(&bytes).unwrap();
        assert_eq!((read.metadata, read.payload), (metadata, &b"payload"[..]), "{event:?}");
    }
}

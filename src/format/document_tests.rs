//! Holds FORMAT.md to the code: its tables to the layout, its examples to the codecs, its numbers
//! to the constants.

pub mod page;
pub mod store;

use super::bytes::{get_u32, get_u64, pad8};
use super::check::crc;
use super::layout::{
    COMMIT_TAG, DOCUMENT_TAG, END_TAG, EVENT_TAG, FORMAT_VERSION, HEADER_MAGIC, NAME_TAG, RUN_TAG,
    SEGMENT_TAG, SLOT_FREE, SLOT_MAGIC, SLOT_RUNS, STUB_TAG, document, event, extras, frame,
    free_ref, header, listed, name, page_head, run, run_ref, segment, segment_ref, slot, stub,
    term_entry,
};
use super::run::TERMS_PER_BLOCK;
use super::*;
use crate::words::{DerivedId, EventKind, Limit, LogOffset, NewEvent, Position, Timestamp};
use page::{Example, example, examples, hex, number, show, spaced, table, tables};
use std::collections::BTreeMap;
use store::*;
use uuid::Uuid;

/// Name, offset, size of each field.
type Layout = &'static [(&'static str, usize, usize)];

const LAYOUTS: [(&str, Layout); 16] = [
    ("header", header::TABLE),
    ("slot", slot::TABLE),
    ("segment_ref", segment_ref::TABLE),
    ("run_ref", run_ref::TABLE),
    ("free_ref", free_ref::TABLE),
    ("segment", segment::TABLE),
    ("frame", frame::TABLE),
    ("name", name::TABLE),
    ("event", event::TABLE),
    ("document", document::TABLE),
    ("stub", stub::TABLE),
    ("extras", extras::TABLE),
    ("run", run::TABLE),
    ("page_head", page_head::TABLE),
    ("term_entry", term_entry::TABLE),
    ("listed", listed::TABLE),
];

#[test]
fn every_table_in_format_md_is_the_layout_of_the_code() {
    let mut found = BTreeMap::new();
    for (name, rows) in tables("| offset | size | field | meaning |") {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row[2].trim_matches('`').to_uppercase(), number(row[0]), number(row[1])))
            .collect();
        assert!(found.insert(name, rows).is_none(), "two tables of `{name}`");
    }
    for (name, layout) in LAYOUTS {
        let rows: Vec<_> = layout
            .iter()
            .map(|(field, offset, size)| ((*field).to_owned(), u64_of(*offset), u64_of(*size)))
            .collect();
        assert_eq!(found.remove(name), Some(rows), "the table of `{name}`");
    }
    assert!(found.is_empty(), "tables of no structure: {:?}", found.keys());
}

#[test]
fn every_example_in_format_md_is_what_the_codec_writes() {
    let shown: Vec<_> =
        examples().into_iter().map(|shown| (shown.structure, shown.title, shown.bytes)).collect();
    for (structure, title, bytes) in written() {
        let found = shown.iter().find(|shown| (shown.0, shown.1) == (structure, title));
        let Some((.., found)) = found else {
            panic!("no example '{structure} {title}':\n{}", show(&bytes));
        };
        assert!(*found == bytes, "example '{structure} {title}' should be:\n{}", show(&bytes));
    }
    assert_eq!(shown.len(), written().len(), "examples that nobody wrote");
}

#[test]
fn every_example_in_format_md_is_read_as_what_was_written() {
    let key = key();
    assert!(FileHeader::decode(&example("header", "")).unwrap().identity == identity());
    assert!(Slot::decode(&example("slot", "")).is_ok_and(|slot| slot == closed_slot()));
    let segment = |title| SegmentHeader::decode(&example("segment", title), &key).unwrap();
    assert_eq!((segment("first").own, segment("first").before), (first_segment(), None));
    assert_eq!(segment("second").own, second_segment());
    assert_eq!(segment("second").before, Some(first_segment()));
    for (title, frame) in
        [("first", first_frame()), ("second", second_frame()), ("end", end_record())]
    {
        let bytes = example("frame", title);
        let check = Chain(get_u64(&bytes, frame::CHECK));
        assert_eq!(FrameHeader::decode(&bytes, frame.at, &key), Some((frame, check)), "{title}");
    }
    for (title, at) in [
        ("order-1", 160),
        ("OrderPlaced", 176),
        ("customer:7", 200),
        ("OrderPaid", 384),
        ("late", 408),
    ] {
        let bytes = example("name", title);
        let record = NameRecord::parse(&bytes).unwrap();
        assert_eq!(record.text, title);
        assert!(record.check(LogOffset::new(at), &key).is_some(), "{title}");
    }
    for (title, at, position, event) in
        [("1", 224, 1, placed()), ("2", 424, 2, paid()), ("3", 552, 3, bare())]
    {
        let bytes = example("event", title);
        let record = RawEvent::parse(&bytes).unwrap();
        assert!(record.check(LogOffset::new(at), Position::new(position), &key).is_some());
        assert_eq!(record.kind, event.kind, "event {title}");
        assert_eq!(record.id, event.id, "event {title}");
        assert_eq!(record.correlation_id, event.correlation_id, "event {title}");
        assert_eq!(record.causation_id, event.causation_id, "event {title}");
        assert_eq!(record.occurred, event.occurred, "event {title}");
        assert_eq!(record.schema_version, event.schema_version, "event {title}");
        assert_eq!(record.metadata, event.metadata.as_deref(), "event {title}");
        assert_eq!(record.payload, event.payload, "event {title}");
        let recorded = if position == 1 { FIRST_TIME } else { SECOND_TIME };
        assert_eq!(record.recorded.micros(), recorded, "event {title}");
    }
    let bytes = example("document", STATE_KEY);
    let record = RawDocument::parse(&bytes).unwrap();
    assert!(record.check(state_place().at, &key).is_some());
    assert_eq!((record.key, record.value), (STATE_KEY, Some(&br#"{"paid":true}"#[..])));
    assert_eq!((record.revision, record.before), (state_place().revision, None));
    assert_eq!((record.head.get(), record.recorded.micros()), (3, SECOND_TIME));
    let at = end_stub().at;
    assert_eq!(Stub::decode(&example("stub", ""), at, &key), Some(end_stub()));
}

#[test]
fn the_run_in_format_md_is_read_as_what_was_written() {
    let slot = Slot::decode(&example("slot", "")).unwrap_or_else(|why| panic!("{why:?}"));
    let [place] = slot.runs.as_slice() else { panic!("the slot names one run") };
    assert_eq!(*place, run_place());
    let bytes = example("run", "");
    let pages: Vec<&[u8]> = bytes.chunks(index(PAGE)).collect();
    for (page, number) in pages.iter().zip(0..) {
        assert!(is_page(page, place.id, number, &key()), "page {number}");
    }
    let header = RunHeader::decode(pages[0], place).unwrap();
    assert_eq!(header, run_header());
    let (sections, count) = header.sections().unwrap();
    assert_eq!((sections.offsets, sections.terms), (1..2, 2..3));
    assert_eq!((sections.fences, sections.filter), (3..3, 3..3), "one page of terms has neither");
    let parts = (sections.postings, sections.segments, sections.names);
    assert_eq!((parts, count), ((3..4, 4..5, 5..6), place.pages));
    for (nth, at) in RECORDS.into_iter().enumerate() {
        assert_eq!(offset_at(pages[1], nth, header.width), Some(LogOffset::new(at)));
    }
    let mut before = TermHash(0);
    let mut found = BTreeMap::new();
    for nth in 0..index(u64::from(header.terms)) {
        let entry = TermEntry::decode(pages[2], nth);
        assert!(entry.hash > before, "sorted by hash");
        before = entry.hash;
        if let Some(place) = entry.document() {
            assert_eq!(entry.hash, key().term(STATE_KEY.as_bytes()).of(TermKind::Document));
            assert_eq!(place, state_place());
            continue;
        }
        let postings: Vec<u32> = match entry.count {
            1 => vec![entry.start],
            count => {
                let places = entry.start..entry.start + count;
                places.map(|place| u32_at(pages[3], index(u64::from(place)))).collect()
            }
        };
        assert_eq!(entry.base, 0, "nothing was before the run");
        found.insert(entry.hash, postings);
    }
    let terms = run_terms();
    let wanted = terms.iter().map(|term| (key().term(&term.1).of(term.0), term.2.to_vec()));
    assert_eq!(found, wanted.collect());
    assert_eq!(segment_at(pages[4], 0), Some(first_segment()));
    let mut at = 0;
    for (kind, text, postings) in run_names() {
        let listed = Listed::decode(pages[5], at).unwrap();
        assert_eq!((listed.kind, listed.text), (kind, text));
        assert_eq!(u64::from(listed.count), u64_of(postings.len()), "{text}");
        assert_eq!((listed.first, listed.last), (postings[0], *postings.last().unwrap()));
        at += listed.len();
    }
    let state = Listed::of_document(STATE_KEY);
    assert_eq!(Listed::decode(pages[5], at), Some(state));
    assert_eq!(Listed::decode(pages[5], at + state.len()), None, "the page ends");
}

#[test]
fn what_is_said_beside_an_example_is_what_its_bytes_say() {
    for Example { structure, title, bytes, notes } in examples() {
        let (_, layout) = LAYOUTS.iter().find(|(name, _)| *name == structure).unwrap();
        let mut unsaid: BTreeMap<_, _> = layout
            .iter()
            .map(|(field, at, size)| (field.to_lowercase(), &bytes[*at..at + size]))
            .collect();
        for (field, said) in notes {
            let place = format!("{field} of example '{structure} {title}'");
            let bytes = unsaid.remove(field).unwrap_or_else(|| panic!("no (or twice) {place}"));
            let meant = match bytes.len() {
                _ if said.starts_with('"') => said
                    .trim_matches('"')
                    .replace("\\x89", "\u{89}")
                    .replace("\\n", "\n")
                    .chars()
                    .map(|letter| u8::try_from(u32::from(letter)).unwrap())
                    .collect(),
                16 => hex(&said.replace('-', "")),
                length => number(said).to_le_bytes()[..length].to_vec(),
            };
            assert_eq!(bytes, meant, "{place} is not {said}");
        }
        // Reserved room is zero; lists and heads of pages are structures of their own.
        let own = ["segments", "runs", "page_head"];
        unsaid.retain(|field, bytes| {
            !own.contains(&field.as_str()) && bytes.iter().any(|&byte| byte != 0)
        });
        assert!(unsaid.is_empty(), "example '{structure} {title}' says nothing of {unsaid:?}");
    }
}

#[test]
fn the_examples_in_format_md_are_pieces_of_one_store() {
    let slot = Slot::decode(&example("slot", "")).unwrap_or_else(|why| panic!("{why:?}"));
    let key = slot.identity.key;
    assert_eq!(slot.segments[0].first_frame(), slot.proof.at, "the epoch begins with the log");
    let mut log = example("segment", "first");
    let records = [
        ("frame", "first"),
        ("name", "order-1"),
        ("name", "OrderPlaced"),
        ("name", "customer:7"),
        ("event", "1"),
        ("frame", "second"),
        ("name", "OrderPaid"),
        ("name", "late"),
        ("event", "2"),
        ("event", "3"),
        ("document", STATE_KEY),
    ];
    log.extend(records.iter().flat_map(|(structure, title)| example(structure, title)));
    assert_eq!(u64_of(log.len()), slot.watermark.get(), "a closed store ends at the watermark");

    let mut mark = slot.proof;
    let mut places = Vec::new();
    for commit in [first_frame(), second_frame()] {
        let bytes = &log[index(mark.at.get())..];
        let (header, check) = FrameHeader::decode(bytes, mark.at, &key).unwrap();
        assert_eq!(header, commit);
        assert_eq!(
            (header.before, header.first, header.epoch),
            (mark.chain, mark.next, slot.epoch)
        );
        let end = index(u64::from(header.length));
        let (mut at, mut checks, mut position) = (FRAME_LEN, 0, header.first);
        let (mut records, mut events) = (0, 0);
        while at < end {
            let place = mark.at.plus(u64_of(at));
            let record = Record::parse(&bytes[at..end]).unwrap();
            let check = match record {
                Record::Name(name) => name.check(place, &key),
                Record::Event(event) => {
                    assert_eq!(event.distance, u32::try_from(at).unwrap());
                    places.push(place);
                    events += 1;
                    let check = event.check(place, position, &key);
                    position = position.next().unwrap();
                    assert_eq!(event.recorded, header.recorded);
                    for reference in event.names() {
                        let name = &log[index(u64::from(reference))..];
                        assert!(NameRecord::parse(name).is_some(), "a reference leads to a name");
                    }
                    check
                }
                Record::Document(document) => {
                    assert_eq!(document.distance, u32::try_from(at).unwrap());
                    assert_eq!((place, document.recorded), (state_place().at, header.recorded));
                    document.check(place, &key)
                }
            };
            checks = FrameHeader::add_record_check(checks, check.unwrap());
            records += 1;
            at += record.len();
        }
        assert_eq!((at, records, events), (end, header.records, header.events));
        assert_eq!(checks, header.records_check);
        mark = Mark { at: mark.at.plus(u64_of(end)), chain: check, next: position };
    }
    assert_eq!(mark.at, slot.watermark);
    assert_eq!(mark, slot.index, "a closed store is indexed to its end");
    assert_eq!(places, RECORDS.map(LogOffset::new), "the run says where the events are");
    let run = slot.runs[0].extent();
    assert_eq!((run.file_offset, run.length), (slot.segments[1].extent.end(), run_length()));
    let first = FrameHeader::decode(&log[64..], LogOffset::new(64), &key).unwrap();
    assert_eq!(end_record().before, first.1, "the end record could stand after the first commit");
}

#[test]
fn every_constant_in_format_md_is_that_of_the_code() {
    let tag = |tag: u32| spaced(&tag.to_le_bytes());
    let offsets = |width| RunHeader { width, ..RunHeader::default() }.offsets_per_page();
    let constants = [
        ("format_version", FORMAT_VERSION.to_string()),
        ("page", PAGE.to_string()),
        ("slot_pages", format!("{}, {}", SLOT_PAGES[0], SLOT_PAGES[1])),
        ("holder_page", HOLDER_PAGE.to_string()),
        ("first_extent", FIRST_EXTENT.to_string()),
        ("slot_segments", SLOT_SEGMENTS.to_string()),
        ("slot_runs", SLOT_RUNS.to_string()),
        ("slot_free", SLOT_FREE.to_string()),
        ("header_magic", spaced(&HEADER_MAGIC)),
        ("slot_magic", spaced(&SLOT_MAGIC)),
        ("segment_tag", tag(SEGMENT_TAG)),
        ("commit_tag", tag(COMMIT_TAG)),
        ("end_tag", tag(END_TAG)),
        ("stub_tag", tag(STUB_TAG)),
        ("run_tag", tag(RUN_TAG)),
        ("name_tag", spaced(&[NAME_TAG])),
        ("event_tag", spaced(&[EVENT_TAG])),
        ("document_tag", spaced(&[DOCUMENT_TAG])),
        ("offsets_per_page", format!("{}, {}", offsets(4), offsets(8))),
        ("terms_per_page", TERMS_PER_PAGE.to_string()),
        ("fences_per_page", FENCES_PER_PAGE.to_string()),
        ("terms_per_block", TERMS_PER_BLOCK.to_string()),
        ("blocks_per_page", BLOCKS_PER_PAGE.to_string()),
        ("postings_per_page", POSTINGS_PER_PAGE.to_string()),
        ("segments_per_page", SEGMENTS_PER_PAGE.to_string()),
    ];
    let rows = table("| constant | value | what it is |");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row[0].trim_matches('`'), row[1].trim_matches('`').to_owned()))
        .collect();
    assert_eq!(shown, constants);
}

#[test]
fn every_limit_in_format_md_is_that_of_the_code() {
    let limits = [
        Limit::Payload,
        Limit::Metadata,
        Limit::Name,
        Limit::Tags,
        Limit::Key,
        Limit::Value,
        Limit::CommitBytes,
        Limit::CommitEvents,
        Limit::CommitDocuments,
        Limit::Positions,
        Limit::Versions,
        Limit::Revisions,
        Limit::FileBytes,
    ];
    let shown: Vec<_> = table("| limit | at most |")
        .iter()
        .map(|row| (row[0].to_owned(), number(row[1])))
        .collect();
    let limits: Vec<_> = limits.iter().map(|limit| (limit.to_string(), limit.allowed())).collect();
    assert_eq!(shown, limits);
}

#[test]
fn every_flag_of_an_event_in_format_md_is_that_of_the_code() {
    let plain = || NewEvent::new("T", "");
    let events = [
        ("id", 16, plain().id(ID)),
        ("correlation id", 16, plain().correlation_id(ID)),
        ("causation id", 16, plain().causation_id(ID)),
        ("occurred", 8, plain().occurred(Timestamp::from_micros(1))),
        ("extras", 8, plain().schema_version(2)),
        ("metadata", 0, plain().metadata("")),
    ];
    let written: Vec<_> = events
        .iter()
        .map(|(part, size, event)| {
            let mut bytes = Vec::new();
            BodyPlan::new(event).write(&mut bytes);
            assert_eq!(bytes.len(), event::LEN + pad8(*size), "{part}");
            ((*part).to_owned(), format!("{:#04x}", bytes[event::FLAGS]))
        })
        .collect();
    let shown: Vec<_> = table("| bit | part | bytes | what it is |")
        .iter()
        .map(|row| (row[1].to_owned(), row[0].to_owned()))
        .collect();
    assert_eq!(shown, written);
}

#[test]
fn every_kind_of_an_event_in_format_md_is_that_of_the_code() {
    let kinds = [EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
    let written: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let mut bytes = Vec::new();
            BodyPlan::new(&NewEvent::new("T", "").kind(*kind)).write(&mut bytes);
            (u64::from(bytes[event::KIND]), format!("{kind:?}").to_lowercase())
        })
        .collect();
    let shown: Vec<_> = table("| kind | name | what the event is for |")
        .iter()
        .map(|row| (number(row[0]), row[1].to_owned()))
        .collect();
    assert_eq!(shown, written);
}

#[test]
fn every_kind_of_a_term_in_format_md_is_that_of_the_code() {
    let kinds = [
        (TermKind::Stream, "stream"),
        (TermKind::Category, "category"),
        (TermKind::Type, "type"),
        (TermKind::Tag, "tag"),
        (TermKind::Correlation, "correlation"),
        (TermKind::Causation, "causation"),
        (TermKind::Id, "id"),
        (TermKind::Begins, "begins"),
        (TermKind::BeginsIn, "begins in"),
        (TermKind::Document, "document"),
    ];
    let shown: Vec<_> = table("| kind | term | its text | its events |")
        .iter()
        .map(|row| (number(row[0]), row[1].to_owned()))
        .collect();
    let written = kinds.map(|(kind, name)| (u64::from(kind.byte()), name.to_owned()));
    assert_eq!(shown, written);
    let named: Vec<_> =
        kinds.iter().filter(|kind| TermKind::named(kind.0.byte()).is_some()).collect();
    let lists = kinds[..4].iter().chain(kinds.last());
    assert_eq!(named, lists.collect::<Vec<_>>(), "the kinds that a run lists");
}

#[test]
fn every_part_of_a_run_in_format_md_is_where_the_code_has_it() {
    let shown: Vec<_> =
        table("| part | pages | what it holds |").iter().map(|row| row[0].to_owned()).collect();
    // Of everything so much that each part takes two pages.
    let header = RunHeader {
        next: Position::new(1_019),
        width: 4,
        terms: 511 * 127,
        postings: 1_021,
        name_pages: 2,
        segments: 171,
        ..RunHeader::default()
    };
    let (parts, _) = header.sections().unwrap();
    let Sections { offsets, terms, fences, filter, postings, segments, names } = parts;
    let mut parts = [
        ("offsets", offsets),
        ("terms", terms),
        ("fences", fences),
        ("filter", filter),
        ("postings", postings),
        ("segments", segments),
        ("names", names),
    ];
    parts.sort_by_key(|(_, pages)| pages.start);
    assert_eq!(shown, parts.map(|(name, _)| name.to_owned()));
}

#[test]
fn every_check_that_format_md_works_out_is_what_the_code_computes() {
    let key = key();
    let order = name_record("order-1", 160);
    let name_crc = crc(crc(0, &order[name::LEN..]), &order[4..name::LEN]);
    let bits = identity().id_bits();
    let placed = RawEvent::parse(&first_records()[3]).unwrap().check(
        LogOffset::new(224),
        Position::new(1),
        &key,
    );
    let derived =
        DerivedId { store: bits, at: LogOffset::new(224), check: placed.unwrap_or_default() };
    let id = derived.id(Position::new(1), Timestamp::from_micros(FIRST_TIME));
    let computed = [
        ("CRC-32 of `123456789`", format!("{:#010x}", crc(0, b"123456789"))),
        ("SipHash of no bytes", format!("{:#018x}", key.keyed(b""))),
        ("SipHash of `record`: the salt", format!("{:#018x}", key.keyed(b"record"))),
        ("CRC-32 of the name's bytes", format!("{name_crc:#010x}")),
        ("the name's check", format!("{:#010x}", get_u32(&order, name::CHECK))),
        (
            "SipHash-128 of `order-1`",
            Uuid::from_bytes(key.term(b"order-1").0.to_le_bytes()).simple().to_string(),
        ),
        (
            "SipHash-128 of the store's id",
            Uuid::from_bytes(bits.to_le_bytes()).simple().to_string(),
        ),
        ("the id of event 1", id.to_string()),
    ];
    let shown: Vec<_> = table("| what | result |")
        .iter()
        .map(|row| (row[0], row[1].trim_matches('`').to_owned()))
        .collect();
    assert_eq!(shown, computed);
}

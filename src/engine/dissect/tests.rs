//! What stands at each byte: of the store in FORMAT.md, of a store that grew, of one that is
//! damaged, and of any bytes.

use super::*;
use crate::engine::tests::quiet;
use crate::engine::{Chore, Engine, Settings};
use crate::format::document_tests::page::{Example, examples};
use crate::format::document_tests::store::{closed_slot, end_stub, run_place, second_segment};
use crate::format::{FIRST_EXTENT, FileHeader, PAGE, SLOT_PAGES, index, seal_page, u64_of};
use crate::storage::{MemoryStorage, Storage};
use crate::words::{
    Commit, Dissection, Error, ErrorKind, ExpectedVersion, NewEvent, Structure, Timestamp,
};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

fn of(bytes: &[u8], at: u64) -> Result<Dissection, Error> {
    let disk: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
    dissect(&disk, at)
}

/// The structures at a byte, after a look whether they nest and have it.
fn at(bytes: &[u8], at: u64) -> Vec<Structure> {
    let found = of(bytes, at).unwrap();
    check(&found, u64_of(bytes.len()));
    found.structures
}

fn check(found: &Dissection, size: u64) {
    let at = found.file_offset;
    assert!(!found.structures.is_empty());
    let mut within = (0, u64::MAX);
    for structure in &found.structures {
        let Structure { file_offset, length, .. } = *structure;
        assert!(file_offset <= at && at < structure.end(), "{at}: {found:#?}");
        assert!(within.0 <= file_offset && structure.end() <= within.1, "{at}: {found:#?}");
        within = (file_offset, structure.end());
        assert!(at < size && length > 0);
        for field in &structure.fields {
            assert!(field.offset + field.size <= length, "{field:?} of {structure:#?}");
            assert!(u64_of(field.bytes.len()) <= field.size);
            assert!(!field.value.chars().any(char::is_control), "{field:?}");
        }
    }
}

/// Where an example's first byte stands in the file of the examples; nothing for the end record,
/// which is not in it.
fn place(example: &Example) -> Option<u64> {
    let log = |at: u64| FIRST_EXTENT + at;
    Some(match (example.structure, example.title) {
        ("header", _) => 0,
        ("slot", _) => SLOT_PAGES[1],
        ("segment", "first") => log(0),
        ("segment", _) => second_segment().extent.file_offset,
        ("frame", "first") => log(64),
        ("frame", "second") => log(288),
        ("name", "order-1") => log(160),
        ("name", "OrderPlaced") => log(176),
        ("name", "customer:7") => log(200),
        ("name", "OrderPaid") => log(384),
        ("name", "late") => log(408),
        ("event", "1") => log(224),
        ("event", "2") => log(424),
        ("event", "3") => log(552),
        ("document", _) => log(592),
        ("stub", _) => log(end_stub().at.get()),
        ("run", _) => run_place().file_offset,
        _ => return None,
    })
}

/// The examples, put together.
fn the_file() -> Vec<u8> {
    let end = run_place().extent().end();
    let mut file = vec![0; index(end)];
    for example in examples() {
        let Some(at) = place(&example) else { continue };
        file[index(at)..][..example.bytes.len()].copy_from_slice(&example.bytes);
    }
    file
}

fn value<'a>(structure: &'a Structure, field: &str) -> &'a str {
    &structure.field(field).unwrap_or_else(|| panic!("{field}: {structure:#?}")).value
}

#[test]
fn every_example_of_format_md_is_taken_apart_as_it_says() {
    let file = the_file();
    let mut seen = 0;
    for example in examples() {
        let Some(begin) = place(&example) else { continue };
        seen += 1;
        for within in 0..example.bytes.len() {
            let found = at(&file, begin + u64_of(within));
            let is_it =
                |found: &&Structure| found.name == example.structure && found.file_offset == begin;
            let found = found.iter().find(is_it).unwrap_or_else(|| panic!("{found:#?}"));
            assert!(found.is_whole(), "{found:#?}");
            if within > 0 {
                continue;
            }
            let mut end = 0;
            for field in &found.fields {
                assert_eq!(field.offset, end, "{found:#?}");
                let shown = &example.bytes[index(field.offset)..][..index(field.size)];
                assert!(shown.starts_with(&field.bytes));
                end += field.size;
            }
            // Of a run the first page has its fields; whatever else, they are all of it.
            let all = if example.structure == "run" { PAGE } else { u64_of(example.bytes.len()) };
            assert_eq!(end, all, "{}", example.structure);
        }
    }
    assert_eq!(seen, examples().len() - 1);
}

#[test]
fn what_format_md_reads_behind_its_examples_is_what_is_said() {
    let file = the_file();
    let log = |offset: u64| at(&file, FIRST_EXTENT + offset);
    let says = |found: &Structure, wanted: &[(&str, &str)]| {
        for (field, said) in wanted {
            assert_eq!(value(found, field), *said, "{field}");
        }
    };
    let found = at(&file, SLOT_PAGES[1] + 176 + 24);
    let [slot, entry] = found.as_slice() else { panic!("{found:#?}") };
    says(
        slot,
        &[
            ("magic", "`\\x89ANSLOT\\n`"),
            ("store_id", "10111213-1415-8617-9819-1a1b1c1d1e1f"),
            ("counter", "4"),
            ("watermark", "log offset 672"),
            ("recorded", "2023-11-14T22:13:21.000000Z"),
            ("index_next", "position 4"),
            ("clean", "1: the store was closed"),
            ("segments", "2 of 32 entries used"),
            ("runs", "1 of 40 entries used"),
        ],
    );
    says(entry, &[("file_offset", "file offset 81920"), ("log_offset", "log offset 65536")]);
    assert_eq!(entry.notes, ["entry 1"]);

    let found = log(424 + 40);
    let [segment, frame, event] = found.as_slice() else { panic!("{found:#?}") };
    says(segment, &[("tag", "`ANSG`"), ("length", "65536 bytes")]);
    says(frame, &[("tag", "`ANFR`"), ("first_position", "position 2"), ("event_count", "2")]);
    says(
        event,
        &[
            ("tag", "0xa2: an event"),
            ("kind", "2: integration"),
            ("flags", "575: id, correlation id, causation id, occurred, extras, metadata, 2 tags"),
            ("distance", "136 bytes"),
            ("stream", "160: `order-1`"),
            ("type", "384: `OrderPaid`"),
            ("version", "2"),
            ("tag_reference", "200: `customer:7`"),
            ("id", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"),
            ("occurred", "1969-12-31T23:59:59.999999Z"),
            ("metadata", "`{\"by\":\"ann\"}`"),
            ("payload", "`{}`"),
        ],
    );
    assert_eq!(
        (event.notes.as_slice(), event.log_offset.unwrap().get()),
        (&["position 2".to_owned()][..], 424)
    );
    // The extras are a structure of their own.
    let found = log(424 + 0x68);
    says(&found[3], &[("metadata_length", "12 bytes"), ("schema_version", "3")]);
    // Metadata that are there and empty, and those that are not there.
    assert_eq!(value(&log(552)[2], "metadata"), "no bytes");
    assert!(log(224)[2].field("metadata").is_none());
    let found = log(592 + 50);
    says(
        &found[2],
        &[
            ("key", "`order-1/state`"),
            ("value", "`{\"paid\":true}`"),
            ("before", "no record before"),
            ("head", "position 3"),
        ],
    );
    assert_eq!(log(672 + 8)[1].name, "stub");
    let rest = log(672 + 48);
    assert_eq!((rest[1].name, rest[1].is_whole()), ("rest", true));

    let run = |within: u64| at(&file, run_place().file_offset + within);
    says(&run(20)[0], &[("tag", "`ANRN`"), ("start", "log offset 64"), ("next", "position 4")]);
    let inner = |within: u64| run(within).pop().unwrap();
    assert_eq!(value(&inner(0x1010), "base"), "log offset 224");
    assert_eq!(value(&inner(0x1020), "offset"), "event 2, position 3: log offset 552");
    let term = inner(0x2035);
    assert_eq!(term.notes[1], "a document, revision 1: its newest record stands at log offset 592");
    assert_eq!(inner(0x2090).notes[1], "3 postings from number 0 on");
    assert_eq!(inner(0x2010).notes[1], "1 posting: event 0, position 1");
    assert_eq!(value(&inner(0x3014), "posting"), "event 1, position 2");
    assert_eq!(value(&inner(0x4010), "file_offset"), "file offset 16384");
    says(&inner(0x5022), &[("kind", "1: stream"), ("text", "`order-1`")]);
    says(&inner(0x5027), &[("kind", "2: category"), ("last", "event 2 of the run")]);
    // Behind the last name, and in a page's head, there is only the page.
    assert_eq!((inner(0x5100).name, inner(0x5004).name), ("page", "page"));
    assert_eq!(inner(0x5004).notes, ["page 5 of run 1: names"]);
    assert_eq!(closed_slot().runs.len(), 1);
}

/// A store with several segments, runs, merged ones too, free room, and documents.
fn grown() -> (Vec<u8>, u64) {
    let settings = Settings { segment_min: 4_096, segment_max: 16_384, tail_events: 8, ..quiet() };
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), settings).unwrap();
    for nth in 0_u64..60 {
        let id = Uuid::from_u128(u128::from(nth) + 1);
        let event = NewEvent::new("Noted", vec![0xF0; index(nth * 7 % 200)])
            .tags([format!("tag:{}", nth % 5), format!("\u{1b}[{nth}")])
            .id(id)
            .occurred(Timestamp::from_micros(7))
            .schema_version(2)
            .metadata(format!("{{\"nth\":{nth}}}"));
        let stream = format!("a-{}", nth % 3);
        let plain = NewEvent::new("Plain", "x");
        let commit = Commit::new()
            .append(&stream, ExpectedVersion::Any, [event, plain])
            .put("key", nth.to_string());
        let commit = if nth % 9 == 8 { commit.delete("other") } else { commit.put("other", "") };
        engine.commit(&commit).unwrap();
        engine.chore(Chore::Index).unwrap();
    }
    let end = engine.view().unwrap().end.get();
    (disk.to_bytes(), end)
}

#[test]
fn structures_nest_and_have_the_byte_wherever_one_looks() {
    let (file, _) = grown();
    let mut names = std::collections::BTreeMap::new();
    for offset in (0..u64_of(file.len())).step_by(13) {
        for structure in at(&file, offset) {
            assert!(structure.is_whole(), "{offset}: {structure:#?}");
            *names.entry(structure.name).or_insert(0) += 1;
        }
    }
    for name in [
        "header",
        "slot",
        "segment_ref",
        "run_ref",
        "free_ref",
        "holder",
        "segment",
        "frame",
        "name",
        "event",
        "extras",
        "document",
        "rest",
        "run",
        "page",
        "base",
        "offset",
        "term_entry",
        "posting",
        "listed",
        "free",
    ] {
        assert!(names.contains_key(name), "{name} is never met: {names:?}");
    }
}

#[test]
fn one_bit_that_is_flipped_is_told_by_the_structures_that_have_it() {
    let (file, end) = grown();
    let mut random = 1_u64;
    for _ in 0..3_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let offset = (random >> 20) % u64_of(file.len());
        let bit = 1 << (random >> 61);
        let before = at(&file, offset);
        // What no check covers.
        let is_covered = before.iter().any(|structure| {
            let header = match structure.name {
                "segment" => 64,
                "frame" => 96,
                "slot" | "header" | "page" | "name" | "event" | "document" => structure.length,
                _ => 0,
            };
            offset < structure.file_offset + header
        });
        let mut damaged = file.clone();
        damaged[index(offset)] ^= bit;
        let after = at(&damaged, offset);
        let is_told = after.iter().any(|structure| !structure.is_whole());
        // A page of a run that no slot names any more is known by its check alone.
        let is_known = !["free", "unnamed"].contains(&before[0].name);
        assert!(!is_covered || !is_known || is_told, "{offset} of {end}: {before:#?} {after:#?}");
    }
}

#[test]
fn what_stands_behind_damage_is_found_all_the_same() {
    let file = the_file();
    let log = |damaged: &[u8], offset: u64| at(damaged, FIRST_EXTENT + offset);
    let damage = |places: &[u64]| {
        let mut damaged = file.clone();
        places.iter().for_each(|offset| damaged[index(FIRST_EXTENT + offset)] ^= 1);
        damaged
    };
    // The first frame's header: its own records by its length, the second frame by its check.
    let first = damage(&[64 + 20]);
    let found = log(&first, 64);
    assert!(found[1].name == "frame" && !found[1].is_whole(), "{found:#?}");
    let found = log(&first, 230);
    assert_eq!((found[1].name, found[1].is_whole()), ("frame", false));
    assert_eq!((found[2].name, found[2].is_whole()), ("event", true));
    let found = log(&first, 430);
    assert_eq!((found[1].name, found[1].is_whole()), ("frame", true));
    assert_eq!(found[1].notes, ["the walk ended before, at log offset 64"]);
    // With its tag gone, too, a record is found by its own check.
    let found = log(&damage(&[64]), 230);
    assert_eq!((found[1].name, found[2].name), ("rest", "event"));
    assert_eq!(found[2].notes, ["position 1", "found by its own check"]);
    assert!(!found[1].is_whole(), "a slot says that this was synced");
    let found = log(&damage(&[64]), 163);
    assert_eq!((found[1].name, value(&found[2], "text")), ("rest", "`order-1`"));
    // A record whose tag is gone.
    let found = log(&damage(&[176 + 4]), 177);
    assert_eq!((found[2].name, found[2].is_whole()), ("record", false));
}

#[test]
fn without_slots_a_segment_and_a_page_are_found_by_themselves() {
    let mut file = the_file();
    file[index(SLOT_PAGES[1])..index(SLOT_PAGES[1] + PAGE)].fill(0);
    let names = |offset: u64| -> Vec<&str> {
        at(&file, offset).into_iter().map(|found| found.name).collect()
    };
    assert_eq!(names(FIRST_EXTENT + 230), ["unnamed", "segment", "frame", "event"]);
    assert_eq!(names(run_place().file_offset + 0x2020), ["unnamed", "page"]);
    // A page that passes its check, and says that it is one of a run that would begin before the
    // file does: found by the fuzzers.
    let mut lies = file.clone();
    let page = index(run_place().file_offset);
    let key = FileHeader::decode(&file).unwrap().identity.key;
    seal_page(&mut lies[page..page + index(PAGE)], 7, u32::MAX, &key);
    let found = at(&lies, u64_of(page) + 100);
    assert!(found[1].is_whole() && found[1].name == "page", "{found:#?}");
    assert_eq!(found[1].file_offset, u64_of(page));
    // Without the key nothing can be told.
    file[40] ^= 1;
    let found = at(&file, FIRST_EXTENT + 230);
    assert_eq!((found.len(), found[0].name, found[0].notes.len()), (1, "unnamed", 1));
    assert!(!at(&file, 40)[0].is_whole());
}

#[test]
fn what_is_not_there_is_an_error() {
    let file = the_file();
    let error = of(&file, u64_of(file.len())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(of(&[0; 20_000], 17_000).unwrap_err().kind(), ErrorKind::NotAnnals);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken_apart(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
        offsets in prop::collection::vec(any::<prop::sample::Index>(), 8),
        noise in prop::option::of(prop::collection::vec(any::<u8>(), 1..200)),
    ) {
        let mut file = the_file();
        for (at, byte) in changes {
            // Most of them where something stands.
            let at = if byte % 4 == 0 { at.index(file.len()) } else { at.index(17_200) };
            file[at] = byte;
        }
        if let Some(noise) = noise {
            let at = cut.index(file.len() - noise.len());
            file[at..at + noise.len()].copy_from_slice(&noise);
            file.truncate(cut.index(file.len()).max(1));
        }
        for offset in offsets {
            let offset = u64_of(offset.index(file.len()));
            if let Ok(found) = of(&file, offset) {
                check(&found, u64_of(file.len()));
            }
        }
    }
}

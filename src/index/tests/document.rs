//! Holds what FORMAT.md says of runs to who writes and reads them.

use super::Disk;
use crate::format::document_tests::page::{self, example};
use crate::format::document_tests::store::{
    RECORDS, STATE_KEY, first_segment, key, paid, placed, run_header, run_place, run_terms,
    state_place,
};
use crate::format::{Chain, DocumentEntry, Entries, Entry, Mark, Named, TermHash};
use crate::index::*;
use crate::storage::{MemoryStorage, Storage, read_full, write_full};
use crate::words::{LogOffset, NewEvent, Position, Version};
use std::sync::Arc;
use uuid::Uuid;

fn named(text: &str) -> Named<'_> {
    Named { text, hash: key().term(text.as_bytes()) }
}

/// The events of the examples, as the log's reader would tell of them.
fn table() -> Arc<Table> {
    let mark =
        |at, next| Mark { at: LogOffset::new(at), chain: Chain(0), next: Position::new(next) };
    let table = Table::new(mark(64, 1), key());
    let last = NewEvent::new("OrderPaid", "");
    for ((event, at), nth) in [placed(), paid(), last].iter().zip(RECORDS).zip(1..) {
        let tags: Vec<Named<'_>> = event.tags.iter().map(|tag| named(tag.as_ref())).collect();
        let payload = u32::try_from(event.payload.len()).unwrap();
        let entry = Entry {
            position: Position::new(nth),
            at: LogOffset::new(at),
            version: Version::new(nth),
            payload,
            stream: named("order-1"),
            event_type: named(event.event_type.as_ref()),
            tags: &tags,
            ids: [event.id, event.correlation_id, event.causation_id],
        };
        table.extend(Entries { events: &[entry], documents: &[] });
    }
    let state = DocumentEntry { key: named(STATE_KEY), place: state_place(), before: None };
    table.extend(Entries { events: &[], documents: &[state] });
    table.close(mark(run_place().end.get(), run_place().next.get()));
    Arc::new(table)
}

#[test]
fn the_run_in_format_md_is_what_becomes_of_its_events() {
    let memory = Arc::new(MemoryStorage::new());
    let mut job =
        Job::new(vec![Input::table(table(), vec![first_segment()])], 0, run_place().id, key())
            .unwrap()
            .unwrap();
    while job.step(&mut Disk(memory.clone()), 1).unwrap() != Step::Done {}
    assert_eq!(*job.header(), run_header());
    let wanted = example("run", "");
    let mut written = vec![0; wanted.len() + 1];
    assert_eq!(read_full(&*memory, &mut written, 0).unwrap(), wanted.len());
    written.truncate(wanted.len());
    assert!(written == wanted, "the builder and the example differ");
}

#[test]
fn the_run_in_format_md_answers_as_its_events_do() {
    let memory = Arc::new(MemoryStorage::new());
    write_full(&*memory, &example("run", ""), run_place().file_offset).unwrap();
    let run = Run::open(memory, Arc::new(Reach::new(false)), run_place(), key()).unwrap();
    for (nth, at) in (0..).zip(RECORDS) {
        assert_eq!(run.offset(nth).unwrap(), LogOffset::new(at));
    }
    assert_eq!(run.segments().unwrap(), [first_segment()]);
    let found = run.document(key().term(STATE_KEY.as_bytes())).unwrap();
    assert_eq!(found, Some(state_place()));
    for (kind, text, wanted) in run_terms() {
        let term = run.find(key().term(&text).of(kind)).unwrap().unwrap();
        let mut found = Vec::new();
        run.postings(&term, (0, u32::MAX), |words| {
            found.extend(words.iter().map(|posting| u32::from_le_bytes(*posting)));
        })
        .unwrap();
        assert_eq!(found, wanted, "{kind:?}");
    }
    assert_eq!(run.find(TermHash(7)).unwrap(), None);
    let all = (LogOffset::ZERO, run_place().end);
    let whole = table().tally((Position::new(1), Position::new(3)), all);
    assert_eq!(run.tally(&key()).unwrap(), whole, "nothing is missing, nothing is more");
}

/// A run of many pages, each event in one of 3,000 streams and with an id of its own.
fn many(distance: u64) -> (Vec<u8>, u64) {
    let (count, at) = (20_000_u64, |nth: u64| LogOffset::new(64 + nth * distance));
    let mark = |at, next| Mark { at, chain: Chain(0), next: Position::new(next) };
    let table = Table::new(mark(at(0), 1), key());
    let mut versions = vec![0; 3_000];
    for nth in 0..count {
        let stream = usize::try_from(nth * nth % 3_000).unwrap();
        versions[stream] += 1;
        let name = format!("order-{stream}");
        let entry = Entry {
            position: Position::new(1 + nth),
            at: at(nth),
            version: Version::new(versions[stream]),
            payload: 0,
            stream: named(&name),
            event_type: named("OrderPaid"),
            tags: &[],
            ids: [Some(Uuid::from_u128(nth.into())), None, None],
        };
        table.extend(Entries { events: &[entry], documents: &[] });
    }
    table.close(mark(at(count), 1 + count));
    let memory = Arc::new(MemoryStorage::new());
    let input = vec![Input::table(Arc::new(table), vec![first_segment()])];
    let mut job = Job::new(input, 0, 9, key()).unwrap().unwrap();
    while job.step(&mut Disk(memory.clone()), u64::MAX).unwrap() != Step::Done {}
    let mut bytes = vec![0; usize::try_from(memory.size().unwrap()).unwrap()];
    read_full(&*memory, &mut bytes, 0).unwrap();
    (bytes, count)
}

/// A number of so many bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    let field = bytes[at..at + length].iter().rev();
    field.fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

/// Reads with nothing but the arithmetic of FORMAT.md, without the codec.
#[test]
fn a_run_of_many_pages_is_read_by_what_format_md_says() {
    let salts: Vec<usize> = page::table("| word | salt |")
        .iter()
        .map(|row| page::number(row[1].trim_matches('`')).try_into().unwrap())
        .collect();
    for (distance, width) in [(104, 4), (1 << 21, 8)] {
        let (bytes, count) = many(distance);
        let field = |at, length| number(&bytes, at, length);
        let events = field(48, 8) - field(40, 8);
        assert_eq!((u64::try_from(events).unwrap(), field(56, 4)), (count, width));
        let (terms, postings) = (field(60, 4), field(64, 4));
        let per_page = if width == 4 { 1_018 } else { 509 };
        let offsets_at = 1;
        let terms_at = offsets_at + events.div_ceil(per_page);
        let fences_at = terms_at + terms.div_ceil(127);
        let filter_at = fences_at + terms.div_ceil(127).div_ceil(510);
        let blocks = terms.div_ceil(24);
        let postings_at = filter_at + blocks.div_ceil(127);
        let segments_at = postings_at + postings.div_ceil(1_020);
        let names_at = segments_at + field(72, 4).div_ceil(170);
        assert_eq!(bytes.len(), 4_096 * (names_at + field(68, 4)));
        let value = |part: usize, nth: usize, per_page: usize, length: usize| {
            4_096 * (part + nth / per_page) + 16 + (nth % per_page) * length
        };
        for nth in 0..events {
            let page = 4_096 * (offsets_at + nth / per_page);
            let unit = if width == 4 { 8 } else { 1 };
            let step = field(page + 24 + (nth % per_page) * width, width) * unit;
            let wanted = 64 + u64::try_from(nth).unwrap() * distance;
            assert_eq!(u64::try_from(field(page + 16, 8) + step).unwrap(), wanted);
        }
        let mut placed = 0;
        for nth in 0..terms {
            let at = value(terms_at, nth, 127, 32);
            let (low, high) = (field(at, 4), field(at + 8, 8));
            if nth % 127 == 0 {
                assert_eq!(field(value(fences_at, nth / 127, 510, 8), 8), high);
            }
            let wide = |number: usize| u128::try_from(number).unwrap();
            let block = usize::try_from((wide(high) * wide(blocks)) >> 64).unwrap();
            let block = value(filter_at, block, 127, 32);
            for (word, salt) in salts.iter().enumerate() {
                let bit = (low * salt % (1 << 32)) >> 27;
                assert_ne!(field(block + 4 * word, 4) & (1 << bit), 0, "term {nth}");
            }
            let (start, count) = (field(at + 16, 4), field(at + 20, 4));
            let numbers: Vec<usize> = match count {
                1 => vec![start],
                _ => {
                    assert_eq!(start, placed, "postings stand in the order of the terms");
                    placed += count;
                    let places = start..start + count;
                    places.map(|place| field(value(postings_at, place, 1_020, 4), 4)).collect()
                }
            };
            assert!(numbers.is_sorted() && numbers.iter().all(|number| *number < events));
        }
        assert_eq!(placed, postings);
        let mut before = (0, "");
        for name_page in bytes.chunks(4_096).skip(names_at) {
            let mut at = 16;
            assert_ne!(name_page[at], 0, "every page has a name");
            while at < 4_096 && name_page[at] != 0 {
                let text = &name_page[at + 16..at + 16 + number(name_page, at + 2, 2)];
                let name = (name_page[at], std::str::from_utf8(text).unwrap());
                assert!(name > before, "{name:?} after {before:?}");
                (before, at) = (name, at + 16 + text.len());
            }
        }
        assert_eq!(before, (3, "OrderPaid"), "the last of the kinds that are there");
    }
}

//! Holds what FORMAT.md says of runs to who writes and reads them.

use super::Disk;
use crate::format::document_tests::page::example;
use crate::format::document_tests::store::{
    RECORDS, key, paid, placed, run_header, run_place, run_terms,
};
use crate::format::{Chain, Entry, Mark, Named, TermHash};
use crate::index::*;
use crate::storage::{MemoryStorage, read_full, write_full};
use crate::words::{LogOffset, NewEvent, Position, Version};
use std::sync::Arc;

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
        table.extend([Entry {
            position: Position::new(nth),
            at: LogOffset::new(at),
            version: Version::new(nth),
            stream: named("order-1"),
            event_type: named(event.event_type.as_ref()),
            tags: &tags,
            ids: [event.id, event.correlation_id, event.causation_id],
        }]);
    }
    table.close(mark(run_place().end.get(), run_place().next.get()));
    Arc::new(table)
}

#[test]
fn the_run_in_format_md_is_what_becomes_of_its_events() {
    let memory = Arc::new(MemoryStorage::new());
    let mut job = Job::new(vec![Input::table(table())], 0, run_place().id, key()).unwrap().unwrap();
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
    for (kind, text, wanted) in run_terms() {
        let term = run.find(key().term(&text).of(kind)).unwrap().unwrap();
        let mut found = Vec::new();
        run.postings(&term, 0, u32::MAX, &mut found).unwrap();
        assert_eq!(found, wanted, "{kind:?}");
    }
    assert_eq!(run.find(TermHash(7)).unwrap(), None);
    let whole = table().tally(Position::new(1), Position::new(3));
    assert_eq!(run.tally(&key()).unwrap(), whole, "nothing is missing, nothing is more");
}

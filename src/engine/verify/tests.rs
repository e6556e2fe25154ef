//! What verifying counts, when it stops, and what it says of an index that lies.

use super::*;
use crate::engine::tests::shelf::Shelf;
use crate::engine::tests::{append, begun_at, quiet};
use crate::engine::{Chore, Engine, Settings};
use crate::format::{
    Chain, DocumentEntry, DocumentPlace, Entries, Entry, FIRST_EXTENT, FRAME_LEN, Mark, Named,
    PAGE, SEGMENT_HEADER_LEN, u64_of,
};
use crate::index::Table;
use crate::storage::{MemoryStorage, Storage};
use crate::words::{Commit, ExpectedVersion, LogOffset, NewEvent, Position, Revision, Version};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Three commits of two events and a document each; with `runs`, each of them a run of its own.
fn store(runs: bool) -> (Arc<MemoryStorage>, Engine) {
    let disk = Arc::new(MemoryStorage::new());
    let tail_events = if runs { 2 } else { 1 << 20 };
    let engine = Engine::open(disk.clone(), Settings { tail_events, ..quiet() }).unwrap();
    for value in ["one", "two", "three"] {
        let events = [NewEvent::new("Noted", "x"), NewEvent::new("Noted", "y")];
        let commit = Commit::new().append("a", ExpectedVersion::Any, events).put("key", value);
        engine.commit(&commit).unwrap();
        engine.chore(Chore::Index).unwrap();
    }
    assert_eq!(engine.core.index.sources().runs.len(), if runs { 3 } else { 0 });
    (disk, engine)
}

fn verified(engine: &Engine) -> VerifyReport {
    engine.verify(|_, _| ControlFlow::Continue(())).unwrap()
}

fn verified_quickly(engine: &Engine) -> VerifyReport {
    engine.verify_quick(|_, _| ControlFlow::Continue(())).unwrap()
}

/// What is wrong, in words.
fn said(engine: &Engine) -> Vec<String> {
    let report = verified(engine);
    assert_eq!(report.is_whole(), report.issues.is_empty());
    report.issues.into_iter().map(|issue| issue.what).collect()
}

#[test]
fn all_that_is_there_is_counted() {
    for runs in [false, true] {
        let (_, engine) = store(runs);
        let log = engine.view().unwrap().end.get() - u64_of(SEGMENT_HEADER_LEN);
        let report = verified(&engine);
        assert!(report.is_whole(), "{report:?}");
        let VerifyReport { commits, events, documents, bytes, .. } = report;
        assert_eq!((commits, events, documents, bytes), (3, 6, 3, log));
        let sources = engine.core.index.sources();
        let runs = sources.runs.iter().map(|run| u64::from(run.page_count()));
        assert_eq!(report.index_bytes, runs.sum::<u64>() * PAGE);
        assert_eq!(verified_quickly(&engine), report);
    }
}

/// What is found by both forms in a store of which one byte is another.
fn damaged(runs: bool, place: impl Fn(&Engine) -> u64) -> Vec<Issue> {
    let forms = [verified, verified_quickly].map(|form| {
        let (disk, engine) = store(runs);
        let at = place(&engine);
        let mut byte = [0];
        disk.read_at(&mut byte, at).unwrap();
        disk.write_at(&[byte[0] ^ 1], at).unwrap();
        let report = form(&engine);
        assert!(!report.is_whole() && !report.cancelled);
        report.issues
    });
    let [full, quick] = forms;
    assert_eq!(full, quick);
    full
}

/// Where in the file the frame of an event stands.
fn frame(engine: &Engine, position: u64) -> u64 {
    let view = engine.view().unwrap();
    let at = view.place(Position::new(position)).unwrap().unwrap().at;
    let mut bytes = [0; 4];
    let file_offset = view.segments.find(at).unwrap().place.file_offset(at);
    // The record says how far it is from its frame.
    view.core.storage.read_at(&mut bytes, file_offset + 8).unwrap();
    file_offset - u64::from(u32::from_le_bytes(bytes))
}

#[test]
fn damage_that_a_follower_does_not_get_past_is_found_where_the_log_has_to_go_on() {
    for is_live in [true, false] {
        let (disk, engine) = store(false);
        // A slot says how far the log was synced.
        engine.chore(Chore::Sync).unwrap();
        engine.chore(Chore::Mark).unwrap();
        let second = frame(&engine, 3);
        disk.write_at(&[0xAA], second + 50).unwrap();
        if !is_live {
            // As if its process had been killed.
            disk.unlock();
        }
        let reader = Engine::open_read_only(disk, &quiet()).unwrap();
        assert_eq!(reader.report().corruption.is_some(), !is_live);
        let report = verified(&reader);
        assert_eq!(report.issues, verified_quickly(&reader).issues);
        let [issue] = report.issues.as_slice() else { panic!("{:?}", report.issues) };
        assert_eq!((issue.file_offset, issue.position), (Some(second), Some(Position::new(3))));
    }
}

#[test]
fn damage_of_the_log_is_found_by_both_forms_with_its_place() {
    for within in [0, 8, 50, 90, u64_of(FRAME_LEN), u64_of(FRAME_LEN) + 9, 240] {
        let (_, engine) = store(false);
        let second = frame(&engine, 3);
        let log_offset = LogOffset::new(second - FIRST_EXTENT);
        let issues = damaged(false, |engine| frame(engine, 3) + within);
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert_eq!(issue.what, "the log fails its check here; what follows was not looked at");
        assert_eq!((issue.file_offset, issue.log_offset), (Some(second), Some(log_offset)));
        assert_eq!(issue.position, Some(Position::new(3)));
    }
}

/// A store that has prepared a segment; the places of the first one and of that.
fn prepared() -> (Arc<MemoryStorage>, Engine, [u64; 2]) {
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), Settings { reserve: 1 << 20, ..quiet() }).unwrap();
    append(&engine, 1);
    engine.chore(Chore::Prepare).unwrap();
    let slot = engine.write_side().unwrap().slots.lock().newest.clone();
    let [first, second] = slot.segments.as_slice() else { panic!("{:?}", slot.segments) };
    let places = [first, second].map(|place| place.extent.file_offset);
    (disk, engine, places)
}

#[test]
fn a_damaged_header_of_a_segment_is_found_by_both_forms() {
    for nth in [0, 1] {
        let (disk, engine, places) = prepared();
        disk.write_at(&[0xAA], places[nth] + 9).unwrap();
        let issues = verified(&engine).issues;
        assert_eq!(issues, verified_quickly(&engine).issues);
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert_eq!(issue.file_offset, Some(places[nth]));
        assert!(issue.what.contains("header of a segment"), "{issue:?}");
    }
}

#[test]
fn a_header_that_a_crash_may_have_torn_is_no_damage() {
    let (disk, _engine, places) = prepared();
    disk.write_at(&[0xAA], places[1] + 9).unwrap();
    let reader = Engine::open_read_only(disk, &quiet()).unwrap();
    assert_eq!(verified(&reader).issues, []);
    assert_eq!(verified_quickly(&reader).issues, []);
}

#[test]
fn damage_of_any_page_of_a_run_is_found_by_both_forms() {
    let (_, engine) = store(true);
    let run = *engine.core.index.sources().runs[1].place();
    for page in 0..u64::from(run.pages) {
        for within in [0, 5, 20, 4_095] {
            let issues = damaged(true, |_| run.file_offset + page * PAGE + within);
            let [issue] = issues.as_slice() else { panic!("{issues:?}") };
            let said = format!(
                "run {} of the index fails its check on page {page}; it is made anew from the log",
                run.id
            );
            assert_eq!((issue.file_offset, &issue.what), (Some(run.file_offset), &said));
            assert_eq!(issue.position, Some(Position::new(3)));
        }
    }
}

#[test]
fn what_was_stopped_is_not_whole() {
    let (_, engine) = store(true);
    let mut steps = 0;
    assert!(
        engine
            .verify(|_, _| {
                steps += 1;
                ControlFlow::Continue(())
            })
            .unwrap()
            .is_whole()
    );
    // Once over the log, once before each run; or, quickly, once for each.
    assert_eq!(steps, 4);
    for (stop, quick) in (1..=steps).flat_map(|stop| [(stop, false), (stop, true)]) {
        let (mut step, mut last) = (0, 0);
        let progress = |done, all| {
            step += 1;
            assert!(done <= all && last <= done);
            last = done;
            if step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let report = if quick { engine.verify_quick(progress) } else { engine.verify(progress) };
        let report = report.unwrap();
        assert_eq!(step, stop);
        assert!(report.cancelled && report.issues.is_empty() && !report.is_whole());
    }
}

#[test]
fn fixed_pages_that_are_damaged_are_named() {
    let (disk, engine) = store(false);
    disk.write_at(&[0xAA; 512], 0).unwrap();
    assert_eq!(said(&engine), ["page 0 fails its check; the slots repeat what it says"]);
    let (disk, engine) = store(false);
    disk.write_at(&[0xAA; 8_192], PAGE).unwrap();
    let report = verified(&engine);
    assert_eq!(report.issues[0].file_offset, Some(PAGE));
    assert_eq!(report.issues[0].what, "both slots fail their checks");
}

#[test]
fn a_run_that_can_not_be_made_anew_keeps_nobody_from_naming_the_damage_of_the_log() {
    let disk = Arc::new(MemoryStorage::new());
    let writer = Engine::open(disk.clone(), Settings { tail_events: 4, ..quiet() }).unwrap();
    append(&writer, 4);
    writer.chore(Chore::Index).unwrap();
    drop(writer);
    // A run that was not read yet, but for its first page; and the last commit that it is of.
    let engine = Engine::open_read_only(disk.clone(), &quiet()).unwrap();
    let view = engine.view().unwrap();
    let at = view.place(Position::new(4)).unwrap().unwrap().at;
    let [run] = view.sources.runs.as_slice() else { panic!("one run") };
    let run = *run.place();
    let pages = crate::format::index(u64::from(run.pages - 1) * PAGE);
    let engine = Engine::open_read_only(disk.clone(), &quiet()).unwrap();
    disk.write_at(&vec![0xAA; pages], run.file_offset + PAGE).unwrap();
    let file_offset = view.segments.find(at).unwrap().place.file_offset(at);
    disk.write_at(&[0xAA], file_offset + 8).unwrap();
    let report = verified(&engine);
    assert_eq!(report.events, 3);
    let said: Vec<String> = report.issues.into_iter().map(|issue| issue.what).collect();
    let log = "the log fails its check here; what follows was not looked at".to_owned();
    let index = format!(
        "run {} of the index fails its check on page 1; it can't be made anew, since the log is \
         damaged too",
        run.id
    );
    assert_eq!(said, [log, index]);
}

/// What is said of an index, in a run and in memory, that has one event otherwise than the log.
fn lied(change: impl Fn(&mut Entry<'_>)) -> [Vec<String>; 2] {
    let engine = begun_at(Position::new(1));
    append(&engine, 3);
    let key = engine.core.identity.key;
    let (view, end) = (engine.view().unwrap(), engine.write_side().unwrap().writer().mark());
    let named = |text| Named { text, hash: key.term(str::as_bytes(text)) };
    let entry = |nth| Entry {
        position: Position::new(nth),
        at: view.place(Position::new(nth)).unwrap().unwrap().at,
        version: Version::new(nth),
        payload: 1,
        stream: named("a"),
        event_type: named("Noted"),
        tags: &[],
        ids: [None; 3],
    };
    let mut events: Vec<Entry<'_>> = (1..=3).map(entry).collect();
    change(&mut events[0]);
    let entries = Entries { events: &events, documents: &[] };
    let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
    let start = Mark { at, chain: Chain::default(), next: Position::new(1) };
    engine.core.index.restart(Vec::new(), start);
    engine.core.index.sources().active().unwrap().extend(entries);
    let in_memory = said(&engine);
    let table = Table::new(start, key);
    table.extend(entries);
    table.close(end);
    let mut shelf = Shelf::default();
    let place = shelf.write_table(7, 0, table, view.segments.iter().copied().collect());
    engine.core.index.restart(vec![shelf.open(place)], end);
    // Its checks are right.
    assert_eq!(verified_quickly(&engine).issues, []);
    [said(&engine), in_memory]
}

#[test]
fn an_index_that_has_an_event_otherwise_than_the_log_is_named() {
    assert_eq!(lied(|_| {}), [[""; 0]; 2]);
    let run = ["run 7 of the index does not say what the log says; it is made anew from the log"];
    let in_memory = ["the index in memory does not say what the log says"];
    assert_eq!(lied(|event| event.at = event.at.plus(8)), [run, in_memory], "elsewhere");
    assert_eq!(lied(|event| event.event_type = event.stream), [run, in_memory], "a term");
    // Of payloads only runs keep a sum.
    assert_eq!(lied(|event| event.payload = 2)[0], run, "a payload");
}

#[test]
fn a_document_that_the_log_does_not_have_is_named() {
    let (_, engine) = store(false);
    let sources = engine.core.index.sources();
    let place = DocumentPlace {
        at: LogOffset::new(u64_of(SEGMENT_HEADER_LEN) + 8),
        revision: Revision::new(1),
        deleted: false,
    };
    let key = Named { text: "nowhere", hash: engine.core.hash("nowhere") };
    let entry = DocumentEntry { key, place, before: None };
    sources.active().unwrap().extend(Entries { events: &[], documents: &[entry] });
    assert_eq!(said(&engine), ["the index in memory does not say what the log says"]);
}

#[test]
fn a_run_that_was_made_anew_is_named_until_it_is_written_again() {
    let (disk, engine) = store(true);
    let run = *engine.core.index.sources().runs[1].place();
    disk.write_at(&[0xAA; 64], run.file_offset + PAGE).unwrap();
    // Whoever asks, asks the run that stands for it.
    engine.core.heal(run.id, run.file_offset).unwrap();
    let damaged = format!("run {} of the index was damaged; it is made anew from the log", run.id);
    assert_eq!(said(&engine), [damaged]);
    engine.chore(Chore::Index).unwrap();
    assert_eq!(said(&engine), [""; 0]);
    assert!(disk.size().unwrap() > FIRST_EXTENT);
}

//! Tables become runs, runs are merged, their room is used again, while others read. All of it is
//! read through maps.

use super::{TEXTS, append, beside, image, open_with, small, texts};
use crate::engine::{Chore, Engine};
use crate::storage::modelled::Disk;
use crate::threads::model;
use std::ops::Range;
use std::sync::Arc;

/// One piece of what is to be done for the index.
fn step(engine: &Engine) {
    engine.write_side().unwrap().index_step(&engine.core).unwrap();
}

/// A run more for each of these events.
fn grow(engine: &Engine, texts: Range<usize>) {
    for text in TEXTS[texts].chunks(1) {
        append(engine, text);
        engine.chore(Chore::Index).unwrap();
    }
}

/// A closed store of four runs, which are not merged yet.
fn four_runs() -> Arc<Vec<u8>> {
    image(small(), |engine| {
        for text in TEXTS[..4].chunks(1) {
            append(engine, text);
            step(engine);
        }
    })
}

/// A table freezes, becomes a run, and goes, while a third event is committed and somebody looks.
#[test]
fn a_view_finds_each_event_once_while_a_table_becomes_a_run() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open_with(&disk, small());
        append(&engine, &TEXTS[..1]);
        let others = [
            beside(&engine, |engine| append(engine, &TEXTS[1..3])),
            beside(&engine, |engine| engine.chore(Chore::Index).unwrap()),
        ];
        for _ in 0..2 {
            let now = texts(&engine.view().unwrap());
            assert_eq!(now, TEXTS[..now.len()]);
        }
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(texts(&engine.view().unwrap()), TEXTS[..3]);
    });
}

/// Four runs become one; an old view and new ones find the same.
#[test]
fn a_view_finds_each_event_once_while_runs_are_merged() {
    let four = four_runs();
    model(2, move || {
        let disk = Disk::new(&four);
        let engine = open_with(&disk, small());
        assert_eq!(engine.core.index.sources().runs.len(), 4);
        let old = engine.view().unwrap();
        let merging = beside(&engine, |engine| engine.chore(Chore::Index).unwrap());
        assert_eq!(texts(&old), TEXTS[..4]);
        assert_eq!(texts(&engine.view().unwrap()), TEXTS[..4]);
        merging.join().unwrap();
        assert_eq!(engine.core.index.sources().runs.len(), 1);
        assert_eq!(texts(&old), TEXTS[..4]);
    });
}

/// An old view holds four runs that were merged. Their room is free, and asked for; it is not given
/// to another run while the view is there.
#[test]
fn room_is_not_given_away_while_a_view_holds_it() {
    let four = four_runs();
    model(1, move || {
        let disk = Disk::new(&four);
        let engine = open_with(&disk, small());
        let old = engine.view().unwrap();
        engine.chore(Chore::Index).unwrap();
        let growing = beside(&engine, |engine| grow(engine, 4..6));
        assert_eq!(texts(&old), TEXTS[..4]);
        let room: Vec<_> = old.sources.runs.iter().map(|run| run.place().extent()).collect();
        drop(old);
        growing.join().unwrap();
        assert_eq!(texts(&engine.view().unwrap()), TEXTS[..6]);
        // It was there to be used.
        grow(&engine, 6..7);
        let now = engine.core.index.sources();
        let uses = |offset| now.runs.iter().any(|run| run.place().extent().file_offset == offset);
        assert!(room.iter().any(|extent| uses(extent.file_offset)));
    });
}

/// A view that outlives its store reads runs whose room the next writer uses.
#[test]
fn a_view_reads_on_while_the_store_is_closed_and_its_runs_are_overwritten() {
    let four = four_runs();
    model(3, move || {
        let disk = Disk::new(&four);
        let engine = open_with(&disk, small());
        let old = engine.view().unwrap();
        engine.chore(Chore::Index).unwrap();
        let closing = {
            let disk = disk.clone();
            let length = disk.bytes().len();
            beside(&engine, move |engine| {
                engine.close().unwrap();
                let next = open_with(&disk, small());
                grow(&next, 4..5);
                assert_eq!(length, disk.bytes().len());
            })
        };
        assert_eq!(texts(&old), TEXTS[..4]);
        closing.join().unwrap();
    });
}

//! Bytes of runs that rot.

use super::sample::spread;
use super::{Sample, options};
use crate::fixture::{PAGE, Place};
use annals::Chore;
use annals::storage::Access;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// What a run's header says, the head of its page included.
const HEADER: usize = 72;

#[test]
fn a_flipped_byte_of_a_run_changes_no_answer_and_is_healed() {
    let sample = Sample::deep();
    for run in &sample.runs {
        let headers = (run.at..run.at + HEADER).step_by(3);
        for (nth, at) in headers.chain(spread(run, 397)).enumerate() {
            let bytes = sample.changed(|bytes| bytes[at] ^= 0xFF);
            sample.heals(&bytes, 1, nth, &format!("byte {} of {run:?}", at - run.at));
        }
    }
}

#[test]
fn a_flipped_bit_of_a_run_changes_no_answer_of_a_store_that_is_only_looked_at() {
    let sample = Sample::deep();
    for run in &sample.runs {
        let headers = run.at..run.at + HEADER;
        for (nth, at) in headers.chain(spread(run, 307)).enumerate() {
            let bytes = sample.changed(|bytes| bytes[at] ^= 1 << (nth % 8));
            sample.shows(&bytes, 1, nth, &format!("byte {} of {run:?}", at - run.at));
        }
    }
}

fn write(path: &Path, at: usize, byte: u8) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

#[test]
fn a_flipped_byte_of_a_run_in_a_file_changes_no_answer_however_it_is_read() {
    let sample = Sample::deep();
    let place = Place::new();
    for run in &sample.runs {
        for (nth, at) in spread(run, 2_039).enumerate() {
            let what = format!("byte {} of {run:?}", at - run.at);
            place.put(&sample.bytes);
            write(&place.path(), at, !sample.bytes[at]);
            for access in [Access::Map, Access::Read] {
                let options = options().access(access);
                let look = options.open_read_only(place.path()).unwrap();
                sample.answers.check(&look, nth, &what);
            }
            let access = if nth % 4 == 3 { Access::Read } else { Access::Map };
            let store = options().access(access).open(place.path()).unwrap();
            sample.answers.check(&store, nth, &what);
            assert_eq!(store.verify().unwrap().issues.len(), 1, "{what}");
            assert_eq!(store.stats().unwrap().index.healed, 1, "{what}");
            store.chore(Chore::Index).unwrap();
            assert!(store.verify().unwrap().is_whole(), "{what}");
            store.close().unwrap();
        }
    }
}

#[test]
fn runs_that_are_all_damaged_at_once_are_all_healed() {
    let sample = Sample::deep();
    let count = sample.runs.len();
    let most = sample.runs.iter().map(|run| run.pages).max().unwrap();
    for page in 0..most {
        let bytes = sample.changed(|bytes| {
            for run in &sample.runs {
                bytes[run.page(page.min(run.pages - 1)).start + 20 + page] ^= 4;
            }
        });
        sample.heals(&bytes, count, page, &format!("page {page} of all runs"));
        sample.shows(&bytes, count, page, &format!("page {page} of all runs"));
    }
    let bytes = sample.changed(|bytes| {
        sample.runs.iter().for_each(|run| bytes[run.bytes()].fill(0));
    });
    sample.heals(&bytes, count, 0, "all runs are zeros");
    sample.shows(&bytes, count, 0, "all runs are zeros");
}

#[test]
fn two_runs_that_are_damaged_at_once_are_both_healed() {
    let sample = Sample::deep();
    for (nth, pair) in sample.runs.windows(2).enumerate() {
        let bytes = sample.changed(|bytes| {
            for (page, run) in pair.iter().enumerate() {
                bytes[run.at + page * PAGE + 30] ^= 1;
            }
        });
        sample.heals(&bytes, 2, nth, &format!("{pair:?}"));
        sample.shows(&bytes, 2, nth, &format!("{pair:?}"));
    }
}

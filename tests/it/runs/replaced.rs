//! Pages that are somewhere else than they were written, and runs that are gone.

use super::{Answers, Sample, device, grow, options};
use crate::fixture::{PAGE, RunPlace};
use std::ops::Range;

fn swap(bytes: &mut [u8], a: Range<usize>, b: Range<usize>) {
    let kept = bytes[a.clone()].to_vec();
    bytes.copy_within(b.clone(), a.start);
    bytes[b].copy_from_slice(&kept);
}

#[test]
fn pages_of_a_run_that_are_swapped_are_found_out() {
    let sample = Sample::deep();
    for run in &sample.runs {
        for page in 0..run.pages {
            let other = (page + 1 + page % 3) % run.pages;
            let bytes = sample.changed(|bytes| swap(bytes, run.page(page), run.page(other)));
            let what = format!("pages {page} and {other} of {run:?}");
            sample.heals(&bytes, 1, page, &what);
            sample.shows(&bytes, 1, page, &what);
        }
    }
}

#[test]
fn pages_of_two_runs_that_are_swapped_are_found_out() {
    let sample = Sample::deep();
    for pair in sample.runs.windows(2) {
        for page in 0..pair[0].pages.min(pair[1].pages) {
            let bytes = sample.changed(|bytes| swap(bytes, pair[0].page(page), pair[1].page(page)));
            let what = format!("page {page} of {pair:?}");
            sample.heals(&bytes, 2, page, &what);
            sample.shows(&bytes, 2, page, &what);
        }
    }
}

#[test]
fn a_page_of_another_store_is_found_out() {
    let sample = Sample::deep();
    // The same events, so the same runs at the same places; but another key.
    let other = Sample::with(&options().seed(8), 450);
    assert_eq!(sample.runs, other.runs);
    for run in &sample.runs {
        for page in 0..run.pages {
            let bytes = sample.changed(|bytes| {
                bytes[run.page(page)].copy_from_slice(&other.bytes[run.page(page)]);
            });
            sample.heals(&bytes, 1, page, &format!("page {page} of {run:?}"));
        }
        let whole = |bytes: &mut Vec<u8>| {
            bytes[run.bytes()].copy_from_slice(&other.bytes[run.bytes()]);
        };
        sample.shows(&sample.changed(whole), 1, 0, &format!("{run:?}"));
    }
}

#[test]
fn a_run_of_zeros_is_found_out() {
    let sample = Sample::deep();
    for (nth, run) in sample.runs.iter().enumerate() {
        let bytes = sample.changed(|bytes| bytes[run.bytes()].fill(0));
        sample.heals(&bytes, 1, nth, &format!("{run:?}"));
        sample.shows(&bytes, 1, nth, &format!("{run:?}"));
    }
}

/// A store whose file ends with a run, and that run.
fn ending_with_a_run() -> (Sample, RunPlace) {
    let mut samples = (200..600).step_by(20).map(Sample::new);
    let found = samples.find_map(|sample| {
        let last = sample.runs.iter().find(|run| run.bytes().end == sample.bytes.len()).copied();
        last.map(|last| (sample, last))
    });
    found.unwrap()
}

#[test]
fn a_run_that_is_cut_off_at_the_files_end_is_made_anew() {
    let (sample, last) = ending_with_a_run();
    for page in 0..last.pages {
        for length in [0, 1, 16, PAGE - 1] {
            let bytes = sample.changed(|bytes| bytes.truncate(last.page(page).start + length));
            let what = format!("{length} bytes of page {page}");
            sample.heals(&bytes, 1, page, &what);
            sample.shows(&bytes, 1, page, &what);
        }
    }
}

/// What is written next begins where the file was cut, and nothing lies over anything else.
#[test]
fn a_store_whose_file_was_cut_within_runs_is_written_on() {
    let (sample, last) = ending_with_a_run();
    let events = sample.answers.events.len() as u64;
    for page in 0..last.pages {
        let bytes = sample.changed(|bytes| bytes.truncate(last.page(page).start + 100));
        let disk = device(&bytes);
        let store = options().open_storage(disk.clone()).unwrap();
        for more in [1, 30, 100, 500] {
            grow(&store, events + more);
            let report = store.verify().unwrap();
            assert!(report.is_whole() || more == 1, "page {page}, {more} more: {report:?}");
        }
        let answers = Answers::of(&store);
        answers.check(&store, page, "written on");
        store.close().unwrap();
        let again = options().open_storage(disk).unwrap();
        answers.check(&again, page, "opened again");
        assert!(again.verify().unwrap().is_whole());
    }
}

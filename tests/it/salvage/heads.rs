//! Page 0 and the slots: they have the key, without which nothing can be checked.

use super::Wreck;
use super::wreck::{fill, options};
use crate::fixture::{FORMAT_VERSION, PAGE, reseal_header, reseal_slots};
use annals::ErrorKind;
use annals::storage::{MemoryStorage, Storage};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Salvages these bytes, which can't be.
#[track_caller]
fn refusal(bytes: Vec<u8>) -> annals::Error {
    let from: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(bytes));
    let target = Arc::new(MemoryStorage::new());
    let to: Arc<dyn Storage> = target.clone();
    let refused = annals::Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(()));
    assert!(target.to_bytes().is_empty(), "something was made of it");
    refused.unwrap_err()
}

#[test]
fn any_one_of_page_0_and_the_slots_is_enough() {
    for wreck in [Wreck::closed(20), Wreck::open(20)] {
        for spared in 0..3 {
            let mut wreck = Wreck { bytes: wreck.bytes.clone(), ..Wreck::of(wreck.bytes.clone()) };
            for page in (0..3).filter(|page| *page != spared) {
                wreck = wreck.rot(page * PAGE..(page + 1) * PAGE);
            }
            let report = wreck.saved_whole().report;
            assert_eq!(report.issues.len(), 2, "{report}");
        }
    }
}

#[test]
fn where_none_is_whole_two_that_agree_are_enough() {
    let spared = [0..1, 1..2, 2..3];
    for other in spared {
        let mut wreck = Wreck::closed(20);
        for page in 0..3 {
            // The last byte has the check; elsewhere the id rots too.
            let at = page * PAGE;
            wreck = wreck.rot(at + PAGE - 1..at + PAGE);
            if other.contains(&page) {
                wreck = wreck.rot(at + 20..at + 21);
            }
        }
        assert_eq!(wreck.saved_whole().report.issues.len(), 3);
    }
}

#[test]
fn where_none_is_whole_and_no_two_agree_the_error_says_that_the_key_is_gone() {
    let mut wreck = Wreck::closed(5);
    for page in 0..3 {
        wreck = wreck.rot(page * PAGE + 30 + page..page * PAGE + 34 + page);
    }
    let refused = refusal(wreck.bytes);
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(refused.to_string().contains("the file's key is gone"), "{refused}");
}

#[test]
fn a_key_that_two_pages_agree_on_and_nothing_else_knows_is_no_key() {
    let mut wreck = Wreck::closed(5);
    for page in 0..3 {
        wreck = wreck.rot(page * PAGE + 40..page * PAGE + 41);
    }
    assert!(refusal(wreck.bytes).to_string().contains("the file's key is gone"));
}

#[test]
fn files_that_are_no_stores_are_refused() {
    let mut headless = Wreck::closed(5).bytes;
    headless[..3 * PAGE].fill(0);
    for (bytes, words) in [
        (Vec::new(), "empty"),
        (b"SQLite format 3\0".to_vec(), "not an Annals store"),
        (vec![0; 100_000], "not an Annals store"),
        (headless, "the file's key"),
    ] {
        let refused = refusal(bytes);
        assert_eq!(refused.kind(), ErrorKind::NotAnnals);
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    let mut header = Wreck::closed(5).bytes;
    header[FORMAT_VERSION].copy_from_slice(&7_u32.to_le_bytes());
    reseal_header(&mut header);
    let mut slots = Wreck::closed(5).bytes;
    reseal_slots(&mut slots, FORMAT_VERSION, &7_u32.to_le_bytes());
    for bytes in [header, slots] {
        assert_eq!(refusal(bytes).kind(), ErrorKind::Newer);
    }
}

/// Pages of another store pass their checks, under a key by which nothing here does.
#[test]
fn of_pages_that_disagree_those_count_under_whose_key_the_rest_passes() {
    let disk = Arc::new(MemoryStorage::new());
    let store = options().seed(8).open_storage(disk.clone()).unwrap();
    fill(&store, 3);
    store.close().unwrap();
    let other = disk.to_bytes();
    for page in 0..3 {
        let wreck = Wreck::closed(20).put(page * PAGE, &other[page * PAGE..(page + 1) * PAGE]);
        wreck.saved_whole();
        let wreck =
            wreck.put((page + 1) % 3 * PAGE, &other[..3 * PAGE][(page + 1) % 3 * PAGE..][..PAGE]);
        wreck.saved_whole();
    }
}

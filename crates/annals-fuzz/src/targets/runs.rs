//! A healthy log, and runs that are the fuzzer's: opening it and asking everything ends in answers
//! or errors, and verifying finds out what lies.

use super::open::{looked_at, written_to};
use super::patches::{self, Patched, Where};
use crate::images::options;
use annals::storage::MemoryStorage;
use annals::{Read, Store};
use std::sync::Arc;

/// See the module.
pub fn run(bytes: &[u8]) {
    let Ok(patched) = Patched::new(bytes, Where::Runs) else { return };
    let disk = Arc::new(MemoryStorage::from_bytes(patched.bytes.clone()));
    let store = options().open_storage(disk).expect("runs are never needed");
    // The log is whole, so whatever the runs say, it is found out and made anew.
    let report = store.verify().expect("the log is there");
    assert_eq!(report.events, patched.image.events);
    assert!(report.issues.iter().all(|issue| issue.what.contains("run ")), "{report:?}");
    let report = store.verify().expect("it is read again");
    assert!(report.issues.iter().all(|issue| issue.what.contains("was damaged")), "{report:?}");
    assert_eq!(count(&store), patched.image.events, "an event is not found");
    drop(store);
    match patched.look {
        true => looked_at(&patched.bytes),
        false => written_to(&patched.bytes),
    }
}

fn count(store: &Store) -> u64 {
    let cursor = store.read_all(Read::new()).expect("a healthy log is read");
    let events: Result<Vec<_>, _> = cursor.collect();
    events.expect("each event is read").len() as u64
}

/// Healthy ones to begin with: something in each of the first pages.
pub fn seeds() -> Vec<Vec<u8>> {
    let places: Vec<u16> = (0..21).map(|page| page * 512 + 2 + page % 8).collect();
    patches::seeds(&places)
}

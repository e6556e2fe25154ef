//! Salvage from file to file: who may, what is there afterwards, and disks that refuse to be read.

use super::Wreck;
use super::wreck::fill;
use crate::fixture::{Deed, Device, Op, PAGE, Place, assert_says, texts};
use annals::storage::{MemoryStorage, Storage};
use annals::{ErrorKind, Options, Store};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Files in a folder.
fn count(place: &Place) -> usize {
    std::fs::read_dir(place.folder()).unwrap().count()
}

#[test]
fn a_damaged_file_becomes_a_new_one_and_stays_as_it_is() {
    let place = Place::with(&["one", "two", "three"]);
    let mut bytes = place.bytes();
    let at = bytes.windows(3).position(|window| window == b"two").unwrap();
    bytes[at] ^= 1;
    place.put(&bytes);
    let to = place.file("saved.annals");
    let report = Store::salvage(place.path(), &to).unwrap();
    assert_eq!(report.bytes, std::fs::metadata(&to).unwrap().len());
    assert_eq!(place.bytes(), bytes);
    let saved = Store::open(&to).unwrap();
    assert_eq!(texts(&saved), ["one", "three"]);
    assert!(saved.verify().unwrap().is_whole());
    // No other file is left.
    assert_eq!(count(&place), 2);
}

#[test]
fn a_store_that_is_being_written_is_refused() {
    let place = Place::with(&["one"]);
    let store = place.store();
    let to = place.file("saved.annals");
    let refused = Store::salvage(place.path(), &to).unwrap_err();
    assert_says(&refused, ErrorKind::Locked, &["open for writing"]);
    store.close().unwrap();
    // Nor is it written while it is salvaged.
    let mut tried = 0;
    let report = Store::salvage_with(place.path(), &to, |_, _| {
        tried += 1;
        assert_eq!(Store::open(place.path()).unwrap_err().kind(), ErrorKind::Locked);
        ControlFlow::Continue(())
    });
    assert!(report.unwrap().is_whole() && tried > 2);
    place.store().close().unwrap();
}

#[test]
fn somebody_may_read_meanwhile() {
    let place = Place::with(&["one"]);
    let reader = Options::new().open_read_only(place.path()).unwrap();
    assert!(Store::salvage(place.path(), place.file("saved.annals")).unwrap().is_whole());
    assert_eq!(texts(&reader), ["one"]);
}

#[test]
fn nothing_is_ever_written_over() {
    let place = Place::with(&["one"]);
    for to in [place.path(), place.folder().to_owned()] {
        assert_eq!(Store::salvage(place.path(), to).unwrap_err().kind(), ErrorKind::Io);
    }
    assert_eq!(texts(&place.store()), ["one"]);
    assert_eq!(count(&place), 1);
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let place = Place::new();
    let refused = Store::salvage(place.path(), place.file("saved.annals")).unwrap_err();
    assert_says(&refused, ErrorKind::NotFound, &["a.annals"]);
    assert_eq!(count(&place), 0);
}

#[test]
fn what_fails_or_is_stopped_leaves_nothing() {
    let place = Place::new();
    place.put(&Wreck::closed(60).bytes);
    let to = place.file("saved.annals");
    let mut last = 0;
    let whole = Store::salvage_with(place.path(), &to, |done, all| {
        assert!(done <= all && done >= last, "{done} of {all}");
        last = done;
        ControlFlow::Continue(())
    });
    // Read three times.
    assert_eq!(last, 3 * whole.unwrap().scanned);
    std::fs::remove_file(&to).unwrap();
    for stop_at in 0..3 {
        let mut told = 0;
        let report = Store::salvage_with(place.path(), &to, |_, _| {
            told += 1;
            if told > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let report = report.unwrap();
        assert!(report.cancelled && !report.is_whole());
        assert!(report.to_string().contains("no new store"));
        assert_eq!(count(&place), 1);
    }
    place.put(&[0; 50_000]);
    assert_eq!(Store::salvage(place.path(), &to).unwrap_err().kind(), ErrorKind::NotAnnals);
    assert_eq!(count(&place), 1);
}

#[test]
fn a_target_without_room_is_an_error() {
    let from: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(Wreck::closed(10).bytes));
    let full = Device::new();
    full.orders(|op| match op {
        Op::Allocate => Deed::Fail(io::ErrorKind::StorageFull),
        _ => Deed::Go,
    });
    let to: Arc<dyn Storage> = full;
    let refused = Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Full);
    // The damaged one is nobody's any more.
    assert!(from.try_lock().unwrap());
}

/// A disk with bad sectors refuses to read them: those are damaged, the others are read.
#[test]
fn what_a_disk_refuses_to_read_is_lost_and_counted() {
    let wreck = Wreck::made(|store| fill(store, 40));
    let bad = wreck.commit(20).bytes.start as u64 / PAGE as u64 * PAGE as u64;
    let device = Device::from_bytes(wreck.bytes.clone());
    device.orders(move |op| match op {
        Op::Read { offset, length }
            if offset < bad + PAGE as u64 && offset + length as u64 > bad =>
        {
            Deed::Fail(io::ErrorKind::Other)
        }
        _ => Deed::Go,
    });
    let from: Arc<dyn Storage> = device;
    let disk = Arc::new(MemoryStorage::new());
    let to: Arc<dyn Storage> = disk.clone();
    let report = Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.unreadable, PAGE as u64);
    assert!(report.to_string().contains("4096 bytes could not be read"));
    assert!(report.events_lost() > 0);
    // The same as if these bytes were zeros.
    let zeros = wreck.put(bad as usize, &[0; PAGE]).saved();
    assert_eq!(report.lost, zeros.report.lost);
    assert_eq!(report.kept, zeros.report.kept);
    assert_eq!(disk.to_bytes().len() as u64, report.bytes);
}

#[test]
fn a_disk_that_reads_nothing_is_an_error_of_the_disk() {
    let device = Device::from_bytes(Wreck::closed(5).bytes);
    device.orders(|op| match op {
        Op::Read { .. } => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    let from: Arc<dyn Storage> = device;
    let to: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let refused = Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(()));
    assert_says(&refused.unwrap_err(), ErrorKind::Io, &["can't be read"]);
}

//! A run that is damaged, and the log below it: there is nothing to make the run anew from.

use super::{Sample, grow, options};
use crate::fixture::{Deed, Device, Op, RunPlace};
use annals::{Chore, Error, ErrorKind, ExpectedVersion, NewEvent, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Positions that a run indexes.
fn covered(bytes: &[u8], run: &RunPlace) -> Range<u64> {
    let at = |at: usize| u64::from_le_bytes(bytes[run.at + at..][..8].try_into().unwrap());
    at(40)..at(48)
}

/// Damages the run on this page, and the log at the event with this position; returns where in the
/// file that is.
fn damage(bytes: &mut [u8], run: &RunPlace, page: usize, position: u64) -> usize {
    let payload = format!("payload {}", position - 1);
    let mut found = bytes.windows(payload.len()).enumerate();
    let (at, _) = found
        .find(|(at, window)| {
            *window == payload.as_bytes() && !bytes[at + payload.len()].is_ascii_digit()
        })
        .unwrap();
    bytes[at] ^= 1;
    bytes[run.page(page).start + 100] ^= 1;
    at
}

/// The error names the damaged place of the log: a frame of three small events at most is there.
#[track_caller]
fn is_there(error: &Error, at: usize, position: u64, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
    let corruption = error.corruption().unwrap();
    let said = corruption.file_offset.unwrap() as usize;
    assert!((at - 1_000..=at).contains(&said), "{what}: not at {at}: {error}");
    let intact = corruption.intact_to.unwrap().get();
    assert!((position - 3..position).contains(&intact), "{what}: {error}");
}

#[test]
fn a_damaged_run_over_a_damaged_log_is_an_error_that_says_where() {
    let sample = Sample::deep();
    let run = sample.runs[1];
    let covered = covered(&sample.bytes, &run);
    let middle = covered.start + (covered.end - covered.start) / 2;
    let before = covered.start as usize - 1;
    for page in 0..run.pages {
        let mut at = 0;
        let bytes = sample.changed(|bytes| at = damage(bytes, &run, page, middle));
        let what = format!("page {page} of {run:?}");

        // Looked at, it gives what is before the damage.
        let device = Device::from_bytes(bytes.clone());
        let look = options().open_storage_read_only(device.clone()).unwrap();
        let mut events = Vec::new();
        let mut error = None;
        for event in look.read_all(Read::new()).unwrap() {
            match event {
                Ok(event) => events.push(event),
                Err(found) => error = Some(found),
            }
        }
        assert!(events.len() >= before, "{what}: {} events", events.len());
        assert_eq!(events, sample.answers.events[..events.len()], "{what}");
        match error {
            Some(error) => is_there(&error, at, middle, &what),
            // Without the run's header the log is read instead, as far as it is whole.
            None => {
                let why = look.recovery_report().why.clone();
                assert!(page == 0 && why.contains("corrupt"), "{what}: {why}");
            }
        }
        assert!(device.to_bytes() == bytes, "{what}: looking has written");

        // Written, it is refused, or reads on wherever there is no damage.
        let store = match options().open_storage(device.clone()) {
            Ok(store) => store,
            Err(error) => {
                assert_eq!(page, 0, "{what}: {error}");
                is_there(&error, at, middle, &what);
                continue;
            }
        };
        let view = store.view().unwrap();
        let after = view.all(Read::new().from(covered.end)).map(Result::unwrap);
        let expected = sample.answers.events[covered.end as usize - 1..].iter().cloned();
        assert!(after.eq(expected), "{what}");
        for position in 1..=view.head().get() {
            match view.event(position) {
                Ok(event) => assert_eq!(
                    event.as_ref(),
                    Some(&sample.answers.events[position as usize - 1]),
                    "{what}"
                ),
                Err(error) => {
                    assert!(covered.contains(&position), "{what}: {position}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
                }
            }
        }
        let report = store.verify().unwrap();
        let issue = &report.issues[0];
        let said = issue.file_offset.unwrap() as usize;
        assert!((at - 1_000..=at).contains(&said), "{what}: {report:?}");
        // A stream that no old run knows better is written on.
        for nth in 0..100 {
            let event = NewEvent::new("Noted", "x");
            store.append(format!("order-{}", nth % 7), ExpectedVersion::Any, [event]).ok();
            let _ = store.chore(Chore::Index);
        }
        assert!(!store.health().poisoned, "{what}");
        store.close().unwrap();
    }
}

/// The place is that of the damage, whichever segment it is in.
#[test]
fn the_place_of_the_damage_is_right_in_a_later_segment() {
    let small = options().segments(4_096, 4_096);
    let sample = Sample::with(&small, 450);
    let run = sample.runs[0];
    for position in [20, 120, 300] {
        let mut at = 0;
        let bytes = sample.changed(|bytes| at = damage(bytes, &run, 1, position));
        let store = small.open_storage(Device::from_bytes(bytes)).unwrap();
        let error = store.event(position - 10).unwrap_err();
        is_there(&error, at, position, &format!("position {position}"));
    }
}

#[test]
fn verifying_what_is_damaged_twofold_does_not_read_the_log_again_for_each_event() {
    let sample = Sample::deep();
    let run = sample.runs[0];
    let bytes = sample.changed(|bytes| {
        damage(bytes, &run, 1, 300);
    });
    let device = Device::from_bytes(bytes);
    let store = options().open_storage(device.clone()).unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    device.orders(move |op| {
        if let Op::Read { length, .. } = op {
            counted.fetch_add(length, Ordering::Relaxed);
        }
        Deed::Go
    });
    // The log and the run: each is told.
    assert_eq!(store.verify().unwrap().issues.len(), 2);
    let read = read.load(Ordering::Relaxed);
    assert!(read < 10 * sample.bytes.len() + (4 << 20), "{read} bytes were read");
}

/// With the log whole again, so is everything.
#[test]
fn a_store_that_was_damaged_twofold_is_whole_when_its_log_is() {
    let sample = Sample::deep();
    let run = sample.runs[0];
    let mut at = 0;
    let bytes = sample.changed(|bytes| at = damage(bytes, &run, 2, 200));
    let device = super::device(&bytes);
    let store = options().open_storage(device.clone()).unwrap();
    assert_eq!(store.verify().unwrap().issues.len(), 2);
    annals::storage::Storage::write_at(&*device, &sample.bytes[at..=at], at as u64).unwrap();
    sample.answers.check(&store, 0, "the log is whole again");
    grow(&store, 500);
    store.verify().unwrap();
    assert!(store.verify().unwrap().is_whole());
}

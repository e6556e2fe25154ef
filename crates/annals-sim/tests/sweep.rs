//! The sweep, as far as it goes in some seconds. All of it is a command: see README, 'How it is
//! tested'.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "tests that say what they counted"
)]

use annals_sim::{Sweep, SweepCount, Thoroughness};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn whatever_is_damaged_is_reported_rebuilt_or_harmless() {
    let sweep = Sweep::default();
    // Out of step with the bits of a byte and the bytes of a word.
    let images = sweep.some(163, 13);
    let (next, all) = (AtomicUsize::new(0), Mutex::new(SweepCount::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(number) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let count = sweep.one(*number, Thoroughness::Light);
                    all.lock().expect("no image panics").add(count);
                }
            });
        }
    });
    let count = all.into_inner().expect("no image panics");
    println!("{count:?} of {} images", sweep.images());
    assert!(count.is_clean(), "{count:#?}");
}

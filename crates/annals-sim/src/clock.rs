//! Time that passes by being looked at, so that a seed plays the same whenever it is played.

use annals::{Clock, Timestamp};
use std::cell::Cell;

/// Some day, in microseconds.
const BEGIN: i64 = 1_700_000_000_000_000;

thread_local! {
    /// One time for all the stores and disks of a seed, which one thread plays: it goes on over
    /// crashes and openings, as the time of a machine does.
    static NOW: Cell<i64> = const { Cell::new(BEGIN) };
}

/// Begins the time of a seed.
pub(crate) fn begin() {
    NOW.set(BEGIN);
}

/// The clock of every store that is played.
pub(crate) struct Ticks;

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        let now = NOW.get();
        NOW.set(now + 1);
        Timestamp::from_micros(now)
    }
}

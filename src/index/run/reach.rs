//! How the pages of runs are reached: through maps, as long as nobody else may write.

use crate::threads::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::threads::{MODELLED, lane, thread};
use std::time::Duration;

/// How the pages of runs may be reached. Shared by all who read a store.
///
/// A map can be trusted only while this process has the writer's lock: then the room of a run that
/// somebody reads is not given to another. So whoever reads through maps says so, and whoever gives
/// the lock back waits until nobody does.
pub struct Reach {
    /// Whether maps of runs can be trusted: only where nobody else may write.
    mapped: AtomicBool,
    /// How many read now. Threads have lanes of their own, so that they do not wait for one
    /// another's memory.
    lanes: [Lane; LANES],
}

const LANES: usize = if MODELLED { 4 } else { 8 };

/// A line of cache, or two.
#[repr(align(128))]
struct Lane(AtomicUsize);

/// Of a lane: whoever comes now reads copies.
const SHUT: usize = 1 << (usize::BITS - 1);

/// How long it takes to look something up, about.
const MOMENT: Duration = Duration::from_micros(20);

/// Somebody who reads runs. As long as there is one who came before the maps were shut, the lock is
/// not given back.
pub struct Reading<'a>(Option<&'a Lane>);

impl Reach {
    /// By maps, if this process is the only one that writes.
    pub fn new(mapped: bool) -> Self {
        let lanes = std::array::from_fn(|_| Lane(AtomicUsize::new(0)));
        Self { mapped: AtomicBool::new(mapped), lanes }
    }

    /// Held while pages are looked at. It is no lock: nobody waits here.
    #[inline]
    pub fn reading(&self) -> Reading<'_> {
        let lane = self.lanes.get(lane(LANES)).filter(|_| self.is_mapped());
        // Acquire pairs with the release in `copy_from_now_on`: who finds the lane shut finds no
        // maps any more.
        Reading(lane.filter(|lane| {
            let open = lane.0.fetch_add(1, Ordering::Acquire) & SHUT == 0;
            if !open {
                lane.leave();
            }
            open
        }))
    }

    /// From now on somebody else may write: only copies are read. Returns when nobody reads through
    /// maps any more.
    pub fn copy_from_now_on(&self) {
        self.mapped.store(false, Ordering::Release);
        for lane in &self.lanes {
            lane.0.fetch_or(SHUT, Ordering::AcqRel);
            while lane.0.load(Ordering::Acquire) != SHUT {
                thread::sleep(MOMENT);
            }
        }
    }

    /// Whether somebody else may write.
    pub fn is_foreign(&self) -> bool {
        !self.is_mapped()
    }

    /// Whether maps can be trusted, by those who are [`Reach::reading`].
    #[inline]
    pub fn is_mapped(&self) -> bool {
        self.mapped.load(Ordering::Acquire)
    }
}

impl Lane {
    fn leave(&self) {
        // Release: whoever waits for it comes after all that was read.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.0 {
            lane.leave();
        }
    }
}

//! The two slots, and what they name: one lock for all who write them.

use super::core::Core;
use super::free::Free;
use crate::format::{SLOT_PAGES, SLOT_RUNS, SLOT_SEGMENTS, SegmentRef, Slot};
use crate::storage::write_full;
use crate::threads::{Mutex, MutexGuard, PoisonError, try_lock};
use crate::words::{Error, ErrorKind, LogOffset, Timestamp};
use std::collections::VecDeque;

/// The slots' lock.
pub struct Slots {
    state: Mutex<SlotState>,
}

/// What the lock guards.
pub struct SlotState {
    /// What the newer slot says.
    pub newest: Slot,
    /// Which of the two pages the newer one is.
    page: usize,
    /// The segments after the one that is written, in the order of the log.
    pub prepared: VecDeque<SegmentRef>,
    /// Segments that no slot names yet. They have room and a header, and while nobody holds the
    /// lock both are synced, or the store is poisoned.
    pub taken: Vec<SegmentRef>,
    /// Where the next extent goes.
    pub file_end: u64,
    /// Room for runs that was used before.
    pub free: Free,
    /// Whether the store was closed: the file may be somebody else's by now.
    pub sealed: bool,
}

/// What has to be synced before a slot may speak of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// Data that was written and is not known to be synced: it is synced first.
    Sync,
    /// Nothing: the slot speaks of what is synced already.
    Nothing,
}

impl Slots {
    /// The slots as they were found, or written by recovery.
    pub fn new(newest: Slot, page: usize, prepared: VecDeque<SegmentRef>, file_end: u64) -> Self {
        let (sealed, free, taken) = (false, Free::of(&newest, file_end), Vec::new());
        let state = SlotState { newest, page, prepared, taken, file_end, free, sealed };
        Self { state: Mutex::new(state) }
    }

    /// The state; held across slot writes, syncs and allocations.
    pub fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if nobody else has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, SlotState>> {
        try_lock(&self.state)
    }
}

impl SlotState {
    /// Syncs the data if need be, writes the older slot, syncs: only then is it the newer one.
    ///
    /// The watermark and the recorded time are always brought up to date. Any failure poisons:
    /// nobody knows which of the slots holds.
    pub fn write(
        &mut self,
        core: &Core,
        recorded: Timestamp,
        before: Before,
        change: impl FnOnce(&mut Slot),
    ) -> Result<(), Error> {
        if self.sealed {
            return Err(Error::closed());
        }
        let mut next = self.newest.clone();
        change(&mut next);
        if next.runs.len() > SLOT_RUNS {
            // Written, such a slot could not be read again.
            let what = "a slot names 40 runs at the most; nothing was written";
            return Err(Error::new(ErrorKind::Io, what));
        }
        next.watermark = match before {
            Before::Sync => core.sync_now()?,
            Before::Nothing => core.watermark(),
        };
        next.free = self.free.listed();
        next.recorded = recorded.max(next.recorded);
        // Only a file that lies comes near the end of these numbers.
        next.counter = next.counter.saturating_add(1);
        let excess = next.segments.len().saturating_sub(SLOT_SEGMENTS);
        next.segments.drain(..excess);
        let page = 1 - self.page;
        core.flow.lock().check_poison()?;
        let offset = SLOT_PAGES.get(page).copied().unwrap_or_default();
        if let Err(error) = write_full(&*core.storage, &next.encode(), offset) {
            core.poison();
            return Err(Error::poisoned_by("writing a slot failed; open the store again", error));
        }
        core.sync_now()?;
        self.newest = next;
        self.page = page;
        Ok(())
    }

    /// Whether the newer slot knows that everything before `end` is synced.
    pub fn knows(&self, end: LogOffset) -> bool {
        self.newest.watermark >= end
    }
}

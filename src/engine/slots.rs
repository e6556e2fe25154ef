//! The two slots, and what they name: one lock for all who write them.

use super::core::Core;
use crate::format::{SLOT_PAGES, SLOT_SEGMENTS, SegmentRef, Slot};
use crate::storage::write_full;
use crate::words::{Error, LogOffset, Timestamp};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// Where the next extent goes.
    pub file_end: u64,
}

impl Slots {
    /// The slots as they were found, or written by recovery.
    pub fn new(newest: Slot, page: usize, prepared: VecDeque<SegmentRef>, file_end: u64) -> Self {
        Self { state: Mutex::new(SlotState { newest, page, prepared, file_end }) }
    }

    /// The state; held across slot writes, syncs and allocations.
    pub fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotState {
    /// Syncs the data, writes the older slot, syncs again: only then is it the newer one.
    ///
    /// The watermark and the recorded time are always brought up to date. Any failure poisons: nobody knows which of the slots holds.
    pub fn write(
        &mut self,
        core: &Core,
        recorded: Timestamp,
        change: impl FnOnce(&mut Slot),
    ) -> Result<(), Error> {
        let mut next = self.newest.clone();
        change(&mut next);
        next.watermark = core.sync_now()?;
        next.recorded = recorded.max(next.recorded);
        next.counter += 1;
        let excess = next.segments.len().saturating_sub(SLOT_SEGMENTS);
        next.segments.drain(..excess);
        let page = 1 - self.page;
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

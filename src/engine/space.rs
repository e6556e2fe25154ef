//! Room: how long segments are, and preparing the next before it is needed.

use super::core::Core;
use super::genesis::round_up;
use super::slots::{Before, SlotState};
use super::writer::WriteSide;
use crate::format::{Extent, PAGE, SEGMENT_HEADER_LEN, SegmentHeader, SegmentRef, u64_of};
use crate::storage::write_full;
use crate::threads::atomic::Ordering;
use crate::words::{Error, Limit, Timestamp};

/// A segment is at most this part of the file before it, as a power of two; with the one that is
/// written, the room that nobody uses yet stays below an eighth.
const PART: u64 = 16;
/// Unused room may be this part of the file, or the smallest segment.
const SLACK: u64 = 8;
/// Written at once when room is filled with zeros.
const ZEROS: usize = 1 << 20;

impl WriteSide {
    /// How long the next segment is, in a file that is this long.
    fn segment_len(&self, file_end: u64) -> u64 {
        let part = (file_end / PART).max(PAGE);
        let power = 1 << part.ilog2();
        let usual = power.clamp(self.settings.segment_min, self.settings.segment_max);
        round_up(usual.max(self.settings.reserve))
    }

    /// From which log offset on the next segment is to be prepared: `MAX` while there is one.
    pub(super) fn note_room(&self, slots: &SlotState, current: SegmentRef) {
        let next = self.segment_len(slots.file_end);
        let slack = self.settings.segment_min.max(slots.file_end / SLACK);
        let due = match (slots.prepared.is_empty(), self.settings.reserve) {
            (false, _) => u64::MAX,
            (true, 0) => current.log_end().plus(next).get().saturating_sub(slack),
            // A reserve is there before it is needed.
            (true, _) => 0,
        };
        self.call.prepare_at.store(due, Ordering::Relaxed);
    }

    /// Prepares the next segment if it is time.
    pub(super) fn prepare_if_due(&self, core: &Core) -> Result<(), Error> {
        let (end, recorded) = {
            let writer = self.writer();
            (writer.end, writer.recorded)
        };
        let mut slots = self.slots.lock();
        let due = end.get() >= self.call.prepare_at.load(Ordering::Relaxed);
        if due && slots.prepared.is_empty() {
            let length = self.segment_len(slots.file_end);
            self.prepare(core, &mut slots, length, recorded)?;
            self.call.prepare_at.store(u64::MAX, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes sure that one of the prepared segments has this much room for frames.
    pub(super) fn prepare_for(
        &self,
        core: &Core,
        slots: &mut SlotState,
        room: u64,
        recorded: Timestamp,
    ) -> Result<(), Error> {
        let needed = room.saturating_add(u64_of(SEGMENT_HEADER_LEN));
        if slots.prepared.iter().any(|segment| segment.extent.length >= needed) {
            return Ok(());
        }
        let length = self.segment_len(slots.file_end).max(round_up(needed));
        self.prepare(core, slots, length, recorded)
    }

    /// Says in a slot that the store is not closed any more, if one says that it is: before any
    /// room is taken. Whoever opens it next asks the device for what may have been written there.
    pub(super) fn reopened(&self, core: &Core, slots: &mut SlotState) -> Result<(), Error> {
        if !slots.newest.clean {
            return Ok(());
        }
        let recorded = slots.newest.recorded;
        slots.write(core, recorded, Before::Nothing, |slot| slot.clean = false)
    }

    /// Takes room for a segment, writes its header, and names it in a slot. Only then may a frame
    /// enter it.
    ///
    /// Failing to take the room is an error without poison: nothing that counts was written yet.
    fn prepare(
        &self,
        core: &Core,
        slots: &mut SlotState,
        length: u64,
        recorded: Timestamp,
    ) -> Result<(), Error> {
        core.flow.lock().check_poison()?;
        if slots.sealed {
            return Err(Error::closed());
        }
        self.check_there(core)?;
        self.reopened(core, slots)?;
        let before = slots.newest.segments.last().copied().unwrap_or_default();
        let extent = Extent { file_offset: slots.file_end, length };
        if extent.end() > Limit::FileBytes.allowed() {
            return Err(Error::io(
                "making the store longer",
                std::io::ErrorKind::FileTooLarge.into(),
            ));
        }
        let place = SegmentRef { extent, log_offset: before.log_end() };
        let header = SegmentHeader { own: place, before: Some(before) }.encode(&core.identity.key);
        let storage = &*core.storage;
        let done = storage
            .allocate(extent.file_offset, extent.length)
            .and_then(|()| self.fill(core, extent))
            .and_then(|()| write_full(storage, &header, extent.file_offset));
        if let Err(error) = done {
            return Err(Error::io("taking room for the store failed; nothing was written", error));
        }
        slots.write(core, recorded, Before::Sync, |slot| slot.segments.push(place))?;
        slots.file_end = extent.end();
        slots.prepared.push_back(place);
        Ok(())
    }

    /// With a reserve, room is filled with zeros: writing into it later is cheaper than into room
    /// that was only taken.
    fn fill(&self, core: &Core, extent: Extent) -> std::io::Result<()> {
        if self.settings.reserve == 0 {
            return Ok(());
        }
        let zeros = vec![0; ZEROS];
        let mut at = extent.file_offset;
        while at < extent.end() {
            let count = crate::format::index(extent.end() - at).min(ZEROS);
            write_full(&*core.storage, zeros.get(..count).unwrap_or_default(), at)?;
            at += u64_of(count);
        }
        Ok(())
    }
}

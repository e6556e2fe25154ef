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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{append, quiet};
    use crate::engine::{Chore, Engine, Settings};
    use crate::format::{FIRST_EXTENT, index};
    use crate::storage::{MemoryStorage, Storage};
    use std::sync::Arc;

    fn open(disk: &Arc<MemoryStorage>, settings: Settings) -> Engine {
        Engine::open(disk.clone(), settings).unwrap()
    }

    #[test]
    fn segments_grow_with_the_file_by_powers_of_two() {
        for (reserve, file, wanted) in [
            (0, 0, 64 << 10),
            (0, 3 << 20, 128 << 10),
            (0, 4 << 20, 256 << 10),
            (0, (4 << 20) - PAGE, 128 << 10),
            (0, 100 << 20, 4 << 20),
            (0, 100 << 30, 64 << 20),
            (1 << 20, 3 << 20, 1 << 20),
            (5_000, 100 << 20, 4 << 20),
            ((1 << 20) + 1, 3 << 20, (1 << 20) + PAGE),
        ] {
            let engine = open(&Arc::default(), Settings { reserve, ..quiet() });
            let length = engine.write_side().unwrap().segment_len(file);
            assert_eq!(length, wanted, "{reserve} kept ahead in a file of {file}");
        }
    }

    #[test]
    fn room_is_prepared_when_an_eighth_of_the_file_or_the_smallest_segment_is_left() {
        let engine = open(&Arc::default(), quiet());
        let side = engine.write_side().unwrap();
        let current = side.writer().segment;
        let mut slots = side.slots.lock();
        for (file, left) in [(1 << 30, 128 << 20), (256 << 10, 64 << 10)] {
            slots.file_end = file;
            side.note_room(&slots, current);
            let next = side.segment_len(file);
            let due = side.call.prepare_at.load(Ordering::Relaxed);
            assert_eq!(due, (current.log_end().get() + next).saturating_sub(left), "{file}");
        }
        slots.prepared.push_back(current);
        side.note_room(&slots, current);
        assert_eq!(side.call.prepare_at.load(Ordering::Relaxed), u64::MAX);
    }

    #[test]
    fn room_that_is_kept_ahead_is_zero_and_nothing_beside_it_is() {
        let (start, length) = (3 * PAGE, (2 << 20) + 3 * PAGE);
        for reserve in [0, 1] {
            let disk = Arc::new(MemoryStorage::new());
            let engine = open(&disk, Settings { reserve, ..quiet() });
            disk.write_at(&vec![0xAA; index(start + length + PAGE)], 0).unwrap();
            let extent = Extent { file_offset: start, length };
            engine.write_side().unwrap().fill(&engine.core, extent).unwrap();
            let bytes = disk.to_bytes();
            let (before, rest) = bytes.split_at(index(start));
            let (within, behind) = rest.split_at(index(length));
            let filled = if reserve == 0 { 0xAA } else { 0 };
            assert!(within.iter().all(|byte| *byte == filled), "{reserve}");
            assert!(before.iter().chain(&behind[..4_096]).all(|byte| *byte == 0xAA));
            // What was done to it is not for the log to find.
            std::mem::forget(engine);
        }
    }

    #[test]
    fn a_slot_takes_back_that_the_store_was_closed_before_room_is_taken() {
        let disk = Arc::new(MemoryStorage::new());
        let engine = open(&disk, quiet());
        append(&engine, 1);
        engine.close().unwrap();
        let engine = open(&disk, quiet());
        let side = engine.write_side().unwrap();
        let mut slots = side.slots.lock();
        assert!(slots.newest.clean);
        let counter = slots.newest.counter;
        for _ in 0..2 {
            side.reopened(&engine.core, &mut slots).unwrap();
            assert!(!slots.newest.clean);
            assert_eq!(slots.newest.counter, counter + 1);
        }
        let found = super::super::fixed::read_slots(&*disk).unwrap().chosen.unwrap();
        assert_eq!((found.0.counter, found.0.clean), (counter + 1, false));
    }

    #[test]
    fn a_file_ends_where_the_limit_says() {
        let engine = open(&Arc::default(), quiet());
        let side = engine.write_side().unwrap();
        let mut slots = side.slots.lock();
        let most = Limit::FileBytes.allowed();
        let mut prepare = |file_end| {
            slots.file_end = file_end;
            let recorded = slots.newest.recorded;
            let error = side.prepare(&engine.core, &mut slots, PAGE, recorded).unwrap_err();
            assert_eq!(slots.file_end, file_end);
            error.to_string()
        };
        // So much room there is nowhere, but it may be asked for.
        assert!(prepare(most - PAGE).contains("taking room"));
        assert!(prepare(most - PAGE + 1).contains("longer"));
        assert!(prepare(most).contains("longer"));
    }

    #[test]
    fn what_is_prepared_is_not_prepared_again() {
        let disk = Arc::new(MemoryStorage::new());
        let engine = open(&disk, Settings { reserve: 1 << 20, ..quiet() });
        append(&engine, 1);
        engine.chore(Chore::Prepare).unwrap();
        let size = disk.size().unwrap();
        assert!(size - FIRST_EXTENT >= 1 << 20);
        engine.chore(Chore::Prepare).unwrap();
        assert_eq!(disk.size().unwrap(), size);
    }
}

//! Room: how long segments are, and preparing the next before it is needed.

use super::core::Core;
use super::genesis::round_up;
use super::slots::{Before, SlotState};
use super::writer::WriteSide;
use crate::format::{
    Extent, PAGE, SEGMENT_HEADER_LEN, STUB_LEN, SegmentHeader, SegmentRef, u64_of,
};
use crate::storage::{write_full, write_zeros};
use crate::threads::atomic::Ordering;
use crate::words::{Error, Limit, LogOffset, Timestamp};

/// A segment is at most this part of the file before it, as a power of two; with the one that is
/// written, the room that nobody uses yet stays below an eighth.
const PART: u64 = 16;
/// Unused room may be this part of the file, or the smallest segment.
const SLACK: u64 = 8;
/// Room is given back in pieces of this part of the largest segment at least.
const WORTH: u64 = 64;

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
        if self.is_room_due(end) && slots.prepared.is_empty() {
            if slots.taken.is_empty() {
                let length = self.segment_len(slots.file_end);
                self.take_room(core, &mut slots, length)?;
                self.name_room(core, &mut slots, recorded, Before::Sync)?;
            } else {
                self.name_room(core, &mut slots, recorded, Before::Nothing)?;
            }
        }
        Ok(())
    }

    /// Whether it is time to prepare a segment, for a log that ends here.
    pub(super) fn is_room_due(&self, end: LogOffset) -> bool {
        end.get() >= self.call.prepare_at.load(Ordering::Relaxed)
    }

    /// Syncs what is written for a commit that waits for it. If it is time to prepare a segment, a
    /// step of that goes with the sync: with one its room and its header, with the next the slot
    /// that names it. So it costs no sync of its own.
    pub(super) fn sync_with_room(&self, core: &Core) -> Result<(), Error> {
        let written = core.flow.lock().written;
        // What is filled with zeros takes longer than a commit should wait.
        let slots = (self.settings.reserve == 0 && self.is_room_due(written))
            .then(|| self.slots.try_lock())
            .flatten();
        let Some(mut slots) = slots.filter(|slots| !slots.sealed && slots.prepared.is_empty())
        else {
            return core.sync_now().map(drop);
        };
        if slots.taken.is_empty() {
            let length = self.segment_len(slots.file_end);
            let taken = self.take_room(core, &mut slots, length);
            // The commit has its room already. If there is none for the next, that one will say so.
            self.note(&taken);
            core.sync_now().map(drop)
        } else {
            let recorded = Timestamp::from_micros(self.recorded.load(Ordering::Relaxed));
            self.name_room(core, &mut slots, recorded, Before::Nothing)
        }
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
        let suffices = |segment: &SegmentRef| segment.extent.length >= needed;
        if slots.prepared.iter().any(suffices) {
            return Ok(());
        }
        if slots.taken.iter().any(suffices) {
            return self.name_room(core, slots, recorded, Before::Nothing);
        }
        let length = self.segment_len(slots.file_end).max(round_up(needed));
        self.take_room(core, slots, length)?;
        self.name_room(core, slots, recorded, Before::Sync)
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

    /// Takes room for a segment and writes its header. Once that is synced, a slot may name it.
    ///
    /// Failing to take the room is an error without poison: nothing that counts was written yet.
    fn take_room(&self, core: &Core, slots: &mut SlotState, length: u64) -> Result<(), Error> {
        core.flow.lock().check_poison()?;
        if slots.sealed {
            return Err(Error::closed());
        }
        self.check_there(core)?;
        self.reopened(core, slots)?;
        let last = slots.taken.last().or(slots.newest.segments.last());
        let before = last.copied().unwrap_or_default();
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
        done.map_err(no_room)?;
        slots.file_end = extent.end();
        slots.taken.push(place);
        Ok(())
    }

    /// Names the segments in a slot that have room and a header. Only now may a frame enter them.
    fn name_room(
        &self,
        core: &Core,
        slots: &mut SlotState,
        recorded: Timestamp,
        before: Before,
    ) -> Result<(), Error> {
        let taken = std::mem::take(&mut slots.taken);
        slots.write(core, recorded, before, |slot| slot.segments.extend(&taken))?;
        slots.prepared.extend(taken);
        self.call.prepare_at.store(u64::MAX, Ordering::Relaxed);
        Ok(())
    }

    /// Gives large pieces of room back to the system that nothing stands in: what is free, and what
    /// the log was to go on in. The file stays as long as it is. Only of a store that a synced slot
    /// calls closed: whoever writes to it next takes the room again before.
    pub(super) fn give_room_back(&self, core: &Core, slots: &mut SlotState) {
        // A reserve is there to stay.
        if self.settings.reserve > 0 {
            return;
        }
        let least = self.settings.segment_max / WORTH;
        let free = slots.free.unread(least, slots.newest.counter);
        let ahead = self.ahead(slots.newest.watermark, slots);
        for Extent { file_offset, length } in free.into_iter().chain(ahead) {
            if length >= least {
                // Where it can't be given back, it is used some time.
                let _ = core.storage.release(file_offset, length);
            }
        }
    }

    /// Takes the room again that may have been given back, before a frame is written there.
    ///
    /// Failing to take it is an error without poison: nothing was written yet.
    pub(super) fn take_room_again(&self, core: &Core, end: LogOffset) -> Result<(), Error> {
        let slots = self.slots.lock();
        for Extent { file_offset, length } in self.ahead(end, &slots) {
            core.storage.allocate(file_offset, length).map_err(no_room)?;
        }
        Ok(())
    }

    /// Whole pages of segments in which nothing stands, in a log that ends here.
    fn ahead(&self, end: LogOffset, slots: &SlotState) -> Vec<Extent> {
        let unused = |segment: &SegmentRef| {
            // A stub may stand at the end, and the header at the beginning.
            let used = end.max(segment.first_frame()).plus(u64_of(STUB_LEN));
            let file_offset = round_up(segment.file_offset(used));
            let length = segment.extent.end().saturating_sub(file_offset);
            (length > 0).then_some(Extent { file_offset, length })
        };
        let ahead = slots.newest.segments.iter().filter(|segment| segment.log_end() > end);
        ahead.filter_map(unused).collect()
    }

    /// With a reserve, room is filled with zeros: writing into it later is cheaper than into room
    /// that was only taken.
    fn fill(&self, core: &Core, extent: Extent) -> std::io::Result<()> {
        if self.settings.reserve == 0 {
            return Ok(());
        }
        write_zeros(&*core.storage, extent.file_offset, extent.length)
    }
}

fn no_room(error: std::io::Error) -> Error {
    Error::io("taking room for the store failed; nothing was written", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::device::{Asked, Watched};
    use crate::engine::tests::{append, quiet};
    use crate::engine::{Chore, Engine, Settings};
    use crate::format::{FIRST_EXTENT, SLOT_PAGES, index};
    use crate::storage::{MemoryStorage, Storage};
    use crate::words::{Commit, ExpectedVersion, NewEvent};
    use std::io::ErrorKind;
    use std::ops::Range;
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
            let error = side.take_room(&engine.core, &mut slots, PAGE).unwrap_err();
            assert_eq!(slots.file_end, file_end);
            error.to_string()
        };
        // So much room there is nowhere, but it may be asked for.
        assert!(prepare(most - PAGE).contains("taking room"));
        assert!(prepare(most - PAGE + 1).contains("longer"));
        assert!(prepare(most).contains("longer"));
    }

    /// A store in which a segment is prepared while some commits' room is left.
    fn grown(disk: &Arc<Watched>) -> Engine {
        let (segment_min, segment_max) = (8 * PAGE, 64 * PAGE);
        let settings = Settings { segment_min, segment_max, tail_events: 1 << 20, ..quiet() };
        let engine = Engine::open(disk.clone(), settings).unwrap();
        large(&engine, 150, 4_000);
        engine
    }

    fn large(engine: &Engine, commits: usize, bytes: usize) {
        for _ in 0..commits {
            let event = NewEvent::new("Noted", vec![7; bytes]);
            engine.commit(&Commit::new().append("a", ExpectedVersion::Any, [event])).unwrap();
        }
    }

    fn written_at(asked: &Asked) -> Option<u64> {
        if let Asked::Write(at) = asked { Some(at.start) } else { None }
    }

    fn segments(engine: &Engine) -> usize {
        engine.view().unwrap().segments.iter().count()
    }

    #[test]
    fn synced_commits_prepare_room_with_their_own_syncs() {
        let disk = Watched::new();
        let engine = grown(&disk);
        let before = segments(&engine);
        drop(disk.asked());
        large(&engine, 100, 4_000);
        assert!(segments(&engine) >= before + 5);
        assert_eq!(disk.syncs(), 100);
    }

    #[test]
    fn a_segment_gets_its_header_synced_then_a_synced_slot_then_its_first_frame() {
        let disk = Watched::new();
        let engine = grown(&disk);
        let known: Vec<SegmentRef> = engine.view().unwrap().segments.iter().copied().collect();
        drop(disk.asked());
        large(&engine, 100, 4_000);
        let asked = disk.asked();
        let view = engine.view().unwrap();
        let new: Vec<_> = view.segments.iter().filter(|place| !known.contains(place)).collect();
        for place in new.iter().skip(1) {
            let written = |wanted: u64| move |asked: &Asked| written_at(asked) == Some(wanted);
            let header = asked.iter().position(written(place.extent.file_offset)).unwrap();
            let frame = written(place.file_offset(place.first_frame()));
            let frame = asked.iter().position(frame).unwrap();
            let between: Vec<&Asked> = asked[header..frame].iter().collect();
            let is_slot =
                |asked: &&Asked| written_at(asked).is_some_and(|at| SLOT_PAGES.contains(&at));
            let slot = between.iter().position(is_slot).expect("a slot names it");
            assert!(between[..slot].contains(&&Asked::Sync));
            assert!(between[slot..].contains(&&Asked::Sync));
        }
        assert!(new.len() > 5);
    }

    #[test]
    fn where_room_for_the_next_segment_can_not_be_taken_commits_go_on_and_health_tells() {
        let disk = Watched::new();
        let engine = grown(&disk);
        disk.orders(|asked| (*asked == Asked::Allocate).then_some(ErrorKind::StorageFull));
        while engine.health().background.is_none() {
            large(&engine, 1, 100);
        }
        let before = segments(&engine);
        // The one after still has room.
        large(&engine, 1, 100);
        assert_eq!(segments(&engine), before);
        disk.behaves();
        large(&engine, 30, 4_000);
        assert!(segments(&engine) > before);
    }

    #[test]
    fn a_commit_that_needs_more_than_was_taken_has_one_slot_name_both() {
        let disk = Watched::new();
        let engine = grown(&disk);
        let side = engine.write_side().unwrap();
        while side.slots.lock().taken.is_empty() {
            large(&engine, 1, 1_000);
        }
        let (before, counter) = (segments(&engine), side.slots.lock().newest.counter);
        large(&engine, 1, 1 << 20);
        assert_eq!(segments(&engine), before + 2);
        assert_eq!(side.slots.lock().newest.counter, counter + 1);
    }

    #[test]
    fn room_that_was_taken_for_a_segment_becomes_a_runs_when_the_store_is_closed() {
        let disk = Watched::new();
        let engine = grown(&disk);
        let side = engine.write_side().unwrap();
        while side.slots.lock().taken.is_empty() {
            large(&engine, 1, 1_000);
        }
        let taken = side.slots.lock().taken[0].extent;
        engine.close().unwrap();
        let slot = super::super::fixed::read_slots(&*disk).unwrap().chosen.unwrap().0;
        assert!(slot.runs.iter().any(|run| run.extent().file_offset == taken.file_offset));
        assert!(slot.segments.iter().all(|place| place.extent != taken));
        large(&Engine::open(disk, quiet()).unwrap(), 30, 4_000);
    }

    /// A store that was closed with room to give back; the pieces that it gave back.
    fn closed_with_room(disk: &Arc<Watched>) -> Vec<Range<u64>> {
        let engine = grown(disk);
        while engine.write_side().unwrap().slots.lock().prepared.is_empty() {
            large(&engine, 1, 1_000);
        }
        drop(disk.asked());
        engine.close().unwrap();
        let asked = disk.asked();
        let first = asked.iter().position(|asked| matches!(asked, Asked::Release(_))).unwrap();
        let rest = asked[first..].iter().map(|asked| match asked {
            Asked::Release(range) => range.clone(),
            asked => panic!("{asked:?} after room was given back"),
        });
        // All that it says is on the device.
        assert_eq!(asked[first - 1], Asked::Sync);
        rest.collect()
    }

    #[test]
    fn closing_gives_room_back_that_nothing_stands_in_once_it_is_closed() {
        let disk = Watched::new();
        let released = closed_with_room(&disk);
        let slot = super::super::fixed::read_slots(&*disk).unwrap().chosen.unwrap().0;
        let runs = slot.runs.iter().map(|run| run.extent());
        let log = slot.segments.iter().map(|place| {
            let end = slot.watermark.max(place.first_frame()).min(place.log_end());
            Extent { length: end.since(place.log_offset), ..place.extent }
        });
        for used in runs.chain(log) {
            let is_within =
                |range: &Range<u64>| range.start < used.end() && used.file_offset < range.end;
            assert!(!released.iter().any(is_within), "{used:?} of {released:?}");
        }
        assert!(released.iter().map(|range| range.end - range.start).sum::<u64>() > 0);
    }

    #[test]
    fn room_that_was_given_back_is_taken_again_before_anything_is_written() {
        let disk = Watched::new();
        let released = closed_with_room(&disk);
        let engine = Engine::open(disk.clone(), quiet()).unwrap();
        drop(disk.asked());
        // A full device refuses the first commit, and does no harm.
        disk.orders(|asked| (*asked == Asked::Allocate).then_some(ErrorKind::StorageFull));
        let event = NewEvent::new("Noted", "x");
        let commit = Commit::new().append("a", ExpectedVersion::Any, [event]);
        let refused = engine.commit(&commit).unwrap_err();
        assert!(refused.to_string().contains("taking room"), "{refused}");
        assert!(disk.asked().iter().all(|asked| *asked == Asked::Allocate));
        disk.behaves();
        engine.commit(&commit).unwrap();
        let asked = disk.asked();
        let within = |asked: &Asked| {
            written_at(asked).is_some_and(|at| released.iter().any(|range| range.contains(&at)))
        };
        let written = asked.iter().position(within).unwrap_or(asked.len());
        assert!(asked[..written].contains(&Asked::Allocate));
        // Only once.
        engine.commit(&commit).unwrap();
        assert!(!disk.asked().contains(&Asked::Allocate));
    }

    #[test]
    fn a_reserve_is_not_given_back_and_what_can_not_be_is_no_error() {
        let disk = Watched::new();
        let settings = Settings { reserve: 4 << 20, ..quiet() };
        let engine = Engine::open(disk.clone(), settings).unwrap();
        append(&engine, 1);
        engine.close().unwrap();
        assert!(!disk.asked().iter().any(|asked| matches!(asked, Asked::Release(_))));
        let disk = Watched::new();
        let engine = grown(&disk);
        disk.orders(|asked| matches!(asked, Asked::Release(_)).then_some(ErrorKind::Other));
        engine.close().unwrap();
        Engine::open(disk, quiet()).unwrap();
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

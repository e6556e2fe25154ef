//! After a crash the device is asked, not what the system remembers of it.
//!
//! Bytes that failed on their way to the device stay in the system's cache, and pass for written.
//! Worse, on ext4 they don't get there by being written again: the next sync returns OK, and after
//! a power cut there are zeros, unless the cache has dropped them in between. So before a store is
//! opened to write, the slots are dropped, and if it was not closed, all that it may write to.

use super::fixed::{FoundSlots, read_slots};
use crate::format::{FIRST_EXTENT, SegmentRef, Slot};
use crate::storage::{Storage, sync_full};
use crate::words::Error;
use std::io;

/// A cache drops pieces of at most this size, whole or not at all: the largest folios of Linux,
/// each of which begins at a multiple of its size.
const PIECE: u64 = 2 << 20;
/// What is dropped may show another slot, whose room is dropped then.
const TRIES: usize = 3;

/// The slots as the device has them, and the cache of everything that may be written rid of what it
/// made up. Of a store that was closed, that is the slots alone: a close whose last sync has failed
/// did not change anything else.
///
/// What a killed process left in the cache goes to the device first; if that fails, so does this.
pub fn ask_afresh(storage: &dyn Storage, mut found: FoundSlots) -> Result<FoundSlots, Error> {
    let failed = |error| Error::io("syncing what the last writer left failed", error);
    for _ in 0..TRIES {
        let slot = found.chosen.as_ref().map(|(slot, _)| slot);
        let counter = slot.map(|slot| slot.counter);
        match slot {
            Some(slot) if !slot.clean => {
                sync_full(storage).map_err(failed)?;
                drop_all(storage, slot).map_err(failed)?;
            }
            // A slot that is still on its way stays where it is. If it does not arrive, the next
            // sync says so.
            _ => forget(storage, 0, FIRST_EXTENT),
        }
        found = read_slots(storage)?;
        if found.chosen.as_ref().map(|(slot, _)| slot.counter) == counter {
            break;
        }
    }
    Ok(found)
}

/// Drops the fixed pages, the log that the slot does not know to be synced, and all that is free.
fn drop_all(storage: &dyn Storage, slot: &Slot) -> io::Result<()> {
    let size = storage.size()?;
    forget(storage, 0, FIRST_EXTENT);
    forget_tail(storage, &slot.segments, slot);
    slot.free.iter().for_each(|free| forget(storage, free.file_offset, free.end()));
    let named = slot.segments.iter().map(|segment| segment.extent.end());
    let named = named.chain(slot.runs.iter().map(|run| run.extent().end())).max();
    forget(storage, named.unwrap_or(FIRST_EXTENT), size);
    Ok(())
}

/// Drops what is in the cache of the log that the slot does not know to be synced.
pub fn forget_tail<'a>(
    storage: &dyn Storage,
    segments: impl IntoIterator<Item = &'a SegmentRef>,
    slot: &Slot,
) {
    for segment in segments {
        if segment.log_end() > slot.watermark {
            let from = segment.file_offset(slot.watermark.max(segment.log_offset));
            forget(storage, from, segment.extent.end());
        }
    }
}

/// Drops the pieces in which these bytes are. Where that can't be, they are written again, and that
/// has to do.
fn forget(storage: &dyn Storage, from: u64, end: u64) {
    if from < end {
        let from = from / PIECE * PIECE;
        let end = end.checked_next_multiple_of(PIECE).unwrap_or(end);
        let _ = storage.drop_cache(from, end - from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{
        Chain, Epoch, Extent, FileHeader, FileKey, Identity, Mark, PAGE, RunRef, SLOT_PAGES, index,
    };
    use crate::storage::MemoryStorage;
    use crate::threads::Mutex;
    use crate::words::{LogOffset, Position, Timestamp};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    const MIB: u64 = 1 << 20;

    fn segment(nth: u64) -> SegmentRef {
        let extent = Extent { file_offset: FIRST_EXTENT + nth * 8 * MIB, length: 8 * MIB };
        SegmentRef { extent, log_offset: LogOffset::new(nth * 8 * MIB) }
    }

    /// Three segments of 8 MiB; then a run, room that is free, and another run.
    fn slot(counter: u64, watermark: u64, free: u64) -> Slot {
        let mark =
            |at, next| Mark { at: LogOffset::new(at), chain: Chain(0), next: Position::new(next) };
        let place = segment(3).extent.file_offset;
        let run = |file_offset, id, Mark { at: end, next, .. }| RunRef {
            file_offset,
            pages: 1,
            id,
            end,
            next,
        };
        let (first, last) = (mark(640, 4), mark(6_400, 8));
        Slot {
            identity: Identity { store_id: Uuid::nil(), key: FileKey::new([1; 16]) },
            compatible: 0,
            read_compatible: 0,
            counter,
            epoch: Epoch { counter: 1, salt: 1 },
            watermark: LogOffset::new(watermark),
            recorded: Timestamp::from_micros(1),
            index: last,
            proof: first,
            clean: false,
            segments: (0..3).map(segment).collect(),
            runs: vec![run(place, 1, first), run(place + 30 * MIB, 2, last)],
            free: vec![Extent { file_offset: place + free, length: PAGE }],
        }
    }

    /// A file whose cache has another slot than its device.
    struct Lies {
        cached: MemoryStorage,
        device: MemoryStorage,
        size: u64,
        dropped: Mutex<Vec<(u64, u64)>>,
        syncs: Mutex<Vec<usize>>,
    }

    /// The fixed pages of a file, one slot of which was written.
    fn pages(slot: &Slot) -> MemoryStorage {
        let mut bytes = FileHeader { identity: slot.identity }.encode();
        bytes.resize(index(SLOT_PAGES[0]), 0);
        bytes.extend(slot.encode());
        bytes.resize(index(FIRST_EXTENT), 0);
        MemoryStorage::from_bytes(bytes)
    }

    impl Storage for Lies {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let is_fresh = !self.dropped.lock().unwrap().is_empty();
            if is_fresh { &self.device } else { &self.cached }.read_at(buffer, offset)
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            panic!("nothing is written")
        }

        fn sync(&self) -> io::Result<()> {
            let dropped = self.dropped.lock().unwrap().len();
            self.syncs.lock().unwrap().push(dropped);
            Ok(())
        }

        fn size(&self) -> io::Result<u64> {
            Ok(self.size)
        }

        fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
            panic!("nothing is written")
        }

        fn drop_cache(&self, offset: u64, length: u64) -> io::Result<()> {
            self.dropped.lock().unwrap().push((offset, length));
            Ok(())
        }
    }

    /// A file is asked whose cache and device have these slots: the counter of the slot that is
    /// found, the pieces that were dropped, how many drops had been before each sync.
    fn asked(cached: &Slot, device: &Slot, size: u64) -> (u64, BTreeSet<u64>, Vec<usize>) {
        let (cached, device) = (pages(cached), pages(device));
        let file =
            Lies { cached, device, size, dropped: Mutex::default(), syncs: Mutex::default() };
        let found = ask_afresh(&file, read_slots(&file).unwrap()).unwrap();
        let mut pieces = BTreeSet::new();
        for (at, length) in file.dropped.into_inner().unwrap() {
            assert!(at.is_multiple_of(PIECE) && length.is_multiple_of(PIECE), "{at}, {length}");
            assert!(length > 0 && at + length < size + PIECE, "{at}, {length}");
            pieces.extend((at / PIECE)..(at + length) / PIECE);
        }
        (found.chosen.unwrap().0.counter, pieces, file.syncs.into_inner().unwrap())
    }

    #[test]
    fn all_that_may_be_written_is_dropped_and_nothing_else() {
        // The log from the middle of the second segment on, free room, and what is behind all.
        let slot = slot(7, 13 * MIB, 10 * MIB);
        let end = segment(3).extent.file_offset;
        let (named, size) = (end + 30 * MIB + PAGE, end + 35 * MIB);
        let (counter, pieces, syncs) = asked(&slot, &slot, size);
        assert_eq!((counter, syncs), (7, vec![0]));
        let dropped = |from: u64, up: u64| from / PIECE..up.div_ceil(PIECE);
        let wanted = dropped(0, FIRST_EXTENT)
            .chain(dropped(FIRST_EXTENT + 13 * MIB, end))
            .chain(dropped(end + 10 * MIB, end + 10 * MIB + PAGE))
            .chain(dropped(named, size));
        assert_eq!(pieces, wanted.collect());
        // A file that ends where the last run does has nothing behind it.
        let (_, pieces, _) = asked(&slot, &slot, named);
        assert!(!pieces.contains(&((named + PIECE) / PIECE)));
        assert!(!pieces.contains(&(named / PIECE)), "the last run is not free");
    }

    #[test]
    fn what_the_device_says_instead_is_asked_in_its_turn() {
        // What the device knows of is older: more of the log may be written, and other room.
        let (cached, device) = (slot(7, 23 * MIB, 10 * MIB), slot(6, 3 * MIB, 20 * MIB));
        let end = segment(3).extent.file_offset;
        let (counter, pieces, syncs) = asked(&cached, &device, end + 31 * MIB);
        assert_eq!((counter, syncs.len()), (6, 2));
        assert!(pieces.contains(&((FIRST_EXTENT + 3 * MIB) / PIECE)));
        assert!(pieces.contains(&((end + 20 * MIB) / PIECE)));
    }

    #[test]
    fn of_a_store_that_was_closed_the_slots_alone_are_dropped() {
        let closed = Slot { clean: true, ..slot(7, 13 * MIB, 10 * MIB) };
        let (counter, pieces, syncs) = asked(&closed, &closed, 100 * MIB);
        assert_eq!((counter, pieces, syncs.len()), (7, BTreeSet::from([0]), 0));
    }

    #[test]
    fn a_close_that_the_device_does_not_know_of_was_none() {
        let closed = Slot { clean: true, ..slot(7, 23 * MIB, 10 * MIB) };
        let device = slot(6, 3 * MIB, 20 * MIB);
        let (counter, pieces, syncs) = asked(&closed, &device, 100 * MIB);
        assert_eq!((counter, syncs.len()), (6, 1));
        assert!(pieces.contains(&((FIRST_EXTENT + 3 * MIB) / PIECE)));
    }
}

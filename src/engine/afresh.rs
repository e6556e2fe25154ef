//! After a crash the device is asked, not what the system remembers of it.
//!
//! Bytes that failed on their way to the device stay in the system's cache, and pass for written.
//! Worse, on ext4 they don't get there by being written again: the next sync returns OK, and after
//! a power cut there are zeros, unless the cache has dropped them in between. So before a store is
//! opened to write that was not closed, all that it may write to is dropped.

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
/// made up. Of a store that was closed, they are as they were found: a close whose last sync has
/// failed did not change anything else.
///
/// What a killed process left in the cache goes to the device first; if that fails, so does this.
pub fn ask_afresh(storage: &dyn Storage, mut found: FoundSlots) -> Result<FoundSlots, Error> {
    let failed = |error| Error::io("syncing what the last writer left failed", error);
    for _ in 0..TRIES {
        let Some((slot, _)) = found.chosen.as_ref().filter(|(slot, _)| !slot.clean) else { break };
        sync_full(storage).map_err(failed)?;
        drop_all(storage, slot).map_err(failed)?;
        let counter = slot.counter;
        found = read_slots(storage)?;
        if found.chosen.as_ref().is_some_and(|(slot, _)| slot.counter == counter) {
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

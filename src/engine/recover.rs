//! After a crash: what is kept is written again, what is discarded is zeroed, torn headers are
//! mended, and a new epoch begins. In that order.

use super::core::Core;
use super::examine::Examined;
use super::settings::Settings;
use super::slots::{Before, SlotState};
use crate::format::{Epoch, SEGMENT_HEADER_LEN, index, u64_of};
use crate::storage::{Storage, read_full, write_full, write_zeros};
use crate::words::Error;
use std::io;

/// Copied at once.
const CHUNK: u64 = 1 << 18;

/// Makes sure that the device has what was found valid and nothing else, and begins a new epoch at
/// the log's end.
pub fn recover(
    core: &Core,
    settings: &Settings,
    found: &Examined,
    slots: &mut SlotState,
) -> Result<Epoch, Error> {
    let storage = &*core.storage;
    let failed = |error| Error::io("recovering the store failed; open it again", error);
    if settings.rules.rewrite {
        rewrite(storage, found).map_err(failed)?;
    }
    if settings.rules.zero {
        zero(storage, found).map_err(failed)?;
    }
    for header in &found.torn {
        let bytes = header.encode(&core.identity.key);
        write_full(storage, &bytes, header.own.extent.file_offset).map_err(failed)?;
    }
    let counter = slots.newest.epoch.counter + 1;
    let epoch = Epoch { counter, salt: settings.random(counter.wrapping_add(16)) };
    slots.write(core, found.recorded, Before::Sync, |slot| {
        slot.epoch = epoch;
        slot.proof = found.end;
        slot.clean = false;
    })?;
    Ok(epoch)
}

/// Writes [D, B) again with its own bytes. After a failed write-back pages are clean although the
/// device never had them; a sync alone would not write them.
fn rewrite(storage: &dyn Storage, found: &Examined) -> io::Result<()> {
    let mut buffer = vec![0; index(unproven(found).min(CHUNK))];
    for segment in found.segments.iter() {
        let begin = found.watermark.max(segment.log_offset.plus(u64_of(SEGMENT_HEADER_LEN)));
        let end = found.end.at.min(segment.log_end());
        let mut at = begin;
        while at < end {
            let chunk = buffer.get_mut(..index(end.since(at).min(CHUNK))).unwrap_or_default();
            let offset = segment.file_offset(at);
            let read = read_full(storage, chunk, offset)?;
            let chunk = chunk.get(..read).unwrap_or_default();
            if chunk.is_empty() {
                break;
            }
            write_full(storage, chunk, offset)?;
            at = at.plus(u64_of(read));
        }
    }
    Ok(())
}

/// Zeroes what stands past the end.
fn zero(storage: &dyn Storage, found: &Examined) -> io::Result<()> {
    let mut dirty = found.residue.dirty.iter();
    dirty.try_for_each(|(offset, length)| write_zeros(storage, *offset, u64_of(*length)))
}

/// Bytes of the log between the watermark and the end: valid, but not proven to be on the device.
pub fn unproven(found: &Examined) -> u64 {
    found.end.at.since(found.watermark)
}

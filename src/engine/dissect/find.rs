//! Which extent a byte is in.

use crate::engine::fixed::{read_slots, unreadable};
use crate::engine::map::segments_of;
use crate::format::dissect::Spot;
use crate::format::dissect::{entry_of_slot, header, holder, piece, slot as slot_page};
use crate::format::{Extent, FIRST_EXTENT, FileKey, HOLDER_PAGE, PAGE, Slot, index};
use crate::storage::{Storage, read_full};
use crate::words::{Dissection, Error, ErrorKind, Structure};
use std::io;
use std::sync::Arc;

/// The structures that have this byte of the device. Whatever stands there, nothing is believed
/// that does not pass its check; what does not is shown all the same.
pub fn dissect(storage: &Arc<dyn Storage>, file_offset: u64) -> Result<Dissection, Error> {
    let size = storage.size().map_err(unreadable)?;
    if file_offset >= size {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("the file has {size} bytes; the byte {file_offset} is not there"),
        ));
    }
    let structures = if file_offset < FIRST_EXTENT {
        fixed(&**storage, file_offset).map_err(unreadable)?
    } else {
        let known = known(&**storage)?;
        let mut dissector = Dissector { storage, size, known, at: file_offset };
        dissector.extent().map_err(unreadable)?
    };
    Ok(Dissection { file_offset, structures })
}

/// What page 0 and the slots say.
pub struct Known {
    /// The key of all checks; nothing if page 0 and both slots are damaged.
    pub key: Option<FileKey>,
    /// The chosen slot.
    pub slot: Option<Slot>,
}

fn known(storage: &dyn Storage) -> Result<Known, Error> {
    match read_slots(storage) {
        Ok(found) => {
            Ok(Known { key: Some(found.identity.key), slot: found.chosen.map(|(slot, _)| slot) })
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Known { key: None, slot: None }),
        Err(error) => Err(error),
    }
}

/// Reads up to so many bytes.
pub fn read(storage: &dyn Storage, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let read = read_full(storage, &mut bytes, at)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The fixed pages.
fn fixed(storage: &dyn Storage, file_offset: u64) -> io::Result<Vec<Structure>> {
    let begin = file_offset / PAGE * PAGE;
    let page = read(storage, begin, index(PAGE))?;
    let within = index(file_offset - begin);
    Ok(match begin {
        0 => vec![header(&page)],
        HOLDER_PAGE => vec![holder(&page, begin)],
        _ => {
            let inner = entry_of_slot(&page, begin, within);
            [slot_page(&page, begin)].into_iter().chain(inner).collect()
        }
    })
}

/// Looks for what has a byte behind the fixed pages.
pub struct Dissector<'a> {
    pub storage: &'a Arc<dyn Storage>,
    /// Bytes of the device.
    pub size: u64,
    pub known: Known,
    /// The byte.
    pub at: u64,
}

impl Dissector<'_> {
    fn extent(&mut self) -> io::Result<Vec<Structure>> {
        let Some(key) = self.known.key else {
            let mut found = piece("unnamed", Spot::in_file(FIRST_EXTENT), self.size - FIRST_EXTENT);
            let what = "page 0 and both slots fail their checks: without the file's key nothing \
                        can be told from anything else";
            found.notes.push(what.to_owned());
            return Ok(vec![found]);
        };
        let Some(slot) = self.known.slot.clone() else {
            return self.unnamed(
                &key,
                "unnamed",
                Extent { file_offset: FIRST_EXTENT, length: self.size - FIRST_EXTENT },
            );
        };
        let has = |extent: &Extent| (extent.file_offset..extent.end()).contains(&self.at);
        if let Some(run) = slot.runs.iter().find(|run| has(&run.extent())) {
            return self.run(&key, run);
        }
        let segments = segments_of(&**self.storage, &key, &slot)?;
        if let Some(place) = segments.iter().find(|place| has(&place.extent)) {
            return self.segment(&key, *place);
        }
        if let Some(free) = slot.free.iter().find(|free| has(free)) {
            return self.unnamed(&key, "free", *free);
        }
        // As far as nobody names it.
        let named = slot.runs.iter().map(|run| run.extent());
        let named = named.chain(segments.iter().map(|place| place.extent));
        let named = named.chain(slot.free.iter().copied());
        let (mut begin, mut end) = (FIRST_EXTENT, self.size);
        for extent in named {
            if extent.file_offset > self.at {
                end = end.min(extent.file_offset);
            } else {
                begin = begin.max(extent.end());
            }
        }
        let gap = Extent { file_offset: begin, length: end.saturating_sub(begin) };
        self.unnamed(&key, "unnamed", gap)
    }

    /// How many bytes the device has from here on, up to `end`.
    pub fn there(&self, from: u64, end: u64) -> u64 {
        end.min(self.size).saturating_sub(from)
    }
}

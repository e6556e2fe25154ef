//! The fixed pages of a device: page 0 and both slots, read; and the errors of files that are no
//! store.

use crate::format::{FileHeader, HOLDER_PAGE, Identity, PAGE, SLOT_PAGES, Slot, Unopenable, index};
use crate::storage::{Storage, read_full};
use crate::words::{Corruption, Error, ErrorKind, LogOffset};
use std::io;

/// The slots of a device, as they were read.
pub struct FoundSlots {
    /// The identity that page 0 or a slot gives.
    pub identity: Identity,
    /// Whether page 0 is damaged.
    pub header_damaged: bool,
    /// The chosen slot and its page.
    pub chosen: Option<(Slot, usize)>,
    /// The highest watermark of all valid slots.
    pub watermark: LogOffset,
}

/// Reads page 0 and the slots.
pub fn read_slots(storage: &dyn Storage) -> Result<FoundSlots, Error> {
    // They stand side by side: whoever opens a store waits once for them.
    let mut bytes = vec![0; index(HOLDER_PAGE)];
    let read = read_full(storage, &mut bytes, 0).map_err(unreadable)?;
    bytes.truncate(read);
    let page = |at: u64| {
        let from = bytes.get(index(at)..).unwrap_or_default();
        from.get(..index(PAGE)).unwrap_or(from)
    };
    let header = FileHeader::decode(page(0));
    let slots = SLOT_PAGES.iter().map(|at| Slot::decode(page(*at))).zip(0..);
    let slots: Vec<(Result<Slot, Unopenable>, usize)> = slots.collect();
    refuse_unknown(storage, &header, &slots)?;
    let identity = header.map(|header| header.identity);
    let fits = |slot: &Slot| identity.is_err() || identity == Ok(slot.identity);
    let valid: Vec<(Slot, usize)> = slots
        .into_iter()
        .filter_map(|(slot, nth)| slot.ok().map(|slot| (slot, nth)))
        .filter(|(slot, _)| fits(slot))
        .collect();
    let watermark = valid.iter().map(|(slot, _)| slot.watermark).max().unwrap_or_default();
    let chosen = valid.into_iter().max_by_key(|(slot, _)| slot.counter);
    let identity = match (identity, &chosen) {
        (Ok(identity), _) => identity,
        (Err(_), Some((slot, _))) => slot.identity,
        (Err(_), None) => {
            return Err(Error::corrupt(Corruption {
                file_offset: Some(0),
                log_offset: None,
                intact_to: None,
                what: "page 0 and both slots fail their checks: the file's key is gone".to_owned(),
            }));
        }
    };
    Ok(FoundSlots { identity, header_damaged: header.is_err(), chosen, watermark })
}

/// The errors of files that are no store, or one that this version does not know.
pub fn refuse_unknown(
    storage: &dyn Storage,
    header: &Result<FileHeader, Unopenable>,
    slots: &[(Result<Slot, Unopenable>, usize)],
) -> Result<(), Error> {
    let results = slots.iter().map(|(slot, _)| slot.as_ref().err());
    let refusals: Vec<_> = results.chain([header.as_ref().err()]).flatten().collect();
    for refusal in &refusals {
        match refusal {
            Unopenable::Newer(version) => {
                return Err(Error::new(
                    ErrorKind::Newer,
                    format!(
                        "the store has format version {version}, newer than this program \
                         knows; update it"
                    ),
                ));
            }
            Unopenable::Older(version) => {
                return Err(Error::new(
                    ErrorKind::Older,
                    format!(
                        "the store has format version {version}, from before version 1, the first \
                         that is kept readable; copy its events with the program that wrote it"
                    ),
                ));
            }
            Unopenable::Features(bits) => {
                return Err(Error::new(
                    ErrorKind::Newer,
                    format!(
                        "the store has features {bits:#x} that this program does not \
                         know; update it"
                    ),
                ));
            }
            Unopenable::Foreign | Unopenable::Damaged => {}
        }
    }
    if refusals.iter().filter(|refusal| ***refusal == Unopenable::Foreign).count() == 3 {
        let what = match storage.size() {
            Ok(0) => {
                "the file is empty, not an Annals store; remove it, and it will be created anew"
            }
            _ => "the file is not an Annals store",
        };
        return Err(Error::new(ErrorKind::NotAnnals, what));
    }
    Ok(())
}

/// The error of a device that can't be read.
pub fn unreadable(error: io::Error) -> Error {
    Error::io("reading the store failed; nothing was concluded or written", error)
}

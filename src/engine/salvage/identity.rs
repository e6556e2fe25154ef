//! Which store it is: the id and the key, without which nothing can be checked. Rule 1.

use super::reader::Reader;
use crate::engine::fixed::refuse_unknown;
use crate::format::{FileHeader, Identity, PAGE, SLOT_PAGES, Slot, index};
use crate::storage::Storage;
use crate::words::{Corruption, Error, ErrorKind};

/// What page 0 and the slots say.
pub struct Heads {
    /// Who it may be: more than one only if they disagree.
    pub candidates: Vec<Identity>,
    /// Whether a page that passed its check says so.
    pub is_checked: bool,
    /// The slots that pass their check.
    pub slots: Vec<Slot>,
    /// The pages that don't, by their place in the file.
    pub damaged: Vec<u64>,
}

/// Reads page 0 and the slots.
pub fn read_heads(storage: &dyn Storage, reader: &mut Reader) -> Result<Heads, Error> {
    let mut page = |at: u64| reader.get(at, index(PAGE)).to_vec();
    let header = page(0);
    let [a, b] = SLOT_PAGES.map(&mut page);
    let decoded = FileHeader::decode(&header);
    let slots = [Slot::decode(&a), Slot::decode(&b)];
    let numbered: Vec<_> = slots.into_iter().zip(0..).collect();
    refuse_unknown(storage, &decoded, &numbered).map_err(|error| match error.kind() {
        ErrorKind::NotAnnals => not_annals(reader),
        _ => error,
    })?;
    let mut heads =
        Heads { candidates: Vec::new(), is_checked: true, slots: Vec::new(), damaged: Vec::new() };
    let mut candidate = |identity: Identity| {
        if !heads.candidates.contains(&identity) {
            heads.candidates.push(identity);
        }
    };
    match decoded {
        Ok(header) => candidate(header.identity),
        Err(_) => heads.damaged.push(0),
    }
    for ((slot, _), at) in numbered.into_iter().zip(SLOT_PAGES) {
        match slot {
            Ok(slot) => {
                candidate(slot.identity);
                heads.slots.push(slot);
            }
            Err(_) => heads.damaged.push(at),
        }
    }
    if heads.candidates.is_empty() {
        heads.is_checked = false;
        let said = [&header, &a, &b].map(|page| Identity::unchecked(page));
        let [header, a, b] = said;
        let repeated = [(header, a), (header, b), (a, b)].into_iter().find(|(a, b)| a == b);
        heads.candidates.extend(repeated.and_then(|(identity, _)| identity));
    }
    match heads.candidates.is_empty() {
        true => Err(no_key(reader)),
        false => Ok(heads),
    }
}

fn not_annals(reader: &mut Reader) -> Error {
    match (reader.refusal.take(), reader.size()) {
        (Some(error), _) => Error::io("page 0 and both slots can't be read", error),
        (None, 0) => Error::new(ErrorKind::NotAnnals, "the file is empty, not an Annals store"),
        (None, _) => Error::new(
            ErrorKind::NotAnnals,
            "the file is not an Annals store, or page 0 and both slots are gone, and with them \
             the file's key: without it nothing can be checked",
        ),
    }
}

/// The error of a file whose key is gone.
pub fn no_key(reader: &mut Reader) -> Error {
    match reader.refusal.take() {
        Some(error) => Error::io("page 0 and both slots can't be read", error),
        None => Error::corrupt(Corruption {
            file_offset: Some(0),
            log_offset: None,
            intact_to: None,
            what: "page 0 and both slots fail their checks: the file's key is gone, and without \
                   it nothing can be checked"
                .to_owned(),
        }),
    }
}

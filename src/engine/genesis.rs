//! A new store's first bytes.

use super::settings::Settings;
use crate::format::{
    Chain, Epoch, Extent, FIRST_EXTENT, FileHeader, FileKey, Identity, Mark, PAGE, SLOT_PAGES,
    SegmentHeader, SegmentRef, Slot, index,
};
use crate::words::{LogOffset, Position, Timestamp};
use uuid::Uuid;

/// What a new store begins with, and how long it is to be.
pub struct Genesis {
    /// Page 0, both slots, the holder's page, the first segment's header.
    pub bytes: Vec<u8>,
    /// With the first segment's room.
    pub length: u64,
}

/// A new store with a random id and key. Its first event will be at position 1.
pub fn genesis(settings: &Settings) -> Genesis {
    let id = Uuid::from_u64_pair(settings.random(1), settings.random(2));
    let id = Uuid::new_v8(id.into_bytes());
    let key = Uuid::from_u64_pair(settings.random(3), settings.random(4)).into_bytes();
    let identity = Identity { store_id: id, key: FileKey::new(key) };
    genesis_from(settings, identity, Position::new(1))
}

/// A new store whose first event will be at `first`.
pub fn genesis_from(settings: &Settings, identity: Identity, first: Position) -> Genesis {
    let extent = Extent { file_offset: FIRST_EXTENT, length: round_up(settings.segment_min) };
    let segment = SegmentRef { extent, log_offset: LogOffset::ZERO };
    let mut slot = Slot {
        identity,
        compatible: 0,
        read_compatible: 0,
        counter: 0,
        epoch: Epoch { counter: 1, salt: settings.random(5) },
        watermark: segment.first_frame(),
        recorded: Timestamp::from_micros(i64::MIN),
        index: Mark { at: segment.first_frame(), chain: Chain::default(), next: first },
        proof: Mark { at: segment.first_frame(), chain: Chain::default(), next: first },
        clean: true,
        segments: vec![segment],
        runs: Vec::new(),
        free: Vec::new(),
    };
    let mut bytes = vec![0; index(FIRST_EXTENT)];
    let mut put = |at: u64, page: &[u8]| {
        let place = bytes.get_mut(index(at)..).and_then(|rest| rest.get_mut(..page.len()));
        place.unwrap_or_default().copy_from_slice(page);
    };
    put(0, &FileHeader { identity }.encode());
    for page in SLOT_PAGES {
        slot.counter += 1;
        put(page, &slot.encode());
    }
    bytes.extend_from_slice(&SegmentHeader { own: segment, before: None }.encode(&identity.key));
    Genesis { bytes, length: extent.end() }
}

/// Whole pages.
pub fn round_up(bytes: u64) -> u64 {
    bytes.saturating_add(PAGE - 1) / PAGE * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixed::read_slots;
    use crate::storage::MemoryStorage;

    #[test]
    fn a_new_store_has_two_slots_that_say_the_same_and_one_of_them_is_the_newer() {
        let Genesis { bytes, length } = genesis(&Settings::default());
        assert!(crate::format::u64_of(bytes.len()) <= length);
        let slots: Vec<Slot> = SLOT_PAGES
            .iter()
            .map(|at| Slot::decode(&bytes[index(*at)..][..4_096]).unwrap())
            .collect();
        assert_eq!(slots.iter().map(|slot| slot.counter).collect::<Vec<_>>(), [1, 2]);
        assert!(slots[0] == Slot { counter: 1, ..slots[1].clone() });
        let found = read_slots(&MemoryStorage::from_bytes(bytes)).unwrap();
        assert!(found.chosen.is_some_and(|(slot, page)| slot == slots[1] && page == 1));
    }
}

//! The ids of events that were given none.

use super::{LogOffset, Position, Timestamp};
use uuid::Uuid;

/// What the id of an event is made of that was given none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DerivedId {
    /// The bits that all events of the store share.
    pub(crate) store: u128,
    /// Where its record stands.
    pub(crate) at: LogOffset,
    /// The check of its record.
    pub(crate) check: u32,
}

impl DerivedId {
    /// A UUID of version 8 (RFC 9562). The lower half has the position, so no other event of the
    /// store has it; the upper half what the event is, so that one that a crash took back, and
    /// another that got its position, differ.
    pub(crate) fn id(self, position: Position, recorded: Timestamp) -> Uuid {
        let moment = u64::from_le_bytes(recorded.micros().to_le_bytes());
        let mut bits = self.at.get().wrapping_add(u64::from(self.check) << 32);
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits = (bits ^ (bits >> 31)) ^ moment.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let upper = u128::from(bits) << 64;
        Uuid::new_v8((self.store ^ upper ^ u128::from(position.get())).to_be_bytes())
    }

    /// The position of the only event of the store that may have this id as a derived one. `store`
    /// has the bits that all of them share.
    pub(crate) fn position(store: u128, id: Uuid) -> Position {
        // Two bits of the lower half say what kind of UUID it is; no position comes so far.
        let bits = (store ^ id.as_u128()).to_be_bytes();
        let [.., a, b, c, d, e, f, g, h] = bits;
        Position::new(u64::from_be_bytes([a, b, c, d, e, f, g, h]) & (u64::MAX >> 2))
    }
}

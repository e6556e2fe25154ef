//! Which number a term has: open addressing with linear probing (Knuth, TAOCP 6.4), by the low bits
//! of a hash that is keyed already. A slot has the number and a piece of the hash; the term has all
//! of it. So what is not there is hardly ever looked for among the terms.

use super::terms::Term;
use crate::format::{TermHash, index};

/// Numbers of terms, by their hashes.
#[derive(Default)]
pub(super) struct Numbers {
    /// Some power of two; half of them at the most are taken.
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    number: u32,
    /// Bits of the hash that do not say the place.
    piece: u32,
}

/// What no term has for a number.
const NONE: u32 = u32::MAX;
const FREE: Slot = Slot { number: NONE, piece: 0 };
/// Slots at first.
const FEW: usize = 64;

impl Numbers {
    /// Room for so many terms.
    pub(super) fn with_room(terms: usize) -> Self {
        let slots = (2 * terms).next_power_of_two().max(FEW);
        Self { slots: vec![FREE; slots], taken: 0 }
    }

    /// The number of the term with this hash; `terms` are all, by number.
    #[inline]
    pub(super) fn find(&self, hash: TermHash, terms: &[Term]) -> Option<u32> {
        let (mut at, wanted) = (self.first(hash)?, piece(hash));
        loop {
            let Slot { number, piece } = *self.slots.get(at)?;
            if number == NONE {
                return None;
            }
            if piece == wanted && terms.get(index(u64::from(number)))?.hash == hash {
                return Some(number);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds a term that is not there, which is the last of `terms`.
    pub(super) fn add(&mut self, hash: TermHash, nth: u32, terms: &[Term]) {
        if (self.taken + 1) * 2 > self.slots.len() {
            *self = Self::with_room((self.taken + 1) * 2);
            for (nth, term) in (0..).zip(terms) {
                self.put(term.hash, nth);
            }
        } else {
            self.put(hash, nth);
        }
    }

    fn put(&mut self, hash: TermHash, number: u32) {
        let Some(mut at) = self.first(hash) else { return };
        while self.slots.get(at).is_some_and(|slot| slot.number != NONE) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { number, piece: piece(hash) };
            self.taken += 1;
        }
    }

    /// Where a hash is looked for first; nothing if there are no slots.
    fn first(&self, hash: TermHash) -> Option<usize> {
        let last = self.slots.len().checked_sub(1)?;
        let [a, b, c, d, ..] = hash.0.to_le_bytes();
        Some(index(u64::from(u32::from_le_bytes([a, b, c, d]))) & last)
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

fn piece(hash: TermHash) -> u32 {
    let [_, _, _, _, a, b, c, d, ..] = hash.0.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

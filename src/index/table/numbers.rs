//! Which number a term has: open addressing with linear probing (Knuth, TAOCP 6.4), by the low bits
//! of a hash that is keyed already. A slot has only the number; the term has the hash.

use super::terms::Term;
use crate::format::{TermHash, index};

/// Numbers of terms, by their hashes.
#[derive(Default)]
pub(super) struct Numbers {
    /// Some power of two; half of them at the most are taken.
    slots: Vec<u32>,
    taken: usize,
}

/// What no term has for a number.
const NONE: u32 = u32::MAX;
/// Slots at first.
const FEW: usize = 64;

impl Numbers {
    /// Room for so many terms.
    pub(super) fn with_room(terms: usize) -> Self {
        let slots = (2 * terms).next_power_of_two().max(FEW);
        Self { slots: vec![NONE; slots], taken: 0 }
    }

    /// The number of the term with this hash; `terms` are all, by number.
    #[inline]
    pub(super) fn find(&self, hash: TermHash, terms: &[Term]) -> Option<u32> {
        let mut slot = self.first(hash)?;
        loop {
            let nth = *self.slots.get(slot)?;
            if nth == NONE {
                return None;
            }
            if terms.get(index(u64::from(nth)))?.hash == hash {
                return Some(nth);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
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

    fn put(&mut self, hash: TermHash, nth: u32) {
        let Some(mut slot) = self.first(hash) else { return };
        while self.slots.get(slot).is_some_and(|taken| *taken != NONE) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = nth;
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
        self.slots.capacity() * size_of::<u32>()
    }
}

//! The names of a commit, each once.

use crate::format::{FileKey, KeyedAlready, NameRecord, Named, TermHash, index};
use std::collections::HashMap;

/// Keyed hashes, numbered in the order in which they came.
#[derive(Default)]
pub(super) struct Numbers {
    list: Vec<TermHash>,
    /// The number of each; used when the list has grown too long to look through.
    places: HashMap<TermHash, u32, KeyedAlready>,
}

/// Up to so many are found by looking through the list.
const LOOK_THROUGH: usize = 12;

impl Numbers {
    /// The number of a hash, and whether it is a new one.
    pub(super) fn add(&mut self, hash: TermHash) -> (u32, bool) {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let nth = if self.list.len() <= LOOK_THROUGH {
            let nth = self.list.iter().position(|known| *known == hash);
            nth.and_then(|nth| u32::try_from(nth).ok()).unwrap_or(next)
        } else {
            if self.places.is_empty() {
                self.places = self.list.iter().copied().zip(0..).collect();
            }
            *self.places.entry(hash).or_insert(next)
        };
        if nth == next {
            self.list.push(hash);
        }
        (nth, nth == next)
    }
}

/// The names of a commit: their texts in one piece, and where the segment has them once that is
/// known.
#[derive(Default)]
pub(super) struct NameList {
    numbers: Numbers,
    texts: String,
    pub(super) list: Vec<DraftName>,
}

/// A name that events of a commit refer to.
pub(super) struct DraftName {
    pub(super) hash: TermHash,
    /// Where its text begins in `texts`, and where it ends.
    text: (usize, usize),
    /// Bytes from the segment's first byte; given with the place.
    pub(super) reference: u32,
}

impl NameList {
    pub(super) fn add(&mut self, text: &str, key: &FileKey) -> u32 {
        self.add_hashed(text, key.term(text.as_bytes()))
    }

    pub(super) fn add_hashed(&mut self, text: &str, hash: TermHash) -> u32 {
        let (nth, new) = self.numbers.add(hash);
        if new {
            let start = self.texts.len();
            self.texts.push_str(text);
            self.list.push(DraftName { hash, text: (start, self.texts.len()), reference: 0 });
        }
        nth
    }

    /// The bytes that a name takes as a record.
    pub(super) fn len_of(&self, name: &DraftName) -> usize {
        NameRecord::len_of(self.text(name))
    }

    pub(super) fn text(&self, name: &DraftName) -> &str {
        self.texts.get(name.text.0..name.text.1).unwrap_or_default()
    }

    pub(super) fn named(&self, name: u32) -> Named<'_> {
        let name = self.list.get(index(u64::from(name)));
        name.map_or(Named { text: "", hash: TermHash(0) }, |name| Named {
            text: self.text(name),
            hash: name.hash,
        })
    }

    pub(super) fn reference(&self, name: u32) -> u32 {
        self.list.get(index(u64::from(name))).map_or(0, |name| name.reference)
    }
}

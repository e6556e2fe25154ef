//! The names of a commit, each once for each kind of term that it is.

use crate::format::{FileKey, KeyedAlready, NameRecord, TermHash, TermKind, TermName, index};
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
                self.places.extend(self.list.iter().copied().zip(0..));
            }
            *self.places.entry(hash).or_insert(next)
        };
        if nth == next {
            self.list.push(hash);
        }
        (nth, nth == next)
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.places.clear();
    }
}

/// The names of a commit: their texts in one piece.
#[derive(Default)]
pub(super) struct NameList {
    numbers: Numbers,
    texts: String,
    pub(super) list: Vec<DraftName>,
}

/// A name of a commit.
pub(super) struct DraftName {
    pub(super) kind: TermKind,
    /// The hash of the term.
    pub(super) hash: TermHash,
    /// Where its text begins in `texts`, and where it ends.
    text: (usize, usize),
    /// Whether an event refers to it. A stream may only be looked at.
    pub(super) is_used: bool,
}

impl NameList {
    /// The number of a name, which is noted if it is a new one.
    pub(super) fn add(&mut self, kind: TermKind, text: &str, key: &FileKey) -> u32 {
        let hash = key.term(text.as_bytes()).of(kind);
        let (nth, new) = self.numbers.add(hash);
        if new {
            let start = self.texts.len();
            self.texts.push_str(text);
            let text = (start, self.texts.len());
            self.list.push(DraftName { kind, hash, text, is_used: false });
        }
        nth
    }

    /// The hash of a name's term.
    pub(super) fn hash(&self, nth: u32) -> TermHash {
        self.get(nth).map_or(TermHash(0), |name| name.hash)
    }

    /// An event refers to this name.
    pub(super) fn use_it(&mut self, nth: u32) {
        if let Some(name) = self.list.get_mut(index(u64::from(nth))) {
            name.is_used = true;
        }
    }

    /// Bytes of the records of all names that events refer to.
    pub(super) fn records_len(&self) -> usize {
        self.list.iter().map(|name| self.record_len(name)).sum()
    }

    /// The bytes that a name takes as a record, if it is to be one.
    pub(super) fn record_len(&self, name: &DraftName) -> usize {
        if name.is_used { NameRecord::len_of(self.text(name)) } else { 0 }
    }

    pub(super) fn text(&self, name: &DraftName) -> &str {
        self.texts.get(name.text.0..name.text.1).unwrap_or_default()
    }

    pub(super) fn get(&self, nth: u32) -> Option<&DraftName> {
        self.list.get(index(u64::from(nth)))
    }

    /// A name as the index takes it in.
    pub(super) fn term(&self, name: &DraftName) -> TermName<'_> {
        TermName { kind: name.kind, text: self.text(name), hash: name.hash }
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
        self.list.clear();
    }
}

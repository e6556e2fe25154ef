//! What a power cut can leave: from a journal, a state for every prefix of it and every fate of its
//! unsynced sectors.

use crate::disk::{Op, SECTOR};
use crate::random::Random;
use std::collections::BTreeMap;

/// The disk after a prefix of a journal.
#[derive(Clone)]
pub(crate) struct Moment {
    /// What the last sync left.
    durable: Vec<u8>,
    /// What a reader would have seen.
    pub(crate) cache: Vec<u8>,
    /// For each sector written since the last sync: what each write left.
    unsynced: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    /// Commits begun.
    pub(crate) begun: usize,
    /// Commits acknowledged.
    pub(crate) acknowledged: usize,
    /// Commits acknowledged as durable.
    pub(crate) durable_commits: usize,
}

impl Moment {
    /// Before the first operation.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            cache: bytes.clone(),
            durable: bytes,
            unsynced: BTreeMap::new(),
            begun: 0,
            acknowledged: 0,
            durable_commits: 0,
        }
    }

    /// After one more operation. Returns whether a crash here differs from one before it.
    pub(crate) fn step(&mut self, op: &Op) -> bool {
        match op {
            Op::Write(start, bytes) => {
                let end = start + bytes.len();
                if self.cache.len() < end {
                    self.cache.resize(end, 0);
                }
                self.cache[*start..end].copy_from_slice(bytes);
                for sector in start / SECTOR..end.div_ceil(SECTOR) {
                    let left = self.sector(&self.cache, sector);
                    self.unsynced.entry(sector).or_default().push(left);
                }
                true
            }
            Op::Allocate(length) => {
                if self.cache.len() < *length {
                    self.cache.resize(*length, 0);
                }
                true
            }
            Op::Sync => {
                self.durable.clone_from(&self.cache);
                self.unsynced.clear();
                true
            }
            Op::Begun(commits) => {
                self.begun = *commits;
                false
            }
            Op::Acknowledged(commits) => {
                self.acknowledged = *commits;
                true
            }
            Op::Durable(commits) => {
                self.durable_commits = *commits;
                true
            }
        }
    }

    /// How many sectors have a fate to meet.
    pub(crate) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// What the last sync left, and nothing else.
    pub(crate) fn durable_only(&self) -> Vec<u8> {
        self.durable.clone()
    }

    /// One of the states that a power cut can leave.
    pub(crate) fn random_crash(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        if !random.one_in(3) {
            bytes.resize(self.cache.len(), 0);
        }
        // Some crashes are calm, some are not: else with many sectors none would ever be all old or
        // all new.
        let mood = random.below(4);
        for (sector, writes) in &self.unsynced {
            let old = self.sector(&self.durable, *sector);
            let new = writes[random.below(writes.len())];
            let latest = writes[writes.len() - 1];
            let fate = match (mood, random.below(10)) {
                (0, 0..9) | (3, 0..3) => old,
                (1, 0..9) | (3, 3..6) => latest,
                (_, 0) => new,
                (_, 1..3) => torn(&old, &new, random.below(SECTOR)),
                (_, 3) => torn(&new, &old, random.below(SECTOR)),
                (_, 4..6) => garbage(&old, &new, random),
                (_, 6..8) => old,
                _ => latest,
            };
            place(&mut bytes, *sector, &fate);
        }
        bytes
    }

    /// The state in which exactly these sectors are new: one bit each, the lowest for the first.
    pub(crate) fn subset_crash(&self, new: usize) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        bytes.resize(self.cache.len(), 0);
        for (nth, (sector, writes)) in self.unsynced.iter().enumerate() {
            if new >> nth & 1 == 1 {
                place(&mut bytes, *sector, &writes[writes.len() - 1]);
            }
        }
        bytes
    }

    fn sector(&self, bytes: &[u8], sector: usize) -> [u8; SECTOR] {
        let mut out = [0; SECTOR];
        let there = bytes.get(sector * SECTOR..).unwrap_or_default();
        let count = there.len().min(SECTOR);
        out[..count].copy_from_slice(&there[..count]);
        out
    }
}

/// The first up to a byte, the second from there.
fn torn(first: &[u8; SECTOR], second: &[u8; SECTOR], at: usize) -> [u8; SECTOR] {
    let mut out = *second;
    out[..at].copy_from_slice(&first[..at]);
    out
}

/// Random where the two differ.
fn garbage(old: &[u8; SECTOR], new: &[u8; SECTOR], random: &mut Random) -> [u8; SECTOR] {
    let mut out = *old;
    for (byte, new) in out.iter_mut().zip(new) {
        if byte != new {
            *byte = random.byte();
        }
    }
    out
}

/// Puts a sector to its place; past the device's end it is lost with the room for it.
fn place(bytes: &mut [u8], sector: usize, content: &[u8; SECTOR]) {
    let there = bytes.get_mut(sector * SECTOR..).unwrap_or_default();
    let count = there.len().min(SECTOR);
    there[..count].copy_from_slice(&content[..count]);
}

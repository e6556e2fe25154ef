//! What a power cut can leave: from a journal, states for every prefix of it and every fate of its
//! unsynced sectors.

use crate::disk::{Op, SECTOR};
use crate::random::Random;
use std::collections::{BTreeMap, HashSet};

/// A sector's bytes.
type Sector = [u8; SECTOR];

/// What becomes of the bytes of a torn sector that the writes did not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tearing {
    /// They survive, as SQLite assumes too.
    SparesWhatIsTheSame,
    /// They may become garbage with the rest, unless the whole sector stays the same: for stores
    /// that are opened with `pad_to_sector`.
    Spoils,
}

/// The disk after a prefix of a journal.
pub(crate) struct Moment {
    tearing: Tearing,
    /// What the last sync left.
    durable: Vec<u8>,
    /// What a reader would have seen.
    pub(crate) cache: Vec<u8>,
    /// For each sector written since the last sync: what each write left.
    unsynced: BTreeMap<usize, Vec<Sector>>,
    /// The lengths that the device had since the last sync.
    lengths: Vec<usize>,
    /// How many syncs there were.
    syncs: u64,
    seen: HashSet<u64>,
    /// Commits begun.
    pub(crate) begun: usize,
    /// Commits acknowledged.
    pub(crate) acknowledged: usize,
    /// Commits acknowledged as durable.
    pub(crate) durable_commits: usize,
}

/// What a power cut leaves, as far as it differs from what the last sync left.
pub(crate) struct Crash {
    length: usize,
    sectors: Vec<(usize, Sector)>,
}

impl Moment {
    /// Before the first operation, on a disk with these durable bytes and so many commits in them.
    pub(crate) fn new(bytes: Vec<u8>, commits: usize, tearing: Tearing) -> Self {
        Self {
            tearing,
            lengths: vec![bytes.len()],
            cache: bytes.clone(),
            durable: bytes,
            unsynced: BTreeMap::new(),
            syncs: 0,
            seen: HashSet::new(),
            begun: commits,
            acknowledged: commits,
            durable_commits: commits,
        }
    }

    /// After one more operation. Returns whether a crash here differs from one before it.
    pub(crate) fn step(&mut self, op: &Op) -> bool {
        match op {
            Op::Write(start, bytes) => {
                let end = start + bytes.len();
                self.grow(end);
                self.cache[*start..end].copy_from_slice(bytes);
                for sector in start / SECTOR..end.div_ceil(SECTOR) {
                    let left = sector_of(&self.cache, sector);
                    self.unsynced.entry(sector).or_default().push(left);
                }
            }
            Op::Allocate(length) => self.grow(*length),
            Op::Sync => {
                self.durable.clone_from(&self.cache);
                self.lengths = vec![self.durable.len()];
                self.unsynced.clear();
                self.syncs += 1;
            }
            Op::Begun(commits) => {
                self.begun = *commits;
                return false;
            }
            Op::Acknowledged(commits) => self.acknowledged = *commits,
            Op::Durable(commits) => self.durable_commits = *commits,
        }
        true
    }

    fn grow(&mut self, length: usize) {
        if self.cache.len() < length {
            self.cache.resize(length, 0);
            self.lengths.push(length);
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
    pub(crate) fn random_crash(&self, random: &mut Random) -> Crash {
        let length = match random.below(3) {
            0 => self.durable.len(),
            1 => self.cache.len(),
            _ => self.lengths[random.below(self.lengths.len())],
        };
        // Some crashes are calm, some are not: else with many sectors none would ever be all old or
        // all new.
        let mood = random.below(4);
        let mut sectors = Vec::with_capacity(self.unsynced.len());
        for (sector, writes) in &self.unsynced {
            let old = sector_of(&self.durable, *sector);
            let new = writes[random.below(writes.len())];
            let latest = writes[writes.len() - 1];
            let fate = match (mood, random.below(10)) {
                (0, 0..9) | (3, 0..3) => old,
                (1, 0..9) | (3, 3..6) => latest,
                (_, 0) => new,
                (_, 1..3) => torn(&old, &new, random.below(SECTOR)),
                (_, 3) => torn(&new, &old, random.below(SECTOR)),
                (_, 4..6) => self.garbage(&old, &new, random),
                (_, 6..8) => old,
                _ => latest,
            };
            if fate != old {
                sectors.push((*sector, fate));
            }
        }
        Crash { length, sectors }
    }

    /// The state in which exactly these sectors are new: one bit each, the lowest for the first.
    pub(crate) fn subset_crash(&self, new: usize) -> Crash {
        let mut sectors = Vec::with_capacity(self.unsynced.len());
        for (nth, (sector, writes)) in self.unsynced.iter().enumerate() {
            let latest = writes[writes.len() - 1];
            if new >> nth & 1 == 1 && latest != sector_of(&self.durable, *sector) {
                sectors.push((*sector, latest));
            }
        }
        Crash { length: self.cache.len(), sectors }
    }

    /// The bytes of a state, or nothing if the same was met before, with the same commits that may
    /// be there.
    pub(crate) fn unmet(&mut self, crash: &Crash) -> Option<Vec<u8>> {
        let bounds = [self.syncs, self.durable_commits as u64, self.begun as u64];
        let mut mark = bounds.into_iter().fold(crash.length as u64, mix);
        for (sector, content) in &crash.sectors {
            mark = mix(mark, *sector as u64);
            let (words, _) = content.as_chunks::<8>();
            mark = words.iter().fold(mark, |mark, word| mix(mark, u64::from_le_bytes(*word)));
        }
        self.seen.insert(mark).then(|| self.bytes(crash))
    }

    /// The bytes of a state.
    pub(crate) fn bytes(&self, crash: &Crash) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(crash.length.max(self.durable.len()));
        bytes.extend_from_slice(&self.durable);
        bytes.resize(crash.length.max(self.durable.len()), 0);
        for (sector, content) in &crash.sectors {
            place(&mut bytes, *sector, content);
        }
        bytes
    }

    /// Random where the two differ; or all of it, if they do.
    fn garbage(&self, old: &Sector, new: &Sector, random: &mut Random) -> Sector {
        let mut out = *old;
        if old == new {
            return out;
        }
        for (byte, new) in out.iter_mut().zip(new) {
            if byte != new || self.tearing == Tearing::Spoils {
                *byte = random.byte();
            }
        }
        out
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> Sector {
    let mut out = [0; SECTOR];
    let there = bytes.get(sector * SECTOR..).unwrap_or_default();
    let count = there.len().min(SECTOR);
    out[..count].copy_from_slice(&there[..count]);
    out
}

/// The first up to a byte, the second from there.
fn torn(first: &Sector, second: &Sector, at: usize) -> Sector {
    let mut out = *second;
    out[..at].copy_from_slice(&first[..at]);
    out
}

/// Puts a sector to its place; past the device's end it is lost with the room for it.
fn place(bytes: &mut [u8], sector: usize, content: &Sector) {
    let there = bytes.get_mut(sector * SECTOR..).unwrap_or_default();
    let count = there.len().min(SECTOR);
    there[..count].copy_from_slice(&content[..count]);
}

/// One word more into a mark.
fn mix(mark: u64, word: u64) -> u64 {
    (mark ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

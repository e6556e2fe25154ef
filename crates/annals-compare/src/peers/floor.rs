//! The floor: the same bytes as Annals writes, by raw writes; see `benches/support/floor.rs`. Its
//! index is in memory and made anew, from the whole file, by whoever opens it.

use super::annals::{RESERVE, commit};
use crate::peer::{Asked, Mode, Nth, Peer};
use crate::support::{self, FloorBatch, Sizes};
use std::path::Path;

/// Where it `ANNOUNCES`, the system is told of all reads of a batch before the first is made.
pub struct Floor<const ANNOUNCES: bool> {
    raw: support::Floor,
    synced: bool,
}

impl<const ANNOUNCES: bool> Floor<ANNOUNCES> {
    fn of(raw: support::Floor, mode: Mode) -> Self {
        let raw = if mode.lean { raw.lean() } else { raw };
        Self { raw, synced: mode.synced }
    }

    fn sizes(mode: Mode) -> Sizes {
        let nth = |(nth, stream, expected)| Nth { nth, stream, expected };
        Sizes::measure_of(|events| commit(&events.into_iter().map(nth).collect::<Vec<_>>(), mode))
    }

    fn each(&self, positions: &[u32], mut each: impl FnMut(&[u8])) -> u64 {
        let reader = self.raw.reader();
        if ANNOUNCES {
            reader.announce(positions);
        }
        positions.iter().for_each(|position| each(reader.payload(*position as usize)));
        positions.len() as u64
    }
}

/// The number that a name ends with, which the floor has instead.
fn number(name: &str) -> u64 {
    let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.parse().unwrap()
}

fn raw(asked: &Asked, seen: u64) -> support::Asked {
    let (event_type, tag) = (number(&asked.event_type), support::tag_number(&asked.tag));
    support::Asked { event_type, tag, from: seen as u32 }
}

impl<const ANNOUNCES: bool> Peer for Floor<ANNOUNCES> {
    type Batch = FloorBatch;

    const NAME: &'static str = if ANNOUNCES { "floor, announced" } else { "floor" };

    fn create(folder: &Path, mode: Mode) -> Self {
        let reserve = if mode.reserve { RESERVE } else { 0 };
        let path = folder.join("events.floor");
        Self::of(support::Floor::new(&path, reserve, Self::sizes(mode)), mode)
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        let path = folder.join("events.floor");
        Self::of(support::Floor::open(&path, Self::sizes(mode)), mode)
    }

    fn batch(events: &[Nth], _: Mode) -> FloorBatch {
        FloorBatch::new(events.iter().map(|nth| (nth.nth, nth.stream)))
    }

    fn append(&self, batch: &FloorBatch) {
        if self.synced { self.raw.synced(batch) } else { self.raw.buffered(batch) }
    }

    fn sync(&self) {
        self.raw.sync();
    }

    fn close(self) {
        self.raw.sync();
    }

    fn replay(&self, mut each: impl FnMut(&[u8])) -> u64 {
        let reader = self.raw.reader();
        (0..reader.len()).for_each(|position| each(reader.payload(position)));
        reader.len() as u64
    }

    fn stream(&self, stream: &str, each: impl FnMut(&[u8])) -> u64 {
        match ANNOUNCES {
            true => {
                let positions = self.raw.reader().stream(number(stream)).to_vec();
                self.each(&positions, each)
            }
            false => self.raw.stream(number(stream), each),
        }
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        let reader = self.raw.reader();
        positions.iter().for_each(|position| each(reader.payload(*position as usize - 1)));
    }

    fn tagged(&self, tag: &str, each: impl FnMut(&[u8])) -> u64 {
        let positions = self.raw.reader().tag(support::tag_number(tag)).to_vec();
        self.each(&positions, each)
    }

    fn since(&self, asked: &Asked, seen: u64, each: impl FnMut(&[u8])) -> u64 {
        self.raw.read(raw(asked, seen), each).into()
    }

    fn append_unless(&self, batch: &FloorBatch, asked: &Asked, seen: u64) -> bool {
        match self.synced {
            true => self.raw.synced_unless(batch, Some(raw(asked, seen))),
            false => self.raw.buffered_unless(batch, Some(raw(asked, seen))),
        }
    }
}

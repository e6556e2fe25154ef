//! The superblock's two slots: where everything is, as of a counter.

use super::bytes::{get_i64, get_u32, get_u64, index, put, put_i64, put_u32, put_u64, u64_of};
use super::check::{Chain, matches};
use super::frame::Epoch;
use super::header::{Identity, Unopenable};
use super::layout::{
    SEGMENT_HEADER_LEN, SLOT_FREE, SLOT_MAGIC, SLOT_RUNS, SLOT_SEGMENTS, free_ref, run_ref,
    segment_ref, slot,
};
use super::run::RunRef;
use super::segment::{Extent, SegmentRef};
use crate::words::{LogOffset, Position, Timestamp};

/// A place in the log at which something begins: the frame there follows the chain value, and has
/// this position next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// The log offset.
    pub at: LogOffset,
    /// The check of the frame before.
    pub chain: Chain,
    /// The position that the next event gets.
    pub next: Position,
}

/// What a slot says.
#[derive(Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which file it belongs to.
    pub identity: Identity,
    /// Features that whoever does not know them may ignore.
    pub compatible: u64,
    /// Features that whoever does not know them may ignore as long as he only reads.
    pub read_compatible: u64,
    /// Which of the slots is the newer: the one with the higher counter.
    pub counter: u64,
    /// The epoch of frames from `proof` on.
    pub epoch: Epoch,
    /// Up to where everything was synced when the slot was written.
    pub watermark: LogOffset,
    /// The last recorded time given out.
    pub recorded: Timestamp,
    /// Where the in-memory index begins.
    pub index: Mark,
    /// Where this epoch begins.
    pub proof: Mark,
    /// Whether the store was closed; then the log ends at `watermark`.
    pub clean: bool,
    /// The newest segments of the log in its order, the prepared one included.
    pub segments: Vec<SegmentRef>,
    /// The runs, in the order of the log. The last of them ends at `index`.
    pub runs: Vec<RunRef>,
    /// Room of runs that are not named any more.
    pub free: Vec<Extent>,
}

impl Slot {
    /// Its page.
    pub fn encode(&self) -> Vec<u8> {
        debug_assert!(self.segments.len() <= SLOT_SEGMENTS, "the caller names the newest only");
        debug_assert!(self.runs.len() <= SLOT_RUNS && self.free.len() <= SLOT_FREE, "they fit");
        let mut page = vec![0; slot::LEN];
        put(&mut page, slot::MAGIC, &SLOT_MAGIC);
        self.identity.encode(&mut page);
        put_u64(&mut page, slot::COUNTER, self.counter);
        put_u64(&mut page, slot::COMPATIBLE, self.compatible);
        put_u64(&mut page, slot::READ_COMPATIBLE, self.read_compatible);
        put_u64(&mut page, slot::EPOCH, self.epoch.counter);
        put_u64(&mut page, slot::EPOCH_SALT, self.epoch.salt);
        put_u64(&mut page, slot::WATERMARK, self.watermark.get());
        put_i64(&mut page, slot::RECORDED, self.recorded.micros());
        self.index.encode(&mut page, slot::INDEX_END);
        self.proof.encode(&mut page, slot::PROOF_START);
        put_u32(&mut page, slot::CLEAN, u32::from(self.clean));
        let count = u32::try_from(self.segments.len()).unwrap_or_default();
        put_u32(&mut page, slot::SEGMENT_COUNT, count);
        for (segment, nth) in self.segments.iter().zip(0..SLOT_SEGMENTS) {
            segment.encode(&mut page, slot::SEGMENTS + nth * segment_ref::LEN);
        }
        let count = |length: usize| u32::try_from(length).unwrap_or_default();
        put_u32(&mut page, slot::RUN_COUNT, count(self.runs.len()));
        for (run, nth) in self.runs.iter().zip(0..SLOT_RUNS) {
            run.encode(&mut page, slot::RUNS + nth * run_ref::LEN);
        }
        put_u32(&mut page, slot::FREE_COUNT, count(self.free.len()));
        for (free, nth) in self.free.iter().zip(0..SLOT_FREE) {
            let at = slot::FREE + nth * free_ref::LEN;
            put_u64(&mut page, at + free_ref::FILE_OFFSET, free.file_offset);
            put_u64(&mut page, at + free_ref::LENGTH, free.length);
        }
        let check = self.identity.key.keyed(page.get(..slot::CHECK).unwrap_or_default());
        put_u64(&mut page, slot::CHECK, check);
        page
    }

    /// Reads a slot's page. The key that its check needs is in the page itself.
    pub fn decode(page: &[u8]) -> Result<Self, Unopenable> {
        if !page.starts_with(&SLOT_MAGIC) {
            return Err(Unopenable::Foreign);
        }
        let covered = page.get(..slot::CHECK).ok_or(Unopenable::Damaged)?;
        if page.len() < slot::LEN
            || !matches(get_u64(page, slot::CHECK), Identity::key(page).keyed(covered))
        {
            return Err(Unopenable::Damaged);
        }
        let identity = Identity::decode(page)?;
        // No feature is known yet, so any that may not be ignored is unknown.
        let needed = get_u64(page, slot::INCOMPATIBLE);
        if needed != 0 {
            return Err(Unopenable::Features(needed));
        }
        let decoded = Self {
            identity,
            compatible: get_u64(page, slot::COMPATIBLE),
            read_compatible: get_u64(page, slot::READ_COMPATIBLE),
            counter: get_u64(page, slot::COUNTER),
            epoch: Epoch {
                counter: get_u64(page, slot::EPOCH),
                salt: get_u64(page, slot::EPOCH_SALT),
            },
            watermark: LogOffset::new(get_u64(page, slot::WATERMARK)),
            recorded: Timestamp::from_micros(get_i64(page, slot::RECORDED)),
            index: Mark::decode(page, slot::INDEX_END),
            proof: Mark::decode(page, slot::PROOF_START),
            clean: get_u32(page, slot::CLEAN) == 1,
            segments: list(page, (slot::SEGMENT_COUNT, SLOT_SEGMENTS), |nth| {
                SegmentRef::decode(page, slot::SEGMENTS + nth * segment_ref::LEN)
            })?,
            runs: list(page, (slot::RUN_COUNT, SLOT_RUNS), |nth| {
                RunRef::decode(page, slot::RUNS + nth * run_ref::LEN)
            })?,
            free: list(page, (slot::FREE_COUNT, SLOT_FREE), |nth| {
                let at = slot::FREE + nth * free_ref::LEN;
                Extent {
                    file_offset: get_u64(page, at + free_ref::FILE_OFFSET),
                    length: get_u64(page, at + free_ref::LENGTH),
                }
            })?,
        };
        if decoded.is_sane() { Ok(decoded) } else { Err(Unopenable::Damaged) }
    }

    /// Whether each run goes on where the one before ends, and the last ends where the index does.
    /// Without runs the index is made from the log's first frame on.
    fn are_runs_sane(&self) -> bool {
        let ends = |run: &RunRef| (run.end, run.next);
        let follow = self.runs.iter().zip(self.runs.iter().skip(1));
        self.runs.iter().all(RunRef::is_sane)
            && follow.map(|(a, b)| (ends(a), ends(b))).all(|(a, b)| a.0 < b.0 && a.1 <= b.1)
            && match self.runs.last() {
                Some(last) => ends(last) == (self.index.at, self.index.next),
                None => self.index.at == LogOffset::new(u64_of(SEGMENT_HEADER_LEN)),
            }
    }

    /// Whether its numbers can be: a check proves who wrote a page, not that its writer was right.
    fn is_sane(&self) -> bool {
        let contiguous = self
            .segments
            .iter()
            .zip(self.segments.iter().skip(1))
            .all(|(before, after)| before.log_end() == after.log_offset);
        let end = self.segments.last().map_or(0, |last| last.log_end().get());
        !self.segments.is_empty()
            && self.segments.iter().all(SegmentRef::is_sane)
            && contiguous
            && self.are_runs_sane()
            && self.free.iter().all(Extent::is_sane)
            && self.counter < u64::MAX
            && self.epoch.counter < u64::MAX
            && self.proof.at <= self.watermark
            && self.index.at <= self.watermark
            && self.proof.next >= Position::new(1)
            && self.index.next >= Position::new(1)
            && [self.watermark, self.index.at, self.proof.at]
                .iter()
                .all(|offset| offset.get() % 8 == 0 && offset.get() <= end)
    }
}

/// A list of a slot: its count, and each entry.
fn list<T>(
    page: &[u8],
    (count, most): (usize, usize),
    entry: impl Fn(usize) -> T,
) -> Result<Vec<T>, Unopenable> {
    let count = index(u64::from(get_u32(page, count)));
    if count > most {
        return Err(Unopenable::Damaged);
    }
    Ok((0..count).map(entry).collect())
}

impl Mark {
    fn encode(&self, page: &mut [u8], at: usize) {
        put_u64(page, at, self.at.get());
        put_u64(page, at + 8, self.chain.0);
        put_u64(page, at + 16, self.next.get());
    }

    fn decode(page: &[u8], at: usize) -> Self {
        Self {
            at: LogOffset::new(get_u64(page, at)),
            chain: Chain(get_u64(page, at + 8)),
            next: Position::new(get_u64(page, at + 16)),
        }
    }
}

const _: () = {
    assert!(slot::INDEX_CHAIN == slot::INDEX_END + 8 && slot::INDEX_NEXT == slot::INDEX_END + 16);
    assert!(
        slot::PROOF_CHAIN == slot::PROOF_START + 8 && slot::PROOF_NEXT == slot::PROOF_START + 16
    );
};

//! A run that can't be read: whoever asked gets the answer from the newest runs, or from one that
//! is made anew from the log.
//!
//! Two things make a run unreadable: its room was given to another run (for readers of other
//! processes, and views that outlive `close`), or it is damaged. The slots tell which.

use super::core::{Core, all_segments};
use super::fixed::read_slots;
use super::indexer::FAN;
use crate::format::{
    Entries, FRAME_LEN, FrameHeader, Identity, Mark, PAGE, RunRef, SEGMENT_HEADER_LEN, SegmentRef,
    u64_of,
};
use crate::index::{Input, Job, Pages, Pin, Reach, Run, RunError, Sink, Sources, Step, Table};
use crate::log::{SegmentList, Walk, Window};
use crate::storage::{MemoryStorage, Storage, read_full, write_full};
use crate::threads::PoisonError;
use crate::threads::atomic::Ordering;
use crate::words::{Corruption, Error, LogOffset};
use std::io;
use std::sync::Arc;

/// A question is asked so often at most; each time another run may turn out to be damaged.
const TRIES: usize = 100;
/// Bytes of log read at once.
const AHEAD: usize = 1 << 18;
/// Events of a table while a run is made anew.
const TABLE: u64 = 16 << 10;

impl Core {
    /// Asks the index as it is now, after it has failed to answer.
    #[cold]
    pub fn ask_again<T>(
        &self,
        mut error: RunError,
        mut question: impl FnMut(&Sources) -> Result<T, RunError>,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let RunError::Damaged { id, file_offset, .. } = error else { break };
            self.heal(id, file_offset)?;
            match self.ask_once(&self.index.sources(), &mut question) {
                Ok(answer) => return Ok(answer),
                Err(again) => error = again,
            }
        }
        Err(run_error(error))
    }

    /// Puts something readable in the place of a run that is not.
    pub fn heal(&self, id: u32, file_offset: u64) -> Result<(), Error> {
        let _one_at_a_time = self.healing.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = self.index.sources();
        let is_it = |run: &&Arc<Run>| {
            run.place().id == id && run.place().file_offset == file_offset && !run.is_rebuilt()
        };
        let Some(nth) = sources.runs.iter().position(|run| is_it(&run)) else {
            // Somebody was faster.
            return Ok(());
        };
        if self.reach.is_foreign() && self.take_newest(id, file_offset, &sources)? {
            return Ok(());
        }
        let Some(damaged) = sources.runs.get(nth) else { return Ok(()) };
        let before = nth.checked_sub(1).and_then(|nth| sources.runs.get(nth));
        let start = indexed_to(before.map(|run| run.place()));
        let segments = self.flow.lock().segments.clone();
        let old = (damaged.header().level, Some(damaged.pin().clone()));
        let run = rebuild(&self.storage, &self.identity, &segments, start, damaged.place(), old)?;
        self.healed.fetch_add(1, Ordering::Relaxed);
        self.index.stand_in(Arc::new(run));
        Ok(())
    }

    /// Takes the runs that the newest slot names, if that is not this run any more; `false` if it
    /// is.
    fn take_newest(&self, id: u32, file_offset: u64, sources: &Sources) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let newest = read_slots(&*self.storage)?.chosen;
            let (slot, _) = newest.ok_or_else(Error::outcome_unknown)?;
            if slot.runs.iter().any(|run| run.id == id && run.file_offset == file_offset) {
                return Ok(false);
            }
            if let Some(runs) = self.load_runs(&slot.runs, &sources.runs)? {
                self.index.replace_runs(runs);
                return Ok(true);
            }
        }
        Err(Error::outcome_unknown())
    }

    /// The runs that a slot names: those that are known already, the others opened, or made anew
    /// if their header is damaged. Nothing if they have been given up meanwhile.
    pub fn load_runs(
        &self,
        named: &[RunRef],
        known: &[Arc<Run>],
    ) -> Result<Option<Vec<Arc<Run>>>, Error> {
        let segments = self.flow.lock().segments.clone();
        let opened =
            open_runs(&self.storage, &self.reach, &self.identity, &segments, named, known)?;
        Ok(opened.map(|(runs, healed)| {
            self.healed.fetch_add(healed, Ordering::Relaxed);
            runs
        }))
    }
}

/// The runs, and how many of them were made anew.
pub type Opened = (Vec<Arc<Run>>, u64);

/// See [`Core::load_runs`]; also says how many were made anew.
pub fn open_runs(
    storage: &Arc<dyn Storage>,
    reach: &Arc<Reach>,
    identity: &Identity,
    segments: &SegmentList,
    named: &[RunRef],
    known: &[Arc<Run>],
) -> Result<Option<Opened>, Error> {
    let mut healed = 0;
    let mut before = None;
    let mut runs = Vec::with_capacity(named.len());
    // All of them are on their way before the first header is looked at.
    let pages = |place: &RunRef| Pages::new(storage.clone(), reach.clone(), *place, identity.key);
    let found = named.iter().map(|place| {
        let known = known.iter().find(|run| run.place() == place);
        (place, known.cloned().ok_or_else(|| pages(place)))
    });
    let found: Vec<_> = found.collect();
    for (place, found) in found {
        let run = match found {
            Ok(known) => known,
            Err(pages) => Arc::new(match Run::of(pages) {
                Ok(run) if follows(&run, before) => run,
                Err(error @ RunError::Io(_)) => return Err(run_error(error)),
                _ => {
                    // Where somebody else writes, its room may be another run's by now.
                    if reach.is_foreign() && !is_named(&**storage, place)? {
                        return Ok(None);
                    }
                    healed += 1;
                    rebuild(storage, identity, segments, indexed_to(before), place, (0, None))?
                }
            }),
        };
        before = Some(place);
        runs.push(run);
    }
    Ok(Some((runs, healed)))
}

/// Whether the newest slot names this run. A device that has no slot names all.
fn is_named(storage: &dyn Storage, place: &RunRef) -> Result<bool, Error> {
    let newest = read_slots(storage)?.chosen;
    Ok(newest.is_none_or(|(slot, _)| slot.runs.contains(place)))
}

/// Where a run begins: where the one before it ends. The first begins where the log does.
pub fn indexed_to(before: Option<&RunRef>) -> LogOffset {
    before.map_or(LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN)), |before| before.end)
}

/// A run of the log behind another one, up to where `wanted` says, in memory.
pub fn build_run(
    storage: &Arc<dyn Storage>,
    identity: &Identity,
    segments: &SegmentList,
    before: Option<&RunRef>,
    wanted: &RunRef,
) -> Result<Run, Error> {
    rebuild(storage, identity, segments, indexed_to(before), wanted, (0, None))
}

/// Whether a run begins where the one before it ends, in the log and in positions.
fn follows(run: &Run, before: Option<&RunRef>) -> bool {
    let header = run.header();
    header.start == indexed_to(before) && before.is_none_or(|before| header.first == before.next)
}

/// Makes a run anew from the log, in memory: as much as it takes in the file.
fn rebuild(
    storage: &Arc<dyn Storage>,
    identity: &Identity,
    segments: &SegmentList,
    at: LogOffset,
    place: &RunRef,
    (level, pin): (u32, Option<Pin>),
) -> Result<Run, Error> {
    let key = identity.key;
    let failed = |error| Error::io("making a damaged run anew from the log failed", error);
    let all = all_segments(&**storage, &key, segments)?;
    let window = Window::new(storage.clone(), AHEAD);
    let start = mark_at(storage, identity, segments, at)?.unwrap_or(Mark { at, ..Mark::default() });
    let mut walk = Walk::by_chain(key, segments, window, start);
    let mut runs: Vec<Run> = Vec::new();
    let mut table = Arc::new(Table::new(start, key));
    while walk.here.at < place.end {
        let just_one = walk.here.at.plus(1);
        let stop = walk.run(just_one, &mut |met: Entries<'_>| {
            table.extend(met);
            true
        });
        if stop.map_err(failed)?.is_some() {
            break;
        }
        let all_of_it = walk.here.at >= place.end;
        if table.load() >= TABLE || all_of_it {
            table.close(walk.here);
            // What has neither events nor documents is a run too.
            let segments = holding(&all, table.start().at, walk.here.at);
            let input = Input::table(table.clone(), segments);
            runs.push(make(vec![input], 0, place.id, identity)?);
            table = Arc::new(Table::new(walk.here, key));
            merge_last(&mut runs, place.id, identity)?;
        }
    }
    if (walk.here.at, walk.here.next) != (place.end, place.next) {
        let there = segments.find(walk.here.at).map(|segment| segment.place);
        return Err(Error::corrupt(Corruption {
            file_offset: there.map(|segment| segment.file_offset(walk.here.at)),
            log_offset: Some(walk.here.at),
            intact_to: Some(walk.here.next.previous()),
            what: "a run of the index is damaged, and so is the log that it was made from"
                .to_owned(),
        }));
    }
    let level = level.max(runs.first().map_or(0, |run| run.header().level));
    let inputs = runs.into_iter().map(|run| Input::Run(Arc::new(run))).collect();
    let made = make(inputs, level, place.id, identity)?;
    Ok(made.standing_for(*place, pin))
}

/// The mark of the frame here, which says itself what stands before it; nothing if there is none.
pub fn mark_at(
    storage: &Arc<dyn Storage>,
    identity: &Identity,
    segments: &SegmentList,
    at: LogOffset,
) -> Result<Option<Mark>, Error> {
    let Some(segment) = segments.find(at) else { return Ok(None) };
    let mut bytes = [0; FRAME_LEN];
    let read = read_full(&**storage, &mut bytes, segment.place.file_offset(at));
    let read = read.map_err(|error| Error::io("reading the log failed", error))?;
    let header = FrameHeader::decode(bytes.get(..read).unwrap_or_default(), at, &identity.key);
    Ok(header.map(|(header, _)| Mark { at, chain: header.before, next: header.first }))
}

/// Those of these segments that hold the log from one offset up to another.
pub fn holding(segments: &[SegmentRef], start: LogOffset, end: LogOffset) -> Vec<SegmentRef> {
    let holds = |segment: &&SegmentRef| segment.log_end() > start && segment.log_offset < end;
    segments.iter().filter(holds).copied().collect()
}

/// The last runs become one while there are enough of a level.
fn merge_last(runs: &mut Vec<Run>, id: u32, identity: &Identity) -> Result<(), Error> {
    loop {
        let Some(level) = runs.last().map(|run| run.header().level) else { return Ok(()) };
        let alike = runs.iter().rev().take_while(|run| run.header().level == level).count();
        if alike < FAN {
            return Ok(());
        }
        let last = runs.split_off(runs.len() - FAN);
        let inputs = last.into_iter().map(|run| Input::Run(Arc::new(run))).collect();
        runs.push(make(inputs, level.saturating_add(1), id, identity)?);
    }
}

/// A run in memory from these inputs.
fn make(inputs: Vec<Input>, level: u32, id: u32, identity: &Identity) -> Result<Run, Error> {
    let memory = Memory(Arc::new(MemoryStorage::new()));
    let mut sink = Memory(memory.0.clone());
    let job = Job::new(inputs, level, id, identity.key).map_err(run_error)?;
    let mut job = job.ok_or_else(Error::outcome_unknown)?;
    let mut pages = 0;
    loop {
        match job.step(&mut sink, u64::MAX).map_err(run_error)? {
            Step::Counted(counted) => pages = counted,
            Step::More => {}
            Step::Done => break,
        }
    }
    let header = *job.header();
    let place = RunRef { file_offset: 0, pages, id, end: header.end, next: header.next };
    Run::open(memory.0, Arc::new(Reach::new(false)), place, identity.key).map_err(run_error)
}

/// A run's pages in memory.
struct Memory(Arc<MemoryStorage>);

impl Sink for Memory {
    fn write(&mut self, first: u32, pages: &[u8]) -> io::Result<()> {
        write_full(&*self.0, pages, u64::from(first) * PAGE)
    }
}

/// What a run that can't be read is to a user.
pub fn run_error(error: RunError) -> Error {
    match error {
        RunError::Io(source) => Error::io("reading the index failed", source),
        RunError::Damaged { id, file_offset, page } => Error::corrupt(Corruption {
            file_offset: Some(file_offset.saturating_add(u64::from(page) * PAGE)),
            log_offset: None,
            intact_to: None,
            what: format!("page {page} of run {id} of the index fails its check"),
        }),
    }
}

#[cfg(test)]
mod tests;

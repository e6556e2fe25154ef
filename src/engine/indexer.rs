//! The index behind the writer: tables become runs, runs become larger runs.
//!
//! Done by the keeper, or by whoever finds that it lags too far behind; one at a time, in steps of
//! bounded size. Only a slot makes a run count. Its pages are synced before, by the sync that the
//! slot needs anyway.

use super::core::Core;
use super::free::class;
use super::heal::{holding, run_error};
use super::slots::Before;
use super::writer::WriteSide;
use crate::format::{Extent, Mark, PAGE, RunRef, SLOT_RUNS, SegmentRef, Slot, u64_of};
use crate::index::{Input, Job, Run, RunError, Sink, Sources, Step};
use crate::storage::{Storage, write_full};
use crate::threads::atomic::{AtomicBool, Ordering};
use crate::threads::{Hint, Mutex, MutexGuard, PoisonError};
use crate::words::{Error, ErrorKind, Timestamp};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs of a level that become one of the next.
pub const FAN: usize = 4;
/// Bytes of a run that are written between two looks at what is more urgent, and between two syncs:
/// an append waits for no more of a merge than this.
const STEP: u64 = 4 << 20;
/// The same while synced commits come in: each of their syncs writes what there is of a merge, too.
const GENTLE: u64 = STEP / 8;
/// The index in memory may grow to so many times what makes a table full, while the oldest of it
/// becomes a run; then commits wait. It is what a crash makes the next opening scan.
const LAG: u64 = 3;
/// Steps that a commit does at the most before it goes on, where the index lags.
const HELP: u32 = 32;
/// From so many runs of the lowest level on, merging goes before making more of them.
const CROWD: usize = 2 * FAN;
/// After a failure, such as a full device, it is tried again so much later.
const PAUSE: Duration = Duration::from_secs(1);
/// Runs that could not be merged are left alone so long, while others are.
const REST: Duration = Duration::from_secs(60);

/// What makes runs.
pub struct Indexer {
    state: Mutex<State>,
    trouble: Mutex<Option<Error>>,
    /// Whether commits have to wait for it.
    lags: AtomicBool,
    written: Hint,
    rewritten: Hint,
    /// Bytes of a step.
    step: Hint,
}

struct State {
    /// The number of the next run.
    next_id: u32,
    /// Merges under way, the one of the highest level first: the last is gone on with.
    merges: Vec<Merge>,
    /// After a failure: when to try again.
    not_before: Option<Instant>,
    /// Runs that could not be merged, by their numbers, and when that was.
    resting: Vec<(Vec<u32>, Instant)>,
    /// A run that can't be read: its number and place. It is made anew under no lock.
    damaged: Option<(u32, u64)>,
}

struct Merge {
    inputs: Vec<RunRef>,
    level: u32,
    job: Job,
    /// Where it is written, once that is known.
    extent: Option<Extent>,
    /// Bytes written since it was synced last.
    unsynced: u64,
}

impl Indexer {
    /// For a store of which the newest slot is this one.
    pub fn new(slot: &Slot) -> Self {
        let last = slot.runs.iter().map(|run| run.id).max().unwrap_or(0);
        let next_id = last.saturating_add(1);
        let (merges, resting) = (Vec::new(), Vec::new());
        let state = State { next_id, merges, not_before: None, resting, damaged: None };
        Self {
            state: Mutex::new(state),
            trouble: Mutex::default(),
            lags: AtomicBool::new(false),
            written: Hint::new(0),
            rewritten: Hint::new(0),
            step: Hint::new(STEP),
        }
    }

    /// Bytes written from memory, and bytes written by merging.
    pub fn counters(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.rewritten.load(Ordering::Relaxed))
    }

    /// What went wrong when it was last tried.
    pub fn trouble(&self) -> Option<Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteSide {
    /// Whether the newest table is to take in no more: it is full, and none before it waits to
    /// become a run.
    pub(super) fn is_full(&self, sources: &Sources, end: Mark) -> bool {
        let [table] = sources.tables.as_slice() else { return false };
        self.is_beyond(table.load(), table.start(), end, 1)
    }

    /// Notes whether the index lags too far behind: commits wait until it does not.
    pub(super) fn note_lag(&self, sources: &Sources, end: Mark) {
        let lags = match sources.tables.as_slice() {
            [oldest, _, ..] => {
                let load = sources.tables.iter().map(|table| table.load()).sum();
                self.is_beyond(load, oldest.start(), end, LAG)
            }
            _ => false,
        };
        self.indexer.lags.store(lags, Ordering::Relaxed);
    }

    /// Whether so much between two marks is so many times more than makes a table full.
    fn is_beyond(&self, load: u64, start: Mark, end: Mark, times: u64) -> bool {
        let bytes = end.at.since(start.at);
        load >= self.settings.tail_events.saturating_mul(times)
            || bytes >= self.settings.tail_bytes.saturating_mul(times)
    }

    /// Called before a commit: if the index lags too far behind, this thread helps.
    ///
    /// Where that fails, such as on a full device, the commit goes on all the same: the index in
    /// memory grows, and nothing is lost.
    pub(super) fn keep_up(&self, core: &Core) {
        if !self.indexer.lags.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.indexer.lock();
        let again = state.not_before.is_none_or(|then| Instant::now() >= then);
        if again && self.indexer.lags.swap(false, Ordering::Relaxed) {
            let result = self.catch_up(core, &mut state);
            self.note_index(&mut state, &result);
        }
    }

    /// Makes a run of one table, and before that room for it by merging, if it must be.
    fn catch_up(&self, core: &Core, state: &mut State) -> Result<(), Error> {
        core.flow.lock().check_writable()?;
        let waiting = core.index.sources().tables.len();
        for _ in 0..HELP {
            self.some_index_work(core, state)?;
            if core.index.sources().tables.len() < waiting {
                break;
            }
        }
        Ok(())
    }

    /// What failed a moment ago is tried again at once.
    pub(super) fn index_now(&self) {
        self.indexer.lock().not_before = None;
    }

    /// Whether the next piece gives way to synced commits, which come in or don't: it does unless a
    /// table waits for it. However many runs there are, there is room for the next until one does.
    pub(super) fn index_gently(&self, core: &Core, commits: bool) -> bool {
        let gently = commits && core.index.sources().tables.len() < 2;
        // Relaxed: a piece that is longer or shorter than it should be does no harm.
        self.indexer.step.store(if gently { GENTLE } else { STEP }, Ordering::Relaxed);
        gently
    }

    /// Does one piece of what is to be done for the index; `true` if there may be more.
    pub(super) fn index_step(&self, core: &Core) -> Result<bool, Error> {
        let mut state = self.indexer.lock();
        if state.not_before.is_some_and(|then| Instant::now() < then) {
            return Ok(false);
        }
        core.flow.lock().check_writable()?;
        if let Some((id, file_offset)) = state.damaged.take() {
            // A walk over much of the log: nobody is to wait for it.
            drop(state);
            let healed = core.heal(id, file_offset);
            let mut state = self.indexer.lock();
            if healed.is_ok() {
                // What could not be merged because of it can be now.
                state.resting.retain(|(ids, _)| !ids.contains(&id));
            }
            self.note_index(&mut state, &healed);
            return healed.map(|()| true);
        }
        let result = self.some_index_work(core, &mut state);
        self.note_index(&mut state, &result);
        result
    }

    fn some_index_work(&self, core: &Core, state: &mut State) -> Result<bool, Error> {
        let sources = core.index.sources();
        let waiting = sources.tables.len() > 1;
        let lowest = sources.runs.iter().rev().take_while(|run| run.header().level == 0).count();
        if waiting && lowest < CROWD && sources.runs.len() < SLOT_RUNS {
            self.table_to_run(core, state, false)?;
            return Ok(true);
        }
        self.plan(core, state, &sources, waiting)?;
        if !state.merges.is_empty() {
            self.merge_step(core, state)?;
            return Ok(true);
        }
        // Nothing can be merged: then there are more of the lowest level.
        let may = waiting && sources.runs.len() < SLOT_RUNS;
        if may {
            self.table_to_run(core, state, false)?;
        }
        Ok(may)
    }

    /// When to look again after a failure.
    pub(super) fn index_again(&self) -> Option<Duration> {
        let then = self.indexer.lock().not_before?;
        Some(then.saturating_duration_since(Instant::now()))
    }

    fn note_index<T>(&self, state: &mut State, result: &Result<T, Error>) {
        // Work that came too late for a store that is being closed is no trouble.
        let error = result.as_ref().err().filter(|error| error.kind() != ErrorKind::Closed);
        state.not_before = error.map(|_| Instant::now() + PAUSE);
        let trouble = self.indexer.trouble.lock();
        *trouble.unwrap_or_else(PoisonError::into_inner) = error.cloned();
    }

    /// Returns when no piece of a run is being written any more. Whoever comes later with one finds
    /// the store closed.
    pub(super) fn await_index_work(&self) {
        drop(self.indexer.lock());
    }

    /// At closing: everything in memory becomes a run, and the last slot says that the store was
    /// closed.
    pub(super) fn index_all(&self, core: &Core) -> Result<(), Error> {
        let mut state = self.indexer.lock();
        let result = self.index_rest(core, &mut state);
        self.note_index(&mut state, &result);
        result
    }

    fn index_rest(&self, core: &Core, state: &mut State) -> Result<(), Error> {
        {
            let writer = self.writer();
            if core.index.sources().active().is_some_and(|table| table.load() > 0) {
                core.index.freeze(writer.mark());
            }
        }
        loop {
            let sources = core.index.sources();
            match sources.tables.len() {
                0 | 1 => return Ok(()),
                _ if sources.runs.len() >= SLOT_RUNS => {
                    self.plan(core, state, &sources, true)?;
                    if state.merges.is_empty() {
                        return Ok(());
                    }
                    self.merge_step(core, state)?;
                }
                left => self.table_to_run(core, state, left == 2)?,
            }
        }
    }

    /// The oldest table that takes in no more becomes a run.
    fn table_to_run(&self, core: &Core, state: &mut State, clean: bool) -> Result<(), Error> {
        let sources = core.index.sources();
        let [table, _, ..] = sources.tables.as_slice() else { return Ok(()) };
        if sources.runs.len() >= SLOT_RUNS {
            return Ok(());
        }
        let Some(end) = table.end() else { return Ok(()) };
        // The sync before the slot is written takes it along.
        self.write_to(core, end.at)?;
        let id = state.take_id();
        let segments = core.flow.lock().segments.clone();
        let segments: Vec<SegmentRef> = segments.iter().copied().collect();
        let segments = holding(&segments, table.start().at, end.at);
        let input = vec![Input::table(table.clone(), segments)];
        let job = Job::new(input, 0, id, core.identity.key).map_err(run_error)?;
        let mut job = job.ok_or_else(too_large)?;
        let mut extent = None;
        let written = self.write_run(core, &mut job, &mut extent, u64::MAX);
        let run = match written.and_then(|_| self.open_run(core, &job, extent)) {
            Ok(run) => run,
            Err(error) => {
                self.abandon(extent);
                core.flow.lock().check_poison()?;
                return Err(write_error(error));
            }
        };
        self.indexer.written.fetch_add(job.written(), Ordering::Relaxed);
        let place = *run.place();
        self.name_run(core, extent, &[], |slot| {
            slot.runs.push(place);
            slot.index = end;
            slot.clean |= clean;
        })?;
        core.index.install(Arc::new(run), &[]);
        Ok(())
    }

    /// Begins a merge, if one is due that is smaller than those under way.
    fn plan(
        &self,
        core: &Core,
        state: &mut State,
        sources: &Sources,
        urgent: bool,
    ) -> Result<(), Error> {
        state.resting.retain(|(_, since)| since.elapsed() < REST);
        let busy = |run: &RunRef| state.merges.iter().any(|merge| merge.inputs.contains(run));
        let rests = |runs: &[&Arc<Run>]| {
            let ids = runs.iter().map(|run| run.place().id);
            state.resting.iter().any(|(resting, _)| ids.clone().eq(resting.iter().copied()))
        };
        let runs: Vec<&Arc<Run>> = sources.runs.iter().collect();
        let under_way = state.merges.last().map(|merge| merge.level);
        // The lowest level first, and of that the oldest.
        let level_of = |four: &&[&Arc<Run>]| four.first().map_or(0, |run| run.header().level);
        let is_due = |four: &&[&Arc<Run>]| {
            let level = level_of(four);
            four.iter().all(|run| run.header().level == level && !busy(run.place()))
                && under_way.is_none_or(|under_way| level.saturating_add(1) < under_way)
                && !rests(four)
        };
        let due = runs.windows(FAN).filter(is_due).min_by_key(level_of);
        // A run that was made anew in memory goes back to the file, by itself.
        let healed = runs.iter().map(std::slice::from_ref).find(|run| {
            run.iter().all(|run| run.is_rebuilt() && !busy(run.place())) && !rests(run)
        });
        // No room for another run, and no four of a level: the last ones become one.
        let no_room = urgent && runs.len() >= SLOT_RUNS && state.merges.is_empty();
        let last = runs.get(runs.len().saturating_sub(FAN)..);
        let last = last.filter(|last| no_room && !rests(last));
        let Some(chosen) = due.or(healed).or(last) else { return Ok(()) };
        let level = chosen.iter().map(|run| run.header().level).max().unwrap_or(0);
        let level = if chosen.len() > 1 { level.saturating_add(1) } else { level };
        let inputs: Vec<RunRef> = chosen.iter().map(|run| *run.place()).collect();
        let parts = chosen.iter().map(|run| Input::Run((*run).clone())).collect();
        let id = state.take_id();
        match Job::new(parts, level, id, core.identity.key) {
            Ok(Some(job)) => {
                state.merges.push(Merge { inputs, level, job, extent: None, unsynced: 0 });
            }
            // More than a run can hold: these stay as they are.
            Ok(None) => state.resting.push((ids_of(&inputs), Instant::now())),
            Err(error) => state.rest(&inputs, error)?,
        }
        Ok(())
    }

    /// Goes on with the smallest merge under way.
    fn merge_step(&self, core: &Core, state: &mut State) -> Result<(), Error> {
        let Some(mut merge) = state.merges.pop() else { return Ok(()) };
        let before = merge.job.written();
        let step = self.indexer.step.load(Ordering::Relaxed);
        let done = self.write_run(core, &mut merge.job, &mut merge.extent, step);
        let run = match done {
            Ok(false) => {
                merge.unsynced = merge.unsynced.saturating_add(merge.job.written() - before);
                if merge.unsynced >= step {
                    // What is not synced yet stays small, whoever syncs next.
                    merge.unsynced = 0;
                    core.sync_now()?;
                }
                state.merges.push(merge);
                return Ok(());
            }
            Ok(true) => self.open_run(core, &merge.job, merge.extent),
            Err(error) => Err(error),
        };
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                self.abandon(merge.extent);
                core.flow.lock().check_poison()?;
                return state.rest(&merge.inputs, error);
            }
        };
        self.indexer.rewritten.fetch_add(merge.job.written(), Ordering::Relaxed);
        let place = *run.place();
        let sources = core.index.sources();
        let dropped: Vec<Arc<Run>> =
            merge.inputs.iter().filter_map(|input| sources.run(input).cloned()).collect();
        drop(sources);
        self.name_run(core, merge.extent, &dropped, |slot| {
            let at = slot.runs.iter().position(|run| merge.inputs.contains(run));
            slot.runs.retain(|run| !merge.inputs.contains(run));
            slot.runs.insert(at.unwrap_or(slot.runs.len()), place);
        })?;
        core.index.install(Arc::new(run), &merge.inputs);
        Ok(())
    }

    /// Writes some of a run, or with no bound all of it; `true` when it is complete.
    fn write_run(
        &self,
        core: &Core,
        job: &mut Job,
        extent: &mut Option<Extent>,
        budget: u64,
    ) -> Result<bool, RunError> {
        loop {
            check_poison(core).map_err(RunError::Io)?;
            let mut sink = FileSink { storage: &*core.storage, extent: *extent };
            match job.step(&mut sink, budget)? {
                Step::Done => return Ok(true),
                Step::Counted(pages) => {
                    *extent = Some(self.room(core, u64::from(pages) * PAGE).map_err(RunError::Io)?);
                }
                Step::More => return Ok(false),
            }
        }
    }

    /// Room for a run.
    ///
    /// A poisoned store has none to give: a slot whose sync failed may name room that this process
    /// takes for free.
    fn room(&self, core: &Core, length: u64) -> io::Result<Extent> {
        let mut slots = self.slots.lock();
        if slots.sealed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        check_poison(core)?;
        self.reopened(core, &mut slots).map_err(io::Error::other)?;
        let newest = slots.newest.counter;
        let extent = match slots.free.take(length, newest) {
            Some(extent) => extent,
            None => {
                let extent = Extent { file_offset: slots.file_end, length };
                let taken = Extent { length: class(length), ..extent };
                core.storage.allocate(taken.file_offset, taken.length)?;
                slots.file_end = taken.end();
                // No slot has ever named it.
                slots.free.add_unnamed(extent.end(), taken.end(), 0);
                extent
            }
        };
        slots.free.fill(extent);
        Ok(extent)
    }

    /// Opens what was written: a slot is not going to name what can't be read.
    fn open_run(&self, core: &Core, job: &Job, extent: Option<Extent>) -> Result<Run, RunError> {
        let header = job.header();
        let extent = extent.unwrap_or_default();
        let place = RunRef {
            file_offset: extent.file_offset,
            pages: u32::try_from(extent.length / PAGE).unwrap_or(u32::MAX),
            id: job.id(),
            end: header.end,
            next: header.next,
        };
        Run::open(core.storage.clone(), core.reach.clone(), place, core.identity.key)
    }

    /// What was to be written there is not going to be.
    fn abandon(&self, extent: Option<Extent>) {
        if let Some(extent) = extent {
            self.slots.lock().free.abandon(extent);
        }
    }

    /// A slot names a new run; the room of those that it stands for is free from then on.
    fn name_run(
        &self,
        core: &Core,
        extent: Option<Extent>,
        dropped: &[Arc<Run>],
        change: impl FnOnce(&mut Slot),
    ) -> Result<(), Error> {
        // The long sync comes first, while others may have the slots: a commit that begins a new
        // segment needs them.
        core.sync_now()?;
        let recorded = Timestamp::from_micros(self.recorded.load(Ordering::Relaxed));
        let mut slots = self.slots.lock();
        if let Some(extent) = extent {
            slots.free.filled(extent);
        }
        let counter = slots.newest.counter.saturating_add(1);
        for run in dropped {
            slots.free.drop_run(run, counter);
        }
        slots.write(core, recorded, Before::Nothing, change)
    }
}

impl State {
    /// These runs could not be merged now; others are, meanwhile. If that is because one of them
    /// can't be read, it is made anew.
    fn rest(&mut self, inputs: &[RunRef], error: RunError) -> Result<(), Error> {
        self.resting.push((ids_of(inputs), Instant::now()));
        match error {
            RunError::Damaged { id, file_offset, .. } => {
                self.damaged = Some((id, file_offset));
                Ok(())
            }
            error => Err(write_error(error)),
        }
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        id
    }
}

fn ids_of(runs: &[RunRef]) -> Vec<u32> {
    runs.iter().map(|run| run.id).collect()
}

/// Pages of a run to their place in the file.
struct FileSink<'a> {
    storage: &'a dyn Storage,
    extent: Option<Extent>,
}

impl Sink for FileSink<'_> {
    fn write(&mut self, first: u32, pages: &[u8]) -> io::Result<()> {
        let extent = self.extent.unwrap_or_default();
        let at = u64::from(first) * PAGE;
        if at.saturating_add(u64_of(pages.len())) > extent.length {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        write_full(self.storage, pages, extent.file_offset.saturating_add(at))
    }
}

fn check_poison(core: &Core) -> io::Result<()> {
    core.flow.lock().check_poison().map_err(io::Error::other)
}

fn write_error(error: RunError) -> Error {
    match error {
        RunError::Io(error) => Error::io(
            "writing the index failed; the log has everything, and it is tried again",
            error,
        ),
        damaged @ RunError::Damaged { .. } => run_error(damaged),
    }
}

fn too_large() -> Error {
    Error::io("writing the index failed", io::ErrorKind::FileTooLarge.into())
}

#[cfg(test)]
mod tests;

//! Backup: the same store, as far as it is durable now, closed.
//!
//! Nothing that is copied is written any more: the log below its durable end, and runs that are
//! pinned. So the store goes on being written meanwhile. Everything stays at its place in the file,
//! since the log says of itself where it stands; what is not copied is a hole.

use super::CopyReport;
use crate::engine::core::Core;
use crate::engine::heal::{build_run, indexed_to, run_error};
use crate::engine::settings::Settings;
use crate::engine::verify::VerifyReport;
use crate::engine::writer::{Engine, Mode};
use crate::format::{
    Extent, FileHeader, Mark, PAGE, RunRef, SLOT_PAGES, SLOT_RUNS, SLOT_SEGMENTS, SegmentRef, Slot,
    index, u64_of,
};
use crate::index::{Run, RunError};
use crate::storage::{Storage, read_full, sync_full, write_full};
use crate::words::{Corruption, Error};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Copied at once.
const CHUNK: u64 = 1 << 20;

/// How far a copy is, and whether it is to go on.
struct Progress<'a> {
    done: u64,
    all: u64,
    tell: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
}

impl Progress<'_> {
    /// So many bytes more are done; `Break` if it is to stop.
    fn add(&mut self, bytes: u64) -> ControlFlow<()> {
        self.done = self.done.saturating_add(bytes).min(self.all);
        (self.tell)(self.done, self.all)
    }
}

impl Engine {
    /// Copies what is durable to an empty device, and reads the copy again. `progress` gets bytes
    /// done and bytes in all, and may stop it.
    pub fn backup(
        &self,
        target: &Arc<dyn Storage>,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<CopyReport, Error> {
        // First the runs, so that none of them goes further than the end.
        let view = self.view()?;
        let (end, mut slot) = self.durable_end()?;
        let segments = self.core.flow.lock().segments.clone();
        let mut segments = self.core.all_segments(&segments)?;
        segments.retain(|segment| segment.log_offset <= end.at);
        let log = end.at.get();
        let run_bytes: u64 = view.sources.runs.iter().map(|run| run.place().extent().length).sum();
        // Copied, then read again.
        let all = log.saturating_mul(2).saturating_add(run_bytes);
        let mut progress = Progress { done: 0, all, tell: &mut progress };
        let cancelled = || Ok(CopyReport { cancelled: true, ..CopyReport::default() });

        for segment in &segments {
            self.take_room(&**target, segment.extent)?;
            if self.copy_segment(&**target, segment, end, &mut progress)?.is_break() {
                return cancelled();
            }
        }
        let mut runs = Vec::with_capacity(view.sources.runs.len() + 1);
        let extents = segments.iter().map(|segment| segment.extent);
        let named = view.sources.runs.iter().map(|run| run.place().extent());
        let mut file_end = extents.chain(named).map(|extent| extent.end()).max().unwrap_or(0);
        for run in &view.sources.runs {
            let place = self.copy_run(&**target, run, runs.last(), &mut file_end)?;
            runs.push(place);
            if progress.add(place.extent().length).is_break() {
                return cancelled();
            }
        }
        slot.index = end;
        if indexed_to(runs.last()) < end.at {
            let id = runs.iter().map(|run| run.id).max().unwrap_or(0).saturating_add(1);
            if runs.len() >= SLOT_RUNS {
                // There is no room for one more: the last one is made longer.
                runs.pop();
            }
            let wanted = RunRef { file_offset: 0, pages: 0, id, end: end.at, next: end.next };
            let run = self.run_behind(runs.last(), &wanted)?;
            runs.push(self.copy_run(&**target, &run, None, &mut file_end)?);
        }

        slot.watermark = end.at;
        slot.clean = true;
        slot.runs = runs;
        slot.free.clear();
        slot.segments = segments;
        slot.segments.drain(..slot.segments.len().saturating_sub(SLOT_SEGMENTS));
        write_head(&**target, &self.core, slot).map_err(failed)?;
        let copy = Self::open_read_only(target.clone(), &Settings::default())?;
        let mut said = 0;
        let report = copy.verify(|done, _| {
            let more = done.saturating_sub(said);
            said = done;
            progress.add(more)
        })?;
        if report.cancelled {
            return cancelled();
        }
        if let Some(issue) = report.issues.first() {
            return Err(Error::corrupt(Corruption {
                file_offset: issue.file_offset,
                log_offset: issue.log_offset,
                intact_to: None,
                what: format!("the copy is not whole, since the store is not: {}", issue.what),
            }));
        }
        let bytes = target.size().map_err(failed)?;
        let VerifyReport { commits, events, documents, .. } = report;
        Ok(CopyReport { commits, events, documents, bytes, cancelled: false })
    }

    /// Where the durable log ends now, and what the newest slot says.
    fn durable_end(&self) -> Result<(Mark, Slot), Error> {
        match &self.mode {
            Mode::Write(side) => {
                let mark = side.writer().mark();
                if mark.at > self.core.watermark() {
                    side.sync_to(&self.core, mark.at)?;
                }
                Ok((mark, side.slots.lock().newest.clone()))
            }
            Mode::Follow(follow) => Ok(follow.durable_end()),
        }
    }

    fn take_room(&self, target: &dyn Storage, extent: Extent) -> Result<(), Error> {
        target.allocate(extent.file_offset, extent.length).map_err(failed)
    }

    /// The header and frames of a segment, up to the end of the log.
    fn copy_segment(
        &self,
        target: &dyn Storage,
        segment: &SegmentRef,
        end: Mark,
        progress: &mut Progress<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let length = end.at.min(segment.log_end()).since(segment.log_offset);
        let first = segment.extent.file_offset;
        let mut buffer = vec![0; index(CHUNK.min(length))];
        let mut at = 0;
        while at < length {
            let chunk = buffer.get_mut(..index(CHUNK.min(length - at))).unwrap_or_default();
            let offset = first.saturating_add(at);
            let read = read_full(&*self.core.storage, chunk, offset).map_err(failed)?;
            if read < chunk.len() {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            write_full(target, chunk, offset).map_err(failed)?;
            at = at.saturating_add(u64_of(read));
            if progress.add(u64_of(read)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// A run of the log behind another one, made in memory.
    fn run_behind(&self, before: Option<&RunRef>, wanted: &RunRef) -> Result<Arc<Run>, Error> {
        let core = &*self.core;
        let segments = core.flow.lock().segments.clone();
        build_run(&core.storage, &core.identity, &segments, before, wanted).map(Arc::new)
    }

    /// A run, at its place, or behind everything where it has none. One that is damaged, or given
    /// up by who writes, is made anew first: its log is there.
    fn copy_run(
        &self,
        target: &dyn Storage,
        run: &Arc<Run>,
        before: Option<&RunRef>,
        file_end: &mut u64,
    ) -> Result<RunRef, Error> {
        let mut run = run.clone();
        loop {
            let mut place = RunRef { pages: run.page_count(), ..*run.place() };
            if place != *run.place() || place.file_offset == 0 {
                place.file_offset = *file_end;
                *file_end = place.extent().end();
            }
            self.take_room(target, place.extent())?;
            let copied = run.each_page(|number, page| {
                let at = place.file_offset.saturating_add(u64::from(number) * PAGE);
                write_full(target, page, at)
            });
            match copied {
                Ok(()) => return Ok(place),
                Err(RunError::Damaged { id, file_offset, .. }) if !run.is_rebuilt() => {
                    self.core.heal(id, file_offset)?;
                    let healed = self.core.index.sources().run(run.place()).cloned();
                    run = match healed {
                        Some(healed) => healed,
                        None => self.run_behind(before, run.place())?,
                    };
                }
                Err(error) => return Err(run_error(error)),
            }
        }
    }
}

/// Page 0 and both slots, behind a sync of all that they speak of.
fn write_head(target: &dyn Storage, core: &Core, mut slot: Slot) -> io::Result<()> {
    sync_full(target)?;
    write_full(target, &FileHeader { identity: core.identity }.encode(), 0)?;
    for page in SLOT_PAGES {
        slot.counter = slot.counter.saturating_add(1);
        write_full(target, &slot.encode(), page)?;
    }
    sync_full(target)
}

fn failed(error: io::Error) -> Error {
    Error::io("copying the store failed", error)
}

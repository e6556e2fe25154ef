//! Verifying a store: everything read again.

use super::compared::Compared;
use super::report::{Issue, VerifyReport};
use super::runs::check_pages;
use crate::engine::examine::header_damage;
use crate::engine::fixed::read_slots;
use crate::engine::heal::mark_at;
use crate::engine::view::View;
use crate::engine::writer::{Engine, Mode};
use crate::format::{Chain, Entries, Epoch, Mark, PAGE, SEGMENT_HEADER_LEN, SegmentRef, u64_of};
use crate::log::{Rules, Stop, Walk, Window, header_of};
use crate::threads::thread;
use crate::words::{Error, LogOffset};
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

const AHEAD: usize = 1 << 20;
/// Bytes between two reports of progress.
const STEP: u64 = 16 << 20;
/// So often it is looked for what has to be there, and so long between.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

impl Engine {
    /// Reads the whole log again and compares the index with it. `progress` gets bytes done and
    /// bytes in all, and may stop it.
    pub fn verify(
        &self,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, Error> {
        let mut checking = match Checking::begin(self)? {
            ControlFlow::Continue(checking) => checking,
            ControlFlow::Break(report) => return Ok(report),
        };
        let view = checking.view.clone();
        let mut compared = Compared::new(&view);
        let mut visitor = |met: Entries<'_>| {
            met.events.iter().for_each(|entry| compared.add(entry, &view));
            met.documents.iter().for_each(|entry| compared.add_document(entry));
            true
        };
        let all = view.end.since(checking.start.at);
        let step = |walk: &mut Walk<'_>, limit| walk.run(limit, &mut visitor);
        let is_whole = checking.log(step, |done| progress(done, all))?;
        compared.failed.take().map_or(Ok(()), Err)?;
        let go_on = || progress(all, all);
        match (is_whole, checking.report.cancelled) {
            (_, true) => {}
            (true, _) => compared.finish(&view, &checking.segments, &mut checking.report, go_on)?,
            // What the index says can't be compared; whether its pages are whole can be told.
            (false, _) => check_pages(&view, &mut checking.report, |_| progress(all, all))?,
        }
        Ok(checking.report)
    }

    /// Looks at the check of everything: of each frame and record of the log, and of each page of
    /// the index. Whether the index says what the log says is left out. `progress` gets bytes done
    /// and bytes in all, and may stop it.
    pub fn verify_quick(
        &self,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, Error> {
        let mut checking = match Checking::begin(self)? {
            ControlFlow::Continue(checking) => checking,
            ControlFlow::Break(report) => return Ok(report),
        };
        let view = checking.view.clone();
        let log = view.end.since(checking.start.at);
        let runs = view.sources.runs.iter().map(|run| u64::from(run.page_count()) * PAGE);
        let all = log.saturating_add(runs.sum());
        checking.log(|walk, limit| walk.run_checks(limit), |done| progress(done, all))?;
        if !checking.report.cancelled {
            check_pages(&view, &mut checking.report, |done| {
                progress(log.saturating_add(done), all)
            })?;
        }
        Ok(checking.report)
    }
}

/// What is read again, as of one moment.
struct Checking {
    view: View,
    /// All segments of the log.
    segments: Vec<SegmentRef>,
    /// Where the log begins, and where and with which epoch the slot says that the newest one does.
    start: Mark,
    proof: Mark,
    epoch: Epoch,
    /// Up to here the log was synced, as the slots say: it can't end before.
    synced: LogOffset,
    report: VerifyReport,
}

impl Checking {
    /// Looks at what says where the log is: page 0, the slots, the headers of segments. Breaks
    /// where the log can't be read without what is damaged.
    fn begin(engine: &Engine) -> Result<ControlFlow<VerifyReport, Self>, Error> {
        let core = &*engine.core;
        let mut report = VerifyReport::default();
        // Before the view, which has all that was synced by then.
        let found = read_slots(&*core.storage)?;
        let view = engine.view_to(found.watermark)?;
        if found.header_damaged {
            report.issue(Some(0), "page 0 fails its check; the slots repeat what it says");
        }
        let slot = match (&engine.mode, found.chosen) {
            // The writer knows what the newest slot says.
            (Mode::Write(side), chosen) => {
                if chosen.is_none() {
                    report.issue(Some(PAGE), "both slots fail their checks");
                }
                side.slots.lock().newest.clone()
            }
            (Mode::Follow(_), Some((slot, _))) => slot,
            (Mode::Follow(_), None) => {
                report.issue(Some(PAGE), "both slots fail their checks");
                return Ok(ControlFlow::Break(report));
            }
        };
        let segments = match core.all_segments(&view.segments) {
            Ok(segments) => segments,
            Err(error) => {
                let damage = error.corruption().cloned().ok_or(error)?;
                report.issue(damage.file_offset, &damage.what);
                return Ok(ControlFlow::Break(report));
            }
        };
        // Of those that a slot names the headers were read long ago. What a crash may have torn is
        // as the slot says: a writer has written it again.
        let is_writer = matches!(engine.mode, Mode::Write(_));
        let end = segments.last().map_or(LogOffset::ZERO, SegmentRef::log_end);
        let prepared = slot.segments.iter().filter(|place| place.log_offset >= end);
        for place in segments.iter().chain(prepared) {
            let may_be_torn = !is_writer && place.first_frame() >= slot.watermark;
            let header = header_of(&*core.storage, &core.identity.key, *place);
            let header = header.map_err(|error| Error::io("reading the store failed", error))?;
            if header.is_none() && !may_be_torn {
                let damage = header_damage(*place);
                report.issue(damage.file_offset, &damage.what);
            }
        }
        // From where the log begins, not from where the runs end.
        let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
        let said = Mark { at, chain: Chain::default(), next: view.sources.first() };
        // With the position that the log says: a run that says another one lies.
        let first = mark_at(&core.storage, &core.identity, &view.segments, at)?;
        let start = first.map_or(said, |first| Mark { next: first.next, ..said });
        let (proof, epoch, synced) = (slot.proof, slot.epoch, found.watermark);
        Ok(ControlFlow::Continue(Self { view, segments, start, proof, epoch, synced, report }))
    }

    /// Walks over the log; `step` goes on up to a log offset. Whether all of it is whole: if not,
    /// the report says why, or that it was stopped.
    fn log(
        &mut self,
        mut step: impl FnMut(&mut Walk<'_>, LogOffset) -> io::Result<Option<Stop>>,
        mut progress: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let (view, report) = (&self.view, &mut self.report);
        let window = Window::new(view.core.storage.clone(), AHEAD);
        let key = view.core.identity.key;
        let marks = (self.start, self.proof, self.epoch);
        let mut walk = Walk::new(key, &view.segments, window, Rules::ALL, marks);
        let mut stop = None;
        while stop.is_none() && !report.cancelled && walk.here.at < view.end {
            let next = LogOffset::new(walk.here.at.get().saturating_add(STEP)).min(view.end);
            let went = step(&mut walk, next);
            stop = went.map_err(|error| Error::io("reading the store failed", error))?;
            report.cancelled = progress(walk.here.at.since(self.start.at)).is_break();
        }
        (report.commits, report.events) = (walk.commits, walk.events);
        report.documents = walk.documents;
        report.bytes = walk.here.at.since(self.start.at);
        let is_cut = !report.cancelled && view.end < self.synced;
        if stop.is_some() || is_cut {
            report.issues.push(view.damage_at(walk.here));
        }
        Ok(stop.is_none() && !is_cut && !report.cancelled)
    }
}

impl Engine {
    /// A view that goes to this log offset, unless the log is damaged before it. Who follows a
    /// writer may have met it where segments are given up or made, and looks again.
    fn view_to(&self, synced: LogOffset) -> Result<View, Error> {
        let mut view = self.view()?;
        for _ in 0..LOOKS {
            if view.end >= synced {
                break;
            }
            thread::sleep(BETWEEN_LOOKS);
            view = self.view()?;
        }
        Ok(view)
    }
}

impl View {
    fn damage_at(&self, here: Mark) -> Issue {
        let segment = self.segments.find(here.at);
        Issue {
            log_offset: Some(here.at),
            file_offset: segment.map(|segment| segment.place.file_offset(here.at)),
            position: Some(here.next),
            what: "the log fails its check here; what follows was not looked at".to_owned(),
        }
    }
}

//! Verifying a store: everything read again, and the index compared with the log.

use super::fixed::read_slots;
use super::heal::{holding, mark_at};
use super::view::View;
use super::writer::{Engine, Mode};
use crate::format::{
    Chain, DocumentEntry, Entries, Entry, Mark, SEGMENT_HEADER_LEN, SegmentRef, u64_of,
};
use crate::index::{RunError, Tally};
use crate::log::{Rules, Walk, Window};
use crate::words::{Error, LogOffset, Position};
use std::ops::ControlFlow;

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Issue {
    /// The log offset, if it has one.
    pub log_offset: Option<LogOffset>,
    /// The byte of the file, if it has one.
    pub file_offset: Option<u64>,
    /// The position, if it concerns an event.
    pub position: Option<Position>,
    /// What it is, in words.
    pub what: String,
}

/// What verifying has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Commits whose checks are right.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// Records of documents in them: each put and each deletion.
    pub documents: u64,
    /// Bytes of the log that were read.
    pub bytes: u64,
    /// What is wrong. Empty if all is well.
    pub issues: Vec<Issue>,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
}

impl VerifyReport {
    /// Whether everything was looked at and nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.issues.is_empty() && !self.cancelled
    }
}

const AHEAD: usize = 1 << 20;
/// Bytes between two reports of progress.
const STEP: u64 = 16 << 20;

impl Engine {
    /// Reads the whole log again and compares the index with it. `progress` gets bytes done and
    /// bytes in all, and may stop it.
    pub fn verify(
        &self,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, Error> {
        let view = self.view()?;
        let core = &*self.core;
        let failed = |error| Error::io("reading the store failed", error);
        let mut report = VerifyReport::default();
        let found = read_slots(&*core.storage)?;
        if found.header_damaged {
            report.issue(Some(0), "page 0 fails its check; the slots repeat what it says");
        }
        let slot = match (&self.mode, found.chosen) {
            // The writer knows what the newest slot says.
            (Mode::Write(side), chosen) => {
                if chosen.is_none() {
                    report.issue(Some(crate::format::PAGE), "both slots fail their checks");
                }
                side.slots.lock().newest.clone()
            }
            (Mode::Follow(_), Some((slot, _))) => slot,
            (Mode::Follow(_), None) => {
                report.issue(Some(crate::format::PAGE), "both slots fail their checks");
                return Ok(report);
            }
        };
        let segments = match core.all_segments(&view.segments) {
            Ok(segments) => segments,
            Err(error) => {
                let damage = error.corruption().cloned().ok_or(error)?;
                report.issue(damage.file_offset, &damage.what);
                return Ok(report);
            }
        };
        let window = Window::new(core.storage.clone(), AHEAD);
        // From where the log begins, not from where the runs end.
        let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
        let said = Mark { at, chain: Chain::default(), next: view.sources.first() };
        // With the position that the log says: a run that says another one lies.
        let first = mark_at(&core.storage, &core.identity, &view.segments, at)?;
        let start = first.map_or(said, |first| Mark { next: first.next, ..said });
        let key = core.identity.key;
        let marks = (start, slot.proof, slot.epoch);
        let mut walk = Walk::new(key, &view.segments, window, Rules::ALL, marks);
        let mut compared = Compared::new(&view);
        let (mut events, mut documents) = (0, 0);
        let mut visitor = |met: Entries<'_>| {
            events += u64_of(met.events.len());
            documents += u64_of(met.documents.len());
            met.events.iter().for_each(|entry| compared.add(entry, &view));
            met.documents.iter().for_each(|entry| compared.add_document(entry));
            true
        };
        let all = view.end.since(at);
        let (mut stop, mut cancelled) = (None, false);
        while stop.is_none() && !cancelled && walk.here.at < view.end {
            let next = LogOffset::new(walk.here.at.get().saturating_add(STEP)).min(view.end);
            stop = walk.run(next, &mut visitor).map_err(failed)?;
            cancelled = progress(walk.here.at.since(at), all).is_break();
        }
        compared.failed.take().map_or(Ok(()), Err)?;
        let (here, commits) = (walk.here.at, walk.commits);
        if stop.is_some() {
            report.issues.push(view.damage_at(here));
        } else if !cancelled {
            let go_on = || progress(all, all);
            cancelled = compared.finish(&view, &segments, &mut report, go_on)?;
        }
        let bytes = here.since(at);
        Ok(VerifyReport { commits, events, documents, bytes, cancelled, ..report })
    }
}

/// The index summed up from the log, part by part.
struct Compared {
    parts: Vec<Part>,
    now: usize,
    /// Why the index could not be asked, if it could not: that says nothing of the index.
    failed: Option<Error>,
}

/// A part of the index.
struct Part {
    /// The log offsets of its first frame, and of the first one after it.
    range: (LogOffset, LogOffset),
    /// What the log says of it.
    log: Tally,
    /// Bytes of its payloads, as the log has them.
    payload_bytes: u64,
    /// Whether the index finds each of its events where the log has it.
    finds: bool,
}

impl Compared {
    fn new(view: &View) -> Self {
        let runs = view.sources.runs.iter().map(|run| run.header().end);
        let tables = view.sources.tables.iter();
        let ever = LogOffset::new(u64::MAX);
        let tables = tables.map(|table| table.end().map_or(ever, |end| end.at));
        let mut start = LogOffset::ZERO;
        let part = |end| Part {
            range: (std::mem::replace(&mut start, end), end),
            log: Tally::default(),
            payload_bytes: 0,
            finds: true,
        };
        Self { parts: runs.chain(tables).map(part).collect(), now: 0, failed: None }
    }

    /// The part of what stands here.
    fn part_of(&mut self, at: LogOffset) -> Option<&mut Part> {
        while self.parts.get(self.now).is_some_and(|part| at >= part.range.1) {
            self.now += 1;
        }
        self.parts.get_mut(self.now)
    }

    /// Takes in a document's record of the log.
    fn add_document(&mut self, entry: &DocumentEntry<'_>) {
        if let Some(part) = self.part_of(entry.place.at) {
            part.log.add_document(entry, part.range.0);
        }
    }

    /// Takes in an event of the log.
    fn add(&mut self, entry: &Entry<'_>, view: &View) {
        let has_failed = self.failed.is_some();
        let Some(part) = self.part_of(entry.at) else { return };
        part.log.add(entry, &view.core.identity.key);
        part.payload_bytes = part.payload_bytes.saturating_add(u64::from(entry.payload));
        // Not asked again once it has failed: each time a run would be made anew, or tried to be.
        if !part.finds || has_failed {
            return;
        }
        match view.ask(|sources| sources.locate(entry.position)) {
            Ok(at) => part.finds = at == Some(entry.at),
            Err(error) if error.corruption().is_some() => part.finds = false,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Compares what the log says with what each part says; `true` if it was stopped.
    fn finish(
        self,
        view: &View,
        segments: &[SegmentRef],
        report: &mut VerifyReport,
        mut go_on: impl FnMut() -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let sources = &view.sources;
        let from = sources.runs.last().map_or(Position::START, |run| run.header().next);
        let mut parts = self.parts.into_iter();
        for (run, Part { log, finds, payload_bytes, .. }) in sources.runs.iter().zip(&mut parts) {
            if go_on().is_break() {
                return Ok(true);
            }
            let place = run.place();
            let header = run.header();
            let holding = holding(segments, header.start, header.end);
            let finds = finds && header.payload_bytes == payload_bytes;
            let said = view.core.ask_once(sources, |_| run.segments()).and_then(|segments| {
                Ok((segments == holding, run.tally(&view.core.identity.key)?))
            });
            let wrong = match said {
                Ok((true, tally)) if tally == log && finds && !run.is_rebuilt() => continue,
                Ok((true, tally)) if tally == log && finds => "was damaged".to_owned(),
                Ok(_) => "does not say what the log says".to_owned(),
                Err(RunError::Io(error)) => {
                    return Err(Error::io("reading the index failed", error));
                }
                Err(RunError::Damaged { page, .. }) => format!("fails its check on page {page}"),
            };
            view.core.heal(place.id, place.file_offset)?;
            // It was not damaged: its room was given to another, and the newest runs were loaded.
            if view.core.index.sources().run(place).is_none() {
                continue;
            }
            report.issues.push(Issue {
                log_offset: None,
                file_offset: Some(place.file_offset),
                position: Some(run.header().first),
                what: format!(
                    "run {} of the index {wrong}; it is made anew from the log",
                    place.id
                ),
            });
        }
        for (table, Part { log, finds, range, .. }) in sources.tables.iter().zip(parts) {
            let tally = table.tally((from, view.head), (range.0, view.end));
            if !finds || tally != log {
                report.issues.push(Issue {
                    log_offset: Some(table.start().at),
                    file_offset: None,
                    position: Some(table.start().next),
                    what: "the index in memory does not say what the log says".to_owned(),
                });
            }
        }
        Ok(false)
    }
}

impl VerifyReport {
    fn issue(&mut self, file_offset: Option<u64>, what: &str) {
        let what = what.to_owned();
        self.issues.push(Issue { log_offset: None, file_offset, position: None, what });
    }
}

impl View {
    fn damage_at(&self, at: LogOffset) -> Issue {
        let segment = self.segments.find(at);
        Issue {
            log_offset: Some(at),
            file_offset: segment.map(|segment| segment.place.file_offset(at)),
            position: None,
            what: "the log fails its check here; what follows was not looked at".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;

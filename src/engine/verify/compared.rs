//! The index compared with the log: both are summed up, part by part.

use super::report::{Issue, VerifyReport};
use super::runs::{fails, put_right};
use crate::engine::heal::holding;
use crate::engine::view::View;
use crate::format::{DocumentEntry, Entry, PAGE, SegmentRef};
use crate::index::Tally;
use crate::words::{Error, LogOffset, Position};
use std::ops::ControlFlow;

/// The index summed up from the log, part by part.
pub struct Compared {
    parts: Vec<Part>,
    now: usize,
    /// Why the index could not be asked, if it could not: that says nothing of the index.
    pub failed: Option<Error>,
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
    pub fn new(view: &View) -> Self {
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
    pub fn add_document(&mut self, entry: &DocumentEntry<'_>) {
        if let Some(part) = self.part_of(entry.place.at) {
            part.log.add_document(entry, part.range.0);
        }
    }

    /// Takes in an event of the log.
    pub fn add(&mut self, entry: &Entry<'_>, view: &View) {
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

    /// Compares what the log says with what each part says, and puts into the report what differs,
    /// or that it was stopped.
    pub fn finish(
        self,
        view: &View,
        segments: &[SegmentRef],
        report: &mut VerifyReport,
        mut go_on: impl FnMut() -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let sources = &view.sources;
        let from = sources.runs.last().map_or(Position::START, |run| run.header().next);
        let mut parts = self.parts.into_iter();
        for (run, Part { log, finds, payload_bytes, .. }) in sources.runs.iter().zip(&mut parts) {
            if go_on().is_break() {
                report.cancelled = true;
                return Ok(());
            }
            let header = run.header();
            let holding = holding(segments, header.start, header.end);
            let finds = finds && header.payload_bytes == payload_bytes;
            let said = view.core.ask_once(sources, |_| run.segments()).and_then(|segments| {
                Ok((segments == holding, run.tally(&view.core.identity.key)?))
            });
            let pages = u64::from(run.page_count());
            report.index_bytes = report.index_bytes.saturating_add(pages * PAGE);
            let wrong = match said {
                Ok((true, tally)) if tally == log && finds && !run.is_rebuilt() => continue,
                Ok((true, tally)) if tally == log && finds => "was damaged".to_owned(),
                Ok(_) => "does not say what the log says".to_owned(),
                Err(error) => fails(error)?,
            };
            report.issues.extend(put_right(view, run, &wrong)?);
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
        Ok(())
    }
}

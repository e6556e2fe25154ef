//! Verifying a store: everything read again, and the index compared with the log.

use super::core::Core;
use super::examine::read_slots;
use super::view::View;
use super::writer::{Engine, Mode};
use crate::format::u64_of;
use crate::log::{Met, Rules, Walk, Window};
use crate::words::{Error, LogOffset, Position, Version};
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
        let window = Window::new(core.storage.clone(), AHEAD);
        let marks = (slot.index, slot.proof, slot.epoch);
        let key = core.identity.key;
        let mut walk = Walk::new(key, &view.segments, window, Rules::ALL, marks);
        let (start, mut events) = (walk.here.at, 0);
        let mut visitor = |met: &[Met<'_>]| {
            events += u64_of(met.len());
            let wrong = met.iter().find(|met| !is_indexed(core, met));
            report.issues.extend(wrong.map(|met| Issue {
                log_offset: Some(met.at),
                file_offset: None,
                position: Some(met.position),
                what: "the index does not say what the log says".to_owned(),
            }));
            true
        };
        let all = view.end.since(start);
        let (mut stop, mut cancelled) = (None, false);
        while stop.is_none() && !cancelled && walk.here.at < view.end {
            let next = LogOffset::new(walk.here.at.get().saturating_add(STEP)).min(view.end);
            stop = walk.run(next, &mut visitor).map_err(failed)?;
            cancelled = progress(walk.here.at.since(start), all).is_break();
        }
        let (here, commits) = (walk.here.at, walk.commits);
        if stop.is_some() {
            report.issues.push(view.damage_at(here));
        }
        Ok(VerifyReport { commits, events, bytes: here.since(start), cancelled, ..report })
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

/// Whether the index has this event where the log has it.
fn is_indexed(core: &Core, met: &Met<'_>) -> bool {
    let located = core.locate(met.position).map(|place| place.at);
    let stream = core.tail.find(core.hash(met.stream));
    let version = stream.map_or(Version::NONE, |stream| core.tail.version(stream, met.position));
    located == Some(met.at) && version == met.version
}

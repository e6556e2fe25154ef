//! Events of a view counted, and a stream looked at event by event.

use super::counts::Counts;
use super::keys::Keys;
use crate::engine::{Issue, READ_AHEAD, READ_ONE, View};
use crate::format::TermKind;
use crate::words::{Counted, Error, Event, Moment, Position, Summary, Timestamp};
use std::collections::BTreeMap;

/// What looking at a stream has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct StreamReport {
    /// Events that are as they should be.
    pub events: u64,
    /// What is wrong. Empty if all is well.
    pub issues: Vec<Issue>,
}

impl StreamReport {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.issues.is_empty()
    }
}

/// Versions that are looked up at once.
const BATCH: u64 = 1_024;

/// All events of a view: by the index, not by reading them.
pub(super) fn of_all(view: &View) -> Result<Summary, Error> {
    let before = view.sources.first().previous();
    let events = view.head.get().saturating_sub(before.get());
    if events == 0 {
        return Ok(Summary::default());
    }
    let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
    let mut moment = |position: Position| -> Result<Option<Moment>, Error> {
        let Some(place) = view.place(position)? else { return Ok(None) };
        Ok(Some(Moment::new(position, view.event(&mut fetch, place)?.recorded)))
    };
    let (first, last) = (moment(view.sources.first())?, moment(view.head)?);
    let types = Counts::new(view.clone(), TermKind::Type, &Keys::all());
    let types = types.collect::<Result<Vec<_>, _>>()?;
    Ok(Summary { events, first, last, types, payload_bytes: payload_bytes(view)? })
}

/// Bytes of all payloads: as runs and tables have summed them up, but for those that go on behind
/// the view's head.
fn payload_bytes(view: &View) -> Result<u64, Error> {
    let (mut bytes, mut next) = (0_u64, view.sources.first());
    for run in &view.sources.runs {
        if run.header().next.previous() <= view.head {
            bytes = bytes.saturating_add(run.header().payload_bytes);
            next = run.header().next;
        }
    }
    for table in &view.sources.tables {
        let (events, of_table) = table.totals();
        let last = table.start().next.previous().get().saturating_add(events);
        // Runs may cover a table's beginning.
        if table.start().next == next && last <= view.head.get() {
            bytes = bytes.saturating_add(of_table);
            next = Position::new(last.saturating_add(1));
        }
    }
    let mut fetch = view.core.fetch(view.segments.clone(), READ_AHEAD);
    for position in next.get()..=view.head.get() {
        let Some(place) = view.place(Position::new(position))? else { break };
        let payload = view.event(&mut fetch, place)?.payload.len();
        bytes = bytes.saturating_add(payload.try_into().unwrap_or(u64::MAX));
    }
    Ok(bytes)
}

/// The events of a stream, by reading them.
pub(super) fn of_stream(view: &View, name: &str) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    each_version(view, name, |_, position, event| {
        let event = event?;
        let moment = Moment::new(position, event.recorded);
        summary.events += 1;
        summary.first.get_or_insert(moment);
        summary.last = Some(moment);
        let payload = event.payload.len().try_into().unwrap_or(u64::MAX);
        summary.payload_bytes = summary.payload_bytes.saturating_add(payload);
        match types.get_mut(event.event_type()) {
            Some(count) => *count += 1,
            None => _ = types.insert(event.event_type().to_owned(), 1),
        }
        Ok(())
    })?;
    summary.types = types.into_iter().map(|(name, events)| Counted::new(name, events)).collect();
    Ok(summary)
}

/// Looks at each event of a stream.
pub(super) fn verify_stream(view: &View, name: &str) -> Result<StreamReport, Error> {
    let mut report = StreamReport::default();
    let mut before: Option<(Position, Timestamp)> = None;
    let looked = each_version(view, name, |version, position, event| {
        let issue = |log_offset, file_offset, what: &str| Issue {
            log_offset,
            file_offset,
            position: Some(position),
            what: format!("version {version}: {what}"),
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let damage = error.corruption().cloned().ok_or(error)?;
                report.issues.push(issue(damage.log_offset, damage.file_offset, &damage.what));
                return Ok(());
            }
        };
        let mut wrong = Vec::new();
        if event.stream() != name {
            wrong.push(format!("the event there is of stream '{}'", event.stream()));
        }
        if event.version.get() != version {
            wrong.push(format!("the event there says that it is version {}", event.version));
        }
        if before.is_some_and(|(before, _)| position <= before) {
            wrong.push("it stands before the version before it".to_owned());
        }
        if before.is_some_and(|(_, before)| event.recorded < before) {
            wrong.push("it was recorded before the version before it".to_owned());
        }
        before = Some((position, event.recorded));
        report.events += u64::from(wrong.is_empty());
        report.issues.extend(wrong.iter().map(|what| issue(None, None, what)));
        Ok(())
    });
    if let Err(error) = looked {
        // The index itself does not have what it should have.
        let damage = error.corruption().cloned().ok_or(error)?;
        report.issues.push(Issue {
            log_offset: damage.log_offset,
            file_offset: damage.file_offset,
            position: None,
            what: damage.what,
        });
    }
    Ok(report)
}

/// Gives each event that the index says a stream has: the version that it should have, its
/// position, and the event or why it can't be read.
fn each_version(
    view: &View,
    name: &str,
    mut each: impl FnMut(u64, Position, Result<Event<'_>, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let hash = view.core.hash(name);
    let version = view.ask(|sources| sources.version(hash, view.head))?.get();
    let mut fetch = view.core.fetch(view.segments.clone(), READ_AHEAD);
    let mut next = 1;
    while next <= version {
        let last = version.min(next.saturating_add(BATCH - 1));
        for (nth, position) in (next..).zip(view.versions(hash, (next, last))?) {
            let position = Position::new(position);
            let Some(place) = view.place(position)? else { continue };
            each(nth, position, view.event(&mut fetch, place))?;
        }
        next = last.saturating_add(1);
    }
    Ok(())
}

//! Events of a view counted.

use super::{Counts, Cursor, Keys, Read};
use crate::engine::{READ_ONE, View};
use crate::format::{TermKind, u64_of};
use crate::words::{Counted, Error, Moment, Position, Summary};
use std::collections::BTreeMap;

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
    let mut rest = Cursor::all(view.clone(), &Read::new().from(next));
    while let Some(event) = rest.next_event()? {
        bytes = bytes.saturating_add(u64_of(event.payload.len()));
    }
    Ok(bytes)
}

/// The events of a stream, by reading them.
pub(super) fn of_stream(view: &View, name: &str) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    let mut events = Cursor::stream(view.clone(), name, &Read::new());
    while let Some(event) = events.next_event()? {
        let moment = Moment::new(event.position, event.recorded);
        summary.events += 1;
        summary.first.get_or_insert(moment);
        summary.last = Some(moment);
        summary.payload_bytes = summary.payload_bytes.saturating_add(u64_of(event.payload.len()));
        let event_type = event.event_type()?;
        match types.get_mut(event_type) {
            Some(count) => *count += 1,
            None => _ = types.insert(event_type.to_owned(), 1),
        }
    }
    summary.types = types.into_iter().map(|(name, events)| Counted::new(name, events)).collect();
    Ok(summary)
}

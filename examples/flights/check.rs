//! Whether the store has what the lines say, and finds it.

use super::count::Counted;
use super::line::is_flight;
use annals::{Cursor, Position, Query, QueryItem, Read, View};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::hash::Hash;

/// Replays all events: each line has to be there once, with its type, stream, tags and correlation
/// id, and each stream in the order of the lines.
///
/// Where `seen` says for each event up to where its thread had looked, each flight has to be in the
/// order of the lines, too, and nothing of it may lie between where a thread had looked and what it
/// appended.
pub fn replay(
    mut cursor: Cursor,
    lines: &Counted,
    seen: Option<&[Position]>,
    mut progress: impl FnMut(u64),
) -> Result<(), Box<dyn Error>> {
    let mut there = Counted::default();
    let mut streams = HashMap::<String, u64>::new();
    let mut flights = Flights::default();
    while let Some(event) = cursor.next_event()? {
        let position = event.position;
        let wrong = |what: &str| format!("the event at position {position} {what}");
        let (id, stream) = (event.id(), event.stream()?);
        let about = (id, event.event_type()?, stream);
        there.add(about, event.tags()?.iter(), event.correlation_id())?;
        let number = *lines.numbers.get(&id).ok_or_else(|| wrong("is in no line"))?;
        if there.streams.get(stream) != Some(&event.version.get()) {
            return Err(wrong("has another version than its place in its stream").into());
        }
        if streams.insert(stream.to_owned(), number).is_some_and(|before| before > number) {
            return Err(wrong("comes too late in its stream").into());
        }
        if let Some(seen) = seen {
            let nth = usize::try_from(position.get())?.saturating_sub(1);
            let seen = seen.get(nth).copied().unwrap_or(Position::START);
            let of_flight = event.tags()?.iter().filter(|tag| is_flight(tag));
            flights.meet(of_flight, number, position, seen).map_err(wrong)?;
        }
        progress(position.get());
    }
    if lines.events != there.events {
        return Err(format!("{} lines, {} events", lines.events, there.events).into());
    }
    same("type", &lines.types, &there.types)?;
    same("stream", &lines.streams, &there.streams)?;
    same("tag", &lines.tags, &there.tags)?;
    same("correlation id", &lines.correlations, &there.correlations)
}

/// The last event of each flight: its line, and its position.
#[derive(Default)]
struct Flights(HashMap<String, (u64, Position)>);

impl Flights {
    fn meet<'t>(
        &mut self,
        flights: impl Iterator<Item = &'t str>,
        number: u64,
        position: Position,
        seen: Position,
    ) -> Result<(), &'static str> {
        for flight in flights {
            match self.0.insert(flight.to_owned(), (number, position)) {
                Some((before, _)) if before > number => return Err("comes too late in its flight"),
                Some((_, at)) if at > seen => return Err("has not seen all of its flight"),
                _ => {}
            }
        }
        Ok(())
    }
}

fn same<K: Eq + Hash + Display>(
    what: &str,
    lines: &HashMap<K, u64>,
    there: &HashMap<K, u64>,
) -> Result<(), Box<dyn Error>> {
    for key in lines.keys().chain(there.keys()) {
        let (wanted, found) = (lines.get(key), there.get(key));
        if wanted != found {
            let (wanted, found) = (wanted.unwrap_or(&0), found.unwrap_or(&0));
            let what = format!("{what} {key}: {wanted} in the lines, {found} in the store");
            return Err(what.into());
        }
    }
    Ok(())
}

/// Asks for the events of each tag and of each correlation id of the lines: there have to be as
/// many as there are lines. Returns how many tags and ids have been found.
pub fn queries(
    view: &View,
    lines: &Counted,
    mut progress: impl FnMut(u64, u64),
) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut tags, mut ids) = (0, 0);
    let all = u64::try_from(lines.tags.len() + lines.correlations.len())?;
    for (tag, wanted) in &lines.tags {
        as_many("tag", tag, *wanted, found(view, QueryItem::new().tag(tag))?)?;
        tags += 1;
        progress(tags, all);
    }
    for (id, wanted) in &lines.correlations {
        let item = QueryItem::new().correlation_id(*id);
        as_many("correlation id", id, *wanted, found(view, item)?)?;
        ids += 1;
        progress(tags + ids, all);
    }
    Ok((tags, ids))
}

/// How many events a query finds; each of them is read.
pub fn found(view: &View, item: QueryItem) -> Result<u64, annals::Error> {
    let mut cursor = view.query(&Query::from(item), Read::new())?;
    let mut found = 0;
    while cursor.next_event()?.is_some() {
        found += 1;
    }
    Ok(found)
}

fn as_many(what: &str, name: &dyn Display, wanted: u64, found: u64) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    Err(format!("{what} {name}: {wanted} in the lines, {found} found by the query"))
}

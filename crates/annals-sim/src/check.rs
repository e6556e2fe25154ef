//! What has to hold after a crash.

use crate::plan::{Model, ModelEvent};
use annals::{Event, Read, Store};

/// How many commits of the model the store has, given that it has a prefix of them, whole; or what
/// is wrong.
pub(crate) fn prefix(store: &Store, model: &Model) -> Result<usize, String> {
    let mut cursor = store.read_all(Read::new()).map_err(|error| error.to_string())?;
    let mut position = 0;
    for (nth, commit) in model.commits.iter().enumerate() {
        for (in_commit, expected) in commit.iter().enumerate() {
            let found = cursor.next_event().map_err(|error| error.to_string())?;
            position += 1;
            match found {
                None if in_commit == 0 => return all_of(store, model, nth, position - 1),
                None => return Err(format!("commit {nth} is there in part")),
                Some(event) => same(&event, expected, position)
                    .map_err(|what| format!("commit {nth}, event {in_commit}: {what}"))?,
            }
        }
    }
    match cursor.next_event() {
        Ok(None) => all_of(store, model, model.commits.len(), position),
        Ok(Some(event)) => Err(format!("position {} was never begun", event.position)),
        Err(error) => Err(error.to_string()),
    }
}

/// The streams are what the first so many commits say.
fn all_of(store: &Store, model: &Model, commits: usize, head: u64) -> Result<usize, String> {
    let found = store.head().map_err(|error| error.to_string())?.get();
    if found != head {
        return Err(format!("the head is {found}, not {head}"));
    }
    let events: Vec<&ModelEvent> = model.commits[..commits].iter().flatten().collect();
    for stream in ["s-0", "s-1", "s-2", "s-3"] {
        let expected = events.iter().filter(|event| event.stream == stream).count() as u64;
        let found = store.stream_version(stream).map_err(|error| error.to_string())?.get();
        if found != expected {
            return Err(format!("stream {stream} is at version {found}, not {expected}"));
        }
        // By the postings of the stream: the very events, in their order.
        let events = (1..).zip(&events).filter(|(_, event)| event.stream == stream);
        let positions: Vec<u64> = events.map(|(position, _)| position).collect();
        let cursor = store.read_stream(stream, Read::new()).map_err(|error| error.to_string())?;
        let found: Result<Vec<u64>, _> =
            cursor.map(|event| event.map(|event| event.position.get())).collect();
        if found.as_ref().ok() != Some(&positions) {
            return Err(format!("stream {stream} has {found:?}, not {positions:?}"));
        }
    }
    Ok(commits)
}

fn same(event: &Event<'_>, expected: &ModelEvent, position: u64) -> Result<(), String> {
    let found = ModelEvent {
        stream: event.stream().to_owned(),
        version: event.version.get(),
        event_type: event.event_type().to_owned(),
        payload: event.payload.to_vec(),
        tags: event.tags().iter().map(str::to_owned).collect(),
    };
    if event.position.get() != position {
        return Err(format!("position {}, not {position}", event.position));
    }
    if found != *expected {
        return Err(format!("found {found:?}, not {expected:?}"));
    }
    Ok(())
}

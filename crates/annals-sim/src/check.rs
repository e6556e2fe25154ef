//! What has to hold after a crash.

use crate::plan::{KEYS, Model, ModelDocument, ModelEvent};
use annals::{Durability, Event, Keys, Read, Store};
use std::collections::BTreeMap;

/// How many commits of the model the store has, given that it has a prefix of them, whole; or what
/// is wrong.
pub(crate) fn prefix(store: &Store, model: &Model) -> Result<usize, String> {
    let head = events(store, model)?;
    // Commits without events don't move the head: documents tell how many of those there are.
    let mut counts = Vec::new();
    let mut events = 0;
    for count in 0..=model.commits.len() {
        if events == head {
            counts.push(count);
        }
        events += model.commits.get(count).map_or(0, |commit| commit.events.len() as u64);
    }
    let Some(most) = counts.last() else {
        return Err(format!("the head, {head}, is within a commit"));
    };
    streams(store, &model.cut(*most))?;
    let found = documents(store)?;
    let fitting = counts.into_iter().rev().find(|count| {
        let mut wanted = model.cut(*count).documents();
        wanted.retain(|_, document| document.value.is_some());
        found == wanted
    });
    fitting.ok_or_else(|| format!("the documents are those of no prefix: {found:?}"))
}

/// Asserts that a commit that landed lands no second time, and the next one once.
pub(crate) fn retry(store: &Store, model: &Model, there: usize) -> Result<(), String> {
    let head: usize = model.cut(there).events().count();
    if let Some(landed) = there.checked_sub(1).and_then(|last| model.commits.get(last))
        && !landed.events.is_empty()
    {
        let again = store.commit(&landed.made).map_err(|error| format!("retry: {error}"))?;
        if !again.replayed || again.last.get() != head as u64 {
            return Err(format!("a commit that landed lands once more: {again:?}"));
        }
    }
    if let Some(next) = model.commits.get(there) {
        let buffered = next.made.clone().durability(Durability::Buffered);
        let first = store.commit(buffered).map_err(|error| format!("the next: {error}"))?;
        if first.replayed {
            return Err(format!("a commit that was lost is said to have landed: {first:?}"));
        }
    }
    Ok(())
}

/// The head, given that the events up to it are those of the model.
fn events(store: &Store, model: &Model) -> Result<u64, String> {
    let mut cursor = store.read_all(Read::new()).map_err(|error| error.to_string())?;
    let mut head = 0;
    for expected in model.events() {
        let found = cursor.next_event().map_err(|error| error.to_string())?;
        let Some(event) = found else { break };
        head += 1;
        same(&event, expected, head).map_err(|what| format!("position {head}: {what}"))?;
    }
    match cursor.next_event() {
        Ok(None) => {}
        Ok(Some(event)) => return Err(format!("position {} was never begun", event.position)),
        Err(error) => return Err(error.to_string()),
    }
    let found = store.head().map_err(|error| error.to_string())?.get();
    if found == head { Ok(head) } else { Err(format!("the head is {found}, not {head}")) }
}

/// The streams are what the model says.
fn streams(store: &Store, model: &Model) -> Result<(), String> {
    for stream in ["s-0", "s-1", "s-2", "s-3"] {
        let positions = (1..).zip(model.events()).filter(|(_, event)| event.stream == stream);
        let positions: Vec<u64> = positions.map(|(position, _)| position).collect();
        let found = store.stream_version(stream).map_err(|error| error.to_string())?.get();
        if found != positions.len() as u64 {
            return Err(format!("stream {stream} is at version {found}, not {}", positions.len()));
        }
        // By the postings of the stream: the very events, in their order.
        let cursor = store.read_stream(stream, Read::new()).map_err(|error| error.to_string())?;
        let found: Result<Vec<u64>, _> =
            cursor.map(|event| event.map(|event| event.position.get())).collect();
        if found.as_ref().ok() != Some(&positions) {
            return Err(format!("stream {stream} has {found:?}, not {positions:?}"));
        }
    }
    Ok(())
}

/// The documents that are there: by their keys, and as they are listed.
fn documents(store: &Store) -> Result<BTreeMap<&'static str, ModelDocument>, String> {
    let view = store.view().map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    for key in KEYS {
        let document = view.document(key).map_err(|error| error.to_string())?;
        if let Some(document) = document {
            let (revision, head) = (document.revision.get(), document.head.get());
            let value = Some(document.value);
            found.insert(key, ModelDocument { revision, head, value });
        }
    }
    let listed: Result<Vec<String>, _> =
        view.documents(&Keys::all()).map(|document| document.map(|it| it.key)).collect();
    let listed = listed.map_err(|error| error.to_string())?;
    if listed.iter().ne(found.keys()) {
        return Err(format!("{listed:?} are listed, {:?} are there", found.keys()));
    }
    Ok(found)
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

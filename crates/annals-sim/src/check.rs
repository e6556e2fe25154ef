//! What has to hold after a crash.

use crate::model::{KEYS, Model, ModelDocument, ModelEvent, STREAMS};
use annals::{Durability, Event, Keys, Read, Store};
use std::collections::BTreeMap;

/// How many commits of the model the store has, given that it has a prefix of them, whole; or what
/// is wrong.
pub(crate) fn prefix(store: &Store, model: &Model) -> Result<usize, String> {
    let head = events(store, model)?;
    streams(store, model, head)?;
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
    let found = documents(store)?;
    // Usually all of them are there.
    let fits = |count: &usize| {
        let there = |(_, document): &(&str, ModelDocument<'_>)| document.value.is_some();
        model
            .documents(*count)
            .into_iter()
            .filter(there)
            .eq(found.iter().map(|(key, document)| (*key, document.borrowed())))
    };
    if fits(most) {
        return Ok(*most);
    }
    let fitting = counts.into_iter().rev().skip(1).find(fits);
    fitting.ok_or_else(|| format!("the documents are those of no prefix: {found:?}"))
}

/// Asserts that a commit that landed lands no second time, and the next one once.
pub(crate) fn retry(store: &Store, model: &Model, there: usize) -> Result<(), String> {
    let head = model.head(there);
    if let Some(landed) = there.checked_sub(1).and_then(|last| model.commits.get(last))
        && !landed.events.is_empty()
    {
        let again = store.commit(&landed.made).map_err(|error| format!("retry: {error}"))?;
        if !again.replayed || again.last.get() != head {
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
        let same = is_same(&event, expected, head).map_err(|error| error.to_string())?;
        if !same {
            return Err(format!("position {head}: found {event:?}, not {expected:?}"));
        }
    }
    match cursor.next_event() {
        Ok(None) => {}
        Ok(Some(event)) => return Err(format!("position {} was never begun", event.position)),
        Err(error) => return Err(error.to_string()),
    }
    let found = store.head().map_err(|error| error.to_string())?.get();
    if found == head { Ok(head) } else { Err(format!("the head is {found}, not {head}")) }
}

/// The streams are what the model says, up to this head.
fn streams(store: &Store, model: &Model, head: u64) -> Result<(), String> {
    let view = store.view().map_err(|error| error.to_string())?;
    for stream in STREAMS {
        let events = (1..=head).zip(model.events()).filter(|(_, event)| event.stream == stream);
        let mut positions = events.map(|(position, _)| position);
        // By the postings of the stream: the very events, in their order.
        let mut cursor = view.stream(stream, Read::new());
        let mut version = 0;
        while let Some(event) = cursor.next_event().map_err(|error| error.to_string())? {
            version += 1;
            let found = Some(event.position.get());
            let expected = positions.next();
            if found != expected {
                return Err(format!("stream {stream} has {found:?}, not {expected:?}"));
            }
        }
        if let Some(missing) = positions.next() {
            return Err(format!("stream {stream} has not got {missing}"));
        }
        let found = view.stream_version(stream).map_err(|error| error.to_string())?.get();
        if found != version {
            return Err(format!("stream {stream} is at version {found}, not {version}"));
        }
    }
    Ok(())
}

/// A document that the store has.
#[derive(Debug)]
struct FoundDocument {
    revision: u64,
    head: u64,
    value: Vec<u8>,
}

impl FoundDocument {
    fn borrowed(&self) -> ModelDocument<'_> {
        let Self { revision, head, value } = self;
        ModelDocument { revision: *revision, head: *head, value: Some(value) }
    }
}

/// The documents that are there: by their keys, and as they are listed.
fn documents(store: &Store) -> Result<BTreeMap<&'static str, FoundDocument>, String> {
    let view = store.view().map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    for key in KEYS {
        let document = view.document(key).map_err(|error| error.to_string())?;
        if let Some(document) = document {
            let (revision, head) = (document.revision.get(), document.head.get());
            found.insert(key, FoundDocument { revision, head, value: document.value });
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

fn is_same(event: &Event<'_>, expected: &ModelEvent, position: u64) -> Result<bool, annals::Error> {
    Ok(event.position.get() == position
        && event.stream()? == expected.stream
        && event.version.get() == expected.version
        && event.event_type()? == expected.event_type
        && event.payload == expected.payload
        && event.tags()?.iter().eq(expected.tags.iter().map(String::as_str)))
}

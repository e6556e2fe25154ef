//! Subscriptions: no gap and no repeat, whatever happens meanwhile.

mod blocking;
mod callbacks;
mod ending;
mod processes;
#[cfg(feature = "async")]
mod streams;
mod writers;

use crate::fixture::note;
use annals::toolkit::{Port, Received, ToolError};
use annals::{Commit, Durability, Error, ErrorKind, ExpectedVersion, NewEvent, Options, Store};
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for another thread to be waiting by then; if it is not, the test shows less, but
/// does not fail.
const MOMENT: Duration = Duration::from_millis(30);

/// A store in memory that syncs nothing by itself.
fn quiet() -> (Store, Port) {
    let store = Options::new().without_keeper().in_memory().unwrap();
    let port = Port::new(&store);
    (store, port)
}

/// Appends an event to `a`.
fn append(store: &Store, text: &str, durability: Durability) {
    append_event(store, note(text), durability);
}

fn append_event(store: &Store, event: NewEvent, durability: Durability) {
    let commit = Commit::new().append("a", ExpectedVersion::Any, [event]);
    store.commit(commit.durability(durability)).unwrap();
}

/// An event's payload.
fn text(event: &Received<'_>) -> String {
    String::from_utf8(event.payload.to_vec()).unwrap()
}

/// What kind of the store's errors this is.
fn kind(error: &ToolError) -> Option<ErrorKind> {
    match error {
        ToolError::Store(error) => Some(Error::kind(error)),
        _ => None,
    }
}

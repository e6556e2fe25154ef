//! Orders: streams under expected versions, and state that is never apart from its events.
//!
//! An order is a stream, `order-1`. Who changes it says at which version he has seen it, and is
//! told if it has gone on. What is due now stands in a document beside it, written in the same
//! commit as the events that made it so: both are there, or neither.
//!
//! `cargo run --example orders`

use annals::{
    AppendError, Commit, Event, EventKind, ExpectedVersion, NewEvent, Query, QueryItem, Read,
    Store, Uuid,
};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut stdout().lock())
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let store = Store::in_memory()?; // or Store::open("orders.annals")?

    // A new order. Everything that comes of this request has its correlation id, and says by its
    // causation id what it comes of at once: here a command, later this event.
    let (request, command, cause) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let placed = NewEvent::new("OrderPlaced", r#"{"total": 12}"#)
        .id(cause)
        .schema_version(2)
        .tag("customer:7")
        .metadata(r#"{"by": "ann", "context": "sales"}"#)
        .correlation_id(request)
        .causation_id(command);
    let done = store.append("order-1", ExpectedVersion::NoStream, [placed])?;
    writeln!(out, "placed: position {}, version {}", done.first, done.version())?;

    // Two streams in one commit: the order at the version that was seen, the account at any. What
    // is meant for other systems says so.
    let paid = NewEvent::new("OrderPaid", r#"{"by": "card"}"#);
    let booked = NewEvent::new("AmountBooked", "12").kind(EventKind::Integration);
    let caused = |event: NewEvent| event.correlation_id(request).causation_id(cause);
    let commit = Commit::new().append("order-1", done.version(), [caused(paid)]);
    let done = store.commit(commit.event("account-7", caused(booked)))?;
    writeln!(out, "paid: positions {} to {}, {:?}", done.first, done.last, done.versions)?;

    // Somebody else has seen version 1 only. A conflict is a value: it says where the stream is,
    // and what has happened since can be looked at before it is decided anew.
    let cancel = || [NewEvent::new("OrderCancelled", "{}")];
    if let Err(AppendError::Conflict(conflict)) = store.append("order-1", 1, cancel()) {
        writeln!(out, "conflict: {conflict}")?;
        writeln!(out, "its version is {} now; since version 1:", conflict.current)?;
        let mut since = store.read_stream("order-1", Read::new().after(1))?;
        while let Some(event) = since.next_event()? {
            writeln!(out, "  {}", line(&event)?)?;
        }
    }

    // The state and the event that makes it, in one commit; the state is to be as it was seen, here
    // not there yet.
    let sent = NewEvent::new("OrderSent", "{}").correlation_id(request);
    let state = json!({"status": "sent", "total": 12});
    let commit = Commit::new().append("order-1", done.version(), [sent]);
    let done = store.commit(commit.put_over("order-1/state", 0, state.to_string()))?;
    writeln!(out, "sent: state at revision {}", done.revision())?;
    let late = Commit::new().put_over("order-1/state", 0, "{}");
    if let Err(AppendError::DocumentConflict(conflict)) = store.commit(late) {
        writeln!(out, "conflict: {conflict}")?;
    }
    if let Some(found) = store.document("order-1/state")? {
        let state: Value = serde_json::from_slice(&found.value)?;
        writeln!(out, "state: {state}, as of position {}", found.head)?;
    }

    // Two phases: what is staged is checked, and seen by nobody until it is committed. Dropped, it
    // never was. With ids it can be committed again by whoever does not know whether it landed.
    let returned = NewEvent::new("OrderReturned", "{}").correlation_id(request);
    let commit = Commit::new().append("order-1", done.version(), [returned]).with_ids();
    let staged = store.stage(commit.clone())?;
    writeln!(out, "staged: the head is still {}", store.head()?)?;
    let done = staged.commit()?;
    writeln!(out, "returned: position {}, replayed: {}", done.first, done.replayed)?;
    let again = store.commit(&commit)?;
    writeln!(out, "again: position {}, replayed: {}", again.first, again.replayed)?;
    writeln!(out, "head {}, order at version {}", store.head()?, store.stream_version("order-1")?)?;

    // Everything that came of the request, whatever the stream.
    writeln!(out, "of the request:")?;
    let request = Query::from(QueryItem::new().correlation_id(request));
    let mut events = store.query(&request, Read::new())?;
    while let Some(event) = events.next_event()? {
        writeln!(out, "  {}", line(&event)?)?;
    }

    // Page by page from a position on.
    let mut after = 0;
    loop {
        let page: Vec<_> =
            store.read_all(Read::new().after(after).limit(2))?.collect::<Result<_, _>>()?;
        let Some(last) = page.last() else { break };
        let positions: Vec<_> = page.iter().map(|event| event.position.get()).collect();
        writeln!(out, "page after {after}: {positions:?}")?;
        after = last.position.get();
    }
    Ok(())
}

/// What an event has, on a line.
fn line(event: &Event<'_>) -> Result<String, annals::Error> {
    let metadata = event.metadata().map(String::from_utf8_lossy).unwrap_or_default();
    let line = format!(
        "#{} {} v{} {} {:?} schema {} {metadata}",
        event.position,
        event.stream()?,
        event.version,
        event.event_type()?,
        event.kind(),
        event.schema_version()
    );
    Ok(line.trim_end().to_owned())
}

//! An order desk: typed events, a read model that is never behind, and state beside its events.
//!
//! Events are an enum. What customers owe is a projection that is taken along by the very commits
//! which append the events (*inline*), so whoever reads it after an append sees what came of it.
//! The order's own state is put beside its events by hand (*dual write*), in the same commit, too.
//!
//! `cargo run --example order_desk`

use annals::toolkit::{Codec, Envelope, Failure, Fold, Inline, Metadata, Port, Projected};
use annals::{AppendError, Commit, EventKind, Query, QueryItem, Read, Store, Uuid, event_types};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{Write, stdout};

/// What happens to orders.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    Placed { customer: u32, total: u64 },
    Paid { customer: u32, amount: u64 },
    Cancelled,
}

// What they are called in the store stays, whatever the program calls them.
event_types! {
    Order {
        Placed => "OrderPlaced" version 1,
        Paid => "OrderPaid" version 1,
        Cancelled => "OrderCancelled" version 1,
    }
}

fn main() -> Result<(), Failure> {
    run(&mut stdout().lock())
}

/// Events as JSON, each with the tag of its customer.
fn codec() -> Codec<Order> {
    Codec::json().tags(|event: &Order, _: &Metadata| match event {
        Order::Placed { customer, .. } | Order::Paid { customer, .. } => {
            vec![format!("customer:{customer}")]
        }
        Order::Cancelled => Vec::new(),
    })
}

/// What each customer owes.
fn owed() -> Fold<i64> {
    let customer = |event: &annals::toolkit::Received<'_>| {
        let tags = event.tags()?;
        Ok(tags.iter().find_map(|tag| tag.strip_prefix("customer:")).map(str::to_owned))
    };
    let owed = Fold::per_key("owed", customer, || 0).of_category("order");
    owed.apply_typed(codec(), |owed: &mut i64, event, _| {
        match event {
            Order::Placed { total, .. } => *owed += i64::try_from(total)?,
            Order::Paid { amount, .. } => *owed -= i64::try_from(amount)?,
            Order::Cancelled => {}
        }
        Ok(())
    })
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Failure> {
    let store = Store::in_memory()?; // or Store::open("orders.annals")?
    let port = Port::new(&store);
    // All that is appended through this port takes the projection along.
    let desk = port.clone().intercept(Inline::open(&port, owed())?);
    let codec = codec();
    let owed = Projected::of(&port, "owed");

    // What comes of one request has its correlation id; who did it and where is in the metadata.
    let (request, command) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let envelope = Envelope::new()
        .correlation_id(request)
        .causation_id(command)
        .metadata(Metadata::new().context("sales").created_by("ann"));

    // The order's event and its state, in one commit: both are there, or neither.
    let placed = codec.encode(&Order::Placed { customer: 7, total: 120 }, &envelope)?;
    let state = json!({"status": "placed", "total": 120});
    let done = desk.commit(Commit::new().append("order-1", 0, [placed]).put_over(
        "order-1",
        0,
        state.to_string(),
    ))?;
    writeln!(out, "placed: position {}, version {}", done.last, done.version())?;
    writeln!(out, "customer 7 owes {:?}", owed.read::<i64>("7")?)?;

    // Whoever has not seen that the order is there is told so; nothing has changed, the read model
    // neither.
    let again = codec.encode(&Order::Placed { customer: 7, total: 999 }, &envelope)?;
    let refused = desk.append("order-1", 0, [again]).err();
    if let Some(AppendError::Conflict(conflict)) = refused.as_ref().and_then(|it| it.append_error())
    {
        writeln!(out, "refused: expected {:?}, is {}", conflict.expected, conflict.current)?;
    }
    writeln!(out, "customer 7 owes {:?}", owed.read::<i64>("7")?)?;

    // Two orders in one commit, one event of it for other systems.
    let paid = codec.encode(&Order::Paid { customer: 7, amount: 100 }, &envelope)?;
    let other = Envelope::new().kind(EventKind::Integration);
    let placed = codec.encode(&Order::Placed { customer: 8, total: 30 }, &other)?;
    desk.commit(Commit::new().append("order-1", 1, [paid]).append("order-2", 0, [placed]))?;
    let cancelled = codec.encode(&Order::Cancelled, &Envelope::new())?;
    desk.append("order-2", 1, [cancelled])?;
    for customer in ["7", "8"] {
        writeln!(out, "customer {customer} owes {:?}", owed.read::<i64>(customer)?)?;
    }
    if let Some(checkpoint) = owed.checkpoint()? {
        writeln!(out, "as of position {}; the head is {}", checkpoint.position, port.head()?)?;
    }

    // A stream as events of the program.
    let mut events = port.read_stream("order-1", Read::new())?;
    while let Some(event) = events.next_event()? {
        writeln!(out, "order-1 v{}: {:?}", event.version, codec.decode(&event)?)?;
    }
    // Everything that came of the request, whatever the stream.
    let request = Query::from(QueryItem::new().correlation_id(request));
    let mut events = port.query(&request, Read::new())?;
    while let Some(event) = events.next_event()? {
        let metadata = Metadata::from_bytes(event.metadata())?;
        let (by, context) = (metadata.get_created_by(), metadata.get_context());
        writeln!(out, "#{} {} by {by:?} in {context:?}", event.position, event.event_type()?)?;
    }
    Ok(())
}

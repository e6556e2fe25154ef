//! A pipeline: commands, handlers and a read model of orders, under one name.
//!
//! A command is checked, decided and stored by whoever sends it. Handlers get what is stored, from
//! the log itself: each order in its order and one event at a time, several orders at the same
//! time. What a handler brings about is committed together with how far it has come, so exactly
//! once. Where a handler fails, that order alone stops, and is listed with the reason; the others
//! go on. Somebody then mends what is wrong and lets it go on, or has the event skipped.
//!
//! `cargo run --example pipeline`

use annals::toolkit::{
    Command, Effects, Failure, Fold, Handler, OnCommand, Pipeline, Port, Projected, Received, Retry,
};
use annals::{NewEvent, QueryItem, Read, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{Write, stdout};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    run(&mut stdout().lock())
}

/// What is asked for. The JSON of a command has to be this.
#[derive(Serialize, Deserialize)]
struct Place {
    article: String,
    pieces: u64,
}

#[derive(Deserialize)]
struct Cancel {}

/// What the warehouse has; handlers reserve it.
type Warehouse = Arc<Mutex<BTreeSet<String>>>;

/// The pipeline of the orders.
fn orders(port: &Port, warehouse: &Warehouse) -> Result<Pipeline, Failure> {
    let place = OnCommand::new("place", |asked: &Place, order| {
        if order.version().get() > 0 {
            return Err("it was placed before".into());
        }
        Ok(vec![NewEvent::new("OrderPlaced", serde_json::to_vec(asked)?)])
    })
    .check(|asked| if asked.pieces == 0 { Err("an order of nothing".into()) } else { Ok(()) });
    let cancel = OnCommand::new("cancel", |_: &Cancel, order| match order.version().get() {
        0 => Err("there is no such order".into()),
        _ => Ok(vec![NewEvent::new("OrderCancelled", "{}")]),
    });

    let has = warehouse.clone();
    let reserve = Handler::new("reserve", move |event: &Received<'_>, effects: &mut Effects| {
        let order = event.stream()?;
        if event.event_type()? == "OrderCancelled" {
            effects.event("warehouse", NewEvent::new("Released", order));
            return Ok(());
        }
        let Place { article, .. } = serde_json::from_slice(event.payload)?;
        if !has.lock().unwrap_or_else(|lock| lock.into_inner()).contains(&article) {
            return Err(format!("the warehouse knows no '{article}'").into());
        }
        effects.event("warehouse", NewEvent::new("Reserved", order));
        Ok(())
    });
    let reserve = reserve.types(["OrderPlaced", "OrderCancelled"]).concurrency(2);

    let pieces = |_: &_| {
        let placed = Fold::new("pieces", || 0).of(QueryItem::new().event_type("OrderPlaced"));
        placed.apply(|pieces: &mut u64, event| {
            *pieces += serde_json::from_slice::<Place>(event.payload)?.pieces;
            Ok(())
        })
    };
    let pipeline = Pipeline::builder(port, "orders", "order")
        .command(place)
        .command(cancel)
        .handler(reserve.retry(Retry::new(2)))
        .projection(pieces);
    Ok(pipeline.build()?)
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Failure> {
    let port = Port::new(&Store::in_memory()?); // or Store::open("orders.annals")?
    let warehouse = Warehouse::default();
    warehouse.lock().unwrap_or_else(|lock| lock.into_inner()).extend(["pen".to_owned()]);

    // A set-up that can't work is refused, with all that is wrong with it.
    let nothing = Handler::new("nothing", |_, _| Ok(())).concurrency(0);
    let wrong = Pipeline::builder(&port, "or/ders", "order").handler(nothing).build();
    if let Err(error) = wrong {
        writeln!(out, "{error}")?;
    }

    let mut pipeline = orders(&port, &warehouse)?;
    pipeline.start()?;
    let place = |id, article: &str, pieces: u64| {
        Command::new("place", id, format!(r#"{{"article": "{article}", "pieces": {pieces}}}"#))
    };
    for command in [
        place("1", "pen", 3),
        place("1", "pen", 3),
        place("2", "ink", 1),
        place("3", "pen", 0),
        place("3", "pen", 2),
        Command::new("place", "4", r#"{"article": "pen"}"#),
        place("4", "chalk", 9),
        Command::new("pay", "1", "{}"),
        Command::new("cancel", "2", "{}"),
    ] {
        match pipeline.send(&command) {
            Ok(sent) => {
                writeln!(out, "{} {}: version {}", command.name(), sent.stream, sent.version)?;
            }
            Err(error) => writeln!(out, "{} order-{}: {error}", command.name(), command.id())?,
        }
    }

    // Two orders have stopped; the others are done.
    let head = port.head()?;
    pipeline.wait_done(head, LONG)?;
    for (handler, parked) in pipeline.parked()? {
        let (aggregate, attempts) = (&parked.aggregate, parked.attempts);
        writeln!(out, "{handler} has parked {aggregate} after {attempts} attempts:")?;
        writeln!(out, "  {}", parked.why)?;
    }
    warehouse_says(&port, out)?;

    // Ink comes in, and order 2 goes on where it stopped. Nobody will ever have chalk.
    warehouse.lock().unwrap_or_else(|lock| lock.into_inner()).insert("ink".to_owned());
    pipeline.resume("reserve", "order-2")?;
    pipeline.skip("reserve", "order-4")?;
    pipeline.wait_done(port.head()?, LONG)?;
    writeln!(out, "parked: {:?}", pipeline.parked()?.len())?;
    warehouse_says(&port, out)?;
    pipeline.stop()?;

    // It goes on where it was, whoever has stored events meanwhile.
    let more = NewEvent::new("OrderPlaced", r#"{"article": "ink", "pieces": 4}"#);
    port.append("order-5", 0, [more])?;
    let mut pipeline = orders(&port, &warehouse)?;
    pipeline.start()?;
    pipeline.wait_done(port.head()?, LONG)?;
    writeln!(out, "pieces: {:?}", Projected::of(&port, "pieces").state::<u64>()?)?;
    let status = pipeline.status()?;
    for (name, status) in &status.handlers {
        writeln!(out, "{name}: {} handled since, {} parked", status.handled, status.parked)?;
    }
    pipeline.stop()?;
    Ok(())
}

/// What the handler has brought about: sorted, since orders are handled at the same time.
fn warehouse_says(port: &Port, out: &mut impl Write) -> Result<(), Failure> {
    let events = port.read_stream("warehouse", Read::new())?;
    let lines = events.map(|event| {
        let event = event?;
        Ok(format!("{} {}", String::from_utf8_lossy(&event.payload), event.event_type))
    });
    let mut lines = lines.collect::<Result<Vec<_>, Failure>>()?;
    // Those of one order are as they came.
    lines.sort_by(|one, other| one.split(' ').next().cmp(&other.split(' ').next()));
    Ok(writeln!(out, "warehouse: {}", lines.join(", "))?)
}

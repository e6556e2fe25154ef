//! A read model in a database of one's own: delays of flights in SQLite, exactly once.
//!
//! Events stay in the store; what is asked of them by SQL is a table in SQLite. A projector follows
//! the store and hands each batch of events to a sink, which writes what it makes of them *and how
//! far it has come* in one transaction. So it does not matter when anything crashes: what is in the
//! table is always what the events up to its checkpoint say.
//!
//! ```sh
//! cargo run --manifest-path examples/in_sqlite/Cargo.toml
//! ```
//!
//! Run it as often as you like: the store and the table go on where they are.

mod delays;

use annals::toolkit::{Failure, Port, Projector};
use annals::{ExpectedVersion, NewEvent, Store};
use delays::Delays;
use std::path::Path;
use std::time::Duration;

fn main() -> Result<(), Failure> {
    let (store, database) = (Path::new("flights.annals"), Path::new("delays.sqlite"));
    let port = Port::new(&Store::open(store)?);

    // It follows in a thread of its own, from where the table is.
    let projector = Projector::into_sink(&port, Delays::open(database)?)?;
    println!("the table has everything up to position {}", projector.position());
    let following = projector.follow()?;

    // Flights arrive.
    let arrivals = [("B6", 12), ("UA", -4), ("B6", 3), ("DL", 0)];
    let events = arrivals.map(|(carrier, minutes)| {
        let payload = format!(r#"{{"carrier": "{carrier}", "arr_delay": {minutes}}}"#);
        NewEvent::new("FlightArrived", payload).tag(format!("carrier:{carrier}"))
    });
    let done = port.append("airport-JFK", ExpectedVersion::Any, events)?;

    // Whoever has to see what came of it waits for the position.
    following.wait_for(done.last, Duration::from_secs(60))?;
    println!("and now up to {}", following.position());
    for (carrier, flights, minutes) in delays::table(database)? {
        println!("{carrier}: {flights} flights, {minutes} minutes late in all");
    }
    following.stop()?;
    Ok(())
}

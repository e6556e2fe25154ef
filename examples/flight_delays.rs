//! Flight delays, live: a subscription and a read model follow a log while it is written.
//!
//! One thread loads flights out of New York (or what file it is given). A subscription gets each
//! arrival as soon as it is durable and keeps the delays of each carrier in memory; a projection
//! keeps the same in the store, with its place in the log, so that it would go on there after a
//! crash.
//!
//! `cargo run --example flight_delays [FILE.jsonl[.gz|.zst]]`

#[path = "flights/line.rs"]
#[allow(dead_code, reason = "what is needed of it here")]
mod line;
#[path = "flights/load.rs"]
mod load;
#[path = "flights/source.rs"]
mod source;

use annals::toolkit::{
    Codec, Failure, Fold, Follow, OnError, Port, Projected, Projector, Unknown, subscribe,
};
use annals::{Query, QueryItem, Read, Store, event_types};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(600);
/// The flights that come with the project.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights-sample.jsonl.gz");

/// What is taken note of; all else of an event is not looked at.
#[derive(Serialize, Deserialize)]
enum Flight {
    Arrived { carrier: String, arr_delay: Option<f64> },
}
event_types! { Flight { Arrived => "FlightArrived" version 1 } }

/// Arrivals of a carrier, and minutes of delay in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Delays {
    arrivals: u32,
    minutes: f64,
}

type Carriers = BTreeMap<String, Delays>;

fn main() -> Result<(), Failure> {
    let file = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(SAMPLE), PathBuf::from);
    follow(&file, &mut stdout().lock())
}

/// Prints what comes of the sample.
#[allow(dead_code, reason = "what the tests run")]
pub fn run(out: &mut impl Write) -> Result<(), Failure> {
    follow(Path::new(SAMPLE), out)
}

fn note(carriers: &mut Carriers, flight: Flight) {
    let Flight::Arrived { carrier, arr_delay } = flight;
    if let Some(minutes) = arr_delay {
        let delays = carriers.entry(carrier).or_default();
        delays.arrivals += 1;
        delays.minutes += minutes;
    }
}

fn follow(file: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let store = Store::in_memory()?; // or Store::open("flights.annals")?
    let port = Port::new(&store);
    let codec = Codec::<Flight>::json().unknown(Unknown::Skip);

    // Catch up, then live: without gap, without repeat. Dropping the handle ends it.
    let live = Arc::new(Mutex::new(Carriers::new()));
    let (kept, decode) = (live.clone(), codec.clone());
    let arrivals = Follow::query(codec.query());
    let subscription = subscribe(&port, "delays", arrivals, OnError::Stop, move |event| {
        if let Some(flight) = decode.decode(event)? {
            note(&mut kept.lock().unwrap_or_else(PoisonError::into_inner), flight);
        }
        Ok(())
    })?;
    // The same in the store: the output and the place in the log are one commit.
    let fold = || Fold::new("delays", Carriers::new).of(codec.query());
    let fold = || {
        fold().apply_typed(codec.clone(), |carriers: &mut Carriers, flight, _| {
            note(carriers, flight);
            Ok(())
        })
    };
    let following = Projector::new(&port, fold())?.follow()?;

    let loaded = thread::scope(|scope| {
        let loading = scope.spawn(|| {
            let mut lines = source::open(file).map_err(|error| error.to_string())?;
            load::load(&store, &mut *lines, |_| {}).map_err(|error| error.to_string())
        });
        loading.join().map_err(|_| "loading panicked".to_owned())
    })??;
    writeln!(out, "{} events loaded in {} commits", loaded.events, loaded.commits)?;

    // Whoever wants to see what came of the last event waits for its position.
    let head = port.head()?;
    subscription.wait_for(head, LONG)?;
    following.wait_for(head, LONG)?;
    let lag = (subscription.lag()?.positions, following.lag()?);
    writeln!(out, "both have seen all of it, {} and {} positions behind", lag.0, lag.1)?;
    let carriers = live.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let stored = Projected::of(&port, "delays").state::<Carriers>()?;
    writeln!(out, "and say the same: {}", stored.as_ref() == Some(&carriers))?;
    let mut sorted: Vec<_> = carriers.iter().collect();
    sorted.sort_by(|one, other| mean(other.1).total_cmp(&mean(one.1)));
    for (carrier, delays) in sorted.iter().take(3) {
        writeln!(out, "  {carrier} {:.2} minutes, {} arrivals", mean(delays), delays.arrivals)?;
    }

    // Newest first, of one type.
    let cancelled = Query::from(QueryItem::new().event_type("FlightCancelled"));
    let mut newest = port.query(&cancelled, Read::new().backward().limit(2))?;
    while let Some(event) = newest.next_event()? {
        writeln!(out, "cancelled: #{} {}", event.position, event.stream()?)?;
    }
    // Counted.
    let totals = port.totals()?;
    writeln!(out, "{} events of {} types", totals.events, totals.types.len())?;

    // Made anew in batches, while everybody reads the old output.
    following.stop()?;
    let mut projector = Projector::new(&port, fold())?.batch(500);
    let mut batch = 0;
    projector.rebuild(|progress| {
        batch += 1;
        let part = 100.0 * progress.part();
        let line = writeln!(out, "batch {batch}: {} events, {part:.0} %", progress.events);
        if line.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let again = Projected::of(&port, "delays").state::<Carriers>()?;
    writeln!(out, "made anew, and the same: {}", again.as_ref() == Some(&carriers))?;
    Ok(())
}

fn mean(delays: &Delays) -> f64 {
    delays.minutes / f64::from(delays.arrivals.max(1))
}

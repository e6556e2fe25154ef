//! Projections over a year of flights, or over the sample that comes with the project, many times.

use crate::support;
use annals::toolkit::{Codec, Fold, Port, Projector, Unknown};
use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Store, event_types};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;

/// The whole year, where it is there; `ANNALS_FLIGHTS` names another file.
const YEAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/flights-2013.jsonl.zst");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights-sample.jsonl.gz");
/// Events, at least.
const EVENTS: u64 = 600_000;

#[derive(Deserialize)]
struct Line<'a> {
    stream: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    tags: Vec<&'a str>,
}

fn lines() -> Box<dyn BufRead> {
    let path = std::env::var("ANNALS_FLIGHTS").unwrap_or_else(|_| YEAR.to_owned());
    match File::open(Path::new(&path)) {
        Ok(file) => Box::new(BufReader::new(zstd::Decoder::new(file).unwrap())),
        Err(_) => Box::new(BufReader::new(MultiGzDecoder::new(File::open(SAMPLE).unwrap()))),
    }
}

/// A store with all of them, synced and closed once, so that its index is in runs.
fn flights() -> (TempDir, Store, u64) {
    let folder = support::folder();
    let path = folder.path().join("flights.annals");
    let store = Options::new().durability(Durability::Buffered).open(&path).unwrap();
    let mut events = 0;
    while events < EVENTS {
        let mut commit = Commit::new();
        for line in lines().lines() {
            let line = line.unwrap();
            let Line { stream, event_type, data, tags } = serde_json::from_str(&line).unwrap();
            let event = NewEvent::new(event_type, data.get()).tags(tags);
            commit = commit.append(stream, ExpectedVersion::Any, [event]);
            events += 1;
            if events % 1_000 == 0 {
                store.commit(std::mem::take(&mut commit)).unwrap();
            }
        }
        if !commit.is_empty() {
            store.commit(commit).unwrap();
        }
    }
    store.close().unwrap();
    (folder, Options::new().open(path).unwrap(), events)
}

/// Millions of events a second of a projection that is made by this, each time over everything.
fn rate<S, F>(make: F) -> Box<dyn FnMut() -> f64>
where
    S: Serialize + serde::de::DeserializeOwned + Send + 'static,
    F: Fn(String) -> Fold<S> + 'static,
{
    let (folder, store, events) = flights();
    let round = Cell::new(0);
    Box::new(move || {
        let _ = &folder;
        round.set(round.get() + 1);
        let port = Port::new(&store);
        let mut projector = Projector::new(&port, make(format!("bench-{}", round.get()))).unwrap();
        let start = Instant::now();
        assert_eq!(projector.catch_up().unwrap().events, events);
        events as f64 / start.elapsed().as_secs_f64() / 1e6
    })
}

/// How many events each stream has: nothing is decoded.
pub fn by_stream() -> Box<dyn FnMut() -> f64> {
    rate(|name| {
        Fold::per_stream(name, || 0).apply(|count: &mut u64, _| {
            *count += 1;
            Ok(())
        })
    })
}

/// How many bytes each type has: nothing is decoded.
pub fn by_type() -> Box<dyn FnMut() -> f64> {
    rate(|name| {
        Fold::new(name, BTreeMap::new).apply(|bytes: &mut BTreeMap<String, u64>, event| {
            let size = event.payload.len() as u64;
            match bytes.get_mut(event.event_type()?) {
                Some(bytes) => *bytes += size,
                None => drop(bytes.insert(event.event_type()?.to_owned(), size)),
            }
            Ok(())
        })
    })
}

/// What happens to flights, as far as it matters here.
#[derive(Serialize, Deserialize)]
enum Flight {
    Departed { carrier: String, dep_delay: Option<f64> },
    Arrived { carrier: String, arr_delay: Option<f64> },
    Cancelled { carrier: String },
}
event_types! {
    Flight {
        Departed => "FlightDeparted" version 1,
        Arrived => "FlightArrived" version 1,
        Cancelled => "FlightCancelled" version 1,
    }
}

/// Delays of each carrier: every event of a flight is decoded.
pub fn decoded() -> Box<dyn FnMut() -> f64> {
    rate(|name| {
        let codec = Codec::<Flight>::json().unknown(Unknown::Skip);
        let fold = Fold::new(name, BTreeMap::new);
        fold.apply_typed(codec, |delays: &mut BTreeMap<String, (u64, f64)>, event, _| {
            let (carrier, minutes) = match event {
                Flight::Departed { carrier, dep_delay } => (carrier, dep_delay),
                Flight::Arrived { carrier, arr_delay } => (carrier, arr_delay),
                Flight::Cancelled { carrier } => (carrier, None),
            };
            let (flights, sum) = delays.entry(carrier).or_default();
            *flights += 1;
            *sum += minutes.unwrap_or_default();
            Ok(())
        })
    })
}

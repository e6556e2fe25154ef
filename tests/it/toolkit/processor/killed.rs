//! A processor whose process is killed at any moment: what it brings about in the store comes once
//! and in order, what it does outside of it at least once.

use crate::fixture::{Place, note};
use crate::processes::{BEGUN, Other, Random, say};
use annals::toolkit::{Handler, Port, Processor, Retry};
use annals::{Durability, ExpectedVersion, NewEvent, Options, Read, Store};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const STORES: u64 = 3;
const ROUNDS: u64 = 30;
const STREAMS: u64 = 9;
const BATCH: usize = 16;
const LONG: Duration = Duration::from_secs(60);

/// Beside the store: what the handler has done there.
fn outside(path: &Path) -> PathBuf {
    path.with_extension("done")
}

/// Writes a line to a file outside, and counts in the store; now and then it fails.
fn handler(path: &Path, seed: u64) -> Handler {
    let file = File::options().create(true).append(true).open(outside(path)).unwrap();
    let turn = AtomicU64::new(seed);
    let handler = Handler::new("counts", move |event, effects| {
        let (stream, version) = (event.stream()?, event.version);
        // One call: a line is there whole or not at all.
        (&file).write_all(format!("{stream} {version}\n").as_bytes())?;
        if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(13) {
            return Err("now and then".into());
        }
        let count = NewEvent::new("Counted", version.to_string());
        if event.position.get().is_multiple_of(3) {
            effects.append(format!("out-{stream}"), version.get() - 1, [count]);
        } else {
            effects.event(format!("out-{stream}"), count);
        }
        Ok(())
    });
    let durability = if seed.is_multiple_of(2) { Durability::Buffered } else { Durability::Synced };
    let handler = handler.types(["Noted"]).durability(durability).batch(BATCH);
    let handler = handler.retry(Retry::new(u32::MAX));
    handler.concurrency(1 + seed as usize % 4).window([5, 64, 4_096][seed as usize % 3])
}

fn open(path: &Path) -> Store {
    Options::new().sync_within(Duration::from_millis(2)).tail(200, 16_384).open(path).unwrap()
}

/// Appends, while the handler is handed what was appended; until it is killed.
pub fn process(path: &Path, seed: u64) {
    let store = open(path);
    let port = Port::new(&store);
    let _processor = Processor::start(&port, handler(path, seed)).unwrap();
    say(BEGUN);
    let mut random = Random(seed);
    loop {
        let events = (0..1 + random.below(4)).map(|_| note(""));
        let stream = format!("a-{}", random.below(STREAMS));
        port.append(stream, ExpectedVersion::Any, events).unwrap();
        thread::sleep(Duration::from_micros(random.below(200)));
    }
}

#[test]
fn each_event_counts_once_and_in_order_however_often_the_process_is_killed() {
    let (mut events, mut again) = (0, 0);
    for store in 0..STORES {
        let place = Place::new();
        let mut random = Random(store);
        for round in 0..ROUNDS {
            let seed = store * ROUNDS + round;
            let mut other = Other::start("process", &place.path(), seed);
            thread::sleep(Duration::from_micros(random.below(60_000)));
            other.kill();
        }
        let (counted, repeated) = check(&place);
        events += counted;
        again += repeated;
    }
    println!("{events} events, {again} of them handled more than once");
    assert!(events > STORES * ROUNDS, "hardly anything was handled");
}

/// Handles what is left, and looks at what has come of it all: so many events, and so many lines
/// too many.
fn check(place: &Place) -> (u64, u64) {
    let store = open(&place.path());
    let port = Port::new(&store);
    store.sync().unwrap();
    let mut processor = Processor::start(&port, handler(&place.path(), 1)).unwrap();
    assert!(processor.wait_done(port.head().unwrap(), LONG).unwrap());
    processor.stop().unwrap();
    let mut last = BTreeMap::new();
    for stream in port.streams_of("a").unwrap() {
        let out = store.read_stream(&format!("out-{stream}"), Read::new()).unwrap();
        let out = out.map(|event| String::from_utf8(event.unwrap().payload).unwrap());
        let out: Vec<u64> = out.map(|text| text.parse().unwrap()).collect();
        let version = port.stream_version(&stream).unwrap().get();
        assert_eq!(out, (1..=version).collect::<Vec<_>>(), "of {stream}");
        last.insert(stream, version);
    }
    // Outside, none comes before the one before it, and none is missing.
    let lines = std::fs::read_to_string(outside(&place.path())).unwrap();
    let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
    let mut count = 0;
    for line in lines.lines() {
        let (stream, version) = line.split_once(' ').unwrap();
        let version: u64 = version.parse().unwrap();
        let reached = reached.entry(stream).or_default();
        assert!(version <= *reached + 1, "{line} after {reached}");
        *reached = version.max(*reached);
        count += 1;
    }
    for (stream, version) in &last {
        assert_eq!(reached[stream.as_str()], *version, "of {stream}");
    }
    let events: u64 = last.values().sum();
    (events, count - events)
}

//! The program is killed in the middle, 200 times: no event is in the table twice, none is missed.

#[path = "../src/delays.rs"]
mod delays;

use annals::toolkit::{Port, Projector, Sink};
use annals::{Durability, ExpectedVersion, NewEvent, Options, Query, QueryItem, Read, Store};
use delays::Delays;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const KILLS: u64 = 200;
/// Where the child works, and its seed.
const FOLDER: &str = "IN_SQLITE_FOLDER";
const SEED: &str = "IN_SQLITE_SEED";

/// A small generator: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Appends and follows until it is killed. In a usual run of the tests there is no folder.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (folder, seed) = (Path::new(&folder), std::env::var(SEED).unwrap().parse().unwrap());
    let options = Options::new().sync_within(Duration::from_millis(2));
    let store = options.open(folder.join("flights.annals")).unwrap();
    let port = Port::new(&store);
    let sink = Delays::open(&folder.join("delays.sqlite")).unwrap();
    let projector = Projector::into_sink(&port, sink).unwrap().batch(1 + seed % 9);
    let _following = projector.follow().unwrap();
    println!("\nbegun");
    std::io::stdout().flush().unwrap();
    let mut random = Random(seed);
    loop {
        let carrier = ["AA", "B6", "DL", "UA"][random.below(4) as usize];
        let minutes = random.below(90) as i64 - 30;
        let payload = format!(r#"{{"carrier": "{carrier}", "arr_delay": {minutes}}}"#);
        let name = if random.below(5) == 0 { "FlightDeparted" } else { "FlightArrived" };
        let durability =
            if random.below(3) == 0 { Durability::Synced } else { Durability::Buffered };
        let commit = annals::Commit::new().append(
            format!("airport-{}", random.below(3)),
            ExpectedVersion::Any,
            [NewEvent::new(name, payload)],
        );
        port.commit(commit.durability(durability)).unwrap();
        if random.below(8) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What the log says up to a position.
fn logged(store: &Store, to: u64) -> Vec<(String, i64, i64)> {
    let arrivals = Query::from(QueryItem::new().event_type("FlightArrived"));
    let mut carriers = BTreeMap::<String, (i64, i64)>::new();
    for event in store.query(&arrivals, Read::new().to(to)).unwrap() {
        let data: serde_json::Value = serde_json::from_slice(&event.unwrap().payload).unwrap();
        let carrier = carriers.entry(data["carrier"].as_str().unwrap().to_owned()).or_default();
        carrier.0 += 1;
        carrier.1 += data["arr_delay"].as_i64().unwrap();
    }
    carriers.into_iter().map(|(name, (flights, minutes))| (name, flights, minutes)).collect()
}

#[test]
fn no_event_is_there_twice_or_missed_however_often_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, database) =
        (folder.path().join("flights.annals"), folder.path().join("delays.sqlite"));
    let (mut random, mut behind, mut last) = (Random(7), 0, 0);
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(SEED, kill.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap() == "begun"), "the child has died");
        thread::sleep(Duration::from_micros(random.below(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Store::open(&log).unwrap();
        let checkpoint = Delays::open(&database).unwrap().checkpoint().unwrap();
        let head = store.head().unwrap();
        assert!(checkpoint <= head, "the table has seen {checkpoint}, the store ends at {head}");
        let table = delays::table(&database).unwrap();
        assert_eq!(table, logged(&store, checkpoint.get()), "after kill {kill}, at {checkpoint}");
        behind += u64::from(checkpoint < head);
        last = head.get();
    }
    // What is left is taken in.
    let store = Store::open(&log).unwrap();
    let sink = Delays::open(&database).unwrap();
    Projector::into_sink(Port::new(&store), sink).unwrap().catch_up().unwrap();
    assert_eq!(delays::table(&database).unwrap(), logged(&store, last));
    println!("{KILLS} kills, {last} events; {behind} times the table was behind the store");
    assert!(last > KILLS && behind > 0, "hardly anything happened");
}

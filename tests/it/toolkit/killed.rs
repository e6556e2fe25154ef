//! Projections whose process is killed at any moment: each event is in the output once, and the
//! output is what its checkpoint says.

use super::projections::number;
use crate::fixture::Place;
use crate::processes::{BEGUN, Other, Random, say};
use annals::toolkit::{Fold, Inline, Port, Projected, Projector};
use annals::{Commit, Durability, ExpectedVersion, Options, Read, Store};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// What is kept of a stream: a sum that no other set of numbers in no other order gives.
type Sum = (u64, u64);

const STORES: u64 = 10;
const ROUNDS: u64 = 10;
const STREAMS: u64 = 5;

fn add(sum: &mut Sum, number: u64) {
    sum.0 += 1;
    sum.1 = sum.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number + 1);
}

fn sums(name: &str) -> Fold<Sum> {
    Fold::per_stream(name, Sum::default).apply(|sum: &mut Sum, event| {
        add(sum, std::str::from_utf8(event.payload)?.parse()?);
        Ok(())
    })
}

/// Appends, while one projection follows, is made anew now and then, and another one is taken
/// along; until it is killed.
pub fn project(path: &Path, seed: u64) {
    let options = Options::new().sync_within(Duration::from_millis(2)).tail(200, 16_384);
    let store = options.open(path).unwrap();
    let port = Port::new(&store);
    let inline = Inline::open(&port, sums("inline")).unwrap();
    let batch = 1 + seed % 7;
    let projector = Projector::new(&port, sums("following")).unwrap().batch(batch);
    let following = projector.follow().unwrap();
    let both = port.clone().intercept(inline);
    say(BEGUN);
    let mut random = Random(seed);
    loop {
        let events = (0..1 + random.below(4)).map(|_| number(random.below(1_000)));
        let events: Vec<_> = events.collect();
        let stream = format!("a-{}", random.below(STREAMS));
        let durability = match random.below(4) {
            0 => Durability::Synced,
            _ => Durability::Buffered,
        };
        let commit = Commit::new().append(stream, ExpectedVersion::Any, events);
        // Now and then past the projection that is taken along.
        let port = if random.below(16) == 0 { &port } else { &both };
        port.commit(commit.durability(durability)).unwrap();
        if random.below(200) == 0 {
            following.rebuild();
        }
    }
}

/// What the log says up to a position.
fn expected(store: &Store, to: u64) -> Vec<Sum> {
    let mut sums = vec![Sum::default(); STREAMS as usize];
    for event in store.read_all(Read::new().to(to)).unwrap() {
        let event = event.unwrap();
        let stream: usize = event.stream.strip_prefix("a-").unwrap().parse().unwrap();
        add(&mut sums[stream], std::str::from_utf8(&event.payload).unwrap().parse().unwrap());
    }
    sums
}

/// What the output says, and up to where.
fn found(port: &Port, name: &str) -> (u64, Vec<Sum>) {
    let output = Projected::of(port, name);
    let Some(checkpoint) = output.checkpoint().unwrap() else {
        return (0, vec![Sum::default(); STREAMS as usize]);
    };
    let sums =
        (0..STREAMS).map(|nth| output.read(&format!("a-{nth}")).unwrap().unwrap_or_default());
    (checkpoint.position.get(), sums.collect())
}

#[test]
fn each_event_is_in_the_output_once_however_often_the_process_is_killed() {
    let (mut events, mut behind) = (0, 0);
    for store in 0..STORES {
        let place = Place::new();
        let mut random = Random(store);
        for round in 0..ROUNDS {
            let mut other = Other::start("project", &place.path(), store * ROUNDS + round);
            thread::sleep(Duration::from_micros(random.below(60_000)));
            other.kill();
            let store = Store::open(place.path()).unwrap();
            let (port, head) = (Port::new(&store), store.head().unwrap().get());
            for name in ["following", "inline"] {
                let (to, output) = found(&port, name);
                assert!(to <= head, "'{name}' is at {to}, the store ends at {head}");
                assert_eq!(output, expected(&store, to), "'{name}' as of {to}");
                behind += u64::from(to < head);
                Projector::new(&port, sums(name)).unwrap().catch_up().unwrap();
                assert_eq!(found(&port, name).1, expected(&store, head), "'{name}' at the end");
            }
            events += head;
        }
    }
    println!("{events} events looked at, {behind} outputs were behind");
    assert!(events > STORES * ROUNDS, "hardly anything was appended");
}

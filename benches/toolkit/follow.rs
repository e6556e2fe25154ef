//! Subscriptions: how soon a waiting one has an event, and what a replay through one costs.

use crate::support::{self, Row, Spread, judged};
use annals::storage::{Access, FileStorage, Map, Storage};
use annals::toolkit::{Follow, OnError, Port, Subscription, subscribe};
use annals::{Commit, Durability, NewEvent, Options, Read, Store};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Commits whose way to a subscription is measured, in each of two ways of waiting.
const COMMITS: u64 = 20_000;
/// Events of the replay, and of a commit when they are loaded.
const EVENTS: u64 = 1_000_000;
const BATCH: u64 = 100;

/// A file that says when it was synced last.
struct Timed {
    file: FileStorage,
    begun: Instant,
    /// Nanoseconds since it was begun.
    synced: AtomicU64,
}

impl Storage for Timed {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        self.synced.store(self.begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.allocate(offset, length)
    }

    fn map(&self, offset: u64, length: u64) -> io::Result<Option<Map>> {
        self.file.map(offset, length)
    }
}

/// From when an event is visible until a subscription that waited has it: commits one by one, a
/// fraction of a millisecond apart.
pub fn latency(folder: &Path) -> Vec<Row> {
    let ways = [Durability::Synced, Durability::Buffered];
    let rows = ways.into_iter().enumerate().flat_map(|(nth, durability)| {
        [false, true].map(|own_thread| {
            let path = folder.join(format!("latency-{nth}-{own_thread}.annals"));
            latency_of(&path, durability, own_thread)
        })
    });
    rows.collect()
}

fn latency_of(path: &Path, durability: Durability, own_thread: bool) -> Row {
    Store::open(path).unwrap().close().unwrap();
    let file = FileStorage::open(path, Access::Map, true).unwrap();
    let device = Arc::new(Timed { file, begun: Instant::now(), synced: AtomicU64::new(0) });
    let begun = device.begun;
    let store = Options::new().open_storage(device.clone()).unwrap();
    let buffered = durability == Durability::Buffered;
    let follow = if buffered { Follow::all().buffered() } else { Follow::all() };
    let port = Port::new(&store);

    let (arrived, arrivals) = channel();
    let mut subscribed = None;
    let mut subscription = None;
    if own_thread {
        let handle = subscribe(&port, "bench", follow, OnError::Stop, move |_| {
            Ok(arrived.send(begun.elapsed())?)
        });
        subscribed = Some(handle.unwrap());
    } else {
        let mut follower = Subscription::new(&port, follow).unwrap();
        subscription = Some(thread::spawn(move || {
            for _ in 0..COMMITS {
                follower.next_event(Duration::from_secs(60)).unwrap().unwrap();
                arrived.send(begun.elapsed()).unwrap();
            }
        }));
    }
    let mut delays = Vec::new();
    for nth in 0..COMMITS {
        thread::sleep(Duration::from_micros(100 + support::mixed(nth) % 300));
        // It becomes visible between this and the commit's end, or when a sync has returned.
        let before = begun.elapsed();
        let event = NewEvent::new("Happened", support::payload(nth));
        store.commit(Commit::new().event("a", event).durability(durability)).unwrap();
        let visible = match buffered {
            true => before,
            false => Duration::from_nanos(device.synced.load(Ordering::Relaxed)),
        };
        let arrived = arrivals.recv_timeout(Duration::from_secs(60)).unwrap();
        delays.push(arrived.saturating_sub(visible).as_secs_f64() * 1e6);
    }
    drop(subscribed);
    subscription.into_iter().for_each(|thread| thread.join().unwrap());
    delays.sort_by(f64::total_cmp);
    let at = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize];
    let (middle, late) = (at(0.5), at(0.99));
    let who = if own_thread { "callback" } else { "blocking" };
    Row {
        what: format!("a {durability:?} event reaches who waits ({who}), p50 and p99; µs"),
        floor: String::new(),
        annals: format!("{middle:.0} and {late:.0}"),
        ratio: String::new(),
        goal: judged("p99 <= 200 µs", late <= 200.0),
    }
}

/// Everything read through a subscription, beside a bare cursor.
pub fn replay(folder: &Path, rounds: usize) -> Vec<Row> {
    let path = folder.join("replay.annals");
    let store = Options::new().durability(Durability::Buffered).open(&path).unwrap();
    for first in (0..EVENTS).step_by(BATCH as usize) {
        let events =
            (first..first + BATCH).map(|nth| (nth, nth % support::STREAMS, nth / support::STREAMS));
        store.commit(support::commit(events)).unwrap();
    }
    store.close().unwrap();
    let store = Store::open(&path).unwrap();
    let port = Port::new(&store);
    let [mut bare, mut blocking, mut callback] = std::array::from_fn(|_| Spread::default());
    let rate = |begun: Instant| EVENTS as f64 / begun.elapsed().as_secs_f64();
    for _ in 0..rounds {
        let begun = Instant::now();
        let mut cursor = store.read_all(Read::new()).unwrap();
        let (mut events, mut all) = (0, 0);
        while let Some(event) = cursor.next_event().unwrap() {
            all ^= support::fold(event.payload);
            events += 1;
        }
        assert_eq!(black_box((events, all)).0, EVENTS);
        bare.push(rate(begun));

        let begun = Instant::now();
        let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
        let (mut events, mut all) = (0, 0);
        while let Some(event) = subscription.next_event(Duration::ZERO).unwrap() {
            all ^= support::fold(event.payload);
            events += 1;
        }
        assert_eq!(black_box((events, all)).0, EVENTS);
        blocking.push(rate(begun));

        let begun = Instant::now();
        let mut all = 0;
        let handle = subscribe(&port, "bench", Follow::all(), OnError::Stop, move |event| {
            all ^= support::fold(event.payload);
            black_box(all);
            Ok(())
        });
        assert!(handle.unwrap().wait_for(EVENTS, Duration::from_secs(60)).unwrap());
        callback.push(rate(begun));
    }
    let row = |who: &str, rates: &Spread, least: f64| {
        let ratio = rates.per(&bare);
        Row {
            what: format!("replay through a subscription ({who}); events/s"),
            floor: format!("a cursor: {}", bare.text(0)),
            annals: rates.text(0),
            ratio: ratio.text(2),
            goal: judged(&format!(">= {least} of a cursor"), ratio.median() >= least),
        }
    };
    vec![row("blocking", &blocking, 0.7), row("callback", &callback, 0.5)]
}

//! Clocks that go back, stand still or run ahead.

use crate::fixture::{Device, note};
use annals::{Clock, ExpectedVersion, Options, Read, Store, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[derive(Clone, Default)]
struct Turned(Arc<AtomicI64>);

impl Turned {
    fn to(&self, micros: i64) {
        self.0.store(micros, Ordering::Relaxed);
    }
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

fn recorded(store: &Store) -> Vec<i64> {
    let events = store.read_all(Read::new()).unwrap();
    events.map(|event| event.unwrap().recorded.micros()).collect()
}

#[test]
fn recorded_times_never_go_back() {
    let clock = Turned::default();
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    for now in [5, 9, 9, 3, i64::MIN, 10, -7, 1_000] {
        clock.to(now);
        store.append("a", ExpectedVersion::Any, [note("x"), note("y")]).unwrap();
    }
    let times = recorded(&store);
    assert!(times.is_sorted(), "{times:?}");
    let of_commits: Vec<_> = times.chunks(2).map(|pair| pair[0]).collect();
    assert_eq!(of_commits, [5, 9, 9, 9, 9, 10, 10, 1_000]);
}

#[test]
fn recorded_times_never_go_back_over_reopening() {
    for closed in [true, false] {
        let device = Device::new();
        let clock = Turned::default();
        let options = Options::new().without_keeper().clock(clock.clone());
        clock.to(70_000_000);
        let store = options.open_storage(device.clone()).unwrap();
        store.append("a", 0, [note("x")]).unwrap();
        if closed {
            store.close().unwrap();
        }
        clock.to(10_000_000);
        let device = Device::from_bytes(device.to_bytes());
        let store = options.open_storage(device).unwrap();
        assert_eq!(store.stats().unwrap().clock_ahead, Duration::from_secs(60));
        store.append("a", 1, [note("y")]).unwrap();
        assert_eq!(recorded(&store), [70_000_000, 70_000_000]);
        clock.to(70_000_001);
        store.append("a", 2, [note("z")]).unwrap();
        assert_eq!(recorded(&store).last(), Some(&70_000_001));
    }
}

#[test]
fn how_far_the_recorded_time_is_ahead_shows_in_stats() {
    let clock = Turned::default();
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    clock.to(-5);
    assert_eq!(store.stats().unwrap().clock_ahead, Duration::ZERO, "there is no event yet");
    clock.to(3_000_000);
    store.append("a", 0, [note("x")]).unwrap();
    assert_eq!(store.stats().unwrap().clock_ahead, Duration::ZERO);
    clock.to(1_000_000);
    assert_eq!(store.stats().unwrap().clock_ahead, Duration::from_secs(2));
    clock.to(4_000_000);
    assert_eq!(store.stats().unwrap().clock_ahead, Duration::ZERO);
}

#[test]
fn a_clock_at_the_end_of_time_stops_nothing() {
    let device = Device::new();
    let clock = Turned::default();
    let options = Options::new().without_keeper().clock(clock.clone());
    let store = options.open_storage(device.clone()).unwrap();
    clock.to(i64::MIN);
    store.append("a", 0, [note("x")]).unwrap();
    clock.to(i64::MAX);
    store.append("a", 1, [note("y")]).unwrap();
    clock.to(i64::MIN);
    let ahead = store.stats().unwrap().clock_ahead;
    assert!(ahead >= Duration::from_micros(i64::MAX as u64), "{ahead:?}");
    store.append("a", 2, [note("z")]).unwrap();
    assert_eq!(recorded(&store), [i64::MIN, i64::MAX, i64::MAX]);
    store.close().unwrap();
    let store = options.open_storage(device).unwrap();
    store.append("a", 3, [note("z")]).unwrap();
    assert_eq!(recorded(&store).last(), Some(&i64::MAX));
    assert!(store.verify().unwrap().is_whole());
    assert!(store.event(1).unwrap().unwrap().recorded.to_string().ends_with('Z'));
}

#[test]
fn what_a_caller_says_of_time_is_kept_and_given_no_meaning() {
    let clock = Turned::default();
    let store = Options::new().clock(clock).in_memory().unwrap();
    let times = [i64::MAX, 0, -1, i64::MIN];
    let events = times.map(|time| note("x").occurred(Timestamp::from_micros(time)));
    store.append("a", 0, events).unwrap();
    let found: Vec<_> = store
        .read_all(Read::new())
        .unwrap()
        .map(|event| event.unwrap().occurred.unwrap().micros())
        .collect();
    assert_eq!(found, times);
    assert_eq!(recorded(&store), [0; 4]);
}

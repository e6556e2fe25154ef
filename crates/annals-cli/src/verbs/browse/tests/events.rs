//! The list of events while it grows, and where it can't be read.

use super::super::events::Scope;
use super::super::log::Log;
use super::super::model::Model;
use super::driver::Driver;
use annals::{NewEvent, Options, Store};
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Size;
use std::path::Path;

fn append(store: &Store, count: u64) {
    for _ in 0..count {
        let version = store.stream_version("live-1").unwrap();
        store.append("live-1", version.get(), [NewEvent::new("Ticked", "{}")]).unwrap();
    }
}

#[test]
fn who_follows_sees_each_event_that_is_appended() {
    let mut driver = Driver::of_orders();
    driver.write("F");
    driver.is_at(61, "all events");
    driver.shows(" following ");
    append(&driver.store, 3);
    driver.tick();
    driver.is_at(64, "all events");
    driver.shows("live-1, version 3");
    driver.shows("64 events, 5 streams");
}

#[test]
fn who_goes_up_or_says_so_no_longer_follows() {
    for keys in ["k", "F", "g", "p3\n"] {
        let mut driver = Driver::of_orders();
        driver.write("F").write(keys);
        assert!(!driver.model.follows, "after {keys}");
        driver.shows("no longer following");
        let number = driver.model.events.number();
        append(&driver.store, 3);
        driver.tick();
        driver.shows(" of 64 · all events");
        assert_eq!(driver.model.events.number(), number, "after {keys}");
    }
}

#[test]
fn a_stream_is_followed_too() {
    let mut driver = Driver::of_orders();
    append(&driver.store, 2);
    driver.tick();
    driver.write("GsF");
    driver.is_at(2, "live-1");
    append(&driver.store, 30);
    driver.store.append("order-1", 20, [NewEvent::new("ItemAdded", "{}")]).unwrap();
    driver.tick();
    driver.is_at(32, "live-1");
}

#[test]
fn few_events_are_read_however_many_there_are() {
    let store = Store::in_memory().unwrap();
    let events = |from: u64| (from..from + 1_000).map(|nth| NewEvent::new("N", nth.to_string()));
    for from in (0..50_000).step_by(1_000) {
        store.append("a", from, events(from)).unwrap();
    }
    let mut driver = Driver::new(store, 80, 24);
    driver.write("p25000\n").key(KeyCode::PageDown);
    assert!(driver.model.events.rows.len() <= 20);
    driver.is_at(25_008, "all events");
}

/// A file of 50 events of which one can't be read, opened to look.
fn damaged(path: &Path) -> Store {
    let store = Store::open(path).unwrap();
    for nth in 0..50_u64 {
        let payload = format!("this is payload number {nth:03}");
        store.append("a", nth, [NewEvent::new("N", payload)]).unwrap();
    }
    store.close().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let needle = b"this is payload number 004";
    let at = bytes.windows(needle.len()).position(|there| there == needle).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
    Options::new().open_read_only(path).unwrap()
}

#[test]
fn an_event_that_cant_be_read_says_so_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = damaged(&folder.path().join("damaged.annals"));
    assert!(store.event(5).is_err(), "the damage is there");
    let head = store.head().unwrap().get();
    assert!(head > 10, "and it opens beyond it");
    let mut driver = Driver::new(store, 120, 40);
    driver.shows("5: ");
    driver.shows("   4 ");
    driver.shows("   6 ");
    driver.write("p5\n");
    driver.shows("this event can't be read");
    driver.write("/payload number 007\n");
    driver.is_at(8, "all events");
    driver.write("/payload number 004\n");
    driver.shows("is nowhere here; 1 of the events can't be read");
    let rows = driver.model.log.rows(&Scope::Stream("a".to_owned()), 1, 10);
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1);
}

#[test]
fn a_closed_store_is_said_to_be_and_nothing_ends() {
    let store = Store::in_memory().unwrap();
    append(&store, 3);
    let mut model = Model::new(Log::new(store.clone()).unwrap(), "x".to_owned());
    model.resize(Size::new(80, 24));
    store.close().unwrap();
    let now = std::time::Instant::now();
    assert!(model.tick(now));
    assert!(model.trouble.as_ref().is_some_and(|trouble| trouble.contains("closed")));
    assert!(!model.tick(now + std::time::Duration::from_secs(2)), "it is said once");
    assert!(!model.has_ended());
}

//! Following what another process writes.

use super::LONG;
use crate::fixture::Place;
use crate::processes::child::{Other, announced};
use annals::toolkit::{Follow, OnError, Port, Subscription, subscribe};
use annals::{RecordedEvent, Store};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Follows in the ways there are, and gives the last position.
fn positions(events: &[(u64, Vec<u8>)]) -> Vec<u64> {
    events.iter().map(|(position, _)| *position).collect()
}

#[test]
fn each_event_of_another_process_is_given_once_it_is_durable_and_none_twice() {
    for seed in [1, 2] {
        let place = Place::new();
        let mut writer = Other::start("announce", &place.path(), seed);
        let store = Store::open_read_only(place.path()).unwrap();
        let port = Port::new(&store);
        let given = Arc::new(Mutex::new(Vec::new()));
        let (own, path) = (given.clone(), place.path());
        let handle = subscribe(&port, "x", Follow::all(), OnError::Stop, move |event| {
            assert!(event.position.get() <= announced(&path), "it may not be durable yet");
            own.lock().unwrap().push((event.position.get(), event.payload.to_vec()));
            Ok(())
        });
        let handle = handle.unwrap();
        let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
        let begun = Instant::now();
        let mut own = Vec::new();
        while begun.elapsed() < Duration::from_millis(1_500) || own.len() < 100 {
            assert!(begun.elapsed() < LONG, "there were {} events only", own.len());
            let next = subscription.next_event(Duration::from_millis(20)).unwrap();
            let Some(event) = next else { continue };
            let bound = announced(&place.path());
            assert!(event.position.get() <= bound, "{} of {bound}", event.position);
            own.push((event.position.get(), event.payload.to_vec()));
        }
        let last: u64 = writer.ask("stop").parse().unwrap();
        assert!(handle.wait_for(last, LONG).unwrap());
        handle.stop().unwrap();
        let rest = subscription.arriving(Duration::ZERO).map(Result::unwrap);
        own.extend(rest.map(|event: RecordedEvent| (event.position.get(), event.payload)));
        assert_eq!(positions(&own), (1..=last).collect::<Vec<_>>());
        assert!(*given.lock().unwrap() == own, "the two were given different events");
        let there = store.read_all(annals::Read::new()).unwrap().map(Result::unwrap);
        let there: Vec<_> = there.map(|event| (event.position.get(), event.payload)).collect();
        assert!(own == there, "it was given something else than there is");
    }
}

#[test]
fn it_goes_on_over_the_death_of_a_writer_and_the_next_one() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let store = Store::open_read_only(place.path()).unwrap();
    let port = Port::new(&store);
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    let (given, gets) = std::sync::mpsc::channel();
    let handle = subscribe(&port, "x", Follow::all(), OnError::Stop, move |event| {
        Ok(given.send(event.position.get())?)
    });
    let handle = handle.unwrap();
    let mut seen = 0;
    let mut follow_to = |last: u64| {
        for position in seen + 1..=last {
            assert_eq!(subscription.next_event(LONG).unwrap().unwrap().position.get(), position);
            assert_eq!(gets.recv_timeout(LONG).unwrap(), position);
        }
        seen = last;
        assert!(subscription.next_event(Duration::from_millis(20)).unwrap().is_none());
        assert!(gets.try_recv().is_err());
    };
    for _ in 0..3 {
        let last: u64 = writer.ask("synced").parse().unwrap();
        follow_to(last);
        // Buffered ones are shown when the next writer has made them durable.
        let last: u64 = writer.ask("buffered").parse().unwrap();
        follow_to(last - 3);
        writer.kill();
        follow_to(last - 3);
        writer = Other::start("obey", &place.path(), 0);
        follow_to(last);
    }
    drop(handle);
    assert_eq!(writer.ask("close"), "closed");
}

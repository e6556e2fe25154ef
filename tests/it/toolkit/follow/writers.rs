//! Many who write and many who follow at once.

use super::LONG;
use annals::toolkit::{Follow, OnError, Port, Subscription, subscribe};
use annals::{
    Commit, Durability, ExpectedVersion, NewEvent, Options, Position, QueryItem, Read, Store,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const WRITERS: u64 = 4;
const COMMITS: u64 = 400;

/// Commits of one to three events to the writer's own stream, of all durabilities; every seventh
/// event has a tag.
fn write(store: &Store, writer: u64) {
    for nth in 0..COMMITS {
        let durability = match (writer + nth) % 5 {
            0 => Durability::Synced,
            1 if nth % 40 == 1 => Durability::Strict,
            _ => Durability::Buffered,
        };
        let event = |step: u64| {
            let event = NewEvent::new("Written", format!("{writer} {nth} {step}"));
            if (nth + step).is_multiple_of(7) { event.tag("seventh") } else { event }
        };
        let events = (0..1 + nth % 3).map(event);
        let commit = Commit::new().append(format!("w-{writer}"), ExpectedVersion::Any, events);
        store.commit(commit.durability(durability)).unwrap();
    }
}

/// What one who follows was given: positions, and what they said.
type Given = Vec<(u64, String)>;

/// What is to be given in the end: what the store has after this position.
fn wanted(store: &Store, after: Position, tag: Option<&str>) -> Given {
    let events = match tag {
        None => store.read_all(Read::new().after(after)),
        Some(tag) => store.query(&QueryItem::new().tag(tag).into(), Read::new().after(after)),
    };
    let events = events.unwrap().map(Result::unwrap);
    events.map(|event| (event.position.get(), String::from_utf8(event.payload).unwrap())).collect()
}

#[test]
fn whoever_follows_gets_each_event_once_in_order_whoever_writes_meanwhile() {
    for tiny in [false, true] {
        let options = Options::new().sync_within(Duration::from_millis(2));
        // Segments and runs change all the time.
        let options = if tiny { options.segments(4_096, 16_384).tail(64, 8_192) } else { options };
        let store = options.in_memory().unwrap();
        let port = Port::new(&store);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                thread::spawn(move || write(&store, writer))
            })
            .collect();
        let mut blocking = Vec::new();
        let mut callbacks = Vec::new();
        for nth in 0..6 {
            let tag = (nth % 3 == 2).then_some("seventh");
            let follow = match tag {
                None => Follow::all(),
                Some(tag) => Follow::query(QueryItem::new().tag(tag)),
            };
            let after = if nth % 2 == 0 { Position::START } else { store.head().unwrap() };
            let follow = follow.after(after);
            let is_buffered = nth >= 3;
            let follow = if is_buffered { follow.buffered() } else { follow };
            let mut subscription = Subscription::new(&port, follow.clone()).unwrap();
            let own = store.clone();
            blocking.push((
                after,
                tag,
                thread::spawn(move || {
                    let mut given = Given::new();
                    while let Some(event) = subscription.next_event(Duration::from_secs(2)).unwrap()
                    {
                        assert!(is_buffered || event.position <= own.durable(), "it may still go");
                        let text = std::str::from_utf8(event.payload).unwrap().to_owned();
                        given.push((event.position.get(), text));
                    }
                    assert_eq!(subscription.position(), own.head().unwrap());
                    given
                }),
            ));
            let (given, own) = (Arc::new(Mutex::new(Given::new())), store.clone());
            let filled = given.clone();
            let name = format!("follower {nth}");
            let handle = subscribe(&port, &name, follow, OnError::Stop, move |event| {
                assert!(is_buffered || event.position <= own.durable(), "it may still go");
                let text = String::from_utf8(event.payload.to_vec())?;
                filled.lock().unwrap().push((event.position.get(), text));
                Ok(())
            });
            callbacks.push((after, tag, given, handle.unwrap()));
            thread::sleep(Duration::from_millis(3));
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        store.sync().unwrap();
        let head = store.head().unwrap();
        assert_eq!(head.get(), WRITERS * (0..COMMITS).map(|nth| 1 + nth % 3).sum::<u64>());
        for (after, tag, thread) in blocking {
            assert_eq!(thread.join().unwrap(), wanted(&store, after, tag));
        }
        for (after, tag, given, handle) in callbacks {
            assert!(handle.wait_for(head, LONG).unwrap());
            assert_eq!(handle.lag().unwrap().positions, 0);
            handle.stop().unwrap();
            assert_eq!(*given.lock().unwrap(), wanted(&store, after, tag));
        }
    }
}

#[test]
fn callbacks_that_write_see_what_they_have_written() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    let own = port.clone();
    // Each event makes another one, until there are fifty in its stream.
    let handle = subscribe(&port, "replies", Follow::all(), OnError::Stop, move |event| {
        if event.version.get() < 50 {
            let reply = NewEvent::new("Replied", event.version.to_string());
            own.append(event.stream()?, event.version, [reply])?;
        }
        Ok(())
    });
    let handle = handle.unwrap();
    for stream in ["a", "b"] {
        port.append(stream, 0, [NewEvent::new("Asked", "")]).unwrap();
    }
    assert!(handle.wait_for(100, LONG).unwrap());
    let counts = ["a", "b"].map(|stream| store.stream_version(stream).unwrap().get());
    assert_eq!(counts, [50, 50]);
}

/// The threads and callbacks of one store do not stand in one another's way.
#[test]
fn a_callback_that_takes_its_time_holds_up_nobody_else() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let slow = subscribe(&port, "slow", Follow::all(), OnError::Stop, move |_| {
        let _ = held.recv();
        Ok(())
    });
    let slow = slow.unwrap();
    let counts = Arc::new(Mutex::new(HashMap::<u64, u32>::new()));
    let others: Vec<_> = (0..8)
        .map(|nth| {
            let counts = counts.clone();
            let name = format!("quick {nth}");
            let handle = subscribe(&port, &name, Follow::all(), OnError::Stop, move |event| {
                *counts.lock().unwrap().entry(event.position.get()).or_default() += 1;
                Ok(())
            });
            handle.unwrap()
        })
        .collect();
    for nth in 0..20 {
        port.append("a", nth, [NewEvent::new("Noted", "")]).unwrap();
    }
    for handle in &others {
        assert!(handle.wait_for(20, LONG).unwrap());
    }
    assert_eq!(slow.position().get(), 0);
    let lag = slow.lag().unwrap();
    assert_eq!(lag.positions, 20);
    assert_eq!(lag.since, Some(store.event(1).unwrap().unwrap().recorded));
    assert!(counts.lock().unwrap().values().all(|count| *count == 8));
    drop(gate);
    assert!(slow.wait_for(20, LONG).unwrap());
}

//! Readers: they know nothing but what events say of themselves, and what views are to be.

use super::said::{check, check_run, writer_tag};
use super::writers::DOCUMENTS;
use super::{Closed, Random, WRITERS, World, unless_closed};
use annals::{Cursor, Keys, Query, QueryItem, Read, RecordedEvent, Store, View};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

/// Views that a reader puts aside at a time.
const ASIDE: usize = 4;
/// Events that a look takes at the most.
const MANY: u64 = 200;

/// A view that was put aside, and a cursor of it that was read up to this position.
struct Old {
    view: View,
    cursor: Cursor,
    next: u64,
}

/// Reads until all is over.
pub fn read(world: &World, nth: usize) {
    let mut random = Random(1_000 + nth as u64);
    let mut old = Vec::new();
    let mut life = world.life();
    loop {
        while look(world, &life.store, &mut random, &mut old).is_ok() && !world.is_over() {
            // Writers are to have most of the time.
            thread::sleep(Duration::from_micros(random.below(2_000)));
        }
        match world.next_life(&life) {
            Some(next) => life = next,
            None => return old.into_iter().for_each(|old| finish(world, old)),
        }
    }
}

/// Looks at a view in one way or another. Only taking it may fail, if the store is closed.
fn look(
    world: &World,
    store: &Store,
    random: &mut Random,
    old: &mut Vec<Old>,
) -> Result<(), Closed> {
    let view = unless_closed(store.view())?;
    let head = view.head().get();
    match random.below(9) {
        0 => tail(world, &view, head.saturating_sub(random.below(MANY))),
        1 => backward(world, &view),
        2 => stream(world, &view, &format!("own{}-0", random.below(WRITERS as u64))),
        3 => stream(world, &view, "prize"),
        4 => query(world, &view, random),
        5 => documents(&view, random),
        6 => names(&view),
        7 if head > 0 => {
            let position = 1 + random.below(head);
            check(&view.event(position).unwrap().expect("positions are dense"));
        }
        _ if old.len() < ASIDE => old.push(put_aside(world, view, random)),
        _ => {
            let nth = random.below(old.len() as u64) as usize;
            finish(world, old.swap_remove(nth));
        }
    }
    Ok(())
}

fn all(cursor: impl Iterator<Item = Result<RecordedEvent, annals::Error>>) -> Vec<RecordedEvent> {
    cursor.map(Result::unwrap).collect()
}

fn count(world: &World, events: &[RecordedEvent]) {
    world.events_read.fetch_add(events.len() as u64, Relaxed);
}

/// All events after this position.
fn tail(world: &World, view: &View, after: u64) {
    let events = all(view.all(Read::new().after(after)));
    assert_eq!(events.len() as u64, view.head().get() - after);
    check_run(&events, after + 1, true);
    count(world, &events);
}

/// The last events, the last one first.
fn backward(world: &World, view: &View) {
    let mut events = all(view.all(Read::new().backward()).take(100));
    events.reverse();
    let first = view.head().get() + 1 - events.len() as u64;
    check_run(&events, first, true);
    count(world, &events);
}

/// A stream has each version once, up to the one that is asked for.
fn stream(world: &World, view: &View, name: &str) {
    let version = view.stream_version(name).unwrap().get();
    let after = version.saturating_sub(MANY);
    let events = all(view.stream(name, Read::new().after(after)));
    let versions: Vec<u64> = events.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, (after + 1..=version).collect::<Vec<_>>(), "{name}");
    events.iter().for_each(|event| _ = check(event));
    count(world, &events);
}

/// A query finds what a look at everything does; a seat has one event at the most.
fn query(world: &World, view: &View, random: &mut Random) {
    let after = view.head().get().saturating_sub(MANY);
    let tag = writer_tag(random.below(WRITERS as u64) as usize);
    let query = Query::from(QueryItem::new().tag(&tag).event_type("Type1"));
    let found = all(view.query(&query, Read::new().after(after)).unwrap());
    let mut wanted = all(view.all(Read::new().after(after)));
    count(world, &wanted);
    wanted.retain(|event| event.tags.contains(&tag) && event.event_type == "Type1");
    assert_eq!(found, wanted);
    let seat = format!("seat:{}", random.below(world.seats.load(Relaxed).max(1)));
    let seat = Query::from(QueryItem::new().tag(&seat));
    assert!(all(view.query(&seat, Read::new()).unwrap()).len() <= 1, "a seat was given twice");
}

/// A document says its key and its revision.
fn documents(view: &View, random: &mut Random) {
    let key = format!("document-{}", random.below(DOCUMENTS));
    if let Some(document) = view.document(&key).unwrap() {
        let said = format!("{key} {}", document.revision);
        assert_eq!(document.value, said.as_bytes());
    }
    for document in view.documents(&Keys::all()) {
        let document = document.unwrap();
        let said = format!("{} {}", document.key, document.revision);
        assert_eq!(document.value, said.as_bytes());
    }
}

/// Each event has one type.
fn names(view: &View) {
    let types = view.types(&Keys::all()).map(|named| named.unwrap().events);
    assert_eq!(types.sum::<u64>(), view.head().get());
    let streams = view.streams().filter(|name| name.as_ref().unwrap().starts_with("own"));
    assert!(streams.count() <= 5 * WRITERS);
}

fn put_aside(world: &World, view: View, random: &mut Random) -> Old {
    let head = view.head().get();
    let after = head.saturating_sub(random.below(2 * MANY));
    let mut cursor = view.all(Read::new().after(after));
    let half = all(cursor.by_ref().take(random.below(MANY) as usize));
    check_run(&half, after + 1, false);
    count(world, &half);
    Old { view, cursor, next: after + 1 + half.len() as u64 }
}

/// The rest of it, whatever has become of the store meanwhile.
fn finish(world: &World, old: Old) {
    let events = all(old.cursor);
    assert_eq!(old.next + events.len() as u64, old.view.head().get() + 1);
    check_run(&events, old.next, true);
    count(world, &events);
    stream(world, &old.view, "own0-0");
    stream(world, &old.view, "all");
    names(&old.view);
    world.old_views.fetch_add(1, Relaxed);
}

//! What holds for every kind of read: it owns what it reads, keeps what it began with, blocks
//! nobody, and outlives the store.

use crate::fixture::{Place, note};
use annals::{
    Chore, Commit, ErrorKind, Keys, NewEvent, Options, Query, QueryItem, Read, Store, View,
};
use std::time::Duration;

/// A read that has not begun, as lines.
type Lines = Box<dyn Iterator<Item = String> + Send + 'static>;

fn lines<T: std::fmt::Debug, E: std::fmt::Debug>(
    read: impl Iterator<Item = Result<T, E>> + Send + 'static,
) -> Lines {
    Box::new(read.map(|found| format!("{:?}", found.unwrap())))
}

fn tagged() -> Query {
    Query::from(QueryItem::new().tag("even")).or(QueryItem::new().event_type("Type1").tag("all"))
}

/// What no index says: every event of the category is looked at.
fn by_prefix() -> Query {
    Query::from(QueryItem::new().stream_prefix("s-1"))
}

/// Every kind of read there is.
fn reads(view: &View) -> Vec<(&'static str, Lines)> {
    let back = || Read::new().backward();
    let mut reader = view.reader();
    let mut next = 0;
    let single = std::iter::from_fn(move || {
        next += 1;
        let event = reader.event(next).unwrap().map(|event| event.to_recorded().unwrap());
        let document = reader.document(&format!("d/{}", next % 7)).unwrap();
        let document = document.map(|document| document.to_document());
        event.map(|event| format!("{event:?} {document:?}"))
    });
    vec![
        ("all", lines(view.all(Read::new()))),
        ("all, backward", lines(view.all(Read::new().backward()))),
        ("a stream", lines(view.stream("s-1", Read::new()))),
        ("a stream, backward", lines(view.stream("s-1", Read::new().backward()))),
        ("a query", lines(view.query(&tagged(), Read::new()).unwrap())),
        ("a query, backward", lines(view.query(&tagged(), back()).unwrap())),
        ("a query by prefix", lines(view.query(&by_prefix(), Read::new()).unwrap())),
        ("streams", lines(view.streams())),
        ("streams of a category", lines(view.streams_of("s"))),
        ("documents", lines(view.documents(&Keys::all()))),
        ("documents, backward", lines(view.documents(&Keys::all().backward()))),
        ("types", lines(view.types(&Keys::all()))),
        ("tags", lines(view.tags(&Keys::prefix("tag:")))),
        ("single ones", Box::new(single)),
    ]
}

fn commit(nth: u64) -> Commit {
    let event = |nth: u64| {
        let event = NewEvent::new(format!("Type{}", nth % 3), nth.to_string()).tag("all");
        let event = event.tag(format!("tag:{}", nth % 50));
        if nth.is_multiple_of(2) { event.tag("even") } else { event }
    };
    let commit = Commit::new().event(format!("s-{}", nth % 40), event(2 * nth));
    let commit = commit.event(format!("t-{nth}"), event(2 * nth + 1));
    commit.put(format!("d/{}", nth % 60), nth.to_string())
}

fn fill(store: &Store, commits: std::ops::Range<u64>) {
    commits.for_each(|nth| _ = store.commit(commit(nth)).unwrap());
}

/// Tables of a few events, so that runs are written and merged all the time.
fn options() -> Options {
    Options::new().tail(16, u64::MAX)
}

#[test]
fn every_read_keeps_what_it_began_with_whatever_comes_later_and_after_closing() {
    let place = Place::new();
    let store = options().open(place.path()).unwrap();
    fill(&store, 0..150);
    let view = store.view().unwrap();
    let wanted: Vec<Vec<String>> =
        reads(&view).into_iter().map(|(_, read)| read.collect()).collect();
    assert!(wanted.iter().all(|lines| lines.len() > 2));
    // Each read is half done when more comes, runs are merged, and the store is closed.
    let mut halves: Vec<(&str, Vec<String>, Lines)> = Vec::new();
    for ((name, mut read), wanted) in reads(&view).into_iter().zip(&wanted) {
        let half = read.by_ref().take(wanted.len() / 2).collect();
        halves.push((name, half, read));
    }
    let untouched = reads(&view);
    fill(&store, 150..300);
    store.chore(Chore::Index).unwrap();
    store.close().unwrap();
    drop((store, view));
    // Another writer goes on in the same file meanwhile.
    let again = options().open(place.path()).unwrap();
    fill(&again, 300..450);
    again.chore(Chore::Index).unwrap();
    for ((name, mut half, read), wanted) in halves.into_iter().zip(&wanted) {
        half.extend(read);
        assert_eq!(&half, wanted, "{name}");
    }
    for ((name, read), wanted) in untouched.into_iter().zip(&wanted) {
        assert_eq!(&read.collect::<Vec<_>>(), wanted, "{name}");
    }
}

#[test]
fn every_read_goes_on_in_another_thread() {
    let store = options().in_memory().unwrap();
    fill(&store, 0..100);
    let view = store.view().unwrap();
    for ((name, mut read), (_, same)) in reads(&view).into_iter().zip(reads(&view)) {
        let wanted: Vec<String> = same.collect();
        let mut found = vec![read.next().unwrap()];
        let rest = std::thread::spawn(move || read.collect::<Vec<_>>());
        found.extend(rest.join().unwrap());
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn a_half_read_cursor_of_any_kind_keeps_no_commit_waiting_in_its_own_thread() {
    let store = options().in_memory().unwrap();
    fill(&store, 0..100);
    let view = store.view().unwrap();
    let mut halves = reads(&view);
    halves.iter_mut().for_each(|(_, read)| _ = read.next().unwrap());
    // Were anything locked, this would never end.
    fill(&store, 100..200);
    store.sync().unwrap();
    store.chore(Chore::Index).unwrap();
    assert!(halves.into_iter().all(|(_, read)| read.count() > 0));
}

#[test]
fn no_kind_of_read_begins_once_the_store_is_closed() {
    let store = options().in_memory().unwrap();
    fill(&store, 0..10);
    let other = store.clone();
    store.close().unwrap();
    let closed = |result: Result<(), annals::Error>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
    };
    closed(other.view().map(drop));
    closed(other.read_all(Read::new()).map(drop));
    closed(other.read_stream("s-1", Read::new()).map(drop));
    closed(other.query(&tagged(), Read::new()).map(drop));
    closed(other.event(1).map(drop));
    closed(other.event_by_id(annals::Uuid::nil()).map(drop));
    closed(other.document("d/1").map(drop));
    closed(other.documents(Keys::all()).map(drop));
    closed(other.stream_version("s-1").map(drop));
    closed(other.streams().map(drop));
    closed(other.streams_of("s").map(drop));
    closed(other.categories().map(drop));
    closed(other.types(Keys::all()).map(drop));
    closed(other.tags(Keys::all()).map(drop));
    closed(other.summary().map(drop));
    closed(other.stream_summary("s-1").map(drop));
    closed(other.verify_stream("s-1").map(drop));
    closed(other.head().map(drop));
    closed(other.wait(1, Duration::ZERO).map(drop));
}

#[test]
fn reading_by_a_query_waiting_and_reading_on_from_the_marker_misses_nothing() {
    const EVENTS: u64 = 400;
    let store = Store::in_memory().unwrap();
    let query = Query::from(QueryItem::new().tag("even"));
    let writer = {
        let store = store.clone();
        std::thread::spawn(move || {
            for nth in 0..EVENTS {
                let event = note(nth.to_string());
                let event = if nth.is_multiple_of(2) { event.tag("even") } else { event };
                store.append("s", nth, [event]).unwrap();
            }
        })
    };
    let (mut found, mut marker) = (Vec::new(), annals::Position::START);
    while (found.len() as u64) < EVENTS / 2 {
        let head = store.wait(marker, Duration::from_secs(30)).unwrap();
        assert!(head > marker, "nothing came within half a minute");
        let cursor = store.query(&query, Read::new().after(marker)).unwrap();
        let (events, next) = cursor.events_and_marker().unwrap();
        found.extend(events.into_iter().map(|event| event.position.get()));
        assert!(next >= head, "a read that was not cut looked up to the head");
        marker = next;
    }
    writer.join().unwrap();
    assert_eq!(found, (0..EVENTS).step_by(2).map(|nth| nth + 1).collect::<Vec<_>>());
}

//! Projections that follow the log: each event once, whatever happens.

use annals::toolkit::{
    Fold, OnError, Order, Output, Port, Projected, Projection, Projector, Received, Retry, Running,
    ToolError,
};
use annals::{
    Commit, Durability, ErrorKind, Keys, NewEvent, Options, Query, QueryItem, Store, Timestamp,
};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

pub fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

/// An event that says a number.
pub fn number(number: u64) -> NewEvent {
    NewEvent::new("Counted", number.to_string())
}

pub fn numbers(port: &Port, stream: &str, numbers: impl IntoIterator<Item = u64>) {
    let events = numbers.into_iter().map(number);
    port.append(stream, annals::ExpectedVersion::Any, events).unwrap();
}

fn read(event: &Received<'_>) -> Result<u64, annals::toolkit::Failure> {
    Ok(std::str::from_utf8(event.payload)?.parse()?)
}

/// The numbers that came, in their order, in one state.
pub fn list(name: &str) -> Fold<Vec<u64>> {
    Fold::new(name, Vec::new).apply(|list: &mut Vec<u64>, event| {
        list.push(read(event)?);
        Ok(())
    })
}

fn listed(port: &Port, name: &str) -> Vec<u64> {
    Projected::of(port, name).state().unwrap().unwrap_or_default()
}

#[test]
fn each_event_counts_once_in_order_whatever_the_batches() {
    for batch in [1, 3, 1_000] {
        let port = port();
        numbers(&port, "a", 0..10);
        let mut projector = Projector::new(&port, list("list")).unwrap().batch(batch);
        let progress = projector.catch_up().unwrap();
        assert_eq!((progress.events, progress.position.get()), (10, 10));
        assert_eq!(projector.catch_up().unwrap().events, 0);
        numbers(&port, "b", 10..13);
        projector.catch_up().unwrap();
        drop(projector);
        // Another one goes on where it was.
        numbers(&port, "a", 13..20);
        let mut projector = Projector::new(&port, list("list")).unwrap().batch(batch);
        assert_eq!((projector.position().get(), projector.catch_up().unwrap().events), (13, 7));
        assert_eq!(listed(&port, "list"), (0..20).collect::<Vec<_>>());
        assert_eq!(Projected::of(&port, "list").lag().unwrap(), 0);
    }
}

#[test]
fn what_was_not_committed_is_made_again() {
    let store = Options::new().without_keeper().in_memory().unwrap();
    let port = Port::new(&store);
    let buffered = Commit::new().append("a", 0, [number(1)]).durability(Durability::Buffered);
    port.commit(buffered).unwrap();
    let mut projector = Projector::new(&port, list("list")).unwrap();
    assert_eq!(projector.catch_up().unwrap().events, 0, "it is not durable");
    assert_eq!(Projected::of(&port, "list").checkpoint().unwrap(), None);
    store.sync().unwrap();
    assert_eq!(projector.catch_up().unwrap().events, 1);
    let buffered = Commit::new().append("a", 1, [number(2)]).durability(Durability::Buffered);
    port.commit(buffered).unwrap();
    let mut projector = projector.buffered();
    assert_eq!(projector.catch_up().unwrap().events, 1, "it is visible");
}

#[test]
fn one_projection_is_run_by_one() {
    let port = port();
    let first = Projector::new(&port, list("list")).unwrap();
    let busy = Projector::new(&port, list("list")).unwrap_err();
    assert!(matches!(&busy, ToolError::Busy { name } if name == "list"), "{busy}");
    Projector::new(&port, list("other")).unwrap();
    Projector::new(port.tenant("acme").unwrap(), list("list")).unwrap();
    drop(first);
    Projector::new(&port, list("list")).unwrap();
}

#[test]
fn who_moves_the_checkpoint_behind_its_back_is_told_apart() {
    let port = port();
    numbers(&port, "a", 0..3);
    let mut projector = Projector::new(&port, list("list")).unwrap();
    projector.catch_up().unwrap();
    let place = port.document("~projection/list").unwrap().unwrap().value;
    port.commit(Commit::new().put("~projection/list", place)).unwrap();
    numbers(&port, "a", 3..4);
    assert!(matches!(projector.catch_up().unwrap_err(), ToolError::Busy { .. }));
    assert_eq!(listed(&port, "list"), [0, 1, 2], "nothing of it was committed");
}

#[test]
fn names_that_can_not_be_are_refused() {
    let port = port();
    let long = "x".repeat(65);
    for name in ["", "a/b", "~a", "a\nb", &long] {
        let error = Projector::new(&port, list(name)).unwrap_err();
        assert!(matches!(error, ToolError::Setup(_)), "{error}");
    }
}

#[test]
fn a_checkpoint_beyond_the_head_is_refused() {
    let place = r#"{"version":1,"generation":1,"position":7,"skipped":0,"inline":false}"#;
    let port = port();
    numbers(&port, "a", 0..6);
    port.commit(Commit::new().put("~projection/list", place)).unwrap();
    let error = Projector::new(&port, list("list")).unwrap_err();
    let ToolError::Ahead { name, checkpoint, head } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), checkpoint.get(), head.get()), ("list", 7, 6));
    assert!(error.to_string().contains("another store"), "{error}");
}

#[test]
fn a_place_that_is_none_is_an_error_that_names_it() {
    let port = port();
    for place in ["", "{}", r#"{"version":1,"generation":1,"skipped":0}"#] {
        port.commit(Commit::new().put("~projection/list", place)).unwrap();
        let error = Projector::new(&port, list("list")).unwrap_err();
        assert!(error.to_string().contains("'~projection/list'"), "{error}");
    }
}

/// Refuses numbers that can be divided by 7, as long as it is told to.
fn choosy(name: &str, refuse: &Arc<AtomicBool>) -> Fold<Vec<u64>> {
    let refuse = refuse.clone();
    Fold::new(name, Vec::new).apply(move |list: &mut Vec<u64>, event| {
        let number = read(event)?;
        // What a failed event has changed does not count.
        list.push(number);
        match number {
            7 if refuse.load(Ordering::Relaxed) => Err("seven".into()),
            14 if refuse.load(Ordering::Relaxed) => panic!("fourteen"),
            _ => Ok(()),
        }
    })
}

#[test]
fn an_event_that_fails_stops_it_and_what_stands_before_is_committed() {
    for batch in [1, 5, 100] {
        let port = port();
        numbers(&port, "a", 1..=20);
        let refuse = Arc::new(AtomicBool::new(true));
        let mut projector = Projector::new(&port, choosy("list", &refuse)).unwrap().batch(batch);
        for _ in 0..2 {
            let error = projector.catch_up().unwrap_err().to_string();
            assert_eq!(error, "projection 'list' failed: seven");
            assert_eq!((projector.position().get(), listed(&port, "list").len()), (6, 6));
        }
        refuse.store(false, Ordering::Relaxed);
        assert_eq!(projector.catch_up().unwrap().position.get(), 20);
        assert_eq!(listed(&port, "list"), (1..=20).collect::<Vec<_>>());
    }
}

#[test]
fn an_event_that_fails_is_passed_over_and_counted_where_that_was_said() {
    for batch in [1, 5, 100] {
        let port = port();
        numbers(&port, "a", 1..=20);
        let refuse = Arc::new(AtomicBool::new(true));
        let projector = Projector::new(&port, choosy("list", &refuse)).unwrap().batch(batch);
        let mut projector = projector.on_error(OnError::Skip);
        let progress = projector.catch_up().unwrap();
        assert_eq!((progress.events, progress.skipped, progress.position.get()), (18, 2, 20));
        let expected: Vec<_> = (1..=20).filter(|number| number % 7 != 0).collect();
        assert_eq!(listed(&port, "list"), expected);
        let checkpoint = Projected::of(&port, "list").checkpoint().unwrap().unwrap();
        assert_eq!((checkpoint.skipped, checkpoint.position.get()), (2, 20));
    }
}

#[test]
fn an_event_that_fails_is_tried_again_as_often_as_was_said() {
    let port = port();
    numbers(&port, "a", 1..=3);
    let tries = Arc::new(AtomicU64::new(0));
    let count = tries.clone();
    let fold = Fold::new("list", || 0).apply(move |sum: &mut u64, event| {
        let number = read(event)?;
        *sum += number;
        let tries = if number == 2 { count.fetch_add(1, Ordering::Relaxed) } else { 9 };
        if tries < 3 { Err("not yet".into()) } else { Ok(()) }
    });
    let projector = Projector::new(&port, fold).unwrap();
    // Once in the batch, then alone: once, and once more.
    let mut projector = projector.on_error(OnError::retry(Retry::new(2)));
    assert!(projector.catch_up().is_err());
    assert_eq!((tries.load(Ordering::Relaxed), projector.position().get()), (3, 1));
    assert_eq!(projector.catch_up().unwrap().events, 2);
    assert_eq!(Projected::of(&port, "list").state().unwrap(), Some(6_u64));
}

#[test]
fn what_a_query_does_not_want_is_passed_by_and_waited_for_no_more() {
    let port = port();
    let fold = list("list").of(QueryItem::new().tag("odd"));
    let mut projector = Projector::new(&port, fold).unwrap();
    for nth in 0..30 {
        let event = number(nth);
        let event = if nth % 2 == 1 { event.tag("odd") } else { event };
        port.append("a", nth, [event]).unwrap();
        projector.catch_up().unwrap();
        assert_eq!(projector.position().get(), nth + 1);
    }
    let expected: Vec<u64> = (0..30).filter(|nth| nth % 2 == 1).collect();
    assert_eq!(listed(&port, "list"), expected);
}

#[test]
fn a_rebuild_serves_the_old_output_until_the_new_one_is_whole() {
    let port = port();
    numbers(&port, "a", 0..100);
    let mut projector = Projector::new(&port, list("list")).unwrap().batch(10);
    projector.catch_up().unwrap();
    // Somebody spoils it.
    port.commit(Commit::new().put("~projection/list/1/state", "[7]")).unwrap();
    let mut told = Vec::new();
    let done = projector.rebuild(|progress| {
        assert_eq!(listed(&port, "list"), [7], "the old one");
        told.push(progress.position.get());
        ControlFlow::Continue(())
    });
    assert!(done.unwrap());
    assert_eq!(told, (1..=10).map(|nth| nth * 10).chain([100]).collect::<Vec<_>>());
    assert_eq!(listed(&port, "list"), (0..100).collect::<Vec<_>>());
    let left = port.documents(Keys::prefix("~projection/")).unwrap();
    let left: Vec<_> = left.map(|document| document.unwrap().key).collect();
    assert_eq!(left, ["~projection/list", "~projection/list/2/state"], "nothing is left over");
    // It goes on.
    numbers(&port, "a", 100..101);
    projector.catch_up().unwrap();
    assert_eq!(listed(&port, "list").len(), 101);
}

#[test]
fn a_rebuild_that_is_cancelled_or_fails_changes_nothing() {
    let port = port();
    numbers(&port, "a", 1..=20);
    let refuse = Arc::new(AtomicBool::new(false));
    let projector = Projector::new(&port, choosy("list", &refuse)).unwrap().batch(4);
    let mut projector = projector.on_error(OnError::Skip);
    projector.catch_up().unwrap();
    let before = listed(&port, "list");
    let mut batches = 0;
    let cancelled = projector.rebuild(|_| {
        batches += 1;
        if batches == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(!cancelled.unwrap());
    refuse.store(true, Ordering::Relaxed);
    let error = projector.rebuild(|_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("seven"), "live it would be skipped: {error}");
    assert_eq!((listed(&port, "list"), projector.position().get()), (before, 20));
    let left: Vec<_> = port.documents(Keys::prefix("~projection/")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let mut projector = projector.on_rebuild_error(OnError::Skip);
    assert!(projector.rebuild(|_| ControlFlow::Continue(())).unwrap());
    assert_eq!(listed(&port, "list").len(), 18);
}

#[test]
fn another_version_makes_the_output_anew() {
    let port = port();
    numbers(&port, "a", 0..50);
    let mut projector = Projector::new(&port, list("list")).unwrap();
    projector.catch_up().unwrap();
    drop(projector);
    let doubled = Fold::new("list", Vec::new).version(2).apply(|list: &mut Vec<u64>, event| {
        list.push(2 * read(event)?);
        Ok(())
    });
    let mut projector = Projector::new(&port, doubled).unwrap().batch(7);
    assert_eq!(projector.catch_up().unwrap().events, 50);
    assert_eq!(listed(&port, "list"), (0..50).map(|nth| nth * 2).collect::<Vec<_>>());
    let checkpoint = Projected::of(&port, "list").checkpoint().unwrap().unwrap();
    assert_eq!((checkpoint.version, checkpoint.generation), (2, 2));
}

#[test]
fn what_a_killed_rebuild_has_left_is_deleted() {
    let port = port();
    numbers(&port, "a", 0..5);
    let mut projector = Projector::new(&port, list("list")).unwrap();
    projector.catch_up().unwrap();
    drop(projector);
    let next = r#"{"version":1,"generation":2,"position":3,"skipped":0,"inline":false}"#;
    let left = Commit::new().put("~projection/list/next", next);
    port.commit(left.put("~projection/list/2/state", "[9]")).unwrap();
    let mut projector = Projector::new(&port, list("list")).unwrap();
    projector.catch_up().unwrap();
    let documents = port.documents(Keys::prefix("~projection/")).unwrap();
    let keys: Vec<_> = documents.map(|document| document.unwrap().key).collect();
    assert_eq!(keys, ["~projection/list", "~projection/list/1/state"]);
    assert!(projector.rebuild(|_| ControlFlow::Continue(())).unwrap());
    assert_eq!(listed(&port, "list"), [0, 1, 2, 3, 4]);
}

#[test]
fn states_by_stream_and_by_key_are_documents_of_their_own() {
    let port = port();
    for nth in 0..40 {
        numbers(&port, &format!("account-{}", nth % 4), [nth]);
    }
    let sum = |sum: &mut u64, event: &Received<'_>| {
        *sum += read(event)?;
        Ok(())
    };
    let by_stream = Fold::per_stream("streams", || 0).of_category("account").apply(sum);
    Projector::new(&port, by_stream).unwrap().batch(3).catch_up().unwrap();
    let parity = |event: &Received<'_>| {
        let number = read(event)?;
        Ok((number >= 10).then(|| (number % 2).to_string()))
    };
    let by_key = Fold::per_key("keys", parity, || 0).apply(sum);
    Projector::new(&port, by_key).unwrap().batch(3).catch_up().unwrap();
    let streams = Projected::of(&port, "streams");
    assert_eq!(streams.read::<u64>("account-1").unwrap(), Some((0..10).map(|n| 4 * n + 1).sum()));
    assert!(!streams.exists("account-4").unwrap());
    let keys = streams.documents(Keys::all().after("account-1")).unwrap();
    let keys: Vec<_> = keys.map(|document| document.unwrap().key).collect();
    assert_eq!(keys, ["account-2", "account-3"]);
    let keys = Projected::of(&port, "keys");
    assert_eq!(keys.read::<u64>("1").unwrap(), Some((10..40).filter(|n| n % 2 == 1).sum()));
}

#[test]
fn a_state_of_all_events_takes_them_in_the_order_that_was_said() {
    let late = |number: u64, at: i64| {
        NewEvent::new("Counted", number.to_string()).occurred(Timestamp::from_micros(at))
    };
    let orders = [
        (Order::Stored, [1, 2, 3]),
        (Order::Occurred, [3, 1, 2]),
        (Order::by(|one, other| other.payload.cmp(&one.payload)), [3, 2, 1]),
    ];
    for (order, expected) in orders {
        let port = port();
        let fold = Fold::per_stream("list", Vec::new).whole(order.clone());
        let fold = fold.of(Query::from(QueryItem::new().event_type("Counted")));
        let fold = fold.apply(|list: &mut Vec<u64>, event| {
            list.push(read(event)?);
            Ok(())
        });
        let mut projector = Projector::new(&port, fold).unwrap();
        port.append("a", 0, [late(1, 20), late(2, 30)]).unwrap();
        projector.catch_up().unwrap();
        port.append("a", 2, [late(3, 10), NewEvent::new("Other", "")]).unwrap();
        projector.catch_up().unwrap();
        let found = Projected::of(&port, "list").read::<Vec<u64>>("a").unwrap().unwrap();
        assert_eq!(found, expected, "{order:?}");
    }
}

/// Keeps a document for each number, deletes it when it comes again.
struct Toggle;

impl Projection for Toggle {
    fn name(&self) -> &str {
        "toggle"
    }

    fn apply(
        &mut self,
        event: &Received<'_>,
        output: &mut Output<'_>,
    ) -> Result<(), annals::toolkit::Failure> {
        let key = read(event)?.to_string();
        match output.get(&key)? {
            Some(_) => output.delete(key),
            None => output.write(key, &event.position.get())?,
        }
        Ok(())
    }
}

#[test]
fn a_projection_reads_what_it_has_written_whether_or_not_it_is_committed() {
    for batch in [1, 2, 100] {
        let port = port();
        numbers(&port, "a", [1, 2, 1, 3, 2, 2]);
        Projector::new(&port, Toggle).unwrap().batch(batch).catch_up().unwrap();
        let found = Projected::of(&port, "toggle").documents(Keys::all()).unwrap();
        let found: Vec<_> = found.map(|found| found.unwrap()).collect();
        let found: Vec<_> = found.iter().map(|found| (&*found.key, &*found.value)).collect();
        assert_eq!(found, [("2", &b"6"[..]), ("3", &b"4"[..])]);
    }
}

/// Writes many documents for each event.
struct Many;

impl Projection for Many {
    fn name(&self) -> &str {
        "many"
    }

    fn apply(
        &mut self,
        event: &Received<'_>,
        output: &mut Output<'_>,
    ) -> Result<(), annals::toolkit::Failure> {
        (0..1_000).for_each(|nth| output.put(format!("{}/{nth}", event.position), "x"));
        Ok(())
    }
}

#[test]
fn a_batch_ends_before_its_commit_is_over_a_limit() {
    let port = port();
    numbers(&port, "a", 0..100);
    let mut commits = 0;
    let mut projector = Projector::new(&port, Many).unwrap();
    let progress = projector.catch_up_with(|_| {
        commits += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((progress.unwrap().events, commits), (100, 6));
    let found = Projected::of(&port, "many").documents(Keys::all()).unwrap();
    assert_eq!(found.count(), 100_000);
}

#[test]
fn a_following_projection_takes_in_what_comes_and_can_be_waited_for() {
    let port = port();
    let following = Projector::new(&port, list("list")).unwrap().follow().unwrap();
    for nth in 0..50 {
        let done = port.append("a", nth, [number(nth)]).unwrap();
        assert!(following.wait_for(done.last, LONG).unwrap());
        assert_eq!(listed(&port, "list").len() as u64, nth + 1);
    }
    assert!(!following.wait_for(51, Duration::from_millis(5)).unwrap());
    assert!(matches!(following.running(), Running::Yes));
    assert_eq!((following.lag().unwrap(), following.skipped()), (0, 0));
    following.stop().unwrap();
    numbers(&port, "a", [50]);
    assert_eq!(listed(&port, "list").len(), 50);
    let following = Projector::new(&port, list("list")).unwrap().follow().unwrap();
    assert!(following.wait_for(51, LONG).unwrap());
    drop(following);
    Projector::new(&port, list("list")).unwrap();
}

#[test]
fn a_following_projection_is_waited_for_where_it_wants_nothing() {
    let port = port();
    let fold = list("list").of_category("other");
    let following = Projector::new(&port, fold).unwrap().follow().unwrap();
    numbers(&port, "a", 0..3);
    assert!(following.wait_for(3, LONG).unwrap());
    assert_eq!(listed(&port, "list"), [0_u64; 0]);
}

#[test]
fn a_following_projection_is_made_anew_on_request() {
    let port = port();
    numbers(&port, "a", 0..500);
    let projector = Projector::new(&port, list("list")).unwrap().batch(10);
    let following = projector.follow().unwrap();
    assert!(following.wait_for(500, LONG).unwrap());
    port.commit(Commit::new().put("~projection/list/1/state", "[7]")).unwrap();
    following.rebuild();
    assert!(following.wait_rebuilt(LONG).unwrap());
    assert_eq!(listed(&port, "list").len(), 500);
    following.rebuild();
    following.cancel_rebuild();
    match following.wait_rebuilt(LONG) {
        // It may have been done before it was cancelled.
        Ok(done) => assert!(done),
        Err(error) => assert!(matches!(error, ToolError::Stopped), "{error}"),
    }
    numbers(&port, "a", [500]);
    assert!(following.wait_for(501, LONG).unwrap());
    assert_eq!(listed(&port, "list").len(), 501);
    following.stop().unwrap();
}

#[test]
fn a_following_projection_that_fails_says_so_to_whoever_waits() {
    let port = port();
    let refuse = Arc::new(AtomicBool::new(true));
    let projector = Projector::new(&port, choosy("list", &refuse)).unwrap();
    let following = projector.follow().unwrap();
    numbers(&port, "a", 6..9);
    let error = following.wait_for(3, LONG).unwrap_err();
    assert_eq!(error.to_string(), "projection 'list' failed: seven");
    assert!(matches!(following.running(), Running::Failed(_)));
    // Nobody runs it any more: it can be run again before the handle goes.
    refuse.store(false, Ordering::Relaxed);
    let again = Projector::new(&port, choosy("list", &refuse)).unwrap().follow().unwrap();
    assert!(again.wait_for(3, LONG).unwrap());
    assert!(following.stop().is_err());
}

#[test]
fn stopping_ends_a_pause_between_tries() {
    let port = port();
    numbers(&port, "a", 6..9);
    let refuse = Arc::new(AtomicBool::new(true));
    let patient = OnError::retry(Retry::new(9).backoff(LONG * 60, 1, LONG * 60));
    let projector = Projector::new(&port, choosy("list", &refuse)).unwrap();
    let following = projector.on_error(patient).follow().unwrap();
    assert!(following.wait_for(1, LONG).unwrap());
    let begun = std::time::Instant::now();
    following.stop().unwrap();
    assert!(begun.elapsed() < LONG / 2);
}

#[test]
fn closing_the_store_ends_what_follows_it() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    numbers(&port, "a", 0..10);
    let following = Projector::new(&port, list("list")).unwrap().follow().unwrap();
    assert!(following.wait_for(10, LONG).unwrap());
    store.close().unwrap();
    let error = following.wait_for(11, LONG).unwrap_err();
    let ToolError::Store(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), ErrorKind::Closed);
}

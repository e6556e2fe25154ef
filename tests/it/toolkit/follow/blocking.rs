//! Following in one's own thread.

use super::{LONG, MOMENT, append, append_event, kind, quiet, text};
use crate::fixture::note;
use annals::toolkit::{Follow, Interceptor, Port, Received, Subscription, ToolError};
use annals::{
    Commit, Durability, ErrorKind, EventKind, NewEvent, Position, Query, QueryItem, RecordedEvent,
    Store,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const NOW: Duration = Duration::ZERO;

/// The texts of what is there now.
#[track_caller]
fn now(subscription: &mut Subscription) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(event) = subscription.next_event(NOW).unwrap() {
        texts.push(text(&event));
    }
    texts
}

#[test]
fn what_is_there_comes_first_and_then_what_comes() {
    let (store, port) = quiet();
    for text in ["1", "2"] {
        append(&store, text, Durability::Synced);
    }
    let mut all = Subscription::new(&port, Follow::all()).unwrap();
    let mut after = Subscription::new(&port, Follow::all().after(1)).unwrap();
    let mut from_head = Subscription::new(&port, Follow::all().from_head()).unwrap();
    assert_eq!(from_head.position().get(), 2);
    assert_eq!(now(&mut all), ["1", "2"]);
    assert_eq!(now(&mut all), [""; 0]);
    append(&store, "3", Durability::Synced);
    assert_eq!(now(&mut all), ["3"]);
    assert_eq!(now(&mut after), ["2", "3"]);
    assert_eq!(now(&mut from_head), ["3"]);
    assert_eq!(all.position().get(), 3);
}

#[test]
fn who_waits_has_an_event_when_it_comes() {
    let (store, port) = quiet();
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    let waiting = thread::spawn(move || {
        let event = subscription.next_event(LONG).unwrap().unwrap();
        text(&event)
    });
    thread::sleep(MOMENT);
    append(&store, "x", Durability::Synced);
    assert_eq!(waiting.join().unwrap(), "x");
}

#[test]
fn what_is_not_durable_is_not_shown_unless_that_is_asked_for() {
    let (store, port) = quiet();
    let mut durable = Subscription::new(&port, Follow::all()).unwrap();
    let mut visible = Subscription::new(&port, Follow::all().buffered()).unwrap();
    append(&store, "1", Durability::Buffered);
    append(&store, "2", Durability::Buffered);
    assert_eq!(now(&mut visible), ["1", "2"]);
    assert!(durable.next_event(MOMENT).unwrap().is_none());
    assert_eq!((durable.position().get(), durable.lag().unwrap().positions), (0, 0));
    store.sync().unwrap();
    assert_eq!(durable.lag().unwrap().positions, 2);
    assert_eq!(now(&mut durable), ["1", "2"]);
    // From the head on: after what is visible, durable or not.
    append(&store, "3", Durability::Buffered);
    let mut later = Subscription::new(&port, Follow::all().from_head()).unwrap();
    append(&store, "4", Durability::Synced);
    assert_eq!(now(&mut later), ["4"]);
    assert_eq!(now(&mut durable), ["3", "4"]);
}

#[test]
fn only_what_the_query_means_is_given_and_what_it_does_not_mean_is_passed_over() {
    let (store, port) = quiet();
    let event = |nth: u64| {
        let event = NewEvent::new(["Odd", "Even"][nth as usize % 2], nth.to_string());
        let event = event.tag(format!("by:{}", nth % 3));
        if nth.is_multiple_of(5) { event.kind(EventKind::Fat) } else { event }
    };
    let queries = [
        Query::all(),
        QueryItem::new().event_type("Even").into(),
        QueryItem::new().tag("by:1").into(),
        QueryItem::new().tag("by:1").event_type("Odd").into(),
        QueryItem::new().kind(EventKind::Fat).into(),
        QueryItem::new().stream_prefix("s-1").into(),
        QueryItem::new().category("t").into(),
        Query::from(QueryItem::new().tag("by:2")).or(QueryItem::new().stream("s-2")),
        QueryItem::new().tag("nobody").into(),
    ];
    let follow = |query: &Query| Subscription::new(&port, Follow::query(query.clone())).unwrap();
    let mut following: Vec<_> = queries.iter().map(follow).collect();
    let mut given = vec![Vec::new(); queries.len()];
    for nth in 0..300 {
        let stream = format!("{}-{}", ["s", "t"][nth as usize % 2], nth % 7);
        store.commit(Commit::new().event(stream, event(nth))).unwrap();
        if nth % 13 == 0 {
            for (subscription, given) in following.iter_mut().zip(&mut given) {
                given.extend(now(subscription));
                assert_eq!(subscription.position().get(), nth + 1);
            }
        }
    }
    for ((query, mut subscription), mut given) in queries.iter().zip(following).zip(given) {
        given.extend(now(&mut subscription));
        let wanted = store.query(query, annals::Read::new()).unwrap();
        let wanted: Vec<_> =
            wanted.map(|event| String::from_utf8(event.unwrap().payload).unwrap()).collect();
        assert_eq!(given, wanted, "{query:?}");
        assert_eq!(subscription.position().get(), 300, "{query:?}");
        assert_eq!(subscription.lag().unwrap().positions, 0);
    }
}

#[test]
fn the_wait_ends_in_time_also_under_a_fire_of_what_is_not_meant() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    let stop = Arc::new(AtomicBool::new(false));
    let firing = {
        let (store, stop) = (store.clone(), stop.clone());
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                append(&store, "x", Durability::Buffered);
            }
        })
    };
    let rare = Follow::query(QueryItem::new().tag("rare")).buffered();
    let mut subscription = Subscription::new(&port, rare).unwrap();
    for timeout in [NOW, MOMENT, MOMENT] {
        let begun = Instant::now();
        assert!(subscription.next_event(timeout).unwrap().is_none());
        assert!(begun.elapsed() >= timeout && begun.elapsed() < LONG / 2);
    }
    append_event(&store, note("at last").tag("rare"), Durability::Buffered);
    assert_eq!(text(&subscription.next_event(LONG).unwrap().unwrap()), "at last");
    stop.store(true, Ordering::Relaxed);
    firing.join().unwrap();
}

#[test]
fn the_lag_says_how_many_positions_are_left_and_since_when_an_event_waits() {
    let (store, port) = quiet();
    let tagged =
        |text: &str, tag: &str| append_event(&store, note(text).tag(tag), Durability::Synced);
    let mut subscription =
        Subscription::new(&port, Follow::query(QueryItem::new().tag("mine"))).unwrap();
    tagged("1", "other");
    let lag = subscription.lag().unwrap();
    assert_eq!((lag.positions, lag.since), (1, None), "nothing that it means waits");
    tagged("2", "mine");
    tagged("3", "mine");
    let lag = subscription.lag().unwrap();
    assert_eq!(lag.positions, 3);
    assert_eq!(lag.since, Some(store.event(2).unwrap().unwrap().recorded));
    assert_eq!(text(&subscription.next_event(NOW).unwrap().unwrap()), "2");
    let lag = subscription.lag().unwrap();
    assert_eq!(lag.positions, 1);
    assert_eq!(lag.since, Some(store.event(3).unwrap().unwrap().recorded));
    assert_eq!(now(&mut subscription), ["3"]);
    assert_eq!(subscription.lag().unwrap(), Default::default());
}

#[test]
fn where_it_can_not_begin_it_is_refused() {
    let (store, port) = quiet();
    append(&store, "1", Durability::Buffered);
    let error = Subscription::new(&port, Follow::all().after(2)).unwrap_err();
    let ToolError::Ahead { checkpoint, head, .. } = &error else { panic!("{error}") };
    assert_eq!((checkpoint.get(), head.get()), (2, 1));
    assert!(error.to_string().contains("'a subscription' is at position 2"), "{error}");
    // What is visible is there, durable or not.
    assert_eq!(now(&mut Subscription::new(&port, Follow::all().after(1)).unwrap()), [""; 0]);
    for query in [Query::any([]), QueryItem::new().into(), QueryItem::new().tag("").into()] {
        let error = Subscription::new(&port, Follow::query(query)).unwrap_err();
        assert_eq!(kind(&error), Some(ErrorKind::Invalid), "{error}");
    }
}

#[test]
fn owned_events_come_until_the_time_is_over_and_go_on_later() {
    let (store, port) = quiet();
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    let texts = |subscription: &mut Subscription| -> Vec<_> {
        let events: Vec<RecordedEvent> =
            subscription.arriving(Duration::from_millis(1)).map(Result::unwrap).collect();
        events.into_iter().map(|event| String::from_utf8(event.payload).unwrap()).collect()
    };
    assert_eq!(texts(&mut subscription), [""; 0]);
    append(&store, "1", Durability::Synced);
    append(&store, "2", Durability::Synced);
    assert_eq!(texts(&mut subscription), ["1", "2"]);
    append(&store, "3", Durability::Synced);
    assert_eq!(texts(&mut subscription), ["3"]);
    store.close().unwrap();
    let mut events = subscription.arriving(LONG);
    assert_eq!(kind(&events.next().unwrap().unwrap_err()), Some(ErrorKind::Closed));
    assert!(events.next().is_none());
}

/// Can't be read the first few times.
struct Shy {
    at: u64,
    times: AtomicU64,
}

impl Interceptor for Shy {
    fn name(&self) -> &str {
        "shy"
    }

    fn read(
        &self,
        event: &Received<'_>,
    ) -> Result<Option<RecordedEvent>, annals::toolkit::Failure> {
        let is_it = event.position.get() == self.at && self.times.load(Ordering::Relaxed) > 0;
        if is_it {
            self.times.fetch_sub(1, Ordering::Relaxed);
            return Err("not now".into());
        }
        Ok(None)
    }
}

#[test]
fn after_an_error_it_goes_on_where_it_was() {
    let (store, port) = quiet();
    let port = port.intercept(Shy { at: 2, times: AtomicU64::new(2) });
    for text in ["1", "2", "3"] {
        append(&store, text, Durability::Synced);
    }
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    assert_eq!(text(&subscription.next_event(NOW).unwrap().unwrap()), "1");
    for _ in 0..2 {
        let error = subscription.next_event(NOW).unwrap_err();
        assert_eq!(error.to_string(), "interceptor 'shy' failed: not now");
        assert_eq!(subscription.position().get(), 1);
    }
    assert_eq!(now(&mut subscription), ["2", "3"]);
}

#[test]
fn it_may_go_from_thread_to_thread() {
    let (store, port) = quiet();
    let mut subscription = Subscription::new(&port, Follow::all()).unwrap();
    for nth in 1..=5_u64 {
        append(&store, &nth.to_string(), Durability::Synced);
        let moved = thread::spawn(move || {
            let event = subscription.next_event(LONG).unwrap().unwrap();
            assert_eq!(event.position.get(), nth);
            subscription
        });
        subscription = moved.join().unwrap();
    }
    assert_eq!(subscription.position(), Position::new(5));
}

#[test]
fn a_tenant_s_subscription_gives_his_events_by_his_names() {
    let (store, port) = quiet();
    let acme = port.tenant("acme").unwrap();
    let mut own = Subscription::new(&acme, Follow::all()).unwrap();
    let mut of_a = Subscription::new(&acme, Follow::query(QueryItem::new().stream("a"))).unwrap();
    let mut whole = Subscription::new(&port, Follow::all()).unwrap();
    append(&store, "nobody's", Durability::Synced);
    acme.append("a", 0, [note("1").tag("x")]).unwrap();
    port.tenant("bolt").unwrap().append("a", 0, [note("other")]).unwrap();
    acme.append("b", 0, [note("2")]).unwrap();
    let event = own.next_event(NOW).unwrap().unwrap();
    let (stream, tags) = (event.stream().unwrap(), event.tags().unwrap());
    assert_eq!((event.position.get(), stream, tags), (2, "a", vec!["x"]));
    let owned: Vec<_> = own.arriving(NOW).map(|event| event.unwrap().stream).collect();
    assert_eq!(owned, ["b"]);
    assert_eq!((own.position().get(), now(&mut of_a)), (4, vec!["1".to_owned()]));
    assert_eq!(of_a.position().get(), 4);
    assert_eq!(now(&mut whole), ["nobody's", "1", "other", "2"]);
}

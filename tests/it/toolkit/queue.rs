//! Events handed out under leases: in order for each aggregate, once, to whoever comes.

mod competing;
mod model;

use crate::fixture::note;
use annals::toolkit::{
    Append, Delivery, FixedClock, Interceptor, Parked, Port, Publish, Queue, QueueOptions,
    Received, Retry, ToolError,
};
use annals::{
    Appended, Commit, Durability, ErrorKind, ExpectedVersion, NewEvent, Options, Query, QueryItem,
    Store, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn store() -> Store {
    Options::new().without_keeper().in_memory().unwrap()
}

fn all(name: &str) -> QueueOptions {
    Queue::options(name, Query::all())
}

fn append(port: &Port, stream: &str, events: u64) {
    let events = (0..events).map(|nth| note(nth.to_string()));
    port.append(stream, ExpectedVersion::Any, events).unwrap();
}

#[track_caller]
fn take(queue: &Queue) -> Delivery {
    queue.take(NOW).unwrap().expect("there is nothing to take")
}

/// The stream and version of a delivery's event.
fn place(delivery: &Delivery) -> (String, u64) {
    let event = delivery.event();
    (event.stream().unwrap().to_owned(), event.version.get())
}

#[test]
fn a_name_is_for_one_at_a_time_and_free_again_when_its_queue_is_gone() {
    let store = store();
    let port = Port::new(&store);
    let queue = all("mail").open(&port).unwrap();
    let busy = all("mail").open(&port).unwrap_err();
    assert!(matches!(&busy, ToolError::Busy { name } if name == "mail"), "{busy}");
    // A tenant's is another one, and so is that of another store.
    all("mail").open(&port.tenant("acme").unwrap()).unwrap();
    all("mail").open(&Port::new(&self::store())).unwrap();
    drop(queue);
    all("mail").open(&port).unwrap();
}

#[test]
fn a_name_is_free_again_when_its_store_was_closed() {
    let device = Arc::new(annals::storage::MemoryStorage::new());
    let open = || Options::new().without_keeper().open_storage(device.clone()).unwrap();
    let store = open();
    let port = Port::new(&store);
    append(&port, "a", 1);
    let queue = all("mail").open(&port).unwrap();
    let delivery = take(&queue);
    store.close().unwrap();
    let error = delivery.done().unwrap_err();
    assert!(matches!(&error, ToolError::Append(_)), "{error}");
    assert!(error.to_string().contains("closed"), "{error}");
    assert!(queue.take(LONG).unwrap_err().to_string().contains("closed"));
    assert!(queue.status().error().is_some());
    // The old handle is still there.
    let again = all("mail").open(&Port::new(&open())).unwrap();
    take(&again).done().unwrap();
}

#[test]
fn set_ups_that_can_not_be_are_refused_with_what_is_wrong() {
    let port = Port::new(&store());
    for (options, words) in [
        (all(""), "empty"),
        (all("a/b"), "'/'"),
        (all("a~"), "empty"),
        (all(&"a".repeat(65)), "65 bytes"),
        (all("a").window(0), "window"),
        (all("a").lease(NOW), "leases"),
        (Queue::options("a", Query::any([])), "no items"),
        (Queue::options("a", QueryItem::new().into()), "asks for nothing"),
    ] {
        let error = options.open(&port).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    // None of them has taken the name.
    all("a").open(&port).unwrap();
}

#[test]
fn a_checkpoint_beyond_the_head_belongs_to_another_store() {
    let port = Port::new(&store());
    append(&port, "a", 3);
    for (key, value) in [
        ("~processor/mail", r#"{"at":4,"done":[]}"#),
        ("~processor/mail", r#"{"at":1,"done":[[3,4]]}"#),
        ("~processor/mail/at/a", r#"{"aggregate":"a","at":4}"#),
    ] {
        port.commit(Commit::new().put(key, value)).unwrap();
        let error = all("mail").open(&port).unwrap_err();
        let ToolError::Ahead { name, checkpoint, head } = error else { panic!("{error}") };
        assert_eq!((&*name, checkpoint.get(), head.get()), ("mail", 4, 3));
        port.commit(Commit::new().delete(key)).unwrap();
    }
    all("mail").open(&port).unwrap();
}

#[test]
fn a_checkpoint_that_is_none_is_an_error_that_names_it() {
    let port = Port::new(&store());
    for key in ["~processor/mail", "~processor/mail/at/a", "~processor/mail/parked/a"] {
        port.commit(Commit::new().put(key, "what?")).unwrap();
        let error = all("mail").open(&port).unwrap_err();
        assert!(matches!(error, ToolError::Codec(_)), "{error}");
        assert!(error.to_string().contains(key), "{error}");
        port.commit(Commit::new().delete(key)).unwrap();
    }
}

#[test]
fn whoever_finds_the_checkpoint_moved_by_somebody_else_ends() {
    let port = Port::new(&store());
    append(&port, "a", 2);
    let queue = all("mail").open(&port).unwrap();
    take(&queue).done().unwrap();
    port.commit(Commit::new().delete("~processor/mail")).unwrap();
    let error = take(&queue).done().unwrap_err();
    assert!(matches!(&error, ToolError::Busy { name } if name == "mail"), "{error}");
    assert!(matches!(queue.take(LONG), Err(ToolError::Busy { .. })));
}

#[test]
fn an_expired_lease_goes_to_somebody_else_and_the_late_one_is_refused() {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let port = Port::new(&store()).clock(clock.clone());
    append(&port, "a", 2);
    let lease = Duration::from_secs(30);
    let queue = all("mail").lease(lease).retry(Retry::new(3)).open(&port).unwrap();
    let slow = take(&queue);
    assert_eq!((slow.attempt(), slow.expires().micros()), (1, 30_000_000));
    clock.advance(Duration::from_secs(29));
    assert!(queue.take(NOW).unwrap().is_none());
    clock.advance(Duration::from_secs(1));
    let other = take(&queue);
    assert_eq!((place(&other), other.attempt()), (("a".into(), 1), 2));
    let mut effects = slow.effects();
    effects.put("by", "slow");
    let late = slow.done_with(effects).unwrap_err();
    assert!(matches!(&late, ToolError::Expired { position, .. } if position.get() == 1), "{late}");
    assert_eq!(port.document("by").unwrap(), None);
    other.done().unwrap();
    assert_eq!(place(&take(&queue)), ("a".into(), 2));
}

#[test]
fn a_lease_that_ends_before_anybody_else_has_come_is_over_too() {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let port = Port::new(&store()).clock(clock.clone());
    append(&port, "a", 1);
    let queue = all("mail").lease(Duration::from_secs(1)).retry(Retry::new(1)).open(&port).unwrap();
    let delivery = take(&queue);
    clock.advance(Duration::from_secs(1));
    assert!(matches!(delivery.done(), Err(ToolError::Expired { .. })));
    assert!(queue.take(NOW).unwrap().is_none());
    let parked = queue.parked().unwrap();
    assert_eq!((parked[0].attempts, &*parked[0].why), (1, "its lease has expired"));
    assert_eq!(parked[0].since.micros(), 1_000_000);
}

#[test]
fn who_waits_gets_what_comes_and_what_becomes_free() {
    let port = Port::new(&store());
    let queue = all("mail").open(&port).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| place(&take_long(&queue)));
        append(&port, "a", 1);
        assert_eq!(waiting.join().unwrap(), ("a".into(), 1));
        // That one was dropped: it is tried again when it has rested.
        let again = take_long(&queue);
        assert_eq!((place(&again), again.attempt()), (("a".into(), 1), 2));
        append(&port, "a", 1);
        let waiting = scope.spawn(|| place(&take_long(&queue)));
        again.done().unwrap();
        assert_eq!(waiting.join().unwrap(), ("a".into(), 2));
    });
}

fn take_long(queue: &Queue) -> Delivery {
    queue.take(LONG).unwrap().expect("nothing has come")
}

#[test]
fn who_waits_is_told_when_the_queue_is_stopped_or_the_store_closed() {
    for close in [false, true] {
        let store = store();
        let port = Port::new(&store);
        append(&port, "a", 1);
        let queue = all("mail").open(&port).unwrap();
        let delivery = take(&queue);
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| queue.take(LONG))).collect();
            let done = scope.spawn(|| queue.wait_done(7, LONG));
            thread::sleep(Duration::from_millis(20));
            if close {
                store.close().unwrap();
                assert!(delivery.done().is_err());
            } else {
                queue.stop();
                assert!(matches!(delivery.done(), Err(ToolError::Stopped)));
            }
            for waiting in waiting {
                let told = waiting.join().unwrap().unwrap_err();
                assert!(told.to_string().contains(if close { "closed" } else { "stopped" }));
            }
            assert!(done.join().unwrap().is_err());
        });
    }
}

#[test]
fn events_are_handed_out_when_they_are_durable() {
    let store = Options::new().without_keeper().sync_bytes(u64::MAX).in_memory().unwrap();
    let port = Port::new(&store);
    let commit = Commit::new().event("a", note("x")).durability(Durability::Buffered);
    let queue = all("mail").open(&port).unwrap();
    port.commit(commit).unwrap();
    assert!(queue.take(NOW).unwrap().is_none());
    store.sync().unwrap();
    take_long(&queue).done().unwrap();
}

#[test]
fn an_aggregate_with_a_long_backlog_holds_up_nobody() {
    let port = Port::new(&store());
    append(&port, "long", 5_000);
    for nth in 0..100 {
        append(&port, &format!("short-{nth}"), 1);
    }
    append(&port, "long", 5_000);
    let queue = all("mail").window(64).durability(Durability::Buffered).open(&port).unwrap();
    let (mut seen, mut others) = (0, 0);
    let mut last = 0;
    while let Some(delivery) = queue.take(NOW).unwrap() {
        let (stream, version) = place(&delivery);
        if stream == "long" {
            seen += 1;
            assert_eq!(version, seen);
        } else {
            others += 1;
            last = seen;
        }
        delivery.done().unwrap();
    }
    assert_eq!((seen, others), (10_000, 100));
    assert!(last < 1_000, "the last of the others came after {last} of the long one");
}

#[test]
fn an_aggregate_that_nobody_finishes_holds_up_nobody_and_loses_nothing() {
    let port = Port::new(&store());
    for _ in 0..200 {
        append(&port, "held", 3);
        append(&port, "free", 1);
    }
    let queue = || all("mail").window(8).open(&port).unwrap();
    let first = queue();
    let held = take(&first);
    assert_eq!(place(&held), ("held".into(), 1));
    for version in 1..=200 {
        let delivery = take(&first);
        assert_eq!(place(&delivery), ("free".into(), version));
        delivery.done().unwrap();
    }
    assert!(first.take(NOW).unwrap().is_none());
    // The checkpoint has passed it, but knows where it is.
    let checkpoint = port.document("~processor/mail").unwrap().unwrap();
    let checkpoint: serde_json::Value = serde_json::from_slice(&checkpoint.value).unwrap();
    assert!(checkpoint["at"].as_u64().unwrap() > 700, "{checkpoint}");
    drop(first);
    let second = queue();
    for version in 1..=600 {
        let delivery = take(&second);
        assert_eq!(place(&delivery), ("held".into(), version));
        delivery.done().unwrap();
    }
    assert!(second.take(NOW).unwrap().is_none());
}

#[test]
fn what_was_done_ahead_of_the_checkpoint_is_not_done_again_after_any_restart() {
    let port = Port::new(&store());
    ["a", "b", "c"].iter().for_each(|stream| append(&port, stream, 1));
    let open = |window| all("mail").window(window).open(&port).unwrap();
    let queue = open(9);
    let held = take(&queue);
    take(&queue).done().unwrap();
    drop((queue, held));
    // This one does not read as far as that.
    let queue = open(1);
    let first = take(&queue);
    assert_eq!(place(&first).0, "a");
    first.done().unwrap();
    drop(queue);
    let queue = open(9);
    assert_eq!(place(&take(&queue)).0, "c");
    assert!(queue.take(NOW).unwrap().is_none());
}

/// An aggregate that has a checkpoint of its own, and a next event between two that were done of
/// others before the checkpoint of all was there. Whether its first event fails once more.
fn between_done_ones(fails_again: bool) {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let port = Port::new(&store()).clock(clock.clone());
    ["y", "x", "b", "x", "b"].iter().for_each(|stream| append(&port, stream, 1));
    let open = |window| all("mail").window(window).lease(LONG).open(&port).unwrap();
    let queue = open(64);
    let held = take(&queue);
    take(&queue).failed("no").unwrap();
    (0..2).for_each(|_| take(&queue).done().unwrap());
    drop((queue, held));
    let kept = port.document("~processor/mail").unwrap().unwrap();
    assert_eq!(kept.value, br#"{"at":0,"done":[[2,5]]}"#);
    // This one reads no further than the first two before these are done.
    let queue = open(2);
    let (y, x) = (take(&queue), take(&queue));
    assert_eq!([&y, &x].map(|one| place(one).0), ["y", "x"]);
    if fails_again {
        x.failed("no").unwrap();
        y.done().unwrap();
        clock.advance(Duration::from_secs(1));
        let x = take(&queue);
        assert_eq!(place(&x), ("x".into(), 1));
        x.done().unwrap();
    } else {
        y.done().unwrap();
        x.done().unwrap();
    }
    let next = take(&queue);
    assert_eq!(place(&next), ("x".into(), 2));
    next.done().unwrap();
    assert!(queue.take(NOW).unwrap().is_none());
}

#[test]
fn an_event_between_those_that_were_done_of_others_is_not_taken_for_done() {
    between_done_ones(false);
    between_done_ones(true);
}

#[test]
fn names_that_no_key_could_have_have_checkpoints_all_the_same() {
    let port = Port::new(&store()).tenant(&"t".repeat(64)).unwrap();
    let streams = ["a".repeat(900), "a".repeat(901), "ü".repeat(400), "a/~\n".to_owned()];
    streams.iter().for_each(|stream| append(&port, stream, 2));
    let name = "n".repeat(64);
    let open = || all(&name).retry(Retry::new(1)).open(&port).unwrap();
    let queue = open();
    while let Some(delivery) = queue.take(NOW).unwrap() {
        delivery.failed("no").unwrap();
    }
    drop(queue);
    let mut parked: Vec<_> =
        Parked::of(&port, &name).unwrap().into_iter().map(|parked| parked.aggregate).collect();
    parked.sort();
    let mut expected = streams.to_vec();
    expected.sort();
    assert_eq!(parked, expected);
    let queue = open();
    streams.iter().for_each(|stream| queue.skip(stream).unwrap());
    for _ in &streams {
        let delivery = take(&queue);
        assert_eq!(delivery.event().version.get(), 2);
        delivery.done().unwrap();
    }
}

#[test]
fn aggregates_may_be_something_else_than_streams() {
    let port = Port::new(&store());
    let of = |stream: &str, customer: &str| {
        let event = note("").tag(format!("customer:{customer}"));
        port.append(stream, ExpectedVersion::Any, [event]).unwrap();
    };
    [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")].into_iter().for_each(|(s, c)| of(s, c));
    let customer = |event: &Received<'_>| event.tags().unwrap()[0].to_owned();
    let queue = all("mail").aggregate(customer).open(&port).unwrap();
    let (x, y) = (take(&queue), take(&queue));
    assert_eq!((x.aggregate(), place(&x)), ("customer:x", ("a".into(), 1)));
    assert_eq!((y.aggregate(), place(&y)), ("customer:y", ("a".into(), 2)));
    assert!(queue.take(NOW).unwrap().is_none());
    x.done().unwrap();
    assert_eq!(place(&take(&queue)), ("b".into(), 1));
}

#[test]
fn a_key_that_panics_ends_the_queue_with_its_name() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    let queue = all("mail").aggregate(|_| panic!("no key")).open(&port).unwrap();
    let error = queue.take(LONG).unwrap_err();
    assert!(matches!(error, ToolError::Panicked { .. }));
    assert!(error.to_string().contains("processor 'mail' panicked: no key"), "{error}");
    assert!(queue.wait_done(1, LONG).is_err());
}

#[test]
fn events_rest_until_their_delay_is_over() {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let store = Options::new().without_keeper().clock(clock.clone()).in_memory().unwrap();
    let port = Port::new(&store).clock(clock.clone());
    append(&port, "a", 1);
    clock.advance(Duration::from_secs(30));
    append(&port, "b", 1);
    let queue = all("mail").delay(Duration::from_secs(60)).lease(LONG).open(&port).unwrap();
    assert!(queue.take(NOW).unwrap().is_none());
    clock.advance(Duration::from_secs(30));
    let first = take(&queue);
    assert_eq!(place(&first), ("a".into(), 1));
    assert!(queue.take(NOW).unwrap().is_none());
    // Somebody who waits is woken by the clock.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| place(&take_long(&queue)));
        clock.advance(Duration::from_secs(30));
        assert_eq!(waiting.join().unwrap(), ("b".into(), 1));
    });
    first.done().unwrap();
}

#[test]
fn what_is_known_by_the_same_is_done_once_also_after_a_restart() {
    let port = Port::new(&store());
    let order = |stream: &str, id: &str| {
        port.append(stream, ExpectedVersion::Any, [note(id)]).unwrap();
    };
    let id = |event: &Received<'_>| {
        let id = String::from_utf8(event.payload.to_vec()).unwrap();
        Some(id).filter(|id| !id.is_empty())
    };
    let open = || all("mail").deduplicate(id).open(&port).unwrap();
    order("a", "7");
    order("b", "7");
    order("c", "8");
    let queue = open();
    let first = take(&queue);
    // While the first is under way, nobody knows what comes of it.
    let other = take(&queue);
    assert_eq!((place(&first), place(&other)), (("a".into(), 1), ("c".into(), 1)));
    assert!(queue.take(NOW).unwrap().is_none());
    first.failed("no").unwrap();
    let second = take(&queue);
    assert_eq!(place(&second), ("b".into(), 1));
    second.done().unwrap();
    other.done().unwrap();
    drop(queue);
    order("d", "8");
    order("d", "");
    order("d", "");
    let queue = open();
    let mut done = Vec::new();
    while let Some(delivery) = queue.take(NOW).unwrap() {
        done.push(place(&delivery));
        delivery.done().unwrap();
    }
    assert_eq!(done, [("d".into(), 2), ("d".into(), 3)], "the first of `a` and `d` were done");
    assert_eq!(queue.status().skipped, 2);
}

#[test]
fn effects_land_with_the_checkpoint_and_say_what_caused_them() {
    let port = Port::new(&store());
    let request = annals::Uuid::from_u128(7);
    port.append("a", 0, [note("x").correlation_id(request)]).unwrap();
    let queue = all("mail").open(&port).unwrap();
    let delivery = take(&queue);
    let cause = delivery.event().id();
    let mut effects = delivery.effects();
    effects.append("out", 0, [note("1")]).event("out", note("2")).put("key", "value");
    delivery.done_with(effects).unwrap();
    let out = port.event(2).unwrap().unwrap();
    assert_eq!((out.correlation_id, out.causation_id), (Some(request), Some(cause)));
    let checkpoint = port.document("~processor/mail").unwrap().unwrap();
    let value = port.document("key").unwrap().unwrap();
    assert_eq!((checkpoint.head, value.head), (3.into(), 3.into()), "it was one commit");
}

#[test]
fn a_refused_effect_is_a_failed_attempt_and_leaves_nothing() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    let queue = all("mail").retry(Retry::new(2)).open(&port).unwrap();
    for attempt in 1..=2 {
        let delivery = take(&queue);
        assert_eq!(delivery.attempt(), attempt);
        let mut effects = delivery.effects();
        effects.append("a", 7, [note("")]).put("key", "value");
        let refused = delivery.done_with(effects).unwrap_err();
        assert_eq!(refused.append_error().unwrap().conflict().unwrap().current.get(), 1);
    }
    assert!(queue.take(NOW).unwrap().is_none());
    assert_eq!(port.document("key").unwrap(), None);
    assert!(queue.parked().unwrap()[0].why.contains("expected at version 7, but is at version 1"));
}

/// Lets nothing through to whoever handles events of this type.
struct NotThese(&'static str, Arc<AtomicU64>);

impl Interceptor for NotThese {
    fn name(&self) -> &str {
        "guard"
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        next(commit)
    }

    fn publish(
        &self,
        event: &Received<'_>,
        to: &str,
        next: &mut Publish<'_>,
    ) -> Result<(), ToolError> {
        assert_eq!(to, "mail");
        if event.event_type()? == self.0 {
            return Err(ToolError::failed("guard", "not this one"));
        }
        next()
    }
}

#[test]
fn interceptors_stand_around_what_is_handed_out_and_around_checkpoints() {
    let commits = Arc::new(AtomicU64::new(0));
    let port = Port::new(&store());
    port.append("a", 0, [NewEvent::new("Secret", "")]).unwrap();
    append(&port, "b", 1);
    let port = port.intercept(NotThese("Secret", commits.clone()));
    let queue = all("mail").retry(Retry::new(1)).open(&port).unwrap();
    let delivery = take(&queue);
    assert_eq!(place(&delivery), ("b".into(), 1));
    delivery.done().unwrap();
    assert_eq!(queue.parked().unwrap()[0].why, "guard failed: not this one");
    assert!(commits.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_tenants_queue_has_the_tenants_events_and_keeps_its_checkpoint_there() {
    let store = store();
    let port = Port::new(&store);
    let (acme, bolt) = (port.tenant("acme").unwrap(), port.tenant("bolt").unwrap());
    append(&acme, "a", 2);
    append(&bolt, "a", 3);
    append(&port, "a", 4);
    for (port, events) in [(&acme, 2), (&bolt, 3), (&port, 9)] {
        let queue = all("mail").open(port).unwrap();
        let mut found = 0;
        while let Some(delivery) = queue.take(NOW).unwrap() {
            found += 1;
            delivery.done().unwrap();
        }
        assert_eq!(found, events);
    }
    for key in ["~processor/mail", "acme/~processor/mail", "bolt/~processor/mail"] {
        assert!(store.document(key).unwrap().is_some(), "{key}");
    }
}

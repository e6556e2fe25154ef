//! Subscriptions with a thread of their own: how they fail, stop, and are dropped.

use super::{LONG, MOMENT, append, quiet, text};
use annals::toolkit::{
    Follow, Interceptor, OnError, Publish, Received, Retry, Running, SubscriptionHandle, ToolError,
    subscribe,
};
use annals::{Durability, Query, Store};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A store with three events, `1`, `2` and `3`, and a subscription that fails at `2`, so often, by
/// `how`; and what its callback was given.
fn failing(
    on_error: OnError,
    times: u64,
    how: fn() -> Result<(), annals::toolkit::Failure>,
) -> (Store, SubscriptionHandle, Receiver<String>) {
    let (store, port) = quiet();
    for text in ["1", "2", "3"] {
        append(&store, text, Durability::Synced);
    }
    let (given, gets) = channel();
    let mut left = times;
    let handle = subscribe(&port, "mailer", Follow::all(), on_error, move |event| {
        given.send(text(event)).unwrap();
        if event.payload == b"2" && left > 0 {
            left -= 1;
            return how();
        }
        Ok(())
    });
    (store, handle.unwrap(), gets)
}

#[test]
fn a_failing_callback_stops_before_its_event_and_is_reported() {
    let (store, handle, gets) = failing(OnError::Stop, 1, || Err("no route".into()));
    let Running::Failed(error) = handle.wait_ended(LONG) else { panic!("{handle:?}") };
    assert_eq!(error.to_string(), "subscription 'mailer' failed: no route");
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2"], "its callback is gone, too");
    assert_eq!((handle.position().get(), handle.lag().unwrap().positions), (1, 2));
    assert_eq!(handle.skipped().0, 0);
    append(&store, "4", Durability::Synced);
    let error = handle.wait_for(2, LONG).unwrap_err();
    assert!(matches!(error, ToolError::Failed { .. }), "{error}");
    assert!(handle.wait_for(1, LONG).unwrap(), "that it has come to");
    assert!(handle.stop().is_err());
}

#[test]
fn a_panicking_callback_is_contained_and_reported() {
    let (_store, handle, gets) = failing(OnError::Stop, 1, || panic!("at {}", "two"));
    let Running::Failed(error) = handle.wait_ended(LONG) else { panic!("{handle:?}") };
    assert_eq!(error.to_string(), "subscription 'mailer' panicked: at two");
    assert_eq!(gets.iter().count(), 2);
    let (_store, handle, gets) = failing(OnError::Skip, 1, || panic!("at {}", "two"));
    assert!(handle.wait_for(3, LONG).unwrap());
    let (skipped, failure) = handle.skipped();
    assert_eq!(skipped, 1);
    assert_eq!(failure.unwrap().to_string(), "subscription 'mailer' panicked: at two");
    handle.stop().unwrap();
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn an_event_is_tried_again_as_often_as_was_said() {
    let fails = || Err("busy".into());
    let (_store, handle, gets) = failing(OnError::retry(Retry::new(4)), 3, fails);
    assert!(handle.wait_for(3, LONG).unwrap());
    handle.stop().unwrap();
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2", "2", "2", "2", "3"]);

    let (_store, handle, gets) = failing(OnError::retry(Retry::new(3)), 99, fails);
    assert!(matches!(handle.wait_ended(LONG), Running::Failed(ToolError::Failed { .. })));
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2", "2", "2"]);

    let retry = OnError::Retry(Retry::new(2), Box::new(OnError::Skip));
    let (_store, handle, gets) = failing(retry, 99, fails);
    assert!(handle.wait_for(3, LONG).unwrap());
    assert_eq!(handle.skipped().0, 1);
    handle.stop().unwrap();
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2", "2", "3"]);
}

#[test]
fn stopping_ends_a_pause_between_tries() {
    let patient = OnError::retry(Retry::new(9).backoff(LONG * 60, 1, LONG * 60));
    let (_store, handle, gets) = failing(patient, 99, || Err("busy".into()));
    assert_eq!(gets.iter().take(2).collect::<Vec<_>>(), ["1", "2"]);
    thread::sleep(MOMENT);
    let begun = Instant::now();
    handle.stop().unwrap();
    assert!(begun.elapsed() < LONG / 2);
    assert_eq!(gets.iter().count(), 0);
}

#[test]
fn dropping_the_handle_wakes_the_thread_and_no_call_comes_after() {
    let (store, port) = quiet();
    let calls = Arc::new(AtomicU64::new(0));
    for nth in 0..50 {
        let own = calls.clone();
        let handle = subscribe(&port, "x", Follow::all().from_head(), OnError::Stop, move |_| {
            own.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        let handle = handle.unwrap();
        // While it waits, or on its way there, or while it is called.
        match nth % 3 {
            0 => thread::sleep(Duration::from_millis(1)),
            1 => append(&store, "x", Durability::Synced),
            _ => {}
        }
        let begun = Instant::now();
        drop(handle);
        assert!(begun.elapsed() < LONG / 2);
        assert_eq!(Arc::strong_count(&calls), 1, "what the callback held is gone");
        let before = calls.load(Ordering::SeqCst);
        append(&store, "x", Durability::Synced);
        assert_eq!(calls.load(Ordering::SeqCst), before);
    }
}

#[test]
fn dropping_the_handle_waits_for_the_call_that_runs() {
    let (store, port) = quiet();
    let (begun, begins) = channel();
    let done = Arc::new(AtomicU64::new(0));
    let own = done.clone();
    let handle = subscribe(&port, "x", Follow::all(), OnError::Stop, move |_| {
        begun.send(())?;
        thread::sleep(MOMENT);
        own.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    append(&store, "1", Durability::Synced);
    append(&store, "2", Durability::Synced);
    begins.recv().unwrap();
    drop(handle.unwrap());
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[test]
fn a_callback_may_drop_its_own_handle_and_is_not_called_again() {
    let (store, port) = quiet();
    let slot = Arc::new(Mutex::new(None));
    let (given, gets) = channel();
    let own = slot.clone();
    let handle = subscribe(&port, "x", Follow::all(), OnError::Stop, move |event| {
        given.send(text(event))?;
        if event.payload == b"2" {
            drop(own.lock().unwrap().take());
        }
        Ok(())
    });
    *slot.lock().unwrap() = Some(handle.unwrap());
    for text in ["1", "2", "3", "4"] {
        append(&store, text, Durability::Synced);
    }
    // It ends when the callback and what it holds are gone.
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(slot.lock().unwrap().is_none());
}

#[test]
fn a_callback_may_stop_its_own_subscription_and_fail_at_once() {
    let (store, port) = quiet();
    let slot = Arc::new(Mutex::new(None::<SubscriptionHandle>));
    let (told, tells) = channel();
    let own = slot.clone();
    let again = OnError::retry(Retry::new(9));
    let handle = subscribe(&port, "x", Follow::all(), again, move |_| {
        // It is still running: this is it.
        told.send(own.lock().unwrap().take().unwrap().stop())?;
        Err("and it failed".into())
    });
    *slot.lock().unwrap() = Some(handle.unwrap());
    append(&store, "1", Durability::Synced);
    assert!(tells.recv().unwrap().is_ok());
    assert!(tells.recv().is_err(), "it is gone, without another try");
}

/// Notes whom events were published to, and keeps one back.
struct Watch {
    seen: Mutex<Vec<(String, u64)>>,
}

impl Interceptor for &'static Watch {
    fn name(&self) -> &str {
        "watch"
    }

    fn publish(
        &self,
        event: &Received<'_>,
        to: &str,
        next: &mut Publish<'_>,
    ) -> Result<(), ToolError> {
        self.seen.lock().unwrap().push((to.to_owned(), event.position.get()));
        match event.payload {
            b"2" => Ok(()),
            b"4" => Err(ToolError::failed("watch", "not this one")),
            _ => next(),
        }
    }
}

#[test]
fn events_are_published_past_the_interceptors() {
    static WATCH: Watch = Watch { seen: Mutex::new(Vec::new()) };
    let (store, port) = quiet();
    let port = port.intercept(&WATCH);
    let (given, gets) = channel();
    let handle = subscribe(&port, "mailer", Follow::all(), OnError::Skip, move |event| {
        assert_eq!(thread::current().name(), Some("annals-mailer"));
        given.send(text(event))?;
        Ok(())
    });
    let handle = handle.unwrap();
    (1..=5).for_each(|nth| append(&store, &nth.to_string(), Durability::Synced));
    assert!(handle.wait_for(5, LONG).unwrap());
    let (skipped, failure) = handle.skipped();
    assert_eq!((skipped, failure.unwrap().to_string()), (1, "watch failed: not this one".into()));
    assert_eq!(handle.name(), "mailer");
    handle.stop().unwrap();
    assert_eq!(gets.iter().collect::<Vec<_>>(), ["1", "3", "5"]);
    let seen = WATCH.seen.lock().unwrap();
    let wanted: Vec<_> = (1..=5).map(|nth| ("mailer".to_owned(), nth)).collect();
    assert_eq!(*seen, wanted);
}

#[test]
fn waiting_for_a_position_ends_when_it_is_handled_or_the_time_is_over() {
    let (store, port) = quiet();
    let nothing = Follow::query(annals::QueryItem::new().tag("never"));
    let handle = subscribe(&port, "x", nothing, OnError::Stop, |_| Ok(())).unwrap();
    assert!(handle.wait_for(0, Duration::ZERO).unwrap());
    let begun = Instant::now();
    assert!(!handle.wait_for(1, MOMENT).unwrap());
    assert!(begun.elapsed() >= MOMENT);
    let handle = Arc::new(handle);
    let waiting: Vec<_> = [3, 1, 2, 3]
        .map(|position| {
            let handle = handle.clone();
            thread::spawn(move || handle.wait_for(position, LONG).unwrap())
        })
        .into();
    for text in ["1", "2", "3"] {
        thread::sleep(Duration::from_millis(5));
        append(&store, text, Durability::Synced);
    }
    // What it does not mean is handled when it was looked at.
    assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
    assert!(matches!(handle.wait_ended(MOMENT), Running::Yes));
}

#[test]
fn what_can_not_be_subscribed_to_is_refused_at_once() {
    let (store, port) = quiet();
    append(&store, "1", Durability::Synced);
    let refused = |name: &str, follow: Follow| {
        subscribe(&port, name, follow, OnError::Stop, |_| Ok(())).unwrap_err()
    };
    for name in ["", "a\0b", "a\nb"] {
        let error = refused(name, Follow::all());
        assert!(matches!(error, ToolError::Setup(_)), "{error}");
        assert!(error.to_string().contains("name of a subscription"), "{error}");
    }
    let error = refused("late", Follow::all().after(2));
    assert!(matches!(&error, ToolError::Ahead { name, .. } if name == "late"), "{error}");
    assert!(matches!(refused("x", Follow::query(Query::any([]))), ToolError::Store(_)));
}

//! How far is looked at once.

use super::steps::{STRIDE, Steps};
use super::{Follow, Subscription};
use crate::toolkit::Port;
use crate::{Commit, ExpectedVersion, NewEvent, QueryItem, Store};
use std::time::Duration;

/// A store with two and a half strides of events, the last of which has a tag.
fn long() -> (Port, u64) {
    let store = Store::in_memory().unwrap();
    let events = STRIDE * 5 / 2;
    for first in (1..=events).step_by(1_000) {
        let event = |nth: u64| {
            let event = NewEvent::new("Counted", nth.to_string());
            if nth == events { event.tag("last") } else { event }
        };
        let events = (first..first + 1_000).take_while(|nth| *nth <= events).map(event);
        store.commit(Commit::new().append("a", ExpectedVersion::Any, events)).unwrap();
    }
    (Port::new(&store), events)
}

#[test]
fn a_stride_is_looked_at_and_no_more() {
    let (port, events) = long();
    let rare = Follow::query(QueryItem::new().tag("last"));
    let mut steps = Steps::new(&port, rare.clone(), "x").unwrap();
    for looked in [STRIDE, 2 * STRIDE] {
        assert!(steps.look().unwrap());
        assert!(!steps.advance().unwrap());
        assert_eq!(steps.position().get(), looked);
        assert!(steps.event().is_none());
    }
    assert!(steps.look().unwrap() && steps.advance().unwrap());
    assert_eq!(steps.event().unwrap().position.get(), events);
    // Stood before once more, it is given once more.
    steps.back();
    assert_eq!(steps.position().get(), events - 1);
    assert!(steps.look().unwrap() && steps.advance().unwrap() && !steps.advance().unwrap());
    assert!(!steps.look().unwrap());
    assert_eq!(steps.position().get(), events);

    // Whoever does not want to wait has looked at all of it.
    let mut subscription = Subscription::new(&port, rare).unwrap();
    let event = subscription.next_event(Duration::ZERO).unwrap().unwrap();
    assert_eq!(event.position.get(), events);
    let mut all = Subscription::new(&port, Follow::all()).unwrap();
    for position in 1..=events {
        assert_eq!(all.next_event(Duration::ZERO).unwrap().unwrap().position.get(), position);
    }
    assert!(all.next_event(Duration::ZERO).unwrap().is_none());
}

#[cfg(feature = "async")]
#[test]
fn a_poll_looks_at_a_stride_at_the_most_and_asks_to_be_polled_again() {
    use super::EventStream;
    use futures_core::Stream;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let (port, events) = long();
    let rare = Follow::query(QueryItem::new().tag("last"));
    for (follow, given) in [(rare, 1), (Follow::all(), events)] {
        let mut stream = EventStream::new(&port, follow).unwrap();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (mut pending, mut got) = (0, 0);
        loop {
            let before = stream.position().get();
            let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
            assert!(stream.position().get() <= before + STRIDE);
            match polled {
                Poll::Ready(event) => {
                    assert!(event.unwrap().is_ok());
                    got += 1;
                }
                Poll::Pending => {
                    pending += 1;
                    if wakes.0.swap(0, Ordering::Relaxed) == 0 {
                        break;
                    }
                }
            }
        }
        // Behind each stride, and when it waits.
        assert_eq!((got, pending), (given, 4));
        assert_eq!(stream.position().get(), events);
    }
}

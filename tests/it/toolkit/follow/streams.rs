//! Following as a stream, with an executor of a few lines.

use super::{LONG, MOMENT, append, kind, quiet};
use crate::fixture::{Place, note};
use crate::processes::child::Other;
use annals::toolkit::{EventStream, Follow, Port, ToolError};
use annals::{Durability, ErrorKind, ExpectedVersion, Options, RecordedEvent, Store};
use futures_core::Stream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// Wakes the thread that runs a future, and counts how often.
struct Unpark(Thread, AtomicUsize);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// Runs a future in this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current(), AtomicUsize::new(0))));
    let begun = Instant::now();
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        thread::park_timeout(LONG);
        assert!(begun.elapsed() < LONG, "nobody has woken the future");
    }
}

/// The next event of a stream.
async fn next(stream: &mut EventStream) -> Option<Result<RecordedEvent, ToolError>> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[test]
fn a_stream_gives_what_is_there_and_wakes_its_task_when_more_comes() {
    let (store, port) = quiet();
    append(&store, "1", Durability::Synced);
    let mut stream = EventStream::new(&port, Follow::all()).unwrap();
    let mut visible = EventStream::new(&port, Follow::all().from_head().buffered()).unwrap();
    let task = thread::spawn(move || {
        block_on(async {
            for nth in 1..=3 {
                let event = next(&mut stream).await.unwrap().unwrap();
                assert_eq!(event.payload, nth.to_string().as_bytes());
            }
            (stream.position().get(), stream.lag().unwrap().positions)
        })
    });
    let other =
        thread::spawn(move || block_on(async { next(&mut visible).await.unwrap().unwrap() }));
    thread::sleep(MOMENT);
    append(&store, "2", Durability::Buffered);
    assert_eq!(other.join().unwrap().payload, b"2");
    thread::sleep(MOMENT);
    assert!(!task.is_finished(), "it had an event that is not durable");
    append(&store, "3", Durability::Synced);
    assert_eq!(task.join().unwrap(), (3, 0));
}

#[test]
fn a_stream_misses_nothing_and_repeats_nothing_whoever_writes_meanwhile() {
    const EACH: u64 = 500;
    let store = Options::new().segments(4_096, 16_384).tail(64, 8_192).in_memory().unwrap();
    let port = Port::new(&store);
    let writers: Vec<_> = [Durability::Synced, Durability::Buffered, Durability::Strict]
        .into_iter()
        .map(|durability| {
            let store = store.clone();
            thread::spawn(move || {
                for _ in 0..EACH {
                    let commit = annals::Commit::new().append(
                        format!("{durability:?}"),
                        ExpectedVersion::Any,
                        [note("x"), note("y")],
                    );
                    store.commit(commit.durability(durability)).unwrap();
                }
                store.sync().unwrap();
            })
        })
        .collect();
    let streams: Vec<_> = [false, true]
        .into_iter()
        .map(|buffered| {
            let follow = if buffered { Follow::all().buffered() } else { Follow::all() };
            let mut stream = EventStream::new(&port, follow).unwrap();
            let store = store.clone();
            thread::spawn(move || {
                block_on(async {
                    for position in 1..=6 * EACH {
                        let event = next(&mut stream).await.unwrap().unwrap();
                        assert_eq!(event.position.get(), position);
                        assert!(buffered || event.position <= store.durable());
                    }
                });
            })
        })
        .collect();
    writers.into_iter().chain(streams).for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_stream_ends_with_the_error_when_the_store_is_closed() {
    for follow in [Follow::all(), Follow::all().buffered()] {
        let (store, port) = quiet();
        let mut stream = EventStream::new(&port, follow).unwrap();
        let task = thread::spawn(move || {
            block_on(async {
                let error = next(&mut stream).await.unwrap().unwrap_err();
                (kind(&error), next(&mut stream).await.is_none())
            })
        });
        thread::sleep(MOMENT);
        store.close().unwrap();
        assert_eq!(task.join().unwrap(), (Some(ErrorKind::Closed), true));
    }
}

#[test]
fn a_stream_that_waits_is_not_polled_for_nothing() {
    let (store, port) = quiet();
    let mut stream = EventStream::new(&port, Follow::all()).unwrap();
    let wakes = Arc::new(Unpark(thread::current(), AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut poll = || Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
    for _ in 0..3 {
        assert!(poll().is_pending());
    }
    assert_eq!(wakes.1.load(Ordering::SeqCst), 0);
    append(&store, "1", Durability::Buffered);
    assert_eq!(wakes.1.load(Ordering::SeqCst), 0, "it may not be shown yet");
    store.sync().unwrap();
    assert_eq!(wakes.1.load(Ordering::SeqCst), 1);
    let Poll::Ready(Some(Ok(event))) = poll() else { panic!("there is one") };
    assert_eq!(event.position.get(), 1);
}

#[test]
fn streams_can_be_moved_and_dropped_while_they_wait() {
    fn is_free<T: Send + Unpin + 'static>(_: &T) {}
    let (store, port) = quiet();
    let mut stream = EventStream::new(&port, Follow::all()).unwrap();
    is_free(&stream);
    let mut context = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
    let mut moved = Box::new(stream);
    append(&store, "1", Durability::Synced);
    assert!(Pin::new(&mut *moved).poll_next(&mut context).is_ready());
    drop(moved);
    append(&store, "2", Durability::Synced);
}

#[test]
fn a_stream_follows_another_process() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let store = Store::open_read_only(place.path()).unwrap();
    let mut stream = EventStream::new(&Port::new(&store), Follow::all()).unwrap();
    let task = thread::spawn(move || {
        block_on(async {
            let mut positions = Vec::new();
            while positions.len() < 60 {
                positions.push(next(&mut stream).await.unwrap().unwrap().position.get());
            }
            positions
        })
    });
    for _ in 0..10 {
        writer.ask("buffered");
        thread::sleep(std::time::Duration::from_millis(3));
        writer.ask("synced");
    }
    assert_eq!(task.join().unwrap(), (1..=60).collect::<Vec<_>>());
}

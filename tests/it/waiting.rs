//! Waiting for more events, and for those there are to become durable. Bounds are generous: nothing
//! here measures speed.

use crate::fixture::{Deed, Device, Op, Place, assert_says, failing_syncs, note, texts};
use annals::{
    Chore, Commit, Durability, ErrorKind, ExpectedVersion, Options, Position, Read, Store,
};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for another thread to be waiting by then; if it is not, the test shows less, but
/// does not fail.
const MOMENT: Duration = Duration::from_millis(30);

/// A store in memory that syncs nothing by itself, and what it has in `a`.
fn quiet() -> Store {
    Options::new().without_keeper().in_memory().unwrap()
}

fn buffered(text: &str) -> Commit {
    let commit = Commit::new().append("a", ExpectedVersion::Any, [note(text)]);
    commit.durability(Durability::Buffered)
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        (woken.clone(), Waker::from(woken))
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    #[track_caller]
    fn await_one(&self) {
        let begun = Instant::now();
        while self.times() == 0 {
            assert!(begun.elapsed() < LONG, "nobody woke it");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(self.times(), 1);
    }
}

#[test]
fn waiting_ends_when_another_thread_commits() {
    for durability in [Durability::Buffered, Durability::Synced, Durability::Strict] {
        let store = quiet();
        let waiting = {
            let store = store.clone();
            thread::spawn(move || store.wait(Position::START, LONG))
        };
        thread::sleep(MOMENT);
        let commit = Commit::new().append("a", 0, [note("1"), note("2")]);
        store.commit(commit.durability(durability)).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), Position::new(2));
    }
}

#[test]
fn waiting_for_what_is_durable_ends_with_a_sync_and_not_before() {
    let store = quiet();
    store.commit(buffered("1")).unwrap();
    assert_eq!(store.wait_durable_after(0, MOMENT).unwrap().get(), 0, "nobody has synced");
    let (woken, waker) = Woken::new();
    assert!(!store.wake_durable_after(0, &waker));
    let waiting = {
        let store = store.clone();
        thread::spawn(move || store.wait_durable_after(Position::START, LONG))
    };
    thread::sleep(MOMENT);
    store.commit(buffered("2")).unwrap();
    assert_eq!(woken.times(), 0, "what is visible is not durable");
    store.sync().unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), Position::new(2));
    woken.await_one();
    assert!(store.wake_durable_after(1, &waker));
    store.close().unwrap();
    assert_eq!(store.wait_durable_after(2, LONG).unwrap_err().kind(), ErrorKind::Closed);
    assert!(store.wake_durable_after(2, &waker));
}

#[test]
fn waiting_for_what_is_there_already_does_not_wait() {
    let store = quiet();
    store.append("a", 0, [note("1"), note("2")]).unwrap();
    assert_eq!(store.wait(0, LONG).unwrap(), Position::new(2));
    assert_eq!(store.wait(1, Duration::ZERO).unwrap(), Position::new(2));
}

#[test]
fn waiting_ends_when_the_time_is_over() {
    let store = quiet();
    store.append("a", 0, [note("1")]).unwrap();
    for (after, time) in [(1, MOMENT), (1, Duration::ZERO), (99, MOMENT)] {
        let begun = Instant::now();
        assert_eq!(store.wait(after, time).unwrap(), Position::new(1));
        assert!(begun.elapsed() >= time);
    }
}

#[test]
fn waiting_is_not_over_before_the_position_is_past() {
    let store = quiet();
    let waiting = {
        let store = store.clone();
        thread::spawn(move || store.wait(3, LONG).unwrap())
    };
    for version in 0..4 {
        thread::sleep(Duration::from_millis(5));
        store.append("a", version, [note("x")]).unwrap();
    }
    assert_eq!(waiting.join().unwrap(), Position::new(4));
}

#[test]
fn waiting_ends_for_everybody_when_the_store_is_closed() {
    let store = quiet();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            thread::spawn(move || store.wait(Position::START, LONG))
        })
        .collect();
    thread::sleep(MOMENT);
    store.close().unwrap();
    for thread in waiting {
        let error = thread.join().unwrap().unwrap_err();
        assert_says(&error, ErrorKind::Closed, &["the store was closed"]);
    }
}

#[test]
fn many_threads_wait_and_none_misses_an_event() {
    let store = quiet();
    let total = 300;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            thread::spawn(move || {
                let mut seen = Position::START;
                while seen.get() < total {
                    assert!(store.wait(seen, LONG).unwrap() > seen, "it waited in vain");
                    for event in store.read_all(Read::new().after(seen)).unwrap() {
                        let position = event.unwrap().position;
                        assert_eq!(Some(position), seen.next());
                        seen = position;
                    }
                }
            })
        })
        .collect();
    for nth in 0..total {
        let durability = if nth % 3 == 0 { Durability::Synced } else { Durability::Buffered };
        let commit = Commit::new().append("a", nth, [note("x")]).durability(durability);
        store.commit(commit).unwrap();
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
fn a_waker_is_called_once_by_the_commit_that_it_waits_for() {
    let store = quiet();
    let (woken, waker) = Woken::new();
    let (later, later_waker) = Woken::new();
    assert!(!store.wake_after(0, &waker));
    assert!(!store.wake_after(2, &later_waker));
    assert_eq!(woken.times(), 0);
    store.append("a", 0, [note("1")]).unwrap();
    woken.await_one();
    store.append("a", 1, [note("2")]).unwrap();
    assert_eq!((woken.times(), later.times()), (1, 0));
    store.append("a", 2, [note("3")]).unwrap();
    later.await_one();
    assert_eq!(woken.times(), 1);
}

#[test]
fn a_waker_registered_twice_is_called_once() {
    let store = quiet();
    let (woken, waker) = Woken::new();
    assert!(!store.wake_after(0, &waker));
    assert!(!store.wake_after(0, &waker));
    store.append("a", 0, [note("1")]).unwrap();
    assert_eq!(woken.times(), 1);
}

#[test]
fn a_waker_is_not_kept_where_there_is_more_already() {
    let store = quiet();
    store.append("a", 0, [note("1")]).unwrap();
    let (woken, waker) = Woken::new();
    assert!(store.wake_after(0, &waker));
    store.append("a", 1, [note("2")]).unwrap();
    store.close().unwrap();
    assert_eq!(woken.times(), 0);
    assert!(store.wake_after(99, &waker), "nothing will ever come");
}

#[test]
fn wakers_are_called_when_the_store_is_closed_or_its_last_handle_goes() {
    for explicit in [true, false] {
        let store = quiet();
        let (woken, waker) = Woken::new();
        assert!(!store.wake_after(0, &waker));
        if explicit {
            store.close().unwrap();
        }
        drop(store);
        assert_eq!(woken.times(), 1);
    }
}

#[test]
fn wakers_are_called_when_a_write_fails() {
    let device = Device::new();
    let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    let (woken, waker) = Woken::new();
    assert!(!store.wake_after(1, &waker));
    device.orders(|op| match op {
        Op::Write { .. } => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    store.append("a", 1, [note("x")]).unwrap_err();
    assert_eq!(woken.times(), 1);
    assert!(store.wake_after(1, &waker), "nothing will ever come");
}

/// What a waker does with the store when it is called.
type Use = fn(&Store);

struct User {
    store: Store,
    does: Use,
    done: Mutex<usize>,
}

impl Wake for User {
    fn wake(self: Arc<Self>) {
        (self.does)(&self.store);
        *self.done.lock().unwrap() += 1;
    }
}

/// Wakers were called under the locks of whoever had written or synced: one that used the store
/// stopped the process.
#[test]
fn a_waker_may_use_the_store() {
    let uses: [Use; 5] = [
        |store| drop(store.append("b", ExpectedVersion::Any, [note("from a waker")])),
        |store| drop(store.sync()),
        |store| drop(store.stats().map(|stats| stats.head)),
        |store| assert!(!store.wake_after(99, Waker::noop())),
        |store| drop(store.close()),
    ];
    for does in uses {
        for durability in [Durability::Buffered, Durability::Synced, Durability::Strict] {
            for keeper in [false, true] {
                let options = Options::new().segments(4_096, 4_096);
                let options = options.sync_within(Duration::from_millis(1));
                let options = if keeper { options } else { options.without_keeper() };
                let store = options.in_memory().unwrap();
                let user = User { store: store.clone(), does, done: Mutex::default() };
                let user = Arc::new(user);
                assert!(!store.wake_after(0, &Waker::from(user.clone())));
                // Long enough to need a segment, so that every lock is taken on the way.
                let commit = Commit::new().append("a", 0, [note("x".repeat(5_000))]);
                let (done, waiting) = channel();
                let appending = store.clone();
                thread::spawn(move || {
                    appending.commit(commit.durability(durability)).unwrap();
                    let _ = appending.close();
                    done.send(()).unwrap();
                });
                waiting.recv_timeout(LONG).expect("the waker has stopped everything");
                assert_eq!(*user.done.lock().unwrap(), 1);
            }
        }
    }
}

/// Says that it was called, lets some time go by, and closes the store.
struct Closer {
    store: Store,
    called: Mutex<Sender<()>>,
}

impl Wake for Closer {
    fn wake(self: Arc<Self>) {
        self.called.lock().unwrap().send(()).unwrap();
        thread::sleep(MOMENT);
        let _ = self.store.close();
    }
}

#[test]
fn a_waker_that_the_keeper_calls_may_close_what_another_thread_is_closing() {
    let device = Device::new();
    let options = Options::new().sync_within(Duration::from_millis(1));
    let store = options.open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    let (sender, called) = channel();
    let closer = Arc::new(Closer { store: store.clone(), called: Mutex::new(sender) });
    assert!(!store.wake_after(99, &Waker::from(closer)));
    // Nobody but the keeper syncs, and nothing but its failure wakes.
    device.orders(failing_syncs);
    store.commit(buffered("x")).unwrap();
    called.recv_timeout(LONG).expect("nobody was woken");
    let (done, closed) = channel();
    thread::spawn(move || {
        let _ = store.close();
        done.send(()).unwrap();
    });
    closed.recv_timeout(LONG).expect("the keeper and who waits for it wait for one another");
}

#[test]
fn a_buffered_commit_becomes_durable_by_sync() {
    let store = quiet();
    for nth in 1..=3 {
        store.commit(buffered("x")).unwrap();
        assert_eq!((store.head().unwrap().get(), store.durable().get()), (nth, 0));
    }
    assert_eq!(store.stats().unwrap().durable, Position::START);
    store.sync().unwrap();
    assert_eq!(store.durable().get(), 3);
    store.sync().unwrap();
    store.commit(buffered("x")).unwrap();
    assert_eq!(store.durable().get(), 3);
    // A synced commit takes with it what stands before it.
    store.append("b", 0, [note("y")]).unwrap();
    assert_eq!(store.durable().get(), 5);
    store.commit(buffered("x")).unwrap();
    store.chore(Chore::Sync).unwrap();
    assert_eq!(store.durable().get(), 6);
    store.chore(Chore::Mark).unwrap();
}

#[test]
fn waiting_for_durability_asks_for_a_sync_at_once() {
    let store = quiet();
    store.commit(buffered("1")).unwrap();
    store.commit(buffered("2")).unwrap();
    store.wait_durable(0).unwrap();
    assert_eq!(store.durable().get(), 0);
    store.wait_durable(1).unwrap();
    assert!(store.durable().get() >= 1);
    store.wait_durable(2).unwrap();
    assert_eq!(store.durable().get(), 2);
    let nothing_yet = store.wait_durable(3).unwrap_err();
    assert_says(&nothing_yet, ErrorKind::NotFound, &["no position 3 yet"]);
}

#[test]
fn what_is_durable_survives_a_power_cut_and_is_never_more_than_that() {
    let device = Device::new();
    let options = Options::new().without_keeper().segments(4_096, 8_192);
    let store = options.open_storage(device.clone()).unwrap();
    for nth in 0..60 {
        store.commit(buffered(&format!("{nth:0>200}"))).unwrap();
        if nth % 7 == 3 {
            store.wait_durable(nth + 1).unwrap();
        }
        let durable = store.durable().get();
        let cut = Device::from_bytes(device.durable_bytes());
        let left = texts(&options.open_storage(cut).unwrap());
        assert!(left.len() as u64 >= durable, "{} of {durable} are left", left.len());
        assert_eq!(left, texts(&store)[..left.len()]);
    }
}

#[test]
fn buffered_commits_become_durable_within_the_time_given() {
    let place = Place::new();
    // Nothing else calls the keeper: no slot is due.
    let options = Options::new().idle(Duration::from_secs(3_600));
    let store = options.sync_within(Duration::from_millis(20)).open(place.path()).unwrap();
    for nth in 1..=10 {
        if nth % 2 == 0 {
            store.append("synced", ExpectedVersion::Any, [note("y")]).unwrap();
        } else {
            store.commit(buffered("x")).unwrap();
        }
        let begun = Instant::now();
        while store.durable().get() < nth {
            assert!(begun.elapsed() < LONG, "commit {nth} was never synced");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn buffered_commits_stay_buffered_as_long_as_the_time_is_not_over() {
    let store = Options::new().sync_within(Duration::from_secs(3_600)).in_memory().unwrap();
    store.commit(buffered("x")).unwrap();
    thread::sleep(MOMENT);
    assert_eq!(store.durable().get(), 0);
}

#[test]
fn a_store_that_becomes_idle_again_and_again_is_marked_each_time() {
    let device = Device::new();
    let options = Options::new().idle(Duration::from_millis(5));
    let store = options.open_storage(device.clone()).unwrap();
    let marks = Arc::new(AtomicUsize::new(0));
    let counted = marks.clone();
    device.orders(move |op| {
        // The slots are the pages behind the first.
        let is_mark = matches!(op, Op::Write { offset: 4_096 | 8_192, .. });
        counted.fetch_add(usize::from(is_mark), Ordering::SeqCst);
        Deed::Go
    });
    // The first begins an epoch, which a slot says, too.
    store.append("a", 0, [note("x")]).unwrap();
    for nth in 2..=5 {
        thread::sleep(MOMENT);
        let before = marks.load(Ordering::SeqCst);
        store.append("a", ExpectedVersion::Any, [note("x")]).unwrap();
        let begun = Instant::now();
        while marks.load(Ordering::SeqCst) == before {
            assert!(begun.elapsed() < LONG, "commit {nth} never came to a slot");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn no_more_bytes_wait_for_a_sync_than_are_allowed() {
    let options = Options::new().without_keeper().sync_bytes(10_000);
    let store = options.in_memory().unwrap();
    for nth in 1..=50 {
        store.commit(buffered(&"x".repeat(1_000))).unwrap();
        assert!(nth - store.durable().get() < 10, "{nth}");
    }
    assert!(store.durable().get() >= 40);
}

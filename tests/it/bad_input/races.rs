//! Threads that meet at the worst moment, held there by the device.

use crate::fixture::{Deed, Device, Op, note, texts};
use annals::{AppendError, Commit, Durability, ErrorKind, Options, Store};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A place in the device where one operation waits until the test lets it go on, or gives up
/// waiting.
struct Gate {
    arrived: Sender<()>,
    open: Mutex<Receiver<()>>,
    used: AtomicBool,
}

/// The test's side of it.
struct Keeper {
    arrived: Receiver<()>,
    open: Sender<()>,
}

fn gate() -> (Arc<Gate>, Keeper) {
    let (to_test, arrived) = channel();
    let (open, from_test) = channel();
    let gate = Gate { arrived: to_test, open: Mutex::new(from_test), used: AtomicBool::new(false) };
    (Arc::new(gate), Keeper { arrived, open })
}

impl Gate {
    /// The first to come waits here; long enough for the test to do what it wants, if nothing keeps
    /// the test from it.
    fn pass(&self) {
        if !self.used.swap(true, Ordering::Relaxed) {
            self.arrived.send(()).unwrap();
            let _ = self.open.lock().unwrap().recv_timeout(Duration::from_millis(700));
        }
    }
}

fn open(device: &Arc<Device>) -> Store {
    Options::new().without_keeper().open_storage(device.clone()).unwrap()
}

fn commit(version: u64, text: &str, durability: Durability) -> Commit {
    Commit::new().append("a", version, [note(text)]).durability(durability)
}

const STUB: usize = 48;
/// Bytes of a slot.
const SLOT: usize = 4_096;

/// A commit's thread was about to write its stub when the store was closed, and opened and written
/// by somebody else: the stub then stood over his first frame. Closing waits for whoever writes.
#[test]
fn closing_waits_for_a_stub_that_is_being_written() {
    let device = Device::new();
    let store = open(&device);
    let (gate, keeper) = gate();
    device.orders(move |op| {
        if matches!(op, Op::Write { length: STUB, .. }) {
            gate.pass();
        }
        Deed::Go
    });
    let appending = {
        let store = store.clone();
        thread::spawn(move || store.append("a", 0, [note("1")]).unwrap())
    };
    keeper.arrived.recv().unwrap();
    store.close().unwrap();
    let again = open(&device);
    again.commit(commit(1, "2", Durability::Strict)).unwrap();
    let _ = keeper.open.send(());
    appending.join().unwrap();
    assert_eq!(texts(&again), ["1", "2"]);
    assert!(again.verify().unwrap().is_whole());
    again.close().unwrap();
    assert_eq!(texts(&open(&device)), ["1", "2"]);
}

/// A commit's thread was writing a slot when another's failure had poisoned the store, and closing
/// it did not wait: the slot of an old life stood over that of the new.
#[test]
fn closing_a_poisoned_store_waits_for_a_slot_that_is_being_written() {
    let device = Device::new();
    let store = open(&device);
    store.append("a", 0, [note("1")]).unwrap();
    let (gate, keeper) = gate();
    let failing = Arc::new(AtomicBool::new(false));
    let fails = failing.clone();
    device.orders(move |op| match op {
        // Nothing else of a strict commit is as long as its slot.
        Op::Write { length: SLOT, .. } => {
            gate.pass();
            Deed::Go
        }
        Op::Write { .. } if fails.load(Ordering::Relaxed) => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    let appending = {
        let store = store.clone();
        thread::spawn(move || store.commit(commit(1, "2", Durability::Strict)))
    };
    keeper.arrived.recv().unwrap();
    failing.store(true, Ordering::Relaxed);
    store.commit(commit(2, "x", Durability::Buffered)).unwrap_err();
    failing.store(false, Ordering::Relaxed);
    store.close().unwrap_err();
    let again = open(&device);
    let _ = keeper.open.send(());
    let _ = appending.join().unwrap();
    assert_eq!(texts(&again), ["1", "2"]);
    again.append("a", 2, [note("3")]).unwrap();
    // As a crash would leave it.
    let crashed = Device::from_bytes(device.to_bytes());
    assert_eq!(texts(&open(&crashed)), ["1", "2", "3"]);
}

/// A commit was synced, and acknowledged, after another's write had failed. It was durable, but no
/// view showed it.
#[test]
fn what_is_acknowledged_while_another_commit_fails_can_be_read() {
    let device = Device::new();
    let store = open(&device);
    let old = store.view().unwrap();
    // The epoch's slot is written before; what is left to sync is the commit's own.
    store.append("a", 0, [note("1")]).unwrap();
    let (gate, keeper) = gate();
    let failing = Arc::new(AtomicBool::new(false));
    let fails = failing.clone();
    device.orders(move |op| match op {
        Op::Sync => {
            gate.pass();
            Deed::Go
        }
        Op::Write { .. } if fails.load(Ordering::Relaxed) => Deed::Fail(io::ErrorKind::Other),
        _ => Deed::Go,
    });
    let appending = {
        let store = store.clone();
        thread::spawn(move || store.commit(commit(1, "2", Durability::Synced)))
    };
    keeper.arrived.recv().unwrap();
    failing.store(true, Ordering::Relaxed);
    let refused = store.commit(commit(2, "x", Durability::Buffered)).unwrap_err();
    assert!(matches!(refused, AppendError::OutcomeUnknown(_)), "{refused:?}");
    keeper.open.send(()).unwrap();
    let landed = appending.join().unwrap();
    assert_eq!(store.durable().get(), 2);
    assert_eq!(store.head().unwrap(), store.durable(), "{landed:?}");
    assert_eq!(texts(&store), ["1", "2"]);
    assert_eq!(old.head().get(), 0);
}

/// A second thread that closed the store was told at once that it is closed, while the first had
/// yet to sync and to free the lock.
#[test]
fn whoever_closes_a_store_finds_it_closed_afterwards() {
    let device = Device::new();
    let store = open(&device);
    store.commit(commit(0, "1", Durability::Buffered)).unwrap();
    let (gate, keeper) = gate();
    device.orders(move |op| {
        if op == Op::Sync {
            gate.pass();
        }
        Deed::Go
    });
    let closing = {
        let store = store.clone();
        thread::spawn(move || store.close())
    };
    keeper.arrived.recv().unwrap();
    store.close().unwrap();
    assert_eq!(texts(&open(&device)), ["1"]);
    assert_eq!(store.durable().get(), 1);
    closing.join().unwrap().unwrap();
}

/// Commits and chores of many threads, and one of them closes: each is told what became of it, and
/// that is what is there.
#[test]
fn closing_in_the_middle_of_everything_loses_nothing() {
    for round in 0..20 {
        let device = Device::new();
        let options = Options::new().segments(4_096, 8_192).sync_within(Duration::from_millis(1));
        let store = options.open_storage(device.clone()).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|nth| {
                let store = store.clone();
                thread::spawn(move || append_until_closed(&store, nth))
            })
            .collect();
        thread::sleep(Duration::from_micros(500 * round));
        store.close().unwrap();
        let again = options.open_storage(device.clone()).unwrap();
        let first = texts(&again);
        again.append("z", 0, [note("z")]).unwrap();
        let landed: Vec<u64> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        for (nth, landed) in landed.iter().enumerate() {
            let version = again.stream_version(&format!("s-{nth}")).unwrap().get();
            assert_eq!(version, *landed, "round {round}, stream {nth}");
        }
        assert_eq!(first.len() as u64, landed.iter().sum::<u64>());
        assert!(again.verify().unwrap().is_whole());
        again.close().unwrap();
        let ended = options.open_storage(Device::from_bytes(device.to_bytes())).unwrap();
        assert_eq!(texts(&ended).len(), first.len() + 1);
    }
}

/// How many appends were acknowledged before the store was closed.
fn append_until_closed(store: &Store, nth: usize) -> u64 {
    let durabilities = [Durability::Buffered, Durability::Synced, Durability::Strict];
    for (version, durability) in (0..).zip(durabilities.into_iter().cycle().skip(nth)) {
        let event = note("x".repeat(nth * 50));
        let commit = Commit::new().append(format!("s-{nth}"), version, [event]);
        if nth == 3 {
            let _ = store.chore(annals::Chore::Prepare);
        }
        match store.commit(commit.durability(durability)) {
            Ok(_) => {}
            Err(AppendError::Other(error)) => {
                assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
                return version;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    unreachable!("a store runs out of positions before this")
}

/// What a thread was told of its commits: position, payload, and whether it asked for a sync.
type Told = Vec<(u64, String, bool)>;

/// Commits until something fails, or for a while.
fn append_until_failure(store: &Store, nth: usize) -> Told {
    let durabilities = [Durability::Synced, Durability::Buffered, Durability::Strict];
    let mut told = Vec::new();
    for round in 0..60 {
        let durability = durabilities[(round + nth) % 3];
        let text = format!("{nth}.{round}:{}", "x".repeat(round * 9));
        let commit = Commit::new().append(format!("s-{nth}"), told.len() as u64, [note(&*text)]);
        match store.commit(commit.durability(durability)) {
            Ok(done) => told.push((done.first.get(), text, durability != Durability::Buffered)),
            Err(AppendError::OutcomeUnknown(_)) => break,
            // Room could not be taken, or its header not be written: nothing that counts was
            // touched.
            Err(AppendError::Other(error)) => {
                assert!(error.to_string().contains("nothing was written"), "{error}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    told
}

/// One write, sync or allocation fails, each in its turn, while several threads commit.
#[test]
fn what_many_threads_were_told_before_a_failure_is_what_is_there() {
    for fails_at in 0..120 {
        let device = Device::new();
        let options = Options::new().segments(4_096, 8_192).sync_within(Duration::from_millis(1));
        let store = options.open_storage(device.clone()).unwrap();
        let count = AtomicUsize::new(0);
        device.orders(move |op| match op {
            Op::Read { .. } => Deed::Go,
            _ if count.fetch_add(1, Ordering::Relaxed) != fails_at => Deed::Go,
            Op::Allocate => Deed::Fail(io::ErrorKind::StorageFull),
            _ => Deed::Fail(io::ErrorKind::Other),
        });
        let told: Told = thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|nth| {
                    let store = &store;
                    scope.spawn(move || append_until_failure(store, nth))
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let shown = texts(&store);
        let durable = store.durable().get();
        assert!(durable <= shown.len() as u64);
        let left = |bytes| texts(&options.open_storage(Device::from_bytes(bytes)).unwrap());
        let (killed, cut) = (left(device.to_bytes()), left(device.durable_bytes()));
        for (position, text, synced) in told {
            let at = usize::try_from(position - 1).unwrap();
            assert_eq!(killed.get(at), Some(&text), "{fails_at}: lost with the process");
            if synced {
                assert!(position <= durable, "{fails_at}: {position} of {durable}");
                assert_eq!(shown.get(at), Some(&text), "{fails_at}: not shown");
                assert_eq!(cut.get(at), Some(&text), "{fails_at}: lost with the power");
            }
        }
        assert_eq!(shown, killed[..shown.len()], "{fails_at}");
        assert!(cut.len() as u64 >= durable, "{fails_at}");
    }
}

//! Many threads on one store.

use crate::fixture::{Deed, Device, Op};
use annals::{
    AppendError, Commit, Durability, Ending, ExpectedVersion, NewEvent, Options, Read, Store,
    Version,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const THREADS: u64 = 8;

fn fresh(options: &Options) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = options.open(folder.path().join("a.annals")).unwrap();
    (folder, store)
}

fn noted(text: String) -> NewEvent {
    NewEvent::new("Noted", text)
}

#[test]
fn of_racing_commits_on_one_version_exactly_one_wins() {
    let (_folder, store) = fresh(&Options::new().segments(4_096, 16_384));
    let wins: Vec<u64> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = store.clone();
                scope.spawn(move || {
                    let (mut won, mut version) = (0, Version::NONE);
                    while version < Version::new(200) {
                        let durability =
                            if won % 3 == 0 { Durability::Buffered } else { Durability::Synced };
                        let commit = Commit::new()
                            .append("prize", version, [noted(format!("{thread}"))])
                            .durability(durability);
                        match store.commit(commit) {
                            Ok(done) => {
                                won += 1;
                                version = done.version();
                            }
                            Err(AppendError::Conflict(conflict)) => {
                                assert!(conflict.current > version, "{conflict}");
                                // What the answer rests on is visible.
                                let visible = store.stream_version("prize").unwrap();
                                assert!(visible >= conflict.current);
                                version = conflict.current;
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                    won
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(wins.iter().sum::<u64>(), store.head().unwrap().get());
    let mut by_thread: HashMap<Vec<u8>, u64> = HashMap::new();
    for event in store.read_stream("prize", Read::new()).unwrap() {
        *by_thread.entry(event.unwrap().payload).or_default() += 1;
    }
    for (thread, won) in wins.iter().enumerate() {
        let counted = by_thread.get(format!("{thread}").as_bytes()).copied().unwrap_or(0);
        assert_eq!(counted, *won, "thread {thread}");
    }
}

#[test]
fn readers_see_whole_commits_in_order_while_threads_write() {
    let (folder, store) = fresh(&Options::new().segments(4_096, 65_536));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let view = store.view().unwrap();
                    let head = view.head().get();
                    assert!(head >= last, "the head went back");
                    // Commits have three events each, so a view never ends within one.
                    assert_eq!(head % 3, 0);
                    last = head;
                    let tail = view.all(Read::new().after(head.saturating_sub(30)));
                    let events: Vec<_> = tail.map(Result::unwrap).collect();
                    for commit in events.chunks(3) {
                        assert!(commit.iter().all(|event| event.payload == commit[0].payload));
                        assert!(commit.iter().all(|event| event.recorded == commit[0].recorded));
                    }
                    assert!(events.is_sorted_by_key(|event| event.recorded));
                    assert_eq!(events.len() as u64, head.min(30));
                }
            });
        }
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = store.clone();
                scope.spawn(move || {
                    for nth in 0..150 {
                        let durability = match (thread + nth) % 4 {
                            0 => Durability::Synced,
                            1 if nth % 10 == 0 => Durability::Strict,
                            _ => Durability::Buffered,
                        };
                        let text = format!("{thread}/{nth}");
                        let events = || noted(text.clone());
                        let commit = Commit::new()
                            .append(
                                format!("own-{thread}"),
                                Version::new(nth * 2),
                                [events(), events()],
                            )
                            .append("all", ExpectedVersion::Any, [events()])
                            .durability(durability);
                        let landed = store.commit(commit).unwrap();
                        if durability != Durability::Buffered {
                            assert!(store.durable() >= landed.last);
                        }
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    let expected = THREADS * 150 * 3;
    assert_eq!(store.head().unwrap().get(), expected);
    assert!(store.verify().unwrap().is_whole());
    drop(store);
    let store = Store::open(folder.path().join("a.annals")).unwrap();
    assert_eq!(store.head().unwrap().get(), expected);
    assert_eq!(store.stream_version("all").unwrap().get(), THREADS * 150);
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn closing_while_threads_commit_loses_nothing_acknowledged() {
    for round in 0..20 {
        let (folder, store) = fresh(&Options::new());
        let acknowledged: u64 = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|thread| {
                    let store = store.clone();
                    scope.spawn(move || {
                        let mut landed = 0;
                        loop {
                            let event = noted(format!("{thread}"));
                            match store.append(format!("s-{thread}"), Version::new(landed), [event])
                            {
                                Ok(_) => landed += 1,
                                Err(AppendError::Other(error)) => {
                                    assert_eq!(error.kind(), annals::ErrorKind::Closed);
                                    return landed;
                                }
                                Err(error) => panic!("{error}"),
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(2 + round));
            store.close().unwrap();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        // The lock is free at once.
        let store = Store::open(folder.path().join("a.annals")).unwrap();
        assert_eq!(store.head().unwrap().get(), acknowledged);
        let ending = store.recovery_report().ending;
        let closed = if acknowledged > 0 { Ending::Closed } else { Ending::New };
        assert_eq!(ending, closed);
        assert!(store.verify().unwrap().is_whole());
    }
}

/// Syncs that wait until they may go on, and how many there were.
#[derive(Default)]
struct Held {
    syncs: AtomicUsize,
    may_go: Mutex<bool>,
    changed: Condvar,
}

impl Held {
    fn sync(&self) {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        let held = self.changed.wait_while(self.may_go.lock().unwrap(), |may_go| !*may_go);
        drop(held.unwrap());
    }

    fn let_go(&self) {
        *self.may_go.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

/// Commits that come while a sync is under way, and the syncs that all of them took.
fn syncs_of_many() -> usize {
    let (device, held) = (Device::new(), Arc::new(Held::default()));
    let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
    store.append("a", 0, [noted("the first begins an epoch".to_owned())]).unwrap();
    let syncing = held.clone();
    device.orders(move |op| {
        if op == Op::Sync {
            syncing.sync();
        }
        Deed::Go
    });
    std::thread::scope(|scope| {
        for nth in 0..THREADS {
            let store = store.clone();
            let event = noted(nth.to_string());
            scope.spawn(move || store.append("b", ExpectedVersion::Any, [event]).unwrap());
        }
        while held.syncs.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        // Time enough for the others to have come.
        std::thread::sleep(Duration::from_millis(50));
        held.let_go();
    });
    assert_eq!(store.stream_version("b").unwrap().get(), THREADS);
    held.syncs.load(Ordering::SeqCst)
}

#[test]
fn commits_that_come_while_one_is_synced_share_the_next_sync() {
    // Now and then one of the threads may come late.
    let fewest = (0..20).map(|_| syncs_of_many()).find(|syncs| *syncs == 2);
    assert_eq!(fewest, Some(2), "one that was under way, and one for all who came meanwhile");
}

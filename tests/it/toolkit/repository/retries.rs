//! Others are faster, stores are closed, outcomes unknown.

use super::with_account;
use crate::fixture::{Deed, Device, Op, Place};
use crate::toolkit::bank::{Ask, Moved, bank, codec, deposited, large, port};
use annals::storage::MemoryStorage;
use annals::toolkit::{
    Append, Codec, Envelope, ExecuteError, Interceptor, Port, Retry, SnapshotPolicy, Snapshots,
    ToolError,
};
use annals::{Appended, Commit, ErrorKind, ExpectedVersion, Options, Store};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Appends something else before each commit that goes through, and counts them.
struct Busy {
    store: Store,
    stream: &'static str,
    commits: Arc<AtomicU32>,
    /// After so many it lets them be.
    most: u32,
}

impl Interceptor for Busy {
    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        if self.commits.fetch_add(1, Ordering::Relaxed) < self.most {
            let event = codec().encode(&deposited(100), &Envelope::new())?;
            self.store.append(self.stream, ExpectedVersion::Any, [event])?;
        }
        next(commit)
    }
}

#[test]
fn retries_are_bounded_and_the_error_says_how_many_and_what_the_last_one_met() {
    let store = Store::in_memory().unwrap();
    with_account(&Port::new(&store), &[]);
    let commits = Arc::new(AtomicU32::new(0));
    let busy = |most| {
        commits.store(0, Ordering::Relaxed);
        let (store, commits) = (store.clone(), commits.clone());
        let port = Port::new(&store);
        bank(port.intercept(Busy { store, stream: "account-1", commits, most }))
    };
    // Over a stream, and over a query.
    let large = large();
    let failed = busy(u32::MAX).retry(Retry::new(3)).execute("1", &Ask::Deposit(1)).unwrap_err();
    let ExecuteError::Conflicts { attempts: 3, last } = &failed else { panic!("{failed:?}") };
    assert_eq!(last.append_error().unwrap().conflict().unwrap().current.get(), 4);
    assert_eq!(commits.load(Ordering::Relaxed), 3);
    let told = failed.to_string();
    assert!(told.starts_with("others were faster in each of 3 attempts"), "{told}");
    assert!(told.ends_with("expected at version 3, but is at version 4"), "{told}");

    let over = busy(u32::MAX).retry(Retry::new(2));
    let opened = Moved::Opened { owner: "ann".to_owned() };
    let codec = Codec::json().tags(|_: &Moved, _: &_| vec!["large".to_owned()]);
    let opened = codec.encode(&opened, &Envelope::new()).unwrap();
    store.append("account-9", 0, [opened]).unwrap();
    let failed = over.execute(&large, &Ask::Deposit(100)).unwrap_err();
    let ExecuteError::Conflicts { attempts: 2, last } = &failed else { panic!("{failed:?}") };
    assert_eq!(last.append_error().unwrap().condition_failed().unwrap().condition, 0);

    // Nothing of it is in the store; and who is not hindered for ever gets through.
    assert_eq!(store.stream_version("account-0").unwrap().get(), 0);
    let done = busy(4).execute("1", &Ask::Deposit(1)).unwrap();
    assert_eq!((done.attempts, commits.load(Ordering::Relaxed)), (5, 5));
    assert_eq!(done.version, store.stream_version("account-1").unwrap());
    let failed = busy(5).execute("1", &Ask::Deposit(1)).unwrap_err();
    assert!(matches!(failed, ExecuteError::Conflicts { attempts: 5, .. }));
}

#[test]
fn between_attempts_is_waited_as_the_policy_says_and_before_the_second_not_unless_told() {
    let store = Store::in_memory().unwrap();
    with_account(&Port::new(&store), &[]);
    let port = Port::new(&store);
    let commits = Arc::new(AtomicU32::new(0));
    let busy = Busy { store, stream: "account-1", commits, most: u32::MAX };
    let bank = bank(port.intercept(busy));
    let pause = Duration::from_millis(40);
    let took = |retry: Retry| {
        let start = Instant::now();
        bank.clone().retry(retry).execute("1", &Ask::Deposit(1)).unwrap_err();
        start.elapsed()
    };
    // Two pauses, each cut by half at the most.
    assert!(took(Retry::new(3).backoff(pause, 1, pause)) >= pause);
    let long = Duration::from_secs(20);
    assert!(took(Retry::new(2).backoff(long, 1, long).at_once()) < long / 2);
}

#[test]
fn what_is_no_conflict_is_not_tried_again() {
    struct Refuses(Arc<AtomicU32>);
    impl Interceptor for Refuses {
        fn append(&self, _: Commit, _: &mut Append<'_>) -> Result<Appended, ToolError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(ToolError::failed("nobody", "not today"))
        }
    }
    let asked = Arc::new(AtomicU32::new(0));
    let bank = bank(port().intercept(Refuses(asked.clone())));
    let failed = bank.execute("1", &Ask::Open("ann")).unwrap_err();
    assert!(matches!(failed, ExecuteError::Tool(ToolError::Failed { .. })), "{failed:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_store_that_is_closed_ends_all_who_execute_and_has_what_they_were_told() {
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    let snapshots = Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(5));
    let bank = with_account(&Port::new(&store), &[]).snapshots(snapshots).retry(Retry::new(9_999));
    let landed = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    match bank.execute("1", &Ask::Deposit(1)) {
                        Ok(_) => _ = landed.fetch_add(1, Ordering::Relaxed),
                        Err(ExecuteError::Tool(error)) => {
                            let kind = match &error {
                                ToolError::Store(error) => Some(error.kind()),
                                other => other.append_error().and_then(|error| error.kind()),
                            };
                            return assert_eq!(kind, Some(ErrorKind::Closed), "{error:?}");
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            });
        }
        while landed.load(Ordering::Relaxed) < 30 {
            std::thread::yield_now();
        }
        store.close().unwrap();
    });
    let store = Store::open(place.path()).unwrap();
    let landed = landed.load(Ordering::Relaxed);
    assert_eq!(store.stream_version("account-1").unwrap().get(), landed);
    assert_eq!(crate::toolkit::bank::bank(&store).load("1").unwrap().state.cents, landed - 1);
}

#[test]
fn after_an_unknown_outcome_the_decision_is_in_the_error_and_lands_once() {
    for landed in [false, true] {
        let device = Device::new();
        let options = Options::new().without_keeper();
        let store = options.open_storage(device.clone()).unwrap();
        let bank = with_account(&Port::new(&store), &[]);
        device.orders(|op| match op {
            Op::Sync => Deed::Fail(io::ErrorKind::Other),
            _ => Deed::Go,
        });
        let failed = bank.execute("1", &Ask::Deposit(5)).unwrap_err();
        let ExecuteError::OutcomeUnknown { commit, .. } = failed else { panic!("{failed:?}") };
        let bytes = if landed { device.to_bytes() } else { device.durable_bytes() };
        let store = options.open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
        let port = Port::new(&store);
        assert_eq!(port.commit(&*commit).unwrap().replayed, landed);
        assert_eq!(crate::toolkit::bank::bank(&port).load("1").unwrap().state.cents, 5);
    }
}

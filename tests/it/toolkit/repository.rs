//! Repositories: commands, conflicts, states of the past, hooks.

use super::bank::{Account, Ask, Bank, Moved, Refused, bank, codec, large, port};
use crate::fixture::{Deed, Device, Op, Place, note};
use annals::storage::MemoryStorage;
use annals::toolkit::{
    Append, Boundary, Change, Codec, CodecError, CountingIds, Decider, Envelope, Evolve,
    ExecuteError, Failure, FixedClock, Interceptor, Lifecycle, Loaded, Metadata, Port, Publish,
    Received, Repository, Retry, SnapshotPolicy, SnapshotUse, Snapshots, ToolError, Unknown,
};
use annals::{
    Appended, Commit, ErrorKind, ExpectedVersion, NewEvent, Options, Query, QueryItem, Read, Store,
    Timestamp, Uuid,
};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn deposited(cents: u64) -> Moved {
    Moved::Deposited { cents }
}

/// A repository with an account that was opened, and then got these amounts, one by one.
fn with_account(port: &Port, cents: &[u64]) -> Repository<Bank> {
    let bank = bank(port);
    bank.execute("1", &Ask::Open("ann")).unwrap();
    for cents in cents {
        bank.execute("1", &Ask::Deposit(*cents)).unwrap();
    }
    bank
}

#[test]
fn a_command_is_decided_on_what_was_before_and_its_events_land_together() {
    let port = port();
    let bank = with_account(&port, &[70]);
    let done = bank.execute("1", &Ask::Close).unwrap();
    assert_eq!(done.events, [Moved::Withdrawn { cents: 70 }, Moved::Closed]);
    assert_eq!((done.version.get(), done.attempts), (4, 1));
    assert_eq!(done.state, Account { owner: None, cents: 0, movements: 4 });
    let appended = done.appended.unwrap();
    assert_eq!((appended.first.get(), appended.last.get()), (3, 4));
    let loaded = bank.load("1").unwrap();
    assert_eq!((loaded.state, loaded.as_of.version, loaded.sourced), (done.state, done.version, 4));
    assert_eq!((loaded.as_of.position, loaded.snapshot), (4.into(), SnapshotUse::Off));
    // Nothing has happened to another one.
    let other = bank.load("2").unwrap();
    assert_eq!((other.state, other.as_of.version.get()), (Account::default(), 0));
}

#[test]
fn a_refusal_is_told_as_it_is_and_commits_nothing() {
    let port = port();
    let bank = with_account(&port, &[70]);
    let refused = bank.execute("1", &Ask::Withdraw(100)).unwrap_err();
    assert_eq!(refused.refusal(), Some(&Refused::Short { by: 30 }));
    assert_eq!(refused.to_string(), "30 cents are missing");
    assert_eq!(bank.execute("2", &Ask::Close).unwrap_err().refusal(), Some(&Refused::NotOpen));
    assert_eq!(port.head().unwrap().get(), 2);
}

#[test]
fn a_command_that_makes_nothing_happen_succeeds_and_commits_nothing() {
    let port = port();
    let bank = with_account(&port, &[70]);
    let done = bank.execute("1", &Ask::Nothing).unwrap();
    assert!(done.events.is_empty() && done.appended.is_none());
    assert_eq!((done.state.cents, done.version.get()), (70, 2));
    assert_eq!(port.head().unwrap().get(), 2);
}

#[test]
fn what_is_saved_by_hand_goes_by_the_expected_version_and_a_conflict_has_both_numbers() {
    let port = port();
    let bank = bank(&port);
    let opened = Moved::Opened { owner: "ann".to_owned() };
    bank.save("1", ExpectedVersion::NoStream, &[opened, deposited(5)]).unwrap();
    let late = bank.save("1", 1, &[deposited(7)]).unwrap_err();
    assert!(late.is_conflict());
    let conflict = late.append_error().unwrap().conflict().unwrap();
    assert_eq!((conflict.expected, conflict.current.get()), (1.into(), 2));
    assert_eq!(
        late.to_string(),
        "stream 'account-1' was expected at version 1, but is at version 2"
    );
    assert_eq!(bank.save("1", 2, &[deposited(7)]).unwrap().version().get(), 3);
    assert_eq!(bank.version("1").unwrap().get(), 3);
    assert_eq!(bank.version("2").unwrap().get(), 0);
    let after: Vec<_> = bank.events_after("1", 1).unwrap().map(Result::unwrap).collect();
    let told: Vec<_> = after.iter().map(|past| (past.version.get(), &past.event)).collect();
    assert_eq!(told, [(2, &deposited(5)), (3, &deposited(7))]);
    assert_eq!(after[1].position.get(), 3);
    assert_eq!(bank.events_after("1", 3).unwrap().count(), 0);
    assert_eq!(bank.events_after("1", u64::MAX).unwrap().count(), 0);
}

#[test]
fn the_events_of_a_decision_have_ids_and_what_is_in_the_envelope() {
    let port = port().ids(CountingIds::default());
    let bank = with_account(&port, &[]);
    let (request, cause) = (Uuid::from_u128(77), Uuid::from_u128(78));
    let envelope = Envelope::new()
        .correlation_id(request)
        .causation_id(cause)
        .tag("by:hand")
        .metadata(Metadata::new().created_by("ann"));
    bank.execute_with("1", &Ask::Deposit(100), &envelope).unwrap();
    let event = port.event(2).unwrap().unwrap();
    assert_eq!((event.id.as_u128(), event.id_given), (2, true));
    assert_eq!((event.correlation_id, event.causation_id), (Some(request), Some(cause)));
    assert_eq!(event.tags, ["by:hand", "large"]);
    let metadata = Metadata::from_bytes(event.metadata.as_deref()).unwrap();
    assert_eq!(metadata.get_created_by(), Some("ann"));
    // Committed once more, it lands once.
    let commit = bank.commit("1", 2, &[deposited(1)], &envelope).unwrap();
    assert!(!port.commit(&commit).unwrap().replayed);
    assert!(port.commit(&commit).unwrap().replayed);
    assert_eq!(bank.load("1").unwrap().state.cents, 101);
}

#[test]
fn a_boundary_over_a_query_rests_on_what_it_means_and_on_nothing_else() {
    let port = port();
    let bank = with_account(&port, &[150, 20]);
    bank.execute("2", &Ask::Open("bob")).unwrap();
    bank.execute("2", &Ask::Deposit(200)).unwrap();
    let large = large();
    let loaded = bank.load(&large).unwrap();
    assert_eq!((loaded.state.cents, loaded.state.movements), (350, 2));
    assert_eq!((loaded.as_of.version.get(), loaded.as_of.position.get()), (2, 5));
    let after: Vec<_> = bank.events_after(&large, 1).unwrap().map(Result::unwrap).collect();
    assert_eq!((after.len(), after[0].version.get(), after[0].position.get()), (1, 2, 5));

    // What is decided on it goes to its stream. Of that, too, only what it means is in its state.
    struct Audit;
    impl Evolve for Audit {
        type State = u64;
        type Event = Moved;
        fn initial(&self) -> u64 {
            0
        }
        fn evolve(&self, events: &mut u64, _: &Moved) {
            *events += 1;
        }
    }
    impl Decider for Audit {
        type Command = ();
        type Refusal = Refused;
        fn decide(&self, _: &u64, (): &()) -> Result<Vec<Moved>, Refused> {
            Ok(vec![deposited(1), deposited(1_000)])
        }
    }
    let audit = Repository::new(&port, "audit", Audit, codec()).unwrap();
    let done = audit.execute(&large, &()).unwrap();
    assert_eq!((done.state, done.version.get()), (3, 3));
    assert_eq!(done.appended.unwrap().versions, [("account-0".to_owned(), 2.into())]);
    assert_eq!(audit.load(&large).unwrap().state, 3);
}

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
        bank(&port.intercept(Busy { store, stream: "account-1", commits, most }))
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
    let bank = bank(&port.intercept(busy));
    let pause = Duration::from_millis(40);
    let took = |retry: Retry| {
        let start = Instant::now();
        bank.clone().retry(retry).execute("1", &Ask::Deposit(1)).unwrap_err();
        start.elapsed()
    };
    // Two pauses, each cut by half at the most.
    assert!(took(Retry::new(3).backoff(pause, 1, pause)) >= pause);
    assert!(took(Retry::new(2).backoff(pause, 1, pause).at_once()) < pause / 2);
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
    let bank = bank(&port().intercept(Refuses(asked.clone())));
    let failed = bank.execute("1", &Ask::Open("ann")).unwrap_err();
    assert!(matches!(failed, ExecuteError::Tool(ToolError::Failed { .. })), "{failed:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn threads_that_change_one_state_lose_no_update_and_never_break_a_rule() {
    const THREADS: u64 = 4;
    const EACH: u64 = 60;
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    let snapshots = Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(7)).keep(2);
    let bank =
        with_account(&Port::new(&store), &[20]).snapshots(snapshots).retry(Retry::new(9_999));
    let (came, went) = (AtomicU64::new(20), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (bank, came, went) = (&bank, &came, &went);
            scope.spawn(move || {
                for nth in 0..EACH {
                    let cents = thread * 3 + nth % 17;
                    if nth % 3 == 0 {
                        bank.execute("1", &Ask::Deposit(cents)).unwrap();
                        came.fetch_add(cents, Ordering::Relaxed);
                    } else {
                        match bank.execute("1", &Ask::Withdraw(cents)) {
                            Ok(_) => _ = went.fetch_add(cents, Ordering::Relaxed),
                            Err(error) => assert!(error.refusal().is_some(), "{error:?}"),
                        }
                    }
                }
            });
        }
    });
    let left = came.load(Ordering::Relaxed) - went.load(Ordering::Relaxed);
    assert_eq!(bank.load("1").unwrap().state.cents, left);
    // Event by event, there never was less than nothing.
    let mut cents = 0_u64;
    for past in bank.events_after("1", 0).unwrap() {
        match past.unwrap().event {
            Moved::Deposited { cents: more } => cents += more,
            Moved::Withdrawn { cents: less } => cents = cents.checked_sub(less).unwrap(),
            _ => {}
        }
    }
    assert_eq!(cents, left);
    assert!(store.verify().unwrap().is_whole());
}

/// Seats that threads run for: what is given is tagged, and goes to streams of the threads' own.
struct Seats;

impl Evolve for Seats {
    type State = u64;
    type Event = Moved;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, taken: &mut u64, _: &Moved) {
        *taken += 1;
    }
}

impl Decider for Seats {
    type Command = u64;
    type Refusal = Refused;

    fn decide(&self, taken: &u64, seats: &u64) -> Result<Vec<Moved>, Refused> {
        if taken < seats { Ok(vec![deposited(100)]) } else { Err(Refused::NotOpen) }
    }
}

#[test]
fn threads_over_one_tag_break_no_rule_whatever_streams_they_write() {
    const SEATS: u64 = 50;
    let port = port();
    let snapshots = Snapshots::new("seats", 1).unwrap().policy(SnapshotPolicy::Every(10));
    let seats = Repository::new(&port, "seats", Seats, codec()).unwrap();
    let seats = seats.snapshots(snapshots).retry(Retry::new(9_999));
    let given: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let seats = &seats;
                scope.spawn(move || {
                    let query = Query::from(QueryItem::new().tag("large"));
                    let boundary = Boundary::query("large", query, format!("seats-{thread}"));
                    let mut given = 0;
                    loop {
                        match seats.execute(&boundary, &SEATS) {
                            Ok(_) => given += 1,
                            Err(ExecuteError::Refused(_)) => return given,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(given.iter().sum::<u64>(), SEATS);
    assert_eq!(port.head().unwrap().get(), SEATS);
    for (thread, given) in given.iter().enumerate() {
        assert_eq!(seats.version(&thread.to_string()).unwrap().get(), *given);
    }
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
    assert_eq!(super::bank::bank(&store).load("1").unwrap().state.cents, landed - 1);
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
        assert_eq!(super::bank::bank(&port).load("1").unwrap().state.cents, 5);
    }
}

/// A store with a clock that goes a second for each commit, and two accounts that take turns.
fn by_seconds() -> (Port, Repository<Bank>) {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    let port = Port::new(&store);
    let bank = bank(&port);
    for (nth, cents) in [5, 100, 7, 300, 20, 110].into_iter().enumerate() {
        clock.set(Timestamp::from_micros(nth as i64 * 1_000_000));
        let id = (nth % 2).to_string();
        bank.save(&id, ExpectedVersion::Any, &[deposited(cents)]).unwrap();
    }
    (port, bank)
}

/// States at each point of the past, as they are and as a plain replay makes them.
#[test]
fn a_state_of_the_past_is_what_the_events_up_to_then_make() {
    let (port, bare) = by_seconds();
    let snapshots = Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(1)).keep(9);
    let kept = bare.clone().snapshots(snapshots);
    let boundaries = [bare.boundary("0"), bare.boundary("1"), large()];
    for boundary in &boundaries {
        kept.rebuild(boundary, 1).unwrap();
        let events: Vec<_> = bare.events_after(boundary, 0).unwrap().map(Result::unwrap).collect();
        assert!(events.len() >= 3);
        let made = |wanted: &dyn Fn(u64, u64, i64) -> bool| {
            let mut account = Account::default();
            for past in &events {
                let seconds = past.recorded.micros() / 1_000_000;
                if wanted(past.version.get(), past.position.get(), seconds) {
                    Bank.evolve(&mut account, &past.event);
                }
            }
            account
        };
        let is = |loaded: Loaded<Account>, state: Account, what: &str| {
            let (version, sourced) = (loaded.as_of.version.get(), loaded.sourced);
            assert_eq!(version, state.movements, "{what} of {boundary:?}");
            assert_eq!(loaded.state, state, "{what} of {boundary:?}");
            (version, sourced)
        };
        for nth in 0..8_u64 {
            for bank in [&bare, &kept] {
                let what = format!("{nth} of {:?}", bank.list_snapshots(boundary));
                let at = bank.at_version(boundary, nth).unwrap();
                let (version, sourced) = is(at, made(&|version, _, _| version <= nth), &what);
                // There is a snapshot of each version, so nothing is read for it.
                let is_kept = bank.list_snapshots(boundary).is_ok() && version > 0;
                assert_eq!(sourced, if is_kept { 0 } else { version });
                let at = bank.at_position(boundary, nth).unwrap();
                is(at, made(&|_, position, _| position <= nth), &what);
                let time = Timestamp::from_micros(nth as i64 * 1_000_000 + 1);
                let at = bank.at_time(boundary, time).unwrap();
                is(at, made(&|_, _, seconds| seconds <= nth as i64), &what);
            }
        }
        let before = Timestamp::from_micros(-1);
        is(kept.at_time(boundary, before).unwrap(), Account::default(), "before all");
    }
    // It writes nothing.
    assert_eq!(bare.at_version("0", 2).unwrap().state.cents, 12);
    assert_eq!(port.head().unwrap().get(), 6);
}

#[test]
fn a_replay_shows_each_step_past_the_interceptors_and_a_panic_in_it_is_contained() {
    struct Listens(Arc<AtomicU32>);
    impl Interceptor for Listens {
        fn publish(
            &self,
            _: &Received<'_>,
            to: &str,
            next: &mut Publish<'_>,
        ) -> Result<(), ToolError> {
            assert_eq!(to, "replay");
            self.0.fetch_add(1, Ordering::Relaxed);
            next()
        }
    }
    let heard = Arc::new(AtomicU32::new(0));
    let port = port().intercept(Listens(heard.clone()));
    let bank = with_account(&port, &[5, 100, 7]);
    let mut seen = Vec::new();
    let done = bank.replay("1", |account, event| {
        seen.push((event.version.get(), account.cents));
        ControlFlow::Continue(())
    });
    assert_eq!(done.unwrap().state.cents, 112);
    assert_eq!(seen, [(1, 0), (2, 5), (3, 105), (4, 112)]);
    assert_eq!(heard.load(Ordering::Relaxed), 4);
    let panicked = bank.replay("1", |account, _| {
        assert_eq!(account.cents, 0, "so much");
        ControlFlow::Continue(())
    });
    let ToolError::Panicked { who, message } = panicked.unwrap_err() else { panic!() };
    assert!(who == "replay" && message.contains("so much"), "{who}: {message}");
}

/// Writes down what it is told, and fails and panics where it is told to.
struct Tells {
    told: Arc<std::sync::Mutex<Vec<String>>>,
    as_it: fn() -> Result<(), Failure>,
}

impl Tells {
    fn tell(&self, what: &str, change: &Change<'_, Account>) -> Result<(), Failure> {
        let Change { boundary, state, version, appended, .. } = change;
        let last = appended.last;
        let text = format!("{what} {} v{version} #{last} {}", boundary.name(), state.cents);
        self.told.lock().unwrap().push(text);
        (self.as_it)()
    }
}

impl Lifecycle<Account> for Tells {
    fn name(&self) -> &str {
        "tells"
    }

    fn created(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("created", change)
    }

    fn changed(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("changed", change)
    }

    fn deleted(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("deleted", change)
    }
}

#[test]
fn hooks_are_told_what_was_created_changed_and_deleted_after_it_has_landed() {
    let told = Arc::default();
    let bank = bank(&port()).hook(Tells { told: Arc::clone(&told), as_it: || Ok(()) });
    let asked = [Ask::Open("ann"), Ask::Deposit(5), Ask::Nothing, Ask::Close, Ask::Open("bob")];
    for command in &asked {
        assert!(bank.execute("1", command).unwrap().hook_failures.is_empty());
    }
    bank.execute("1", &Ask::Open("eve")).unwrap_err();
    bank.save("1", 5, &[deposited(1)]).unwrap();
    let expected = [
        "created account-1 v1 #1 0",
        "changed account-1 v2 #2 5",
        "deleted account-1 v4 #4 0",
        "created account-1 v5 #5 0",
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_hook_that_fails_or_panics_is_told_and_hinders_neither_the_commit_nor_other_hooks() {
    let told = Arc::default();
    let tells = |as_it| Tells { told: Arc::clone(&told), as_it };
    let port = port();
    let bank = bank(&port)
        .hook(tells(|| Err("no mail".into())))
        .hook(tells(|| panic!("no paper")))
        .hook(tells(|| Ok(())));
    let done = bank.execute("1", &Ask::Open("ann")).unwrap();
    assert_eq!(told.lock().unwrap().len(), 3);
    let failures: Vec<_> = done.hook_failures.iter().map(ToString::to_string).collect();
    let expected =
        ["lifecycle hook 'tells' failed: no mail", "lifecycle hook 'tells' panicked: no paper"];
    assert_eq!(failures, expected);
    assert_eq!(bank.load("1").unwrap().state.owner.as_deref(), Some("ann"));
}

#[test]
fn events_of_unknown_types_are_an_error_or_passed_over_and_count_either_way() {
    let port = port();
    let strict = with_account(&port, &[5]);
    port.append("account-1", 2, [note("of another program")]).unwrap();
    let ToolError::Codec(CodecError::UnknownType { position, .. }) = strict.load("1").unwrap_err()
    else {
        panic!()
    };
    assert_eq!(position.get(), 3);
    let failed = strict.execute("1", &Ask::Deposit(1)).unwrap_err();
    assert!(matches!(failed, ExecuteError::Tool(ToolError::Codec(_))), "{failed:?}");
    let mut events = strict.events_after("1", 0).unwrap();
    assert_eq!(events.by_ref().take(3).filter(Result::is_ok).count(), 2);
    assert!(events.next().is_none(), "after an error it has ended");

    let codec = codec().unknown(Unknown::Skip);
    let lax = Repository::new(&port, "account", Bank, codec).unwrap();
    let done = lax.execute("1", &Ask::Deposit(1)).unwrap();
    assert_eq!((done.state.cents, done.version.get()), (6, 4));
    let versions = lax.events_after("1", 0).unwrap().map(|past| past.unwrap().version.get());
    assert_eq!(versions.collect::<Vec<_>>(), [1, 2, 4]);
}

/// What panics over one of its own events does not get it into the store, where it would panic over
/// it for ever.
#[test]
fn an_event_on_which_the_state_panics_is_not_committed() {
    struct Fragile;
    impl Evolve for Fragile {
        type State = ();
        type Event = Moved;
        fn initial(&self) {}
        fn evolve(&self, (): &mut (), event: &Moved) {
            assert_ne!(*event, Moved::Closed, "it breaks");
        }
    }
    impl Decider for Fragile {
        type Command = Moved;
        type Refusal = Refused;
        fn decide(&self, (): &(), command: &Moved) -> Result<Vec<Moved>, Refused> {
            Ok(vec![command.clone()])
        }
    }
    let port = port();
    let fragile = Repository::new(&port, "fragile", Fragile, codec()).unwrap();
    let run = std::panic::AssertUnwindSafe(|| fragile.execute("1", &Moved::Closed));
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!(port.head().unwrap().get(), 0);
    fragile.execute("1", &deposited(1)).unwrap();
}

#[test]
fn tenants_have_states_snapshots_and_boundaries_of_their_own() {
    let store = Port::new(&Store::in_memory().unwrap());
    let snapshots = || Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(1));
    let tenants = ["acme", "bolt"].map(|name| store.tenant(name).unwrap());
    let banks = tenants.each_ref().map(|port| bank(port).snapshots(snapshots()));
    let [acme, bolt] = &banks;
    acme.execute("1", &Ask::Open("ann")).unwrap();
    acme.execute("1", &Ask::Deposit(500)).unwrap();
    bolt.execute("1", &Ask::Open("bob")).unwrap();
    bolt.execute("1", &Ask::Deposit(100)).unwrap();
    let large = large();
    for (bank, cents) in [(acme, 500), (bolt, 100)] {
        for _ in 0..2 {
            assert_eq!(bank.load("1").unwrap().state.cents, cents);
            assert_eq!(bank.load(&large).unwrap().state.cents, cents);
        }
        assert!(matches!(bank.load("1").unwrap().snapshot, SnapshotUse::Used(_)));
        assert!(matches!(bank.load(&large).unwrap().snapshot, SnapshotUse::Used(_)));
        assert_eq!(bank.rebuild_all(0, |_| ControlFlow::Continue(())).unwrap().states, 1);
    }
    // What one decides on, the other does not hinder.
    let seen = bolt.load(&large).unwrap();
    acme.execute("1", &Ask::Deposit(700)).unwrap();
    let query = large.get_query().unwrap().clone();
    let commit = Commit::new().event("x", NewEvent::new("Noted", ""));
    tenants[1].commit(commit.fail_if_events_match(query, seen.as_of.position)).unwrap();
}

#[test]
fn a_category_is_what_stands_before_the_first_hyphen() {
    for name in ["", "-", "bank-account", "a\0"] {
        let refused = Repository::new(&port(), name, Bank, codec()).unwrap_err();
        assert!(matches!(&refused, ToolError::Setup(_)), "{refused}");
        assert!(refused.to_string().contains("can't be a category"), "{refused}");
    }
    // An id may have anything in it.
    let port = port();
    let bank = bank(&port);
    bank.execute("a-b/c", &Ask::Open("ann")).unwrap();
    assert_eq!(port.streams_of("account").unwrap(), ["account-a-b/c"]);
    // A name that the store refuses is an error.
    let id = "x".repeat(2_000);
    assert!(matches!(bank.execute(&id, &Ask::Open("ann")), Err(ExecuteError::Tool(_))));
    assert_eq!(port.read_all(Read::new()).unwrap().count(), 1);
}

//! Units of work: several states, one commit.

use super::bank::{Account, Ask, Bank, Moved, Refused, bank, codec, large, port};
use crate::fixture::{Deed, Device, Op, note};
use annals::storage::MemoryStorage;
use annals::toolkit::{
    Boundary, Change, Codec, CodecError, Decider, Envelope, Evolve, ExecuteError, Failure, Handle,
    Lifecycle, Port, Repository, Retry, ToolError, UnitOfWork, UnitPhase, Unknown,
};
use annals::{AppendError, ExpectedVersion, Options, Query, QueryItem, Store};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

fn deposited(cents: u64) -> Moved {
    Moved::Deposited { cents }
}

fn withdrawn(cents: u64) -> Moved {
    Moved::Withdrawn { cents }
}

fn plain() -> Envelope {
    Envelope::new()
}

/// A unit that is open, and a bank with two accounts with 50 cents each.
fn opened() -> (Port, Repository<Bank>, UnitOfWork<Moved>) {
    let port = port();
    let bank = bank(&port);
    for id in ["1", "2"] {
        bank.execute(id, &Ask::Open("ann")).unwrap();
        bank.execute(id, &Ask::Deposit(50)).unwrap();
    }
    let mut unit = UnitOfWork::new(&port, codec());
    unit.begin().unwrap();
    (port, bank, unit)
}

#[track_caller]
fn is_phase<T: std::fmt::Debug>(result: Result<T, ToolError>, call: &str, in_phase: UnitPhase) {
    match result {
        Err(ToolError::Phase { called, phase }) => {
            assert_eq!((called, phase), (call, in_phase));
            let told = ToolError::Phase { called, phase }.to_string();
            assert!(told.contains(&format!("`{call}`")), "{told}");
            assert!(told.contains(&phase.to_string()), "{told}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_called_in_the_wrong_phase_is_an_error_that_says_both() {
    let port = port();
    let bank = bank(&port);
    let mut unit = UnitOfWork::new(&port, codec());
    let outside = |unit: &mut UnitOfWork<Moved>, phase: UnitPhase| {
        assert_eq!(unit.phase(), phase);
        is_phase(unit.append("account-1", &deposited(1), &plain()), "append", phase);
        is_phase(unit.append_new("account-1", note("x")), "append", phase);
        is_phase(unit.load(&bank, "1"), "load", phase);
        is_phase(unit.commit(), "commit", phase);
        is_phase(unit.roll_back(), "roll_back", phase);
    };
    outside(&mut unit, UnitPhase::NotBegun);
    unit.begin().unwrap();
    is_phase(unit.begin(), "begin", UnitPhase::Open);
    let account = unit.load(&bank, "1").unwrap();
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    unit.roll_back().unwrap();
    is_phase(unit.state(account), "state", UnitPhase::RolledBack);
    outside(&mut unit, UnitPhase::RolledBack);
    assert_eq!(port.head().unwrap().get(), 0, "what was rolled back is nowhere");

    // It can be begun again, after that and after it was committed; with nothing of before.
    unit.begin().unwrap();
    let again = unit.load(&bank, "1").unwrap();
    assert_eq!(unit.state(again).unwrap().cents, 0);
    assert!(matches!(unit.state(account), Err(ToolError::Setup(_))), "an old handle");
    unit.append("account-1", &deposited(7), &plain()).unwrap();
    assert_eq!(unit.commit().unwrap().appended.unwrap().version().get(), 1);
    outside(&mut unit, UnitPhase::Committed);
    assert_eq!(unit.state(again).unwrap().cents, 7, "what it has come to can be looked at");
    unit.begin().unwrap();
    drop(unit);
    assert_eq!(port.head().unwrap().get(), 1);
}

#[test]
fn events_are_buffered_and_in_the_states_that_they_concern_at_once() {
    let (port, bank, mut unit) = opened();
    let one = unit.load(&bank, "1").unwrap();
    let two = unit.load(&bank, "2").unwrap();
    let sums = unit.load(&bank, &large()).unwrap();
    unit.append("account-1", &withdrawn(20), &plain()).unwrap();
    unit.append("account-2", &deposited(120), &plain()).unwrap();
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    let cents = |handle: Handle<Account>| unit.state(handle).unwrap().cents;
    assert_eq!((cents(one), cents(two), cents(sums)), (31, 170, 120));
    assert_eq!(port.head().unwrap().get(), 4, "nobody else sees any of it");
    let done = unit.commit().unwrap();
    let appended = done.appended.unwrap();
    assert_eq!((appended.first.get(), appended.last.get()), (5, 7));
    // In the order in which they were appended, whatever the streams.
    let stream = |position: u64| port.event(position).unwrap().unwrap().stream;
    assert_eq!([5, 6, 7].map(stream), ["account-1", "account-2", "account-1"]);
    assert!(port.event(5).unwrap().unwrap().id_given);
    for (id, handle) in [("1", one), ("2", two)] {
        assert_eq!(bank.load(id).unwrap().state, *unit.state(handle).unwrap());
    }
    assert_eq!(bank.load(&large()).unwrap().state, *unit.state(sums).unwrap());
}

#[test]
fn each_state_is_loaded_once_and_has_what_was_appended_before() {
    let (port, bank, mut unit) = opened();
    let one = unit.load(&bank, "1").unwrap();
    // Somebody else is here meanwhile.
    bank.save("1", ExpectedVersion::Any, &[deposited(9)]).unwrap();
    assert_eq!(unit.load(&bank, "1").unwrap(), one);
    assert_eq!(unit.load(&bank, &Boundary::stream("account-1")).unwrap(), one);
    assert_eq!(unit.load(&bank.clone(), "1").unwrap(), one, "a clone is the same repository");
    assert_eq!(unit.state(one).unwrap().cents, 50);
    unit.append("account-2", &deposited(100), &plain()).unwrap();
    unit.append("account-3", &deposited(100), &plain()).unwrap();
    let two = unit.load(&bank, "2").unwrap();
    let sums = unit.load(&bank, &large()).unwrap();
    let three = unit.load(&bank, "3").unwrap();
    let cents = [two, sums, three].map(|handle| unit.state(handle).unwrap().cents);
    assert_eq!(cents, [150, 200, 100]);
    // The first is not what it was any more.
    let failed = unit.commit().unwrap_err();
    let conflict = failed.append_error().unwrap().conflict().unwrap();
    assert_eq!((&*conflict.stream, conflict.current.get()), ("account-1", 3));
    assert_eq!((unit.phase(), port.head().unwrap().get()), (UnitPhase::RolledBack, 5));
}

#[test]
fn a_commit_goes_by_all_that_was_loaded_changed_or_not_and_by_nothing_else() {
    let large_one = [deposited(100)];
    // What comes in between: to a stream that was loaded, to what a query means, to neither.
    for (id, event, hinders) in [
        ("1", &[deposited(1)], Some("stream")),
        ("3", &large_one, Some("query")),
        ("3", &[deposited(1)], None),
        ("2", &[deposited(1)], None),
    ] {
        let (port, bank, mut unit) = opened();
        unit.load(&bank, "1").unwrap();
        unit.load(&bank, &large()).unwrap();
        unit.append("account-2", &deposited(5), &plain()).unwrap();
        bank.save(id, ExpectedVersion::Any, event).unwrap();
        let head = port.head().unwrap().get();
        match (unit.commit(), hinders) {
            (Ok(_), None) => assert_eq!(port.head().unwrap().get(), head + 1),
            (Err(error), Some(what)) => {
                assert!(error.is_conflict());
                let error = error.append_error().unwrap();
                assert_eq!(error.conflict().is_some(), what == "stream", "{error}");
                assert_eq!(error.condition_failed().is_some(), what == "query", "{error}");
                assert_eq!(port.head().unwrap().get(), head);
            }
            (other, _) => panic!("{id} {event:?}: {other:?}"),
        }
    }
}

/// Counts events, of whatever it knows.
struct Counter;

impl Evolve for Counter {
    type State = u64;
    type Event = Moved;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, events: &mut u64, event: &Moved) {
        assert_ne!(*event, Moved::Closed, "it can't be");
        *events += 1;
    }
}

#[test]
fn two_states_of_one_stream_that_were_loaded_at_different_times_go_by_the_older_one() {
    let (port, bank, mut unit) = opened();
    let counter = Repository::new(&port, "account", Counter, codec()).unwrap();
    let account = unit.load(&bank, "1").unwrap();
    bank.save("1", ExpectedVersion::Any, &[deposited(9)]).unwrap();
    let events = unit.load(&counter, "1").unwrap();
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    assert_eq!((unit.state(account).unwrap().movements, *unit.state(events).unwrap()), (3, 4));
    let failed = unit.commit().unwrap_err();
    let conflict = failed.append_error().unwrap().conflict().unwrap();
    assert_eq!((conflict.expected, conflict.current.get()), (2.into(), 3));
}

#[test]
fn each_state_reads_with_its_own_codec_and_what_one_can_not_read_changes_none() {
    let (port, bank, mut unit) = opened();
    let lax = Repository::new(&port, "account", Counter, codec().unknown(Unknown::Skip)).unwrap();
    let skips = unit.load(&lax, "1").unwrap();
    unit.append_new("account-1", note("of another program")).unwrap();
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    assert_eq!(*unit.state(skips).unwrap(), 3, "what it does not know it has passed over");
    // Loaded now, the account would have to read the note.
    let failed = unit.load(&bank, "1").unwrap_err();
    assert!(matches!(failed, ToolError::Codec(CodecError::UnknownType { .. })), "{failed}");
    unit.roll_back().unwrap();

    unit.begin().unwrap();
    let (account, skips) = (unit.load(&bank, "1").unwrap(), unit.load(&lax, "1").unwrap());
    let failed = unit.append_new("account-1", note("x")).unwrap_err();
    assert!(matches!(failed, ToolError::Codec(CodecError::UnknownType { .. })), "{failed}");
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    assert_eq!((unit.state(account).unwrap().cents, *unit.state(skips).unwrap()), (51, 3));
    assert_eq!(unit.commit().unwrap().appended.unwrap().versions.len(), 1);
    assert_eq!(port.stream_version("account-1").unwrap().get(), 3, "the note is not there");
}

#[test]
fn a_state_that_panics_over_an_event_rolls_the_unit_back() {
    let (port, bank, mut unit) = opened();
    let counter = Repository::new(&port, "account", Counter, codec()).unwrap();
    unit.load(&bank, "1").unwrap();
    unit.load(&counter, "1").unwrap();
    let append = AssertUnwindSafe(|| unit.append("account-1", &Moved::Closed, &plain()));
    assert!(catch_unwind(append).is_err());
    is_phase(unit.commit(), "commit", UnitPhase::RolledBack);
    unit.begin().unwrap();
    assert_eq!(port.head().unwrap().get(), 4);
}

#[test]
fn handles_of_another_unit_or_beginning_are_told_from_its_own() {
    let (port, bank, mut unit) = opened();
    let mut other = UnitOfWork::new(&port, codec());
    other.begin().unwrap();
    let (own, foreign) = (unit.load(&bank, "1").unwrap(), other.load(&bank, "2").unwrap());
    assert_ne!(own, foreign);
    unit.state(own).unwrap();
    for failed in [unit.state(foreign).unwrap_err(), other.state(own).unwrap_err()] {
        assert!(failed.to_string().contains("another unit of work's"), "{failed}");
    }
}

#[test]
fn nothing_appended_is_nothing_committed_and_what_the_store_refuses_rolls_back() {
    let (port, bank, mut unit) = opened();
    unit.load(&bank, "1").unwrap();
    bank.save("1", ExpectedVersion::Any, &[deposited(9)]).unwrap();
    let done = unit.commit().unwrap();
    assert!(done.appended.is_none() && unit.tried().is_none());
    assert_eq!((unit.phase(), port.head().unwrap().get()), (UnitPhase::Committed, 5));
    unit.begin().unwrap();
    unit.append("", &deposited(9), &plain()).unwrap();
    let failed = unit.commit().unwrap_err();
    assert!(matches!(failed.append_error(), Some(AppendError::Invalid(_))), "{failed}");
    assert_eq!(unit.phase(), UnitPhase::RolledBack);
}

#[test]
fn a_unit_of_a_tenant_sees_and_goes_by_his_own() {
    let store = port();
    let (acme, bolt) = (store.tenant("acme").unwrap(), store.tenant("bolt").unwrap());
    // The repository is another's; the unit reads through its own port.
    let bank = bank(&bolt);
    bank.save("1", 0, &[deposited(100)]).unwrap();
    let mut unit = UnitOfWork::new(&acme, codec());
    unit.begin().unwrap();
    let (one, sums) = (unit.load(&bank, "1").unwrap(), unit.load(&bank, &large()).unwrap());
    unit.append("account-1", &deposited(200), &plain()).unwrap();
    assert_eq!([one, sums].map(|handle| unit.state(handle).unwrap().cents), [200, 200]);
    bank.save("1", 1, &[deposited(100)]).unwrap();
    unit.commit().unwrap();
    assert_eq!(acme.stream_version("account-1").unwrap().get(), 1);
}

#[derive(Default)]
struct Counts(Arc<Mutex<Vec<String>>>);

impl Lifecycle<Account> for Counts {
    fn created(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.0.lock().unwrap().push(format!(
            "created {} {}",
            change.boundary.name(),
            change.version
        ));
        Err("no".into())
    }

    fn changed(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.0.lock().unwrap().push(format!(
            "changed {} {}",
            change.boundary.name(),
            change.version
        ));
        panic!("never")
    }
}

#[test]
fn hooks_of_the_states_that_have_changed_are_told_and_contained() {
    let (_, bank, mut unit) = opened();
    let told = Arc::default();
    let bank = bank.hook(Counts(Arc::clone(&told)));
    for id in ["1", "2", "3"] {
        unit.load(&bank, id).unwrap();
    }
    let owner = "bob".to_owned();
    unit.append("account-3", &Moved::Opened { owner }, &plain()).unwrap();
    unit.append("account-1", &deposited(1), &plain()).unwrap();
    unit.append("account-1", &deposited(2), &plain()).unwrap();
    assert!(told.lock().unwrap().is_empty(), "nothing has landed yet");
    let done = unit.commit().unwrap();
    assert_eq!(*told.lock().unwrap(), ["changed account-1 4", "created account-3 1"]);
    let failures: Vec<_> = done.hook_failures.iter().map(ToString::to_string).collect();
    let who = "lifecycle hook 'a lifecycle hook'";
    assert_eq!(failures, [format!("{who} panicked: never"), format!("{who} failed: no")]);
}

/// Moves money from one account to another, if it is there.
fn transfer(
    unit: &mut UnitOfWork<Moved>,
    bank: &Repository<Bank>,
    (from, to): (&str, &str),
    cents: u64,
) -> Result<(), ExecuteError<Refused>> {
    let (one, other) = (unit.load(bank, from)?, unit.load(bank, to)?);
    if unit.state(other)?.owner.is_none() {
        return Err(ExecuteError::Refused(Refused::NotOpen));
    }
    let events = Bank.decide(unit.state(one)?, &Ask::Withdraw(cents));
    for event in events.map_err(ExecuteError::Refused)? {
        unit.append(format!("account-{from}"), &event, &plain())?;
    }
    unit.append(format!("account-{to}"), &deposited(cents), &plain())?;
    Ok(())
}

#[test]
fn a_run_begins_works_commits_and_does_all_of_it_again_if_somebody_was_faster() {
    let (port, bank, mut unit) = opened();
    unit.roll_back().unwrap();
    let mut runs = 0;
    let done = unit.run(&Retry::default(), |unit| {
        runs += 1;
        transfer(unit, &bank, ("1", "2"), 20)?;
        if runs < 3 {
            bank.save("1", ExpectedVersion::Any, &[deposited(1)])?;
        }
        Ok(runs)
    });
    let (runs, done) = done.unwrap();
    assert_eq!((runs, done.appended.unwrap().versions.len()), (3, 2));
    let cents = |id: &str| bank.load(id).unwrap().state.cents;
    assert_eq!((cents("1"), cents("2")), (32, 70));

    // What is refused is rolled back, and not tried again.
    let head = port.head().unwrap();
    let refused = unit.run(&Retry::default(), |unit| transfer(unit, &bank, ("1", "2"), 99));
    assert_eq!(refused.unwrap_err().refusal(), Some(&Refused::Short { by: 67 }));
    assert_eq!((unit.phase(), port.head().unwrap()), (UnitPhase::RolledBack, head));
    // Attempts are bounded.
    let failed = unit.run(&Retry::new(3), |unit| {
        transfer(unit, &bank, ("1", "2"), 1)?;
        bank.save("2", ExpectedVersion::Any, &[deposited(1)])?;
        Ok::<_, ExecuteError<Refused>>(())
    });
    assert!(matches!(failed, Err(ExecuteError::Conflicts { attempts: 3, .. })), "{failed:?}");
    assert_eq!(port.head().unwrap().get(), head.get() + 3);
    // It is not begun twice.
    unit.begin().unwrap();
    let failed = unit.run(&Retry::default(), |_| Ok::<_, ExecuteError<Refused>>(()));
    assert!(matches!(failed, Err(ExecuteError::Tool(ToolError::Phase { .. }))), "{failed:?}");
}

#[test]
fn threads_that_move_money_neither_make_nor_lose_any() {
    let port = port();
    let bank = bank(&port);
    let ids = ["0", "1", "2", "3"];
    for id in ids {
        bank.execute(id, &Ask::Open("ann")).unwrap();
        bank.execute(id, &Ask::Deposit(25)).unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..3_usize {
            let (port, bank) = (&port, &bank);
            scope.spawn(move || {
                let mut unit = UnitOfWork::new(port, codec());
                for nth in 0..40 {
                    let (from, to) = (ids[(thread + nth) % 4], ids[(thread + nth * 3 + 1) % 4]);
                    if from == to {
                        continue;
                    }
                    let cents = nth as u64 % 13;
                    let done = unit
                        .run(&Retry::new(9_999), |unit| transfer(unit, bank, (from, to), cents));
                    if let Err(error) = done {
                        assert!(error.refusal().is_some(), "{error:?}");
                    }
                }
            });
        }
    });
    let left = ids.map(|id| bank.load(id).unwrap().state.cents);
    assert_eq!(left.iter().sum::<u64>(), 100, "{left:?}");
}

#[test]
fn threads_over_two_tags_at_once_break_neither_rule() {
    // Each event takes a seat in a course and one of a student's places.
    let port = port();
    let codec = Codec::<Moved>::json();
    let counter = Repository::new(&port, "seat", Counter, codec.clone()).unwrap();
    let of = |tag: &str| Boundary::query(tag, Query::from(QueryItem::new().tag(tag)), "seats");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (port, counter, codec) = (&port, &counter, &codec);
            scope.spawn(move || {
                let mut unit = UnitOfWork::new(port, codec.clone());
                for nth in 0..30 {
                    let course = format!("course:{}", nth % 5);
                    let student = format!("student:{}", (nth + thread) % 3);
                    let run = unit.run(&Retry::new(9_999), |unit| {
                        let seats = unit.load(counter, &of(&course))?;
                        let places = unit.load(counter, &of(&student))?;
                        if *unit.state(seats)? == 4 || *unit.state(places)? == 6 {
                            return Err(ExecuteError::Refused(Refused::IsOpen));
                        }
                        let envelope = Envelope::new().tag(&*course).tag(&*student);
                        let stream = format!("seats-{thread}");
                        Ok(unit.append(stream, &deposited(1), &envelope)?)
                    });
                    if let Err(error) = run {
                        assert!(error.refusal().is_some(), "{error:?}");
                    }
                }
            });
        }
    });
    let counts = port.tags(annals::Keys::all()).unwrap();
    let of = |prefix: &str| -> Vec<u64> {
        let own = counts.iter().filter(|counted| counted.name.starts_with(prefix));
        own.map(|counted| counted.events).collect()
    };
    // Three students with six places each take 18 of the 20 seats there are.
    assert_eq!(of("student:"), [6, 6, 6]);
    assert!(of("course:").iter().all(|seats| *seats <= 4), "{counts:?}");
    assert_eq!(port.head().unwrap().get(), 18);
}

#[test]
fn after_an_unknown_outcome_the_commit_that_was_tried_lands_once() {
    for landed in [false, true] {
        let device = Device::new();
        let options = Options::new().without_keeper();
        let store = options.open_storage(device.clone()).unwrap();
        let own = bank(&store);
        own.save("1", 0, &[deposited(1)]).unwrap();
        device.orders(|op| match op {
            Op::Sync => Deed::Fail(io::ErrorKind::Other),
            _ => Deed::Go,
        });
        let mut unit = UnitOfWork::new(&store, codec());
        let mut tried = None;
        let failed = unit.run(&Retry::default(), |unit| {
            unit.load(&own, "1")?;
            unit.append("account-1", &deposited(5), &plain())?;
            Ok::<_, ExecuteError<Refused>>(())
        });
        match failed {
            Err(ExecuteError::OutcomeUnknown { commit, .. }) => tried = Some(commit),
            other => assert!(other.is_err(), "{other:?}"),
        }
        let bytes = if landed { device.to_bytes() } else { device.durable_bytes() };
        let store: Store =
            options.open_storage(Arc::new(MemoryStorage::from_bytes(bytes))).unwrap();
        let again = Port::new(&store).commit(&*tried.unwrap()).unwrap();
        assert_eq!((again.replayed, again.version().get()), (landed, 2));
        assert_eq!(bank(&store).load("1").unwrap().state.cents, 6);
    }
}

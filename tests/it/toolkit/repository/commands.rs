//! Commands and what comes of them.

use super::with_account;
use crate::fixture::note;
use crate::toolkit::bank::{
    Account, Ask, Bank, Moved, Refused, bank, codec, deposited, large, port,
};
use annals::toolkit::{
    CodecError, CountingIds, Decider, Envelope, Evolve, ExecuteError, Metadata, Port, Repository,
    SnapshotPolicy, SnapshotUse, Snapshots, ToolError, Unknown,
};
use annals::{Commit, ExpectedVersion, NewEvent, Read, Store, Uuid};
use std::ops::ControlFlow;

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
        let refused = Repository::new(port(), name, Bank, codec()).unwrap_err();
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

//! States as they were, and replays.

use super::with_account;
use crate::toolkit::bank::{Account, Bank, bank, deposited, large, port};
use annals::toolkit::{
    Evolve, FixedClock, Interceptor, Loaded, Port, Publish, Received, Repository, SnapshotPolicy,
    Snapshots, ToolError,
};
use annals::{ExpectedVersion, Options, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

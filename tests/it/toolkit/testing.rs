//! The test kit: it stops where it should, and says what was expected and what came.

use super::bank::{Ask, Bank, Moved, Refused};
use annals::toolkit::{FixedClock, Scenario};
use annals::{Clock, NewEvent, Options, Timestamp};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn opened() -> Moved {
    Moved::Opened { owner: "ann".to_owned() }
}

/// What a test says that it stops.
fn said<T>(test: impl FnOnce() -> T) -> String {
    let stopped = catch_unwind(AssertUnwindSafe(test));
    let panic = stopped.err().expect("it was to stop");
    panic.downcast_ref::<String>().expect("it says something").clone()
}

#[test]
fn what_is_expected_passes_and_is_given_from_then_on() {
    let scenario = Scenario::of(Bank)
        .when(Ask::Deposit(5))
        .then_refused(|refusal| *refusal == Refused::NotOpen)
        .given([opened()])
        .when(Ask::Deposit(5))
        .then([Moved::Deposited { cents: 5 }])
        .when(Ask::Nothing)
        .then_nothing()
        .when(Ask::Withdraw(7))
        .then_refused(|refusal| matches!(refusal, Refused::Short { by: 2 }))
        .when(Ask::Close)
        .then([Moved::Withdrawn { cents: 5 }, Moved::Closed]);
    assert_eq!((scenario.state().cents, scenario.state().owner), (0, None));
}

#[test]
fn other_events_than_expected_stop_the_test_and_both_are_shown() {
    let scenario = || Scenario::of(Bank).given([opened(), Moved::Deposited { cents: 5 }]);
    let text = said(|| scenario().when(Ask::Close).then([Moved::Closed]));
    let expected = "\
given
  Opened { owner: \"ann\" }
  Deposited { cents: 5 }
expected
  Closed
found
  Withdrawn { cents: 5 }
  Closed
";
    assert_eq!(text, expected);
    // In another order; fewer; none where some are expected, and some where none is.
    let reversed = [Moved::Closed, Moved::Withdrawn { cents: 5 }];
    said(|| scenario().when(Ask::Close).then(reversed));
    let text = said(|| scenario().when(Ask::Nothing).then([Moved::Closed]));
    assert!(text.ends_with("expected\n  Closed\nfound\n  no event\n"), "{text}");
    let text = said(|| scenario().when(Ask::Close).then_nothing());
    assert!(text.contains("expected\n  no event\nfound\n  Withdrawn"), "{text}");
}

#[test]
fn a_refusal_where_events_are_expected_and_the_other_way_round_stop_the_test() {
    let text = said(|| Scenario::of(Bank).when(Ask::Close).then_nothing());
    let expected = "\
given
  no event
expected
  no event
found
  a refusal: the account is not open (NotOpen)
";
    assert_eq!(text, expected);
    let text = said(|| Scenario::of(Bank).when(Ask::Open("ann")).then_refused(|_| true));
    assert!(text.contains("expected\n  a refusal\nfound\n  Opened"), "{text}");
    let short = |refusal: &Refused| matches!(refusal, Refused::Short { .. });
    let text = said(|| Scenario::of(Bank).when(Ask::Close).then_refused(short));
    assert!(text.contains("a refusal for another reason\nfound\n  a refusal: the acc"), "{text}");
}

#[test]
fn a_fixed_clock_stands_until_it_is_set_for_all_its_clones() {
    let clock = FixedClock::at(Timestamp::from_micros(5));
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    let append = |version| {
        store.append("a", version, [NewEvent::new("Noted", "")]).unwrap();
        store.event(version + 1).unwrap().unwrap().recorded.micros()
    };
    assert_eq!((append(0), append(1)), (5, 5));
    clock.advance(Duration::from_micros(7));
    assert_eq!(append(2), 12);
    clock.set(Timestamp::from_micros(100));
    assert_eq!(append(3), 100);
    // Recorded times never go back; the clock does.
    clock.set(Timestamp::from_micros(50));
    assert_eq!((append(4), clock.now().micros()), (100, 50));
    clock.advance(Duration::MAX);
    assert_eq!(clock.now().micros(), i64::MAX);
}

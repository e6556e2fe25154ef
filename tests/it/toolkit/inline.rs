//! Projections in the commits that append their events.

use super::projections::{list, number, numbers, port};
use annals::toolkit::{Fold, Inline, Port, Projected, Projector, ToolError};
use annals::{AppendError, Commit, ExpectedVersion, Options, Query, QueryItem, Read, Store};
use std::thread;

fn listed(port: &Port) -> Vec<u64> {
    Projected::of(port, "list").state().unwrap().unwrap_or_default()
}

/// A port that takes the list along, and the same without it.
fn with_list() -> (Port, Port) {
    let plain = port();
    (plain.clone().intercept(Inline::open(&plain, list("list")).unwrap()), plain)
}

#[test]
fn whoever_reads_after_an_append_sees_what_came_of_it() {
    let (port, _) = with_list();
    for nth in 0..20 {
        let done = port.append("a", nth, [number(nth)]).unwrap();
        assert_eq!(done.revisions, [], "what is the projection's own is not told");
        assert_eq!(listed(&port), (0..=nth).collect::<Vec<_>>());
        let checkpoint = Projected::of(&port, "list").checkpoint().unwrap().unwrap();
        assert_eq!(checkpoint.position, done.last);
    }
}

#[test]
fn a_commit_that_does_not_land_changes_nothing() {
    let (port, _) = with_list();
    numbers(&port, "a", [1]);
    let conflict = port.append("a", 0, [number(2)]).unwrap_err();
    assert!(matches!(conflict, ToolError::Append(AppendError::Conflict(_))), "{conflict}");
    let all = Query::from(QueryItem::new().category("a"));
    let commit = Commit::new().append("a", 1, [number(2)]).fail_if_events_match(all, 0);
    let failed = port.commit(commit).unwrap_err();
    let Some(AppendError::ConditionFailed(condition)) = failed.append_error() else { panic!() };
    assert_eq!((condition.condition, condition.position.get()), (0, 1), "the caller's own");
    assert_eq!(listed(&port), [1]);
    numbers(&port, "a", [3]);
    assert_eq!(listed(&port), [1, 3]);
}

#[test]
fn an_event_that_can_not_be_taken_in_refuses_the_commit() {
    let (port, _) = with_list();
    let bad = annals::NewEvent::new("Counted", "many");
    let error = port.append("a", 0, [number(1), bad]).unwrap_err();
    assert!(error.to_string().starts_with("projection 'list' failed"), "{error}");
    assert_eq!((port.head().unwrap().get(), listed(&port)), (0, vec![]));
    numbers(&port, "a", [1]);
    assert_eq!(listed(&port), [1], "what was refused has left nothing");
}

#[test]
fn what_is_appended_another_way_is_taken_in_first() {
    let (port, plain) = with_list();
    numbers(&port, "a", [1]);
    numbers(&plain, "a", [2, 3]);
    assert_eq!(listed(&port), [1], "it does not know of them");
    numbers(&port, "a", [4]);
    assert_eq!(listed(&port), [1, 2, 3, 4]);
}

#[test]
fn the_same_commit_once_more_counts_once() {
    let (port, _) = with_list();
    let commit = Commit::new().append("a", 0, [number(1)]).with_ids();
    assert!(!port.commit(&commit).unwrap().replayed);
    assert!(port.commit(&commit).unwrap().replayed);
    numbers(&port, "a", [2]);
    assert_eq!(listed(&port), [1, 2]);
}

#[test]
fn it_begins_with_what_there_is_and_goes_on_as_a_follower() {
    let plain = port();
    numbers(&plain, "a", 0..10);
    let inline = Inline::open(&plain, list("list")).unwrap();
    assert_eq!(listed(&plain), (0..10).collect::<Vec<_>>());
    let busy = Projector::new(&plain, list("list")).unwrap_err();
    assert!(matches!(busy, ToolError::Busy { .. }));
    let port = plain.clone().intercept(inline);
    numbers(&port, "b", 10..12);
    drop(port);
    let mut projector = Projector::new(&plain, list("list")).unwrap();
    assert_eq!((projector.position().get(), projector.catch_up().unwrap().events), (12, 0));
    numbers(&plain, "b", [12]);
    assert_eq!(projector.catch_up().unwrap().events, 1);
    assert_eq!(listed(&plain), (0..13).collect::<Vec<_>>());
}

#[test]
fn events_that_it_does_not_want_pass_it_by() {
    let plain = port();
    let fold = list("list").of_category("a");
    let port = plain.clone().intercept(Inline::open(&plain, fold).unwrap());
    let done = port.commit(Commit::new().event("b", number(1)).put("x", "y")).unwrap();
    assert_eq!(done.revisions.len(), 1);
    assert_eq!(Projected::of(&port, "list").checkpoint().unwrap(), None);
    let commit = Commit::new().event("b", number(2)).event("a", number(3)).put("x", "z");
    assert_eq!(port.commit(commit).unwrap().revision().get(), 2);
    assert_eq!(listed(&port), [3]);
}

#[test]
fn several_are_taken_along_by_one_commit_and_see_each_its_own() {
    let plain = port();
    let first = Inline::open(&plain, list("list")).unwrap();
    let sum = Fold::per_stream("sums", || 0).apply(|sum: &mut u64, event| {
        *sum += std::str::from_utf8(event.payload)?.parse::<u64>()?;
        Ok(())
    });
    let second = Inline::open(&plain, sum).unwrap();
    let port = plain.clone().intercept(first).intercept(second);
    numbers(&port, "a", [1, 2]);
    numbers(&port, "b", [3]);
    numbers(&plain, "a", [4]);
    numbers(&port, "a", [5]);
    assert_eq!(listed(&port), [1, 2, 3, 4, 5]);
    assert_eq!(Projected::of(&port, "sums").read::<u64>("a").unwrap(), Some(12));
    assert_eq!(port.read_all(Read::new()).unwrap().count(), 5);
}

#[test]
fn threads_that_append_together_lose_nothing() {
    let store = Options::new().in_memory().unwrap();
    let plain = Port::new(&store);
    let port = plain.clone().intercept(Inline::open(&plain, list("list")).unwrap());
    thread::scope(|scope| {
        for thread in 0..8_u64 {
            let port = if thread == 7 { plain.clone() } else { port.clone() };
            scope.spawn(move || {
                for nth in 0..50 {
                    let stream = format!("a-{thread}");
                    let event = [number(thread * 100 + nth)];
                    port.append(stream, ExpectedVersion::Any, event).unwrap();
                }
            });
        }
    });
    numbers(&port, "a-8", [800]);
    let logged: Vec<u64> = store
        .read_all(Read::new())
        .unwrap()
        .map(|event| String::from_utf8(event.unwrap().payload).unwrap().parse().unwrap())
        .collect();
    assert_eq!(listed(&port), logged);
    assert_eq!(logged.len(), 8 * 50 + 1);
}

#[test]
fn a_closed_store_refuses_and_nothing_hangs() {
    let store = Store::in_memory().unwrap();
    let plain = Port::new(&store);
    let port = plain.clone().intercept(Inline::open(&plain, list("list")).unwrap());
    store.close().unwrap();
    assert!(port.append("a", 0, [number(1)]).is_err());
}

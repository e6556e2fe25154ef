//! Append conditions: what must not have happened.

use crate::fixture::{Deed, Device, Op, note};
use annals::storage::MemoryStorage;
use annals::{
    AppendCondition, AppendError, Chore, Commit, ConditionFailed, Durability, ErrorKind, EventKind,
    ExpectedVersion, Invalid, Limit, NewEvent, Options, Position, Query, QueryItem, Read, Store,
    Timestamp,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn tagged(tag: &str) -> Query {
    QueryItem::new().tag(tag).into()
}

fn one(tag: &str) -> Commit {
    Commit::new().event("a", note("x").tag(tag))
}

#[track_caller]
fn failed(result: Result<annals::Appended, AppendError>) -> ConditionFailed {
    match result.unwrap_err() {
        AppendError::ConditionFailed(failed) => failed,
        other => panic!("{other:?}"),
    }
}

/// A store whose events are spread over runs and tables.
fn spread(events: u64) -> Store {
    let options = Options::new().without_keeper().segments(4_096, 16_384).tail(7, u64::MAX);
    let store = options.in_memory().unwrap();
    for nth in 0..events {
        let event = note(nth.to_string()).tag(format!("t:{nth}")).tag("all");
        let event = if nth % 2 == 0 { event.kind(EventKind::Fat) } else { event };
        let stream = format!("s-{}", nth % 3);
        let commit = Commit::new().event(stream, event).durability(Durability::Buffered);
        store.commit(commit).unwrap();
        if nth % 10 == 9 {
            store.chore(Chore::Index).unwrap();
        }
    }
    store
}

#[test]
fn a_condition_names_the_first_event_that_fails_it_wherever_that_is_indexed() {
    let store = spread(60);
    for nth in 0..60 {
        let refused = store.commit(one("new").fail_if_events_match(tagged(&format!("t:{nth}")), 0));
        let failed = failed(refused);
        let event = store.event(nth + 1).unwrap().unwrap();
        assert_eq!((failed.condition, failed.position, failed.id), (0, event.position, event.id));
        // Whoever has seen it is not hindered.
        let seen = Commit::new()
            .expect("nothing", 0)
            .put("seen", nth.to_string())
            .fail_if_events_match(tagged(&format!("t:{nth}")), nth + 1);
        store.commit(seen).unwrap();
    }
    for after in [0, 20, 58] {
        let refused = failed(store.commit(one("new").fail_if_events_match(tagged("all"), after)));
        assert_eq!(refused.position.get(), after + 1);
    }
    assert_eq!(store.head().unwrap().get(), 60);
}

#[test]
fn without_after_any_match_fails_the_commit() {
    let store = spread(20);
    let condition = AppendCondition::fail_if_events_match(tagged("t:3"));
    assert_eq!(failed(store.commit(one("x").condition(condition))).position.get(), 4);
    let condition = AppendCondition::fail_if_events_match(tagged("t:20"));
    store.commit(one("x").condition(condition)).unwrap();
}

#[test]
fn after_beyond_the_head_is_allowed() {
    let store = spread(10);
    for after in [10, 11, 1_000, Position::MAX.get(), u64::MAX] {
        store.commit(one("all").fail_if_events_match(Query::all(), after.max(20))).unwrap();
    }
    // Once the head has come past it, what lies behind it counts.
    assert_eq!(store.head().unwrap().get(), 15);
    let refused = store.commit(one("all").fail_if_events_match(Query::all(), 14));
    assert_eq!(failed(refused).position.get(), 15);
}

#[test]
fn a_condition_sees_the_state_before_the_commit() {
    let store = Store::in_memory().unwrap();
    // Its own event matches: that is not what it asks.
    store.commit(one("name:ann").fail_if_exists(tagged("name:ann"))).unwrap();
    let again = store.commit(one("name:ann").fail_if_exists(tagged("name:ann"))).unwrap_err();
    let AppendError::AlreadyExists(exists) = &again else { panic!("{again:?}") };
    assert_eq!((exists.condition, exists.position.get()), (0, 1));
    assert!(again.to_string().contains("exists already"), "{again}");
    assert_eq!(store.head().unwrap().get(), 1);
}

#[test]
fn an_empty_commit_is_refused_before_conditions_are_looked_at() {
    let store = spread(3);
    for commit in [
        Commit::new().fail_if_events_match(Query::all(), 0),
        Commit::new().fail_if_exists(Query::any([])),
        Commit::new().expect_document("a", 9).fail_if_exists(Query::all()),
    ] {
        assert!(matches!(store.commit(commit).unwrap_err(), AppendError::Empty));
    }
}

#[test]
fn all_items_and_all_conditions_see_one_view() {
    // Commits of two events with one tag each: no query ever sees one without the other.
    let store = Options::new().durability(Durability::Buffered).in_memory().unwrap();
    let done = AtomicBool::new(false);
    let both = Query::from(QueryItem::new().tag("left")).or(QueryItem::new().tag("right"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for nth in 0..3_000 {
                let commit = Commit::new()
                    .event("a", note(nth.to_string()).tag("left"))
                    .event("b", note(nth.to_string()).tag("right"));
                store.commit(commit).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let found = store.query(&both, Read::new().backward().limit(6)).unwrap();
            let found: Vec<_> = found.map(|event| event.unwrap().payload).collect();
            assert_eq!(found.len() % 2, 0);
            assert!(found.chunks(2).all(|pair| pair[0] == pair[1]), "half a commit");
            // A decision on both: refused by the left one of a commit, never by the right alone.
            let marker = store.head().unwrap();
            let commit =
                Commit::new().put("decided", "").fail_if_events_match(both.clone(), marker);
            if let Err(error) = store.commit(commit) {
                let AppendError::ConditionFailed(failed) = error else { panic!("{error}") };
                assert_eq!(failed.position.get() % 2, 1, "the first of a commit");
            }
        }
    });
}

#[test]
fn disjoint_conditions_never_hinder_one_another() {
    const THREADS: usize = 8;
    let store = Options::new().durability(Durability::Buffered).in_memory().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                let own = format!("own:{thread}");
                for _ in 0..500 {
                    let query = tagged(&own);
                    let mut seen = store.query(&query, Read::new().backward().limit(1)).unwrap();
                    let _ = seen.next_event().unwrap();
                    let commit = Commit::new()
                        .event(format!("s-{thread}"), note("x").tag(&*own))
                        .fail_if_events_match(query, seen.marker());
                    store.commit(commit).unwrap();
                }
            });
        }
    });
    assert_eq!(store.head().unwrap().get(), THREADS as u64 * 500);
}

#[test]
fn any_number_of_conditions_each_with_its_own_after_beside_expected_versions() {
    let store = spread(30);
    let commit = |last: u64| {
        let conditions = (0..30_u64).fold(Commit::new(), |commit, nth| {
            commit.fail_if_events_match(tagged(&format!("t:{nth}")), nth + 1)
        });
        conditions
            .append("s-0", 10, [note("x")])
            .expect("s-1", ExpectedVersion::StreamExists)
            .fail_if_events_match(tagged("all"), last)
    };
    let refused = failed(store.commit(commit(29)));
    assert_eq!((refused.condition, refused.position.get()), (30, 30));
    store.commit(commit(30)).unwrap();
    // An expected version is looked at first.
    let refused = store.commit(commit(0)).unwrap_err();
    assert_eq!(refused.conflict().unwrap().current.get(), 11);
}

#[test]
fn what_no_term_says_is_asked_of_the_events_those_in_flight_included() {
    let device = Device::new();
    let options = Options::new().without_keeper().sync_bytes(u64::MAX);
    let store = options.open_storage(device.clone()).unwrap();
    store.commit(Commit::new().event("a-1", note("x").kind(EventKind::Fat))).unwrap();
    let fat = || Query::from(QueryItem::new().kind(EventKind::Fat).stream_prefix("a-1"));
    assert_eq!(failed(store.commit(one("x").fail_if_events_match(fat(), 0))).position.get(), 1);
    store.commit(one("x").fail_if_events_match(fat(), 1)).unwrap();

    // A synced commit hangs in its sync; a condition that its event fails waits for its outcome.
    let (hangs, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (hanging, going) = (hangs.clone(), go.clone());
    device.orders(move |op| {
        while matches!(op, Op::Sync) && !going.load(Ordering::Acquire) {
            hanging.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_millis(1));
        }
        Deed::Go
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let commit = Commit::new().event("a-1", note("y").kind(EventKind::Fat));
            store.commit(commit).unwrap();
        });
        while !hangs.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let refusal = scope.spawn(|| {
            let commit = one("x").durability(Durability::Buffered);
            failed(store.commit(commit.fail_if_events_match(fat(), 2)))
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(!refusal.is_finished(), "an answer that rests on a commit in flight");
        go.store(true, Ordering::Release);
        assert_eq!(refusal.join().unwrap().position.get(), 3);
        assert_eq!(store.head().unwrap().get(), 3, "what the answer rests on is visible");
    });
}

#[test]
fn a_range_of_recorded_times_may_be_a_condition() {
    let store = spread(10);
    let fifth = store.event(5).unwrap().unwrap().recorded;
    let since = QueryItem::new().tag("all").since(fifth);
    let refused = failed(store.commit(one("x").fail_if_events_match(since.into(), 0)));
    assert!(refused.position.get() <= 5);
    let ahead = Timestamp::from_micros(i64::MAX);
    let later = QueryItem::new().tag("all").since(ahead);
    store.commit(one("x").fail_if_events_match(later.into(), 0)).unwrap();
}

#[test]
fn a_query_that_asks_for_nothing_is_refused_as_a_condition_too() {
    let store = Store::in_memory().unwrap();
    for (query, wanted) in [
        (Query::any([]), Invalid::NoItems),
        (Query::from(QueryItem::new()), Invalid::EmptyItem),
        (tagged(""), Invalid::EmptyName { what: "tag" }),
    ] {
        let refused = store.commit(one("x").fail_if_events_match(query, 0)).unwrap_err();
        let AppendError::Invalid(invalid) = refused else { panic!("{refused:?}") };
        assert_eq!(invalid, wanted);
    }
    let many = Query::any((0..257).map(|nth| QueryItem::new().tag(nth.to_string())));
    let refused = store.commit(one("x").fail_if_events_match(many, 0)).unwrap_err();
    let AppendError::Limit(limit) = refused else { panic!("{refused:?}") };
    assert_eq!((limit.limit, limit.given), (Limit::QueryItems, 257));
}

#[test]
fn an_event_with_a_tag_twice_is_stored_with_it_once() {
    let store = Store::in_memory().unwrap();
    store.append("a", 0, [note("x").tag("t").tags(["u", "t", "u"]).tag("t")]).unwrap();
    assert_eq!(store.event(1).unwrap().unwrap().tags, ["t", "u"]);
    assert_eq!(store.query(&tagged("t"), Read::new()).unwrap().count(), 1);
}

#[test]
fn tags_that_differ_only_by_unicode_normalisation_are_different() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let store = Store::in_memory().unwrap();
    store.append("a", 0, [note("1").tag(composed), note("2").tag(decomposed)]).unwrap();
    for (tag, position) in [(composed, 1), (decomposed, 2)] {
        let found: Vec<_> = store.query(&tagged(tag), Read::new()).unwrap().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].as_ref().unwrap().position.get(), position);
    }
    store.commit(one("x").fail_if_events_match(tagged(composed), 1)).unwrap();
    assert!(store.commit(one("x").fail_if_events_match(tagged(decomposed), 1)).is_err());
}

#[test]
fn stream_exists_does_not_hold_for_a_stream_with_documents_only() {
    let store = Store::in_memory().unwrap();
    store.put("a", "state").unwrap();
    let refused = store.append("a", ExpectedVersion::StreamExists, [note("x")]).unwrap_err();
    assert_eq!(refused.conflict().unwrap().current.get(), 0);
    store.append("a", ExpectedVersion::NoStream, [note("x")]).unwrap();
}

/// What one reader has seen as durable, no later reader misses, nor sees anything new before it.
#[test]
fn nothing_below_an_observed_durable_position_appears_later() {
    let memory = Arc::new(MemoryStorage::new());
    let options = Options::new().segments(4_096, 16_384).tail(16, u64::MAX);
    let writer = options.open_storage(memory.clone()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for nth in 0..600_u64 {
                let durability =
                    if nth % 5 == 0 { Durability::Synced } else { Durability::Buffered };
                let commit = Commit::new().event("a", note(nth.to_string()).tag("x"));
                writer.commit(commit.durability(durability)).unwrap();
            }
            writer.sync().unwrap();
            done.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            // In this process, where the head may be ahead of what is durable, and in another one.
            let (writer, memory, done) = (&writer, memory.clone(), &done);
            scope.spawn(move || {
                let follower = Options::new().open_storage_read_only(memory).unwrap();
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    let durable = writer.durable().get();
                    assert!(durable >= seen);
                    for store in [writer, &follower] {
                        let read = Read::new().to(seen.max(1));
                        let found: Vec<_> = store
                            .query(&tagged("x"), read)
                            .unwrap()
                            .map(|event| event.unwrap().position.get())
                            .collect();
                        let whole: Vec<u64> = (1..=found.len() as u64).collect();
                        assert_eq!(found, whole, "a gap that was filled, or will be");
                        let here = std::ptr::eq(store, writer);
                        assert!(!here || found.len() as u64 >= seen, "it went back");
                    }
                    seen = durable;
                }
            });
        }
    });
    assert_eq!(writer.durable().get(), 600);
}

/// The boundaries of a decision: seats of a course, one winner a seat.
#[test]
fn of_racing_conditional_commits_exactly_one_wins_for_each_boundary() {
    const THREADS: u64 = 16;
    const ROUNDS: u64 = 60;
    let place = crate::fixture::Place::new();
    let store = Options::new().tail(50, u64::MAX).open(place.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // Four boundaries a round, each contended by four threads.
                    let seat = format!("seat:{round}/{}", thread % 4);
                    let query = tagged(&seat);
                    let mut taken = store.query(&query, Read::new()).unwrap();
                    if taken.by_ref().count() > 0 {
                        continue;
                    }
                    let event = NewEvent::new("SeatTaken", thread.to_string()).tag(&*seat);
                    let commit = Commit::new()
                        .event(format!("thread-{thread}"), event)
                        .fail_if_events_match(query, taken.marker())
                        .durability(match thread % 3 {
                            0 => Durability::Synced,
                            _ => Durability::Buffered,
                        });
                    match store.commit(commit) {
                        Ok(_) => {}
                        Err(AppendError::ConditionFailed(failed)) => {
                            let winner = store.event(failed.position).unwrap().unwrap();
                            assert!(winner.tags.contains(&seat));
                            assert_eq!(winner.id, failed.id);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    store.close().unwrap();
    // From the log alone.
    let store = Store::open(place.path()).unwrap();
    let mut seats = std::collections::BTreeMap::<String, u64>::new();
    for event in store.read_all(Read::new()).unwrap() {
        *seats.entry(event.unwrap().tags[0].clone()).or_default() += 1;
    }
    assert_eq!(seats.len() as u64, 4 * ROUNDS, "no boundary is without a winner");
    assert!(seats.values().all(|winners| *winners == 1), "{seats:?}");
}

/// Each event says which boundary it was committed under: the tags that were asked for, and after
/// which position. So the log alone proves that no event came in between.
#[test]
fn the_log_alone_proves_that_no_two_events_violate_a_boundary() {
    const THREADS: u64 = 16;
    const OWN: u64 = 4;
    const TIMES: u64 = 50;
    let place = crate::fixture::Place::new();
    let store = Options::new().tail(50, u64::MAX).open(place.path()).unwrap();
    let query = |tags: &[String]| Query::any(tags.iter().map(|tag| QueryItem::new().tag(tag)));
    let refusals: u64 = std::thread::scope(|scope| {
        let race = |thread: u64| {
            let store = &store;
            move || {
                let (mut refused, mut random) = (0, annals_sim::Random::new(thread));
                for _ in 0..TIMES {
                    // Some have a boundary that is theirs alone, all others share three tags, of
                    // which a boundary has one or two.
                    let tags = match random.below(3) {
                        _ if thread < OWN => vec![format!("own:{thread}")],
                        nth if random.one_in(3) => {
                            vec![format!("room:{nth}"), format!("room:{}", (nth + 1) % 3)]
                        }
                        nth => vec![format!("room:{nth}")],
                    };
                    let mut seen = store.query(&query(&tags), Read::new()).unwrap();
                    let _ = seen.by_ref().count();
                    let after = seen.marker();
                    let event = NewEvent::new("Booked", format!("{after} {}", tags.join(" ")))
                        .tag(tags[random.below(tags.len())].clone());
                    let commit = Commit::new()
                        .event(format!("thread-{thread}"), event)
                        .fail_if_events_match(query(&tags), after)
                        .durability(match random.below(3) {
                            0 => Durability::Synced,
                            _ => Durability::Buffered,
                        });
                    match store.commit(commit) {
                        Ok(done) => assert!(done.first > after),
                        Err(AppendError::ConditionFailed(failed)) => {
                            // Only what lies within the boundary ever hinders anybody.
                            let winner = store.event(failed.position).unwrap().unwrap();
                            assert!(tags.contains(&winner.tags[0]) && winner.position > after);
                            refused += 1;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                assert!(thread >= OWN || refused == 0, "a boundary of its own was hindered");
                refused
            }
        };
        let racers: Vec<_> = (0..THREADS).map(|thread| scope.spawn(race(thread))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    store.close().unwrap();
    let store = Store::open(place.path()).unwrap();
    let events: Vec<_> = store.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
    for event in &events {
        let boundary = String::from_utf8(event.payload.clone()).unwrap();
        let (after, tags) = boundary.split_once(' ').unwrap();
        let after: u64 = after.parse().unwrap();
        let between = events
            .iter()
            .filter(|other| other.position.get() > after && other.position < event.position);
        for other in between {
            let hinders = tags.split(' ').any(|tag| other.tags[0] == tag);
            assert!(!hinders, "{} lies in the boundary of {}", other.position, event.position);
        }
    }
    assert_eq!(events.len() as u64 + refusals, THREADS * TIMES);
    let own = events.iter().filter(|event| event.tags[0].starts_with("own:")).count();
    assert_eq!(own as u64, OWN * TIMES);
    assert!(refusals > TIMES, "{refusals}: nobody raced");
}

#[test]
fn a_follower_can_not_commit_whatever_the_conditions() {
    let place = crate::fixture::Place::with(&["x"]);
    let store = Store::open_read_only(place.path()).unwrap();
    let refused = store.commit(one("x").fail_if_exists(tagged("x"))).unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::ReadOnly));
}

//! Snapshots: whatever becomes of them, a load gives what all events make.

use super::bank::{Account, Ask, Bank, Moved, bank, codec, large, port};
use crate::fixture::Place;
use annals::toolkit::{
    Append, Boundary, Evolve, Found, Interceptor, Kept, Loaded, Port, Received, Repository,
    SnapshotPolicy, SnapshotUse, SnapshotWrite, Snapshots, Stale, ToolError,
};
use annals::{
    AppendError, Appended, Commit, Durability, ErrorKind, ExpectedVersion, Keys, Options,
    RecordedEvent, Store, Version,
};
use proptest::prelude::*;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

const NEWEST: &str = "~snapshot/account/account-1";

fn every(events: u64) -> Snapshots<Account> {
    Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(events))
}

/// An account that was opened and then got 1, 2, 3 … cents, so many events in all.
fn save(bank: &Repository<Bank>, id: &str, events: u64) {
    let version = bank.version(id).unwrap().get();
    let event = |nth: u64| match nth {
        0 => Moved::Opened { owner: "ann".to_owned() },
        cents => Moved::Deposited { cents },
    };
    let events: Vec<_> = (version..version + events).map(event).collect();
    bank.save(id, version, &events).unwrap();
}

fn keys(port: &Port) -> Vec<String> {
    let documents = port.documents(Keys::all()).unwrap();
    documents.map(|document| document.unwrap().key).collect()
}

fn versions(kept: &[Kept]) -> Vec<u64> {
    kept.iter().map(|kept| kept.version.get()).collect()
}

fn used(loaded: &Loaded<Account>) -> Option<u64> {
    match &loaded.snapshot {
        SnapshotUse::Used(as_of) => Some(as_of.version.get()),
        _ => None,
    }
}

/// Asserts that a load passes a snapshot over for this reason, and is as good as without.
#[track_caller]
fn is_stale(bank: &Repository<Bank>, why: &Stale) {
    let plain = bank.replay("1", |_, _| ControlFlow::Continue(())).unwrap();
    let loaded = bank.load("1").unwrap();
    assert_eq!(loaded.snapshot, SnapshotUse::Stale(why.clone()));
    assert_eq!((loaded.state, loaded.as_of), (plain.state, plain.as_of));
    assert_eq!(loaded.sourced, plain.sourced, "all events were read");
}

#[test]
fn a_load_begins_with_the_newest_snapshot_and_reads_only_what_came_since() {
    let port = port();
    let bank = bank(&port).snapshots(every(10));
    save(&bank, "1", 9);
    let loaded = bank.load("1").unwrap();
    assert_eq!((loaded.sourced, loaded.snapshot), (9, SnapshotUse::Absent));
    assert!(matches!(loaded.written, SnapshotWrite::NotDue));
    save(&bank, "1", 3);
    let loaded = bank.load("1").unwrap();
    assert_eq!(loaded.sourced, 12);
    assert!(matches!(loaded.written, SnapshotWrite::Written));
    save(&bank, "1", 4);
    for _ in 0..2 {
        let loaded = bank.load("1").unwrap();
        assert_eq!((used(&loaded), loaded.sourced, loaded.as_of.version.get()), (Some(12), 4, 16));
        assert_eq!(loaded.state.cents, (1..16).sum::<u64>());
    }
    // What is decided goes by it, too.
    let done = bank.execute("1", &Ask::Deposit(1)).unwrap();
    assert!(matches!(done.snapshot, SnapshotUse::Used(_)));
    assert_eq!(done.version.get(), 17);
    assert_eq!(keys(&port), [NEWEST]);
}

#[test]
fn a_snapshot_is_a_line_that_says_what_it_is_and_the_state() {
    let port = port();
    let bank = bank(&port).snapshots(every(1));
    save(&bank, "1", 3);
    let recorded = port.event(3).unwrap().unwrap().recorded.micros();
    bank.load("1").unwrap();
    let text = String::from_utf8(port.document(NEWEST).unwrap().unwrap().value).unwrap();
    let (line, state) = text.split_once('\n').unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let expected = serde_json::json!({
        "kind": "account", "key": "account-1", "schema": 1, "encoding": "json",
        "version": 3, "position": 3, "recorded": recorded,
    });
    assert_eq!(line, expected);
    assert_eq!(state, r#"{"owner":"ann","cents":3,"movements":3}"#);
    // That of a query says up to where was looked, which is another thing.
    save(&bank, "2", 1);
    bank.save("2", 1, &[Moved::Deposited { cents: 100 }]).unwrap();
    save(&bank, "3", 1);
    bank.load(&large()).unwrap();
    let text = port.document("~snapshot/account/large").unwrap().unwrap().value;
    let line = String::from_utf8(text).unwrap();
    assert!(line.contains(r#""marker":6"#) && line.contains(r#""version":1"#), "{line}");
    assert!(!line.contains("position"), "{line}");
}

#[test]
fn a_slow_load_writes_one_where_the_policy_goes_by_time() {
    struct Slow;
    impl Evolve for Slow {
        type State = u64;
        type Event = Moved;
        fn initial(&self) -> u64 {
            0
        }
        fn evolve(&self, events: &mut u64, _: &Moved) {
            std::thread::sleep(Duration::from_millis(2));
            *events += 1;
        }
    }
    let port = port();
    save(&bank(&port), "1", 3);
    let written = |limit: u64| {
        let policy = SnapshotPolicy::SlowerThan(Duration::from_millis(limit));
        let snapshots = Snapshots::new("slow", 1).unwrap().policy(policy);
        let slow = Repository::new(&port, "account", Slow, codec()).unwrap();
        slow.snapshots(snapshots).load("1").unwrap().written
    };
    assert!(matches!(written(60_000), SnapshotWrite::NotDue));
    assert!(matches!(written(5), SnapshotWrite::Written));
    // From now on nothing is left to be slow.
    assert!(matches!(written(5), SnapshotWrite::NotDue));
}

#[test]
fn as_many_are_kept_as_asked_for_and_pruning_leaves_the_newest() {
    let port = port();
    let bank = bank(&port).snapshots(every(1).keep(3));
    for _ in 0..5 {
        save(&bank, "1", 2);
        bank.load("1").unwrap();
    }
    let kept = bank.list_snapshots("1").unwrap();
    assert_eq!(versions(&kept), [6, 8, 10]);
    assert!(kept.iter().all(|kept| kept.stale.is_none() && kept.bytes > 100));
    let versioned = |version: u64| format!("{NEWEST}/{version:020}");
    let mut expected = vec![NEWEST.to_owned()];
    expected.extend([6, 8, 10].map(versioned));
    assert_eq!(keys(&port), expected);

    assert_eq!(bank.prune_snapshots("1", 3).unwrap(), 0);
    assert_eq!(bank.prune_snapshots("1", 2).unwrap(), 1);
    assert_eq!(versions(&bank.list_snapshots("1").unwrap()), [8, 10]);
    assert_eq!(bank.prune_snapshots("1", 1).unwrap(), 1);
    assert_eq!(used(&bank.load("1").unwrap()), Some(10));
    // One of another state stays whatever becomes of this one's.
    save(&bank, "2", 1);
    bank.load("2").unwrap();
    assert_eq!(bank.prune_snapshots("1", 0).unwrap(), 1);
    assert_eq!(bank.list_snapshots("1").unwrap(), []);
    assert_eq!(bank.prune_snapshots("1", 0).unwrap(), 0);
    assert_eq!(versions(&bank.list_snapshots("2").unwrap()), [1]);

    // Who keeps fewer from now on keeps fewer with the next one.
    for _ in 0..3 {
        save(&bank, "1", 1);
        bank.load("1").unwrap();
    }
    assert_eq!(bank.list_snapshots("1").unwrap().len(), 3);
    let fewer = bank.snapshots(every(1));
    save(&fewer, "1", 1);
    fewer.load("1").unwrap();
    assert_eq!(versions(&fewer.list_snapshots("1").unwrap()), [14]);
    assert!(keys(&port).contains(&NEWEST.to_owned()));
    assert!(!keys(&port).contains(&versioned(14)));
}

#[test]
fn the_past_begins_with_the_newest_one_that_is_old_enough() {
    let bank = bank(&port()).snapshots(every(1).keep(3));
    for _ in 0..5 {
        save(&bank, "1", 2);
        bank.load("1").unwrap();
    }
    for (at, begins, sourced) in [(10, Some(10), 0), (9, Some(8), 1), (6, Some(6), 0), (5, None, 5)]
    {
        let loaded = bank.at_version("1", at).unwrap();
        assert_eq!((used(&loaded), loaded.sourced), (begins, sourced), "at {at}");
        assert_eq!(loaded.state.cents, (1..at).sum::<u64>());
        assert!(matches!(loaded.written, SnapshotWrite::NotDue));
    }
    assert_eq!(bank.at_version("1", 5).unwrap().snapshot, SnapshotUse::Absent);
}

/// Keys of states may have anything in them, so one may go on where another ends.
#[test]
fn what_stands_behind_a_longer_key_is_another_states() {
    let port = port();
    let bank = bank(&port).snapshots(every(1).keep(2));
    // The second looks as if it were version 2 of the first.
    let ids = ["1", "1/00000000000000000002", "1/2", "1/000000000000000000002", "1/", "10"];
    for round in 1..=3 {
        for id in ids {
            save(&bank, id, 2);
            let loaded = bank.load(id).unwrap();
            assert_eq!(
                (loaded.state.movements, loaded.as_of.version.get()),
                (round * 2, round * 2)
            );
        }
    }
    for id in ids {
        assert_eq!(versions(&bank.list_snapshots(id).unwrap()), [4, 6], "{id}");
        assert_eq!(bank.at_version(id, 5).unwrap().state.movements, 5, "{id}");
    }
    bank.prune_snapshots("1", 0).unwrap();
    for id in &ids[1..] {
        assert_eq!(used(&bank.load(*id).unwrap()), Some(6), "{id}");
    }
    // The two that share a key take it from one another, and are never taken for one another.
    save(&bank, "2", 2);
    bank.load("2").unwrap();
    let shared = "2/00000000000000000002";
    save(&bank, shared, 3);
    let loaded = bank.load(shared).unwrap();
    assert_eq!(loaded.snapshot, SnapshotUse::Stale(Stale::Key { found: "account-2".into() }));
    assert_eq!(loaded.state.movements, 3);
    assert_eq!(versions(&bank.list_snapshots("2").unwrap()), [2]);
    assert_eq!(bank.at_version("2", 2).unwrap().state.movements, 2);
}

#[test]
fn what_is_of_another_kind_key_schema_encoding_or_type_is_passed_over_and_written_anew() {
    let port = port();
    let bank = bank(&port).snapshots(every(1_000));
    save(&bank, "1", 5);
    let written = bank.clone().snapshots(every(1));
    written.load("1").unwrap();
    let good = String::from_utf8(port.document(NEWEST).unwrap().unwrap().value).unwrap();
    let put = |text: &str| _ = port.commit(Commit::new().put(NEWEST, text)).unwrap();
    let (line, state) = good.split_once('\n').unwrap();
    let text = |text: &str| text.to_owned();
    let beyond = |version: u64, position: u64| Stale::Beyond {
        version: version.into(),
        position: position.into(),
    };
    for (from, to, why) in [
        (r#""account","#, r#""order","#, Stale::Kind { found: text("order") }),
        ("account-1", "account-2", Stale::Key { found: text("account-2") }),
        (r#""schema":1"#, r#""schema":2"#, Stale::Schema { found: 2 }),
        (r#""json""#, r#""bincode""#, Stale::Encoding { found: text("bincode") }),
        // Made of a query, of a stream that was longer, of another event at that version.
        (r#""position""#, r#""marker""#, Stale::Boundary),
        (r#""version":5"#, r#""version":6"#, beyond(6, 5)),
        (r#""version":5"#, r#""version":18446744073709551615"#, beyond(u64::MAX, 5)),
        (r#""position":5"#, r#""position":7"#, beyond(5, 7)),
        (r#""version":5"#, r#""version":4"#, beyond(4, 5)),
    ] {
        let (_, replaced) = (assert!(line.contains(from)), line.replacen(from, to, 1));
        put(&format!("{replaced}\n{state}"));
        is_stale(&bank, &why);
        assert!(why.to_string().starts_with("the snapshot "), "{why}");
    }
    for bytes in [
        text(""),
        text("\n"),
        text("{}\n"),
        text("[]\n{}"),
        line.to_owned(),
        format!("{line}\n"),
        format!("{line}\n{state}x"),
        format!("{line}\n[]"),
        line.replacen(r#""schema":1"#, r#""schema":-1"#, 1) + "\n" + state,
        line.replacen(r#""schema":1"#, r#""schema":4294967297"#, 1) + "\n" + state,
        line.replacen(r#""version":5"#, r#""version":"5""#, 1) + "\n" + state,
        line.replacen("recorded", "noted", 1) + "\n" + state,
    ] {
        put(&bytes);
        let loaded = bank.load("1").unwrap();
        let SnapshotUse::Stale(Stale::Unreadable(_)) = loaded.snapshot else {
            panic!("{bytes}: {loaded:?}")
        };
        assert_eq!((loaded.state.movements, loaded.sourced), (5, 5));
    }
    // The next one that is due takes its place.
    assert!(matches!(written.load("1").unwrap().written, SnapshotWrite::Written));
    assert_eq!(used(&bank.load("1").unwrap()), Some(5));
}

#[test]
fn a_schema_that_is_counted_up_makes_all_older_ones_stale() {
    let port = port();
    let old = bank(&port).snapshots(every(1).keep(2));
    save(&old, "1", 2);
    old.load("1").unwrap();
    save(&old, "1", 2);
    old.load("1").unwrap();
    let newer = Snapshots::new("account", 2).unwrap().policy(SnapshotPolicy::Every(1)).keep(2);
    let new = bank(&port).snapshots(newer);
    assert_eq!(new.at_version("1", 3).unwrap().sourced, 3, "the past does without them, too");
    let kept = new.list_snapshots("1").unwrap();
    assert!(kept.iter().all(|kept| kept.stale == Some(Stale::Schema { found: 1 })), "{kept:?}");
    is_stale(&new, &Stale::Schema { found: 1 });
    assert_eq!(used(&new.load("1").unwrap()), Some(4));
    // Who has the older program passes over the newer ones.
    is_stale(&old, &Stale::Schema { found: 2 });
}

#[test]
fn a_snapshot_of_another_store_or_of_more_than_there_is_is_passed_over() {
    let (port, other) = (port(), port());
    let bank = |port: &Port| bank(port).snapshots(every(1));
    // The other store has the same stream, longer, and the same query, further on.
    save(&bank(&other), "1", 8);
    bank(&other).save("1", 8, &[Moved::Deposited { cents: 100 }]).unwrap();
    bank(&other).load("1").unwrap();
    bank(&other).load(&large()).unwrap();
    save(&bank(&port), "1", 4);
    for document in other.documents(Keys::all()).unwrap() {
        let document = document.unwrap();
        port.commit(Commit::new().put(document.key, document.value)).unwrap();
    }
    let version: Version = 9.into();
    is_stale(&bank(&port), &Stale::Beyond { version, position: 9.into() });
    let loaded = bank(&port).load(&large()).unwrap();
    let (version, position) = (1.into(), 9.into());
    assert_eq!(loaded.snapshot, SnapshotUse::Stale(Stale::Beyond { version, position }));
    assert_eq!(loaded.as_of.version.get(), 0);
}

#[test]
fn a_boundary_that_is_called_as_a_stream_is_not_taken_for_it() {
    let bank = bank(&port()).snapshots(every(1));
    save(&bank, "1", 3);
    bank.save("1", 3, &[Moved::Deposited { cents: 100 }]).unwrap();
    let query = large().get_query().unwrap().clone();
    let namesake = Boundary::query("account-1", query, "account-1");
    assert_eq!(bank.load("1").unwrap().state.movements, 4);
    let loaded = bank.load(&namesake).unwrap();
    assert_eq!(loaded.snapshot, SnapshotUse::Stale(Stale::Boundary));
    assert_eq!(loaded.state.movements, 1);
    assert_eq!(bank.load("1").unwrap().state.movements, 4);
}

#[test]
fn a_snapshot_that_can_not_be_written_is_told_and_the_state_is_there() {
    // The store is open only to be read.
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    save(&bank(&store), "1", 3);
    store.close().unwrap();
    let store = Store::open_read_only(place.path()).unwrap();
    let loaded = bank(&store).snapshots(every(1)).load("1").unwrap();
    assert_eq!(loaded.state.movements, 3);
    let SnapshotWrite::Failed(error) = loaded.written else { panic!("{loaded:?}") };
    assert_eq!(error.append_error().unwrap().kind(), Some(ErrorKind::ReadOnly));
    let failed = bank(&store).snapshots(every(1)).rebuild("1", 0).unwrap_err();
    assert!(matches!(failed, ToolError::Append(_)), "a rebuild is to write: {failed:?}");

    // Its key would be longer than keys can be.
    let port = port();
    let id = "x".repeat(1_000);
    let long = bank(&port).snapshots(every(1));
    save(&long, &id, 3);
    let loaded = long.load(&id).unwrap();
    let SnapshotWrite::Failed(ToolError::Append(AppendError::Limit(_))) = loaded.written else {
        panic!("{loaded:?}")
    };
    assert_eq!(loaded.state.movements, 3);

    // The state has no form in JSON: keys of a map that are no text.
    struct Odd;
    impl Evolve for Odd {
        type State = HashMap<(u8, u8), u8>;
        type Event = Moved;
        fn initial(&self) -> Self::State {
            HashMap::new()
        }
        fn evolve(&self, state: &mut Self::State, _: &Moved) {
            state.insert((1, 2), 3);
        }
    }
    let odd = Repository::new(&port, "account", Odd, codec()).unwrap();
    let odd = odd.snapshots(Snapshots::new("odd", 1).unwrap().policy(SnapshotPolicy::Every(1)));
    let loaded = odd.load(&id).unwrap();
    assert!(matches!(loaded.written, SnapshotWrite::Failed(ToolError::Codec(_))));
    assert_eq!(loaded.state.len(), 1);
}

/// What serde is told to do with a state is the user's own code.
#[test]
fn a_state_that_panics_when_it_is_written_or_read_is_told_and_loaded() {
    #[derive(Debug, Default)]
    struct Moody(u64);
    impl serde::Serialize for Moody {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert!(self.0 > 3, "not yet");
            serializer.serialize_u64(self.0)
        }
    }
    impl<'de> serde::Deserialize<'de> for Moody {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("never")
        }
    }
    impl Evolve for Moody {
        type State = Moody;
        type Event = Moved;
        fn initial(&self) -> Moody {
            Moody::default()
        }
        fn evolve(&self, state: &mut Moody, _: &Moved) {
            state.0 += 1;
        }
    }
    let port = port();
    let moody = Repository::new(&port, "account", Moody::default(), codec()).unwrap();
    let policy = SnapshotPolicy::Every(1);
    let moody = moody.snapshots(Snapshots::new("moody", 1).unwrap().policy(policy));
    save(&bank(&port), "1", 3);
    let loaded = moody.load("1").unwrap();
    let SnapshotWrite::Failed(ToolError::Panicked { who, message }) = loaded.written else {
        panic!("{loaded:?}")
    };
    assert_eq!((&*who, &*message), ("writing a state of the kind 'moody'", "not yet"));
    save(&bank(&port), "1", 1);
    assert!(matches!(moody.load("1").unwrap().written, SnapshotWrite::Written));
    let loaded = moody.load("1").unwrap();
    let SnapshotUse::Stale(Stale::Unreadable(why)) = loaded.snapshot else { panic!("{loaded:?}") };
    assert!(why.contains("panicked: never"), "{why}");
    assert_eq!(loaded.state.0, 4);
}

#[test]
fn snapshots_are_buffered_whatever_the_store_is_and_decisions_are_not() {
    struct Sees(std::sync::Arc<Mutex<Vec<Commit>>>);
    impl Interceptor for Sees {
        fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
            self.0.lock().unwrap().push(commit.clone());
            next(commit)
        }
    }
    let seen = std::sync::Arc::default();
    let bank = bank(&port().intercept(Sees(std::sync::Arc::clone(&seen)))).snapshots(every(1));
    bank.execute("1", &Ask::Open("ann")).unwrap();
    bank.load("1").unwrap();
    bank.prune_snapshots("1", 0).unwrap();
    let seen = seen.lock().unwrap();
    let is_buffered = |commit: &Commit| commit.clone().durability(Durability::Buffered) == *commit;
    assert_eq!(seen.iter().map(is_buffered).collect::<Vec<_>>(), [false, true, true]);
}

/// Deletes all snapshots as soon as the first event is read through it.
struct Deletes(Mutex<Option<Repository<Bank>>>);

impl Interceptor for Deletes {
    fn read(&self, _: &Received<'_>) -> Result<Option<RecordedEvent>, annals::toolkit::Failure> {
        if let Some(bank) = self.0.lock().unwrap().take() {
            assert_eq!(bank.rebuild("1", 0)?.snapshots, 1);
        }
        Ok(None)
    }
}

/// Incident: a rebuild deletes snapshots that nobody trusts, while a load has begun with one of
/// them. Mechanism: the load then writes one of what it made of that. Fix: a snapshot is written
/// only over the one that the load has seen.
#[test]
fn what_was_made_of_a_snapshot_that_is_gone_does_not_come_back() {
    let port = port();
    let own = bank(&port).snapshots(every(1));
    save(&own, "1", 4);
    own.load("1").unwrap();
    let text = String::from_utf8(port.document(NEWEST).unwrap().unwrap().value).unwrap();
    let wrong = text.replace(r#""cents":6"#, r#""cents":666"#);
    port.commit(Commit::new().put(NEWEST, wrong)).unwrap();
    save(&own, "1", 1);

    let slow = port.clone().intercept(Deletes(Mutex::new(Some(own.clone()))));
    let loaded = bank(&slow).snapshots(every(1)).load("1").unwrap();
    assert_eq!(loaded.state.cents, 670, "it began with what it had no reason to doubt");
    assert!(matches!(loaded.written, SnapshotWrite::Overtaken), "{loaded:?}");
    assert_eq!(own.load("1").unwrap().state.cents, 10);
}

#[test]
fn a_rebuild_writes_one_after_every_so_many_events_and_at_the_end() {
    let port = port();
    let bank = bank(&port).snapshots(every(1_000_000).keep(9));
    save(&bank, "1", 10);
    port.commit(Commit::new().put(NEWEST, "rubbish")).unwrap();
    for (every, kept) in [(4, vec![4, 8, 10]), (5, vec![5, 10]), (0, vec![10]), (99, vec![10])] {
        let rebuilt = bank.rebuild("1", every).unwrap();
        assert_eq!((rebuilt.states, rebuilt.events), (1, 10));
        assert_eq!(rebuilt.snapshots, kept.len() as u64);
        assert_eq!(versions(&bank.list_snapshots("1").unwrap()), kept, "every {every}");
        assert_eq!(used(&bank.load("1").unwrap()), Some(10));
    }
    let none = bank.rebuild("none", 1).unwrap();
    assert_eq!((none.events, none.snapshots), (0, 0));
    assert_eq!(bank.list_snapshots("none").unwrap(), []);
}

#[test]
fn a_rebuild_of_all_tells_how_far_it_is_and_can_be_stopped() {
    let port = port();
    let bank = bank(&port).snapshots(every(1_000_000));
    for id in ["a", "b", "c"] {
        save(&bank, id, 4);
    }
    port.append("account", 0, [crate::fixture::note("no account's")]).unwrap();
    port.append("accounts-1", 0, [crate::fixture::note("another category's")]).unwrap();
    let mut told = Vec::new();
    let done = bank.rebuild_all(0, |now| {
        told.push((now.stream.to_owned(), now.done, now.of, now.so_far.events));
        ControlFlow::Continue(())
    });
    let done = done.unwrap();
    assert_eq!((done.states, done.events, done.snapshots, done.cancelled), (3, 12, 3, false));
    let expected = [("account-a", 1, 4), ("account-b", 2, 8), ("account-c", 3, 12)];
    let expected = expected.map(|(name, done, events)| (name.to_owned(), done, 3, events));
    assert_eq!(told, expected);

    bank.prune_snapshots("b", 0).unwrap();
    bank.prune_snapshots("c", 0).unwrap();
    let stop = |now: &annals::toolkit::RebuildProgress<'_>| match now.done {
        2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let done = bank.rebuild_all(0, stop).unwrap();
    assert_eq!((done.states, done.cancelled), (2, true));
    assert_eq!(used(&bank.load("b").unwrap()), Some(4));
    assert_eq!(used(&bank.load("c").unwrap()), None);
    // Stopped behind the last one, it is done.
    let done = bank.rebuild_all(0, |now| match now.done {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(!done.unwrap().cancelled);
    let panicked = bank.rebuild_all(0, |_| panic!("no more"));
    assert!(matches!(panicked.unwrap_err(), ToolError::Panicked { .. }));
}

#[test]
fn who_keeps_no_snapshots_is_told_so_and_kinds_have_names() {
    let bank = bank(&port());
    let told = bank.rebuild("1", 1).unwrap_err().to_string();
    assert!(told.contains("'account' keeps no snapshots"), "{told}");
    assert!(bank.list_snapshots("1").is_err() && bank.prune_snapshots("1", 1).is_err());
    for name in ["", "a/b", "a\0", &"x".repeat(129)] {
        let refused = Snapshots::<u64>::new(name, 1).unwrap_err();
        assert!(matches!(refused, ToolError::Setup(_)), "{refused}");
    }
    Snapshots::<u64>::new(&"x".repeat(128), 1).unwrap();
}

#[test]
fn the_newest_one_is_looked_up_by_itself() {
    let port = port();
    let snapshots = every(1);
    let bank = bank(&port).snapshots(snapshots.clone());
    assert_eq!(snapshots.latest(&port, "account-1").unwrap(), Found::Nothing);
    save(&bank, "1", 2);
    bank.load("1").unwrap();
    let Found::Snapshot(found) = snapshots.latest(&port, "account-1").unwrap() else { panic!() };
    assert_eq!((found.state.movements, found.as_of.version.get()), (2, 2));
    let other = Snapshots::<Account>::new("account", 7).unwrap();
    let found = other.latest(&port, "account-1").unwrap();
    assert!(matches!(found, Found::Stale { why: Stale::Schema { found: 1 }, .. }), "{found:?}");
    assert_eq!(snapshots.delete(&port, "account-1").unwrap(), 1);
    assert_eq!(snapshots.latest(&port, "account-1").unwrap(), Found::Nothing);
}

/// What is done to a store between loads.
#[derive(Clone, Debug)]
enum Step {
    /// This many events of an account, of which some are large.
    Save {
        id: u8,
        events: u8,
    },
    /// Loads with these snapshots.
    Load {
        which: u8,
        every: u64,
        keep: usize,
        schema: u32,
    },
    /// As it was at a version.
    Past {
        which: u8,
        version: u64,
        schema: u32,
    },
    Prune {
        which: u8,
        keep: usize,
    },
    Rebuild {
        which: u8,
        every: u64,
        schema: u32,
    },
    /// Writes something else under the key of a snapshot.
    Corrupt {
        which: u8,
        nth: usize,
        how: Corruption,
    },
    Reopen,
}

#[derive(Clone, Debug)]
enum Corruption {
    Cut(usize),
    Flip(usize),
    Delete,
    /// That of another state, or an older one of this.
    Another(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..4_u8;
    let schema = 1..3_u32;
    let how = prop_oneof![
        (0..200_usize).prop_map(Corruption::Cut),
        (0..200_usize).prop_map(Corruption::Flip),
        Just(Corruption::Delete),
        (0..9_usize).prop_map(Corruption::Another),
    ];
    prop_oneof![
        5 => (0..3_u8, 1..9_u8).prop_map(|(id, events)| Step::Save { id, events }),
        6 => (which.clone(), 1..12_u64, 1..4_usize, schema.clone())
            .prop_map(|(which, every, keep, schema)| Step::Load { which, every, keep, schema }),
        3 => (which.clone(), 0..40_u64, schema.clone())
            .prop_map(|(which, version, schema)| Step::Past { which, version, schema }),
        1 => (which.clone(), 0..3_usize).prop_map(|(which, keep)| Step::Prune { which, keep }),
        1 => (which.clone(), 0..9_u64, schema)
            .prop_map(|(which, every, schema)| Step::Rebuild { which, every, schema }),
        3 => (which, 0..4_usize, how)
            .prop_map(|(which, nth, how)| Step::Corrupt { which, nth, how }),
        1 => Just(Step::Reopen),
    ]
}

/// Bytes of a state are not checked by a snapshot itself: a flipped digit is another digit. The
/// store's checks are for that. Here flips stay in the header, or break the JSON.
fn corrupt(value: &[u8], how: &Corruption, others: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = value.to_vec();
    match how {
        Corruption::Cut(length) => bytes.truncate(*length % value.len().max(1)),
        Corruption::Flip(at) => {
            let at = at % bytes.len().max(1);
            *bytes.get_mut(at)? = b'\x01';
        }
        Corruption::Another(nth) => bytes.clone_from(others.get(nth % others.len().max(1))?),
        Corruption::Delete => return None,
    }
    Some(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_load_gives_what_a_plain_replay_gives_whatever_becomes_of_snapshots(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let memory = std::sync::Arc::new(annals::storage::MemoryStorage::new());
        let open = || Options::new().without_keeper().open_storage(memory.clone()).unwrap();
        let mut store = open();
        let boundary = |which: u8| match which {
            3 => large(),
            id => Boundary::stream(format!("account-{id}")),
        };
        for step in steps {
            let port = Port::new(&store);
            let bare = bank(&port);
            let with = |schema, every, keep| {
                let snapshots = Snapshots::new("account", schema).unwrap();
                let policy = SnapshotPolicy::Every(every);
                bare.clone().snapshots(snapshots.policy(policy).keep(keep))
            };
            match step {
                Step::Save { id, events } => {
                    let events: Vec<_> = (0..u64::from(events))
                        .map(|nth| Moved::Deposited { cents: 60 + nth * 10 })
                        .collect();
                    bare.save(&id.to_string(), ExpectedVersion::Any, &events).unwrap();
                }
                Step::Load { which, every, keep, schema } => {
                    let boundary = boundary(which);
                    let go_on = |_: &Account, _: &Received<'_>| ControlFlow::Continue(());
                    let plain = bare.replay(&boundary, go_on).unwrap();
                    let loaded = with(schema, every, keep).load(&boundary).unwrap();
                    prop_assert_eq!(&loaded.state, &plain.state);
                    prop_assert_eq!(loaded.as_of.version, plain.as_of.version);
                    prop_assert_eq!(loaded.as_of.position, plain.as_of.position);
                    let is_due = loaded.sourced >= every;
                    prop_assert_eq!(is_due, matches!(loaded.written, SnapshotWrite::Written));
                    if is_due {
                        let kept = with(schema, 1, 1).list_snapshots(&boundary).unwrap();
                        prop_assert!(kept.len() <= keep, "{kept:?}");
                    }
                }
                Step::Past { which, version, schema } => {
                    let boundary = boundary(which);
                    let plain = bare.at_version(&boundary, version).unwrap();
                    let loaded = with(schema, 1, 1).at_version(&boundary, version).unwrap();
                    prop_assert_eq!(loaded.state, plain.state);
                    prop_assert_eq!(loaded.as_of.version, plain.as_of.version);
                }
                Step::Prune { which, keep } => {
                    let boundary = boundary(which);
                    with(1, 1, 1).prune_snapshots(&boundary, keep).unwrap();
                    prop_assert!(with(1, 1, 1).list_snapshots(&boundary).unwrap().len() <= keep);
                }
                Step::Rebuild { which, every, schema } => {
                    with(schema, 1, 2).rebuild(&boundary(which), every).unwrap();
                }
                Step::Corrupt { which, nth, how } => {
                    let prefix = format!("~snapshot/account/{}", boundary(which).name());
                    let all: Vec<_> = port.documents(Keys::prefix("~")).unwrap()
                        .map(Result::unwrap).collect();
                    let own: Vec<_> = all.iter()
                        .filter(|document| document.key.starts_with(&prefix)).collect();
                    if own.is_empty() {
                        continue;
                    }
                    let victim = own[nth % own.len()];
                    let others: Vec<_> = all.iter().map(|other| other.value.clone()).collect();
                    let commit = match corrupt(&victim.value, &how, &others) {
                        Some(bytes) => Commit::new().put(&*victim.key, bytes),
                        None => Commit::new().delete(&*victim.key),
                    };
                    port.commit(commit).unwrap();
                }
                Step::Reopen => {
                    store.close().unwrap();
                    store = open();
                }
            }
        }
    }
}

#[cfg(feature = "bincode")]
#[test]
fn another_encoding_makes_those_of_the_first_stale_and_reads_its_own() {
    let port = port();
    let bank = bank(&port).snapshots(every(1));
    save(&bank, "1", 5);
    bank.load("1").unwrap();
    let binary = bank.clone().snapshots(every(1).encoding(annals::toolkit::Encoding::Bincode));
    is_stale(&binary, &Stale::Encoding { found: "json".to_owned() });
    let loaded = binary.load("1").unwrap();
    assert_eq!((used(&loaded), loaded.state.movements), (Some(5), 5));
    is_stale(&bank, &Stale::Encoding { found: "bincode".to_owned() });
}

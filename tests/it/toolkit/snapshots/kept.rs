//! When snapshots are written, how, how many are kept, and what a load makes of them.

use super::{NEWEST, every, keys, save, used, versions};
use crate::toolkit::bank::{Account, Ask, Moved, bank, codec, large, port};
use annals::toolkit::{
    Append, Evolve, FixedClock, Found, Interceptor, Port, Repository, SnapshotPolicy, SnapshotUse,
    SnapshotWrite, Snapshots, Stale, ToolError,
};
use annals::{Appended, Commit, Durability, Options, Timestamp};
use std::sync::Mutex;
use std::time::Duration;

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
fn an_old_snapshot_is_written_anew_where_the_policy_goes_by_its_age() {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    let port = Port::new(&store).clock(clock.clone());
    let hour = Duration::from_secs(3_600);
    let policy = SnapshotPolicy::OlderThan(hour);
    let bank = bank(&port).snapshots(Snapshots::new("account", 1).unwrap().policy(policy));
    let load = |events: u64| {
        save(&bank, "1", events);
        matches!(bank.load("1").unwrap().written, SnapshotWrite::Written)
    };
    assert!(load(1), "there is none");
    clock.advance(hour);
    assert!(!load(1));
    clock.advance(hour);
    assert!(load(1));
    clock.advance(hour * 2);
    assert!(load(1) && !load(1));
    // A clock that was set back makes nothing old.
    clock.set(Timestamp::from_micros(0));
    assert!(!load(1));
}

#[test]
fn one_is_created_where_it_is_asked_for() {
    let port = port();
    let bank = bank(&port).snapshots(Snapshots::new("account", 1).unwrap());
    let created = || bank.create_snapshot("1").unwrap();
    assert!(matches!(created().written, SnapshotWrite::NotDue), "of what?");
    save(&bank, "1", 3);
    assert!(matches!(bank.load("1").unwrap().written, SnapshotWrite::NotDue));
    let loaded = created();
    assert!(matches!(loaded.written, SnapshotWrite::Written));
    assert_eq!(loaded.state.movements, 3);
    assert!(matches!(created().written, SnapshotWrite::NotDue), "it is there");
    assert_eq!(used(&bank.load("1").unwrap()), Some(3));
    assert_eq!(keys(&port), [NEWEST]);
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
    let bank = bank(port()).snapshots(every(1).keep(3));
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
    let bank = bank(port().intercept(Sees(std::sync::Arc::clone(&seen)))).snapshots(every(1));
    bank.execute("1", &Ask::Open("ann")).unwrap();
    bank.load("1").unwrap();
    bank.prune_snapshots("1", 0).unwrap();
    let seen = seen.lock().unwrap();
    let is_buffered = |commit: &Commit| commit.clone().durability(Durability::Buffered) == *commit;
    assert_eq!(seen.iter().map(is_buffered).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn who_keeps_no_snapshots_is_told_so_and_kinds_have_names() {
    let bank = bank(port());
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

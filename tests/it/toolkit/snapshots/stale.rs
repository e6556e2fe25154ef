//! Snapshots that are passed over.

use super::{NEWEST, every, is_stale, save, used, versions};
use crate::toolkit::bank::{Moved, bank, large, port};
use annals::toolkit::{
    Boundary, Port, SnapshotPolicy, SnapshotUse, SnapshotWrite, Snapshots, Stale,
};
use annals::{Commit, Keys, Version};

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
    let bank = bank(port()).snapshots(every(1));
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

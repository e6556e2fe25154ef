//! Every field of an event comes back as it was given.

use super::home::{everywhere, thirty};
use crate::fixture::note;
use annals::{EventKind, NewEvent, Read, Store, Timestamp};
use uuid::Uuid;

/// An event that has everything, and one that has nothing.
fn full_event() -> NewEvent {
    NewEvent::new("Überwiesen ✓", [0, 159, 146, 150, 255])
        .kind(EventKind::Integration)
        .schema_version(u16::MAX)
        .id(Uuid::from_u128(1))
        .correlation_id(Uuid::from_u128(u128::MAX))
        .causation_id(Uuid::nil())
        .occurred(Timestamp::from_micros(-62_135_596_800_000_001))
        .metadata([0; 3])
        .tags((0..126).map(|nth| format!("tag:{nth}")))
        .tag("größe:✓")
        .tag("日本")
}

#[test]
fn every_field_of_an_event_comes_back() {
    everywhere(|home| {
        let store = home.open();
        let full = full_event();
        store.append("straße-1", 0, [full, NewEvent::new("T", "")]).unwrap();
        let again = |store: &Store| {
            let found: Vec<_> = store.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
            let [full, plain] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(full.position.get(), 1);
            assert_eq!((full.stream.as_str(), full.version.get()), ("straße-1", 1));
            assert_eq!(full.category(), "straße");
            assert_eq!(full.event_type, "Überwiesen ✓");
            assert_eq!(full.payload, [0, 159, 146, 150, 255]);
            assert_eq!((full.id, full.id_given), (Uuid::from_u128(1), true));
            assert_eq!(full.correlation_id, Some(Uuid::from_u128(u128::MAX)));
            assert_eq!(full.causation_id, Some(Uuid::nil()));
            assert_eq!(full.occurred, Some(Timestamp::from_micros(-62_135_596_800_000_001)));
            assert_eq!(full.metadata.as_deref(), Some(&[0; 3][..]));
            assert_eq!((full.kind, full.schema_version), (EventKind::Integration, u16::MAX));
            assert_eq!(full.tags.len(), 128);
            assert_eq!(full.tags[125..], ["tag:125", "größe:✓", "日本"]);
            assert!(full.as_event().tags().unwrap().contains("tag:7"));
            assert!(!full.as_event().tags().unwrap().contains("tag:"));
            assert_eq!((plain.kind, plain.schema_version), (EventKind::Domain, 1));
            assert_eq!((plain.correlation_id, plain.causation_id), (None, None));
            assert_eq!((plain.occurred, &plain.metadata), (None, &None));
            assert!(plain.tags.is_empty() && plain.payload.is_empty() && !plain.id_given);
            assert!(plain.recorded >= full.recorded);
            found
        };
        let found = again(&store);
        assert_eq!(store.event(1).unwrap().as_ref(), Some(&found[0]));
        let mut reader = store.view().unwrap().reader();
        assert_eq!(
            reader.event(2).unwrap().map(|event| event.to_recorded().unwrap()).as_ref(),
            Some(&found[1])
        );
        store.sync().unwrap();
        assert_eq!(again(&store), found);
        assert_eq!(again(&home.reopened(&store)), found);
    });
}

#[test]
fn all_combinations_of_what_an_event_may_have_come_back() {
    everywhere(|home| {
        let store = home.open();
        let make = |bits: u32| {
            let has = |bit: u32| bits >> bit & 1 == 1;
            let mut event = note(vec![7; (bits % 9) as usize]);
            event = if has(0) { event.id(Uuid::from_u128(bits.into())) } else { event };
            event = if has(1) { event.correlation_id(Uuid::from_u128(2)) } else { event };
            event = if has(2) { event.causation_id(Uuid::from_u128(3)) } else { event };
            event = if has(3) { event.occurred(Timestamp::from_micros(-1)) } else { event };
            event = if has(4) { event.schema_version(0) } else { event };
            event = if has(5) { event.metadata(vec![1; (bits % 5) as usize]) } else { event };
            if has(6) {
                event.tag("one").tag("two").tag("three").tag("four").tag("five")
            } else {
                event
            }
        };
        store.append("a", 0, (0..128).map(make)).unwrap();
        home.twice(&store, |store| {
            for (bits, event) in (0_u32..128).zip(store.read_all(Read::new()).unwrap()) {
                let event = event.unwrap();
                let has = |bit: u32| bits >> bit & 1 == 1;
                assert_eq!(event.id_given, has(0));
                assert!(!has(0) || event.id == Uuid::from_u128(u128::from(bits)));
                assert_eq!(event.correlation_id, has(1).then(|| Uuid::from_u128(2)));
                assert_eq!(event.causation_id, has(2).then(|| Uuid::from_u128(3)));
                assert_eq!(event.occurred, has(3).then(|| Timestamp::from_micros(-1)));
                assert_eq!(event.schema_version, if has(4) { 0 } else { 1 });
                assert_eq!(event.metadata, has(5).then(|| vec![1; (bits % 5) as usize]));
                assert_eq!(event.tags.len(), if has(6) { 5 } else { 0 });
                assert_eq!(event.payload.len(), (bits % 9) as usize);
            }
        });
    });
}

#[test]
fn every_kind_of_event_comes_back() {
    let kinds = [EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
    everywhere(|home| {
        let store = home.open();
        store.append("a", 0, kinds.map(|kind| note("x").kind(kind))).unwrap();
        let found: Vec<_> =
            home.reopened(&store).read_all(Read::new()).unwrap().map(|e| e.unwrap().kind).collect();
        assert_eq!(found, kinds);
    });
}

#[test]
fn a_tag_given_twice_is_stored_once() {
    let store = Store::in_memory().unwrap();
    let event = note("x").tag("b").tag("a").tags(["b", "c", "a"]).tag("c");
    store.append("a", 0, [event]).unwrap();
    assert_eq!(store.event(1).unwrap().unwrap().tags, ["b", "a", "c"]);
}

#[test]
fn empty_metadata_and_none_stay_different() {
    everywhere(|home| {
        let store = home.open();
        store.append("a", 0, [note("x").metadata(""), note("y")]).unwrap();
        let store = home.reopened(&store);
        let found = [1, 2].map(|position| store.event(position).unwrap().unwrap().metadata);
        assert_eq!(found, [Some(Vec::new()), None]);
    });
}

#[test]
fn ids_that_were_not_given_are_derived_and_stay() {
    everywhere(|home| {
        let store = thirty(home);
        let given = Uuid::from_u128(7);
        store.append("b", 0, [note("31"), note("32").id(given)]).unwrap();
        let ids = |store: &Store| -> Vec<Uuid> {
            store.read_all(Read::new()).unwrap().map(|event| event.unwrap().id).collect()
        };
        let before = ids(&store);
        let again = home.reopened(&store);
        assert_eq!(ids(&again), before);
        again.append("b", 2, [note("33")]).unwrap();
        again.sync().unwrap();
        assert_eq!(ids(&home.open_read_only())[..32], before);
        let mut unique = ids(&again);
        assert_eq!(unique[31], given);
        assert!(unique.iter().filter(|id| **id != given).all(|id| id.get_version_num() == 8));
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 33);
        // Another store with the same events has others.
        let other = Store::in_memory().unwrap();
        other.append("a-1", 0, [note("1")]).unwrap();
        assert_ne!(ids(&other)[0], before[0]);
    });
}

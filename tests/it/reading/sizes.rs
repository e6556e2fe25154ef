//! Large payloads, and many segments.

use super::home::everywhere;
use crate::fixture::{Place, note};
use annals::storage::Access;
use annals::{NewEvent, Options, Read};

#[test]
fn large_payloads_come_back() {
    everywhere(|home| {
        let store = home.open();
        let payload = |length: usize| -> Vec<u8> {
            (0..length).map(|nth| (nth * 31 + nth / 4_096).to_le_bytes()[0]).collect()
        };
        let lengths = [1, 4_095, 4_096, 5 << 20, 10, (64 << 10) - 1, 70_000, 1 << 20, 3];
        for (nth, length) in lengths.into_iter().enumerate() {
            store.append("a", nth as u64, [note(payload(length))]).unwrap();
        }
        home.twice(&store, |store| {
            for read in [Read::new(), Read::new().backward()] {
                let events = store.read_all(read).unwrap();
                let mut found: Vec<_> = events.map(|event| event.unwrap().payload).collect();
                if read != Read::new() {
                    found.reverse();
                }
                assert!(found.iter().map(Vec::len).eq(lengths), "{}", home.what);
                assert!(found.iter().all(|bytes| *bytes == payload(bytes.len())));
            }
        });
    });
}

#[test]
fn the_largest_payload_comes_back() {
    let payload: Vec<u8> = (0..64 << 20).map(|nth: u32| (nth % 251) as u8).collect();
    for access in [Access::Map, Access::Read] {
        let place = Place::new();
        let store = Options::new().access(access).open(place.path()).unwrap();
        store.append("a", 0, [note("before"), note(payload.clone()), note("after")]).unwrap();
        let store = {
            store.close().unwrap();
            Options::new().access(access).open(place.path()).unwrap()
        };
        let mut cursor = store.read_all(Read::new()).unwrap();
        assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"before");
        assert!(cursor.next_event().unwrap().unwrap().payload == payload);
        assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"after");
        assert!(store.verify().unwrap().is_whole());
    }
}

#[test]
fn many_small_segments_are_one_log() {
    everywhere(|home| {
        let store = home.open();
        // More segments than a slot names.
        for nth in 0..400_u64 {
            let event = NewEvent::new("Counted", vec![b'x'; 700]).tag(format!("t:{}", nth % 5));
            store.append(format!("s-{}", nth % 7), nth / 7, [event]).unwrap();
        }
        let store = home.reopened(&store);
        let events: Vec<_> = store.read_all(Read::new()).unwrap().map(Result::unwrap).collect();
        assert_eq!(events.len(), 400);
        for (nth, event) in (0..).zip(&events) {
            assert_eq!(event.position.get(), nth + 1);
            assert_eq!(
                (&*event.stream, event.version.get()),
                (&*format!("s-{}", nth % 7), nth / 7 + 1)
            );
            assert_eq!((event.payload.len(), &*event.tags[0]), (700, &*format!("t:{}", nth % 5)));
        }
        assert!(store.verify().unwrap().is_whole());
        let stats = store.stats().unwrap();
        assert_eq!((stats.events, stats.streams, stats.head.get()), (400, 7, 400));
    });
}

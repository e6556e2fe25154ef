//! Bytes of a record or of a name rot in a closed store: whatever refers to them is damaged, mapped
//! or not, and everything else is read.

use crate::fixture::Place;
use annals::storage::Access;
use annals::{ErrorKind, NewEvent, Options, Position, Read, Store};

/// Two events that share the type alone.
fn closed() -> Place {
    let place = Place::new();
    let store = place.store();
    let event = |tag: &str, payload: &str| NewEvent::new("the type", payload).tag(tag);
    let first = event("one tag", "one payload").tag("and another").metadata("one metadata");
    store.append("one stream", 0, [first]).unwrap();
    store.append("two stream", 0, [event("two tag", "two payload")]).unwrap();
    store.close().unwrap();
    place
}

/// Which of the two events can be read, each alone and both in order.
fn readable(store: &Store) -> [bool; 2] {
    let alone = [1, 2].map(|at| match store.event(Position::new(at)) {
        Ok(event) => event.is_some(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            false
        }
    });
    for (at, whole) in [(1, alone[0]), (2, alone[1])] {
        let cursor = store.read_all(Read::new().after(Position::new(at - 1)).limit(1)).unwrap();
        assert_eq!(cursor.map(|event| event.is_ok()).collect::<Vec<_>>(), [whole], "event {at}");
    }
    alone
}

#[test]
fn what_refers_to_rotten_bytes_is_damaged_and_the_rest_is_read() {
    for (text, readable_then) in [
        ("one payload", [false, true]),
        ("one metadata", [false, true]),
        ("one stream", [false, true]),
        ("one tag", [false, true]),
        ("and another", [false, true]),
        ("two payload", [true, false]),
        ("two stream", [true, false]),
        ("two tag", [true, false]),
        ("the type", [false, false]),
    ] {
        let place = closed();
        let mut bytes = place.bytes();
        // In the log a name stands first; the run that was written at closing has its own.
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        bytes[found.unwrap() + text.len() / 2] ^= 4;
        place.put(&bytes);
        for access in [Access::Map, Access::Read] {
            let options = Options::new().without_keeper().access(access);
            let looking = options.clone().open_read_only(place.path()).unwrap();
            assert_eq!(readable(&looking), readable_then, "{text}, {access:?}, looked at");
            drop(looking);
            let store = options.open(place.path()).unwrap();
            assert_eq!(readable(&store), readable_then, "{text}, {access:?}");
        }
    }
}

#[test]
fn of_a_lent_event_only_the_name_is_missed_that_is_rotten() {
    for (text, left) in [
        ("one stream", [false, true, true]),
        ("the type", [true, false, true]),
        ("and another", [true, true, false]),
    ] {
        let place = closed();
        let mut bytes = place.bytes();
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        bytes[found.unwrap()] ^= 4;
        place.put(&bytes);
        for access in [Access::Map, Access::Read] {
            let store = Options::new().without_keeper().access(access).open(place.path()).unwrap();
            let mut cursor = store.read_all(Read::new()).unwrap();
            let event = cursor.next_event().unwrap().unwrap();
            assert_eq!((event.payload, event.version.get()), (&b"one payload"[..], 1));
            let names = [
                event.stream().map(|_| ()),
                event.event_type().map(|_| ()),
                event.tags().map(|_| ()),
            ];
            assert_eq!([&names[0], &names[1], &names[2]].map(Result::is_ok), left, "{text}");
            for error in names.into_iter().filter_map(Result::err) {
                let damage = error.corruption().unwrap();
                let at = usize::try_from(damage.file_offset.unwrap()).unwrap();
                assert_eq!(at + 8, found.unwrap(), "where the record of the name begins");
                assert_eq!(damage.intact_to, Some(Position::new(0)));
            }
            // The cursor goes on behind it.
            assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"two payload");
        }
    }
}

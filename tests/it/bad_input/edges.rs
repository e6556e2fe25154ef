//! Numbers at their ends.

use crate::fixture::{Device, INDEX_NEXT, PROOF_NEXT, note, reseal_slots, texts};
use annals::{AppendError, ExpectedVersion, Limit, Options, Position, Read, Store, Version};
use std::time::Duration;

const ENDS: [u64; 6] =
    [(1 << 63) - 2, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX];

fn three() -> Store {
    let store = Store::in_memory().unwrap();
    store.append("a", 0, ["1", "2", "3"].map(note)).unwrap();
    store
}

#[test]
fn ranges_at_the_ends_of_numbers_hold_nothing_or_everything() {
    let store = three();
    let all = |read: Read<Position>| store.read_all(read).unwrap().map(Result::unwrap).count();
    let stream =
        |read: Read<Version>| store.read_stream("a", read).unwrap().map(Result::unwrap).count();
    for end in ENDS {
        for (none, of_stream) in [
            (Read::new().after(end), Read::new().after(end)),
            (Read::new().from(end), Read::new().from(end)),
            (Read::new().after(end).backward(), Read::new().after(end).backward()),
            (Read::new().from(end).to(end), Read::new().from(end).to(end)),
            (Read::new().after(end).before(end), Read::new().after(end).before(end)),
            (Read::new().to(end).before(0), Read::new().to(end).before(0)),
            (Read::new().limit(end).to(0), Read::new().limit(end).to(0)),
        ] {
            assert_eq!((all(none), stream(of_stream)), (0, 0), "{none:?}");
        }
        for (every, of_stream) in [
            (Read::new().to(end), Read::new().to(end)),
            (Read::new().before(end).backward(), Read::new().before(end).backward()),
            (Read::new().limit(end).from(0), Read::new().limit(end).from(0)),
        ] {
            assert_eq!((all(every), stream(of_stream)), (3, 3), "{every:?}");
        }
    }
}

#[test]
fn positions_past_the_head_are_nothing() {
    let store = three();
    for end in ENDS.into_iter().chain([0, 4]) {
        assert_eq!(store.event(end).unwrap(), None);
        assert!(store.view().unwrap().reader().event(end).unwrap().is_none());
    }
    for end in ENDS {
        assert_eq!(store.wait(end, Duration::from_millis(1)).unwrap(), Position::new(3));
        assert!(!store.wake_after(end, std::task::Waker::noop()));
        assert!(store.wait_durable(end).is_err());
        let refused = store.append("a", end, [note("x")]).unwrap_err();
        assert_eq!(refused.conflict().unwrap().current, Version::new(3));
    }
    store.wait_durable(Position::START).unwrap();
}

/// A store in memory that has given all but the last `left` positions.
fn nearly_full(left: u64) -> std::sync::Arc<Device> {
    let device = Device::new();
    Options::new().without_keeper().open_storage(device.clone()).unwrap().close().unwrap();
    let mut bytes = device.to_bytes();
    let next = (Position::MAX.get() - left).to_le_bytes();
    reseal_slots(&mut bytes, INDEX_NEXT, &next);
    reseal_slots(&mut bytes, PROOF_NEXT, &next);
    Device::from_bytes(bytes)
}

#[test]
fn a_store_that_runs_out_of_positions_refuses_and_keeps_what_it_has() {
    let device = nearly_full(3);
    let options = Options::new().without_keeper();
    let store = options.open_storage(device.clone()).unwrap();
    let done = store.append("a", 0, [note("1"), note("2")]).unwrap();
    assert_eq!(done.first.get(), Position::MAX.get() - 3);
    for _ in 0..2 {
        let refused = store.append("a", 2, ["x", "y", "z"].map(note)).unwrap_err();
        let AppendError::Limit(exceeded) = refused else { panic!("{refused:?}") };
        assert_eq!((exceeded.limit, exceeded.allowed), (Limit::Positions, Position::MAX.get()));
    }
    store.append("b", 0, [note("3")]).unwrap();
    let refused = store.append("b", ExpectedVersion::Any, ["x", "y"].map(note)).unwrap_err();
    assert!(matches!(refused, AppendError::Limit(_)), "{refused:?}");
    for reopened in [false, true] {
        let store = match reopened {
            false => store.clone(),
            true => {
                store.close().unwrap();
                options.open_storage(device.clone()).unwrap()
            }
        };
        assert_eq!(texts(&store), ["1", "2", "3"]);
        let backward = store.read_all(Read::new().backward().limit(2)).unwrap();
        let positions: Vec<_> = backward.map(|event| event.unwrap().position).collect();
        assert_eq!(positions[0].get() - 1, positions[1].get());
        assert_eq!(store.durable(), store.head().unwrap());
        assert!(store.verify().unwrap().is_whole());
        let head = store.head().unwrap();
        assert_eq!(store.wait(head, Duration::from_millis(1)).unwrap(), head);
    }
}

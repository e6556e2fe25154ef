//! What to read, from where to where, in which direction.

use super::home::{check, everywhere, positions, thirty, versions};
use crate::fixture::note;
use annals::{Commit, ExpectedVersion, Position, Read, Version};

#[test]
fn ranges_of_positions_include_from_and_to_and_exclude_after_and_before() {
    everywhere(|home| {
        let store = thirty(home);
        let all = |read| positions(&store, read);
        let every: Vec<_> = (1..=30).collect();
        assert_eq!(all(Read::new()), every, "{}", home.what);
        assert_eq!(all(Read::new().from(0)), every);
        assert_eq!(all(Read::new().after(0)), every);
        assert_eq!(all(Read::new().from(28)), [28, 29, 30]);
        assert_eq!(all(Read::new().after(28)), [29, 30]);
        assert_eq!(all(Read::new().to(3)), [1, 2, 3]);
        assert_eq!(all(Read::new().before(3)), [1, 2]);
        assert_eq!(all(Read::new().from(7).to(9)), [7, 8, 9]);
        assert_eq!(all(Read::new().after(7).before(9)), [8]);
        assert_eq!(all(Read::new().from(7).to(7)), [7]);
        assert_eq!(all(Read::new().from(19).to(22)), [19, 20, 21, 22]);
        // Said twice, the narrower holds, in whatever order.
        assert_eq!(all(Read::new().from(5).after(10).to(12).before(20)), [11, 12]);
        assert_eq!(all(Read::new().after(10).from(5).before(20).to(12)), [11, 12]);
        assert_eq!(all(Read::new().limit(9).limit(2).limit(5)), [1, 2]);
        // Nothing is there.
        for nothing in [
            Read::new().limit(0),
            Read::new().to(0),
            Read::new().before(1),
            Read::new().before(0),
            Read::new().from(31),
            Read::new().after(30),
            Read::new().from(9).to(8),
            Read::new().after(8).before(9),
            Read::new().from(9).to(8).backward(),
        ] {
            assert!(all(nothing).is_empty(), "{nothing:?}");
        }
        // More than there is.
        assert_eq!(all(Read::new().from(29).to(99).limit(99)), [29, 30]);
    });
}

#[test]
fn ranges_are_read_backward_from_their_end() {
    everywhere(|home| {
        let store = thirty(home);
        let all = |read: Read<Position>| positions(&store, read.backward());
        assert_eq!(all(Read::new()), (1..=30).rev().collect::<Vec<_>>());
        assert_eq!(all(Read::new().limit(3)), [30, 29, 28]);
        assert_eq!(all(Read::new().to(5).limit(3)), [5, 4, 3]);
        assert_eq!(all(Read::new().from(7).to(9)), [9, 8, 7]);
        assert_eq!(all(Read::new().after(7).before(9)), [8]);
        let of = |read: Read<Version>| versions(&store, "a-1", read.backward());
        assert_eq!(of(Read::new()), (1..=10).rev().collect::<Vec<_>>());
        assert_eq!(of(Read::new().to(4).limit(2)), [4, 3]);
        assert_eq!(of(Read::new().from(9).limit(99)), [10, 9]);
    });
}

#[test]
fn streams_are_read_by_version() {
    everywhere(|home| {
        let store = thirty(home);
        for stream in ["a-1", "b-1", "a-2"] {
            let of = |read| versions(&store, stream, read);
            assert_eq!(of(Read::new()), (1..=10).collect::<Vec<_>>());
            assert_eq!(of(Read::new().from(9)), [9, 10]);
            assert_eq!(of(Read::new().after(2).before(5)), [3, 4]);
            assert_eq!(of(Read::new().limit(1)), [1]);
            assert!(of(Read::new().from(11)).is_empty());
            assert!(of(Read::new().limit(0)).is_empty());
            assert_eq!(store.stream_version(stream).unwrap(), Version::new(10));
        }
        assert!(versions(&store, "a", Read::new()).is_empty());
        assert!(versions(&store, "", Read::new()).is_empty());
        assert_eq!(store.stream_version("a").unwrap(), Version::NONE);
    });
}

#[test]
fn long_streams_are_read_in_both_directions_without_a_gap() {
    everywhere(|home| {
        let store = home.open();
        // More than is looked up at once, several times.
        for batch in 0..4 {
            let events = (0..333).map(|nth| note((batch * 333 + nth).to_string()));
            store.append("long", batch * 333, events).unwrap();
        }
        let forward = versions(&store, "long", Read::new());
        assert_eq!(forward, (1..=1_332).collect::<Vec<_>>());
        let backward = versions(&store, "long", Read::new().backward());
        assert_eq!(backward, (1..=1_332).rev().collect::<Vec<_>>());
        for length in [255, 256, 257, 511, 512, 513] {
            let read = Read::new().after(100).limit(length);
            let found = versions(&store, "long", read);
            assert_eq!(found, (101..101 + length).collect::<Vec<_>>());
            let found = versions(&store, "long", Read::new().to(length).backward());
            assert_eq!(found, (1..=length).rev().collect::<Vec<_>>());
        }
    });
}

#[test]
fn single_events_are_found_by_position() {
    everywhere(|home| {
        let store = thirty(home);
        for position in (1..=30).rev() {
            let event = store.event(position).unwrap().unwrap();
            assert_eq!(event.position.get(), position);
            check(&event);
        }
        for position in [0, 31, 1_000] {
            assert_eq!(store.event(position).unwrap(), None);
        }
    });
}

#[test]
fn a_commit_over_several_streams_is_read_in_its_order() {
    everywhere(|home| {
        let store = home.open();
        let commit = Commit::new()
            .append("b", 0, [note("1"), note("2")])
            .expect("c", ExpectedVersion::NoStream)
            .append("a", 0, [note("3")])
            .append("d-1", 0, [note("4"), note("5")]);
        let done = store.commit(commit).unwrap();
        assert_eq!((done.first.get(), done.last.get()), (1, 5));
        let store = home.reopened(&store);
        let found: Vec<_> = store
            .read_all(Read::new())
            .unwrap()
            .map(Result::unwrap)
            .inspect(check)
            .map(|event| (event.stream, event.version.get()))
            .collect();
        let wanted = [("b", 1), ("b", 2), ("a", 1), ("d-1", 1), ("d-1", 2)];
        assert!(found.iter().map(|(stream, version)| (stream.as_str(), *version)).eq(wanted));
        let times: Vec<_> =
            store.read_all(Read::new()).unwrap().map(|e| e.unwrap().recorded).collect();
        assert!(times.iter().all(|time| *time == times[0]), "a commit has one recorded time");
    });
}

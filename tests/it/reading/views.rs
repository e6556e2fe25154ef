//! Names, views that don't change, and cursors that are in nobody's way.

use super::home::{check, everywhere, positions, thirty};
use crate::fixture::{all, note};
use annals::{Commit, Durability, ExpectedVersion, Position, Read, Store, Version};

#[test]
fn streams_and_categories_are_listed() {
    everywhere(|home| {
        let store = home.open();
        assert_eq!(store.streams().unwrap().count(), 0);
        assert!(store.categories().unwrap().is_empty());
        let names =
            ["order-1", "cart-7-b", "settings", "order-2", "-odd", "order", "Order-1", "é-1"];
        for name in names {
            store.append(name, 0, [note("x"), note("y")]).unwrap();
        }
        store.append("order-1", 2, [note("again")]).unwrap();
        home.twice(&store, |store| {
            assert_eq!(all(store.streams().unwrap()), names);
            let of = |category| all(store.streams_of(category).unwrap());
            assert_eq!(of("order"), ["order-1", "order-2", "order"]);
            assert_eq!(of("cart"), ["cart-7-b"]);
            assert_eq!(of("settings"), ["settings"]);
            assert_eq!(of(""), ["-odd"]);
            assert_eq!(of("é"), ["é-1"]);
            assert!(of("ord").is_empty());
            let sorted = ["", "Order", "cart", "order", "settings", "é"];
            assert_eq!(store.categories().unwrap(), sorted);
        });
        let store = home.open();
        store.append("last-1", 0, [note("x")]).unwrap();
        assert_eq!(store.streams().unwrap().last().unwrap().unwrap(), "last-1");
        assert_eq!(store.categories().unwrap()[3], "last");
    });
}

#[test]
fn many_streams_are_listed_each_once() {
    let store = Store::in_memory().unwrap();
    let names: Vec<_> = (0..1_000).map(|nth| format!("{}-{nth}", ["a", "b"][nth % 2])).collect();
    for name in &names {
        let commit = Commit::new().append(name.as_str(), 0, [note("x")]);
        store.commit(commit.durability(Durability::Buffered)).unwrap();
    }
    assert_eq!(all(store.streams().unwrap()), names);
    let of_a: Vec<_> = names.iter().filter(|name| name.starts_with('a')).cloned().collect();
    assert_eq!(all(store.streams_of("a").unwrap()), of_a);
}

#[test]
fn a_view_does_not_change() {
    everywhere(|home| {
        let store = thirty(home);
        let view = store.view().unwrap();
        let (mut events, mut names) = (view.all(Read::new()), view.streams());
        assert_eq!(
            (events.next().unwrap().unwrap().position.get(), names.next().unwrap().unwrap()),
            (1, "a-1".to_owned())
        );
        for nth in 0..200 {
            let stream = format!("new-{}", nth % 10);
            store.append(stream, ExpectedVersion::Any, [note("later")]).unwrap();
            store.append("a-1", ExpectedVersion::Any, [note("later")]).unwrap();
        }
        assert_eq!(view.head(), Position::new(30));
        assert_eq!(events.map(Result::unwrap).inspect(check).count(), 29);
        assert_eq!(all(names), ["b-1", "a-2"]);
        assert_eq!(view.clone().all(Read::new().backward()).count(), 30);
        assert_eq!(view.stream("a-1", Read::new()).map(Result::unwrap).count(), 10);
        assert_eq!(
            view.stream("a-1", Read::new().backward()).next().unwrap().unwrap().version.get(),
            10
        );
        assert_eq!(view.stream("new-1", Read::new()).count(), 0);
        assert_eq!(view.stream_version("a-1").unwrap().get(), 10);
        assert_eq!(view.stream_version("new-1").unwrap(), Version::NONE);
        assert_eq!(view.streams_of("new").count(), 0);
        assert_eq!(view.categories().unwrap(), ["a", "b"]);
        assert_eq!(view.event(31).unwrap(), None);
        assert_eq!(store.head().unwrap().get(), 430);
    });
}

#[test]
fn a_half_read_cursor_does_not_stop_an_append_of_the_same_thread() {
    everywhere(|home| {
        let store = thirty(home);
        let mut cursor = store.read_all(Read::new()).unwrap();
        let mut reader = store.view().unwrap().reader();
        while let Some(event) = cursor.next_event().unwrap() {
            assert!(event.position.get() <= 30);
            let again = reader.event(event.position).unwrap().unwrap();
            assert_eq!(
                (again.stream().unwrap(), again.payload),
                (event.stream().unwrap(), event.payload)
            );
            let stream = event.stream().unwrap().to_owned();
            store.append(stream, ExpectedVersion::StreamExists, [note("meanwhile")]).unwrap();
        }
        assert_eq!(store.head().unwrap().get(), 60);
    });
}

#[test]
fn cursors_can_be_read_by_another_thread() {
    everywhere(|home| {
        let store = thirty(home);
        let cursor = store.read_all(Read::new()).unwrap();
        let counted = std::thread::spawn(move || cursor.map(Result::unwrap).count());
        assert_eq!(counted.join().unwrap(), 30);
    });
}

#[test]
fn buffered_events_are_read_before_they_are_synced() {
    everywhere(|home| {
        let store = home.open();
        for nth in 0..50 {
            store.append("a", nth, [note((nth + 1).to_string())]).unwrap();
            assert_eq!(positions(&store, Read::new().from(nth + 1)), [nth + 1]);
        }
        assert_eq!(positions(&store, Read::new()).len(), 50);
        let cursor = store.read_stream("a", Read::new()).unwrap();
        // What a cursor began to read before the sync, it reads on after it.
        store.sync().unwrap();
        assert_eq!(cursor.map(Result::unwrap).inspect(check).count(), 50);
    });
}

//! Views and cursors that are older than the runs, whose room is used again meanwhile.

use super::{Answers, device, grow, options};
use crate::fixture::Place;
use annals::storage::{Access, FileStorage, Storage};
use annals::{Cursor, Read, RecordedEvent, Store, View};
use std::sync::Arc;

/// A view, and cursors of it that have read half.
struct Old {
    view: View,
    all: Cursor,
    back: Cursor,
    stream: Cursor,
}

impl Old {
    fn new(store: &Store) -> Self {
        let view = store.view().unwrap();
        let half = view.head().get() as usize / 2;
        let mut all = view.all(Read::new());
        let mut back = view.all(Read::new().backward());
        assert_eq!(all.by_ref().take(half).filter(Result::is_ok).count(), half);
        assert_eq!(back.by_ref().take(half).filter(Result::is_ok).count(), half);
        let mut stream = view.stream("order", Read::new());
        let version = view.stream_version("order").unwrap().get() as usize;
        assert_eq!(stream.by_ref().take(version / 2).count(), version / 2);
        Self { view, all, back, stream }
    }

    /// The rest of the cursors, and everything that the view can be asked.
    #[track_caller]
    fn stays(self, now: &Answers, first: usize) {
        let head = self.view.head().get() as usize;
        let what = format!("a view of {head} events");
        let events = &now.events[..head];
        let rest = |cursor: Cursor| -> Vec<RecordedEvent> { cursor.map(Result::unwrap).collect() };
        assert_eq!(rest(self.all), events[head / 2..], "{what}");
        assert!(rest(self.back).iter().rev().eq(&events[..head - head / 2]), "{what}");
        let of_stream = events.iter().filter(|event| event.stream == "order");
        let of_stream: Vec<_> = of_stream.cloned().collect();
        assert_eq!(rest(self.stream), of_stream[of_stream.len() / 2..], "{what}");
        now.up_to(head).check_view(&self.view, first, &what);
    }
}

/// Views of a store that grows.
fn views(store: &Store, looking: &Store) -> Vec<Old> {
    let mut views = Vec::new();
    for events in [1, 7, 30, 85, 170, 333, 401] {
        grow(store, events);
        views.push(Old::new(looking));
    }
    views
}

fn file(place: &Place, access: Access) -> Arc<dyn Storage> {
    drop(options().open(place.path()).unwrap());
    Arc::new(FileStorage::open(&place.path(), access, true).unwrap())
}

fn each_device(check: impl Fn(Arc<dyn Storage>)) {
    check(device(&[]));
    let places = [Place::new(), Place::new()];
    check(file(&places[0], Access::Map));
    check(file(&places[1], Access::Read));
}

#[test]
fn old_views_and_cursors_see_what_they_saw_after_many_merges() {
    each_device(|disk| {
        let store = options().open_storage(disk).unwrap();
        let views = views(&store, &store);
        grow(&store, 2_000);
        let answers = Answers::of(&store);
        for (first, old) in views.into_iter().enumerate() {
            old.stays(&answers, first);
        }
        assert!(store.verify().unwrap().is_whole());
        assert_eq!(store.stats().unwrap().index.healed, 0);
    });
}

#[test]
fn room_that_no_view_needs_any_more_is_used_again() {
    let store = options().open_storage(device(&[])).unwrap();
    let views = views(&store, &store);
    grow(&store, 1_000);
    let pinned = store.stats().unwrap();
    drop(views);
    grow(&store, 2_000);
    let free = store.stats().unwrap();
    let live = free.log_bytes + free.index.run_bytes;
    assert!(free.file_bytes <= 2 * live + (128 << 10), "{pinned:?} {free:?}");
}

#[test]
fn old_views_see_what_they_saw_when_the_store_was_closed_and_another_writes_on() {
    each_device(|disk| {
        let store = options().open_storage(disk.clone()).unwrap();
        let views = views(&store, &store);
        let events = Answers::of(&store).events;
        store.close().unwrap();
        let store = options().open_storage(disk).unwrap();
        grow(&store, 2_000);
        let answers = Answers::of(&store);
        assert_eq!(answers.events[..events.len()], events);
        for (first, old) in views.into_iter().enumerate() {
            old.stays(&answers, first);
        }
        assert!(store.verify().unwrap().is_whole());
    });
}

#[test]
fn old_views_see_what_they_saw_when_the_next_store_is_closed_too() {
    let disk = device(&[]);
    let store = options().open_storage(disk.clone()).unwrap();
    let views = views(&store, &store);
    store.close().unwrap();
    drop(store);
    for events in (500..=2_000).step_by(100) {
        let store = options().open_storage(disk.clone()).unwrap();
        grow(&store, events);
        store.close().unwrap();
    }
    let answers = Answers::of(&options().open_storage_read_only(disk).unwrap());
    for (first, old) in views.into_iter().enumerate() {
        old.stays(&answers, first);
    }
}

#[test]
fn a_follower_sees_what_it_saw_when_its_runs_are_overwritten() {
    each_device(|disk| {
        let store = options().open_storage(disk.clone()).unwrap();
        grow(&store, 1);
        store.sync().unwrap();
        let looking = options().durability(annals::Durability::Synced);
        let looking = looking.open_storage_read_only(disk).unwrap();
        let mut views = Vec::new();
        for events in [1, 7, 30, 85, 170, 333, 401] {
            grow(&store, events);
            store.sync().unwrap();
            views.push(Old::new(&looking));
            assert_eq!(looking.head().unwrap().get(), events);
        }
        grow(&store, 2_000);
        store.sync().unwrap();
        let answers = Answers::of(&store);
        for (first, old) in views.into_iter().enumerate() {
            old.stays(&answers, first);
        }
        answers.check(&looking, 0, "the follower now");
        assert!(looking.verify().unwrap().is_whole());
        // Room that was used again is no damage.
        assert_eq!(looking.stats().unwrap().index.healed, 0);
    });
}

/// The follower looks again only when everything was merged and overwritten.
#[test]
fn a_follower_that_sleeps_through_many_merges_catches_up() {
    let disk = device(&[]);
    let store = options().open_storage(disk.clone()).unwrap();
    grow(&store, 100);
    store.sync().unwrap();
    let looking = options().open_storage_read_only(disk).unwrap();
    for events in [110, 300, 301, 900, 2_000] {
        grow(&store, events);
        store.sync().unwrap();
        Answers::of(&store).check(&looking, 0, "the follower");
        assert!(looking.verify().unwrap().is_whole());
    }
    assert_eq!(looking.stats().unwrap().index.healed, 0);
}

//! What there is, counted: all events, a stream's, types, tags; and a stream looked at by itself.

use crate::fixture::{Place, note};
use annals::{Chore, Commit, Counted, Keys, NewEvent, Options, Read, Store, Summary};
use std::collections::BTreeMap;

/// Tables of a few events, so that runs are written and merged all the time.
fn tiny() -> Options {
    Options::new().without_keeper().tail(5, u64::MAX)
}

/// Events and bytes, counted by reading everything; types have to be as listed.
fn counted_by_reading(store: &Store) -> Summary {
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    let mut summary = Summary::default();
    for event in store.read_all(Read::new()).unwrap() {
        let event = event.unwrap();
        summary.events += 1;
        summary.payload_bytes += event.payload.len() as u64;
        *types.entry(event.event_type).or_default() += 1;
    }
    let counted = |(name, events): (&String, &u64)| (name.clone(), *events);
    assert_eq!(
        store.types(Keys::all()).unwrap().map(|it| pair(it.unwrap())).collect::<Vec<_>>(),
        types.iter().map(counted).collect::<Vec<_>>(),
    );
    summary
}

fn pair(counted: Counted) -> (String, u64) {
    (counted.name, counted.events)
}

fn commit(nth: u64) -> Commit {
    let event = |nth: u64| {
        let payload = "x".repeat((nth * 7 % 50) as usize);
        let event = NewEvent::new(format!("Type{}", nth % 3), payload);
        event.tag(format!("tag:{:02}", nth % 40)).tag("all")
    };
    let events = (0..1 + nth % 3).map(|more| event(3 * nth + more));
    events.fold(Commit::new(), |commit, event| commit.event(format!("s-{}", nth % 4), event))
}

#[test]
fn a_summary_counts_what_a_view_has_whatever_the_runs() {
    let store = tiny().in_memory().unwrap();
    assert_eq!(store.summary().unwrap(), Summary::default());
    let mut views = Vec::new();
    for nth in 0..60 {
        store.commit(commit(nth)).unwrap();
        if nth % 7 == 0 {
            store.chore(Chore::Index).unwrap();
        }
        let counted = store.summary().unwrap();
        let read = counted_by_reading(&store);
        assert_eq!((counted.events, counted.payload_bytes), (read.events, read.payload_bytes));
        let (first, last) = (counted.first.unwrap(), counted.last.unwrap());
        assert_eq!((first.position.get(), last.position), (1, store.head().unwrap()));
        let event = store.event(last.position).unwrap().unwrap();
        assert_eq!(last.recorded, event.recorded);
        views.push((store.view().unwrap(), counted));
    }
    // Views that are older than the runs, and than what tables have taken in since.
    for (view, counted) in views {
        assert_eq!(view.summary().unwrap(), counted);
    }
}

#[test]
fn a_view_does_not_count_what_came_later() {
    for options in [tiny(), Options::new()] {
        let store = options.in_memory().unwrap();
        (0..20).for_each(|nth| _ = store.commit(commit(nth)).unwrap());
        let view = store.view().unwrap();
        let counted = (view.summary().unwrap(), view.stream_summary("s-1").unwrap());
        let tags: Vec<_> = view.tags(&Keys::all()).map(Result::unwrap).collect();
        (20..90).for_each(|nth| _ = store.commit(commit(nth)).unwrap());
        store.chore(Chore::Index).unwrap();
        assert_eq!((view.summary().unwrap(), view.stream_summary("s-1").unwrap()), counted);
        assert_eq!(view.tags(&Keys::all()).map(Result::unwrap).collect::<Vec<_>>(), tags);
    }
}

#[test]
fn the_summary_of_a_stream_counts_its_events_alone() {
    let store = tiny().in_memory().unwrap();
    (0..40).for_each(|nth| _ = store.commit(commit(nth)).unwrap());
    let summary = store.stream_summary("s-2").unwrap();
    let events: Vec<_> =
        store.read_stream("s-2", Read::new()).unwrap().map(Result::unwrap).collect();
    assert_eq!(summary.events, events.len() as u64);
    assert_eq!(summary.payload_bytes, events.iter().map(|it| it.payload.len() as u64).sum::<u64>());
    let (first, last) = (summary.first.unwrap(), summary.last.unwrap());
    assert_eq!(first.position, events[0].position);
    assert_eq!((last.position, last.recorded), {
        let last = events.last().unwrap();
        (last.position, last.recorded)
    });
    let of_type = |name: &str| events.iter().filter(|it| it.event_type == name).count() as u64;
    for counted in &summary.types {
        assert_eq!(counted.events, of_type(&counted.name));
    }
    assert_eq!(summary.types.iter().map(|it| it.events).sum::<u64>(), summary.events);
    assert_eq!(store.stream_summary("nothing").unwrap(), Summary::default());
}

#[test]
fn tags_are_listed_by_prefix_in_pieces_backward_and_limited() {
    let store = tiny().in_memory().unwrap();
    (0..80).for_each(|nth| _ = store.commit(commit(nth)).unwrap());
    let names = |keys: Keys| -> Vec<String> {
        store.tags(keys).unwrap().map(|tag| tag.unwrap().name).collect()
    };
    let mut wanted: Vec<String> = (0..40).map(|nth| format!("tag:{nth:02}")).collect();
    assert_eq!(names(Keys::prefix("tag:")), wanted);
    assert_eq!(names(Keys::prefix("tag:").after("tag:30")), wanted[31..]);
    assert_eq!(
        names(Keys::prefix("tag:").before("tag:03").backward()),
        ["tag:02", "tag:01", "tag:00"]
    );
    assert_eq!(names(Keys::all().limit(2)), ["all", "tag:00"]);
    assert_eq!(names(Keys::all().limit(0)), [""; 0]);
    wanted.insert(0, "all".to_owned());
    assert_eq!(names(Keys::all()), wanted);
    wanted.reverse();
    assert_eq!(names(Keys::all().backward()), wanted);
    // Each as often as a query finds it.
    for tag in store.tags(Keys::all()).unwrap() {
        let tag = tag.unwrap();
        let query = annals::Query::from(annals::QueryItem::new().tag(&*tag.name));
        let found = store.query(&query, Read::new()).unwrap().count() as u64;
        assert_eq!(tag.events, found, "{}", tag.name);
    }
}

#[test]
fn a_stream_that_is_as_it_should_be_has_no_issues() {
    let store = tiny().in_memory().unwrap();
    (0..40).for_each(|nth| _ = store.commit(commit(nth)).unwrap());
    for name in ["s-0", "s-1", "s-2", "s-3"] {
        let report = store.verify_stream(name).unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert_eq!(report.events, store.stream_version(name).unwrap().get());
    }
    let nothing = store.verify_stream("nothing").unwrap();
    assert!(nothing.is_whole() && nothing.events == 0);
}

#[test]
fn a_damaged_event_is_an_issue_of_its_stream_and_of_no_other() {
    let place = Place::new();
    let store = place.store();
    for nth in 0..6 {
        store.append("a", nth, [note(format!("payload {nth} of a"))]).unwrap();
        store.append("b", nth, [note(format!("payload {nth} of b"))]).unwrap();
    }
    store.close().unwrap();
    let mut bytes = place.bytes();
    let wanted = b"payload 3 of a";
    let at = bytes.windows(wanted.len()).position(|some| some == wanted).unwrap();
    bytes[at] ^= 1;
    place.put(&bytes);

    let store = place.store();
    let report = store.verify_stream("a").unwrap();
    assert_eq!((report.events, report.issues.len()), (5, 1), "{report:?}");
    let issue = &report.issues[0];
    assert_eq!(issue.position.unwrap().get(), 7);
    assert!(issue.what.starts_with("version 4: "), "{}", issue.what);
    assert!(issue.file_offset.is_some());
    assert!(store.verify_stream("b").unwrap().is_whole());
    // Counting the stream reads it, and must not count what is not there.
    assert!(store.stream_summary("a").is_err());
    assert_eq!(store.stream_summary("b").unwrap().events, 6);
    assert_eq!(store.summary().unwrap().events, 12);
}

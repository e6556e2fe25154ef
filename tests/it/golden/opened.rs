//! Each golden file opens, says what it said when it was written, and goes on from there.

use super::Golden;
use super::listing::{self, Listing};
use crate::fixture::{FORMAT_VERSION, PAGE, Place, all, note};
use annals::storage::Access;
use annals::{
    Commit, Ending, EventKind, Keys, NewEvent, Options, Query, QueryItem, Read, Revision, Store,
    Timestamp, Uuid, View, category_of,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The files: what they were when the format was frozen, in bytes and as a CRC-32.
const FILES: [(&str, usize, u32); 5] = [
    ("closed", 233_472, 0x0cf5_1c90),
    ("crashed", 106_496, 0xe25c_8566),
    ("torn", 106_496, 0xc388_7411),
    ("merged", 483_328, 0x777d_bfa1),
    ("compacted", 208_896, 0xc2fc_2b9b),
];

const ACCESS: [Access; 2] = [Access::Map, Access::Read];

#[test]
fn the_files_are_those_that_were_written_when_the_format_was_frozen() {
    for (name, length, check) in FILES {
        let bytes = Golden::load(name).bytes;
        let found = (bytes.len(), crc32fast::hash(&bytes));
        assert_eq!(found, (length, check), "{name}: a golden file is never regenerated");
    }
}

#[test]
fn page_0_and_the_slots_say_format_version_1() {
    for (name, ..) in FILES {
        let bytes = Golden::load(name).bytes;
        for page in 0..3 {
            let version = &bytes[page * PAGE..][FORMAT_VERSION];
            assert_eq!(version, 1_u32.to_le_bytes(), "{name}: page {page}");
        }
    }
}

#[test]
fn a_closed_store_reads_as_it_was_written_and_goes_on() {
    check("closed", |store| {
        assert_eq!((store.recovery_report().commits, store.recovery_report().events), (0, 0));
    });
}

#[test]
fn a_crashed_store_reads_as_it_was_written_and_goes_on() {
    check("crashed", |store| {
        let report = store.recovery_report();
        // Seven commits since it was closed; three of them nothing proves to have been synced.
        assert_eq!((report.commits, report.events), (7, 6));
        assert!(report.bytes_unproven > 0);
        assert_eq!(report.bytes_discarded, 0);
    });
}

#[test]
fn of_a_torn_store_the_torn_commit_is_discarded_and_reported() {
    check("torn", |store| {
        let report = store.recovery_report();
        assert_eq!((report.commits, report.events), (7, 6));
        assert!(report.bytes_discarded > 4_000, "{report:?}");
        assert!(report.why.contains("torn and is discarded"), "{report}");
        let torn = Query::from(QueryItem::new().tag("torn"));
        assert_eq!(store.query(&torn, Read::new()).unwrap().count(), 0);
        assert_eq!(store.document("robot-1").unwrap().unwrap().value, b"buffered");
    });
}

#[test]
fn a_store_with_merged_runs_reads_as_it_was_written_and_goes_on() {
    check("merged", |store| {
        let stats = store.stats().unwrap();
        assert!(stats.index.levels >= 2 && stats.index.runs >= 4, "{stats:?}");
        assert!(stats.segments > 32, "{stats:?}");
        assert_eq!((stats.index.tail_events, stats.index.healed), (0, 0), "{stats:?}");
        assert_eq!((store.recovery_report().commits, store.recovery_report().events), (0, 0));
    });
}

#[test]
fn a_compacted_store_reads_as_it_was_written_and_goes_on() {
    check("compacted", |store| {
        assert_eq!(store.document("order-1/state").unwrap().unwrap().revision.get(), 2);
        // What was deleted before is new here.
        assert_eq!(store.document("empty").unwrap(), None);
    });
}

/// Opens copies of the file, by maps and by reads, to look and to write: each says what is listed,
/// and what `more` asserts; and what is opened to write goes on.
fn check(name: &str, more: impl Fn(&Store)) {
    let golden = Golden::load(name);
    for access in ACCESS {
        let place = Place::new();
        place.put(&golden.bytes);
        let options = Options::new().without_keeper().access(access);
        let looked = options.open_read_only(place.path()).unwrap();
        holds(&looked, &golden.listing);
        more(&looked);
        assert!(place.bytes() == golden.bytes, "{name}: looking has written");
        drop(looked);

        let store = options.open(place.path()).unwrap();
        holds(&store, &golden.listing);
        more(&store);
        goes_on(&store, &golden.listing);
        store.close().unwrap();
        let store = options.open(place.path()).unwrap();
        assert_eq!(store.recovery_report().ending, Ending::Closed);
        went_on(&store, &golden.listing);
    }
}

/// Asserts that the store, opened from the file, says what is listed.
fn holds(store: &Store, listing: &Listing) {
    assert_eq!(store.id().to_string(), listing.store["store"]);
    let ending = match store.recovery_report().ending {
        Ending::Closed => "Closed",
        Ending::Whole => "Whole",
        Ending::Torn => "Torn",
        other => panic!("{other:?}"),
    };
    assert_eq!(ending, listing.store["ending"]);
    assert!(!store.recovery_report().header_damaged);

    says(&store.view().unwrap(), listing);

    let stats = store.stats().unwrap();
    assert_eq!(stats.events, listing.events.len() as u64);
    assert_eq!(stats.streams, streams(listing).len() as u64);
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.commits, listing.store["commits"]);
    assert_eq!(report.events, listing.events.len() as u64);
    assert_eq!(report.documents, listing.store["document_records"]);
}

/// Asserts that a view says what is listed, whatever way it is asked.
fn says(view: &View, listing: &Listing) {
    let events = &listing.events;
    assert_eq!(view.head().get(), events.len() as u64);
    let lines = |cursor: annals::Cursor| -> Vec<Value> {
        cursor.map(|event| listing::event(&event.unwrap())).collect()
    };
    let down = |mut lines: Vec<Value>| -> Vec<Value> {
        lines.reverse();
        lines
    };
    assert_eq!(lines(view.all(Read::new())), *events);
    assert_eq!(lines(view.all(Read::new().backward())), down(events.clone()));
    for event in events {
        let found = view.event(event["position"].as_u64().unwrap()).unwrap().unwrap();
        assert_eq!(listing::event(&found), *event);
        let found = view.event_by_id(uuid(&event["id"])).unwrap().unwrap();
        assert_eq!(listing::event(&found), *event);
    }

    // Streams, in the order in which they began.
    let streams = streams(listing);
    assert_eq!(all(view.streams()), streams);
    let mut categories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stream in &streams {
        let own = having(events, |event| event["stream"] == *stream);
        assert_eq!(view.stream_version(stream).unwrap().get(), own.len() as u64);
        assert_eq!(lines(view.stream(stream, Read::new())), own);
        let report = view.verify_stream(stream).unwrap();
        assert!(report.is_whole() && report.events == own.len() as u64, "{report:?}");
        assert_eq!(lines(view.stream(stream, Read::new().backward())), down(own));
        categories.entry(category_of(stream)).or_default().push(stream);
    }
    assert!(view.categories().unwrap().iter().eq(categories.keys()));
    for (category, own) in &categories {
        assert_eq!(all(view.streams_of(category)), *own);
    }

    // By each of what an event may be asked for.
    let asks = |item: QueryItem, wanted: Vec<Value>| {
        let query = Query::from(item);
        assert_eq!(lines(view.query(&query, Read::new()).unwrap()), wanted, "{query:?}");
        let newest = lines(view.query(&query, Read::new().backward()).unwrap());
        assert_eq!(newest, down(wanted), "{query:?}");
    };
    for tag in values(events, |event| event["tags"].as_array().cloned().unwrap_or_default()) {
        let has = |event: &Value| event["tags"].as_array().is_some_and(|tags| tags.contains(&tag));
        asks(QueryItem::new().tag(text(&tag)), having(events, has));
    }
    for name in values(events, |event| vec![event["type"].clone()]) {
        let own = having(events, |event| event["type"] == name);
        asks(QueryItem::new().event_type(text(&name)), own);
    }
    for id in values(events, |event| event.get("correlation_id").cloned().into_iter().collect()) {
        let own = having(events, |event| event["correlation_id"] == id);
        asks(QueryItem::new().correlation_id(uuid(&id)), own);
    }
    for id in values(events, |event| event.get("causation_id").cloned().into_iter().collect()) {
        let own = having(events, |event| event["causation_id"] == id);
        asks(QueryItem::new().causation_id(uuid(&id)), own);
    }
    for category in categories.keys() {
        let own = having(events, |event| category_of(text(&event["stream"])) == *category);
        asks(QueryItem::new().category(*category), own);
    }
    let kinds = [EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
    for kind in kinds {
        let name = format!("{kind:?}");
        let of = |event: &Value| event.get("kind").map_or("Domain", text) == name;
        asks(QueryItem::new().kind(kind), having(events, of));
    }
    let recorded = |event: &Value| event["recorded"].as_i64().unwrap();
    let (first, last) = (recorded(&events[events.len() / 3]), recorded(&events[events.len() / 2]));
    let during = having(events, |event| (first..=last).contains(&recorded(event)));
    let item = QueryItem::new().since(Timestamp::from_micros(first));
    asks(item.until(Timestamp::from_micros(last)), during);

    counts(view, events);

    // Documents.
    let documents = view.documents(&Keys::all()).map(Result::unwrap);
    let documents: Vec<Value> = documents.map(|found| listing::document(&found)).collect();
    assert_eq!(documents, listing.documents);
    for document in &listing.documents {
        let found = view.document(text(&document["key"])).unwrap().unwrap();
        assert_eq!(listing::document(&found), *document);
    }
    for (key, _) in &listing.deleted {
        assert_eq!(view.document(key).unwrap(), None);
    }
}

/// Asserts that what is counted by the index is what is listed.
fn counts(view: &View, events: &[Value]) {
    let counted = |counts: annals::Counts| -> BTreeMap<String, u64> {
        counts.map(Result::unwrap).map(|it| (it.name, it.events)).collect()
    };
    let mut tags = BTreeMap::new();
    for tag in events.iter().flat_map(|event| event["tags"].as_array().into_iter().flatten()) {
        *tags.entry(text(tag).to_owned()).or_default() += 1;
    }
    assert_eq!(counted(view.tags(&Keys::all())), tags);
    let mut types = BTreeMap::new();
    for event in events {
        *types.entry(text(&event["type"]).to_owned()).or_default() += 1;
    }
    assert_eq!(counted(view.types(&Keys::all())), types);

    let summary = view.summary().unwrap();
    assert_eq!(summary.events, events.len() as u64);
    let bytes = |event: &Value| match &event["payload"] {
        Value::String(text) => text.len() as u64,
        Value::Object(long) if long.contains_key("bytes") => long["bytes"].as_u64().unwrap(),
        hex => text(&hex["hex"]).len() as u64 / 2,
    };
    assert_eq!(summary.payload_bytes, events.iter().map(bytes).sum::<u64>());
    let (first, last) = (summary.first.unwrap(), summary.last.unwrap());
    assert_eq!(events[0]["recorded"], first.recorded.micros());
    assert_eq!(events[events.len() - 1]["recorded"], last.recorded.micros());
    assert_eq!((first.position.get(), last.position.get()), (1, summary.events));
}

/// Commits more, and once more what was committed first.
fn goes_on(store: &Store, listing: &Listing) {
    // It is found by the id that it was given then.
    let first = &listing.events[0];
    let again = NewEvent::new(text(&first["type"]), "").id(uuid(&first["id"]));
    let again = store.append(text(&first["stream"]), 0, [again]).unwrap();
    assert!(again.replayed && again.first.get() == 1, "{again:?}");

    let head = listing.events.len() as u64;
    let (stream, version) = last(listing);
    let (document, revision) = last_document(listing);
    let commit = Commit::new().append(stream, version, [note("one").tag("new")]);
    let commit = commit.append("new-1", 0, [note("two").tag("new")]);
    let commit = commit.put_over(document, revision, "new");
    // What was deleted goes on with its revisions.
    let keys = listing.deleted.iter();
    let commit = keys.clone().fold(commit, |commit, (key, _)| commit.put_over(&**key, 0, "back"));
    let done = store.commit(commit).unwrap();
    assert_eq!((done.first.get(), done.last.get()), (head + 1, head + 2));
    assert_eq!(done.version().get(), version + 1);
    let revisions = [(document, Revision::new(revision))].into_iter();
    let revisions = revisions.chain(keys.map(|(key, revision)| (&**key, *revision)));
    let revisions = revisions.map(|(key, revision)| (key.to_owned(), revision.next().unwrap()));
    assert_eq!(done.revisions, revisions.collect::<Vec<_>>());
}

/// Asserts that the store has what is listed and what was committed since.
fn went_on(store: &Store, listing: &Listing) {
    let head = listing.events.len() as u64;
    let events = store.read_all(Read::new().to(head)).unwrap();
    let events: Vec<Value> = events.map(|event| listing::event(&event.unwrap())).collect();
    assert_eq!(events, listing.events);
    let new = Query::from(QueryItem::new().tag("new"));
    let new: Vec<_> = store.query(&new, Read::new()).unwrap().map(Result::unwrap).collect();
    let (stream, version) = last(listing);
    assert_eq!(new.len(), 2);
    assert_eq!((&*new[0].stream, new[0].version.get()), (stream, version + 1));
    assert_eq!((&*new[1].stream, &*new[1].payload), ("new-1", &b"two"[..]));
    let (document, revision) = last_document(listing);
    let found = store.document(document).unwrap().unwrap();
    assert_eq!((found.revision.get(), &*found.value), (revision + 1, &b"new"[..]));
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.events, head + 2);
}

/// The stream and version of the last event.
fn last(listing: &Listing) -> (&str, u64) {
    let last = listing.events.last().unwrap();
    (text(&last["stream"]), last["version"].as_u64().unwrap())
}

/// The last key and its revision.
fn last_document(listing: &Listing) -> (&str, u64) {
    let last = listing.documents.last().unwrap();
    (text(&last["key"]), last["revision"].as_u64().unwrap())
}

fn streams(listing: &Listing) -> Vec<&str> {
    let begin = listing.events.iter().filter(|event| event["version"] == 1);
    begin.map(|event| text(&event["stream"])).collect()
}

fn having(events: &[Value], holds: impl Fn(&Value) -> bool) -> Vec<Value> {
    events.iter().filter(|event| holds(event)).cloned().collect()
}

/// The values that there are, each once.
fn values(events: &[Value], of: impl Fn(&Value) -> Vec<Value>) -> Vec<Value> {
    let texts: BTreeSet<String> =
        events.iter().flat_map(of).map(|value| text(&value).to_owned()).collect();
    texts.into_iter().map(Value::from).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn uuid(value: &Value) -> Uuid {
    Uuid::try_parse(text(value)).unwrap()
}

//! Real events: the sample of flights, loaded and counted by the code of the example.

#[path = "../../examples/flights/check.rs"]
mod check;
#[path = "../../examples/flights/count.rs"]
mod count;
#[path = "../../examples/flights/line.rs"]
mod line;
#[path = "../../examples/flights/load.rs"]
mod load;
#[path = "../../examples/flights/source.rs"]
mod source;
#[path = "../../examples/flights/summary.rs"]
mod summary;
#[path = "../../examples/flights/together.rs"]
mod together;

use annals::{
    Commit, IdCheck, NewEvent, Options, Position, Query, QueryItem, Read, RecordedEvent, Store,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};
use std::path::Path;

/// The numbers are those of tests/data/README.md, counted from the lines, not by the store.
#[test]
fn the_sample_gives_the_numbers_counted_from_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.annals");
    let store = Store::open(&path).unwrap();
    let loaded = load::load(&store, &mut *sample().unwrap(), |_| ()).unwrap();
    assert_eq!((loaded.events, loaded.commits), (4_000, 40));
    store.close().unwrap();

    let store = Store::open(&path).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.events, report.commits), (4_000, 40));
    assert_eq!(store.stats().unwrap().streams, 1_139);
    assert_eq!(store.streams().unwrap().count(), 1_139);
    assert_eq!(store.categories().unwrap(), ["aircraft", "carrier", "station"]);

    let types = summary::types(store.read_all(Read::new()).unwrap(), |_| ()).unwrap();
    let types: BTreeMap<&str, u64> = types.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    let expected = [
        ("FlightArrived", 1_814),
        ("FlightCancelled", 17),
        ("FlightDeparted", 1_986),
        ("FlightDiverted", 14),
        ("WeatherObserved", 169),
    ];
    assert_eq!(types, BTreeMap::from(expected));

    let carriers = summary::carriers(store.read_all(Read::new()).unwrap(), |_| ()).unwrap();
    let mut carriers: Vec<String> = carriers
        .iter()
        .map(|(code, carrier)| {
            let mean = carrier.mean_delay().unwrap();
            format!("{code} {mean:.2} ({}; {})", carrier.arrivals, carrier.cancellations)
        })
        .collect();
    carriers.sort();
    let expected = [
        "9E 16.35 (72; 0)",
        "AA 10.27 (189; 5)",
        "AS -17.25 (4; 0)",
        "B6 6.73 (335; 1)",
        "DL -4.25 (271; 0)",
        "EV 44.72 (257; 7)",
        "F9 10.75 (4; 0)",
        "FL 5.91 (22; 0)",
        "HA -9.50 (2; 0)",
        "MQ 22.37 (159; 1)",
        "UA 6.56 (334; 3)",
        "US 4.38 (77; 0)",
        "VX -17.46 (24; 0)",
        "WN 14.69 (64; 0)",
    ];
    assert_eq!(carriers, expected);
}

#[test]
fn every_line_of_the_sample_is_found_in_its_event() {
    let store = Store::in_memory().unwrap();
    load::load(&store, &mut *sample().unwrap(), |_| ()).unwrap();
    let mut events: BTreeMap<String, RecordedEvent> = store
        .read_all(Read::new())
        .unwrap()
        .map(|event| event.unwrap())
        .map(|event| (event.id.to_string(), event))
        .collect();
    assert_eq!(events.len(), 4_000);
    let (mut tags, mut correlations, mut causations) = (HashSet::new(), HashSet::new(), 0);
    for line in sample().unwrap().lines() {
        let line = line.unwrap();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let event = events.remove(value["id"].as_str().unwrap()).unwrap();
        assert!(event.id_given);
        assert_eq!(event.stream, value["stream"]);
        assert_eq!(event.event_type, value["type"]);
        let occurred = event.occurred.unwrap().to_string();
        assert_eq!(occurred.replace(".000000Z", "Z"), value["time"]);
        let metadata = &value["metadata"];
        let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string());
        assert_eq!(text(event.correlation_id).as_deref(), metadata["correlationId"].as_str());
        assert_eq!(text(event.causation_id).as_deref(), metadata["causationId"].as_str());
        assert_eq!(value["tags"], serde_json::Value::from(event.tags.as_slice()));
        let payload = std::str::from_utf8(&event.payload).unwrap();
        assert!(line.contains(&format!(r#","data":{payload},"metadata":"#)), "{line}");
        tags.extend(event.tags);
        correlations.extend(event.correlation_id);
        causations += u32::from(event.causation_id.is_some());
    }
    assert_eq!((tags.len(), correlations.len(), causations), (1_269, 2_003, 1_828));
}

/// How many lines of the sample have each tag, and each correlation id.
fn counted() -> (HashMap<String, u64>, HashMap<uuid::Uuid, u64>) {
    let (mut tags, mut correlations) = (HashMap::new(), HashMap::new());
    for line in sample().unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        for tag in value["tags"].as_array().unwrap() {
            *tags.entry(tag.as_str().unwrap().to_owned()).or_default() += 1;
        }
        if let Some(id) = value["metadata"]["correlationId"].as_str() {
            *correlations.entry(id.parse().unwrap()).or_default() += 1;
        }
    }
    (tags, correlations)
}

#[track_caller]
fn assert_finds_as_many_events_as_lines(store: &Store) {
    let (tags, correlations) = counted();
    assert_eq!((tags.len(), correlations.len()), (1_269, 2_003));
    let found = |item: QueryItem| {
        let mut found = HashSet::new();
        for event in store.query(&Query::from(item), Read::new()).unwrap() {
            assert!(found.insert(event.unwrap().id), "an event twice");
        }
        found.len() as u64
    };
    for (tag, lines) in &tags {
        assert_eq!(found(QueryItem::new().tag(tag)), *lines, "{tag}");
    }
    for (id, lines) in &correlations {
        assert_eq!(found(QueryItem::new().correlation_id(*id)), *lines, "{id}");
    }
    assert_eq!(found(QueryItem::new().tag("origin:XYZ")), 0);
}

#[test]
fn each_tag_and_correlation_id_finds_as_many_events_as_there_are_lines() {
    // In memory tables, and in many runs.
    for options in [Options::new(), Options::new().tail(300, u64::MAX)] {
        let store = options.in_memory().unwrap();
        load::load(&store, &mut *sample().unwrap(), |_| ()).unwrap();
        assert_finds_as_many_events_as_lines(&store);
    }
}

#[test]
fn loaded_by_eight_threads_the_sample_has_each_line_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.annals");
    let options = Options::new().tail(300, u64::MAX);
    let store = options.open(&path).unwrap();
    let loaded = together::load_together(&store, &mut *sample().unwrap(), 8, |_| ()).unwrap();
    assert_eq!((loaded.events, loaded.seen.len()), (4_000, 4_000));
    // They did meet: streams were not there yet, and what had come meanwhile was not seen.
    assert!(loaded.early > 0 && loaded.unseen > 0, "{} {}", loaded.early, loaded.unseen);
    store.close().unwrap();

    let store = options.open(&path).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.events, report.commits), (4_000, 4_000));
    assert_eq!(store.stats().unwrap().streams, 1_139);
    let lines = count::count(&mut *sample().unwrap(), |_| ()).unwrap();
    let everything = store.read_all(Read::new()).unwrap();
    check::replay(everything, &lines, Some(&loaded.seen), |_| ()).unwrap();
    let view = store.view().unwrap();
    assert_eq!(check::queries(&view, &lines, |_, _| ()).unwrap(), (1_269, 2_003));
    assert_finds_as_many_events_as_lines(&store);
}

/// What the example checks after loading is not true of any store.
#[test]
fn a_store_that_differs_from_the_lines_is_told() {
    let text: Vec<String> = sample().unwrap().lines().take(400).map(Result::unwrap).collect();
    let lines = count::count(&mut text.join("\n").as_bytes(), |_| ()).unwrap();
    let replay = |text: &[String], seen: Option<&[Position]>| {
        let store = Store::in_memory().unwrap();
        for line in text {
            let line::Line { stream, event, .. } = line::parse(line).unwrap();
            let commit = Commit::new().event(stream, event).id_check(IdCheck::Off);
            store.commit(commit).unwrap();
        }
        check::replay(store.read_all(Read::new()).unwrap(), &lines, seen, |_| ())
    };
    let all_seen: Vec<Position> = (0..400).map(Position::new).collect();
    replay(&text, None).unwrap();
    replay(&text, Some(&all_seen)).unwrap();

    let changed = |nth: usize, from: &str, to: &str| {
        let mut changed = text.clone();
        changed[nth] = changed[nth].replace(from, to);
        changed
    };
    let flight = |nth: usize| text[nth].split_once("\"flight:").map(|(_, rest)| rest);
    let arrived = (0..400).rfind(|nth| text[*nth].contains("FlightArrived")).unwrap();
    let departed = (0..arrived).rfind(|nth| flight(*nth) == flight(arrived)).unwrap();
    let mut swapped = text.clone();
    swapped.swap(departed, arrived);
    for (other, seen, what) in [
        (text.clone(), Some(&[Position::START; 400][..]), "has not seen all of its flight"),
        (text[1..].to_vec(), None, "400 lines, 399 events"),
        ([&text[..], &text[..1]].concat(), None, "is there twice, in event 1 and 401"),
        (swapped, None, "comes too late in its stream"),
        (changed(0, "c2ed8d70-", "c2ed8d71-"), None, "at position 1 is in no line"),
        (changed(0, "WeatherObs", "WeatherUnobs"), None, "type Weather"),
        (changed(0, "origin:EWR", "origin:XYZ"), None, "tag origin:"),
    ] {
        let error = replay(&other, seen).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// Nobody waits for what never comes.
#[test]
fn threads_that_load_end_when_one_of_them_fails() {
    let store = Store::in_memory().unwrap();
    store.append("station-JFK", 0, [NewEvent::new("Noted", "")]).unwrap();
    let loaded = together::load_together(&store, &mut *sample().unwrap(), 8, |_| ());
    let error = loaded.err().unwrap().to_string();
    assert!(error.contains("stream 'station-JFK' was expected"), "{error}");
    let store = Store::in_memory().unwrap();
    let mut lines = sample().unwrap().lines().take(60).collect::<Result<Vec<_>, _>>().unwrap();
    lines[57].push('}');
    let lines = lines.join("\n");
    let loaded = together::load_together(&store, &mut lines.as_bytes(), 8, |_| ());
    let error = loaded.err().unwrap().to_string();
    assert!(error.starts_with("line 58: expected "), "{error}");
}

#[test]
fn a_line_that_is_no_event_is_named_with_what_was_expected() {
    let good = sample().unwrap().lines().next().unwrap().unwrap();
    for (bad, expected) in [
        (good.replace("Z\"", "\""), "a moment like 2013-01-01T06:00:00Z in `time`"),
        (good.replace("2013-01-01T", "2013-02-29T"), "a moment like"),
        (good.replace("c2ed8d70-", "c2ed8d7-"), "a UUID in `id`"),
        (good.replace("\"station-EWR\"", "7"), "a string in `stream`, not 7"),
        (good.replace("\"data\"", "\"date\""), "no key `date` beside stream, type,"),
        (good.replace("\"type\":\"WeatherObserved\",", ""), "a `type`"),
        (good.replace("[\"origin:EWR\"]", "null"), "`tags` to be an array"),
        (good.replace("]}", "],}"), "a JSON object; column "),
        (good.replace("]}", "]}}"), "a JSON object; column "),
        ("{\"stream\":\"a".to_owned(), "a JSON object; column 12: EOF while parsing a string"),
        ("[]".to_owned(), "a JSON object; column "),
        ("{}".to_owned(), "a JSON object with members"),
    ] {
        let store = Store::in_memory().unwrap();
        let lines = format!("{good}\n\n{bad}\n{good}\n");
        let Err(error) = load::load(&store, &mut lines.as_bytes(), |_| ()) else {
            panic!("loaded: {bad}");
        };
        let error = error.to_string();
        assert!(error.starts_with(&format!("line 3: expected {expected}")), "{error}");
        assert_eq!(store.head().unwrap().get(), 0, "nothing of the batch is there");
    }
}

fn sample() -> io::Result<Box<dyn BufRead>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights-sample.jsonl.gz");
    source::open(Path::new(path))
}

//! Real events: the sample of flights, loaded and counted by the code of the example.

#[path = "../../examples/flights/line.rs"]
mod line;
#[path = "../../examples/flights/load.rs"]
mod load;
#[path = "../../examples/flights/source.rs"]
mod source;
#[path = "../../examples/flights/summary.rs"]
mod summary;

use annals::{Read, RecordedEvent, Store};
use std::collections::{BTreeMap, HashSet};
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

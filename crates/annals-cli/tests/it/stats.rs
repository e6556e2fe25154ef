use crate::fixture::{Place, json};
use snapbox::{assert_data_eq, str};

#[test]
fn the_numbers_are_those_of_the_store() {
    let place = Place::with_flights();
    let numbers = &json(&place.does(&["stats", "flights.annals", "--json"]))[0];
    let store = place.store("flights.annals");
    let (stats, summary) = (store.stats().unwrap(), store.summary().unwrap());
    assert_eq!(numbers["id"], store.id().to_string());
    assert_eq!((&numbers["events"], &numbers["head"]), (&4_000.into(), &4_000.into()));
    assert_eq!((&numbers["streams"], &numbers["durable"]), (&stats.streams.into(), &4_000.into()));
    assert_eq!(numbers["first"], "2013-01-01T06:00:00Z");
    assert_eq!(numbers["bytes"]["payload"], summary.payload_bytes);
    assert_eq!(numbers["runs"], stats.index.runs);
    let bytes = |name: &str| numbers["bytes"][name].as_u64().unwrap();
    assert!(bytes("file") >= bytes("log") + bytes("index"));
    assert!(bytes("free") < bytes("file"));
}

#[test]
fn the_numbers_are_readable() {
    let place = Place::with_flights();
    assert_data_eq!(
        place.does(&["stats", "flights.annals"]),
        str![[r#"
id             [..]
events         4,000
streams        1,139
head           4,000
durable        4,000
first          2013-01-01T06:00:00Z
last           2013-01-03T14:00:00Z
file bytes     [..]
  payloads     574,702 (561.2 KiB)
  log          1,757,184 (1.6 MiB)
  index        585,728 (572.0 KiB)
  free         [..]
segments       [..]
runs           1
in no run yet  0
left           the store was closed

"#]]
    );
    let empty = Place::with(&[]);
    assert!(empty.does(&["stats", "a.annals"]).contains("none yet"));
}

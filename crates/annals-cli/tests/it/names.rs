use crate::fixture::{Place, json};
use snapbox::{assert_data_eq, str};
use std::collections::BTreeMap;

/// What the lines of the sample say.
fn counted(
    place: &Place,
    name: impl Fn(&serde_json::Value) -> Vec<String>,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in json(&place.does(&["export", "flights.annals"])) {
        for name in name(&line) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn listed(place: &Place, words: &[&str], what: &str) -> BTreeMap<String, u64> {
    let lines = json(&place.does(words));
    let pair = |line: &serde_json::Value| {
        (line[what].as_str().unwrap().to_owned(), line["events"].as_u64().unwrap())
    };
    lines.iter().map(pair).collect()
}

#[test]
fn names_are_listed_with_as_many_events_as_there_are() {
    let place = Place::with_flights();
    let text = |line: &serde_json::Value, key: &str| vec![line[key].as_str().unwrap().to_owned()];
    let streams = counted(&place, |line| text(line, "stream"));
    assert_eq!(listed(&place, &["streams", "flights.annals"], "stream"), streams);
    let types = counted(&place, |line| text(line, "type"));
    assert_eq!(listed(&place, &["types", "flights.annals"], "type"), types);
    let tags = counted(&place, |line| {
        let tags = line["tags"].as_array().unwrap().iter();
        tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
    });
    assert_eq!(listed(&place, &["tags", "flights.annals"], "tag"), tags);
    let carriers: BTreeMap<_, _> =
        tags.into_iter().filter(|(tag, _)| tag.starts_with("carrier:")).collect();
    let words = ["tags", "flights.annals", "--prefix", "carrier:"];
    assert_eq!(listed(&place, &words, "tag"), carriers);
    let words = ["streams", "flights.annals", "--category", "station"];
    assert_eq!(listed(&place, &words, "stream").len(), 3);
    place.fails(3, &["streams", "flights.annals", "--category", "nothing"]);
    assert!(place.does(&["tags", "flights.annals", "--prefix", "nothing"]).is_empty());
}

#[test]
fn lists_are_tables_for_people() {
    let place = Place::with_flights();
    assert_data_eq!(
        place.does(&["types", "flights.annals", "--table"]),
        str![[r#"
events  type
 1,814  FlightArrived
    17  FlightCancelled
 1,986  FlightDeparted
    14  FlightDiverted
   169  WeatherObserved

"#]]
    );
}

#[test]
fn documents_are_listed_and_their_values_shown() {
    let place = Place::with(&["x"]);
    let store = place.store("a.annals");
    store.put("settings", "{\"a\": 1}").unwrap();
    store.put("settings", "{\"a\": 2}").unwrap();
    store.put("other", b"\xff\x00".as_slice()).unwrap();
    store.put("gone", "").unwrap();
    store.delete("gone").unwrap();
    store.close().unwrap();
    let lines = json(&place.does(&["documents", "a.annals"]));
    let keys: Vec<_> =
        lines.iter().map(|line| (&line["document"], &line["revision"], &line["bytes"])).collect();
    assert_eq!(
        keys,
        [(&"other".into(), &1.into(), &2.into()), (&"settings".into(), &2.into(), &8.into())]
    );
    assert_eq!(place.does(&["documents", "a.annals", "settings"]), "{\"a\": 2}");
    let value = place.annals(&["documents", "a.annals", "other"]).assert().success();
    assert_eq!(value.get_output().stdout, b"\xff\x00");
    let said = place.fails(3, &["documents", "a.annals", "setting"]);
    assert!(said.contains("did you mean 'settings'?"), "{said}");
    assert_eq!(json(&place.does(&["documents", "a.annals", "--prefix", "o"])).len(), 1);
}

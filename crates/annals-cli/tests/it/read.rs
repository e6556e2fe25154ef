use crate::fixture::{Place, json, text};
use annals::{ExpectedVersion, NewEvent};
use serde_json::Value;
use snapbox::{assert_data_eq, str};

fn positions(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["position"].as_u64().unwrap()).collect()
}

#[test]
fn what_is_asked_for_is_what_is_shown() {
    let place = Place::with_flights();
    let all = json(&place.does(&["read", "flights.annals"]));
    assert_eq!(positions(&all), (1..=4_000).collect::<Vec<_>>());
    let has_tag = |line: &Value, tag: &str| line["tags"].as_array().unwrap().contains(&tag.into());
    let check = |words: &[&str], is_meant: &dyn Fn(&Value) -> bool| {
        let words = [&["read", "flights.annals"], words].concat();
        let meant: Vec<&Value> = all.iter().filter(|line| is_meant(line)).collect();
        assert!(!meant.is_empty(), "{words:?}");
        let shown = json(&place.does(&words));
        assert_eq!(shown.iter().collect::<Vec<_>>(), meant, "{words:?}");
        let mut backward = json(&place.does(&[&words[..], &["--backward"]].concat()));
        backward.reverse();
        assert_eq!(backward, shown, "{words:?}");
    };
    check(&["--tag", "dest:SFO"], &|it| has_tag(it, "dest:SFO"));
    check(&["--tag", "dest:SFO", "--tag", "carrier:UA"], &|it| {
        has_tag(it, "dest:SFO") && has_tag(it, "carrier:UA")
    });
    check(&["--type", "FlightCancelled", "--type", "FlightDiverted"], &|it| {
        it["type"] == "FlightCancelled" || it["type"] == "FlightDiverted"
    });
    check(&["--category", "station"], &|it| it["stream"].as_str().unwrap().starts_with("station-"));
    check(&["--from", "17", "--before", "30"], &|it| {
        (17..30).contains(&it["position"].as_u64().unwrap())
    });
    check(&["--after", "17", "--to", "30", "--type", "FlightDeparted"], &|it| {
        (18..=30).contains(&it["position"].as_u64().unwrap()) && it["type"] == "FlightDeparted"
    });
    let is_of = |it: &Value| it["stream"] == "station-JFK";
    check(&["--stream", "station-JFK"], &is_of);
    // Of a stream, numbers are versions: alone, and with something else.
    check(&["--stream", "station-JFK", "--from", "3", "--to", "5"], &|it| {
        is_of(it) && (3..=5).contains(&it["version"].as_u64().unwrap())
    });
    check(&["--stream", "station-JFK", "--after", "3", "--tag", "origin:JFK"], &|it| {
        is_of(it) && it["version"].as_u64().unwrap() > 3
    });
    check(&["--since", "2013-01-02T12:00", "--until", "2013-01-02T13:00"], &|it| {
        it["recorded"].as_str().unwrap().starts_with("2013-01-02T12:")
    });
    let conversation = all.iter().find_map(|it| it["metadata"]["correlationId"].as_str()).unwrap();
    check(&["--correlation", conversation], &|it| it["metadata"]["correlationId"] == conversation);
    assert_eq!(
        positions(&json(&place.does(&["read", "flights.annals", "-n", "2", "-b"]))),
        [4_000, 3_999]
    );
}

#[test]
fn what_is_nowhere_is_told_with_names_that_are_near() {
    let place = Place::with_flights();
    for (words, what) in [
        (
            ["--stream", "station-JFC"],
            "there is no stream 'station-JFC'; did you mean 'station-JFK'",
        ),
        (
            ["--type", "flightdeparted"],
            "there is no type 'flightdeparted'; did you mean 'FlightDeparted'",
        ),
        (["--tag", "dest:SFX"], "there is no tag 'dest:SFX'; did you mean 'dest:S"),
        (["--category", "stations"], "there is no category 'stations'; did you mean 'station'?"),
        (["--type", "Something else"], "there is no type 'Something else'\n"),
    ] {
        let said = place.fails(3, &[&["read", "flights.annals"], &words[..]].concat());
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn a_table_is_what_people_see() {
    let place = Place::with_flights();
    let words = ["read", "flights.annals", "--table", "--stream", "station-JFK", "-n", "2"];
    let shown = place.annals(&words).env("COLUMNS", "96").assert().success();
    assert_data_eq!(
        text(&shown.get_output().stdout),
        str![[r#"
position  recorded             stream       version  type             payload
       2  2013-01-01 06:00:00  station-JFK        1  WeatherObserved  {"temp":39.02,"dewp":26.0…
       5  2013-01-01 07:00:00  station-JFK        2  WeatherObserved  {"temp":39.02,"dewp":26.0…

"#]]
    );
}

#[test]
fn nothing_of_an_event_acts_on_a_terminal() {
    let place = Place::with(&[]);
    let store = place.store("a.annals");
    let nasty = "\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\r\nx";
    let event = NewEvent::new(nasty, nasty).tag(nasty).metadata(nasty);
    store.append(nasty, ExpectedVersion::Any, [event]).unwrap();
    store.put(nasty, nasty).unwrap();
    store.close().unwrap();
    for words in [
        &["read", "a.annals", "--table"][..],
        &["tail", "a.annals", "--table"],
        &["streams", "a.annals", "--table"],
        &["types", "a.annals", "--table"],
        &["tags", "a.annals", "--table"],
        &["documents", "a.annals", "--table"],
    ] {
        let shown = place.does(&[words, &["--color", "never"]].concat());
        let acts = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
        assert!(!shown.contains(acts), "{words:?}: {shown:?}");
        assert!(shown.contains("\\u{1b}"), "{words:?}: {shown:?}");
        assert_eq!(shown.lines().count(), 2, "{words:?}: {shown:?}");
    }
    let said = place.fails(3, &["read", "a.annals", "--stream", "\u{1b}[31m"]);
    assert!(!said.contains('\u{1b}'), "{said:?}");
    // JSON has its own escapes for what acts, but for those that only a terminal knows.
    let line = place.does(&["read", "a.annals", "--json"]);
    assert!(!line.contains('\u{1b}'), "{line:?}");
    assert_eq!(json(&line)[0]["stream"], nasty);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let place = Place::with(&["x"]);
    let words = ["read", "a.annals", "--table", "--color", "always"];
    assert!(place.does(&words).contains("\u{1b}[1m"));
    assert!(!place.does(&["read", "a.annals", "--table"]).contains('\u{1b}'));
}

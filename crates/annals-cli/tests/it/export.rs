use crate::fixture::{Place, SAMPLE, json, text, unpacked};
use std::fs;

#[test]
fn what_was_imported_is_exported_byte_for_byte() {
    let place = Place::with_flights();
    assert!(place.does(&["export", "flights.annals"]) == unpacked(SAMPLE));
}

#[test]
fn what_is_exported_imports_as_the_same_events() {
    let place = Place::with_flights();
    let odd = place.store("odd.annals");
    let event = |payload: &[u8]| annals::NewEvent::new("Noted", payload);
    for event in [
        event(b"").metadata(""),
        event(b"\xff\xfe").metadata("{\"a\": [1, 2]}").tag("\u{1b}[31m"),
        event(b"text").metadata("text\nof lines").kind(annals::EventKind::Trigger),
        event(b"{\n}").schema_version(9).correlation_id(annals::Uuid::from_u128(3)),
        event(b"0.10").occurred(annals::Timestamp::from_micros(-5)),
    ] {
        odd.append("odd \u{9b}1", annals::ExpectedVersion::Any, [event]).unwrap();
    }
    odd.close().unwrap();
    for name in ["flights.annals", "odd.annals"] {
        for (format, out) in
            [("jsonl", "out.jsonl"), ("jsonl", "out.jsonl.gz"), ("cloudevents", "out.jsonl.zst")]
        {
            place.does(&["export", name, "-o", out, "--force", "--format", format]);
            let back = format!("{out}.{name}");
            place.does(&["import", &back, out, "--format", format, "--as-recorded"]);
            place.does(&["diff", name, &back, "--recorded"]);
        }
    }
}

#[test]
fn cloud_events_have_what_the_specification_asks_for() {
    let place = Place::with_flights();
    let lines =
        json(&place.does(&["export", "flights.annals", "--format", "cloudevents", "-n", "50"]));
    assert_eq!(lines.len(), 50);
    for line in &lines {
        for name in ["id", "source", "specversion", "type"] {
            assert!(line[name].as_str().is_some_and(|it| !it.is_empty()), "{name}: {line}");
        }
        for name in line.as_object().unwrap().keys().filter(|name| *name != "data_base64") {
            let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
            assert!(name.len() <= 20 && name.chars().all(plain), "{name}");
        }
        assert_eq!(line["datacontenttype"], "application/json");
    }
}

#[test]
fn csv_has_a_row_for_each_event_and_no_payload() {
    let place = Place::with_flights();
    let csv = place.does(&["export", "flights.annals", "--format", "csv"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4_000);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][3]), ("1", "station-EWR", "WeatherObserved"));
    assert_eq!(&rows[0][7], "origin:EWR");
    assert!(!csv.contains("{\""));
}

#[test]
fn a_file_that_is_there_stays_unless_forced_and_none_is_left_half_written() {
    let place = Place::with_flights();
    place.write("out.jsonl", "mine");
    let said = place.fails(2, &["export", "flights.annals", "-o", "out.jsonl"]);
    assert!(said.contains("--force"), "{said}");
    assert_eq!(fs::read(place.file("out.jsonl")).unwrap(), b"mine");
    place.does(&["export", "flights.annals", "-o", "out.jsonl", "--force", "-n", "3"]);
    assert_eq!(fs::read_to_string(place.file("out.jsonl")).unwrap().lines().count(), 3);
    place.fails(3, &["export", "flights.annals", "-o", "none.jsonl", "--type", "Nothing"]);
    place.fails(2, &["export", "flights.annals", "-o", "no/such/folder.jsonl"]);
    let names = fs::read_dir(place.file("")).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["flights.annals", "out.jsonl"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::with_flights();
    for verb in ["export", "read"] {
        let pipe = format!("\"$0\" {verb} flights.annals | head -n 1; echo ${{PIPESTATUS[0]}}");
        let run = std::process::Command::new("bash")
            .args(["-c", &pipe, env!("CARGO_BIN_EXE_annals")])
            .current_dir(place.file(""))
            .output()
            .unwrap();
        let out = text(&run.stdout);
        assert!(out.ends_with("\n0\n") && run.stderr.is_empty(), "{out}{}", text(&run.stderr));
    }
}

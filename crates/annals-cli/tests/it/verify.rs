use crate::fixture::{Place, json, text};
use std::fs;

/// Changes a bit of a payload in the middle of the sample; returns its byte of the file.
fn damage(place: &Place) -> usize {
    let path = place.file("flights.annals");
    let mut bytes = fs::read(&path).unwrap();
    let needle = b"\"dep_delay\":";
    let places = bytes.windows(needle.len()).enumerate().filter(|(_, it)| it == needle);
    let at = places.map(|(at, _)| at).nth(900).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    at
}

#[test]
fn a_whole_store_ends_with_0_and_says_so() {
    let place = Place::with_flights();
    for words in [&["verify", "flights.annals"][..], &["verify", "flights.annals", "--quick"]] {
        let said = place.does(words);
        assert!(said.starts_with("whole; ") && said.contains("4,000 events"), "{said}");
        assert!(place.does(&[words, &["--quiet"]].concat()).is_empty());
        let found = &json(&place.does(&[words, &["--json"]].concat()))[0];
        assert_eq!((&found["whole"], &found["events"]), (&true.into(), &4_000.into()));
    }
}

#[test]
fn damage_is_listed_with_its_place_and_ends_with_1() {
    let place = Place::with_flights();
    let at = damage(&place);
    for words in [&["verify", "flights.annals"][..], &["verify", "flights.annals", "--quick"]] {
        let failed = place.annals(words).assert().code(1);
        let said = text(&failed.get_output().stdout);
        assert!(said.contains("problem: ") && said.contains("not whole: 1 problem"), "{said}");
        let failed = place.annals(&[words, &["--json"]].concat()).assert().code(1);
        let found = &json(&text(&failed.get_output().stdout))[0];
        assert_eq!(found["whole"], false);
        let offset = found["problems"][0]["file_offset"].as_u64().unwrap();
        // The frame in which it is begins before it.
        let at = u64::try_from(at).unwrap();
        assert!((at - 100_000..=at).contains(&offset), "{offset} {at}");
    }
}

#[test]
fn what_is_whole_of_a_damaged_store_gets_out_and_what_is_lost_is_listed() {
    let place = Place::with_flights();
    damage(&place);
    let failed = place.annals(&["salvage", "flights.annals", "out.annals"]).assert().code(1);
    let out = text(&failed.get_output().stdout);
    assert!(out.contains("kept 3999 events") && out.contains("is lost"), "{out}");
    place.does(&["verify", "out.annals"]);
    let numbers = &json(&place.does(&["stats", "out.annals", "--json"]))[0];
    assert_eq!(numbers["events"], 3_999);
    let words = ["salvage", "flights.annals", "again.annals", "--json"];
    let failed = place.annals(&words).assert().code(1);
    let came = &json(&text(&failed.get_output().stdout))[0];
    assert_eq!((&came["events"], &came["events_lost"]), (&3_999.into(), &1.into()));
    // What is there already stays.
    place.fails(2, &["salvage", "flights.annals", "out.annals"]);
}

#[test]
fn a_whole_store_salvages_without_loss() {
    let place = Place::with_flights();
    place.does(&["salvage", "flights.annals", "out.annals"]);
    place.does(&["diff", "flights.annals", "out.annals", "--recorded"]);
}

//! Verbs whose output goes to a terminal: tables, colours, progress, and nothing that acts.

use crate::fixture::{Place, unpacked};
use crate::pty::Terminal;
use annals::{ExpectedVersion, NewEvent};

fn path(place: &Place, name: &str) -> String {
    place.file(name).to_str().unwrap().to_owned()
}

#[test]
fn a_table_is_as_wide_as_the_terminal_and_has_colours_unless_they_are_not_wanted() {
    let place = Place::with_flights();
    let path = path(&place, "flights.annals");
    let no_colour = &[("NO_COLOR", "1")][..];
    for (environment, asked_for, has_colour) in [
        (&[][..], &[][..], true),
        (&[], &["--color", "never"], false),
        (no_colour, &[], false),
        (&[("NO_COLOR", "")], &[], true),
        (&[("TERM", "dumb")], &[], false),
        // Who asks for colours means it.
        (no_colour, &["--color", "always"], true),
    ] {
        let words = [&["read", &path, "--limit", "5"], asked_for].concat();
        let Some(mut terminal) = Terminal::annals(&words, environment, 90, 30) else { return };
        assert_eq!(terminal.ends(), 0);
        let contents = terminal.contents();
        // A line for each event, and the heads: nothing is wrapped.
        assert_eq!(contents.lines().count(), 6, "{contents}");
        assert!(contents.contains("WeatherObserved") && contents.contains('…'), "{contents}");
        assert_eq!(terminal.has_had(b"\x1b["), has_colour, "{environment:?} {asked_for:?}");
    }
}

#[test]
fn nothing_of_the_data_acts_on_the_terminal() {
    let place = Place::with(&[]);
    let store = place.store("a.annals");
    let nasty = "\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\r\nx";
    let event = NewEvent::new(nasty, format!("{{\"a\":\"\u{9b}31m\u{202e}{}\"}}", "y"));
    store.append(nasty, ExpectedVersion::Any, [event.tag(nasty)]).unwrap();
    store.put("key", nasty).unwrap();
    store.close().unwrap();
    let other = place.store("b.annals");
    other.append("plain", ExpectedVersion::Any, [NewEvent::new("T", "")]).unwrap();
    other.close().unwrap();
    let (file, other) = (path(&place, "\u{1b}]0;x\u{7}/\u{9b}31m"), path(&place, "b.annals"));
    let path = path(&place, "a.annals");
    for words in [
        &["read", &path][..],
        &["read", &path, "--json"],
        &["tail", &path],
        &["export", &path],
        &["export", &path, "--format", "csv"],
        &["export", &path, "--format", "cloudevents"],
        &["streams", &path],
        &["streams", &path, "--json"],
        &["types", &path],
        &["tags", &path],
        &["documents", &path],
        &["documents", &path, "key"],
        &["verify", &path],
        &["diff", &path, &path],
        &["diff", &path, &other],
        &["dump", &path, "--offset", "12288"],
        // What goes wrong names what it is about.
        &["append", &path, "--stream", nasty, "--type", "T", "--expect", "none"],
        &["read", &path, "--stream", &nasty[1..]],
        &["stats", &file],
        &["import", &path, &file],
        &["export", &path, "-o", &file],
    ] {
        let words = [words, &["--color", "never"]].concat();
        let Some(mut terminal) = Terminal::annals(&words, &[], 200, 30) else { return };
        terminal.ends();
        for acts in ["\u{1b}", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!terminal.has_had(acts.as_bytes()), "{words:?}: {acts:?}");
        }
        assert!(!terminal.contents().is_empty(), "{words:?}");
    }
}

#[test]
fn what_takes_long_shows_how_far_it_is_and_cleans_up() {
    let place = Place::new();
    // More than is done at once.
    place.write("in.jsonl", unpacked(crate::fixture::SAMPLE).repeat(100));
    let (store, input) = (path(&place, "a.annals"), path(&place, "in.jsonl"));
    let words = ["import", &store, &input];
    let Some(mut terminal) = Terminal::annals(&words, &[], 100, 30) else { return };
    terminal.shows_when_held_up("MiB of ");
    assert_eq!(terminal.ends(), 0);
    let contents = terminal.contents();
    assert!(contents.contains("events imported into"), "{contents}");
    assert!(!contents.contains("MiB of"), "{contents}");
    let words = ["import", &store, &input, "--quiet"];
    let Some(mut terminal) = Terminal::annals(&words, &[], 100, 30) else { return };
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.contents().trim().is_empty(), "{}", terminal.contents());
}

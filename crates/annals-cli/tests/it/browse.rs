//! `browse` in a pseudo terminal: keys in, screen out.

use crate::pty::Terminal;
use annals::{NewEvent, Options, Store, Timestamp};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const DOWN: &str = "\x1b[B";
const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";

/// What gives the terminal back: the main screen, and the cursor.
const LEAVE: &[u8] = b"\x1b[?1049l";
const SHOW: &[u8] = b"\x1b[?25h";

/// A folder with the sample of flights as a store, made by `annals import`.
fn flights() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.annals");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = sample.join("../../tests/data/flights-sample.jsonl.gz");
    let mut import = Command::new(env!("CARGO_BIN_EXE_annals"));
    import.arg("import").arg(&path).arg(sample).args(["--as-recorded", "--quiet"]);
    assert!(import.status().unwrap().success());
    (folder, path)
}

/// A folder with a store of a few events, of which one would like to take the terminal over.
fn evil() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.annals");
    let store = Store::open(&path).unwrap();
    let escape = "\x1b]0;taken\x07\x1b[2J\x1b[31m";
    let payload = "{\"quiet\": \"\u{9b}2J\", \"n\": 1.50}";
    store.append(format!("evil-{escape}"), 0, [NewEvent::new("Plain", payload)]).unwrap();
    let event = NewEvent::new(format!("Evil{escape}"), format!("text {escape}"));
    store.append("evil-2", 0, [event.tag(format!("tag{escape}"))]).unwrap();
    store.close().unwrap();
    (folder, path)
}

#[test]
fn it_opens_lists_streams_and_shows_what_is_in_them() {
    let (_folder, path) = flights();
    let Some(mut terminal) = Terminal::browse(&path, &[], 120, 40) else { return };
    terminal.shows("1 of 4,000 · all events");
    terminal.shows("streams · ");
    terminal.shows("station-EWR");
    terminal.shows("WeatherObserved");
    terminal.shows("\"wind_speed\": 10.357019999999999,");
    // To the streams, two down, and open.
    terminal.write("h");
    terminal.write(&DOWN.repeat(2));
    terminal.shows("› station-JFK");
    terminal.write("\r");
    terminal.shows(" · station-JFK");
    terminal.shows("station-JFK, version 1");
    terminal.write("\r");
    terminal.write("J");
    terminal.shows("station-JFK, version 2");
    terminal.quit();
}

#[test]
fn nothing_of_the_data_reaches_the_terminal_as_it_is() {
    let (_folder, path) = evil();
    let Some(mut terminal) = Terminal::browse(&path, &[], 120, 40) else { return };
    terminal.shows("\"quiet\": \"\\u{9b}2J\",");
    terminal.shows("\"n\": 1.50");
    terminal.write("j");
    terminal.shows("text \\u{1b}]0;taken\\u{7}\\u{1b}[2J");
    terminal.shows("tag\\u{1b}]0;taken");
    terminal.write("h");
    terminal.write(DOWN);
    terminal.write("\r");
    terminal.shows("1 of 1 · evil-\\u{1b}]0;taken");
    terminal.quit();
    for wrong in ["\x1b]0", "\x07", "\u{9b}", "taken\x1b"] {
        assert!(!terminal.has_had(wrong.as_bytes()), "{wrong:?} was written");
    }
}

#[test]
fn a_search_finds_and_positions_and_times_are_jumped_to() {
    let (_folder, path) = flights();
    let Some(mut terminal) = Terminal::browse(&path, &[], 100, 30) else { return };
    terminal.shows("1 of 4,000");
    let store = Store::open_read_only(&path).unwrap();
    let all = || store.read_all(annals::Read::new()).unwrap().map(Result::unwrap);
    let found = all().find(|event| event.has_tag("dest:MIA")).unwrap();
    terminal.write("/dest:MIA\r");
    terminal.shows(&format!("{} of 4,000", thousands(found.position.get())));
    terminal.write("p1234\r");
    terminal.shows("1,234 of 4,000");
    terminal.write("p4001\r");
    terminal.shows("the last position is 4000");
    terminal.write(ESC);
    terminal.hides("the last position");
    let noon = Timestamp::from_micros(1_357_041_600_000_000);
    let first = all().find(|event| event.recorded >= noon).unwrap().position.get();
    assert!(first > 1 && first != 1_234);
    terminal.write("t2013-01-01T12:00\r");
    terminal.shows(&format!("{} of 4,000", thousands(first)));
    terminal.write("tsoon\r");
    terminal.shows("expected a time: 2013-01-31");
    terminal.write(ESC);
    terminal.hides("expected a time");
    terminal.write("/there is no such text\r");
    terminal.shows("is nowhere here");
    terminal.quit();
}

#[test]
fn who_follows_sees_what_another_process_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.annals");
    // This process writes; the one in the terminal looks.
    let store = Options::new().open(&path).unwrap();
    store.append("live-1", 0, [NewEvent::new("Begun", "{}")]).unwrap();
    let Some(mut terminal) = Terminal::browse(&path, &["--follow"], 100, 30) else { return };
    terminal.shows("1 of 1");
    terminal.shows("following");
    for version in 1..=30 {
        let event = NewEvent::new("Ticked", format!("{{\"tick\": {version}}}"));
        store.append("live-1", version, [event]).unwrap();
    }
    terminal.shows("31 of 31");
    terminal.shows("\"tick\": 30");
    store.append("live-2", 0, [NewEvent::new("Begun", "{}")]).unwrap();
    terminal.shows("32 of 32");
    terminal.shows("live-2, version 1");
    terminal.write("k");
    terminal.shows("no longer following");
    store.append("live-2", 1, [NewEvent::new("Ticked", "{}")]).unwrap();
    terminal.shows("31 of 33");
    terminal.quit();
}

#[test]
fn a_screen_that_is_too_small_says_so_until_it_grows() {
    let (_folder, path) = flights();
    let Some(mut terminal) = Terminal::browse(&path, &["--at", "77"], 80, 24) else { return };
    terminal.shows("77 of 4,000");
    terminal.resize(19, 8);
    terminal.shows("the terminal is too");
    terminal.hides("77 of");
    terminal.resize(50, 20);
    terminal.shows("77 of 4,000");
    terminal.hides("streams · ");
    terminal.resize(120, 40);
    terminal.shows("streams · ");
    terminal.shows("77 of 4,000");
    terminal.quit();
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    let (_folder, path) = flights();
    for keys in ["q", CTRL_C, "/half a search\x03"] {
        let Some(mut terminal) = Terminal::browse(&path, &[], 80, 24) else { return };
        let before = terminal.before.clone();
        terminal.shows("1 of 4,000");
        assert_ne!(terminal.settings(), before, "it takes each key");
        terminal.write(keys);
        assert_eq!(terminal.ends(), 0);
        assert_eq!(terminal.settings(), before);
        assert!(terminal.had_last(LEAVE, b"\x1b[?1049h"), "the main screen is back");
        assert!(terminal.had_last(SHOW, b"\x1b[?25l"), "the cursor is back");
        assert!(!terminal.is_alternate());
    }
}

#[test]
fn being_ended_leaves_the_terminal_as_it_was() {
    let (_folder, path) = flights();
    for signal in ["-TERM", "-INT", "-HUP"] {
        let Some(mut terminal) = Terminal::browse(&path, &[], 80, 24) else { return };
        let before = terminal.before.clone();
        terminal.shows("1 of 4,000");
        let id = terminal.process().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(terminal.ends(), 130, "{signal}");
        assert_eq!(terminal.settings(), before);
        assert!(terminal.had_last(LEAVE, b"\x1b[?1049h") && terminal.had_last(SHOW, b"\x1b[?25l"));
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_takes_it_again() {
    let (_folder, path) = flights();
    let Some(mut terminal) = Terminal::browse(&path, &[], 80, 24) else { return };
    terminal.shows("1 of 4,000");
    terminal.write("p99\r");
    terminal.shows("99 of 4,000");
    // Nobody would let it go on, so the system does not stop it: it goes on at once.
    terminal.write("\x1a");
    terminal.waits_for(LEAVE);
    terminal.write("j");
    terminal.shows("100 of 4,000");
    assert!(terminal.is_alternate());
    terminal.quit();
}

#[test]
fn an_event_that_is_damaged_is_named_and_the_others_are_shown() {
    let (_folder, path) = flights();
    let store = Store::open_read_only(&path).unwrap();
    let payload = store.event(2_000).unwrap().unwrap().payload;
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(payload.len()).position(|there| there == payload).unwrap();
    bytes[at] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    let Some(mut terminal) = Terminal::browse(&path, &[], 100, 30) else { return };
    terminal.shows("1 of 4,000");
    terminal.write("p2000\r");
    terminal.shows("2,000 of 4,000");
    terminal.shows("this event can't be read");
    terminal.shows("the store is corrupt at byte");
    terminal.shows("2001 2013-01-02 13:33:00");
    terminal.write("j");
    terminal.shows("2,001 FlightArrived");
    terminal.quit();
}

#[test]
fn without_a_terminal_it_says_that_it_needs_one() {
    let (_folder, path) = flights();
    let browse = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.arg("browse").arg(&path).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    };
    let output = browse().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("takes its keys from a terminal, and standard input is none"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_stream_that_is_not_there_is_named_before_the_screen_is_taken() {
    let (_folder, path) = flights();
    let arguments = ["--stream", "station-EVR"];
    let Some(mut terminal) = Terminal::browse(&path, &arguments, 80, 24) else { return };
    assert_eq!(terminal.ends(), 3);
    terminal.shows("did you mean");
    assert!(!terminal.has_had(b"\x1b[?1049h"));
}

/// What the cursor's number looks like in the title.
fn thousands(number: u64) -> String {
    match (number / 1_000, number % 1_000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}

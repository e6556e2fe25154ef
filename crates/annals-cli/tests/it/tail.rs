use crate::fixture::{Place, json};
use annals::{Commit, Durability, ExpectedVersion, NewEvent};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_newest_events_are_shown_in_their_order() {
    let place = Place::with_flights();
    let shown = json(&place.does(&["tail", "flights.annals"]));
    let positions: Vec<_> = shown.iter().map(|line| line["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (3_991..=4_000).collect::<Vec<_>>());
    let shown =
        json(&place.does(&["tail", "flights.annals", "-n", "3", "--type", "FlightCancelled"]));
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|line| line["type"] == "FlightCancelled"));
    place.fails(3, &["tail", "flights.annals", "--type", "Nothing"]);
    let words = ["tail", "flights.annals", "--stream", "station-JFK", "--to", "20", "-n", "5"];
    let versions: Vec<_> =
        json(&place.does(&words)).iter().map(|line| line["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [16, 17, 18, 19, 20]);
    // What comes has no end yet.
    let said = place.fails(2, &["tail", "-f", "flights.annals", "--to", "20"]);
    assert!(said.contains("cannot be used with"), "{said}");
}

fn following(place: &Place, words: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut tail = Command::new(env!("CARGO_BIN_EXE_annals"))
        .current_dir(place.file(""))
        .args(["tail", "-f", "a.annals", "--json"])
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(tail.stdout.take().unwrap());
    (tail, out)
}

fn next(out: &mut impl BufRead) -> serde_json::Value {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn what_another_process_writes_is_followed_until_it_is_interrupted() {
    let place = Place::with(&["1", "2"]);
    // This process writes, the other one follows; what is not asked for yet has no type.
    let store = place.store("a.annals");
    let (mut all, mut of_all) = following(&place, &["-n", "1"]);
    let (mut some, mut of_some) = following(&place, &["--type", "Counted"]);
    assert_eq!(next(&mut of_all)["position"], 2);
    for number in 1..=50_u64 {
        let event_type = if number % 2 == 0 { "Counted" } else { "Passed" };
        let event = NewEvent::new(event_type, number.to_string());
        let commit = Commit::new().append("b", ExpectedVersion::Any, [event]);
        store.commit(commit.durability(Durability::Synced)).unwrap();
        let shown = next(&mut of_all);
        assert_eq!((&shown["position"], &shown["data"]), (&(number + 2).into(), &number.into()));
        if number % 2 == 0 {
            assert_eq!(next(&mut of_some)["data"], number);
        }
    }
    for tail in [&mut all, &mut some] {
        let asked = Command::new("kill").args(["-TERM", &tail.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let began = Instant::now();
        let status = loop {
            if let Some(status) = tail.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(130));
    }
    store.close().unwrap();
}

#[test]
fn what_it_was_started_to_ignore_does_not_end_it() {
    let place = Place::with(&["1"]);
    let store = place.store("a.annals");
    let mut tail = Command::new("sh")
        .current_dir(place.file(""))
        .args(["-c", "trap '' HUP; exec \"$0\" tail -f a.annals --json"])
        .arg(env!("CARGO_BIN_EXE_annals"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(tail.stdout.take().unwrap());
    assert_eq!(next(&mut out)["position"], 1);
    let id = tail.id().to_string();
    let send = |signal| {
        let sent = Command::new("kill").args([signal, id.as_str()]).status();
        assert!(sent.unwrap().success());
    };
    send("-HUP");
    let commit = Commit::new().event("a", NewEvent::new("Noted", "2"));
    store.commit(commit.durability(Durability::Synced)).unwrap();
    assert_eq!(next(&mut out)["position"], 2);
    send("-TERM");
    assert_eq!(tail.wait().unwrap().code(), Some(130));
    store.close().unwrap();
}

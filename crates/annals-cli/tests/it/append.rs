use crate::fixture::{Place, json};
use annals::Read;

#[test]
fn a_store_is_made_once() {
    let place = Place::new();
    place.does(&["init", "a.annals"]);
    let said = place.fails(2, &["init", "a.annals"]);
    assert!(said.contains("'a.annals' is there already"), "{said}");
    assert_eq!(place.store("a.annals").head().unwrap().get(), 0);
}

#[test]
fn what_is_appended_is_there_with_all_that_was_said() {
    let place = Place::with(&["one"]);
    let id = "00000000-0000-0000-0000-000000000007";
    let said = place.does(&[
        "append",
        "a.annals",
        "--stream",
        "order-7",
        "--type",
        "OrderPlaced",
        "--expect",
        "none",
        "--tag",
        "customer:7",
        "--tag",
        "x",
        "--data",
        "{\"total\": 12}",
        "--metadata",
        "m",
        "--id",
        id,
        "--correlation",
        id,
        "--causation",
        id,
        "--time",
        "2013-01-01",
        "--kind",
        "integration",
        "--schema-version",
        "3",
        "--json",
    ]);
    let landed = &json(&said)[0];
    assert_eq!((&landed["position"], &landed["version"]), (&2.into(), &1.into()));
    let event = place.store("a.annals").event(2).unwrap().unwrap();
    assert_eq!((&*event.stream, &*event.event_type), ("order-7", "OrderPlaced"));
    assert_eq!(
        (&*event.payload, event.metadata.as_deref()),
        (&b"{\"total\": 12}"[..], Some(&b"m"[..]))
    );
    assert_eq!(event.tags, ["customer:7", "x"]);
    let id = id.parse().unwrap();
    assert_eq!((event.id, event.correlation_id, event.causation_id), (id, Some(id), Some(id)));
    assert_eq!(event.occurred.unwrap().to_string(), "2013-01-01T00:00:00.000000Z");
    assert_eq!((event.kind, event.schema_version), (annals::EventKind::Integration, 3));
}

#[test]
fn a_payload_comes_from_standard_input_byte_for_byte() {
    let place = Place::with(&[]);
    let bytes = b"\xff\x00 no text\n";
    let words = ["append", "a.annals", "--stream", "a", "--type", "Noted", "--data", "-"];
    place.annals(&words).write_stdin(&bytes[..]).assert().success();
    assert_eq!(place.store("a.annals").event(1).unwrap().unwrap().payload, bytes);
}

#[cfg(unix)]
#[test]
fn who_is_interrupted_while_a_payload_or_lines_come_appends_nothing() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    let place = Place::with(&[]);
    for words in [
        &["append", "a.annals", "--stream", "a", "--type", "Noted", "--data", "-"][..],
        &["import", "a.annals", "-"],
    ] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_annals"))
            .current_dir(place.file(""))
            .args(words)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = run.stdin.take().unwrap();
        // Until it listens a signal ends it at once. This is more than a pipe holds: it reads.
        let lines = "{\"stream\":\"a\",\"type\":\"Noted\"}\n".repeat(10_000);
        stdin.write_all(lines.as_bytes()).unwrap();
        let id = run.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        // It ends though its input does not.
        let mut said = String::new();
        BufReader::new(run.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("annals: interrupted; nothing was "), "{said}");
        assert_eq!(run.wait().unwrap().code(), Some(130));
        drop(stdin);
        assert_eq!(place.store("a.annals").head().unwrap().get(), 0);
    }
}

#[test]
fn a_stale_version_is_refused_with_both_numbers_and_writes_nothing() {
    let place = Place::with(&["one", "two"]);
    for (expect, words) in [("1", "version 2"), ("none", "version 2"), ("7", "version 2")] {
        let said = place.fails(
            4,
            &["append", "a.annals", "--stream", "a", "--type", "Noted", "--expect", expect],
        );
        assert!(said.contains(words), "{said}");
    }
    let said = place.fails(
        4,
        &["append", "a.annals", "--stream", "b", "--type", "Noted", "--expect", "exists"],
    );
    assert!(said.contains("'b'"), "{said}");
    assert_eq!(place.store("a.annals").read_all(Read::new()).unwrap().count(), 2);
}

#[test]
fn the_same_id_is_there_once() {
    let place = Place::with(&[]);
    let id = "00000000-0000-0000-0000-000000000007";
    let words = ["append", "a.annals", "--stream", "a", "--type", "Noted", "--id", id, "--json"];
    assert_eq!(json(&place.does(&words))[0]["replayed"], false);
    assert_eq!(json(&place.does(&words))[0]["replayed"], true);
    // Another event with this id is not.
    let said = place.fails(4, &[&words[..], &["--data", "other"]].concat());
    assert!(said.contains("at position 1, but its payload is not the same"), "{said}");
    assert_eq!(place.store("a.annals").head().unwrap().get(), 1);
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_appending() {
    let place = Place::new();
    let said = place.fails(2, &["append", "a.annals", "--stream", "a", "--type", "Noted"]);
    assert!(said.contains("annals init"), "{said}");
    assert!(!place.file("a.annals").exists());
}

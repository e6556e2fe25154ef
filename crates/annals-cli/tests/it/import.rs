use crate::fixture::{Place, SAMPLE, json, text, unpacked};
use annals::{Ending, ExpectedVersion, NewEvent, Read, Store};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// As many events as the sample has.
const EVENTS: u64 = 4_000;

fn events(place: &Place, name: &str) -> u64 {
    place.store(name).stats().unwrap().events
}

#[test]
fn the_same_input_twice_adds_nothing_the_second_time() {
    let place = Place::new();
    let first = &json(&place.does(&["import", "a.annals", SAMPLE, "--json"]))[0];
    assert_eq!((&first["imported"], &first["already_there"]), (&EVENTS.into(), &0.into()));
    let second = &json(&place.does(&["import", "a.annals", SAMPLE, "--json"]))[0];
    assert_eq!((&second["imported"], &second["already_there"]), (&0.into(), &EVENTS.into()));
    assert_eq!(events(&place, "a.annals"), EVENTS);
}

#[test]
fn an_input_that_has_grown_adds_what_is_new() {
    let place = Place::new();
    let lines = unpacked(SAMPLE);
    let lines: Vec<&str> = lines.lines().collect();
    place.write("some.jsonl", lines[..1_500].join("\n"));
    place.write("more.jsonl", lines[..3_000].join("\n"));
    place.does(&["import", "a.annals", "some.jsonl", "--as-recorded"]);
    let more =
        &json(&place.does(&["import", "a.annals", "more.jsonl", "--as-recorded", "--json"]))[0];
    assert_eq!((&more["imported"], &more["already_there"]), (&1_500.into(), &1_500.into()));
    place.does(&["import", "a.annals", SAMPLE, "--as-recorded"]);
    place.does(&["import", "whole.annals", SAMPLE, "--as-recorded"]);
    place.does(&["diff", "a.annals", "whole.annals", "--recorded"]);
}

#[test]
fn lines_without_ids_are_imported_once_too() {
    let place = Place::new();
    // Twice the same line: two events.
    place.write("in.jsonl", "{\"stream\":\"a\",\"type\":\"T\"}\n".repeat(2));
    for imported in [2, 0] {
        let done = &json(&place.does(&["import", "a.annals", "in.jsonl", "--json"]))[0];
        assert_eq!(done["imported"], imported);
    }
}

/// Forty times the sample, each time with other ids: enough that an import is still at it when it
/// is killed.
fn much() -> String {
    let one = unpacked(SAMPLE);
    let mut lines = String::new();
    for round in 0..40 {
        lines.push_str(&one.replace("\"id\":\"", &format!("\"id\":\"{round:02}").to_owned()));
    }
    // An id has 36 characters: the last two make room for the round.
    let line = |line: &str| {
        let at = line.find("\"id\":\"").unwrap() + 6;
        let id = format!("{}{}", &line[at..at + 8], &line[at + 10..at + 38]);
        format!("{}{}{}\n", &line[..at], id, &line[at + 38..])
    };
    lines.lines().map(line).collect()
}

#[test]
fn a_killed_import_goes_on_where_it_was() {
    let place = Place::new();
    place.write("in.jsonl", much());
    let mut kills = 0;
    for nth in 0..40_u64 {
        let mut import = Command::new(env!("CARGO_BIN_EXE_annals"))
            .current_dir(place.file(""))
            .args(["import", "a.annals", "in.jsonl", "--quiet"])
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + nth * 17 % 300));
        let ended = import.try_wait().unwrap();
        import.kill().unwrap();
        import.wait().unwrap();
        match ended {
            Some(status) => assert!(status.success()),
            None => kills += 1,
        }
    }
    assert!(kills > 3, "it was always faster");
    place.does(&["import", "a.annals", "in.jsonl"]);
    place.does(&["import", "b.annals", "in.jsonl"]);
    place.does(&["diff", "a.annals", "b.annals"]);
    assert_eq!(events(&place, "a.annals"), 40 * EVENTS);
}

#[test]
fn every_bad_line_is_named_and_nothing_is_imported() {
    let place = Place::new();
    let lines = unpacked(SAMPLE);
    let mut lines: Vec<&str> = lines.lines().collect();
    let long = format!("{{\"stream\":\"{}\",\"type\":\"T\"}}", "x".repeat(1_025));
    (lines[4], lines[99], lines[2_000]) = ("{\"stream\":\"a\"}", "nonsense", &long);
    place.write("bad.jsonl", lines.join("\n"));
    let said = place.fails(1, &["import", "a.annals", "bad.jsonl"]);
    for words in [
        "line 5, column 14: missing field `type`",
        "line 100, column 2: expected ident",
        "line 2001, column 1: too many bytes of a name: 1025 given, at most 1024 allowed",
        "3 lines of bad.jsonl are wrong; nothing was imported (--skip-bad leaves wrong lines out)",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(!place.file("a.annals").exists());

    // Neither is anything added to a store that is there.
    place.does(&["init", "b.annals"]);
    place.fails(1, &["import", "b.annals", "bad.jsonl"]);
    assert_eq!(events(&place, "b.annals"), 0);

    let skipped = place.annals(&["import", "b.annals", "bad.jsonl", "--skip-bad", "--json"]);
    let skipped = { skipped }.assert().success();
    let done = &json(&text(&skipped.get_output().stdout))[0];
    assert_eq!((&done["imported"], &done["skipped"]), (&(EVENTS - 3).into(), &3.into()));
    assert_eq!(crate::fixture::said(skipped).lines().count(), 3);
}

#[test]
fn an_id_that_is_there_with_another_event_is_an_error_that_says_what_differs() {
    let place = Place::new();
    let line = |id: u32, data: &str| {
        format!("{{\"stream\":\"a\",\"type\":\"T\",\"id\":\"{id:032x}\",\"data\":{data}}}\n")
    };
    place.write("one.jsonl", line(1, "1") + &line(2, "2"));
    place.does(&["import", "a.annals", "one.jsonl"]);
    place.write("two.jsonl", line(1, "1") + &line(3, "3") + &line(2, "7"));
    let said = place.fails(1, &["import", "a.annals", "two.jsonl"]);
    assert!(said.contains("line 3") && said.contains("position 2"), "{said}");
    assert!(said.contains("its payload is not the same"), "{said}");
    assert!(said.contains("what came before this line is imported"), "{said}");
    assert_eq!(events(&place, "a.annals"), 3);
    // Left out, where that is asked for.
    place.write("more.jsonl", line(2, "7") + &line(4, "4"));
    let skipped = place.annals(&["import", "a.annals", "more.jsonl", "--skip-bad", "--json"]);
    let skipped = { skipped }.assert().success();
    let done = &json(&text(&skipped.get_output().stdout))[0];
    assert_eq!((&done["imported"], &done["skipped"]), (&1.into(), &1.into()));
    assert!(crate::fixture::said(skipped).contains("line 1"));
    // Within one input as well.
    place.write("twice.jsonl", line(8, "1") + &line(9, "2") + &line(8, "3"));
    let said = place.fails(1, &["import", "b.annals", "twice.jsonl"]);
    assert!(said.contains("line 3") && said.contains("in an earlier line"), "{said}");
    place.write("same.jsonl", line(8, "1") + &line(9, "2") + &line(8, "1"));
    let done = &json(&place.does(&["import", "c.annals", "same.jsonl", "--json"]))[0];
    assert_eq!((&done["imported"], &done["already_there"]), (&2.into(), &1.into()));
}

#[test]
fn the_times_of_the_input_become_those_of_the_store_when_asked_for() {
    let place = Place::with_flights();
    let store = place.store("flights.annals");
    for event in store.read_all(Read::new()).unwrap() {
        let event = event.unwrap();
        assert_eq!(Some(event.recorded), event.occurred, "{}", event.position);
    }
    store.close().unwrap();
    let of_day = ["read", "flights.annals", "--since", "2013-01-02", "--until", "2013-01-03"];
    let day = json(&place.does(&of_day));
    assert!(day.len() > 500);
    assert!(day.iter().all(|it| it["recorded"].as_str().unwrap().starts_with("2013-01-02")));
    let line = |time: &str| format!("{{\"stream\":\"a\",\"type\":\"T\",\"time\":\"{time}\"}}\n");
    // Out of order, and without a time.
    let wrong = line("2014-01-01T00:00:00Z") + &line("2013-12-31T00:00:00Z");
    place.write("wrong.jsonl", wrong + "{\"stream\":\"a\",\"type\":\"T\"}\n");
    let said = place.fails(1, &["import", "b.annals", "wrong.jsonl", "--as-recorded"]);
    assert!(said.contains("line 2") && said.contains("line 1, not 2013-12-31"), "{said}");
    assert!(said.contains("line 3") && said.contains("expected a `time`"), "{said}");
    // Before what the store has.
    place.write("old.jsonl", line("2012-01-01T00:00:00Z"));
    let said = place.fails(2, &["import", "flights.annals", "old.jsonl", "--as-recorded"]);
    assert!(said.contains("line 1") && said.contains("times can't go back"), "{said}");
    // Left out, where that is asked for.
    let times = ["2014-01-05", "2014-01-03", "2014-01-04", "2014-01-06"];
    place.write("mixed.jsonl", times.map(|day| line(&format!("{day}T00:00:00Z"))).concat());
    let said = place.fails(1, &["import", "c.annals", "mixed.jsonl", "--as-recorded"]);
    assert!(said.contains("line 2") && said.contains("line 3, column"), "{said}");
    let words = ["import", "c.annals", "mixed.jsonl", "--as-recorded", "--skip-bad", "--json"];
    let done = &json(&place.does(&words))[0];
    assert_eq!((&done["imported"], &done["skipped"]), (&2.into(), &2.into()));
}

#[test]
fn events_whose_ids_a_store_made_are_known_when_they_come_back() {
    let place = Place::with(&[]);
    let store = place.store("a.annals");
    for data in ["1", "2", "3"] {
        store.append("s", ExpectedVersion::Any, [NewEvent::new("T", data)]).unwrap();
    }
    store.close().unwrap();
    place.does(&["backup", "a.annals", "b.annals"]);
    place.does(&["append", "a.annals", "--stream", "s", "--type", "T", "--data", "4"]);
    place.does(&["export", "a.annals", "-o", "a.jsonl"]);
    for (to, imported, there) in [("a.annals", 0, 4), ("b.annals", 1, 3), ("b.annals", 0, 4)] {
        let done = &json(&place.does(&["import", to, "a.jsonl", "--json"]))[0];
        let expected = (&imported.into(), &there.into());
        assert_eq!((&done["imported"], &done["already_there"]), expected, "{to}");
    }
    place.does(&["diff", "a.annals", "b.annals"]);
}

#[test]
fn many_short_lines_behind_a_long_one_are_no_commit_that_is_too_large() {
    let place = Place::new();
    // They come in the block that the long line has made larger.
    let long =
        format!("{{\"stream\":\"a\",\"type\":\"T\",\"data\":\"{}\"}}\n", "x".repeat(2_200_000));
    place.write("in.jsonl", long + &"{\"stream\":\"a\",\"type\":\"T\"}\n".repeat(80_000));
    place.does(&["import", "a.annals", "in.jsonl"]);
    assert_eq!(events(&place, "a.annals"), 80_001);
}

#[test]
fn packed_input_comes_by_name_or_through_standard_input() {
    let place = Place::new();
    let lines = unpacked(SAMPLE);
    place.write("in.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap());
    place.write("in.jsonl", &lines);
    place.does(&["import", "a.annals", "in.jsonl"]);
    place.does(&["import", "b.annals", "in.jsonl.zst"]);
    place.does(&["diff", "a.annals", "b.annals"]);
    for (nth, name) in [SAMPLE, "in.jsonl.zst", "in.jsonl"].into_iter().enumerate() {
        let store = format!("{nth}.annals");
        let input = fs::read(place.file(name)).unwrap();
        place.annals(&["import", &store, "-"]).write_stdin(input).assert().success();
        place.does(&["diff", "a.annals", &store]);
    }
}

#[test]
fn what_is_packed_otherwise_than_its_name_says_or_cut_is_refused() {
    let place = Place::new();
    place.write("plain.jsonl.gz", "{}\n");
    let said = place.fails(2, &["import", "a.annals", "plain.jsonl.gz"]);
    assert!(said.contains("should be gzip by its name, but begins as plain text"), "{said}");
    let packed = fs::read(SAMPLE).unwrap();
    place.write("cut.jsonl.gz", &packed[..packed.len() / 2]);
    place.write("flipped.jsonl.gz", {
        let mut packed = packed.clone();
        let middle = packed.len() / 2;
        packed[middle] ^= 0xff;
        packed
    });
    let zstd = zstd::encode_all(&unpacked(SAMPLE).into_bytes()[..], 1).unwrap();
    place.write("cut.jsonl.zst", &zstd[..zstd.len() / 2]);
    for name in ["cut.jsonl.gz", "flipped.jsonl.gz", "cut.jsonl.zst"] {
        let failed = place.annals(&["import", "a.annals", name]).assert().failure();
        let said = crate::fixture::said(failed);
        assert!(said.contains(name), "{said}");
        assert!(!place.file("a.annals").exists(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn of_two_imports_at_once_one_is_told_to_wait() {
    let place = Place::with(&[]);
    place.write("in.jsonl", much());
    let mut first = Command::new(env!("CARGO_BIN_EXE_annals"))
        .current_dir(place.file(""))
        .args(["import", "a.annals", "in.jsonl", "--quiet"])
        .spawn()
        .unwrap();
    let id = first.id().to_string();
    let send = |signal| Command::new("kill").args([signal, id.as_str()]).status().unwrap();
    let is_locked = || {
        // Only looked at: who opened it to write would keep the other one out.
        let store = Store::open_read_only(place.file("a.annals")).unwrap();
        store.recovery_report().ending == Ending::InUse
    };
    // Held where it has the store, so that it does not end too early.
    while !is_locked() {
        assert!(
            first.try_wait().unwrap().is_none(),
            "it ended before the store was met in its hands"
        );
    }
    send("-STOP");
    let said = place.fails(5, &["import", "a.annals", SAMPLE]);
    send("-CONT");
    assert!(said.contains("open"), "{said}");
    assert!(first.wait().unwrap().success());
    place.does(&["import", "a.annals", SAMPLE]);
}

#[test]
fn standard_input_that_is_closed_has_no_lines() {
    let place = Place::new();
    let status = Command::new("sh")
        .args(["-c", "exec \"$0\" import a.annals - --json <&-", env!("CARGO_BIN_EXE_annals")])
        .current_dir(place.file(""))
        .output()
        .unwrap();
    // The runtime opens what is closed anew, as empty.
    assert_eq!(status.status.code(), Some(0), "{status:?}");
    let done = &json(&text(&status.stdout))[0];
    assert_eq!((&done["imported"], &done["skipped"]), (&0.into(), &0.into()));
}

/// Lets `annals` begin, interrupts it after so long, and says how it ended.
fn interrupted(place: &Place, words: &[&str], after: Duration) -> Option<i32> {
    let mut run = Command::new(env!("CARGO_BIN_EXE_annals"))
        .current_dir(place.file(""))
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    // As a closed terminal does: both it and the shell say so.
    for signal in ["-TERM", "-HUP"] {
        let id = run.id().to_string();
        let _ = Command::new("kill").args([signal, &id]).stderr(Stdio::null()).status();
    }
    run.wait().unwrap().code()
}

#[test]
fn what_is_interrupted_leaves_everything_whole() {
    let place = Place::new();
    place.write("in.jsonl", much());
    place.does(&["import", "whole.annals", "in.jsonl"]);
    let mut ends = Vec::new();
    for nth in 0..12 {
        let after = Duration::from_millis(nth * 13 % 160);
        ends.push(interrupted(&place, &["import", "a.annals", "in.jsonl"], after));
        for (words, made) in [
            (&["export", "whole.annals", "-o", "out.jsonl.gz"][..], "out.jsonl.gz"),
            (&["backup", "whole.annals", "copy.annals"], "copy.annals"),
            (&["compact", "whole.annals", "small.annals"], "small.annals"),
            (&["salvage", "whole.annals", "saved.annals"], "saved.annals"),
        ] {
            let code = interrupted(&place, words, after);
            ends.push(code);
            // It is there whole, or not at all.
            assert_eq!(place.file(made).exists(), code == Some(0), "{words:?}: {code:?}");
            let _ = fs::remove_file(place.file(made));
        }
    }
    // Before it listens, a signal ends it at once, which has no code.
    assert!(ends.iter().all(|end| matches!(end, Some(0 | 130) | None)), "{ends:?}");
    assert!(ends.contains(&Some(130)), "{ends:?}");
    place.does(&["import", "a.annals", "in.jsonl"]);
    place.does(&["diff", "a.annals", "whole.annals"]);
    let names = fs::read_dir(place.file("")).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["a.annals", "in.jsonl", "whole.annals"]);
}

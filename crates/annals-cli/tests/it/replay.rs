use crate::fixture::{Place, json, text};
use std::fs;

/// A program that appends the positions of what it gets to `seen`, and acknowledges each batch; at
/// the `fails` one it ends instead.
fn program(fails: u32) -> String {
    format!(
        r#"n=0; while read -r line; do
            if [ -z "$line" ]; then
                n=$((n+1)); [ $n -eq {fails} ] && exit 3; cat batch >> seen; : > batch; echo ok
            else
                echo "$line" | sed 's/.*"position":\([0-9]*\).*/\1/' >> batch
            fi
        done"#
    )
}

fn seen(place: &Place) -> Vec<u64> {
    let seen = fs::read_to_string(place.file("seen")).unwrap_or_default();
    seen.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn a_program_gets_the_events_and_the_end_of_its_input() {
    let place = Place::with_flights();
    let count = place.does(&["replay", "flights.annals", "--run", "wc -l"]);
    assert_eq!(count.trim(), "4000");
    let words = ["replay", "flights.annals", "--run", "wc -l", "--type", "FlightCancelled"];
    let cancelled = place.does(&["read", "flights.annals", "--type", "FlightCancelled"]);
    assert_eq!(place.does(&words).trim(), cancelled.lines().count().to_string());
    let lines = json(&place.does(&["replay", "flights.annals", "--run", "cat", "-n", "5"]));
    assert_eq!(lines, json(&place.does(&["read", "flights.annals", "-n", "5"])));
}

#[test]
fn a_program_that_fails_or_wants_no_more_is_told_apart() {
    let place = Place::with_flights();
    place.does(&["replay", "flights.annals", "--run", "head -n 1"]);
    let said = place.fails(1, &["replay", "flights.annals", "--run", "cat > /dev/null; exit 7"]);
    assert!(said.contains("7"), "{said}");
    place.fails(1, &["replay", "flights.annals", "--run", "no-such-program-anywhere"]);
}

#[test]
fn what_was_acknowledged_does_not_come_again_and_what_was_not_does() {
    for checkpoint in [["--checkpoint", "warehouse"], ["--checkpoint-file", "warehouse.json"]] {
        let place = Place::with_flights();
        let replay = |fails: u32| {
            let program = program(fails);
            let words =
                ["replay", "flights.annals", "-r", &program, "--batch", "70", "-c", "station"];
            place.annals(&[&words[..], &checkpoint].concat()).assert()
        };
        let expected: Vec<u64> = json(&place.does(&["read", "flights.annals", "-c", "station"]))
            .iter()
            .map(|line| line["position"].as_u64().unwrap())
            .collect();
        assert!(expected.len() > 160);
        place.write("batch", "");
        replay(1).code(1);
        assert!(seen(&place).is_empty());
        place.write("batch", "");
        let failed = replay(2).code(1);
        let said = text(&failed.get_output().stderr);
        assert!(said.contains("comes again next time"), "{said}");
        assert_eq!(seen(&place), expected[..70]);
        place.write("batch", "");
        replay(99).success();
        assert_eq!(seen(&place), expected);
        // There is nothing more.
        replay(99).success();
        assert_eq!(seen(&place), expected);
    }
}

#[test]
fn another_answer_is_an_error() {
    let place = Place::with_flights();
    let program = "read -r line; printf 'no \\033[31m\\n'; cat > /dev/null";
    let said = place.fails(1, &["replay", "flights.annals", "-r", program, "--checkpoint", "x"]);
    assert!(said.contains(r"answered 'no \u{1b}[31m', not 'ok'"), "{said}");
}

#[test]
fn a_program_that_goes_on_for_ever_is_given_up() {
    let place = Place::with_flights();
    let words = |program: &'static str| {
        ["replay", "flights.annals", "-r", program, "--checkpoint-file", "here", "--batch", "10"]
    };
    // It does not look at its input, and would never end by itself.
    let said = place.fails(1, &words("exec yes"));
    assert!(said.contains("answered 'y'"), "{said}");
    // Its first answer may be taken for one; that there are more is not.
    let said = place.fails(1, &words("exec yes ok"));
    assert!(said.contains("answered 'ok', unasked"), "{said}");
    let said = place.fails(1, &words("exec > /dev/null; exec sleep 1000"));
    assert!(said.contains("ended (signal: 9 (SIGKILL)) before it had answered"), "{said}");
}

#[test]
fn a_program_is_asked_only_for_what_it_was_handed_and_may_end_then() {
    let place = Place::with_flights();
    // 4,000 events are 40 batches.
    let program = "n=0; while [ $n -lt 40 ]; do read -r line || exit 3; \
                   [ -n \"$line\" ] || { n=$((n+1)); echo ok; }; done";
    let words = ["replay", "flights.annals", "-r", program, "--checkpoint-file", "here"];
    place.does(&words);
    assert!(fs::read_to_string(place.file("here")).unwrap().contains(":4000}"));
}

#[test]
fn a_checkpoint_does_not_pass_what_is_not_asked_for_yet() {
    let place = Place::with_flights();
    let words = |rest: &[&'static str]| {
        let program = "while read -r line; do [ -n \"$line\" ] || echo ok; done";
        let words = ["replay", "flights.annals", "-r", program, "--checkpoint-file", "here"];
        [&words[..], rest].concat()
    };
    let at = || {
        let here = fs::read_to_string(place.file("here")).unwrap();
        here.rsplit_once(':').unwrap().1.trim_end_matches('}').parse::<u64>().unwrap()
    };
    let before = json(&place.does(&["read", "flights.annals", "--until", "2013-01-02"])).len();
    place.does(&words(&["--until", "2013-01-02", "--type", "WeatherObserved"]));
    assert_eq!(at(), u64::try_from(before).unwrap());
    // Nor beyond the end, whatever was asked for.
    place.does(&words(&["--from", "5000"]));
    assert_eq!(at(), 4_000);
    place.does(&words(&["--from", "5000"]));
}

#[test]
fn a_checkpoint_that_can_not_be_kept_is_found_before_the_program_runs() {
    let place = Place::with_flights();
    place.write("here", "");
    let (key, file) = ("x".repeat(5_000), "here/inside");
    for (option, value) in [("--checkpoint", key.as_str()), ("--checkpoint-file", file)] {
        let words = ["replay", "flights.annals", "-r", "touch ran; cat", option, value];
        place.fails(2, &words);
        assert!(!place.file("ran").exists(), "{option}");
    }
}

#[test]
fn a_checkpoint_of_another_store_or_beyond_the_end_is_refused() {
    let place = Place::with_flights();
    let words = ["replay", "flights.annals", "-r", &program(99), "--checkpoint-file", "here"];
    place.write("here", "no checkpoint");
    assert!(place.fails(2, &words).contains("'here' is no checkpoint"));
    let id = place.store("flights.annals").id();
    place.write("here", format!("{{\"store\":\"{id}\",\"position\":5000}}"));
    assert!(place.fails(2, &words).contains("position 5000, but the store ends at 4000"));
    place.write("here", format!("{{\"store\":\"{}\",\"position\":5}}", annals::Uuid::nil()));
    assert!(place.fails(2, &words).contains("is of the store with the id 00000000"));
}

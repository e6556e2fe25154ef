use crate::fixture::{Place, json};
use snapbox::{assert_data_eq, str};

/// Every verb that there is.
fn verbs(place: &Place) -> Vec<String> {
    let help = place.does(&["--help"]);
    let verbs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let is_verb = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    verbs.lines().filter(is_verb).map(name).filter(|name| name != "help").collect()
}

#[test]
fn each_verb_has_help_with_an_example_that_calls_it() {
    let place = Place::new();
    let verbs = verbs(&place);
    assert!(verbs.len() >= 20, "{verbs:?}");
    for verb in verbs {
        let help = place.does(&[&verb, "--help"]);
        let (_, examples) =
            help.split_once("Examples:\n").unwrap_or_else(|| panic!("{verb}: {help}"));
        assert!(examples.contains(&format!("annals {verb}")), "{verb}: {examples}");
    }
}

#[test]
fn the_help_says_what_there_is_and_how_it_ends() {
    let place = Place::new();
    assert_data_eq!(
        place.does(&["--help"]),
        str![[r#"
Looks into a log of events, replays it, mends it, moves it.

A store is one file, such as `orders.annals`. Verbs that only look work beside a program that is
writing to it. What is written for programs is JSON, a value a line; on a terminal the same is shown
as a table.

Usage: annals [OPTIONS] <COMMAND>

Commands:
  init         Make a new, empty store
  append       Append an event, durably, if the stream is as expected
  import       Append the events of lines: JSON Lines, or CloudEvents
  export       Write events as lines: JSON Lines that `import` reads, CloudEvents, or a CSV of their
               headers
  read         Show events: a table on a terminal, a line of JSON for each elsewhere
  tail         Show the newest events; with -f, those that come, while another process writes them
  browse       Look into a store in a terminal: streams, events, payloads; search, jump, follow
  streams      List streams, in the order in which they began, and how many events each has
  types        List types of events by name, and how many events are of each
  tags         List tags by name, and how many events have each
  documents    List documents by key, with revision and size; or show the value of one
  stats        Show the numbers of a store: events, streams, bytes, times
  verify       Read everything again: is each check right, and does the index say what the log says?
  salvage      Write what is still whole of a damaged store to a new one
  backup       Copy a store, while it is being written to
  compact      Write everything anew to a new store: without deleted documents, and without unused
               room
  diff         Find the first position where two stores part, and the first document in which they
               differ
  replay       Hand events to a program, on its standard input, a line of JSON each
  report       Make a page to look at: what is in a store, and where in its file
  dump         Take apart what stands at a byte of the file, as FORMAT.md has it
  bench        Measure quick rates on the disk of a folder, synced and buffered
  completions  Print what makes a shell complete `annals`
  man          Print the manual page of `annals`, or of a verb
  help         Print this message or the help of the given subcommand(s)

Options:
  -q, --quiet
          Say nothing but errors, and show no progress

      --color <WHEN>
          When to use colours; NO_COLOR is honoured

          Possible values:
          - auto:   On a terminal, unless NO_COLOR is set
          - always: Always
          - never:  Never
          
          [default: auto]

  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Exit codes:
  0    done
  1    looked, and something is wrong: problems found, differences, lines that are no events
  2    could not run: wrong usage, no such file, not a store, newer, no room, I/O; or the store is
       damaged, and what was shown is not all
  3    what was asked for is not there: a stream, a type, a tag, a document
  4    nothing was appended: what was expected does not hold
  5    somebody else is writing to the store: try again
  130  interrupted; everything is left whole

"#]]
    );
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_expected() {
    let place = Place::with(&["x"]);
    for (words, what) in [
        (&["reed"][..], "a similar subcommand exists: 'read'"),
        (&["read"], "<FILE>"),
        (&["read", "a.annals", "--since", "yesterday"], "2013-01-31"),
        (&["read", "a.annals", "--from", "1", "--after", "2"], "cannot be used with"),
        (
            &["append", "a.annals", "--stream", "a", "--type", "T", "--expect", "x"],
            "any, none, exists",
        ),
        (&[], "Usage"),
    ] {
        let said = place.fails(2, words);
        assert!(said.contains(what), "{words:?}: {said}");
    }
}

#[test]
fn completions_and_pages_of_the_manual_are_there() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(place.does(&["completions", shell]).contains("as-recorded"), "{shell}");
    }
    assert!(place.does(&["man"]).contains(".TH annals 1"));
    assert!(place.does(&["man", "import"]).contains("as\\-recorded"));
    assert!(place.fails(3, &["man", "imprt"]).contains("did you mean 'import'?"));
}

#[test]
fn rates_are_measured_and_nothing_is_left() {
    let place = Place::new();
    let rates = json(&place.does(&["bench", "--seconds", "1", "--json"]));
    let rates = rates[0].as_array().unwrap();
    assert_eq!(rates.len(), 5);
    for rate in rates {
        assert!(rate["events_per_second"].as_u64().unwrap() > 0, "{rate}");
    }
    assert_eq!(std::fs::read_dir(place.file("")).unwrap().count(), 0);
}

//! `report`: the page says what is in the store, loads nothing, and no name does anything to it.

use crate::fixture::{Place, text};
use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Store, Timestamp};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Names that want to be something else than names.
pub const HOSTILE: [&str; 8] = [
    "</script><img src=x onerror=alert(1)>",
    "</title></style></svg><script>alert(1)</script>",
    "\"><a href=\"http://example.invalid/\">",
    "' style='position:fixed;inset:0' onmouseover='alert(1)",
    "\u{202e}\u{2066}rtl \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
    "\u{1b}[31mred\u{7}\r\n\t<b>\u{1}",
    "&lt;&amp;&#60;script&#62;{{7*7}}${7*7}",
    "-- > ]]> <!-- <?php",
];

impl Place {
    /// The page about a store.
    #[track_caller]
    pub fn page(&self, store: &str) -> String {
        self.does(&["report", store, "-o", "page.html", "--force"]);
        fs::read_to_string(self.file("page.html")).unwrap()
    }
}

/// A store whose every name is hostile or as long as it can be.
pub fn hostile() -> Place {
    let place = Place::new();
    let store = place.store("hostile.annals");
    let long = |what: &str| what.repeat(1_024 / what.len());
    let longs = [long("\u{1}"), long("W"), long("\""), long("漢"), long("a b "), long("e\u{301}")];
    let names = HOSTILE.into_iter().map(str::to_owned).chain(longs);
    for (nth, name) in names.enumerate() {
        let event = NewEvent::new(&name, "<script>alert(1)</script>".repeat(nth)).tag(&name);
        let commit = Commit::new().append(&name, ExpectedVersion::Any, [event]).put(&name, "value");
        store.commit(commit).unwrap();
    }
    store.close().unwrap();
    place
}

/// A store with so many small events, enough of them that a part of the log has an index in the
/// file and is not read when the store is opened.
fn with_many(events: usize) -> Place {
    let place = Place::new();
    let store = Options::new().durability(Durability::Buffered).open(place.file("many.annals"));
    let store = store.unwrap();
    for block in 0..events.div_ceil(1_000) {
        let event = |nth: usize| NewEvent::new("Noted", format!("payload no {block}/{nth}"));
        store.append("a", ExpectedVersion::Any, (0..1_000).map(event)).unwrap();
    }
    store.close().unwrap();
    place
}

/// That a page is a whole one, that nothing in it runs or loads, and that it is not too large.
#[track_caller]
pub fn check(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">") && page.ends_with("</html>"));
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for tag in tags_of(page) {
        let (name, attributes) = tag.split_once([' ', '/']).unwrap_or((tag, ""));
        assert!(KNOWN.contains(&name), "<{tag}>");
        for attribute in ["href=\"", "src=\""] {
            for (at, _) in attributes.match_indices(attribute) {
                let value = &attributes[at + attribute.len()..];
                assert!(value.starts_with('#') || value.starts_with("data:,\""), "<{tag}>");
            }
        }
        let outside = attributes.split('"').step_by(2);
        let mut names: Vec<&str> =
            outside.filter_map(|it| it.split_once('=')).map(|it| it.0).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]), "twice in <{tag}>");
        let handler = attributes.split('"').step_by(2).find(|outside| outside.contains(" on"));
        assert_eq!(handler, None, "<{tag}>");
    }
    let acts = |char: char| char.is_control() && char != '\n';
    assert_eq!(
        page.chars().find(|char| acts(*char) || ('\u{202a}'..'\u{2070}').contains(char)),
        None
    );
}

/// All that the templates use.
const KNOWN: &[&str] = &[
    "a",
    "bdi",
    "body",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "head",
    "header",
    "html",
    "i",
    "li",
    "link",
    "main",
    "meta",
    "p",
    "path",
    "rect",
    "section",
    "small",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "!DOCTYPE",
];

/// What stands between `<` and `>`, ends of elements left out. Neither stands in a value, since
/// both are escaped there; in the style sheet there is no `<`.
fn tags_of(page: &str) -> Vec<&str> {
    let tags = page.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0);
    tags.filter(|tag| !tag.starts_with('/')).collect()
}

#[test]
fn a_page_about_flights_says_what_is_in_the_store() {
    let place = Place::with_flights();
    let said = place.annals(&["report", "flights.annals", "-o", "page.html"]).assert().success();
    let said = text(&said.get_output().stderr);
    assert!(
        said.starts_with("4,000 events on a page of ") && said.contains("'page.html'"),
        "{said}"
    );
    let page = fs::read_to_string(place.file("page.html")).unwrap();
    check(&page);
    let store = Store::open_read_only(place.file("flights.annals")).unwrap();
    for says in [
        "<h1><bdi>flights.annals</bdi></h1>",
        &store.id().to_string(),
        "<dd>4,000</dd>",
        "2013-01-01 06:00:00",
        "Events an hour, by when they were recorded and by type",
        "<bdi>FlightDeparted</bdi>",
        "<bdi>WeatherObserved</bdi>",
        "<bdi>aircraft</bdi>",
        "<bdi>station-JFK</bdi>",
        "<bdi>origin:EWR</bdi>",
        "There are no documents.",
        "No damage was met",
    ] {
        assert!(page.contains(says), "{says}");
    }
    let summary = store.summary().unwrap();
    for counted in summary.types {
        let row = page
            .split("<bdi>")
            .find(|row| row.starts_with(&counted.name) && row.contains("data-head=\"events\""));
        assert!(
            row.unwrap().contains(&format!(">{}<", grouped(counted.events))),
            "{}",
            counted.name
        );
    }
    for section in ["time", "types", "categories", "streams", "tags", "sizes", "file", "documents"]
    {
        assert!(page.contains(&format!("<section id=\"{section}\"")), "{section}");
    }
    // Each chart says what it shows to who can't see it.
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), 3);
}

fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

#[test]
fn no_name_does_anything_to_a_page() {
    let place = hostile();
    let page = place.page("hostile.annals");
    check(&page);
    for shown in [
        "<bdi>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;</bdi>",
        "<bdi>&amp;lt;&amp;amp;&amp;#60;script&amp;#62;{{7*7}}${7*7}</bdi>",
        r"\u{1b}[31mred\u{7}\r\n\t&lt;b&gt;\u{1}",
        r"<bdi>\u{202e}\u{2066}rtl",
    ] {
        // As type, as category or stream, as tag, as key.
        assert!(page.matches(shown).count() >= 4, "{shown}");
    }
    assert!(!page.contains("alert(1)</script>"));
    // The name of the file is no better than others.
    let evil = "<img src=x onerror=alert(1)>.annals";
    fs::rename(place.file("hostile.annals"), place.file(evil)).unwrap();
    let page = place.page(evil);
    check(&page);
    assert!(page.contains("<h1><bdi>&lt;img src=x onerror=alert(1)&gt;.annals</bdi></h1>"));
}

#[test]
fn a_page_stays_small_however_many_names_there_are() {
    let place = Place::new();
    let store =
        Options::new().durability(Durability::Buffered).open(place.file("a.annals")).unwrap();
    for block in 0..20 {
        let mut commit = Commit::new();
        for nth in 0..200 {
            let name = format!("{}-{block}-{nth}", "\"\u{1}".repeat(400));
            let event = NewEvent::new(&name, vec![b' '; block * nth]).tag(&name);
            commit = commit.append(&name, 0, [event]).put(&name, vec![b' '; nth]);
        }
        store.commit(commit).unwrap();
    }
    store.close().unwrap();
    let page = place.page("a.annals");
    check(&page);
    assert!(page.contains("3,980 others"));
    assert!(page.contains("4,000 types."));
}

#[test]
fn an_empty_store_and_one_with_a_single_event_have_pages() {
    let place = Place::new();
    place.does(&["init", "a.annals"]);
    let page = place.page("a.annals");
    check(&page);
    assert!(page.contains("There are no events.") && page.contains("There are no streams."));
    let store = place.store("a.annals");
    store.append("a", 0, [NewEvent::new("Noted", "")]).unwrap();
    store.close().unwrap();
    let page = place.page("a.annals");
    check(&page);
    assert!(page.contains("Events a second") && page.contains("1 stream, of about 1 event each."));
    assert!(page.contains("from 0 B to 0 B"));
}

#[test]
fn events_taken_in_at_once_are_shown_by_when_they_occurred_too() {
    let place = Place::new();
    let store = place.store("a.annals");
    let day = |nth: i64| Timestamp::from_micros(1_357_020_000_000_000 + nth * 86_400_000_000);
    let event = |nth| NewEvent::new("Noted", "x").occurred(day(nth));
    store.append("a", 0, (0..100).map(event)).unwrap();
    store.close().unwrap();
    let page = place.page("a.annals");
    check(&page);
    assert!(page.contains("Events a second, by when they were recorded"));
    assert!(page.contains("an older log was taken in"));
    assert!(page.contains("Events a day, by when they occurred and by type"));
    assert!(page.contains("2013-04-10: 1"));
    // Where both spread, once is enough.
    assert!(!Place::with_flights().page("flights.annals").contains("an older log was taken in"));
}

#[test]
fn any_times_have_a_page() {
    let place = Place::new();
    let store = place.store("a.annals");
    let times = [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_micros);
    store.append("a", 0, times.map(|time| NewEvent::new("Noted", "x").occurred(time))).unwrap();
    store.close().unwrap();
    check(&place.page("a.annals"));
}

#[test]
fn a_store_that_is_damaged_where_it_ends_is_shown_up_to_the_damage() {
    let place = Place::new();
    let store = place.store("a.annals");
    for nth in 0..20 {
        let event = NewEvent::new("Noted", format!("payload no {nth}/"));
        store.append("a", ExpectedVersion::Any, [event]).unwrap();
    }
    // As a writer leaves it that is killed; and then what was synced is not there any more.
    let mut bytes = fs::read(place.file("a.annals")).unwrap();
    let payload = b"payload no 12/";
    let at = bytes.windows(payload.len()).position(|window| window == payload).unwrap();
    bytes[at] ^= 0x20;
    place.write("damaged.annals", bytes);
    let page = place.page("damaged.annals");
    check(&page);
    assert!(page.contains("This store is damaged."));
    assert!(page.contains("<p class=\"verdict bad\">Damaged."));
    assert!(page.contains("<dt>events</dt><dd>12</dd>"));
}

#[test]
fn damage_in_the_middle_of_the_log_ends_what_is_counted_and_is_said() {
    let place = with_many(80_000);
    let path = place.file("many.annals");
    check(&place.page("many.annals"));
    let mut bytes = fs::read(&path).unwrap();
    let payload = b"payload no 10/500";
    let at = bytes.windows(payload.len()).position(|window| window == payload).unwrap();
    bytes[at] ^= 0x20;
    fs::write(&path, bytes).unwrap();
    let page = place.page("many.annals");
    check(&page);
    assert!(page.contains("Not all events could be read."));
    assert!(page.contains("ends with position 10,500;"), "{page}");
    assert!(page.contains("<p class=\"verdict bad\">Damaged."));
}

#[test]
fn a_store_that_is_damaged_anywhere_has_a_page_or_it_is_said_why_not() {
    let place = with_many(40_000);
    let whole = fs::read(place.file("many.annals")).unwrap();
    let mut pages = 0;
    for nth in 0..48 {
        let mut bytes = whole.clone();
        let at = (whole.len() / 48 * nth).max(64);
        bytes[at..at + 64].fill(0xa5);
        place.write("damaged.annals", bytes);
        let words = ["report", "damaged.annals", "-o", "page.html", "--force"];
        let output = place.annals(&words).output().unwrap();
        let said = text(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");
        match output.status.code() {
            Some(0) => {
                check(&fs::read_to_string(place.file("page.html")).unwrap());
                pages += 1;
            }
            code => assert!(code == Some(2) && said.starts_with("annals: "), "{code:?} {said}"),
        }
    }
    assert!(pages > 40, "{pages} pages");
}

#[test]
fn a_store_in_use_has_a_page() {
    let place = Place::with(&["one", "two"]);
    let store = place.store("a.annals");
    let page = place.page("a.annals");
    check(&page);
    assert!(page.contains("another process has it open to write"));
    drop(store);
}

#[test]
fn a_file_that_is_there_is_kept_unless_force_is_given() {
    let place = Place::with(&["one"]);
    place.write("page.html", "mine");
    let said = place.fails(2, &["report", "a.annals", "-o", "page.html"]);
    assert!(said.contains("'page.html' is there already; --force"), "{said}");
    assert_eq!(fs::read_to_string(place.file("page.html")).unwrap(), "mine");
    check(&place.page("a.annals"));
}

#[test]
fn standard_output_gets_the_same_page() {
    let place = Place::with(&["one"]);
    let page = place.does(&["report", "a.annals", "-o", "-"]);
    check(&page);
    assert!(!place.file("-").exists());
}

#[test]
fn what_is_no_store_or_nowhere_has_no_page() {
    let place = Place::new();
    place.write("a.annals", "hello");
    assert!(place.fails(2, &["report", "a.annals", "-o", "page.html"]).contains("annals: "));
    place.fails(2, &["report", "missing.annals", "-o", "page.html"]);
    assert_eq!(fs::read_dir(place.file(".")).unwrap().count(), 1, "no page, and nothing half done");
}

#[cfg(unix)]
#[test]
fn an_interrupted_report_leaves_a_whole_page_or_none() {
    let place = with_many(80_000);
    let mut ends = Vec::new();
    for wait in [0, 5, 10, 20, 30, 40, 60] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.current_dir(place.file(".")).args(["report", "many.annals", "-o", "page.html"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let id = child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
        ends.push(child.wait().unwrap().code());
        let page = fs::read_to_string(place.file("page.html")).ok();
        page.iter().for_each(|page| check(page));
        let files = fs::read_dir(place.file(".")).unwrap().count();
        assert_eq!(files, 1 + usize::from(page.is_some()), "nothing else is left");
        let _ = fs::remove_file(place.file("page.html"));
    }
    // Before it listens a signal ends it at once, which has no code.
    assert!(ends.iter().all(|end| matches!(end, Some(0 | 130) | None)), "{ends:?}");
    assert!(ends.contains(&Some(130)), "{ends:?}");
}

//! What stands where.

use super::super::looks::Looks;
use super::driver::{Driver, orders};
use annals::{NewEvent, Store};
use ratatui::crossterm::event::KeyCode;

#[test]
fn a_wide_screen_shows_streams_events_and_the_event() {
    let mut driver = Driver::of_orders();
    let screen = driver.screen();
    assert!(screen[0].starts_with("┌ streams · 4 ─"), "{}", screen[0]);
    assert!(screen[0].contains("┌ 1 of 61 · all events ─"), "{}", screen[0]);
    assert!(screen[1].contains("│› all events"), "{}", screen[1]);
    assert!(screen[1].contains("pos recorded       stream             type"), "{}", screen[1]);
    let row = "›   1 01-01 00:00:00 order-1            OrderPlaced";
    assert!(screen[2].contains(row), "{}", screen[2]);
    assert!(screen[22].starts_with(" orders.annals  61 events, 4 streams"), "{}", screen[22]);
    assert!(screen[23].starts_with(" ? help  q quit"), "{}", screen[23]);
    driver.shows("recorded    2013-01-01T00:00:00Z");
    driver.shows("tags        item:1");
    driver.shows("  \"total\": 1.50");
}

#[test]
fn a_wider_one_has_payloads_too() {
    let mut driver = Driver::new(orders(), 120, 44);
    driver.shows("›   1 2013-01-01 00:00:00 order-1");
    driver.shows(r#"OrderPlaced        {"nth": 1, "total"#);
    driver.shows("schema version 1");
    driver.shows("(derived from its place)");
}

#[test]
fn a_narrow_screen_shows_one_pane_at_a_time() {
    let mut driver = Driver::new(orders(), 50, 20);
    driver.shows("1 of 61 · all events");
    driver.hides("streams · 4 ");
    driver.key(KeyCode::Left);
    driver.shows("streams · 4 ");
    driver.hides("1 of 61");
    driver.key(KeyCode::Down).key(KeyCode::Enter);
    driver.shows("1 of 20 · order-1");
    driver.key(KeyCode::Enter);
    driver.shows("order-1, version 1");
    driver.hides("1 of 20");
}

#[test]
fn a_screen_that_is_too_small_says_so_and_goes_on_when_it_grows() {
    let mut driver = Driver::of_orders();
    driver.write("p32\n");
    for (width, height) in [(19, 24), (80, 5), (1, 1), (30, 3)] {
        driver.resize(width, height);
        let text: String = driver.screen().concat();
        if width > 10 {
            assert!(text.contains("the terminal is too"), "{text}");
        }
        driver.hides("all events");
    }
    driver.resize(20, 6);
    driver.shows("32 of 61");
    driver.resize(80, 24);
    driver.is_at(32, "all events");
    driver.shows("order-2, version 11");
}

#[test]
fn whatever_the_size_and_the_pane_it_can_be_drawn() {
    let mut driver = Driver::of_orders();
    for key in ["", "\t", "\t", "?", "x/long text that is written", "\n"] {
        for char in key.chars() {
            driver.key(if char == '\t' { KeyCode::Tab } else { KeyCode::Char(char) });
        }
        for width in (1..200).step_by(7) {
            for height in (1..60).step_by(5) {
                driver.resize(width, height);
                driver.screen();
            }
        }
    }
}

#[test]
fn what_acts_on_a_terminal_is_written_out_wherever_it_stands() {
    let store = Store::in_memory().unwrap();
    let evil = "\x1b]0;gone\x07\u{202e}\u{9b}2J";
    let event = NewEvent::new(format!("Type{evil}"), format!("payload{evil}"));
    let event = event.tag(format!("tag{evil}")).metadata(format!("[\"{evil}\"]"));
    store.append(format!("name{evil}"), 0, [event]).unwrap();
    let mut driver = Driver::new(store, 170, 30);
    for text in ["Type", "payload", "tag", "name"] {
        driver.shows(&format!(r"{text}\u{{1b}}]0;gone\u{{7}}\u{{202e}}\u{{9b}}2J"));
    }
    driver.write("f").write(evil);
    let screen = driver.screen().concat();
    assert!(!screen.chars().any(|char| char.is_control() || char == '\u{202e}'));
}

#[test]
fn bytes_are_shown_in_hex_and_text_line_by_line() {
    let mut driver = Driver::of_orders();
    driver.write("G");
    driver.shows(r"to \u{1b}[31mRed Street");
    driver.shows("│2nd line");
    let bytes = NewEvent::new("Pictured", [0xff, 0xd8, 0xff, b'J', b'F']);
    driver.store.append("customer-7", 1, [bytes]).unwrap();
    driver.tick();
    driver.write("G");
    driver.shows("5 bytes, no text");
    driver.shows("000000  ff d8 ff 4a 46");
}

#[test]
fn without_colours_there_are_none() {
    let mut driver = Driver::of_orders();
    assert!(driver.has_colours(Looks::new(true)));
    assert!(!driver.has_colours(Looks::new(false)));
}

#[test]
fn help_lists_the_keys_and_goes_away() {
    let mut driver = Driver::of_orders();
    driver.write("?");
    driver.shows("follow: show what is appended");
    driver.key(KeyCode::Down);
    driver.shows("q, Ctrl-C");
    driver.write("x");
    driver.hides("follow: show what is appended");
    let mut driver = Driver::new(orders(), 40, 10);
    driver.write("?");
    driver.hides("q, Ctrl-C");
    driver.key(KeyCode::End);
    driver.shows("q, Ctrl-C");
    driver.key(KeyCode::Up);
    driver.shows("q, Ctrl-C");
    driver.hides("│ quit");
}

#[test]
fn an_empty_store_is_no_trouble() {
    let mut driver = Driver::new(Store::in_memory().unwrap(), 80, 24);
    driver.shows("there are no events yet");
    driver.shows("0 events, 0 streams");
    driver.write("jGs");
    driver.shows("there is no event to go to");
    driver.write("/x\n");
    driver.shows("'x' is nowhere here");
    driver.write("p1\n");
    driver.shows("there is no event yet");
    driver.key(KeyCode::Esc).key(KeyCode::Enter);
    driver.shows("no event");
}

//! What is asked: search, position, time.

use super::super::layout::Pane;
use super::driver::{Driver, orders};
use annals::{NewEvent, Store};
use ratatui::crossterm::event::KeyCode;

#[test]
fn a_position_is_jumped_to_and_stands_among_its_neighbours() {
    let mut driver = Driver::of_orders();
    driver.write("p45\n");
    driver.is_at(45, "all events");
    driver.shows("›  45 ");
    driver.shows("   44 ");
    driver.shows("   46 ");
    driver.write(":1\n");
    driver.is_at(1, "all events");
}

#[test]
fn a_wrong_answer_says_what_was_expected_and_can_be_made_better() {
    let mut driver = Driver::of_orders();
    driver.write("p62\n");
    driver.shows("go to position: 62  the last position is 61");
    driver.key(KeyCode::Backspace);
    driver.hides("the last position");
    driver.write("x\n");
    driver.shows("expected a position, from 1 to 61");
    driver.key(KeyCode::Backspace).write("1\n");
    driver.is_at(61, "all events");
    driver.write("tyesterday\n");
    driver.shows("go to time: yesterday  expected a time: 2013-01-31");
    driver.key(KeyCode::Esc);
    driver.hides("go to time");
    driver.is_at(61, "all events");
}

#[test]
fn in_a_stream_it_is_a_version_that_is_jumped_to() {
    let mut driver = Driver::of_orders();
    driver.write("s").write("p");
    driver.shows("go to version:");
    driver.write("21\n");
    driver.shows("the last version is 20");
    driver.key(KeyCode::Backspace).write("0\n");
    driver.is_at(20, "order-1");
}

#[test]
fn a_time_is_jumped_to() {
    let mut driver = Driver::of_orders();
    driver.write("t");
    driver.shows("2013-01-31, 2013-01-31T18:00, 36h (ago)");
    driver.write("2013-02-01\n");
    // A day for each event.
    driver.is_at(32, "all events");
    driver.write("t2013-01-31T00:00:01\n");
    driver.is_at(32, "all events");
    driver.write("t1999-12-31\n");
    driver.is_at(1, "all events");
    driver.write("t2040-01-01\n");
    driver.is_at(61, "all events");
    driver.shows("nothing was recorded then or later");
    driver.write("p32\nst2013-02-02\n");
    driver.is_at(12, "order-2");
}

#[test]
fn a_search_finds_and_goes_on_from_find_to_find() {
    let mut driver = Driver::of_orders();
    driver.write("/item:7\n");
    driver.is_at(19, "all events");
    driver.write("n");
    driver.is_at(20, "all events");
    driver.write("nn");
    driver.is_at(19, "all events");
    driver.shows("went on from the other end");
    driver.write("N");
    driver.is_at(21, "all events");
    driver.write("/Item:7\n");
    driver.shows("'Item:7' is nowhere here");
    driver.is_at(21, "all events");
}

#[test]
fn the_event_that_one_is_on_is_found_first() {
    let mut driver = Driver::of_orders();
    driver.write("/order-1\n");
    driver.is_at(1, "all events");
    driver.write("n");
    driver.is_at(4, "all events");
}

#[test]
fn without_anything_sought_there_is_no_next() {
    let mut driver = Driver::of_orders();
    driver.write("n");
    driver.shows("nothing was searched for yet");
    driver.write("/\n");
    driver.shows("nothing was searched for yet");
    driver.write("/item:7\n").write("g").write("/\n");
    driver.is_at(19, "all events");
}

#[test]
fn a_search_says_how_far_it_is_and_can_be_stopped() {
    let store = Store::in_memory().unwrap();
    let event = || NewEvent::new("Filled", "x".repeat(4 << 20));
    for version in 0..20 {
        store.append("large", version, [event()]).unwrap();
    }
    let mut driver = Driver::new(store, 80, 24);
    for char in "/Needle".chars() {
        driver.press(KeyCode::Char(char));
    }
    driver.press(KeyCode::Enter);
    driver.shows("searching 'Needle': 0 %, 0 of 20; Esc stops");
    // Keys are answered meanwhile.
    driver.press(KeyCode::Char('j'));
    assert!(driver.model.is_busy());
    driver.is_at(2, "all events");
    driver.press(KeyCode::Esc);
    assert!(driver.model.search.is_none());
    driver.shows("no longer searching for 'Needle'");
    driver.is_at(2, "all events");
}

#[test]
fn each_question_can_be_left() {
    let mut driver = Driver::new(orders(), 100, 24);
    for (key, question) in [
        ('/', "search:"),
        ('p', "go to position:"),
        (':', "go to position:"),
        ('t', "go to time:"),
        ('f', "streams with:"),
    ] {
        driver.write(&key.to_string());
        driver.shows(question);
        driver.write("5").key(KeyCode::Esc);
        driver.hides(question);
        assert!(driver.model.streams.filter.is_empty());
        driver.is_at(1, "all events");
        driver.model.focus = Pane::Events;
    }
}

#[test]
fn a_long_answer_shows_its_end() {
    let mut driver = Driver::new(orders(), 30, 12);
    driver.write("/abcdefghijklmnopqrstuvwxyz0123456789");
    driver.shows(" search: ");
    driver.shows("0123456789");
    driver.hides("abc");
}

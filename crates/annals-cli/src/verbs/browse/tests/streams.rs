//! The list of streams.

use super::super::layout::Pane;
use super::driver::{Driver, orders};
use annals::{Commit, NewEvent, Store};
use ratatui::crossterm::event::KeyCode;

fn many(count: u64) -> Store {
    let store = Store::in_memory().unwrap();
    for from in (0..count).step_by(1_000) {
        let commit = (from..count.min(from + 1_000)).fold(Commit::new(), |commit, nth| {
            commit.event(format!("order-{nth:05}"), NewEvent::new("Placed", ""))
        });
        store.commit(commit).unwrap();
    }
    store
}

#[test]
fn streams_stand_in_the_order_in_which_they_began_with_their_versions() {
    let mut driver = Driver::of_orders();
    let screen = driver.screen();
    for (row, text) in
        ["› all events      61", "  order-1         20", "  order-2         20"].iter().enumerate()
    {
        assert!(screen[row + 1].starts_with(&format!("│{text}│")), "{}", screen[row + 1]);
    }
    let mut driver = Driver::new(orders(), 120, 24);
    driver.shows("order-1                 20│");
    driver.shows("customer-7               1│");
}

#[test]
fn as_many_are_listed_as_are_seen_and_more_as_one_goes_down() {
    let mut driver = Driver::new(many(10_000), 80, 24);
    driver.shows("streams · 10,000");
    let first = driver.model.streams.listed();
    assert!((20..100).contains(&first), "{first} are listed");
    driver.key(KeyCode::Left);
    for _ in 0..10 {
        driver.key(KeyCode::PageDown);
    }
    let then = driver.model.streams.listed();
    assert!(then > first && then < 1_000, "{then} are listed");
    driver.key(KeyCode::End);
    assert_eq!(driver.model.streams.listed(), 10_000);
    assert!(driver.chosen().contains("order-09999"), "{}", driver.chosen());
    driver.key(KeyCode::Home);
    assert!(driver.chosen().contains("all events"));
}

#[test]
fn the_way_to_the_end_can_be_left() {
    let mut driver = Driver::new(many(10_000), 80, 24);
    driver.key(KeyCode::Left);
    driver.model.streams.go_to_end();
    assert!(driver.model.is_busy());
    driver.shows("listing streams:");
    driver.press(KeyCode::Esc);
    driver.rest();
    driver.shows("no longer listing");
    assert!(driver.model.streams.listed() < 10_000);
}

#[test]
fn a_filter_lists_as_it_is_written() {
    let mut driver = Driver::new(many(10_000), 80, 24);
    driver.write("f");
    assert_eq!(driver.model.focus, Pane::Streams);
    driver.write("ORDER-0123");
    assert_eq!(driver.model.streams.listed(), 10);
    driver.shows("10 with 'order-01…");
    driver.write("4");
    assert_eq!(driver.model.streams.listed(), 1);
    driver.key(KeyCode::Backspace);
    assert_eq!(driver.model.streams.listed(), 10);
    driver.write("\n");
    driver.key(KeyCode::Down).key(KeyCode::Enter);
    driver.is_at(1, "order-01231");
    // Back, and back to all of them.
    driver.key(KeyCode::Esc).key(KeyCode::Esc);
    driver.shows("streams · 10,000");
}

#[test]
fn a_filter_that_nothing_fits_lists_nothing() {
    let mut driver = Driver::of_orders();
    driver.write("fnobody\n");
    driver.shows("0 with 'nobody'");
    driver.shows("│  none");
    driver.key(KeyCode::Enter);
    driver.shows("there is no stream to open");
}

#[test]
fn a_filter_that_is_left_is_gone() {
    let mut driver = Driver::of_orders();
    driver.write("fcustomer");
    driver.shows("1 with 'customer'");
    driver.key(KeyCode::Esc);
    driver.shows("streams · 4");
    driver.shows("order-3");
}

#[test]
fn streams_that_begin_meanwhile_are_listed_behind_the_others() {
    let mut driver = Driver::of_orders();
    driver.store.append("order-1", 20, [NewEvent::new("ItemAdded", "{}")]).unwrap();
    driver.store.append("order-9", 0, [NewEvent::new("OrderPlaced", "{}")]).unwrap();
    driver.tick();
    driver.rest();
    assert_eq!(driver.model.streams.listed(), 5);
    driver.shows("order-9");
    driver.shows("streams · 5");
}

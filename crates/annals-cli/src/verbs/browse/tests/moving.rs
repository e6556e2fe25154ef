//! Moving within panes and between them.

use super::super::layout::Pane;
use super::super::model::Wish;
use super::driver::Driver;
use ratatui::crossterm::event::KeyCode;

#[test]
fn keys_move_in_the_list_of_events() {
    let mut driver = Driver::of_orders();
    driver.is_at(1, "all events");
    for (key, number) in [
        (KeyCode::Down, 2),
        (KeyCode::Char('j'), 3),
        (KeyCode::Up, 2),
        (KeyCode::Char('k'), 1),
        (KeyCode::Up, 1),
        (KeyCode::End, 61),
        (KeyCode::Down, 61),
        (KeyCode::Home, 1),
        (KeyCode::Char('G'), 61),
        (KeyCode::Char('g'), 1),
        (KeyCode::PageDown, 9),
        (KeyCode::Char(' '), 17),
        (KeyCode::PageUp, 9),
    ] {
        driver.key(key);
        driver.is_at(number, "all events");
    }
    assert!(driver.chosen().contains("order-3"), "{}", driver.chosen());
}

#[test]
fn tab_and_arrows_go_from_pane_to_pane() {
    let mut driver = Driver::of_orders();
    for (key, pane) in [
        (KeyCode::Tab, Pane::Detail),
        (KeyCode::Tab, Pane::Streams),
        (KeyCode::Tab, Pane::Events),
        (KeyCode::BackTab, Pane::Streams),
        (KeyCode::BackTab, Pane::Detail),
        (KeyCode::Left, Pane::Events),
        (KeyCode::Char('h'), Pane::Streams),
        (KeyCode::Char('h'), Pane::Streams),
        (KeyCode::Char('l'), Pane::Events),
        (KeyCode::Right, Pane::Detail),
        (KeyCode::Right, Pane::Detail),
        (KeyCode::Esc, Pane::Events),
    ] {
        driver.key(key);
        assert_eq!(driver.model.focus, pane, "after {key}");
    }
}

#[test]
fn enter_opens_a_stream_and_an_event_and_esc_goes_back() {
    let mut driver = Driver::of_orders();
    driver.key(KeyCode::Left).key(KeyCode::Down).key(KeyCode::Down);
    assert!(driver.chosen().contains("order-2"), "{}", driver.chosen());
    driver.key(KeyCode::Enter);
    driver.is_at(1, "order-2");
    assert_eq!(driver.model.focus, Pane::Events);
    driver.key(KeyCode::End).key(KeyCode::Enter);
    assert_eq!(driver.model.focus, Pane::Detail);
    driver.shows("order-2, version 20");
    driver.key(KeyCode::Esc).key(KeyCode::Esc).key(KeyCode::Esc);
    driver.is_at(1, "all events");
    driver.key(KeyCode::Esc);
    driver.shows("q quits");
}

#[test]
fn an_event_is_shown_in_its_stream_and_among_all_again() {
    let mut driver = Driver::of_orders();
    driver.write("p32\n");
    driver.is_at(32, "all events");
    driver.write("s");
    driver.is_at(11, "order-2");
    driver.write("j");
    driver.is_at(12, "order-2");
    driver.write("s");
    driver.is_at(35, "all events");
}

#[test]
fn the_next_event_is_at_hand_while_one_is_read() {
    let mut driver = Driver::of_orders();
    driver.key(KeyCode::Enter).write("JJ");
    driver.shows("order-3, version 1");
    assert_eq!(driver.model.focus, Pane::Detail);
    driver.write("K");
    driver.shows("order-2, version 1");
}

#[test]
fn a_long_event_is_scrolled_to_its_end_and_no_further() {
    let mut driver = Driver::new(super::driver::orders(), 80, 16);
    driver.key(KeyCode::Enter);
    driver.hides("schema version 1");
    driver.key(KeyCode::End);
    driver.shows("schema version 1");
    let top = driver.model.detail.top;
    driver.key(KeyCode::Down).key(KeyCode::PageDown);
    assert_eq!(driver.model.detail.top, top);
    driver.key(KeyCode::Up);
    assert_eq!(driver.model.detail.top, top - 1);
    driver.key(KeyCode::Home);
    driver.shows("stream      order-1, version 1");
    // Another event is read from its beginning.
    driver.key(KeyCode::End).write("J");
    assert_eq!(driver.model.detail.top, 0);
}

#[test]
fn q_and_ctrl_c_quit_wherever_one_is() {
    let mut driver = Driver::of_orders();
    driver.write("q");
    assert!(driver.model.has_ended());
    let mut driver = Driver::of_orders();
    driver.write("/q");
    assert!(!driver.model.has_ended(), "it is a letter of what is searched");
    driver.control('c');
    assert!(driver.model.has_ended());
}

#[test]
fn what_is_asked_of_the_terminal_is_said_once() {
    let mut driver = Driver::of_orders();
    for (letter, wish) in [('z', Wish::Suspend), ('l', Wish::Redraw)] {
        driver.control(letter);
        assert_eq!(driver.model.takes_wish(), Some(wish));
        assert_eq!(driver.model.takes_wish(), None);
    }
}

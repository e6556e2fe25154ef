//! Presses keys, and looks at the screen.

use super::super::draw::draw;
use super::super::events::Scope;
use super::super::log::Log;
use super::super::looks::Looks;
use super::super::model::Model;
use crate::show::thousands;
use annals::{Clock, NewEvent, Options, Store, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Size;
use ratatui::style::Modifier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Somebody who looks into a store.
pub struct Driver {
    pub model: Model,
    pub store: Store,
    terminal: Terminal<TestBackend>,
    now: Instant,
}

/// Says that it is 2013-01-01, and the next time that a day has passed.
struct Days(AtomicI64);

impl Clock for Days {
    fn now(&self) -> Timestamp {
        const DAY: i64 = 86_400_000_000;
        Timestamp::from_micros(self.0.fetch_add(DAY, Ordering::Relaxed))
    }
}

/// A store in which each commit is a day later than the one before.
fn with_days() -> Store {
    let days = Days(AtomicI64::new(1_356_998_400_000_000));
    Options::new().clock(days).in_memory().unwrap()
}

/// Three orders of 20 events each, one commit and one day for each event, and a customer.
pub fn orders() -> Store {
    let store = with_days();
    for nth in 1..=20_u64 {
        for order in 1..=3 {
            let payload = format!(r#"{{"nth": {nth}, "total": {order}.50}}"#);
            let event = NewEvent::new(if nth == 1 { "OrderPlaced" } else { "ItemAdded" }, payload);
            let event = event.tag(format!("item:{nth}")).metadata(r#"{"by":"ann"}"#);
            store.append(format!("order-{order}"), nth - 1, [event]).unwrap();
        }
    }
    let event = NewEvent::new("CustomerMoved", "to \x1b[31mRed Street\n2nd line");
    store.append("customer-7", 0, [event]).unwrap();
    store
}

impl Driver {
    /// Looks into this store, on a screen of this size.
    pub fn new(store: Store, width: u16, height: u16) -> Self {
        let log = Log::new(store.clone()).unwrap();
        let mut model = Model::new(log, "orders.annals".to_owned());
        model.resize(Size::new(width, height));
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut driver = Self { model, store, terminal, now: Instant::now() };
        driver.rest();
        driver
    }

    /// The same with 80 columns and 24 rows.
    pub fn of_orders() -> Self {
        Self::new(orders(), 80, 24)
    }

    /// The screen has another size now.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        assert!(self.model.hear(&Event::Resize(width, height)));
    }

    /// Presses a key, and lets be done what it asks for.
    pub fn key(&mut self, code: KeyCode) -> &mut Self {
        self.press(code);
        self.rest();
        self
    }

    /// Presses a key, and no time passes.
    pub fn press(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        assert!(self.model.hear(&Event::Key(key)));
    }

    /// Presses Ctrl and a letter.
    pub fn control(&mut self, letter: char) {
        let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        assert!(self.model.hear(&Event::Key(key)));
    }

    /// Writes a text; `\n` is Enter.
    pub fn write(&mut self, text: &str) -> &mut Self {
        for char in text.chars() {
            self.key(if char == '\n' { KeyCode::Enter } else { KeyCode::Char(char) });
        }
        self
    }

    /// Lets time pass until there is nothing to do.
    pub fn rest(&mut self) {
        while self.model.is_busy() {
            self.tick();
        }
    }

    /// Lets a second pass.
    pub fn tick(&mut self) {
        self.now += Duration::from_secs(1);
        self.model.tick(self.now);
    }

    /// What the screen shows, line by line.
    pub fn screen(&mut self) -> Vec<String> {
        let model = &self.model;
        self.terminal.draw(|frame| draw(frame, model, Looks::new(true))).unwrap();
        let buffer = self.terminal.backend().buffer();
        let rows = buffer.content().chunks(buffer.area.width.into());
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>()).collect()
    }

    /// The texts that are shown reversed: the row that keys move.
    pub fn chosen(&mut self) -> String {
        self.screen();
        let cells = self.terminal.backend().buffer().content().iter();
        let chosen = cells.filter(|cell| cell.modifier.contains(Modifier::REVERSED));
        chosen.map(|cell| cell.symbol()).collect()
    }

    /// What colours there are.
    pub fn has_colours(&mut self, looks: Looks) -> bool {
        let model = &self.model;
        self.terminal.draw(|frame| draw(frame, model, looks)).unwrap();
        let cells = self.terminal.backend().buffer().content().iter();
        cells.clone().any(|cell| cell.fg != ratatui::style::Color::Reset)
    }

    /// That the screen shows this somewhere.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        let screen = self.screen().join("\n");
        assert!(screen.contains(text), "'{text}' is not on the screen:\n{screen}");
    }

    /// That it does not.
    #[track_caller]
    pub fn hides(&mut self, text: &str) {
        let screen = self.screen().join("\n");
        assert!(!screen.contains(text), "'{text}' is on the screen:\n{screen}");
    }

    /// That the cursor is on the event with this number of these.
    #[track_caller]
    pub fn is_at(&mut self, number: u64, of: &str) {
        let name = match &self.model.events.scope {
            Scope::All => "all events",
            Scope::Stream(name) => name,
        };
        assert_eq!((self.model.events.number(), name), (number, of));
        let (number, last) = (thousands(number), thousands(self.model.events.last));
        let title = format!("{number} of {last} · {of}");
        self.shows(&title);
    }
}

//! Looking for a text in events, a little at a time.

use super::events::Scope;
use super::log::Log;
use annals::{Cursor, Error, Event};
use memchr::{memchr2_iter, memmem};
use std::time::{Duration, Instant};

/// Events are looked at so many at a time before the clock is.
const STEP: u64 = 32;

/// What is looked for: in the case that it is written in, if it has a capital letter; else in any.
pub struct Needle {
    text: String,
    is_exact: bool,
}

impl Needle {
    /// This text.
    pub fn new(text: &str) -> Self {
        let is_exact = text.chars().any(char::is_uppercase);
        Self { text: text.to_owned(), is_exact }
    }

    /// Whether it is in these bytes.
    fn is_in(&self, bytes: &[u8]) -> bool {
        let text = self.text.as_bytes();
        if self.is_exact {
            return memmem::find(bytes, text).is_some();
        }
        let Some(first) = text.first() else { return true };
        let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr2_iter(lower, upper, bytes).any(|at| {
            let there = at.checked_add(text.len()).and_then(|end| bytes.get(at..end));
            there.is_some_and(|there| there.eq_ignore_ascii_case(text))
        })
    }

    /// Whether it is in the event: its type, stream, tags or payload.
    fn is_in_event(&self, event: &Event<'_>) -> Result<bool, Error> {
        if self.is_in(event.payload)
            || self.is_in(event.event_type()?.as_bytes())
            || self.is_in(event.stream()?.as_bytes())
        {
            return Ok(true);
        }
        Ok(event.tags()?.iter().any(|tag| self.is_in(tag.as_bytes())))
    }
}

/// How far a search is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// In the event with this number.
    At(u64),
    /// Nowhere.
    Nowhere,
    /// It has to look on.
    NotYet,
}

/// A search through a list of events: from where somebody is on, and from the other end up to
/// there.
pub struct Search {
    /// What is looked for.
    pub needle: String,
    /// Events that it has looked at.
    pub looked: u64,
    /// Events that there are to look at.
    pub all: u64,
    /// Events that could not be read.
    pub unread: u64,
    /// Whether it went on from the other end.
    pub went_around: bool,
    prepared: Needle,
    scope: Scope,
    backward: bool,
    /// What is left to look at: from where to where.
    parts: Vec<(u64, u64)>,
    cursor: Option<Cursor>,
}

impl Search {
    /// A search for `needle` that begins behind (or before, if it goes backward) event number `at`
    /// of `last`.
    pub fn new(needle: &str, scope: Scope, at: u64, last: u64, backward: bool) -> Self {
        // Taken from the end.
        let mut parts = match backward {
            false => vec![(1, at), (at.saturating_add(1), last)],
            true => vec![(at, last), (1, at.saturating_sub(1))],
        };
        parts.iter_mut().for_each(|part| part.0 = part.0.max(1));
        Self {
            needle: needle.to_owned(),
            looked: 0,
            all: last,
            unread: 0,
            went_around: false,
            prepared: Needle::new(needle),
            scope,
            backward,
            parts,
            cursor: None,
        }
    }

    /// Looks on for so long.
    pub fn look(&mut self, log: &Log, time: Duration) -> Found {
        let begun = Instant::now();
        loop {
            for _ in 0..STEP {
                match self.look_at_one(log) {
                    Found::NotYet => {}
                    found => return found,
                }
            }
            if begun.elapsed() >= time {
                return Found::NotYet;
            }
        }
    }

    fn look_at_one(&mut self, log: &Log) -> Found {
        let Some((first, last)) = self.parts.last().copied() else { return Found::Nowhere };
        if first > last {
            return self.next_part();
        }
        let backward = self.backward;
        let cursor =
            self.cursor.get_or_insert_with(|| log.cursor(&self.scope, (first, last), backward));
        let number = if backward { last } else { first };
        let is_there = match cursor.next_event() {
            Ok(None) => return self.next_part(),
            Ok(Some(event)) => self.prepared.is_in_event(&event),
            Err(error) => {
                // It has ended: those behind are read by another one.
                self.cursor = None;
                Err(error)
            }
        };
        self.looked += 1;
        self.unread += u64::from(is_there.is_err());
        if let Some(part) = self.parts.last_mut() {
            *part = if backward { (first, last - 1) } else { (first + 1, last) };
        }
        if is_there.unwrap_or(false) { Found::At(number) } else { Found::NotYet }
    }

    fn next_part(&mut self) -> Found {
        self.cursor = None;
        self.parts.pop();
        self.went_around = true;
        if self.parts.is_empty() { Found::Nowhere } else { Found::NotYet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annals::{NewEvent, Store};

    fn log() -> Log {
        let store = Store::in_memory().unwrap();
        let event = |nth: u64| {
            let event = NewEvent::new(if nth == 3 { "Third" } else { "Counted" }, nth.to_string());
            if nth == 5 { event.tag("who:Ann") } else { event }
        };
        store.append("order-1", 0, (1..=6).map(event)).unwrap();
        store.append("invoice-1", 0, (7..=9).map(event)).unwrap();
        Log::new(store).unwrap()
    }

    /// All finds, one after another, from number `at` on, until one comes again.
    fn finds(needle: &str, at: u64, backward: bool) -> Vec<u64> {
        let log = log();
        let (mut at, mut all) = (at, Vec::new());
        loop {
            let mut search = Search::new(needle, Scope::All, at, log.head(), backward);
            let found = loop {
                match search.look(&log, Duration::ZERO) {
                    Found::NotYet => {}
                    found => break found,
                }
            };
            match found {
                Found::At(number) if !all.contains(&number) => all.push(number),
                Found::At(_) => return all,
                _ => {
                    assert_eq!(search.looked, 9, "it has looked at each event");
                    return all;
                }
            }
            at = all[all.len() - 1];
        }
    }

    #[test]
    fn type_stream_tags_and_payload_are_searched() {
        assert_eq!(finds("third", 1, false), [3]);
        assert_eq!(finds("invoice", 1, false), [7, 8, 9]);
        assert_eq!(finds("who:", 1, false), [5]);
        assert_eq!(finds("6", 1, false), [6]);
        assert_eq!(finds("nowhere", 1, false), [0; 0]);
    }

    #[test]
    fn a_capital_letter_asks_for_the_case_that_it_is_in() {
        assert_eq!(finds("ann", 1, false), [5]);
        assert_eq!(finds("Ann", 1, false), [5]);
        assert_eq!(finds("ANN", 1, false), [0; 0]);
    }

    #[test]
    fn a_search_goes_around_in_both_directions() {
        assert_eq!(finds("invoice", 8, false), [9, 7, 8]);
        assert_eq!(finds("invoice", 8, true), [7, 9, 8]);
        assert_eq!(finds("third", 3, false), [3]);
        assert_eq!(finds("third", 3, true), [3]);
        assert_eq!(finds("third", 0, false), [3]);
    }

    #[test]
    fn a_stream_is_searched_by_its_versions() {
        let log = log();
        let scope = Scope::Stream("invoice-1".to_owned());
        let mut search = Search::new("9", scope, 1, 3, false);
        assert_eq!(search.look(&log, Duration::from_secs(10)), Found::At(3));
        assert_eq!(search.looked, 2);
    }
}

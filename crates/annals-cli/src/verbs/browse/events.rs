//! The list of events: of all of them, or of a stream.

use super::log::Log;
use super::scroll::Scroll;
use crate::show::{escaped, escaped_line, short};
use annals::{Error, Event, Version};

/// As much of a payload is in a row.
const BEGINNING: usize = 400;

/// Which events are listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All, by position.
    All,
    /// Those of a stream, by version.
    Stream(String),
}

impl Scope {
    /// An event's number here.
    pub fn number(&self, event: &Event<'_>) -> u64 {
        match self {
            Self::All => event.position.get(),
            Self::Stream(_) => event.version.get(),
        }
    }

    /// What the numbers are called.
    pub fn number_name(&self) -> &'static str {
        match self {
            Self::All => "position",
            Self::Stream(_) => "version",
        }
    }
}

/// An event in the list. All of it is harmless.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded: String,
    /// Its stream, as it is.
    pub stream: String,
    /// Its version.
    pub version: Version,
    /// Its type.
    pub event_type: String,
    /// How its payload begins.
    pub payload: String,
}

impl Row {
    /// Of this event.
    pub fn of(event: &Event<'_>) -> Result<Self, Error> {
        let beginning = event.payload.get(..BEGINNING).unwrap_or(event.payload);
        Ok(Self {
            position: event.position.get(),
            recorded: short(event.recorded),
            stream: event.stream()?.to_owned(),
            version: event.version,
            event_type: escaped(event.event_type()?).into_owned(),
            payload: escaped_line(beginning),
        })
    }
}

/// The list.
pub struct Events {
    /// Which events.
    pub scope: Scope,
    /// How many there are: the number of the last one.
    pub last: u64,
    /// Where somebody is in it.
    pub scroll: Scroll,
    /// Those that are seen.
    pub rows: Vec<Result<Row, String>>,
    /// From where to where they are loaded.
    loaded: Option<(u64, u64)>,
}

impl Events {
    /// The list of these.
    pub fn new(scope: Scope, last: u64) -> Self {
        Self { scope, last, scroll: Scroll::default(), rows: Vec::new(), loaded: None }
    }

    /// The number of the event that the cursor is on; 0 if there is none.
    pub fn number(&self) -> u64 {
        if self.last == 0 { 0 } else { self.scroll.at + 1 }
    }

    /// The row that the cursor is on.
    pub fn row(&self) -> Option<&Result<Row, String>> {
        let nth = self.scroll.at.checked_sub(self.scroll.top)?;
        self.rows.get(usize::try_from(nth).ok()?)
    }

    /// Reads what is seen, if it is not here already.
    pub fn settle(&mut self, log: &Log, seen: u64) {
        self.scroll.settle(self.last, seen);
        let first = self.scroll.top + 1;
        let last = self.scroll.top.saturating_add(seen.max(1)).min(self.last);
        if self.loaded != Some((first, last)) {
            self.rows = log.rows(&self.scope, first, last);
            self.loaded = Some((first, last));
        }
    }
}

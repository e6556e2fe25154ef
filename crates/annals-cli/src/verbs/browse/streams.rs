//! The list of streams, which grows as somebody goes down in it.

use super::events::Scope;
use super::log::{Log, said};
use super::names::Names;
use super::scroll::Scroll;
use annals::{Cursor, Error};
use std::time::{Duration, Instant};

/// What is listed is looked at so often whether the time for it is over.
const STEP: usize = 16;

/// Where names come from.
enum Source {
    /// Those that began before the list did.
    Begun(annals::Names),
    /// Events that came later: a stream begins with its version 1.
    Later(Cursor),
    /// Up to this position there are no more.
    UpTo(u64),
}

/// The list. Its first row stands for all events, where it has no filter.
pub struct Streams {
    /// Only names that have this in them are listed, whatever the case of their letters.
    pub filter: String,
    /// Where somebody is in it.
    pub scroll: Scroll,
    /// Why it goes no further.
    pub trouble: Option<String>,
    names: Names,
    source: Source,
    /// Up to where the source looks.
    up_to: u64,
    is_full: bool,
    /// Whether the cursor goes to the end of the list, wherever that is.
    goes_to_end: bool,
    seen: u64,
}

impl Streams {
    /// Those of this log whose names have `filter` in them.
    pub fn new(log: &Log, filter: &str) -> Self {
        Self {
            filter: filter.to_lowercase(),
            scroll: Scroll::default(),
            trouble: None,
            names: Names::default(),
            source: Source::Begun(log.view().streams()),
            up_to: log.head(),
            is_full: false,
            goes_to_end: false,
            seen: 1,
        }
    }

    /// How many rows are listed so far.
    pub fn rows(&self) -> u64 {
        self.names.len() + self.before_names()
    }

    /// Rows that stand before those of streams.
    fn before_names(&self) -> u64 {
        u64::from(self.filter.is_empty())
    }

    /// How many names are listed so far.
    pub fn listed(&self) -> u64 {
        self.names.len()
    }

    /// Which events this row stands for; nothing if it is not there.
    pub fn scope(&self, row: u64) -> Option<Scope> {
        match row.checked_sub(self.before_names()) {
            None => Some(Scope::All),
            Some(nth) => self.names.get(nth).map(|name| Scope::Stream(name.to_owned())),
        }
    }

    /// Whether all streams that there were are listed, as far as they have the filter in them.
    pub fn is_whole(&self) -> bool {
        matches!(self.source, Source::UpTo(_)) && !self.is_full && self.trouble.is_none()
    }

    /// Whether there was no room for all.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Goes to the end, which may take a while to be found.
    pub fn go_to_end(&mut self) {
        self.goes_to_end = true;
    }

    /// Stays where it is; `false` if it was not on its way to the end.
    pub fn stay(&mut self) -> bool {
        std::mem::take(&mut self.goes_to_end)
    }

    /// Whether it has to look on, for what is seen or where somebody goes.
    pub fn is_busy(&self) -> bool {
        // A page more than is seen: who goes on finds it there.
        let enough = self.scroll.top.saturating_add(2 * self.seen);
        let wants = self.goes_to_end || self.rows() < enough;
        wants && !self.is_full && !matches!(self.source, Source::UpTo(_))
    }

    /// There may be events up to this position now.
    pub fn grow(&mut self, log: &Log) {
        if let Source::UpTo(position) = self.source
            && position < log.head()
            && self.trouble.is_none()
        {
            self.up_to = log.head();
            let later = (position.saturating_add(1), self.up_to);
            self.source = Source::Later(log.cursor(&Scope::All, later, false));
        }
    }

    /// Lists on for so long, if it has to. Returns whether anything has changed.
    pub fn list(&mut self, time: Duration) -> bool {
        let begun = Instant::now();
        let mut has_changed = false;
        while self.is_busy() {
            has_changed = true;
            for _ in 0..STEP {
                if !self.is_busy() {
                    break;
                }
                if let Err(error) = self.list_one() {
                    self.trouble = Some(said(&error));
                    self.source = Source::UpTo(self.up_to);
                }
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        if self.goes_to_end {
            self.scroll.to(u64::MAX, self.rows(), self.seen);
            self.goes_to_end = self.is_busy();
        }
        has_changed
    }

    fn list_one(&mut self) -> Result<(), Error> {
        let (names, filter) = (&mut self.names, &self.filter);
        let mut list = |name: &str| {
            let fits = filter.is_empty() || name.to_lowercase().contains(filter.as_str());
            if !fits || names.push(name) { Ok(()) } else { Err(Full) }
        };
        let listed = match &mut self.source {
            Source::UpTo(_) => Ok(()),
            Source::Begun(begun) => match begun.next().transpose()? {
                Some(name) => list(&name),
                None => {
                    self.source = Source::UpTo(self.up_to);
                    Ok(())
                }
            },
            Source::Later(cursor) => match cursor.next_event()? {
                Some(event) if event.version.get() == 1 => list(event.stream()?),
                Some(_) => Ok(()),
                None => {
                    self.source = Source::UpTo(self.up_to);
                    Ok(())
                }
            },
        };
        self.is_full = listed.is_err();
        Ok(())
    }

    /// Lists what is seen, as far as it is found at once.
    pub fn settle(&mut self, seen: u64, time: Duration) {
        self.seen = seen.max(1);
        self.list(time);
        self.scroll.settle(self.rows(), self.seen);
    }
}

/// There is no room for more names.
struct Full;

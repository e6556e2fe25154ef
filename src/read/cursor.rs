//! A cursor: events one after another, over a fixed view.

use super::range::{Number, Read};
use crate::engine::{READ_AHEAD, READ_ONE, View};
use crate::index::StreamId;
use crate::log::{Fetch, Located};
use crate::words::{Error, Event, Position, RecordedEvent, Version};
use std::fmt;

/// Reads events one after another. It owns what it reads from, holds no lock, and sees the view it
/// began with, whatever is committed meanwhile, even after the store is closed.
///
/// As an [`Iterator`] it gives owned events; [`Cursor::next_event`] lends them without copying.
///
/// ```
/// use annals::{NewEvent, Read, Store};
/// let store = Store::in_memory()?;
/// store.append("a", 0, [NewEvent::new("Noted", "x"), NewEvent::new("Noted", "yz")])?;
/// let mut bytes = 0;
/// let mut cursor = store.read_all(Read::new())?;
/// while let Some(event) = cursor.next_event()? {
///     bytes += event.payload.len();
/// }
/// assert_eq!(bytes, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cursor {
    view: View,
    fetch: Fetch,
    steps: Steps,
    left: u64,
}

/// Numbers from `next` to `last`, up or down.
#[derive(Clone, Copy)]
struct Span {
    next: u64,
    last: u64,
    backward: bool,
}

enum Steps {
    /// Positions.
    All(Span),
    /// Versions of a stream, and the positions of the next few.
    Stream { stream: StreamId, span: Span, batch: Vec<Position>, taken: usize },
    /// It has ended, well or not.
    Ended,
}

/// From so many events on, a map is made ready in large pieces.
const MANY: u64 = 1_000;
/// Positions looked up at once.
const BATCH: usize = 256;

impl Span {
    /// The part of `read` that is within 1..=`end`.
    fn new<N: Number>(read: &Read<N>, first: u64, end: u64) -> Option<Self> {
        let (first, last) = (read.first.max(first), read.last.min(end));
        if first > last || read.limit == 0 {
            return None;
        }
        let (next, last) = if read.backward { (last, first) } else { (first, last) };
        Some(Self { next, last, backward: read.backward })
    }

    /// How many numbers it has.
    fn length(&self) -> u64 {
        self.last.abs_diff(self.next).saturating_add(1)
    }

    /// Takes the next number; `false` as the second if it was the last.
    fn take(&mut self) -> (u64, bool) {
        let taken = self.next;
        if taken == self.last {
            return (taken, false);
        }
        self.next = if self.backward { taken - 1 } else { taken + 1 };
        (taken, true)
    }
}

impl Cursor {
    pub(super) fn all(view: View, read: &Read<Position>) -> Self {
        let base = view.core.tail.offsets().base().get();
        let span = Span::new(read, base, view.head.get());
        let steps = span.map_or(Steps::Ended, Steps::All);
        let mut fetch = view.core.fetch(view.segments.clone(), READ_AHEAD);
        // Somebody who wants a few events only does not pay for many.
        if !read.backward && span.is_some_and(|span| span.length().min(read.limit) > MANY) {
            fetch = fetch.forward();
        }
        Self { view, fetch, steps, left: read.limit }
    }

    pub(super) fn stream(view: View, name: &str, read: &Read<Version>) -> Self {
        let core = &view.core;
        let stream = core.tail.find(core.hash(name));
        let steps = stream.and_then(|stream| {
            let version = core.tail.version(stream, view.head);
            let span = Span::new(read, 1, version.get())?;
            Some(Steps::Stream { stream, span, batch: Vec::new(), taken: 0 })
        });
        // A stream's events lie apart: what stands around one is not read.
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Self { view, fetch, steps: steps.unwrap_or(Steps::Ended), left: read.limit }
    }

    /// The next event, lent until the next call; nothing at the end. After an error the cursor has
    /// ended.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        let Some(place) = self.next_place() else {
            self.steps = Steps::Ended;
            return Ok(None);
        };
        if let Err(error) = self.view.check_known(place.at) {
            self.steps = Steps::Ended;
            return Err(error);
        }
        match self.fetch.event(place, self.view.watermark) {
            Ok(event) => Ok(Some(event)),
            Err(error) => {
                self.steps = Steps::Ended;
                Err(self.view.core.fetch_error(error))
            }
        }
    }

    fn next_place(&mut self) -> Option<Located> {
        self.left = self.left.checked_sub(1)?;
        let position = match &mut self.steps {
            Steps::Ended => return None,
            Steps::All(span) => {
                let (position, more) = span.take();
                if !more {
                    self.steps = Steps::Ended;
                }
                Position::new(position)
            }
            Steps::Stream { stream, span, batch, taken } => {
                if *taken == batch.len() {
                    batch.clear();
                    *taken = 0;
                    let mut more = true;
                    let versions = std::iter::from_fn(|| {
                        more.then(|| {
                            let (version, follows) = span.take();
                            more = follows;
                            Version::new(version)
                        })
                    });
                    let wanted = usize::try_from(self.left.saturating_add(1)).unwrap_or(BATCH);
                    let versions: Vec<_> = versions.take(wanted.min(BATCH)).collect();
                    if !more {
                        // A span in which nothing is left: its next step would be past its last.
                        span.backward = true;
                        (span.next, span.last) = (0, 0);
                    }
                    if versions.iter().any(|version| *version > Version::NONE) {
                        self.view.core.tail.positions(*stream, versions, batch);
                    }
                }
                let position = batch.get(*taken).copied()?;
                *taken += 1;
                position
            }
        };
        self.view.core.locate(position)
    }
}

impl Iterator for Cursor {
    type Item = Result<RecordedEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().map(|event| event.map(|event| event.to_recorded())).transpose()
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("head", &self.view.head).finish_non_exhaustive()
    }
}

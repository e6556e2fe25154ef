//! A cursor: events one after another, over a fixed view.

use super::range::{Number, Read};
use crate::engine::{Matches, Near, READ_AHEAD, READ_ONE, View};
use crate::format::TermHash;
use crate::log::{Fetch, Located};
use crate::words::{Error, Event, Position, Query, RecordedEvent, Version};
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
    backward: bool,
    /// Whether `fetch` has the event that it stands at.
    stands: bool,
    /// Up to where it has looked.
    marker: Position,
    /// Up to where it will have looked when there is no more; nothing: as far as the last event
    /// that it gave.
    at_end: Option<Position>,
}

/// Numbers from `next` to `last`, up or down; none once `next` is past `last`.
#[derive(Clone, Copy)]
struct Span {
    next: u64,
    last: u64,
    backward: bool,
    over: bool,
}

enum Steps {
    /// Positions, and the places of the next few, where the log itself doesn't tell them.
    All(Span, Batch<Located>),
    /// A stream that nobody has asked for yet.
    Unasked(TermHash, Read<Version>),
    /// Versions of a stream, the positions of the next few, and of these the places.
    Stream(TermHash, Span, Batch<u64>, Box<Near>),
    /// The events of a query.
    Matching(Box<Matches>),
    /// It has ended, well or not.
    Ended,
}

/// What was looked up ahead.
struct Batch<T> {
    values: Vec<T>,
    taken: usize,
    /// How many are looked up next time.
    most: u64,
}

/// From so many events on, a map is made ready in large pieces.
const MANY: u64 = 1_000;
/// Looked up at once at first, and at the most.
const FEW: u64 = 16;
const BATCH: u64 = 1_024;
/// Looked up at first of a stream: to ask all runs costs more than many answers of one.
const SOME: u64 = 128;

impl Span {
    /// The part of `read` that is within `first..=end`.
    fn new<N: Number>(read: &Read<N>, first: u64, end: u64) -> Option<Self> {
        let (first, last) = (read.first.max(first), read.last.min(end));
        if first > last || read.limit == 0 {
            return None;
        }
        let (next, last) = if read.backward { (last, first) } else { (first, last) };
        Some(Self { next, last, backward: read.backward, over: false })
    }

    /// How many numbers it has.
    fn length(&self) -> u64 {
        if self.over { 0 } else { self.last.abs_diff(self.next).saturating_add(1) }
    }

    /// Takes so many of its numbers: the least and the greatest of them.
    fn take(&mut self, count: u64) -> Option<(u64, u64)> {
        let count = count.min(self.length()).checked_sub(1)?;
        let first = self.next;
        let last = if self.backward { first - count } else { first + count };
        self.over = last == self.last;
        if !self.over {
            self.next = if self.backward { last - 1 } else { last + 1 };
        }
        Some((first.min(last), first.max(last)))
    }
}

impl<T: Copy> Batch<T> {
    fn new(first: u64) -> Self {
        Self { values: Vec::new(), taken: 0, most: first }
    }

    fn next(&mut self) -> Option<T> {
        let value = self.values.get(self.taken).copied()?;
        self.taken += 1;
        Some(value)
    }

    fn is_taken(&self) -> bool {
        self.taken == self.values.len()
    }

    /// Those that were not taken yet.
    fn ahead(&self) -> impl Iterator<Item = T> + Clone {
        self.values.iter().skip(self.taken).copied()
    }

    fn fill(&mut self, mut values: Vec<T>, backward: bool) {
        if backward {
            values.reverse();
        }
        (self.values, self.taken) = (values, 0);
        self.most = (self.most * 4).min(BATCH);
    }
}

impl Cursor {
    /// Over positions: it looks at all that are asked for and there.
    fn by_position(view: View, fetch: Fetch, steps: Steps, read: &Read<Position>) -> Self {
        let before = Position::new(read.first.saturating_sub(1));
        let end = Position::new(read.last).min(view.head).max(before);
        let mut cursor = Self::new(view, fetch, steps, read);
        cursor.at_end = Some(end).filter(|_| read.limit > 0);
        cursor.marker = if read.backward && read.limit > 0 { end } else { before };
        cursor
    }

    pub(super) fn all(view: View, read: &Read<Position>) -> Self {
        let span = Span::new(read, view.sources.first().get(), view.head.get());
        let steps = span.map_or(Steps::Ended, |span| Steps::All(span, Batch::new(FEW)));
        let mut fetch = view.core.fetch(view.segments.clone(), READ_AHEAD);
        // Somebody who wants a few events only does not pay for many.
        if !read.backward && span.is_some_and(|span| span.length().min(read.limit) > MANY) {
            fetch = fetch.forward();
        }
        Self::by_position(view, fetch, steps, read)
    }

    pub(super) fn stream(view: View, name: &str, read: &Read<Version>) -> Self {
        let steps = Steps::Unasked(view.core.hash(name), *read);
        // A stream's events lie apart: what stands around one is not read.
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Self::new(view, fetch, steps, read)
    }

    pub(super) fn query(view: View, query: &Query, read: &Read<Position>) -> Result<Self, Error> {
        let mut steps = Steps::Ended;
        if let Some(span) = Span::new(read, view.sources.first().get(), view.head.get()) {
            let range = (span.next.min(span.last), span.next.max(span.last));
            let range = (Position::new(range.0), Position::new(range.1));
            let matches = Matches::new(&view, query, range, span.backward)?;
            steps = Steps::Matching(Box::new(matches));
        }
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Ok(Self::by_position(view, fetch, steps, read))
    }

    fn new<N: Number>(view: View, fetch: Fetch, steps: Steps, read: &Read<N>) -> Self {
        let (backward, marker, at_end) = (read.backward, Position::START, None);
        Self { view, fetch, steps, left: read.limit, backward, stands: false, marker, at_end }
    }

    /// Up to which position it has looked: whoever decides by what it gave has seen everything up
    /// to here that it was asked for, and commits on the condition that nothing has come
    /// [`after`](crate::AppendCondition::after) it.
    ///
    /// When there is no more, that is the head of its view, or the last position that was asked
    /// for. Before, and where a limit ends it, the position of the last event that it gave. Going
    /// backward it looks at the newest first: its marker is where it begins. Two markers are
    /// combined by `min` (seen by both) and `max` (seen by one of them); [`Position::START`] is the
    /// origin.
    ///
    /// ```
    /// use annals::{NewEvent, Query, QueryItem, Read, Store};
    /// let store = Store::in_memory()?;
    /// store.append("a", 0, ["x", "y", "x", "y"].map(|tag| NewEvent::new("Noted", "").tag(tag)))?;
    /// let x = Query::from(QueryItem::new().tag("x"));
    /// let mut cursor = store.query(&x, Read::new())?;
    /// assert_eq!(cursor.by_ref().count(), 2);
    /// assert_eq!(cursor.marker().get(), 4);
    /// let mut first = store.query(&x, Read::new().limit(1))?;
    /// assert_eq!((first.by_ref().count(), first.marker().get()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn marker(&self) -> Position {
        self.marker
    }

    /// All events that are left, and the marker behind them.
    ///
    /// # Errors
    /// What a single read may meet; then the events before are lost with it.
    pub fn events_and_marker(mut self) -> Result<(Vec<RecordedEvent>, Position), Error> {
        let events: Result<_, _> = self.by_ref().collect();
        Ok((events?, self.marker()))
    }

    /// The next event, lent until the next call; nothing at the end. After an error the cursor has
    /// ended.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        Ok(if self.advance()? { Some(self.fetch.lend()) } else { None })
    }

    /// Goes to the next event, which [`Cursor::event`] then lends; `false` at the end. The two of
    /// them are [`Cursor::next_event`], for whoever does something else before looking at it.
    ///
    /// ```
    /// use annals::{NewEvent, Read, Store};
    /// let store = Store::in_memory()?;
    /// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
    /// let mut cursor = store.read_all(Read::new())?;
    /// assert!(cursor.event().is_none(), "it has not begun");
    /// assert!(cursor.advance()?);
    /// assert_eq!(cursor.event().unwrap().payload, b"x");
    /// assert!(!cursor.advance()? && cursor.event().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Cursor::next_event`].
    pub fn advance(&mut self) -> Result<bool, Error> {
        self.stands = false;
        let place = match self.next_place() {
            Ok(Some(place)) => place,
            Ok(None) => {
                self.steps = Steps::Ended;
                if self.left > 0 {
                    self.marker = self.at_end.unwrap_or(self.marker);
                }
                return Ok(false);
            }
            Err(error) => {
                self.steps = Steps::Ended;
                return Err(error);
            }
        };
        match self.find(place) {
            Ok(()) => {
                if !self.backward || self.marker == Position::START {
                    self.marker = place.position;
                }
                self.stands = true;
                Ok(true)
            }
            Err(error) => {
                self.steps = Steps::Ended;
                Err(error)
            }
        }
    }

    /// The event that it stands at; nothing before the first, and at the end.
    pub fn event(&self) -> Option<Event<'_>> {
        self.stands.then(|| self.fetch.lend())
    }

    /// Finds the event at this place; or, if it is not there and the index says that it is
    /// elsewhere, there.
    fn find(&mut self, place: Located) -> Result<(), Error> {
        let Self { view, fetch, .. } = self;
        view.find(fetch, place).or_else(|error| match view.place(place.position) {
            Ok(Some(other)) if other != place => view.find(fetch, other),
            _ => Err(error),
        })
    }

    fn next_place(&mut self) -> Result<Option<Located>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let view = &self.view;
        if let Steps::Unasked(name, read) = &self.steps {
            let version = view.ask(|sources| sources.version(*name, view.head))?;
            let span = Span::new(read, 1, version.get());
            // Newer versions that were not asked for are not looked at.
            if read.last >= version.get() {
                self.at_end = Some(view.head);
                self.marker = if read.backward { view.head } else { self.marker };
            }
            self.steps = span.map_or(Steps::Ended, |span| {
                Steps::Stream(*name, span, Batch::new(SOME), Box::new(Near::new()))
            });
        }
        let place = match &mut self.steps {
            Steps::Ended | Steps::Unasked(..) => None,
            Steps::Matching(matches) => matches.next(view, &mut self.fetch)?,
            Steps::All(span, batch) => {
                let wants_more = batch.is_taken() && !span.over;
                // To look a place up in the index would be a read elsewhere in the file. But where
                // all is in memory, the processor is faster if one event's place does not depend
                // on the one before.
                let behind = if wants_more && self.fetch.is_reading_on() {
                    view.place_behind(&mut self.fetch, Position::new(span.next))
                } else {
                    None
                };
                if behind.is_some() {
                    (_, batch.most) = (span.take(1), FEW);
                } else if wants_more {
                    let backward = span.backward;
                    if let Some(range) = span.take(batch.most.min(self.left)) {
                        batch.fill(view.places(range)?, backward);
                    }
                }
                behind.or_else(|| batch.next())
            }
            Steps::Stream(name, span, batch, near) => {
                if near.is_empty() {
                    if batch.is_taken() {
                        let backward = span.backward;
                        if let Some(range) = span.take(batch.most.min(self.left)) {
                            batch.fill(view.versions(*name, range)?, backward);
                            view.announce(&mut self.fetch, batch.ahead().map(Position::new))?;
                        }
                    }
                    let positions = batch.ahead().map(Position::new);
                    batch.taken += near.find(view, &self.fetch, positions)?;
                }
                near.take(&mut self.fetch)
            }
        };
        if place.is_some() {
            self.left = left;
        }
        Ok(place)
    }
}

impl Iterator for Cursor {
    type Item = Result<RecordedEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fetch.names_too();
        let before = self.marker;
        let next = self.next_event();
        let next = next.and_then(|event| event.map(|event| event.to_recorded()).transpose());
        if next.is_err() {
            (self.steps, self.marker) = (Steps::Ended, before);
        }
        next.transpose()
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("head", &self.view.head).finish_non_exhaustive()
    }
}

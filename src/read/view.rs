//! A view for users.

use super::{Counts, Cursor, Documents, Keys, Names, Read, StreamReport, summary, verify};
use crate::engine::{self, READ_ONE};
use crate::format::TermKind;
use crate::index::{Matching, Wanted};
use crate::log::Fetch;
use crate::words::{
    DerivedId, Document, DocumentRef, Error, Event, Position, Query, RecordedEvent, Summary,
    Version,
};
use std::fmt;
use uuid::Uuid;

/// The store as it was at one moment. Everything read through it belongs together, whatever is
/// committed meanwhile.
///
/// ```
/// use annals::{NewEvent, Store};
/// let store = Store::in_memory()?;
/// store.append("a", 0, [NewEvent::new("Noted", "1")])?;
/// let view = store.view()?;
/// store.append("a", 1, [NewEvent::new("Noted", "2")])?;
/// assert_eq!(view.stream_version("a")?.get(), 1);
/// assert_eq!(store.stream_version("a")?.get(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct View {
    view: engine::View,
}

impl View {
    pub(crate) fn new(view: engine::View) -> Self {
        Self { view }
    }

    /// The last position in it; [`Position::START`] if there is no event.
    pub fn head(&self) -> Position {
        self.view.head
    }

    /// Events of all streams, by position.
    pub fn all(&self, read: Read<Position>) -> Cursor {
        Cursor::all(self.view.clone(), &read)
    }

    /// Events of a stream, by version. A stream that does not exist has none.
    pub fn stream(&self, name: &str, read: Read<Version>) -> Cursor {
        Cursor::stream(self.view.clone(), name, &read)
    }

    /// The events that a query means, by position. What it costs goes by the rarest of what the
    /// query asks for, not by the length of the log.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the query has no items, or one of them
    /// asks for nothing, or is over a limit.
    pub fn query(&self, query: &Query, read: Read<Position>) -> Result<Cursor, Error> {
        query.check()?;
        Cursor::query(self.view.clone(), query, &read)
    }

    /// The document with this key, if there is one.
    pub fn document(&self, key: &str) -> Result<Option<Document>, Error> {
        Ok(self.reader().document(key)?.map(|document| document.to_document()))
    }

    /// Documents in the order of their keys.
    pub fn documents(&self, keys: &Keys) -> Documents {
        Documents::new(self.view.clone(), keys)
    }

    /// The version of a stream; [`Version::NONE`] if it does not exist.
    pub fn stream_version(&self, name: &str) -> Result<Version, Error> {
        let name = self.view.core.hash(name);
        self.view.ask(|sources| sources.version(name, self.view.head))
    }

    /// The event at this position, if there is one in the view.
    pub fn event(&self, position: impl Into<Position>) -> Result<Option<RecordedEvent>, Error> {
        self.reader().event(position)?.map(|event| event.to_recorded()).transpose()
    }

    /// The event with this id, if there is one: given or derived; of several that were given it the
    /// first.
    pub fn event_by_id(&self, id: Uuid) -> Result<Option<RecordedEvent>, Error> {
        let term = self.view.core.identity.key.term(id.as_bytes()).of(TermKind::Id);
        let all = (Position::new(1), self.view.head);
        let mut given = Matching::new(Wanted::term(term), all, false);
        if let Some(position) = self.view.ask(|sources| given.next(sources))? {
            return self.event(position);
        }
        let derived = DerivedId::position(self.view.core.identity.id_bits(), id);
        Ok(self.event(derived)?.filter(|event| event.id == id))
    }

    /// Reads single events and documents without copying them.
    pub fn reader(&self) -> Reader {
        let fetch = self.view.core.fetch(self.view.segments.clone(), READ_ONE);
        Reader { view: self.view.clone(), fetch }
    }

    /// The names of all streams, in the order in which they began.
    pub fn streams(&self) -> Names {
        Names::new(self.view.clone(), None)
    }

    /// The names of the streams of a category, in the order in which they began.
    pub fn streams_of(&self, category: &str) -> Names {
        Names::new(self.view.clone(), Some(category))
    }

    /// The names of all categories, sorted.
    pub fn categories(&self) -> Result<Vec<String>, Error> {
        let categories = Counts::new(self.view.clone(), TermKind::Category, &Keys::all());
        categories.map(|category| category.map(|it| it.name)).collect()
    }

    /// The types of events, sorted, and how many events are of each.
    pub fn types(&self, names: &Keys) -> Counts {
        Counts::new(self.view.clone(), TermKind::Type, names)
    }

    /// The tags of events, sorted, and how many events have each.
    ///
    /// ```
    /// use annals::{Keys, NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// let event = |tags: [&str; 2]| NewEvent::new("Noted", "").tags(tags);
    /// store.append("a", 0, [event(["who:ann", "about:x"]), event(["who:ann", "who:bob"])])?;
    /// let who = store.view()?.tags(&Keys::prefix("who:"));
    /// let who: Vec<_> = who.collect::<Result<_, _>>()?;
    /// assert_eq!((&*who[0].name, who[0].events), ("who:ann", 2));
    /// assert_eq!((&*who[1].name, who[1].events), ("who:bob", 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tags(&self, names: &Keys) -> Counts {
        Counts::new(self.view.clone(), TermKind::Tag, names)
    }

    /// All events, counted by the index: however many there are, few are read.
    pub fn summary(&self) -> Result<Summary, Error> {
        summary::of_all(&self.view)
    }

    /// The events of a stream, counted by reading each of them.
    pub fn stream_summary(&self, name: &str) -> Result<Summary, Error> {
        summary::of_stream(&self.view, name)
    }

    /// Looks at each event that the index says a stream has: whether it is there, passes its check,
    /// is of that stream, has the version that it should have, and comes behind the one before,
    /// by position and by time. A stream that does not exist is whole.
    ///
    /// Whether the index has all events of the log is what [`Store::verify`](crate::Store::verify)
    /// looks at.
    pub fn verify_stream(&self, name: &str) -> Result<StreamReport, Error> {
        verify::verify_stream(&self.view, name)
    }
}

/// Reads single events and documents of a view, lending them where they stand.
pub struct Reader {
    view: engine::View,
    fetch: Fetch,
}

impl Reader {
    /// The event at this position, if there is one in the view; lent until the next call.
    pub fn event(&mut self, position: impl Into<Position>) -> Result<Option<Event<'_>>, Error> {
        let position = position.into();
        if position > self.view.head || position == Position::START {
            return Ok(None);
        }
        let Some(place) = self.view.place(position)? else { return Ok(None) };
        self.view.event(&mut self.fetch, place).map(Some)
    }

    /// The document with this key, if there is one in the view; lent until the next call.
    pub fn document(&mut self, key: &str) -> Result<Option<DocumentRef<'_>>, Error> {
        self.view.document(&mut self.fetch, key)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("head", &self.view.head).finish_non_exhaustive()
    }
}

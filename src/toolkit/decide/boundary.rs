//! What a decision rests on.

use crate::Query;

/// What a decision rests on, and where the events go that come of it: a stream; or whatever a query
/// means, of whatever streams: a dynamic consistency boundary.
///
/// A decision over a stream is committed at the version that was seen. One over a query is
/// committed on condition that no event after the marker is meant by it. The marker is a
/// [`Position`](crate::Position): [`Position::START`](crate::Position::START) is the origin, of two
/// markers `min` is the lower bound (what both have seen) and `max` the upper one.
///
/// ```
/// use annals::toolkit::{Boundary, Port};
/// use annals::{Commit, NewEvent, Position, Query, QueryItem, Read, Store};
/// let port = Port::new(&Store::in_memory()?);
/// let seats = Query::from(QueryItem::new().tag("course:chess"));
/// let boundary = Boundary::query("seats/chess", seats.clone(), "course-chess");
/// assert_eq!((boundary.name(), boundary.stream_name()), ("seats/chess", "course-chess"));
///
/// let (events, origin) = port.query(&seats, Read::new())?.events_and_marker()?;
/// assert_eq!((events.len(), origin), (0, Position::START));
/// let defined = NewEvent::new("CourseDefined", "2").tag("course:chess");
/// let commit = Commit::new().event(boundary.stream_name(), defined);
/// let seen = port.commit(commit.fail_if_events_match(seats, origin))?.marker();
/// assert_eq!((origin.min(seen), origin.max(seen)), (Position::START, seen));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Boundary {
    name: String,
    of: Of,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Of {
    Stream,
    Query { query: Query, into: String },
}

impl Boundary {
    /// The stream that is called so.
    pub fn stream(name: impl Into<String>) -> Self {
        Self { name: name.into(), of: Of::Stream }
    }

    /// What the query means; new events go to this stream, whatever its version. Snapshots know the
    /// boundary by its name, so another query has another name.
    pub fn query(name: impl Into<String>, query: Query, into: impl Into<String>) -> Self {
        Self { name: name.into(), of: Of::Query { query, into: into.into() } }
    }

    /// What snapshots know it by; of a stream its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stream that new events go to.
    pub fn stream_name(&self) -> &str {
        match &self.of {
            Of::Stream => &self.name,
            Of::Query { into, .. } => into,
        }
    }

    /// What is meant; nothing if it is a stream.
    pub fn get_query(&self) -> Option<&Query> {
        match &self.of {
            Of::Stream => None,
            Of::Query { query, .. } => Some(query),
        }
    }
}

/// Which state of a repository: by the id behind its category, or by a [`Boundary`].
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// That of the stream `{category}-{id}`.
    Id(&'a str),
    /// That of this boundary.
    Boundary(&'a Boundary),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(id: &'a str) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a String> for Which<'a> {
    fn from(id: &'a String) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a Boundary> for Which<'a> {
    fn from(boundary: &'a Boundary) -> Self {
        Self::Boundary(boundary)
    }
}

//! An event as whoever reads through a port sees it.

use super::scope::Scope;
use crate::{
    Error, Event, EventKind, Position, RecordedEvent, Timestamp, Uuid, Version, category_of,
};

/// An event, borrowed from where it stands, as whoever reads through a port sees it: with the names
/// of the port's tenant.
///
/// What it says of the event is what [`Event`] says. `position` is that of the whole store: a
/// tenant's events are not dense.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received<'a> {
    /// Its number in the store.
    pub position: Position,
    /// Its number in its stream.
    pub version: Version,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// Its payload.
    pub payload: &'a [u8],
    event: Event<'a>,
    scope: Option<&'a Scope>,
}

impl<'a> Received<'a> {
    pub(super) fn new(event: Event<'a>, scope: Option<&'a Scope>) -> Self {
        let (position, version, recorded) = (event.position, event.version, event.recorded);
        Self { position, version, recorded, payload: event.payload, event, scope }
    }

    /// Its stream's name.
    ///
    /// # Errors
    /// See [`Event::stream`]; the same holds for its type and tags.
    pub fn stream(&self) -> Result<&'a str, Error> {
        let name = self.event.stream()?;
        Ok(self.scope.and_then(|scope| scope.inner(name)).unwrap_or(name))
    }

    /// The category of its stream.
    pub fn category(&self) -> Result<&'a str, Error> {
        Ok(category_of(self.stream()?))
    }

    /// Its type.
    pub fn event_type(&self) -> Result<&'a str, Error> {
        self.event.event_type()
    }

    /// Its tags.
    pub fn tags(&self) -> Result<Vec<&'a str>, Error> {
        let tags = self.event.tags()?;
        let Some(scope) = self.scope else { return Ok(tags.iter().collect()) };
        let own = tags.iter().filter(|tag| *tag != scope.tag());
        Ok(own.map(|tag| scope.inner(tag).unwrap_or(tag)).collect())
    }

    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> Result<bool, Error> {
        let tags = self.event.tags()?;
        Ok(match self.scope {
            None => tags.contains(tag),
            Some(scope) => !tag.is_empty() && tags.contains(&scope.outer(tag)),
        })
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        let id = self.event.id();
        match self.scope {
            Some(scope) if self.event.is_id_given() => scope.mixed(id),
            _ => id,
        }
    }

    /// Whether whoever appended it gave it its id.
    pub fn is_id_given(&self) -> bool {
        self.event.is_id_given()
    }

    /// What it is for.
    pub fn kind(&self) -> EventKind {
        self.event.kind()
    }

    /// The conversation that it belongs to.
    pub fn correlation_id(&self) -> Option<Uuid> {
        self.event.correlation_id()
    }

    /// The event or command that caused it.
    pub fn causation_id(&self) -> Option<Uuid> {
        self.event.causation_id()
    }

    /// When it happened, by the clock of whoever appended it.
    pub fn occurred(&self) -> Option<Timestamp> {
        self.event.occurred()
    }

    /// The version of its payload's schema.
    pub fn schema_version(&self) -> u16 {
        self.event.schema_version()
    }

    /// Its metadata.
    pub fn metadata(&self) -> Option<&'a [u8]> {
        self.event.metadata()
    }

    /// All of it, with nothing borrowed.
    pub fn to_recorded(&self) -> Result<RecordedEvent, Error> {
        let event = self.event.to_recorded()?;
        Ok(match self.scope {
            Some(scope) => scope.recorded(event),
            None => event,
        })
    }
}

/// Borrowed from an event that has been read before.
impl<'a> From<&'a RecordedEvent> for Received<'a> {
    fn from(event: &'a RecordedEvent) -> Self {
        Self::new(event.as_event(), None)
    }
}

impl std::fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("position", &self.position)
            .field("version", &self.version)
            .field("type", &self.event_type())
            .finish_non_exhaustive()
    }
}

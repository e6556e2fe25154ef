//! An event as it stands in the store.

use super::{EventKind, Position, Timestamp, Version, category_of};
use std::fmt;
use uuid::Uuid;

/// An event as it stands in the store, borrowed from where it was read.
///
/// Where the event is durable and the file is mapped, names and payload point into the map: nothing
/// was copied.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// Its number in the store.
    pub position: Position,
    /// Its stream's name.
    pub stream: &'a str,
    /// Its number in the stream.
    pub version: Version,
    /// The id that was given with it, or the one derived from its place.
    pub id: Uuid,
    /// Whether the id was given by the caller.
    pub id_given: bool,
    /// Its type.
    pub event_type: &'a str,
    /// What it is for.
    pub kind: EventKind,
    /// The version of its payload's schema.
    pub schema_version: u16,
    /// Its tags, in the order in which they were given.
    pub tags: Tags<'a>,
    /// The conversation it belongs to.
    pub correlation_id: Option<Uuid>,
    /// What caused it.
    pub causation_id: Option<Uuid>,
    /// When the store took it in. Never goes back from one position to the next.
    pub recorded: Timestamp,
    /// When it happened, by the clock of whoever appended it.
    pub occurred: Option<Timestamp>,
    /// Its metadata. Empty metadata and none are different.
    pub metadata: Option<&'a [u8]>,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Event<'a> {
    /// The category of its stream.
    pub fn category(&self) -> &'a str {
        category_of(self.stream)
    }

    /// A copy that borrows nothing.
    pub fn to_recorded(&self) -> RecordedEvent {
        RecordedEvent {
            position: self.position,
            stream: self.stream.to_owned(),
            version: self.version,
            id: self.id,
            id_given: self.id_given,
            event_type: self.event_type.to_owned(),
            kind: self.kind,
            schema_version: self.schema_version,
            tags: self.tags.iter().map(str::to_owned).collect(),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            recorded: self.recorded,
            occurred: self.occurred,
            metadata: self.metadata.map(<[u8]>::to_vec),
            payload: self.payload.to_vec(),
        }
    }
}

/// The tags of an event, in the order in which they were given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags<'a> {
    /// The first few, so that reading a usual event allocates nothing.
    few: [&'a str; FEW],
    /// How many of `few` there are.
    used: usize,
    /// The others.
    more: Vec<&'a str>,
}

const FEW: usize = 4;

impl<'a> Tags<'a> {
    /// Adds one at the end.
    pub(crate) fn push(&mut self, tag: &'a str) {
        match self.few.get_mut(self.used) {
            Some(place) => {
                *place = tag;
                self.used += 1;
            }
            None => self.more.push(tag),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.few.iter().take(self.used).chain(&self.more).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.used + self.more.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether this tag is among them, byte for byte.
    pub fn contains(&self, tag: &str) -> bool {
        self.iter().any(|other| other == tag)
    }
}

impl<'a> FromIterator<&'a str> for Tags<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut tags = Self::default();
        names.into_iter().for_each(|name| tags.push(name));
        tags
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An event as it stands in the store, with nothing borrowed. [`RecordedEvent::as_event`] gives the
/// other form.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// See [`Event::position`].
    pub position: Position,
    /// See [`Event::stream`].
    pub stream: String,
    /// See [`Event::version`].
    pub version: Version,
    /// See [`Event::id`].
    pub id: Uuid,
    /// See [`Event::id_given`].
    pub id_given: bool,
    /// See [`Event::event_type`].
    pub event_type: String,
    /// See [`Event::kind`].
    pub kind: EventKind,
    /// See [`Event::schema_version`].
    pub schema_version: u16,
    /// See [`Event::tags`].
    pub tags: Vec<String>,
    /// See [`Event::correlation_id`].
    pub correlation_id: Option<Uuid>,
    /// See [`Event::causation_id`].
    pub causation_id: Option<Uuid>,
    /// See [`Event::recorded`].
    pub recorded: Timestamp,
    /// See [`Event::occurred`].
    pub occurred: Option<Timestamp>,
    /// See [`Event::metadata`].
    pub metadata: Option<Vec<u8>>,
    /// See [`Event::payload`].
    pub payload: Vec<u8>,
}

impl RecordedEvent {
    /// The borrowed form.
    pub fn as_event(&self) -> Event<'_> {
        Event {
            position: self.position,
            stream: &self.stream,
            version: self.version,
            id: self.id,
            id_given: self.id_given,
            event_type: &self.event_type,
            kind: self.kind,
            schema_version: self.schema_version,
            tags: self.tags.iter().map(String::as_str).collect(),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            recorded: self.recorded,
            occurred: self.occurred,
            metadata: self.metadata.as_deref(),
            payload: &self.payload,
        }
    }

    /// The category of its stream.
    pub fn category(&self) -> &str {
        category_of(&self.stream)
    }
}

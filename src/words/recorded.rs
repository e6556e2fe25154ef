//! An event as it stands in the store, with nothing borrowed.

use super::lent::Rest;
use super::{Event, EventKind, Position, Timestamp, Version, category_of};
use uuid::Uuid;

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
    /// See [`Event::is_id_given`].
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
    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// The borrowed form.
    pub fn as_event(&self) -> Event<'_> {
        Event {
            position: self.position,
            version: self.version,
            recorded: self.recorded,
            payload: &self.payload,
            rest: Rest::Copied(self),
        }
    }

    /// The category of its stream.
    pub fn category(&self) -> &str {
        category_of(&self.stream)
    }
}

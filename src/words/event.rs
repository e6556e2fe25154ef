//! An event that is to be appended.

use super::{
    Limit, LimitExceeded, Position, RecordedEvent, Refusal, Timestamp, Version, check_name,
};
use uuid::Uuid;

/// What an event is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub enum EventKind {
    /// A fact of the domain.
    #[default]
    Domain,
    /// Meant for other systems.
    Integration,
    /// Says that something is due; what happened is to be looked up.
    Trigger,
    /// Carries the whole state with it.
    Fat,
}

/// An event that is to be appended: a type, a payload, and what else is known of it.
///
/// ```
/// use annals::{EventKind, NewEvent};
/// let event = NewEvent::new("OrderPlaced", br#"{"total": 12}"#)
///     .tag("customer:7")
///     .kind(EventKind::Integration)
///     .metadata(r#"{"by": "ann"}"#);
/// assert_eq!(event.event_type(), "OrderPlaced");
/// ```
#[doc(alias = "EventData")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub(crate) event_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) kind: EventKind,
    pub(crate) schema_version: u16,
    pub(crate) tags: Vec<String>,
    pub(crate) id: Option<Uuid>,
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) occurred: Option<Timestamp>,
    pub(crate) metadata: Option<Vec<u8>>,
}

impl NewEvent {
    /// An event of this type with this payload; a domain event of schema version 1 without tags.
    pub fn new(event_type: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            event_type: event_type.into(),
            payload: payload.into(),
            kind: EventKind::Domain,
            schema_version: 1,
            tags: Vec::new(),
            id: None,
            correlation_id: None,
            causation_id: None,
            occurred: None,
            metadata: None,
        }
    }

    /// Its type.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// With an id of the caller's. Without one, the store derives an id from the event's place.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// With one more tag. A tag that it has already is not added again.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        self.tags([tag])
    }

    /// With these tags more, each once.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        let tags = tags.into_iter();
        self.tags.reserve(tags.size_hint().0);
        for tag in tags.map(T::into) {
            if !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
        self
    }

    /// Of this kind.
    #[must_use]
    pub fn kind(mut self, kind: EventKind) -> Self {
        self.kind = kind;
        self
    }

    /// With this version of its payload's schema; 1 unless told.
    #[must_use]
    pub fn schema_version(mut self, version: u16) -> Self {
        self.schema_version = version;
        self
    }

    /// Belonging to this conversation.
    #[must_use]
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Caused by the event or command with this id.
    #[must_use]
    pub fn causation_id(mut self, id: Uuid) -> Self {
        self.causation_id = Some(id);
        self
    }

    /// Having happened then, by the caller's clock. The store keeps it and gives it no meaning.
    #[must_use]
    pub fn occurred(mut self, time: Timestamp) -> Self {
        self.occurred = Some(time);
        self
    }

    /// With metadata. Empty metadata and none are different, and stay so.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<Vec<u8>>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// Its payload.
    pub fn get_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Its tags, in the order in which they were given.
    pub fn get_tags(&self) -> &[String] {
        &self.tags
    }

    /// The id that it was given.
    pub fn get_id(&self) -> Option<Uuid> {
        self.id
    }

    /// The conversation that it belongs to.
    pub fn get_correlation_id(&self) -> Option<Uuid> {
        self.correlation_id
    }

    /// The event or command that caused it.
    pub fn get_causation_id(&self) -> Option<Uuid> {
        self.causation_id
    }

    /// When it happened, by the caller's clock.
    pub fn get_occurred(&self) -> Option<Timestamp> {
        self.occurred
    }

    /// Its metadata.
    pub fn get_metadata(&self) -> Option<&[u8]> {
        self.metadata.as_deref()
    }

    /// With each of its tags made another one; those that become the same one are one.
    ///
    /// ```
    /// use annals::NewEvent;
    /// let event = NewEvent::new("Noted", "").tag("a").tag("b");
    /// assert_eq!(event.map_tags(|tag| format!("acme/{tag}")).get_tags(), ["acme/a", "acme/b"]);
    /// ```
    #[must_use]
    pub fn map_tags(mut self, change: impl FnMut(String) -> String) -> Self {
        let tags = std::mem::take(&mut self.tags);
        self.tags(tags.into_iter().map(change))
    }

    /// As it would stand in the store, in this stream, at this position and version, taken in then:
    /// for whoever asks a query whether it means an event that is not in the store yet. Without a
    /// given id it has the id of zeros, since the store derives one only when it takes it in.
    ///
    /// ```
    /// use annals::{NewEvent, Query, QueryItem, Timestamp};
    /// let event = NewEvent::new("Noted", "").tag("a");
    /// let event = event.to_recorded("notes-1", 1, 1, Timestamp::now());
    /// let query = Query::from(QueryItem::new().tag("a").category("notes"));
    /// assert!(query.matches(&event.as_event())?);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn to_recorded(
        &self,
        stream: impl Into<String>,
        position: impl Into<Position>,
        version: impl Into<Version>,
        recorded: Timestamp,
    ) -> RecordedEvent {
        let event = self.clone();
        RecordedEvent {
            position: position.into(),
            stream: stream.into(),
            version: version.into(),
            id: event.id.unwrap_or_default(),
            id_given: event.id.is_some(),
            event_type: event.event_type,
            kind: event.kind,
            schema_version: event.schema_version,
            tags: event.tags,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            recorded,
            occurred: event.occurred,
            metadata: event.metadata,
            payload: event.payload,
        }
    }

    /// Whether it is within the limits.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_name("type", &self.event_type)?;
        LimitExceeded::check_len(Limit::Tags, self.tags.len())?;
        for tag in &self.tags {
            check_name("tag", tag)?;
        }
        LimitExceeded::check_len(Limit::Payload, self.payload.len())?;
        LimitExceeded::check_len(Limit::Metadata, self.metadata.as_ref().map_or(0, Vec::len))?;
        Ok(())
    }
}

//! What the events of one decision have in common.

use super::Metadata;
use crate::{EventKind, NewEvent, Timestamp, Uuid};

/// What the events of one decision have in common beside what happened: where it came from, for
/// whom, by whom.
///
/// ```
/// use annals::toolkit::{Codec, Envelope, Metadata};
/// use annals::{Uuid, event_types};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Order {
///     Placed { total: u64 },
/// }
/// event_types! { Order { Placed => "OrderPlaced" version 1 } }
///
/// let request = Uuid::new_v4();
/// let metadata = Metadata::new().context("sales");
/// let envelope = Envelope::new().correlation_id(request).metadata(metadata);
/// let event = Codec::json().encode(&Order::Placed { total: 12 }, &envelope)?;
/// assert_eq!(event.get_correlation_id(), Some(request));
/// assert_eq!(event.get_metadata(), Some(&br#"{"context":"sales"}"#[..]));
/// # Ok::<(), annals::toolkit::CodecError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Envelope {
    pub(super) correlation_id: Option<Uuid>,
    pub(super) causation_id: Option<Uuid>,
    pub(super) kind: EventKind,
    pub(super) occurred: Option<Timestamp>,
    pub(super) metadata: Metadata,
    pub(super) tags: Vec<String>,
}

impl Envelope {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The conversation that all of it belongs to.
    #[must_use]
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// The command or event that caused it.
    #[must_use]
    pub fn causation_id(mut self, id: Uuid) -> Self {
        self.causation_id = Some(id);
        self
    }

    /// What the events are for; [`EventKind::Domain`] unless told.
    #[must_use]
    pub fn kind(mut self, kind: EventKind) -> Self {
        self.kind = kind;
        self
    }

    /// When it happened, by the caller's clock.
    #[must_use]
    pub fn occurred(mut self, time: Timestamp) -> Self {
        self.occurred = Some(time);
        self
    }

    /// Metadata of each event.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// A tag of each event, beside what the codec's resolvers say.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// The event with what is in it, where the event itself says nothing; what it is for stays as
    /// the event says.
    ///
    /// ```
    /// use annals::toolkit::{Envelope, Metadata};
    /// use annals::{NewEvent, Uuid};
    /// let (request, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    /// let envelope = Envelope::new().correlation_id(request).causation_id(request);
    /// let event = envelope.around(NewEvent::new("Noted", "").causation_id(other));
    /// assert_eq!(event.get_correlation_id(), Some(request));
    /// assert_eq!(event.get_causation_id(), Some(other));
    /// ```
    pub fn around(&self, event: NewEvent) -> NewEvent {
        let mut event = event.tags(self.tags.iter().map(String::as_str));
        if event.get_correlation_id().is_none() {
            event = self.correlation_id.into_iter().fold(event, NewEvent::correlation_id);
        }
        if event.get_causation_id().is_none() {
            event = self.causation_id.into_iter().fold(event, NewEvent::causation_id);
        }
        if event.get_occurred().is_none() {
            event = self.occurred.into_iter().fold(event, NewEvent::occurred);
        }
        match event.get_metadata() {
            None if !self.metadata.is_empty() => event.metadata(self.metadata.to_bytes()),
            _ => event,
        }
    }

    /// Its metadata.
    pub fn get_metadata(&self) -> &Metadata {
        &self.metadata
    }
}

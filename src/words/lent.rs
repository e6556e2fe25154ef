//! An event as it stands in the store, lent by whoever read it.

use super::category_of;
use super::{DerivedId, Error, EventKind, LogOffset, Position, RecordedEvent, Timestamp, Version};
use std::fmt;
use uuid::Uuid;

/// An event as it stands in the store, lent by whoever read it.
///
/// Where the event is durable and the file is mapped, everything points into the map: nothing was
/// copied. Its record was checked when it was read. The fields are what every reader wants; the
/// rest is decoded when it is asked for. Its names stand elsewhere in the log: each is looked up
/// and checked when it is asked for, so whoever asks for none doesn't pay for them.
///
/// ```
/// use annals::{NewEvent, Store};
/// let store = Store::in_memory()?;
/// store.append("order-1", 0, [NewEvent::new("OrderPlaced", "12").tag("customer:7")])?;
/// let mut reader = store.view()?.reader();
/// let event = reader.event(1)?.expect("there is one");
/// assert_eq!((event.version.get(), event.payload), (1, &b"12"[..]));
/// assert_eq!((event.stream()?, event.event_type()?), ("order-1", "OrderPlaced"));
/// assert!(event.tags()?.contains("customer:7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Event<'a> {
    /// Its number in the store.
    pub position: Position,
    /// Its number in its stream.
    pub version: Version,
    /// When the store took it in. Never goes back from one position to the next.
    pub recorded: Timestamp,
    /// Its payload.
    pub payload: &'a [u8],
    pub(crate) rest: Rest<'a>,
}

/// Where the rest of an event is.
#[derive(Clone, Copy)]
pub(crate) enum Rest<'a> {
    /// Beside what the event has.
    Copied(&'a RecordedEvent),
    /// In its record, which passed its check.
    Lent(Lent<'a>),
}

/// An event's record, and who knows what it says.
#[derive(Clone, Copy)]
pub(crate) struct Lent<'a> {
    pub(crate) lender: &'a dyn Lender,
    pub(crate) at: LogOffset,
    pub(crate) record: &'a [u8],
}

/// Who lends events.
pub(crate) trait Lender: Sync {
    /// What a record says that passed its check.
    fn parts<'r>(&self, record: &'r [u8]) -> Parts<'r>;

    /// Looks up and checks the name that `position` refers to by this number.
    ///
    /// # Errors
    /// It is not there, or fails its check.
    fn check_name(&self, reference: u32, position: Position) -> Result<(), Error>;

    /// The name with this number, which was checked before.
    fn name(&self, reference: u32) -> &str;

    /// The bits that all derived ids of the store share.
    fn id_bits(&self) -> u128;
}

/// What an event's record says beside what its fields have.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) check: u32,
    pub(crate) id: Option<Uuid>,
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) occurred: Option<Timestamp>,
    pub(crate) kind: EventKind,
    pub(crate) schema_version: u16,
    pub(crate) metadata: Option<&'a [u8]>,
    pub(crate) stream: u32,
    pub(crate) event_type: u32,
    /// Four bytes for each, little-endian.
    pub(crate) tags: &'a [u8],
}

impl<'a> Lent<'a> {
    fn parts(&self) -> Parts<'a> {
        self.lender.parts(self.record)
    }

    /// The name with this number, for the event at `position`.
    fn name(&self, reference: u32, position: Position) -> Result<&'a str, Error> {
        self.lender.check_name(reference, position)?;
        Ok(self.lender.name(reference))
    }

    /// The tags with these numbers, for the event at `position`.
    fn tags(&self, references: &'a [u8], position: Position) -> Result<Tags<'a>, Error> {
        for reference in references.as_chunks::<4>().0 {
            self.lender.check_name(u32::from_le_bytes(*reference), position)?;
        }
        Ok(Tags(TagsIn::At(self.lender, references)))
    }

    /// The id that these parts give, or the one derived from where the event stands.
    fn id(&self, parts: &Parts<'_>, position: Position, recorded: Timestamp) -> Uuid {
        let Parts { id, check, .. } = *parts;
        id.unwrap_or_else(|| {
            let derived = DerivedId { store: self.lender.id_bits(), at: self.at, check };
            derived.id(position, recorded)
        })
    }
}

impl<'a> Event<'a> {
    /// Its stream's name.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if the name fails its check; the same
    /// holds for its type and tags. Nothing else can fail, and never for an event that was made by
    /// [`RecordedEvent::as_event`].
    pub fn stream(&self) -> Result<&'a str, Error> {
        match &self.rest {
            Rest::Copied(event) => Ok(&event.stream),
            Rest::Lent(lent) => lent.name(lent.parts().stream, self.position),
        }
    }

    /// Its type.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn event_type(&self) -> Result<&'a str, Error> {
        match &self.rest {
            Rest::Copied(event) => Ok(&event.event_type),
            Rest::Lent(lent) => lent.name(lent.parts().event_type, self.position),
        }
    }

    /// Its tags, in the order in which they were given.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn tags(&self) -> Result<Tags<'a>, Error> {
        match &self.rest {
            Rest::Copied(event) => Ok(Tags(TagsIn::Texts(&event.tags))),
            Rest::Lent(lent) => lent.tags(lent.parts().tags, self.position),
        }
    }

    /// The category of its stream.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn category(&self) -> Result<&'a str, Error> {
        self.stream().map(category_of)
    }

    /// The id that was given with it, or the one derived from its place.
    pub fn id(&self) -> Uuid {
        match &self.rest {
            Rest::Copied(event) => event.id,
            Rest::Lent(lent) => lent.id(&lent.parts(), self.position, self.recorded),
        }
    }

    /// Whether its id was given by the caller.
    pub fn is_id_given(&self) -> bool {
        match &self.rest {
            Rest::Copied(event) => event.id_given,
            Rest::Lent(lent) => lent.parts().id.is_some(),
        }
    }

    /// What it is for.
    pub fn kind(&self) -> EventKind {
        match &self.rest {
            Rest::Copied(event) => event.kind,
            Rest::Lent(lent) => lent.parts().kind,
        }
    }

    /// The conversation it belongs to.
    pub fn correlation_id(&self) -> Option<Uuid> {
        match &self.rest {
            Rest::Copied(event) => event.correlation_id,
            Rest::Lent(lent) => lent.parts().correlation_id,
        }
    }

    /// What caused it.
    pub fn causation_id(&self) -> Option<Uuid> {
        match &self.rest {
            Rest::Copied(event) => event.causation_id,
            Rest::Lent(lent) => lent.parts().causation_id,
        }
    }

    /// When it happened, by the clock of whoever appended it.
    pub fn occurred(&self) -> Option<Timestamp> {
        match &self.rest {
            Rest::Copied(event) => event.occurred,
            Rest::Lent(lent) => lent.parts().occurred,
        }
    }

    /// The version of its payload's schema.
    pub fn schema_version(&self) -> u16 {
        match &self.rest {
            Rest::Copied(event) => event.schema_version,
            Rest::Lent(lent) => lent.parts().schema_version,
        }
    }

    /// Its metadata. Empty metadata and none are different.
    pub fn metadata(&self) -> Option<&'a [u8]> {
        match &self.rest {
            Rest::Copied(event) => event.metadata.as_deref(),
            Rest::Lent(lent) => lent.parts().metadata,
        }
    }

    /// A copy that borrows nothing.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn to_recorded(&self) -> Result<RecordedEvent, Error> {
        let lent = match &self.rest {
            Rest::Copied(event) => return Ok((*event).clone()),
            Rest::Lent(lent) => lent,
        };
        let parts = lent.parts();
        let tags = lent.tags(parts.tags, self.position)?;
        Ok(RecordedEvent {
            position: self.position,
            stream: lent.name(parts.stream, self.position)?.to_owned(),
            version: self.version,
            id: lent.id(&parts, self.position, self.recorded),
            id_given: parts.id.is_some(),
            event_type: lent.name(parts.event_type, self.position)?.to_owned(),
            kind: parts.kind,
            schema_version: parts.schema_version,
            tags: tags.iter().map(str::to_owned).collect(),
            correlation_id: parts.correlation_id,
            causation_id: parts.causation_id,
            recorded: self.recorded,
            occurred: parts.occurred,
            metadata: parts.metadata.map(<[u8]>::to_vec),
            payload: self.payload.to_vec(),
        })
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_recorded() {
            Ok(event) => fmt::Debug::fmt(&event, f),
            Err(error) => write!(f, "Event {{ position: {:?}, {error} }}", self.position),
        }
    }
}

/// The tags of an event, in the order in which they were given.
#[derive(Clone, Copy)]
pub struct Tags<'a>(TagsIn<'a>);

#[derive(Clone, Copy)]
enum TagsIn<'a> {
    Texts(&'a [String]),
    /// Checked before; four bytes for each, little-endian.
    At(&'a dyn Lender, &'a [u8]),
}

impl<'a> Tags<'a> {
    /// The `nth` of them, from 0 on.
    pub fn get(&self, nth: usize) -> Option<&'a str> {
        match self.0 {
            TagsIn::Texts(texts) => texts.get(nth).map(String::as_str),
            TagsIn::At(source, references) => {
                let bytes = references.get(nth.checked_mul(4)?..)?.first_chunk::<4>()?;
                Some(source.name(u32::from_le_bytes(*bytes)))
            }
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let tags = *self;
        (0..self.len()).map_while(move |nth| tags.get(nth))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            TagsIn::Texts(texts) => texts.len(),
            TagsIn::At(_, references) => references.len() / 4,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this tag is among them, byte for byte.
    pub fn contains(&self, tag: &str) -> bool {
        self.iter().any(|other| other == tag)
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

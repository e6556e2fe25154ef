//! An event as it stands in the store.

use super::{Error, EventKind, LogOffset, Position, Timestamp, Version, category_of};
use std::fmt;
use uuid::Uuid;

/// An event as it stands in the store, lent by whoever read it.
///
/// Where the event is durable and the file is mapped, everything points into the map: nothing was
/// copied. Its record was checked when it was read. Its names stand elsewhere in the log: each is
/// looked up and checked when it is asked for, so whoever asks for none doesn't pay for them.
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
    /// What it is for.
    pub kind: EventKind,
    /// The version of its payload's schema.
    pub schema_version: u16,
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
    pub(crate) id: IdOf,
    pub(crate) names: EventNames<'a>,
}

/// Where the names are that an event refers to.
pub(crate) trait NameSource: Sync {
    /// Looks up and checks the name that `position` refers to by this number.
    ///
    /// # Errors
    /// It is not there, or fails its check.
    fn check(&self, reference: u32, position: Position) -> Result<(), Error>;

    /// The name with this number, which was checked before.
    fn name(&self, reference: u32) -> &str;
}

/// The names of an event: themselves, or where they are.
#[derive(Clone, Copy)]
pub(crate) enum EventNames<'a> {
    Texts(&'a RecordedEvent),
    At(NameRefs<'a>),
}

/// Where the names of an event are.
#[derive(Clone, Copy)]
pub(crate) struct NameRefs<'a> {
    pub(crate) source: &'a dyn NameSource,
    pub(crate) stream: u32,
    pub(crate) event_type: u32,
    /// Four bytes for each, little-endian.
    pub(crate) tags: &'a [u8],
}

/// An event's id: given by the caller, or derived from what its record says.
#[derive(Clone, Copy)]
pub(crate) enum IdOf {
    Given(Uuid),
    Derived(DerivedId),
}

/// What the id of an event is made of that was given none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DerivedId {
    /// The bits that all events of the store share.
    pub(crate) store: u128,
    /// Where its record stands.
    pub(crate) at: LogOffset,
    /// The check of its record.
    pub(crate) check: u32,
}

impl DerivedId {
    /// A UUID of version 8 (RFC 9562). The lower half has the position, so no other event of the
    /// store has it; the upper half what the event is, so that one that a crash took back, and
    /// another that got its position, differ.
    pub(crate) fn id(self, position: Position, recorded: Timestamp) -> Uuid {
        let moment = u64::from_le_bytes(recorded.micros().to_le_bytes());
        let mut bits = self.at.get().wrapping_add(u64::from(self.check) << 32);
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits = (bits ^ (bits >> 31)) ^ moment.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let upper = u128::from(bits) << 64;
        Uuid::new_v8((self.store ^ upper ^ u128::from(position.get())).to_be_bytes())
    }

    /// The position of the only event of the store that may have this id as a derived one. `store`
    /// has the bits that all of them share.
    pub(crate) fn position(store: u128, id: Uuid) -> Position {
        // Two bits of the lower half say what kind of UUID it is; no position comes so far.
        let bits = (store ^ id.as_u128()).to_be_bytes();
        let [.., a, b, c, d, e, f, g, h] = bits;
        Position::new(u64::from_be_bytes([a, b, c, d, e, f, g, h]) & (u64::MAX >> 2))
    }
}

impl<'a> NameRefs<'a> {
    /// The name with this number, for the event at `position`.
    fn name(&self, reference: u32, position: Position) -> Result<&'a str, Error> {
        self.source.check(reference, position)?;
        Ok(self.source.name(reference))
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
        match &self.names {
            EventNames::Texts(event) => Ok(&event.stream),
            EventNames::At(refs) => refs.name(refs.stream, self.position),
        }
    }

    /// Its type.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn event_type(&self) -> Result<&'a str, Error> {
        match &self.names {
            EventNames::Texts(event) => Ok(&event.event_type),
            EventNames::At(refs) => refs.name(refs.event_type, self.position),
        }
    }

    /// Its tags, in the order in which they were given.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn tags(&self) -> Result<Tags<'a>, Error> {
        match &self.names {
            EventNames::Texts(event) => Ok(Tags(TagsIn::Texts(&event.tags))),
            EventNames::At(refs) => {
                for reference in refs.tags.as_chunks::<4>().0 {
                    refs.source.check(u32::from_le_bytes(*reference), self.position)?;
                }
                Ok(Tags(TagsIn::At(refs.source, refs.tags)))
            }
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
        match self.id {
            IdOf::Given(id) => id,
            IdOf::Derived(derived) => derived.id(self.position, self.recorded),
        }
    }

    /// Whether its id was given by the caller.
    pub fn is_id_given(&self) -> bool {
        matches!(self.id, IdOf::Given(_))
    }

    /// A copy that borrows nothing.
    ///
    /// # Errors
    /// See [`Event::stream`].
    pub fn to_recorded(&self) -> Result<RecordedEvent, Error> {
        Ok(RecordedEvent {
            position: self.position,
            stream: self.stream()?.to_owned(),
            version: self.version,
            id: self.id(),
            id_given: self.is_id_given(),
            event_type: self.event_type()?.to_owned(),
            kind: self.kind,
            schema_version: self.schema_version,
            tags: self.tags()?.iter().map(str::to_owned).collect(),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            recorded: self.recorded,
            occurred: self.occurred,
            metadata: self.metadata.map(<[u8]>::to_vec),
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
    At(&'a dyn NameSource, &'a [u8]),
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
            kind: self.kind,
            schema_version: self.schema_version,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            recorded: self.recorded,
            occurred: self.occurred,
            metadata: self.metadata.as_deref(),
            payload: &self.payload,
            id: IdOf::Given(self.id),
            names: EventNames::Texts(self),
        }
    }

    /// The category of its stream.
    pub fn category(&self) -> &str {
        category_of(&self.stream)
    }
}

//! Between events of the program and events of the store.

use super::upcast::{Raised, Upcast, raise};
use super::variant::{Contents, Variant};
use super::{CodecError, Encoding, Envelope, EventType, EventTypes, TagResolver};
use crate::toolkit::port::Received;
use crate::{NewEvent, Query, QueryItem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// What becomes of events whose type the program does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Unknown {
    /// They are an error.
    #[default]
    Fail,
    /// They are passed over.
    Skip,
}

/// Makes events of the store out of events of the program, and back. Cloning it is cheap.
///
/// Events of an older schema go through the upcasters, one after the other, until no step begins
/// where they are; then they have to be what the program knows. Those of a newer schema are an
/// error, whatever [`Unknown`] says: passing over half of what happened is not what was asked.
///
/// ```
/// use annals::toolkit::{Codec, Envelope, Port};
/// use annals::{NewEvent, Read, Store, event_types};
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Value, json};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum AccountEvent {
///     Deposited { cents: u64, currency: String },
/// }
/// event_types! { AccountEvent { Deposited => "MoneyDeposited" version 3 } }
///
/// let codec = Codec::<AccountEvent>::json()
///     // Once there were whole euros, later no currency.
///     .upcast("MoneyDeposited", 1, |old: Value| {
///         json!({"cents": old["euros"].as_u64().map(|euros| euros * 100)})
///     })
///     .upcast("MoneyDeposited", 2, |mut old: Value| {
///         old["currency"] = json!("EUR");
///         old
///     })
///     .tags(|event: &AccountEvent, _: &_| match event {
///         AccountEvent::Deposited { currency, .. } => vec![format!("currency:{currency}")],
///     });
///
/// let port = Port::new(&Store::in_memory()?);
/// port.append("account-7", 0, [NewEvent::new("MoneyDeposited", r#"{"euros": 5}"#)])?;
/// let new = AccountEvent::Deposited { cents: 7, currency: "CHF".to_owned() };
/// port.append("account-7", 1, [codec.encode(&new, &Envelope::new())?])?;
///
/// let mut events = port.read_stream("account-7", Read::new())?;
/// let old = codec.decode(&events.next_event()?.unwrap())?;
/// assert_eq!(old, Some(AccountEvent::Deposited { cents: 500, currency: "EUR".to_owned() }));
/// let found = events.next_event()?.unwrap();
/// assert_eq!((codec.decode(&found)?, found.tags()?), (Some(new), vec!["currency:CHF"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Codec<E> {
    inner: Arc<Inner<E>>,
}

struct Inner<E> {
    encoding: Encoding,
    unknown: Unknown,
    upcasts: Vec<Upcast>,
    resolvers: Vec<Arc<dyn TagResolver<E>>>,
}

impl<E> Clone for Codec<E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<E> Clone for Inner<E> {
    fn clone(&self) -> Self {
        Self {
            encoding: self.encoding,
            unknown: self.unknown,
            upcasts: self.upcasts.clone(),
            resolvers: self.resolvers.clone(),
        }
    }
}

impl<E: EventTypes + Serialize + DeserializeOwned> Codec<E> {
    /// Payloads as JSON.
    pub fn json() -> Self {
        Self::new(Encoding::Json)
    }

    /// Payloads written so.
    pub fn new(encoding: Encoding) -> Self {
        let (upcasts, resolvers) = (Vec::new(), Vec::new());
        let unknown = Unknown::default();
        Self { inner: Arc::new(Inner { encoding, unknown, upcasts, resolvers }) }
    }

    fn with(mut self, change: impl FnOnce(&mut Inner<E>)) -> Self {
        match Arc::get_mut(&mut self.inner) {
            Some(inner) => change(inner),
            None => {
                let mut inner = Inner::clone(&self.inner);
                change(&mut inner);
                self.inner = Arc::new(inner);
            }
        }
        self
    }

    /// What becomes of events whose type is unknown.
    #[must_use]
    pub fn unknown(self, unknown: Unknown) -> Self {
        self.with(|inner| inner.unknown = unknown)
    }

    /// A step from this schema version of a type to the next: what was written becomes what would
    /// be written.
    #[must_use]
    pub fn upcast<Old: DeserializeOwned, New: Serialize>(
        self,
        event_type: &str,
        from: u16,
        change: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Self {
        let next = (event_type.to_owned(), from.saturating_add(1));
        let step = Upcast::new((event_type.to_owned(), from), next, change);
        self.with(|inner| inner.upcasts.push(step))
    }

    /// A step from one type and schema version to another.
    #[must_use]
    pub fn upcast_to<Old: DeserializeOwned, New: Serialize>(
        self,
        from: (&str, u16),
        to: (&str, u16),
        change: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Self {
        let step = Upcast::new((from.0.to_owned(), from.1), (to.0.to_owned(), to.1), change);
        self.with(|inner| inner.upcasts.push(step))
    }

    /// A type that had another name once; its payload stays as it is.
    #[must_use]
    pub fn renamed(self, from: (&str, u16), to: (&str, u16)) -> Self {
        let step = Upcast::rename((from.0.to_owned(), from.1), (to.0.to_owned(), to.1));
        self.with(|inner| inner.upcasts.push(step))
    }

    /// One more that says what tags events get.
    #[must_use]
    pub fn tags(self, resolver: impl TagResolver<E> + 'static) -> Self {
        self.with(|inner| inner.resolvers.push(Arc::new(resolver)))
    }

    /// How payloads are written.
    pub fn encoding(&self) -> Encoding {
        self.inner.encoding
    }

    /// An item that means the events of all types that the program knows, by all names that they
    /// ever had.
    pub fn item(&self) -> QueryItem {
        let once = self.inner.upcasts.iter().map(|step| step.from.0.as_str());
        let mut names: Vec<&str> = E::TYPES.iter().map(|known| known.name).chain(once).collect();
        names.sort_unstable();
        names.dedup();
        QueryItem::new().types(names)
    }

    /// The same as a query.
    pub fn query(&self) -> Query {
        Query::from(self.item())
    }

    /// As the store takes it.
    ///
    /// # Errors
    /// [`CodecError::Unwritable`]: the encoding has no form for it, or serde gives its variant a
    /// name of its own.
    pub fn encode(&self, event: &E, envelope: &Envelope) -> Result<NewEvent, CodecError> {
        let known = event.event_type();
        let contents = Contents { event, variant: known.variant };
        let payload = self.inner.encoding.write(&contents)?;
        let new = NewEvent::new(known.name, payload).schema_version(known.version);
        let mut tags = Vec::new();
        for resolver in &self.inner.resolvers {
            resolver.resolve(event, &envelope.metadata, &mut tags);
        }
        Ok(envelope.around(new.kind(envelope.kind)).tags(tags))
    }

    /// As the program has it; nothing if its type is unknown, and such events are passed over.
    ///
    /// # Errors
    /// [`CodecError`]: its type is unknown or newer, nothing leads from its schema to today's, or
    /// its payload is not what its type says. Of the store: its type's name fails its check.
    pub fn decode(&self, event: &Received<'_>) -> Result<Option<E>, crate::toolkit::ToolError> {
        let name = event.event_type()?;
        Ok(self.decode_as(event, name, event.schema_version(), event.payload)?)
    }

    fn decode_as(
        &self,
        event: &Received<'_>,
        name: &str,
        version: u16,
        payload: &[u8],
    ) -> Result<Option<E>, CodecError> {
        let inner = &*self.inner;
        let position = event.position;
        if let Some(known) = known::<E>(name).filter(|known| known.version == version) {
            return self.contents(known, payload, event).map(Some);
        }
        let of_event = |error| of_event(error, name, event);
        let raised = raise(&inner.upcasts, inner.encoding, name, version, payload);
        let (name, version, payload) = match raised.map_err(of_event)? {
            Some(Raised { event_type, version, payload }) => (event_type, version, payload),
            None => (name.to_owned(), version, Vec::new()),
        };
        let Some(known) = known::<E>(&name) else {
            let unknown = CodecError::UnknownType { event_type: name, position };
            return if inner.unknown == Unknown::Skip { Ok(None) } else { Err(unknown) };
        };
        let (event_type, known_version) = (name, known.version);
        if version > known_version {
            return Err(CodecError::Newer { event_type, version, known: known_version, position });
        }
        if version < known_version {
            let known = known_version;
            return Err(CodecError::NoUpcaster { event_type, version, known, position });
        }
        self.contents(known, &payload, event).map(Some)
    }

    fn contents(
        &self,
        known: &EventType,
        payload: &[u8],
        event: &Received<'_>,
    ) -> Result<E, CodecError> {
        let variant = Variant { name: known.variant, events: PhantomData };
        let found = self.inner.encoding.read_seed(variant, payload);
        found.map_err(|error| of_event(error, known.name, event))
    }
}

/// What the program knows of a type.
fn known<E: EventTypes>(name: &str) -> Option<&'static EventType> {
    E::TYPES.iter().find(|known| known.name == name)
}

/// With where the event stands.
fn of_event(error: CodecError, event_type: &str, event: &Received<'_>) -> CodecError {
    match error {
        CodecError::Unreadable(what) | CodecError::Unwritable(what) => {
            let (event_type, position) = (event_type.to_owned(), event.position);
            CodecError::Event { event_type, position, what }
        }
        other => other,
    }
}

impl<E> fmt::Debug for Codec<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("encoding", &self.inner.encoding)
            .field("unknown", &self.inner.unknown)
            .finish_non_exhaustive()
    }
}

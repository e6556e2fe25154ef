//! States made by a function, each a document.

use super::{Order, Output, Projection};
use crate::toolkit::{Codec, Encoding, EventTypes, Failure, Received};
use crate::{Query, QueryItem, Read, RecordedEvent, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;

/// States that are kept in memory between batches, at the most.
const KEPT: usize = 10_000;
/// The key of the state, where there is but one.
pub(super) const ONLY: &str = "state";

/// A projection that is an initial state and a function that changes it: one state for all events,
/// one for each stream, or one for whatever key an event has. States are documents, as JSON.
///
/// ```
/// use annals::toolkit::{Fold, Port, Projected, Projector};
/// use annals::{NewEvent, Store};
/// let port = Port::new(&Store::in_memory()?);
/// port.append("account-1", 0, ["5", "7"].map(|cents| NewEvent::new("Deposited", cents)))?;
/// port.append("account-2", 0, [NewEvent::new("Deposited", "1")])?;
///
/// let balances = Fold::per_stream("balances", || 0_u64).of_category("account");
/// let balances = balances.apply(|balance, event| {
///     *balance += std::str::from_utf8(event.payload)?.parse::<u64>()?;
///     Ok(())
/// });
/// Projector::new(&port, balances)?.catch_up()?;
///
/// let balances = Projected::of(&port, "balances");
/// assert_eq!(balances.read::<u64>("account-1")?, Some(12));
/// assert_eq!(balances.read::<u64>("account-2")?, Some(1));
/// assert_eq!(balances.checkpoint()?.unwrap().position.get(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Fold<S> {
    name: String,
    version: u32,
    query: Query,
    initial: Box<dyn Fn() -> S + Send>,
    key: Key,
    apply: Box<Apply<S>>,
    whole: Option<Order>,
    states: HashMap<String, Kept<S>>,
}

type Apply<S> = dyn FnMut(&mut S, &Received<'_>) -> Result<(), Failure> + Send;
type ByKey = dyn Fn(&Received<'_>) -> Result<Option<String>, Failure> + Send;

/// Which state an event changes.
enum Key {
    Only,
    Stream,
    By(Box<ByKey>),
}

/// A state in memory.
struct Kept<S> {
    state: S,
    changed: bool,
    /// Where the state is made of all events each time: the last one's version.
    to: Version,
}

impl<S: Serialize + DeserializeOwned + Send + 'static> Fold<S> {
    /// One state for all events.
    pub fn new(name: impl Into<String>, initial: impl Fn() -> S + Send + 'static) -> Self {
        Self::with(name.into(), initial, Key::Only)
    }

    /// One state for each stream, under the stream's name.
    pub fn per_stream(name: impl Into<String>, initial: impl Fn() -> S + Send + 'static) -> Self {
        Self::with(name.into(), initial, Key::Stream)
    }

    /// One state for each key that events have; an event without one changes nothing.
    pub fn per_key(
        name: impl Into<String>,
        key: impl Fn(&Received<'_>) -> Result<Option<String>, Failure> + Send + 'static,
        initial: impl Fn() -> S + Send + 'static,
    ) -> Self {
        Self::with(name.into(), initial, Key::By(Box::new(key)))
    }

    fn with(name: String, initial: impl Fn() -> S + Send + 'static, key: Key) -> Self {
        Self {
            name,
            version: 1,
            query: Query::all(),
            initial: Box::new(initial),
            key,
            apply: Box::new(|_, _| Ok(())),
            whole: None,
            states: HashMap::new(),
        }
    }

    /// The version of what it does: see [`Projection::version`].
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Of the events that the query means; of all unless told.
    #[must_use]
    pub fn of(mut self, query: impl Into<Query>) -> Self {
        self.query = query.into();
        self
    }

    /// Of the events of a category.
    #[must_use]
    pub fn of_category(self, category: impl Into<String>) -> Self {
        self.of(QueryItem::new().category(category))
    }

    /// How an event changes a state.
    #[must_use]
    pub fn apply(
        mut self,
        apply: impl FnMut(&mut S, &Received<'_>) -> Result<(), Failure> + Send + 'static,
    ) -> Self {
        self.apply = Box::new(apply);
        self
    }

    /// How a typed event changes a state. What the codec passes over changes nothing.
    #[must_use]
    pub fn apply_typed<E>(
        self,
        codec: Codec<E>,
        mut apply: impl FnMut(&mut S, E, &Received<'_>) -> Result<(), Failure> + Send + 'static,
    ) -> Self
    where
        E: EventTypes + Serialize + DeserializeOwned + 'static,
    {
        self.apply(move |state, received| match codec.decode(received)? {
            Some(event) => apply(state, event, received),
            None => Ok(()),
        })
    }

    /// Each time an event comes, the state of its stream is made of all events of the stream up to
    /// it, in this order, instead of being changed: for events that come too late. Only for
    /// [`Fold::per_stream`], and for following projections.
    #[must_use]
    pub fn whole(mut self, order: Order) -> Self {
        self.whole = Some(order);
        self
    }

    /// The state under this key: in memory, in the store, or the initial one.
    fn load(&mut self, key: &str, output: &Output<'_>) -> Result<(), Failure> {
        if !self.states.contains_key(key) {
            let state = output.read(key)?.unwrap_or_else(|| (self.initial)());
            let kept = Kept { state, changed: false, to: Version::NONE };
            self.states.insert(key.to_owned(), kept);
        }
        Ok(())
    }

    /// Changes the state under this key.
    fn change(
        &mut self,
        key: &str,
        event: &Received<'_>,
        output: &Output<'_>,
    ) -> Result<(), Failure> {
        self.load(key, output)?;
        let Some(kept) = self.states.get_mut(key) else { return Ok(()) };
        kept.changed = true;
        kept.to = event.version;
        match self.whole {
            // It is made when the batch is.
            Some(_) => Ok(()),
            None => (self.apply)(&mut kept.state, event),
        }
    }

    /// Makes the state of a stream of all its events up to this one.
    fn make(
        &mut self,
        stream: &str,
        to: Version,
        order: &Order,
        output: &Output<'_>,
    ) -> Result<S, Failure> {
        let events = output.port().read_stream(stream, Read::new().to(to))?;
        let mut events: Vec<RecordedEvent> = events.collect::<Result<_, _>>()?;
        order.sort(&mut events);
        let mut state = (self.initial)();
        for event in &events {
            if self.query.matches(&event.as_event())? {
                (self.apply)(&mut state, &Received::from(event))?;
            }
        }
        Ok(state)
    }
}

impl<S: Serialize + DeserializeOwned + Send + 'static> Projection for Fold<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn query(&self) -> Query {
        self.query.clone()
    }

    fn apply(&mut self, event: &Received<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
        match &self.key {
            Key::Only => self.change(ONLY, event, output),
            Key::Stream => self.change(event.stream()?, event, output),
            Key::By(key) => match key(event)? {
                Some(key) => self.change(&key, event, output),
                None => Ok(()),
            },
        }
    }

    fn flush(&mut self, output: &mut Output<'_>) -> Result<(), Failure> {
        if let Some(order) = self.whole.clone() {
            let changed = self.states.iter().filter(|(_, kept)| kept.changed);
            let changed: Vec<_> = changed.map(|(key, kept)| (key.clone(), kept.to)).collect();
            for (stream, to) in changed {
                let state = self.make(&stream, to, &order, output)?;
                self.states.entry(stream).and_modify(|kept| kept.state = state);
            }
        }
        for (key, kept) in self.states.iter_mut().filter(|(_, kept)| kept.changed) {
            output.put(key.as_str(), Encoding::Json.write(&kept.state)?);
            kept.changed = false;
        }
        if self.states.len() > KEPT {
            self.states.clear();
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.states.clear();
    }
}

impl<S> fmt::Debug for Fold<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").field("name", &self.name).finish_non_exhaustive()
    }
}

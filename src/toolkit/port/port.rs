//! See the module.

use super::events::Events;
use super::scope::{Scope, nested};
use super::{Ids, Interceptor, RandomIds, Received, Totals};
use crate::toolkit::error::contain;
use crate::toolkit::{ToolError, spans};
use crate::{
    AppendError, Appended, Clock, Commit, Counted, Document, DocumentRef, Error, ExpectedVersion,
    Keys, NewEvent, Position, Query, Read, RecordedEvent, Staged, Store, SystemClock, Timestamp,
    Uuid, Version, category_of,
};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// A store as the toolkit's parts see it: whole, or what of it belongs to a tenant; with
/// interceptors around what goes through. Cloning it is cheap.
///
/// **Tenants.** [`Port::tenant`] gives a handle through which nothing can be seen, changed or
/// counted that belongs to another tenant or to none, whatever is called: names of streams, tags
/// and keys of documents are the tenant's own, and so are the ids that he gives. Positions are
/// those of the whole store. So a tenant's events have gaps between them, from which can be seen
/// that there are others, and how many events; the head and what is durable are the store's. An
/// event of a tenant, and an item of his queries, has one tag less than it may have, and his names
/// are shorter by his own. Who has the whole store's port sees everything, under the names that the
/// tenants' things have there: `acme/order-1`. Whatever he gives such a name is the tenant's.
///
/// ```
/// use annals::toolkit::Port;
/// use annals::{NewEvent, Query, QueryItem, Read, Store};
/// let port = Port::new(&Store::in_memory()?);
/// let (acme, bolt) = (port.tenant("acme")?, port.tenant("bolt")?);
/// acme.append("order-1", 0, [NewEvent::new("OrderPlaced", "{}").tag("customer:7")])?;
/// bolt.append("order-1", 0, [NewEvent::new("OrderPlaced", "{}").tag("customer:7")])?;
///
/// let of = Query::from(QueryItem::new().tag("customer:7"));
/// let found: Vec<_> = bolt.query(&of, Read::new())?.collect::<Result<_, _>>()?;
/// assert_eq!((found.len(), &*found[0].stream), (1, "order-1"));
/// assert_eq!(found[0].position.get(), 2, "the first is another's");
/// assert_eq!(port.streams()?, ["acme/order-1", "bolt/order-1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Port {
    store: Store,
    scope: Option<Scope>,
    interceptors: Arc<[Arc<dyn Interceptor>]>,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
}

/// What puts a commit into the store, in the words of the port.
pub(super) type Land<'a> = dyn FnMut(&Commit) -> Result<Appended, AppendError> + 'a;

impl From<&Store> for Port {
    fn from(store: &Store) -> Self {
        Self::new(store)
    }
}

impl From<&Port> for Port {
    fn from(port: &Port) -> Self {
        port.clone()
    }
}

impl Port {
    /// The whole store.
    pub fn new(store: &Store) -> Self {
        let (scope, interceptors) = (None, Arc::new([]));
        let (ids, clock) = (Arc::new(RandomIds), Arc::new(SystemClock));
        Self { store: store.clone(), scope, interceptors, ids, clock }
    }

    /// With one more interceptor, inside of those there are.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        let one: Arc<dyn Interceptor> = Arc::new(interceptor);
        self.interceptors = self.interceptors.iter().cloned().chain([one]).collect();
        self
    }

    /// With ids from there, instead of random ones.
    #[must_use]
    pub fn ids(mut self, ids: impl Ids) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// With this clock for whatever the toolkit waits for; recorded times come from the store's,
    /// see [`Options::clock`](crate::Options::clock).
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What of the store belongs to this tenant. Nothing has to be made before.
    ///
    /// # Errors
    /// [`ToolError::Setup`]: the name is empty, longer than 64 bytes, or has anything in it but
    /// ASCII letters, digits, `_` and `.`; or this is a tenant's handle already.
    pub fn tenant(&self, name: &str) -> Result<Self, ToolError> {
        if let Some(scope) = &self.scope {
            return Err(nested(scope));
        }
        let scope = Some(Scope::of(name, self.store.id())?);
        Ok(Self { scope, ..self.clone() })
    }

    /// Whose handle it is; nothing if it is the whole store's.
    pub fn tenant_name(&self) -> Option<&str> {
        self.scope.as_ref().map(Scope::name)
    }

    /// Appends events to one stream. See [`Store::append`].
    ///
    /// # Errors
    /// Those of [`Port::commit`].
    pub fn append(
        &self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Result<Appended, ToolError> {
        self.commit(Commit::new().append(stream, expected, events))
    }

    /// Commits, past the interceptors. See [`Store::commit`].
    ///
    /// # Errors
    /// [`ToolError::Append`], or whatever an interceptor makes of it.
    pub fn commit(&self, commit: impl Borrow<Commit>) -> Result<Appended, ToolError> {
        self.commit_by(commit.borrow(), &mut |commit| self.commit_outer(commit))
    }

    /// Commits, past the interceptors, by handing what comes of them to this.
    pub(super) fn commit_by(
        &self,
        commit: &Commit,
        land: &mut Land<'_>,
    ) -> Result<Appended, ToolError> {
        spans::append(|| self.past(&self.interceptors, commit, land))
    }

    /// Commits past these interceptors.
    fn past(
        &self,
        interceptors: &[Arc<dyn Interceptor>],
        commit: &Commit,
        land: &mut Land<'_>,
    ) -> Result<Appended, ToolError> {
        let Some((first, rest)) = interceptors.split_first() else {
            return self.seen(land(commit));
        };
        let who = || format!("interceptor '{}'", first.name());
        let mut next = |commit: Commit| self.past(rest, &commit, land);
        contain(who, || Ok(first.append(commit.clone(), &mut next)?))
    }

    /// Commits it under the names that the store has.
    pub(super) fn commit_outer(&self, commit: &Commit) -> Result<Appended, AppendError> {
        match &self.scope {
            None => self.store.commit(commit),
            Some(scope) => self.store.commit(scope.commit(commit.clone())),
        }
    }

    /// Stages it under the names that the store has.
    pub(super) fn stage_outer(&self, commit: &Commit) -> Result<Staged, ToolError> {
        let commit = commit.clone();
        let Some(scope) = &self.scope else { return Ok(self.store.stage(commit)?) };
        Ok(self.store.stage(scope.commit(commit)).map_err(|error| scope.error(error))?)
    }

    /// What came of a commit, as the tenant sees it.
    fn seen(&self, landed: Result<Appended, AppendError>) -> Result<Appended, ToolError> {
        let Some(scope) = &self.scope else { return Ok(landed?) };
        match landed {
            Ok(appended) => Ok(scope.appended(appended)),
            Err(mut error) => {
                // The event is the tenant's own: it is told under the id that he knows.
                if let AppendError::ConditionFailed(failed) | AppendError::AlreadyExists(failed) =
                    &mut error
                    && let Some(event) = self.own(self.store.event(failed.position)?)
                {
                    failed.id = scope.recorded(event).id;
                }
                Err(scope.error(error).into())
            }
        }
    }

    /// The last visible position of the whole store.
    ///
    /// # Errors
    /// The store's.
    pub fn head(&self) -> Result<Position, ToolError> {
        Ok(self.store.head()?)
    }

    /// The last durable position of the whole store.
    pub fn durable(&self) -> Position {
        self.store.durable()
    }

    /// See [`Store::wait`]; what another tenant appends ends it, too.
    ///
    /// # Errors
    /// The store's.
    pub fn wait(
        &self,
        after: impl Into<Position>,
        timeout: Duration,
    ) -> Result<Position, ToolError> {
        Ok(self.store.wait(after, timeout)?)
    }

    /// See [`Store::wait_durable_after`].
    ///
    /// # Errors
    /// The store's.
    pub fn wait_durable_after(
        &self,
        after: impl Into<Position>,
        timeout: Duration,
    ) -> Result<Position, ToolError> {
        Ok(self.store.wait_durable_after(after, timeout)?)
    }

    /// See [`Store::wake_after`].
    pub fn wake_after(&self, after: impl Into<Position>, waker: &Waker) -> bool {
        self.store.wake_after(after, waker)
    }

    /// See [`Store::wake_durable_after`].
    pub fn wake_durable_after(&self, after: impl Into<Position>, waker: &Waker) -> bool {
        self.store.wake_durable_after(after, waker)
    }

    /// Reads everything, by position.
    ///
    /// # Errors
    /// The store's.
    pub fn read_all(&self, read: Read<Position>) -> Result<Events, ToolError> {
        match &self.scope {
            None => Ok(self.events(self.store.read_all(read)?)),
            Some(_) => self.query(&Query::all(), read),
        }
    }

    /// Reads a stream, by version. A stream that does not exist has no events.
    ///
    /// # Errors
    /// The store's.
    pub fn read_stream(&self, stream: &str, read: Read<Version>) -> Result<Events, ToolError> {
        Ok(self.events(self.store.read_stream(&self.outer(stream), read)?))
    }

    /// Reads what a query means, by position.
    ///
    /// # Errors
    /// The store's; a query without meaning.
    pub fn query(&self, query: &Query, read: Read<Position>) -> Result<Events, ToolError> {
        let cursor = match &self.scope {
            // What everything is asks no index.
            None if query.is_all() => self.store.read_all(read)?,
            None => self.store.query(query, read)?,
            Some(scope) => self.store.query(&scope.query(query.clone()), read)?,
        };
        Ok(self.events(cursor))
    }

    fn events(&self, cursor: crate::Cursor) -> Events {
        Events::new(self.clone(), cursor)
    }

    /// The event at this position, if there is one for this port.
    ///
    /// # Errors
    /// The store's.
    pub fn event(&self, position: impl Into<Position>) -> Result<Option<RecordedEvent>, ToolError> {
        let event = self.store.event(position)?;
        self.own(event).map(|event| self.read(event)).transpose()
    }

    /// The event with this id, if there is one for this port.
    ///
    /// # Errors
    /// The store's.
    pub fn event_by_id(&self, id: Uuid) -> Result<Option<RecordedEvent>, ToolError> {
        let Some(scope) = &self.scope else {
            return self.store.event_by_id(id)?.map(|event| self.read(event)).transpose();
        };
        let given = self.store.event_by_id(scope.mixed(id))?.filter(|event| event.id_given);
        let found = match given {
            Some(given) => Some(given),
            None => self.store.event_by_id(id)?.filter(|event| !event.id_given),
        };
        self.own(found).map(|event| self.read(event)).transpose()
    }

    /// The event, if it belongs to the port.
    fn own(&self, event: Option<RecordedEvent>) -> Option<RecordedEvent> {
        let Some(scope) = &self.scope else { return event };
        event.filter(|event| scope.inner(&event.stream).is_some())
    }

    /// As whoever reads through the port sees it.
    fn read(&self, event: RecordedEvent) -> Result<RecordedEvent, ToolError> {
        let event = match &self.scope {
            None => event,
            Some(scope) => scope.recorded(event),
        };
        Ok(self.intercept_read(&Received::from(&event))?.unwrap_or(event))
    }

    /// The document under this key.
    ///
    /// # Errors
    /// The store's.
    pub fn document(&self, key: &str) -> Result<Option<Document>, ToolError> {
        let Some(scope) = &self.scope else { return Ok(self.store.document(key)?) };
        let mut found = self.store.document(&scope.outer(key))?;
        found.iter_mut().for_each(|found| key.clone_into(&mut found.key));
        Ok(found)
    }

    /// Calls `read` with the document under this key, lent where it stands; nothing if there is
    /// none.
    ///
    /// # Errors
    /// The store's.
    pub fn with_document<T>(
        &self,
        key: &str,
        read: impl FnOnce(&DocumentRef<'_>) -> T,
    ) -> Result<Option<T>, ToolError> {
        let mut reader = self.store.view()?.reader();
        let Some(scope) = &self.scope else { return Ok(reader.document(key)?.as_ref().map(read)) };
        let outer = scope.outer(key);
        let found = reader.document(&outer)?;
        Ok(found.map(|mut found| {
            found.key = key;
            read(&found)
        }))
    }

    /// The documents under these keys, in the order of the keys.
    ///
    /// # Errors
    /// The store's.
    pub fn documents(
        &self,
        keys: Keys,
    ) -> Result<impl Iterator<Item = Result<Document, ToolError>> + use<>, ToolError> {
        let scope = self.scope.clone();
        let keys = scope.iter().fold(keys, |keys, scope| scope.keys(keys));
        let found = self.store.documents(keys)?;
        Ok(found.map(move |found| {
            let mut found = found?;
            scope.iter().for_each(|scope| scope.strip(&mut found.key));
            Ok(found)
        }))
    }

    /// The version of a stream; 0 if there is none.
    ///
    /// # Errors
    /// The store's.
    pub fn stream_version(&self, stream: &str) -> Result<Version, ToolError> {
        Ok(self.store.stream_version(&self.outer(stream))?)
    }

    /// The names of all streams: in the order in which they began; of a tenant by category, and in
    /// each in that order.
    ///
    /// # Errors
    /// The store's.
    pub fn streams(&self) -> Result<Vec<String>, ToolError> {
        match &self.scope {
            None => Ok(self.store.streams()?.collect::<Result<_, _>>()?),
            Some(_) => {
                let categories = self.categories()?;
                let names = categories.iter().map(|category| self.streams_of(category));
                Ok(names.collect::<Result<Vec<_>, _>>()?.concat())
            }
        }
    }

    /// The names of the streams of a category, in the order in which they began.
    ///
    /// # Errors
    /// The store's.
    pub fn streams_of(&self, category: &str) -> Result<Vec<String>, ToolError> {
        let category = match &self.scope {
            None => category.to_owned(),
            Some(scope) => scope.category(category),
        };
        let names = self.store.streams_of(&category)?;
        names.map(|name| Ok(self.inner(&name?).to_owned())).collect()
    }

    /// The names of all categories, sorted.
    ///
    /// # Errors
    /// The store's.
    pub fn categories(&self) -> Result<Vec<String>, ToolError> {
        let categories = self.store.categories()?;
        let Some(scope) = &self.scope else { return Ok(categories) };
        let own = categories.iter().filter_map(|name| scope.inner(name));
        Ok(own.map(|name| category_of(name).to_owned()).collect())
    }

    /// The tags, sorted, and how many events have each.
    ///
    /// # Errors
    /// The store's.
    pub fn tags(&self, keys: Keys) -> Result<Vec<Counted>, ToolError> {
        let Some(scope) = &self.scope else {
            return Ok(self.store.tags(keys)?.collect::<Result<_, _>>()?);
        };
        let mut own = Vec::new();
        for tag in self.store.tags(scope.keys(keys))? {
            let mut tag = tag?;
            if let Some(name) = scope.inner(&tag.name).filter(|name| !name.is_empty()) {
                tag.name = name.to_owned();
                own.push(tag);
            }
        }
        Ok(own)
    }

    /// How many events there are.
    ///
    /// # Errors
    /// The store's.
    pub fn count(&self) -> Result<u64, ToolError> {
        let Some(scope) = &self.scope else { return Ok(self.store.summary()?.events) };
        let tags = self.store.tags(Keys::prefix(scope.tag()).limit(1))?;
        let own =
            tags.map(|tag| tag.map(|tag| if tag.name == scope.tag() { tag.events } else { 0 }));
        Ok(own.sum::<Result<u64, Error>>()?)
    }

    /// All events, counted: of the whole store by its index; of a tenant by reading each.
    ///
    /// # Errors
    /// The store's.
    pub fn totals(&self) -> Result<Totals, ToolError> {
        match &self.scope {
            None => Ok(self.store.summary()?.into()),
            Some(_) => self.read_all(Read::new())?.totals(),
        }
    }

    /// The events of a stream, counted by reading each.
    ///
    /// # Errors
    /// The store's.
    pub fn stream_totals(&self, stream: &str) -> Result<Totals, ToolError> {
        self.read_stream(stream, Read::new())?.totals()
    }

    /// The next id.
    pub fn next_id(&self) -> Uuid {
        self.ids.next()
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The id of the store.
    pub fn store_id(&self) -> Uuid {
        self.store.id()
    }

    /// Calls whoever handles an event, past the interceptors.
    ///
    /// # Errors
    /// What the call returns, or whatever an interceptor makes of it.
    pub fn publish(
        &self,
        event: &Received<'_>,
        to: &str,
        call: &mut dyn FnMut() -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        spans::publish(to, event, || self.publish_past(&self.interceptors, event, to, call))
    }

    fn publish_past(
        &self,
        interceptors: &[Arc<dyn Interceptor>],
        event: &Received<'_>,
        to: &str,
        call: &mut dyn FnMut() -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        let Some((first, rest)) = interceptors.split_first() else { return call() };
        let who = || format!("interceptor '{}'", first.name());
        contain(who, || {
            Ok(first.publish(event, to, &mut || self.publish_past(rest, event, to, call))?)
        })
    }

    /// What the interceptors put in place of an event; nothing if they leave it as it is.
    pub(super) fn intercept_read(
        &self,
        event: &Received<'_>,
    ) -> Result<Option<RecordedEvent>, ToolError> {
        let mut replaced: Option<RecordedEvent> = None;
        for interceptor in &*self.interceptors {
            let who = || format!("interceptor '{}'", interceptor.name());
            let seen = replaced.as_ref().map_or_else(|| event.clone(), Received::from);
            if let Some(other) = contain(who, || interceptor.read(&seen))? {
                replaced = Some(other);
            }
        }
        Ok(replaced)
    }

    pub(super) fn has_interceptors(&self) -> bool {
        !self.interceptors.is_empty()
    }

    pub(super) fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// A name as the store has it.
    fn outer(&self, name: &str) -> String {
        self.scope.as_ref().map_or_else(|| name.to_owned(), |scope| scope.outer(name))
    }

    /// A name of the port's, as the port has it.
    fn inner<'a>(&self, name: &'a str) -> &'a str {
        self.scope.as_ref().and_then(|scope| scope.inner(name)).unwrap_or(name)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("store", &self.store.id())
            .field("tenant", &self.tenant_name())
            .field("interceptors", &self.interceptors.len())
            .finish()
    }
}

//! Queries: which events are meant.

use super::{Error, Event, EventKind, Invalid, Limit, LimitExceeded, Refusal, Timestamp};
use super::{category_of, check_name};
use uuid::Uuid;

/// Which events are meant: all, or those of any of its items.
///
/// ```
/// use annals::{NewEvent, Query, QueryItem, Read, Store};
/// let store = Store::in_memory()?;
/// store.append("course-1", 0, [NewEvent::new("CourseDefined", "30").tag("course:1")])?;
/// store.append("student-7", 0, [
///     NewEvent::new("StudentSubscribed", "").tag("course:1").tag("student:7"),
///     NewEvent::new("StudentSubscribed", "").tag("course:2").tag("student:7"),
/// ])?;
/// // Both tags, of this type.
/// let item = QueryItem::new().event_type("StudentSubscribed").tag("course:1").tag("student:7");
/// let query = Query::from(item).or(QueryItem::new().event_type("CourseDefined"));
/// let found: Vec<u64> = store
///     .query(&query, Read::new())?
///     .map(|event| event.map(|event| event.position.get()))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(found, [1, 2]);
/// // An item without any restriction is refused: say `all`.
/// assert!(store.query(&Query::from(QueryItem::new()), Read::new()).is_err());
/// assert_eq!(store.query(&Query::all(), Read::new())?.count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "Criteria")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Nothing for all events.
    items: Option<Vec<QueryItem>>,
}

/// Events that have one of its types, all of its tags, and whatever else it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryItem {
    pub(crate) types: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) category: Option<String>,
    pub(crate) stream: Option<String>,
    pub(crate) stream_prefix: Option<String>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Query {
    /// All events.
    pub fn all() -> Self {
        Self { items: None }
    }

    /// The events of any of these items. A query without items is refused where it is used.
    pub fn any(items: impl IntoIterator<Item = QueryItem>) -> Self {
        Self { items: Some(items.into_iter().collect()) }
    }

    /// Those too that this item means. Beside all events that is nothing more.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        if let Some(items) = &mut self.items {
            items.push(item);
        }
        self
    }

    /// Whether it means all events, of whatever kind.
    pub fn is_all(&self) -> bool {
        self.items.is_none()
    }

    /// With each of its items made another one. One that means all events has none.
    #[must_use]
    pub fn map_items(self, change: impl FnMut(QueryItem) -> QueryItem) -> Self {
        Self { items: self.items.map(|items| items.into_iter().map(change).collect()) }
    }

    /// What it means of this stream alone; nothing if it means nothing there.
    ///
    /// ```
    /// use annals::{Query, QueryItem};
    /// let query = Query::from(QueryItem::new().tag("a")).or(QueryItem::new().stream("notes-1"));
    /// let alone = Query::from(QueryItem::new().tag("a").stream("notes-2"));
    /// assert_eq!(query.in_stream("notes-2"), Some(alone));
    /// assert_eq!(Query::from(QueryItem::new().category("cards")).in_stream("notes-2"), None);
    /// ```
    pub fn in_stream(&self, stream: &str) -> Option<Self> {
        let Some(items) = &self.items else {
            return Some(Self::from(QueryItem::new().stream(stream)));
        };
        let there = items.iter().filter(|item| item.is_in(stream));
        let items: Vec<_> = there.map(|item| item.clone().stream(stream)).collect();
        (!items.is_empty()).then_some(Self { items: Some(items) })
    }

    /// Whether an event is meant. Reading by the query finds exactly those events for which this
    /// holds.
    ///
    /// # Errors
    /// A name that the answer depends on fails its check: see [`Event::stream`].
    pub fn matches(&self, event: &Event<'_>) -> Result<bool, Error> {
        let Some(items) = &self.items else { return Ok(true) };
        for item in items {
            if item.matches(event)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether it asks for something that no term of the index says, so that events have to be
    /// looked at.
    pub(crate) fn has_rest(&self) -> bool {
        self.items.iter().flatten().any(QueryItem::has_rest)
    }

    /// Whether the index alone does not answer it: the log has to be read.
    pub(crate) fn reads_log(&self) -> bool {
        let items = self.items.iter().flatten();
        items.into_iter().any(|item| item.has_rest() || item.has_times())
    }

    /// Its items; nothing for all events.
    pub(crate) fn items(&self) -> Option<&[QueryItem]> {
        self.items.as_deref()
    }

    /// Whether it means something, within the limits.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Some(items) = &self.items else { return Ok(()) };
        if items.is_empty() {
            return Err(Refusal::Invalid(Invalid::NoItems));
        }
        LimitExceeded::check_len(Limit::QueryItems, items.len())?;
        items.iter().try_for_each(QueryItem::check)
    }
}

impl From<QueryItem> for Query {
    fn from(item: QueryItem) -> Self {
        Self::any([item])
    }
}

impl QueryItem {
    /// An item that asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this type, or another that is named.
    #[must_use]
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.types.push(event_type.into());
        self
    }

    /// Of one of these types.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types.extend(types.into_iter().map(Into::into));
        self
    }

    /// With this tag, too.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// With all of these tags.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Of streams of this category.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Of this stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// Of streams whose names begin so.
    #[must_use]
    pub fn stream_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.stream_prefix = Some(prefix.into());
        self
    }

    /// For this use.
    #[must_use]
    pub fn kind(mut self, kind: EventKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Of this conversation.
    #[must_use]
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// With this cause.
    #[must_use]
    pub fn causation_id(mut self, id: Uuid) -> Self {
        self.causation_id = Some(id);
        self
    }

    /// Recorded at this time or later.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Recorded at this time or earlier.
    #[must_use]
    pub fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// With each of its tags made another one.
    ///
    /// ```
    /// use annals::QueryItem;
    /// let item = QueryItem::new().tag("a").stream("notes-1");
    /// let item = item.map_tags(|tag| format!("acme/{tag}"));
    /// let item = item.map_streams(|name| format!("acme/{name}"));
    /// assert_eq!(item, QueryItem::new().tag("acme/a").stream("acme/notes-1"));
    /// ```
    #[must_use]
    pub fn map_tags(mut self, change: impl FnMut(String) -> String) -> Self {
        self.tags = self.tags.into_iter().map(change).collect();
        self
    }

    /// With what it says of streams made something else: names, beginnings of names, categories. An
    /// empty name, which is refused, stays one.
    #[must_use]
    pub fn map_streams(mut self, mut change: impl FnMut(String) -> String) -> Self {
        self.category = self.category.map(&mut change);
        self.stream = self.stream.map(|name| if name.is_empty() { name } else { change(name) });
        self.stream_prefix = self.stream_prefix.map(&mut change);
        self
    }

    /// Whether an event is meant.
    fn matches(&self, event: &Event<'_>) -> Result<bool, Error> {
        let by_record = self.kind.is_none_or(|kind| kind == event.kind())
            && (self.correlation_id.is_none() || self.correlation_id == event.correlation_id())
            && (self.causation_id.is_none() || self.causation_id == event.causation_id())
            && self.since.is_none_or(|since| event.recorded >= since)
            && self.until.is_none_or(|until| event.recorded <= until);
        // Names are looked up last, and only those that something is said of.
        Ok(by_record
            && (self.types.is_empty() || {
                let found = event.event_type()?;
                self.types.iter().any(|wanted| wanted == found)
            })
            && (!self.names_stream() || self.is_in(event.stream()?))
            && (self.tags.is_empty() || {
                let found = event.tags()?;
                self.tags.iter().all(|tag| found.contains(tag))
            }))
    }

    /// Whether it says something of the stream's name.
    fn names_stream(&self) -> bool {
        self.category.is_some() || self.stream.is_some() || self.stream_prefix.is_some()
    }

    /// Whether events of this stream are meant, as far as its name goes.
    fn is_in(&self, stream: &str) -> bool {
        self.category.as_ref().is_none_or(|wanted| wanted == category_of(stream))
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
            && self.stream_prefix.as_ref().is_none_or(|prefix| stream.starts_with(&**prefix))
    }

    fn has_rest(&self) -> bool {
        self.stream_prefix.is_some() || self.kind.is_some()
    }

    /// Whether it asks for a range of recorded times.
    pub(crate) fn has_times(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    fn check(&self) -> Result<(), Refusal> {
        if *self == Self::default() {
            return Err(Refusal::Invalid(Invalid::EmptyItem));
        }
        LimitExceeded::check_len(Limit::Tags, self.tags.len())?;
        self.types.iter().try_for_each(|name| check_name("type", name))?;
        self.tags.iter().try_for_each(|name| check_name("tag", name))?;
        self.stream.iter().try_for_each(|name| check_name("stream", name))
    }
}

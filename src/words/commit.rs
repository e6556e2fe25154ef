//! A commit: one atomic append of events, documents or both.

use super::{
    AppendCondition, AppendError, Durability, ExpectedVersion, Invalid, Limit, LimitExceeded,
    NewEvent, Position, Query, Refusal, Revision, Version, check_key, check_name,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One atomic append: all of it is there afterwards, or nothing of it.
///
/// It says what is to be appended, and what has to hold for that: versions of streams, revisions of
/// documents, and what must not have happened. All of it is looked at in the state before the
/// commit.
///
/// ```
/// use annals::{Commit, ExpectedVersion, NewEvent, Store};
/// let store = Store::in_memory()?;
/// let done = store.commit(
///     Commit::new()
///         .append("order-1", ExpectedVersion::NoStream, [NewEvent::new("OrderPlaced", "{}")])
///         .event("customer-7", NewEvent::new("OrderCounted", "{}"))
///         .put("order-1/state", r#"{"paid": false}"#),
/// )?;
/// assert_eq!((done.first.get(), done.last.get()), (1, 2));
/// assert_eq!(store.document("order-1/state")?.unwrap().head.get(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// In the order of the positions that their events get.
    pub(crate) parts: Vec<StreamPart>,
    pub(crate) documents: Vec<DocumentPart>,
    pub(crate) conditions: Vec<AppendCondition>,
    pub(crate) durability: Option<Durability>,
    pub(crate) id_check: IdCheck,
    makes_ids: bool,
}

/// What is expected of a stream, and what is appended to it (perhaps nothing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamPart {
    pub(crate) stream: String,
    pub(crate) expected: ExpectedVersion,
    pub(crate) events: Vec<NewEvent>,
}

/// What is expected of a document, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentPart {
    pub(crate) key: String,
    /// Nothing: whatever is there.
    pub(crate) expected: Option<Revision>,
    pub(crate) change: Change,
    /// The revision that it gets, where that is not for the store to say: in a copy.
    pub(crate) given: Option<Revision>,
}

/// What becomes of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: it is only looked at.
    None,
    /// It gets this value.
    Put(Vec<u8>),
    /// It is deleted.
    Delete,
}

/// What something between a program and its store changes in commits: see [`Commit::rewrite`]. What
/// it says nothing of stays.
pub trait Rewrite {
    /// The name of a stream.
    fn stream(&mut self, name: String) -> String {
        name
    }

    /// An event of this stream, which has its name from before.
    fn event(&mut self, _stream: &str, event: NewEvent) -> NewEvent {
        event
    }

    /// The key of a document.
    fn key(&mut self, key: String) -> String {
        key
    }

    /// What a condition forbids.
    fn query(&mut self, query: Query) -> Query {
        query
    }
}

/// Whether events with ids that are in the store already are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum IdCheck {
    /// The same commit once more succeeds, and nothing is written; ids that are there in another
    /// commit are an error.
    #[default]
    On,
    /// No event is looked for: an id may be there twice.
    Off,
}

impl Commit {
    /// A commit with nothing in it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends these events to the stream, which has to be at the expected version.
    ///
    /// Events get positions in the order in which they are given here, whatever their streams.
    /// What is expected of a stream may be said once.
    #[must_use]
    pub fn append(
        mut self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Self {
        let mut events: Vec<NewEvent> = events.into_iter().collect();
        if self.makes_ids {
            events.iter_mut().for_each(give_id);
        }
        self.parts.push(StreamPart { stream: stream.into(), expected: expected.into(), events });
        self
    }

    /// Appends one event to the stream, at whatever version it is; for events of several streams
    /// in one order, with [`Commit::expect`] for what is expected of the streams.
    ///
    /// ```
    /// use annals::{Commit, NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// let at = |stream| (stream, NewEvent::new("Noted", ""));
    /// let log = [at("a"), at("b"), at("a")];
    /// let commit = log.into_iter().fold(Commit::new().expect("a", 0), |commit, (stream, event)| {
    ///     commit.event(stream, event)
    /// });
    /// let done = store.commit(commit)?;
    /// assert_eq!(done.versions, [("a".into(), 2.into()), ("b".into(), 1.into())]);
    /// assert_eq!(store.event(2)?.unwrap().stream, "b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn event(mut self, stream: impl Into<String>, mut event: NewEvent) -> Self {
        let stream = stream.into();
        match self.parts.last_mut() {
            Some(last) if last.stream == stream => {
                if self.makes_ids {
                    give_id(&mut event);
                }
                last.events.push(event);
                self
            }
            _ => self.append(stream, ExpectedVersion::Any, [event]),
        }
    }

    /// Has to find the stream at the expected version, whether or not something is appended to it.
    #[must_use]
    pub fn expect(self, stream: impl Into<String>, expected: impl Into<ExpectedVersion>) -> Self {
        self.append(stream, expected, [])
    }

    /// Puts a value under this key, whatever is there.
    #[must_use]
    pub fn put(self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.document(key, None, Change::Put(value.into()))
    }

    /// Puts a value under this key, which has to be at the given revision; 0 if there is to be no
    /// such document.
    #[must_use]
    pub fn put_over(
        self,
        key: impl Into<String>,
        revision: impl Into<Revision>,
        value: impl Into<Vec<u8>>,
    ) -> Self {
        self.document(key, Some(revision.into()), Change::Put(value.into()))
    }

    /// Deletes what is under this key, whatever is there. A deletion is a change like any other:
    /// it takes a revision, also where nothing was.
    #[must_use]
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.document(key, None, Change::Delete)
    }

    /// Deletes what is under this key, which has to be at the given revision.
    #[must_use]
    pub fn delete_over(self, key: impl Into<String>, revision: impl Into<Revision>) -> Self {
        self.document(key, Some(revision.into()), Change::Delete)
    }

    /// Changes nothing under this key, but has to find it at the given revision; 0 if there is to
    /// be no such document.
    #[must_use]
    pub fn expect_document(self, key: impl Into<String>, revision: impl Into<Revision>) -> Self {
        self.document(key, Some(revision.into()), Change::None)
    }

    fn document(self, key: impl Into<String>, expected: Option<Revision>, change: Change) -> Self {
        self.document_part(DocumentPart { key: key.into(), expected, change, given: None })
    }

    /// One more document.
    pub(crate) fn document_part(mut self, part: DocumentPart) -> Self {
        self.documents.push(part);
        self
    }

    /// Lands only if this has not happened. Any number of conditions may be given, each with its
    /// own `after`.
    #[must_use]
    pub fn condition(mut self, condition: AppendCondition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Lands only if no event after this position is meant by the query. See [`AppendCondition`].
    #[must_use]
    pub fn fail_if_events_match(self, query: Query, after: impl Into<Position>) -> Self {
        self.condition(AppendCondition::fail_if_events_match(query).after(after))
    }

    /// Lands only if the query means no event of the whole log; else the error is
    /// [`AlreadyExists`](crate::AppendError::AlreadyExists).
    ///
    /// ```
    /// use annals::{AppendError, Commit, NewEvent, Query, QueryItem, Store};
    /// let store = Store::in_memory()?;
    /// let register = |user: &str| {
    ///     let name = Query::from(QueryItem::new().tag("name:ann"));
    ///     let event = NewEvent::new("UserRegistered", "{}").tag("name:ann");
    ///     store.commit(Commit::new().event(user, event).fail_if_exists(name))
    /// };
    /// register("user-1")?;
    /// assert!(matches!(register("user-2"), Err(AppendError::AlreadyExists(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn fail_if_exists(self, query: Query) -> Self {
        self.condition(AppendCondition::fail_if_exists(query))
    }

    /// Gives each event an id that has none, those included that are added later. Then this very
    /// value can be committed again, by whoever does not know whether it landed: it lands once.
    ///
    /// ```
    /// use annals::{Commit, NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// let commit = Commit::new().append("a", 0, [NewEvent::new("Noted", "x")]).with_ids();
    /// let landed = store.commit(&commit)?;
    /// let again = store.commit(&commit)?;
    /// assert!(again.replayed && !landed.replayed);
    /// assert_eq!((again.first, store.head()?.get()), (landed.first, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_ids(mut self) -> Self {
        self.makes_ids = true;
        self.parts.iter_mut().flat_map(|part| &mut part.events).for_each(give_id);
        self
    }

    /// Whether events that have ids are looked for in the store; they are, unless told.
    #[must_use]
    pub fn id_check(mut self, id_check: IdCheck) -> Self {
        self.id_check = id_check;
        self
    }

    /// With its names made other ones: in what it appends, changes, expects and forbids.
    ///
    /// ```
    /// use annals::{Commit, NewEvent, Rewrite};
    /// struct Into2026;
    /// impl Rewrite for Into2026 {
    ///     fn stream(&mut self, name: String) -> String {
    ///         format!("2026-{name}")
    ///     }
    ///     fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
    ///         event.tag("year:2026")
    ///     }
    /// }
    /// let commit = Commit::new().append("a", 0, [NewEvent::new("Noted", "")]);
    /// let event = NewEvent::new("Noted", "").tag("year:2026");
    /// let other = Commit::new().append("2026-a", 0, [event]);
    /// assert_eq!(commit.rewrite(&mut Into2026), other);
    /// ```
    #[must_use]
    pub fn rewrite(mut self, by: &mut impl Rewrite) -> Self {
        for part in &mut self.parts {
            let events = std::mem::take(&mut part.events);
            part.events = events.into_iter().map(|event| by.event(&part.stream, event)).collect();
            part.stream = by.stream(std::mem::take(&mut part.stream));
        }
        for document in &mut self.documents {
            document.key = by.key(std::mem::take(&mut document.key));
        }
        for condition in &mut self.conditions {
            let query = std::mem::replace(&mut condition.query, Query::all());
            condition.query = by.query(query);
        }
        self
    }

    /// Its events, each with its stream, in the order of the positions that they get.
    pub fn get_events(&self) -> impl Iterator<Item = (&str, &NewEvent)> {
        let parts = self.parts.iter();
        parts.flat_map(|part| part.events.iter().map(|event| (part.stream.as_str(), event)))
    }

    /// What must not have happened, in the order in which it was said.
    pub fn get_conditions(&self) -> &[AppendCondition] {
        &self.conditions
    }

    /// Whether it holds no event and changes no document.
    pub fn is_empty(&self) -> bool {
        let changes = |document: &DocumentPart| document.change != Change::None;
        self.events().next().is_none() && !self.documents.iter().any(changes)
    }

    /// With this durability, instead of the store's.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// What is left of it when it is encoded: its conditions, and how it is to be acknowledged.
    pub(crate) fn without_contents(self) -> Self {
        Self { parts: Vec::new(), documents: Vec::new(), ..self }
    }

    /// Its events.
    pub(crate) fn events(&self) -> impl Iterator<Item = &NewEvent> {
        self.parts.iter().flat_map(|part| &part.events)
    }

    /// Whether it can be a commit: it is not empty, its names are names, and it is within the
    /// limits. A store checks this before anything else; whoever wants to know beforehand asks
    /// here. How many bytes and how many streams it has, and whether it says something twice but
    /// an id, is checked only when it is encoded: see [`Store::stage`](crate::Store::stage).
    ///
    /// ```
    /// use annals::{AppendError, Commit, NewEvent};
    /// assert!(Commit::new().event("a", NewEvent::new("Noted", "")).check().is_ok());
    /// let nameless = Commit::new().event("", NewEvent::new("Noted", ""));
    /// assert!(matches!(nameless.check(), Err(AppendError::Invalid(_))));
    /// ```
    ///
    /// # Errors
    /// [`AppendError::Empty`], [`AppendError::Limit`] and [`AppendError::Invalid`].
    pub fn check(&self) -> Result<(), AppendError> {
        self.refusal().map_err(AppendError::from)
    }

    fn refusal(&self) -> Result<(), Refusal> {
        let events: usize = self.parts.iter().map(|part| part.events.len()).sum();
        if self.is_empty() {
            return Err(Refusal::Empty);
        }
        LimitExceeded::check_len(Limit::CommitEvents, events)?;
        LimitExceeded::check_len(Limit::CommitDocuments, self.documents.len())?;
        LimitExceeded::check_len(Limit::CommitConditions, self.conditions.len())?;
        for part in &self.parts {
            check_name("stream", &part.stream)?;
            part.events.iter().try_for_each(NewEvent::check)?;
        }
        self.documents.iter().try_for_each(DocumentPart::check)?;
        self.conditions.iter().try_for_each(|condition| condition.query.check())?;
        match self.id_check {
            IdCheck::On => self.check_ids(),
            IdCheck::Off => Ok(()),
        }
    }

    /// Whether no id is there twice.
    fn check_ids(&self) -> Result<(), Refusal> {
        let ids = self.events().filter_map(|event| event.id);
        // As numbers, which are compared at once; sorted, the same ones stand side by side.
        let mut ids: Vec<u128> = ids.map(|id| id.as_u128()).collect();
        ids.sort_unstable();
        if ids.iter().zip(ids.iter().skip(1)).all(|(id, next)| id != next) {
            return Ok(());
        }
        // There may be several; whoever made the commit finds the first of them first.
        let mut met = BTreeSet::new();
        let again = self.events().filter_map(|event| event.id).find(|id| !met.insert(*id));
        again.map_or(Ok(()), |id| Err(Refusal::Invalid(Invalid::IdTwice { id })))
    }
}

impl DocumentPart {
    fn check(&self) -> Result<(), Refusal> {
        check_key(&self.key)?;
        match &self.change {
            Change::Put(value) => LimitExceeded::check_len(Limit::Value, value.len()),
            Change::Delete | Change::None => Ok(()),
        }
    }

    /// The value that it puts; nothing if it deletes.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        match &self.change {
            Change::Put(value) => Some(value),
            Change::Delete | Change::None => None,
        }
    }
}

fn give_id(event: &mut NewEvent) {
    event.id.get_or_insert_with(Uuid::new_v4);
}

/// What a commit that landed has become.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Appended {
    /// The position of its first event; the one after `last` if it has no event.
    pub first: Position,
    /// The position of its last event; that of the last event before it if it has none.
    pub last: Position,
    /// The version that each stream it appended to has now, in the order of the commit.
    pub versions: Vec<(String, Version)>,
    /// The revision of each document that it changed, in the order of the commit.
    pub revisions: Vec<(String, Revision)>,
    /// Whether it had landed before, by its ids: then nothing was written, and the numbers are
    /// those of then.
    pub replayed: bool,
}

impl Appended {
    /// The version that the commit's only or first stream has now.
    pub fn version(&self) -> Version {
        self.versions.first().map_or(Version::NONE, |(_, version)| *version)
    }

    /// The revision of the commit's only or first document now.
    pub fn revision(&self) -> Revision {
        self.revisions.first().map_or(Revision::NONE, |(_, revision)| *revision)
    }

    /// Up to where its events go: what whoever made it has seen, if he had seen all before.
    pub fn marker(&self) -> Position {
        self.last
    }
}

//! What handling an event brings about in the store.

use crate::toolkit::{Envelope, Received};
use crate::{AppendCondition, Commit, ExpectedVersion, NewEvent, Position, Query, Revision};

/// What handling an event brings about in the store: events and documents, that are committed
/// together with the checkpoint, so exactly once.
///
/// Nothing of it is there before the handler has returned: who reads the store meanwhile does not
/// see it. What another event of the same aggregate has brought about before is there. Events say
/// that they were caused by the one that is handled, and belong to its conversation, unless they
/// say something else.
///
/// ```
/// use annals::toolkit::{Effects, Handler, Port, Processor, Received};
/// use annals::{NewEvent, Store};
/// let port = Port::new(&Store::in_memory()?);
/// port.append("order-1", 0, [NewEvent::new("OrderPlaced", "12")])?;
///
/// let handler = Handler::new("invoices", |event: &Received<'_>, effects: &mut Effects| {
///     effects.event("invoices", NewEvent::new("InvoiceMade", event.payload));
///     effects.put("last-invoice", event.payload);
///     Ok(())
/// });
/// let mut processor = Processor::start(&port, handler.types(["OrderPlaced"]))?;
/// processor.wait_done(1, std::time::Duration::from_secs(60))?;
/// processor.stop()?;
/// assert_eq!(port.stream_version("invoices")?.get(), 1);
/// assert_eq!(port.document("last-invoice")?.unwrap().value, b"12");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Effects {
    parts: Vec<Part>,
    /// Something has to hold for them.
    demands: bool,
    /// What an event gets that says nothing else: the one that is handled is its cause.
    envelope: Envelope,
}

#[derive(Clone, PartialEq, Debug)]
enum Part {
    Append(String, ExpectedVersion, Vec<NewEvent>),
    Event(String, NewEvent),
    Put(String, Option<Revision>, Vec<u8>),
    Delete(String, Option<Revision>),
    ExpectDocument(String, Revision),
    Condition(AppendCondition),
}

impl Effects {
    /// None yet, of handling this event.
    pub fn of(event: &Received<'_>) -> Self {
        let envelope = Envelope::new().causation_id(event.id());
        let conversation = event.correlation_id().into_iter();
        let envelope = conversation.fold(envelope, Envelope::correlation_id);
        Self { envelope, ..Self::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes all of them back.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.demands = false;
    }

    fn part(&mut self, part: Part) -> &mut Self {
        self.parts.push(part);
        self
    }

    /// Appends events to a stream, which has to be at this version. See [`Commit::append`].
    pub fn append(
        &mut self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> &mut Self {
        let expected = expected.into();
        self.demands |= expected != ExpectedVersion::Any;
        let events = events.into_iter().map(|event| self.envelope.around(event)).collect();
        self.part(Part::Append(stream.into(), expected, events))
    }

    /// Appends an event to a stream, at whatever version it is.
    pub fn event(&mut self, stream: impl Into<String>, event: NewEvent) -> &mut Self {
        let event = self.envelope.around(event);
        self.part(Part::Event(stream.into(), event))
    }

    /// Has to find the stream at this version.
    pub fn expect(
        &mut self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
    ) -> &mut Self {
        self.append(stream, expected, [])
    }

    /// Puts a value under this key, whatever is there. See [`Commit::put`].
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.part(Part::Put(key.into(), None, value.into()))
    }

    /// Puts a value under this key, which has to be at this revision. See [`Commit::put_over`].
    pub fn put_over(
        &mut self,
        key: impl Into<String>,
        revision: impl Into<Revision>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.demands = true;
        self.part(Part::Put(key.into(), Some(revision.into()), value.into()))
    }

    /// Deletes what is under this key, whatever it is.
    pub fn delete(&mut self, key: impl Into<String>) -> &mut Self {
        self.part(Part::Delete(key.into(), None))
    }

    /// Deletes what is under this key, which has to be at this revision.
    pub fn delete_over(
        &mut self,
        key: impl Into<String>,
        revision: impl Into<Revision>,
    ) -> &mut Self {
        self.demands = true;
        self.part(Part::Delete(key.into(), Some(revision.into())))
    }

    /// Has to find the document at this revision.
    pub fn expect_document(
        &mut self,
        key: impl Into<String>,
        revision: impl Into<Revision>,
    ) -> &mut Self {
        self.demands = true;
        self.part(Part::ExpectDocument(key.into(), revision.into()))
    }

    /// Lands only if this has not happened.
    pub fn condition(&mut self, condition: AppendCondition) -> &mut Self {
        self.demands = true;
        self.part(Part::Condition(condition))
    }

    /// Lands only if no event after this position is meant by the query.
    pub fn fail_if_events_match(&mut self, query: Query, after: impl Into<Position>) -> &mut Self {
        self.condition(AppendCondition::fail_if_events_match(query).after(after))
    }

    /// Whether something has to hold for them. What has to hold is looked at in the state before a
    /// commit, so such effects are in no commit together with others.
    pub(super) fn demands(&self) -> bool {
        self.demands
    }

    /// The keys of the documents that they name, each of which a commit may name once.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Put(key, ..) | Part::Delete(key, _) | Part::ExpectDocument(key, _) => {
                Some(&**key)
            }
            Part::Append(..) | Part::Event(..) | Part::Condition(_) => None,
        })
    }

    /// A commit with these, too.
    pub(super) fn add_to(&self, commit: Commit) -> Commit {
        self.parts.iter().fold(commit, |commit, part| match part.clone() {
            Part::Append(stream, expected, events) => commit.append(stream, expected, events),
            Part::Event(stream, event) => commit.event(stream, event),
            Part::Put(key, None, value) => commit.put(key, value),
            Part::Put(key, Some(revision), value) => commit.put_over(key, revision, value),
            Part::Delete(key, None) => commit.delete(key),
            Part::Delete(key, Some(revision)) => commit.delete_over(key, revision),
            Part::ExpectDocument(key, revision) => commit.expect_document(key, revision),
            Part::Condition(condition) => commit.condition(condition),
        })
    }
}

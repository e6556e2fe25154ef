//! Loads states, buffers events, commits once.

use super::tracked::{Tracked, TrackedState};
use super::{Done, UnitPhase};
use crate::toolkit::decide::execute::{try_again, with_commit};
use crate::toolkit::decide::{Evolve, ExecuteError, Repository, Which};
use crate::toolkit::typed::{Codec, Envelope, EventTypes};
use crate::toolkit::{Port, Retry, ToolError};
use crate::{Commit, NewEvent, Position, RecordedEvent, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Several states, looked at and changed together: each is loaded once, events are buffered and
/// taken into the states that they concern at once, and one commit at the end lands all of them, on
/// condition that nothing has come in between that any of the states rests on.
///
/// It is begun, then open until it is committed or rolled back; then it can be begun again. What is
/// called in another phase is an error that says so. Dropped, it is rolled back. It belongs to one
/// thread at a time.
///
/// ```
/// use annals::toolkit::{Boundary, Codec, Envelope, Evolve, Port, Repository};
/// use annals::toolkit::{ToolError, UnitOfWork, UnitPhase};
/// use annals::{Query, QueryItem, Store, event_types};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum Campus { Subscribed { course: String, student: String } }
/// event_types! { Campus { Subscribed => "StudentSubscribed" version 1 } }
/// let codec = Codec::<Campus>::json().tags(|event: &Campus, _: &_| match event {
///     Campus::Subscribed { course, student } => {
///         vec![format!("course:{course}"), format!("student:{student}")]
///     }
/// });
///
/// struct Taken;
/// impl Evolve for Taken {
///     type State = u64;
///     type Event = Campus;
///     fn initial(&self) -> u64 { 0 }
///     fn evolve(&self, seats: &mut u64, _: &Campus) { *seats += 1 }
/// }
/// let port = Port::new(&Store::in_memory()?);
/// let seats = Repository::new(&port, "course", Taken, codec.clone())?;
/// let of_tag = |tag: &str| {
///     Boundary::query(tag, Query::from(QueryItem::new().tag(tag)), "campus")
/// };
///
/// let mut unit = UnitOfWork::new(&port, codec);
/// let subscribed = Campus::Subscribed { course: "chess".into(), student: "ann".into() };
/// let early = unit.append("campus", &subscribed, &Envelope::new()).unwrap_err();
/// assert!(matches!(early, ToolError::Phase { called: "append", phase: UnitPhase::NotBegun }));
///
/// unit.begin()?;
/// let chess = unit.load(&seats, &of_tag("course:chess"))?;
/// let ann = unit.load(&seats, &of_tag("student:ann"))?;
/// assert_eq!(unit.load(&seats, &of_tag("course:chess"))?, chess, "it is loaded once");
/// unit.append("campus", &subscribed, &Envelope::new())?;
/// assert_eq!((*unit.state(chess)?, *unit.state(ann)?), (1, 1), "both have it already");
/// assert_eq!(port.head()?.get(), 0, "nobody else has");
/// assert_eq!(unit.commit()?.appended.unwrap().marker().get(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UnitOfWork<E> {
    port: Port,
    codec: Codec<E>,
    phase: UnitPhase,
    /// Which beginning of all units' this is, so that handles of others are told from its own.
    begun: u64,
    states: Vec<Box<dyn Tracked>>,
    events: Vec<Buffered>,
    /// The commit that was tried.
    tried: Option<Commit>,
}

/// An event that is to be appended, in both its forms.
struct Buffered {
    stream: String,
    new: NewEvent,
    recorded: RecordedEvent,
}

/// A state in a unit of work, from when it was loaded until the unit is begun again.
pub struct Handle<S> {
    begun: u64,
    nth: usize,
    state: PhantomData<fn() -> S>,
}

/// The number of the next beginning.
static BEGUN: AtomicU64 = AtomicU64::new(1);

impl<E: EventTypes + Serialize + DeserializeOwned> UnitOfWork<E> {
    /// A unit over this port, that writes events so. It is to be begun.
    pub fn new(port: impl Into<Port>, codec: Codec<E>) -> Self {
        let (phase, begun) = (UnitPhase::NotBegun, 0);
        let (states, events) = (Vec::new(), Vec::new());
        Self { port: port.into(), codec, phase, begun, states, events, tried: None }
    }

    /// Appends an event at the end of this stream, when the unit is committed. All states that are
    /// loaded and that it concerns have it at once: those of the stream, and those whose query
    /// means it. Each reads it as it would read it from the store.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if the unit is not open; an event that can't be written, or that a
    /// state which it concerns can't read: then nothing has changed.
    pub fn append(
        &mut self,
        stream: impl Into<String>,
        event: &E,
        envelope: &Envelope,
    ) -> Result<(), ToolError> {
        self.expect_open("append")?;
        let new = self.codec.encode(event, envelope)?;
        self.append_new(stream, new)
    }
}

impl<E> UnitOfWork<E> {
    /// Where it is in its life.
    pub fn phase(&self) -> UnitPhase {
        self.phase
    }

    /// Begins; with nothing loaded and nothing to append.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if it is open.
    pub fn begin(&mut self) -> Result<(), ToolError> {
        if self.phase == UnitPhase::Open {
            return Err(ToolError::Phase { called: "begin", phase: self.phase });
        }
        self.states.clear();
        self.events.clear();
        self.tried = None;
        self.begun = BEGUN.fetch_add(1, Ordering::Relaxed);
        self.phase = UnitPhase::Open;
        Ok(())
    }

    /// Loads a state as this repository makes it, but through the port of the unit. Loaded before,
    /// it is the same state again, with all that was appended since; if not, it has what was
    /// appended before, too.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if the unit is not open; those of [`Repository::load`]; an event of the
    /// unit that concerns the state, and that it can't read.
    pub fn load<'a, D: Evolve>(
        &mut self,
        repository: &Repository<D>,
        which: impl Into<Which<'a>>,
    ) -> Result<Handle<D::State>, ToolError> {
        self.expect_open("load")?;
        let boundary = repository.boundary(which);
        let decider = Arc::as_ptr(&repository.decider).cast();
        if let Some(nth) = self.states.iter().position(|state| state.is(&boundary, decider)) {
            return Ok(self.handle(nth));
        }
        let repository = Repository { port: self.port.clone(), ..repository.clone() };
        let loaded = repository.source(&boundary).load(false)?;
        let Repository { decider, codec, hooks, .. } = repository;
        let state = (loaded.state, loaded.as_of);
        let mut state = TrackedState::new(decider, codec, hooks, boundary, state);
        for event in &self.events {
            state.prepare(&event.recorded)?;
            state.settle(true);
        }
        self.states.push(Box::new(state));
        Ok(self.handle(self.states.len().saturating_sub(1)))
    }

    fn handle<S>(&self, nth: usize) -> Handle<S> {
        Handle { begun: self.begun, nth, state: PhantomData }
    }

    /// A state that was loaded, with all that was appended since. It can be looked at until the
    /// unit is rolled back or begun again.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if the unit is neither open nor committed; [`ToolError::Setup`] if the
    /// handle is another unit's, or from before it was begun again.
    pub fn state<S: 'static>(&self, handle: Handle<S>) -> Result<&S, ToolError> {
        if !matches!(self.phase, UnitPhase::Open | UnitPhase::Committed) {
            return Err(ToolError::Phase { called: "state", phase: self.phase });
        }
        let own = self.states.get(handle.nth).filter(|_| handle.begun == self.begun);
        own.and_then(|state| state.state().downcast_ref()).ok_or_else(|| {
            ToolError::setup(
                "the handle of a state is another unit of work's, or from before this one was \
                 begun again: load the state",
            )
        })
    }

    /// As [`UnitOfWork::append`], an event as the store takes it: one of other events than the
    /// unit's, say.
    ///
    /// # Errors
    /// Those of [`UnitOfWork::append`].
    pub fn append_new(
        &mut self,
        stream: impl Into<String>,
        event: NewEvent,
    ) -> Result<(), ToolError> {
        self.expect_open("append")?;
        let (stream, port) = (stream.into(), &self.port);
        let new = match event.get_id() {
            Some(_) => event,
            None => event.id(port.next_id()),
        };
        let recorded = new.to_recorded(&*stream, self.next(), 0, port.now());
        let prepared = self.states.iter_mut().try_for_each(|state| state.prepare(&recorded));
        if prepared.is_err() {
            self.states.iter_mut().for_each(|state| state.settle(false));
            return prepared;
        }
        // Should a state panic over it, the states are not what they should be: none is used again.
        self.phase = UnitPhase::RolledBack;
        self.states.iter_mut().for_each(|state| state.settle(true));
        self.phase = UnitPhase::Open;
        self.events.push(Buffered { stream, new, recorded });
        Ok(())
    }

    /// The position that the next event gets, if nobody else appends any.
    fn next(&self) -> Position {
        let seen = self.states.iter().map(|state| state.rests_on().1.position).max();
        let buffered = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let next = seen.unwrap_or_default().get().saturating_add(buffered).saturating_add(1);
        Position::new(next).min(Position::MAX)
    }

    /// Commits what was appended, on condition that nothing has come in between that any of the
    /// loaded states rests on. If nothing was appended, nothing is committed, and nothing is looked
    /// at. Then the [hooks](Repository::hook) are told of the states that have changed.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if it is not open. Those of [`Port::commit`]: then it is rolled back. A
    /// [conflict](ToolError::is_conflict) if anything has come in between.
    pub fn commit(&mut self) -> Result<Done, ToolError> {
        self.expect_open("commit")?;
        if self.events.is_empty() {
            self.phase = UnitPhase::Committed;
            return Ok(Done { appended: None, hook_failures: Vec::new() });
        }
        self.phase = UnitPhase::RolledBack;
        let commit = self.made();
        let appended = self.port.commit(&*self.tried.insert(commit))?;
        self.phase = UnitPhase::Committed;
        let hook_failures = self.states.iter().flat_map(|state| state.tell(&appended)).collect();
        Ok(Done { appended: Some(appended), hook_failures })
    }

    /// The commit that was tried since it was begun, if one was. Its events have ids: after
    /// [`AppendError::OutcomeUnknown`](crate::AppendError::OutcomeUnknown), committed once more
    /// when the store was opened again, it lands once, whether or not it is there.
    pub fn tried(&self) -> Option<&Commit> {
        self.tried.as_ref()
    }

    /// The commit of everything that was appended, on condition of everything that was loaded.
    fn made(&mut self) -> Commit {
        let mut streams = BTreeMap::<&str, Version>::new();
        let mut commit = Commit::new();
        for (boundary, as_of) in self.states.iter().map(|state| state.rests_on()) {
            match boundary.get_query() {
                Some(query) => commit = commit.fail_if_events_match(query.clone(), as_of.position),
                None => {
                    // Where two states of a stream are of different times, the older one decides.
                    let seen = streams.entry(boundary.name()).or_insert(as_of.version);
                    *seen = as_of.version.min(*seen);
                }
            }
        }
        commit = streams
            .into_iter()
            .fold(commit, |commit, (stream, version)| commit.expect(stream, version));
        let events = self.events.drain(..);
        events.fold(commit, |commit, event| commit.event(event.stream, event.new))
    }

    /// Forgets what was appended, and the states.
    ///
    /// # Errors
    /// [`ToolError::Phase`] if it is not open.
    pub fn roll_back(&mut self) -> Result<(), ToolError> {
        self.expect_open("roll_back")?;
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        self.phase = UnitPhase::RolledBack;
        self.states.clear();
        self.events.clear();
    }

    /// Begins, lets `work` load and append, and commits; all of it again if somebody was faster, as
    /// often as the policy says. What `work` fails with ends it, and rolls it back; it refuses by
    /// [`ExecuteError::Refused`].
    ///
    /// # Errors
    /// What `work` returns; [`ToolError::Phase`] if the unit is open;
    /// [`ExecuteError::Conflicts`] if others were faster each time.
    pub fn run<T, R>(
        &mut self,
        retry: &Retry,
        mut work: impl FnMut(&mut Self) -> Result<T, ExecuteError<R>>,
    ) -> Result<(T, Done), ExecuteError<R>> {
        try_again(retry, |_| {
            self.begin()?;
            let worked = work(self);
            if worked.is_err() {
                self.forget();
            }
            let worked = worked?;
            let done = self.commit();
            let tried = || self.tried.take().unwrap_or_default();
            Ok((worked, done.map_err(|error| with_commit(error, tried))?))
        })
    }

    fn expect_open(&self, called: &'static str) -> Result<(), ToolError> {
        match self.phase {
            UnitPhase::Open => Ok(()),
            phase => Err(ToolError::Phase { called, phase }),
        }
    }
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Handle<S> {}

impl<S> PartialEq for Handle<S> {
    fn eq(&self, other: &Self) -> bool {
        (self.begun, self.nth) == (other.begun, other.nth)
    }
}

impl<S> Eq for Handle<S> {}

impl<S> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}, {})", self.begun, self.nth)
    }
}

impl<E> fmt::Debug for UnitOfWork<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitOfWork")
            .field("phase", &self.phase)
            .field("states", &self.states.len())
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

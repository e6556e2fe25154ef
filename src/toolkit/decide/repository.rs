//! States by their ids: the repository.

use super::execute::encode;
use super::source::Source;
use super::{Boundary, Evolve, Lifecycle, Loaded, TypedEvents, Which};
use crate::toolkit::names::is_category;
use crate::toolkit::snapshot::{Kept, Snapshots};
use crate::toolkit::typed::{Codec, Envelope};
use crate::toolkit::{Port, Retry, ToolError};
use crate::{Appended, Commit, ExpectedVersion, Version};
use std::fmt;
use std::sync::Arc;

/// The states of one kind: loads them, and carries out commands on them.
///
/// A state is known by an id: it rests on the stream `{category}-{id}`. Or by a [`Boundary`], which
/// may rest on what a query means. With [`Snapshots`] it is loaded from the newest one and the
/// events since; whatever is wrong with a snapshot, all events make the same state. Cloning a
/// repository is cheap.
///
/// ```
/// use annals::toolkit::{Codec, Decider, Evolve, ExecuteError, Repository};
/// use annals::toolkit::{SnapshotPolicy, Snapshots};
/// use annals::{Store, event_types};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum Moved { In { cents: u64 }, Out { cents: u64 } }
/// event_types! { Moved { In => "MovedIn" version 1, Out => "MovedOut" version 1 } }
///
/// struct Purse;
/// impl Evolve for Purse {
///     type State = u64;
///     type Event = Moved;
///     fn initial(&self) -> u64 { 0 }
///     fn evolve(&self, cents: &mut u64, event: &Moved) {
///         match event {
///             Moved::In { cents: more } => *cents += more,
///             Moved::Out { cents: less } => *cents -= less,
///         }
///     }
/// }
/// impl Decider for Purse {
///     type Command = i64;
///     type Refusal = std::fmt::Error;
///     fn decide(&self, cents: &u64, change: &i64) -> Result<Vec<Moved>, std::fmt::Error> {
///         let amount = change.unsigned_abs();
///         match change {
///             0 => Ok(vec![]),
///             1.. => Ok(vec![Moved::In { cents: amount }]),
///             _ if amount <= *cents => Ok(vec![Moved::Out { cents: amount }]),
///             _ => Err(std::fmt::Error),
///         }
///     }
/// }
///
/// let snapshots = Snapshots::new("purse", 1)?.policy(SnapshotPolicy::Every(100));
/// let purses = Repository::new(&Store::in_memory()?, "purse", Purse, Codec::json())?
///     .snapshots(snapshots);
/// purses.execute("ann", &70)?;
/// let done = purses.execute("ann", &-20)?;
/// assert_eq!((done.state, done.version.get()), (50, 2));
/// assert!(purses.execute("ann", &0)?.appended.is_none());
/// let refused = purses.execute("ann", &-51).unwrap_err();
/// assert!(matches!(refused, ExecuteError::Refused(_)));
/// assert_eq!(purses.load("ann")?.state, 50);
/// assert_eq!(purses.at_version("ann", 1)?.state, 70);
///
/// // By hand, at the version that was seen: a conflict says both numbers.
/// let late = purses.save("ann", 1, &[Moved::In { cents: 1 }]).unwrap_err();
/// let conflict = late.append_error().unwrap().conflict().unwrap();
/// assert_eq!((conflict.expected, conflict.current.get()), (1.into(), 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Repository<D: Evolve> {
    pub(super) port: Port,
    pub(super) decider: Arc<D>,
    pub(super) category: Arc<str>,
    pub(super) codec: Codec<D::Event>,
    pub(super) snapshots: Option<Snapshots<D::State>>,
    pub(super) retry: Retry,
    pub(super) hooks: Vec<Arc<dyn Lifecycle<D::State>>>,
}

impl<D: Evolve> Repository<D> {
    /// Of states whose streams have this category, made by this decider, of events in this form.
    ///
    /// # Errors
    /// [`ToolError::Setup`]: a category is what stands before the first `-` of a stream's name; so
    /// it is not empty, and has no `-` and no NUL in it.
    pub fn new(
        port: impl Into<Port>,
        category: &str,
        decider: D,
        codec: Codec<D::Event>,
    ) -> Result<Self, ToolError> {
        if !is_category(category) {
            return Err(ToolError::setup(format!(
                "'{}' can't be a category: it is what stands before the first '-' of a stream's \
                 name",
                category.escape_debug()
            )));
        }
        let (decider, category) = (Arc::new(decider), category.into());
        let (port, retry) = (port.into(), Retry::default());
        Ok(Self { port, decider, category, codec, snapshots: None, retry, hooks: Vec::new() })
    }

    /// With snapshots, which are kept so.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots<D::State>) -> Self {
        self.snapshots = Some(snapshots);
        self
    }

    /// How often a command is tried that others are faster than.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// With one more who is told what becomes of states.
    #[must_use]
    pub fn hook(mut self, hook: impl Lifecycle<D::State>) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Who makes states of events.
    pub fn decider(&self) -> &D {
        &self.decider
    }

    /// How events are written.
    pub fn codec(&self) -> &Codec<D::Event> {
        &self.codec
    }

    /// What a state rests on.
    pub fn boundary<'a>(&self, which: impl Into<Which<'a>>) -> Boundary {
        match which.into() {
            Which::Id(id) => Boundary::stream(format!("{}-{id}", self.category)),
            Which::Boundary(boundary) => boundary.clone(),
        }
    }

    /// The state now. If a snapshot is due, it is written; whether that succeeds or not, the state
    /// is there.
    ///
    /// # Errors
    /// The store's; an event that can't be read.
    pub fn load<'a>(&self, which: impl Into<Which<'a>>) -> Result<Loaded<D::State>, ToolError> {
        self.source(&self.boundary(which)).load(false)
    }

    /// The version that a state's stream has, 0 if there is none.
    ///
    /// # Errors
    /// The store's.
    pub fn version(&self, id: &str) -> Result<Version, ToolError> {
        self.port.stream_version(self.boundary(id).name())
    }

    /// The events that a state is made of, from the one after this version on; of a query, from the
    /// one after so many on.
    ///
    /// # Errors
    /// The store's.
    pub fn events_after<'a>(
        &self,
        which: impl Into<Which<'a>>,
        version: impl Into<Version>,
    ) -> Result<TypedEvents<D::Event>, ToolError> {
        TypedEvents::new(&self.port, &self.codec, &self.boundary(which), version.into())
    }

    /// Appends events to a state's stream by hand, which has to be at the expected version.
    /// Nothing is decided, and no hook is told.
    ///
    /// # Errors
    /// [`AppendError::Conflict`](crate::AppendError::Conflict) has both numbers. Others are those
    /// of [`Port::commit`], and an event that can't be written.
    pub fn save(
        &self,
        id: &str,
        expected: impl Into<ExpectedVersion>,
        events: &[D::Event],
    ) -> Result<Appended, ToolError> {
        self.port.commit(self.commit(id, expected, events, &Envelope::new())?)
    }

    /// The commit that [`Repository::save`] makes, for whoever has more to put in it or to expect,
    /// or keeps it to commit it again: its events have ids.
    ///
    /// ```
    /// # use annals::toolkit::{Codec, Envelope, Evolve, Port, Repository};
    /// # use annals::{Store, event_types};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize)]
    /// enum Counted { Once }
    /// event_types! { Counted { Once => "CountedOnce" version 1 } }
    /// struct Counter;
    /// # impl Evolve for Counter {
    /// #     type State = u64;
    /// #     type Event = Counted;
    /// #     fn initial(&self) -> u64 { 0 }
    /// #     fn evolve(&self, count: &mut u64, _: &Counted) { *count += 1 }
    /// # }
    /// let port = Port::new(&Store::in_memory()?);
    /// let counters = Repository::new(&port, "counter", Counter, Codec::json())?;
    /// // The event, and the state that it makes: both or neither.
    /// let commit = counters.commit("a", 0, &[Counted::Once], &Envelope::new())?;
    /// let commit = commit.put_over("counter-a/state", 0, "1");
    /// assert!(!port.commit(&commit)?.replayed);
    /// assert!(port.commit(&commit)?.replayed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An event that can't be written.
    pub fn commit(
        &self,
        id: &str,
        expected: impl Into<ExpectedVersion>,
        events: &[D::Event],
        envelope: &Envelope,
    ) -> Result<Commit, ToolError> {
        let new = encode(&self.port, &self.codec, events, envelope)?;
        Ok(Commit::new().append(self.boundary(id).name(), expected, new))
    }

    /// Loads the state, and writes a snapshot of it, whatever the policy says; none if there is one
    /// already that has all events in it, or there are no events.
    ///
    /// # Errors
    /// Those of [`Repository::load`]; what writing the snapshot fails with; [`ToolError::Setup`] if
    /// the repository keeps none.
    pub fn create_snapshot<'a>(
        &self,
        which: impl Into<Which<'a>>,
    ) -> Result<Loaded<D::State>, ToolError> {
        self.keeper()?;
        self.source(&self.boundary(which)).load(true)
    }

    /// The snapshots that are kept of a state. See [`Snapshots::list`].
    ///
    /// # Errors
    /// The store's; [`ToolError::Setup`] if the repository keeps none.
    pub fn list_snapshots<'a>(&self, which: impl Into<Which<'a>>) -> Result<Vec<Kept>, ToolError> {
        self.keeper()?.list(&self.port, self.boundary(which).name())
    }

    /// Deletes all snapshots of a state but the newest ones. See [`Snapshots::prune`].
    ///
    /// # Errors
    /// Those of [`Port::commit`]; [`ToolError::Setup`] if the repository keeps none.
    pub fn prune_snapshots<'a>(
        &self,
        which: impl Into<Which<'a>>,
        keep: usize,
    ) -> Result<usize, ToolError> {
        self.keeper()?.prune(&self.port, self.boundary(which).name(), keep)
    }

    pub(super) fn keeper(&self) -> Result<&Snapshots<D::State>, ToolError> {
        self.snapshots.as_ref().ok_or_else(|| {
            ToolError::setup(format!(
                "the repository of '{}' keeps no snapshots: give it some by `snapshots`",
                self.category
            ))
        })
    }

    pub(super) fn source<'a>(&'a self, boundary: &'a Boundary) -> Source<'a, D> {
        let Self { port, decider, codec, snapshots, .. } = self;
        Source { port, decider, codec, snapshots: snapshots.as_ref(), boundary }
    }
}

impl<D: Evolve> Clone for Repository<D> {
    fn clone(&self) -> Self {
        Self {
            port: self.port.clone(),
            decider: self.decider.clone(),
            category: self.category.clone(),
            codec: self.codec.clone(),
            snapshots: self.snapshots.clone(),
            retry: self.retry,
            hooks: self.hooks.clone(),
        }
    }
}

impl<D: Evolve> fmt::Debug for Repository<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("port", &self.port)
            .field("category", &self.category)
            .field("snapshots", &self.snapshots)
            .field("retry", &self.retry)
            .field("hooks", &self.hooks.len())
            .finish_non_exhaustive()
    }
}

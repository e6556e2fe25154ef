//! Follows the log with a projection, or into a sink.

use super::documents::Documents;
use super::following::Following;
use super::policy::{Conduct, Progress};
use super::sink::Outside;
use super::target::{Advance, Target, Watch, advance};
use super::{Projection, Sink};
use crate::toolkit::held::Held;
use crate::toolkit::names::check_name;
use crate::toolkit::shown::Shown;
use crate::toolkit::{OnError, Port, ToolError};
use crate::{Durability, Position};
use std::fmt;
use std::ops::ControlFlow;

/// Follows the log: takes each event in exactly once, in order, and keeps how far it has come in
/// the same commit, or transaction, as what it has made.
///
/// It is driven by hand with [`Projector::catch_up`], or goes on by itself in a thread of its own
/// after [`Projector::follow`]. One projection has one projector in a store: a second one is
/// [`ToolError::Busy`].
///
/// Output is committed as [`Durability::Buffered`] unless told otherwise: what a power cut takes
/// goes with its checkpoint, and is made again.
pub struct Projector {
    port: Port,
    target: Kind,
    /// Up to where there is nothing that is not taken in.
    looked: Position,
    conduct: Conduct,
    _held: Held,
}

/// What it writes to.
enum Kind {
    Documents(Documents),
    Outside(Outside),
}

impl Projector {
    /// A projection whose output is documents.
    ///
    /// # Errors
    /// [`ToolError::Setup`] (its name), [`ToolError::Busy`], [`ToolError::Ahead`], the store's.
    pub fn new(port: impl Into<Port>, projection: impl Projection) -> Result<Self, ToolError> {
        let port = port.into();
        check_name("projection", projection.name())?;
        let held = Held::take(&port, "projection", projection.name())?;
        let target = Kind::Documents(Documents::open(&port, Box::new(projection))?);
        Ok(Self::over(port, target, held))
    }

    /// A read model in a database of the user's.
    ///
    /// # Errors
    /// [`ToolError::Setup`] (its name), [`ToolError::Busy`], [`ToolError::Ahead`], the store's, and
    /// the sink's.
    pub fn into_sink(port: impl Into<Port>, sink: impl Sink) -> Result<Self, ToolError> {
        let port = port.into();
        check_name("sink", sink.name())?;
        let held = Held::take(&port, "sink", sink.name())?;
        let target = Kind::Outside(Outside::open(&port, Box::new(sink))?);
        Ok(Self::over(port, target, held))
    }

    fn over(port: Port, target: Kind, held: Held) -> Self {
        let (looked, conduct) = (Position::START, Conduct::default());
        Self { port, target, looked, conduct, _held: held }
    }

    /// Commits after so many events at the most; 8,192 unless told, and always when there are no
    /// more.
    #[must_use]
    pub fn batch(mut self, events: u64) -> Self {
        self.conduct.batch = events.max(1);
        self
    }

    /// With this durability of the output.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.conduct.durability = durability;
        self
    }

    /// What becomes of an event that can't be applied; [`OnError::Stop`] unless told.
    #[must_use]
    pub fn on_error(mut self, live: OnError) -> Self {
        self.conduct.live = live;
        self
    }

    /// The same while the output is made anew.
    #[must_use]
    pub fn on_rebuild_error(mut self, anew: OnError) -> Self {
        self.conduct.anew = anew;
        self
    }

    /// Takes in events that are visible, but not durable yet. Not for sinks: what they have seen is
    /// not taken back with the events.
    #[must_use]
    pub fn buffered(mut self) -> Self {
        if matches!(self.target, Kind::Documents(_)) {
            self.conduct.shown = Shown::Visible;
        }
        self
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.target().name()
    }

    /// Every event up to here is taken in. The checkpoint in the store may be a little less, where
    /// there was nothing that it wants.
    pub fn position(&self) -> Position {
        self.target().position().max(self.looked)
    }

    /// How many events were passed over because they could not be applied: of a sink, since it was
    /// opened.
    pub fn skipped(&self) -> u64 {
        self.target().skipped()
    }

    /// Takes in whatever there is; if another version of the projection made the output, makes it
    /// anew.
    ///
    /// # Errors
    /// The store's, and that of an event before which it stopped.
    pub fn catch_up(&mut self) -> Result<Progress, ToolError> {
        self.catch_up_with(|_| ControlFlow::Continue(()))
    }

    /// The same, telling how far it is after each batch, and asking whether to go on. What has been
    /// taken in by then stays.
    ///
    /// # Errors
    /// Those of [`Projector::catch_up`]; [`ToolError::Stopped`] if it was not to go on while the
    /// output was made anew.
    pub fn catch_up_with(
        &mut self,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Progress, ToolError> {
        self.catch_up_watched(&mut watch)
    }

    pub(super) fn catch_up_watched(
        &mut self,
        watch: &mut dyn Watch,
    ) -> Result<Progress, ToolError> {
        if matches!(&self.target, Kind::Documents(documents) if documents.is_other()) {
            return self.rebuild_watched(watch)?.ok_or(ToolError::Stopped);
        }
        let to = self.end()?;
        let Self { port, target, looked, conduct, .. } = self;
        match advance(port, target.as_target(), *looked, to, conduct, &conduct.live, watch)? {
            Advance::Done(progress) => {
                *looked = progress.position;
                Ok(progress)
            }
            Advance::Cancelled(progress) => Ok(progress),
        }
    }

    /// Makes the output anew, of all events, beside the old one, which is what everybody reads
    /// until the new one is whole. It asks after each batch whether to go on; `false` if it was not
    /// to: then everything is as before.
    ///
    /// ```
    /// use annals::toolkit::{Fold, Port, Projected, Projector};
    /// use annals::{NewEvent, Store};
    /// use std::ops::ControlFlow;
    /// let port = Port::new(&Store::in_memory()?);
    /// port.append("a", 0, [NewEvent::new("Noted", "")])?;
    /// let count = Fold::new("count", || 0).apply(|count: &mut u64, _| {
    ///     *count += 1;
    ///     Ok(())
    /// });
    /// let mut projector = Projector::new(&port, count)?;
    /// projector.catch_up()?;
    /// assert!(!projector.rebuild(|_| ControlFlow::Break(()))?);
    /// assert!(projector.rebuild(|_| ControlFlow::Continue(()))?);
    /// let count = Projected::of(&port, "count");
    /// assert_eq!((count.state()?, count.checkpoint()?.unwrap().generation), (Some(1), 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The store's, and that of an event before which it stopped: the old output stays. Of a sink
    /// [`ToolError::Setup`]: empty the database, and it is filled again.
    pub fn rebuild(
        &mut self,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<bool, ToolError> {
        Ok(self.rebuild_watched(&mut watch)?.is_some())
    }

    pub(super) fn rebuild_watched(
        &mut self,
        watch: &mut dyn Watch,
    ) -> Result<Option<Progress>, ToolError> {
        let to = self.end()?;
        match &mut self.target {
            Kind::Documents(documents) => documents.rebuild(&self.port, to, &self.conduct, watch),
            Kind::Outside(_) => Err(ToolError::setup(
                "the store can't make anew what a sink has made: take what it made out of the \
                 database, its checkpoint too, and open it again",
            )),
        }
    }

    /// Goes on by itself, in a thread of its own, until what is returned is dropped or stopped.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn follow(self) -> Result<Following, ToolError> {
        Following::start(self)
    }

    pub(super) fn port(&self) -> &Port {
        &self.port
    }

    pub(super) fn shown(&self) -> Shown {
        self.conduct.shown
    }

    /// Up to where there is something to take in.
    fn end(&self) -> Result<Position, ToolError> {
        self.conduct.shown.end(&self.port)
    }

    fn target(&self) -> &dyn Target {
        match &self.target {
            Kind::Documents(documents) => documents,
            Kind::Outside(outside) => outside,
        }
    }
}

impl Kind {
    fn as_target(&mut self) -> &mut dyn Target {
        match self {
            Self::Documents(documents) => documents,
            Self::Outside(outside) => outside,
        }
    }
}

impl fmt::Debug for Projector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projector")
            .field("name", &self.name())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

//! A state that a unit of work has loaded.

use crate::toolkit::ToolError;
use crate::toolkit::decide::lifecycle::{exists, tell};
use crate::toolkit::decide::{Boundary, Change, Evolve, Lifecycle};
use crate::toolkit::port::Received;
use crate::toolkit::snapshot::AsOf;
use crate::toolkit::typed::Codec;
use crate::{Appended, RecordedEvent, Version};
use std::any::Any;
use std::sync::Arc;

/// A state that a unit of work has loaded, whatever its type.
pub trait Tracked: Send {
    /// Whether it is the state of this boundary, made by this decider.
    fn is(&self, boundary: &Boundary, decider: *const ()) -> bool;

    /// The state.
    fn state(&self) -> &dyn Any;

    /// What it rests on, and of when it was when it was loaded.
    fn rests_on(&self) -> (&Boundary, &AsOf);

    /// Reads an event that is to be appended, if it concerns the state.
    ///
    /// # Errors
    /// It concerns the state, and can't be read.
    fn prepare(&mut self, event: &RecordedEvent) -> Result<(), ToolError>;

    /// Takes in the event that it was prepared for, or forgets it.
    fn settle(&mut self, take: bool);

    /// Tells the hooks of its repository, if anything has happened to it.
    fn tell(&self, appended: &Appended) -> Vec<ToolError>;
}

/// A state that was loaded through a repository.
pub struct TrackedState<D: Evolve> {
    pub decider: Arc<D>,
    pub codec: Codec<D::Event>,
    pub hooks: Vec<Arc<dyn Lifecycle<D::State>>>,
    pub boundary: Boundary,
    pub state: D::State,
    /// When it was loaded.
    pub as_of: AsOf,
    /// Whether there was one then.
    existed: bool,
    /// Events taken in since.
    events: u64,
    /// An event that concerns it; with nothing in it, if it is to be skipped.
    prepared: Option<Option<D::Event>>,
}

impl<D: Evolve> TrackedState<D> {
    pub fn new(
        decider: Arc<D>,
        codec: Codec<D::Event>,
        hooks: Vec<Arc<dyn Lifecycle<D::State>>>,
        boundary: Boundary,
        (state, as_of): (D::State, AsOf),
    ) -> Self {
        let existed = exists(&*decider, &state, as_of.version);
        let (events, prepared) = (0, None);
        Self { decider, codec, hooks, boundary, state, as_of, existed, events, prepared }
    }
}

impl<D: Evolve> Tracked for TrackedState<D> {
    fn is(&self, boundary: &Boundary, decider: *const ()) -> bool {
        self.boundary == *boundary && Arc::as_ptr(&self.decider).cast() == decider
    }

    fn state(&self) -> &dyn Any {
        &self.state
    }

    fn rests_on(&self) -> (&Boundary, &AsOf) {
        (&self.boundary, &self.as_of)
    }

    fn prepare(&mut self, event: &RecordedEvent) -> Result<(), ToolError> {
        let concerned = match self.boundary.get_query() {
            None => event.stream == self.boundary.name(),
            Some(query) => query.matches(&event.as_event())?,
        };
        if concerned {
            self.prepared = Some(self.codec.decode(&Received::from(event))?);
        }
        Ok(())
    }

    fn settle(&mut self, take: bool) {
        let Some(event) = self.prepared.take().filter(|_| take) else { return };
        if let Some(event) = event {
            self.decider.evolve(&mut self.state, &event);
        }
        self.events += 1;
    }

    fn tell(&self, appended: &Appended) -> Vec<ToolError> {
        if self.events == 0 {
            return Vec::new();
        }
        let version = Version::new(self.as_of.version.get().saturating_add(self.events));
        let exists = exists(&*self.decider, &self.state, version);
        let (boundary, state) = (&self.boundary, &self.state);
        tell(&self.hooks, self.existed, exists, &Change { boundary, state, version, appended })
    }
}

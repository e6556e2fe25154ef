//! States as they were, and all of a state's life once more.

use super::source::Until;
use super::{Evolve, Loaded, Repository, SnapshotUse, Which};
use crate::toolkit::ToolError;
use crate::toolkit::error::contain;
use crate::toolkit::port::Received;
use crate::{Position, Timestamp, Version};
use std::ops::ControlFlow;
use std::time::Instant;

impl<D: Evolve> Repository<D> {
    /// The state as it was at this version, or as it is now if that is not yet; of a query, after
    /// so many of the events that it means. It begins with the newest snapshot that is old enough.
    ///
    /// # Errors
    /// Those of [`Repository::load`].
    pub fn at_version<'a>(
        &self,
        which: impl Into<Which<'a>>,
        version: impl Into<Version>,
    ) -> Result<Loaded<D::State>, ToolError> {
        self.source(&self.boundary(which)).past(Until::Version(version.into()))
    }

    /// The state as it was when the store was at this position. See [`Repository::at_version`].
    ///
    /// # Errors
    /// Those of [`Repository::load`].
    pub fn at_position<'a>(
        &self,
        which: impl Into<Which<'a>>,
        position: impl Into<Position>,
    ) -> Result<Loaded<D::State>, ToolError> {
        self.source(&self.boundary(which)).past(Until::Position(position.into()))
    }

    /// The state as the store had it at this time: of all events that were recorded then or before.
    /// See [`Repository::at_version`].
    ///
    /// # Errors
    /// Those of [`Repository::load`].
    pub fn at_time<'a>(
        &self,
        which: impl Into<Which<'a>>,
        time: Timestamp,
    ) -> Result<Loaded<D::State>, ToolError> {
        self.source(&self.boundary(which)).past(Until::Time(time))
    }

    /// Makes the state of all its events, whatever snapshots there are, and calls `watch` after
    /// each with the state then and the event, until it says `Break`: to find out how a state
    /// became what it is. Gives the state that `watch` was last called with. Events go past the
    /// interceptors of the port; they are published to `replay`.
    ///
    /// ```
    /// use annals::toolkit::{Codec, Evolve, Repository};
    /// use annals::{Store, event_types};
    /// use serde::{Deserialize, Serialize};
    /// use std::ops::ControlFlow;
    /// # #[derive(Serialize, Deserialize)]
    /// # enum Counted { More(u64) }
    /// # event_types! { Counted { More => "CountedMore" version 1 } }
    /// # struct Counter;
    /// # impl Evolve for Counter {
    /// #     type State = u64;
    /// #     type Event = Counted;
    /// #     fn initial(&self) -> u64 { 0 }
    /// #     fn evolve(&self, count: &mut u64, event: &Counted) {
    /// #         let Counted::More(more) = event;
    /// #         *count += more;
    /// #     }
    /// # }
    /// let counters = Repository::new(&Store::in_memory()?, "counter", Counter, Codec::json())?;
    /// counters.save("a", 0, &[3, 4, 5].map(Counted::More))?;
    /// let mut seen = Vec::new();
    /// let stopped = counters.replay("a", |count, event| {
    ///     seen.push((event.version.get(), *count));
    ///     if *count > 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert_eq!(seen, [(1, 3), (2, 7)]);
    /// assert_eq!((stopped.state, stopped.as_of.version.get()), (7, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Repository::load`]; [`ToolError::Panicked`] if `watch` panics.
    pub fn replay<'a>(
        &self,
        which: impl Into<Which<'a>>,
        mut watch: impl FnMut(&D::State, &Received<'_>) -> ControlFlow<()>,
    ) -> Result<Loaded<D::State>, ToolError> {
        const NAME: &str = "replay";
        let boundary = self.boundary(which);
        let source = self.source(&boundary);
        let begun = Instant::now();
        let mut start = source.begin_with_nothing(SnapshotUse::Off);
        let sourced =
            source.go_on(&mut start, source.all()?, Until::End, &mut |state, _, event| {
                let mut flow = ControlFlow::Continue(());
                self.port.publish(event, NAME, &mut || {
                    flow = contain(|| NAME.to_owned(), || Ok(watch(state, event)))?;
                    Ok(())
                })?;
                Ok(flow)
            })?;
        Ok(start.loaded(sourced, begun))
    }
}

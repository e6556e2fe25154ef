//! Snapshots made anew.

use super::source::Until;
use super::{Evolve, Repository, SnapshotUse, Which};
use crate::Revision;
use crate::toolkit::ToolError;
use crate::toolkit::error::contain;
use crate::toolkit::snapshot::AsOf;
use std::ops::ControlFlow;

/// What was made anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Rebuilt {
    /// How many states.
    pub states: u64,
    /// Of how many events.
    pub events: u64,
    /// How many snapshots were written; not all of them are kept.
    pub snapshots: u64,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RebuildProgress<'a> {
    /// The stream whose state was made last.
    pub stream: &'a str,
    /// How many states are done.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// What was made so far.
    pub so_far: Rebuilt,
}

impl<D: Evolve> Repository<D> {
    /// Makes the snapshots of a state anew, where `evolve` has changed or they are not trusted:
    /// deletes them, makes the state of all its events, and writes a snapshot after every so many
    /// and at the end; 0 means only there. How many of them are kept, [`Snapshots::keep`] says.
    ///
    /// Commands may be executed meanwhile. What was made of an old snapshot is not written over a
    /// new one.
    ///
    /// [`Snapshots::keep`]: crate::toolkit::Snapshots::keep
    ///
    /// # Errors
    /// The store's; an event that can't be read; [`ToolError::Setup`] if the repository keeps no
    /// snapshots. Here a snapshot that can't be written is an error.
    pub fn rebuild<'a>(
        &self,
        which: impl Into<Which<'a>>,
        every: u64,
    ) -> Result<Rebuilt, ToolError> {
        let snapshots = self.keeper()?;
        let boundary = self.boundary(which);
        snapshots.delete(&self.port, boundary.name())?;

        let source = self.source(&boundary);
        let mut start = source.begin_with_nothing(SnapshotUse::Off);
        // Nothing once somebody else has written one: he has made it of all events, too.
        let mut over = Some(Revision::NONE);
        let mut written = 0;
        let mut save = |state: &D::State, as_of: AsOf| {
            let Some(revision) = over else { return Ok(()) };
            match snapshots.save(&self.port, boundary.name(), as_of, state, revision) {
                Ok(now) => (over, written) = (Some(now), written + 1),
                Err(error) if error.is_conflict() => over = None,
                Err(error) => return Err(error),
            }
            Ok(())
        };
        let mut since = 0;
        let events =
            source.go_on(&mut start, source.all()?, Until::End, &mut |state, as_of, _| {
                since += 1;
                if since == every {
                    since = 0;
                    save(state, *as_of)?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
        if since > 0 {
            save(&start.state, start.as_of)?;
        }
        Ok(Rebuilt { states: 1, events, snapshots: written, cancelled: false })
    }

    /// Makes the snapshots of all states of the category anew, one after the other, as
    /// [`Repository::rebuild`] does. `progress` is called after each, and may stop it; what is done
    /// then stays done. Boundaries of queries are not among them: nothing lists them.
    ///
    /// # Errors
    /// Those of [`Repository::rebuild`]; [`ToolError::Panicked`] if `progress` panics.
    pub fn rebuild_all(
        &self,
        every: u64,
        mut progress: impl FnMut(&RebuildProgress<'_>) -> ControlFlow<()>,
    ) -> Result<Rebuilt, ToolError> {
        let category = format!("{}-", self.category);
        let mut streams = self.port.streams_of(&self.category)?;
        streams.retain(|stream| stream.starts_with(&category));
        let of = u64::try_from(streams.len()).unwrap_or(u64::MAX);
        let mut so_far = Rebuilt::default();
        for stream in &streams {
            let one = self.rebuild(&super::Boundary::stream(stream), every)?;
            so_far.states += 1;
            so_far.events += one.events;
            so_far.snapshots += one.snapshots;
            let now = RebuildProgress { stream, done: so_far.states, of, so_far };
            let flow = contain(|| "progress of a rebuild".to_owned(), || Ok(progress(&now)))?;
            if flow.is_break() && so_far.states < of {
                return Ok(Rebuilt { cancelled: true, ..so_far });
            }
        }
        Ok(so_far)
    }
}

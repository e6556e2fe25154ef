//! What makes read models of events.

use super::Output;
use crate::Query;
use crate::toolkit::{Failure, Received};

/// Makes documents of events, one event after another: a read model. [`Fold`](super::Fold) is one
/// for states that are made by a function; whoever wants more implements this.
///
/// It is run by a [`Projector`](super::Projector), which follows the log, or as
/// [`Inline`](super::Inline), in the very commits that append the events. Either way the documents
/// and how far they reach are changed in one commit: each event counts exactly once, whatever
/// crashes.
///
/// What it writes has to follow from the events alone, in their order: it may be run again over
/// all of them. In [`Inline`](super::Inline) an event has no position and version yet, they are 0.
pub trait Projection: Send + 'static {
    /// What it is called in the store: at most 64 bytes, without `/` and `~`.
    fn name(&self) -> &str;

    /// The version of what it does. Where the output in the store was made by another one, it is
    /// made anew before the projection goes on.
    fn version(&self) -> u32 {
        1
    }

    /// Which events it wants.
    fn query(&self) -> Query {
        Query::all()
    }

    /// Changes the output by an event.
    ///
    /// # Errors
    /// The event can't be taken in: nothing that it changed counts. What then becomes of it is for
    /// [`OnError`](crate::toolkit::OnError) to say.
    fn apply(&mut self, event: &Received<'_>, output: &mut Output<'_>) -> Result<(), Failure>;

    /// Writes what it has kept in memory, before the output is committed.
    ///
    /// # Errors
    /// It can't be written: nothing of the batch counts.
    fn flush(&mut self, _output: &mut Output<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Forgets what it has kept in memory: the output is not what it was when it was kept.
    fn reset(&mut self) {}
}

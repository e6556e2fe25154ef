//! Who is told that a state came into being, changed, or is no more.

use super::{Boundary, Evolve};
use crate::toolkit::error::contain;
use crate::toolkit::{Failure, ToolError};
use crate::{Appended, Version};
use std::sync::Arc;

/// Is told what became of states, after the commit has landed: it can't undo anything. One that
/// fails or panics is told in the result of whoever executed the command, and hinders nobody.
///
/// It runs in the thread of whoever executed the command, and is not called again if the process
/// ends before: for what must be done, whatever happens, there are processors.
pub trait Lifecycle<S>: Send + Sync + 'static {
    /// What errors call it.
    fn name(&self) -> &str {
        "a lifecycle hook"
    }

    /// Now there is one; of those, too, that were deleted before.
    ///
    /// # Errors
    /// Its own: told, and nothing else.
    fn created(&self, _change: &Change<'_, S>) -> Result<(), Failure> {
        Ok(())
    }

    /// There was one, and there is one: it has changed.
    ///
    /// # Errors
    /// Its own: told, and nothing else.
    fn changed(&self, _change: &Change<'_, S>) -> Result<(), Failure> {
        Ok(())
    }

    /// There was one, and it is no more: see [`Evolve::is_deleted`].
    ///
    /// # Errors
    /// Its own: told, and nothing else.
    fn deleted(&self, _change: &Change<'_, S>) -> Result<(), Failure> {
        Ok(())
    }
}

/// What became of a state.
#[derive(Debug)]
#[non_exhaustive]
pub struct Change<'a, S> {
    /// Whose state it is.
    pub boundary: &'a Boundary,
    /// The state now.
    pub state: &'a S,
    /// Its version now.
    pub version: Version,
    /// Where the events landed.
    pub appended: &'a Appended,
}

/// Whether there is something that a state is that of.
pub(super) fn exists<D: Evolve>(decider: &D, state: &D::State, version: Version) -> bool {
    version > Version::NONE && !decider.is_deleted(state)
}

/// Tells each hook; what they fail with.
pub(super) fn tell<S: 'static>(
    hooks: &[Arc<dyn Lifecycle<S>>],
    existed: bool,
    exists: bool,
    change: &Change<'_, S>,
) -> Vec<ToolError> {
    let failed = hooks.iter().filter_map(|hook| {
        let call = || match (existed, exists) {
            (false, true) => hook.created(change),
            (true, true) => hook.changed(change),
            (true, false) => hook.deleted(change),
            // Nothing that anybody could have seen.
            (false, false) => Ok(()),
        };
        contain(|| format!("lifecycle hook '{}'", hook.name()), call).err()
    });
    failed.collect()
}

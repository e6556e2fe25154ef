//! Two phases: a commit is staged, then committed or rolled back.

use crate::engine::Engine;
use crate::log::Draft;
use crate::words::{AppendError, Appended, Commit};
use std::fmt;
use std::sync::Arc;

/// A commit that was checked and encoded, and of which nothing is in the store. Dropping it rolls
/// it back: it was never there, and used up nothing.
///
/// What it expects is looked at when it is committed, not when it is staged.
///
/// ```
/// use annals::{Commit, NewEvent, Store};
/// let store = Store::in_memory()?;
/// let staged = store.stage(Commit::new().append("a", 0, [NewEvent::new("Noted", "x")]))?;
/// assert_eq!(store.head()?.get(), 0);
/// assert_eq!(staged.commit()?.marker().get(), 1);
///
/// let forgotten = store.stage(Commit::new().append("a", 1, [NewEvent::new("Noted", "y")]))?;
/// forgotten.roll_back();
/// assert_eq!(store.head()?.get(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "what is staged is not there before it is committed"]
pub struct Staged {
    engine: Arc<Engine>,
    /// Its conditions, and how it is to be acknowledged.
    commit: Commit,
    draft: Draft,
}

impl Staged {
    pub(super) fn new(engine: Arc<Engine>, commit: Commit) -> Result<Self, AppendError> {
        let draft = engine.stage(&commit)?;
        Ok(Self { engine, commit: commit.without_contents(), draft })
    }

    /// Appends it: all of it or nothing. [`Appended::marker`] is up to where it goes.
    ///
    /// # Errors
    /// As [`Store::commit`](crate::Store::commit).
    pub fn commit(mut self) -> Result<Appended, AppendError> {
        self.engine.commit_staged(&self.commit, &mut self.draft)
    }

    /// Forgets it; the same as dropping it.
    pub fn roll_back(self) {}
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("events", &self.draft.events()).finish_non_exhaustive()
    }
}

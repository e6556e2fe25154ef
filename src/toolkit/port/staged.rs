//! Two phases through a port: a commit is staged, then committed or rolled back.

use super::Port;
use crate::toolkit::ToolError;
use crate::{Appended, Commit};
use std::fmt;

/// A commit that was checked, and of which nothing is in the store: as [`crate::Staged`], through a
/// port. Dropping it rolls it back.
///
/// ```
/// use annals::toolkit::Port;
/// use annals::{Commit, NewEvent, Store};
/// let port = Port::new(&Store::in_memory()?).tenant("acme")?;
/// let commit = Commit::new().append("a", 0, [NewEvent::new("Noted", "x")]);
/// let staged = port.stage(commit.clone())?;
/// assert_eq!(port.count()?, 0, "nobody sees it");
/// assert_eq!(staged.commit()?.marker().get(), 1);
///
/// port.stage(commit)?.roll_back();
/// assert!(port.stage(Commit::new()).is_err(), "that could never be committed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "what is staged is not there before it is committed"]
pub struct Staged {
    port: Port,
    /// In the words of whoever staged it.
    commit: Commit,
    staged: crate::Staged,
}

impl Port {
    /// Checks and encodes a commit, of which nothing is in the store before [`Staged::commit`].
    /// Interceptors stand around that: they see it when it is to land.
    ///
    /// # Errors
    /// Those of [`Port::commit`] that say that it can't be a commit.
    pub fn stage(&self, commit: Commit) -> Result<Staged, ToolError> {
        let staged = self.stage_outer(&commit)?;
        Ok(Staged { port: self.clone(), commit, staged })
    }
}

impl Staged {
    /// Appends it, past the interceptors: all of it or nothing. [`Appended::marker`] is up to where
    /// it goes.
    ///
    /// # Errors
    /// As [`Port::commit`].
    pub fn commit(self) -> Result<Appended, ToolError> {
        let Self { port, commit, staged } = self;
        let mut staged = Some(staged);
        port.commit_by(&commit, &mut |landing| {
            // An interceptor that has changed it wants something else to land.
            match staged.take_if(|_| *landing == commit) {
                Some(staged) => staged.commit(),
                None => port.commit_outer(landing),
            }
        })
    }

    /// Forgets it; the same as dropping it.
    pub fn roll_back(self) {}
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("commit", &self.commit).finish_non_exhaustive()
    }
}

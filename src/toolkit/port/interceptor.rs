//! What stands between a program and its store: sees, adds, refuses.

use super::Received;
use crate::toolkit::{Failure, ToolError};
use crate::{Appended, Commit, RecordedEvent};

/// The rest of the way of a commit.
pub type Append<'a> = dyn FnMut(Commit) -> Result<Appended, ToolError> + 'a;
/// The rest of the way of an event to whoever handles it.
pub type Publish<'a> = dyn FnMut() -> Result<(), ToolError> + 'a;

/// Stands around every append, read and publication that goes through a port. Those of a port are
/// called in the order in which they were added; names are those of the port's tenant. A panic is
/// an error of what it stood around.
///
/// ```
/// use annals::toolkit::{Append, Interceptor, Port, ToolError};
/// use annals::{Appended, Commit, NewEvent, Store};
///
/// /// Nobody writes at night.
/// struct Closed;
/// impl Interceptor for Closed {
///     fn name(&self) -> &str {
///         "opening hours"
///     }
///     fn append(&self, _: Commit, _: &mut Append<'_>) -> Result<Appended, ToolError> {
///         Err(ToolError::failed("opening hours", "it is night"))
///     }
/// }
///
/// let port = Port::new(&Store::in_memory()?).intercept(Closed);
/// let error = port.append("a", 0, [NewEvent::new("Noted", "")]).unwrap_err();
/// assert_eq!(error.to_string(), "opening hours failed: it is night");
/// assert_eq!(port.head()?.get(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Interceptor: Send + Sync + 'static {
    /// What errors call it.
    fn name(&self) -> &str {
        "an interceptor"
    }

    /// Around a commit. It may change it, refuse it by not calling `next`, or look at what came of
    /// it; calling `next` twice commits twice. What goes wrong in it behind `next` is told, but the
    /// commit has landed.
    ///
    /// # Errors
    /// Its own, or those of `next`.
    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        next(commit)
    }

    /// Before an event that was read is handed out. Nothing leaves it as it is; another event takes
    /// its place.
    ///
    /// # Errors
    /// What it returns ends the reading.
    fn read(&self, _event: &Received<'_>) -> Result<Option<RecordedEvent>, Failure> {
        Ok(None)
    }

    /// Around the call of a subscriber, projection or handler, which is called so.
    ///
    /// # Errors
    /// Its own, or those of `next`.
    fn publish(
        &self,
        _event: &Received<'_>,
        _to: &str,
        next: &mut Publish<'_>,
    ) -> Result<(), ToolError> {
        next()
    }
}

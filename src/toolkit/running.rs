//! How something is that goes on by itself.

use super::ToolError;

/// How something is that goes on by itself, in a thread of its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Running {
    /// It goes on.
    Yes,
    /// It was stopped.
    Stopped,
    /// It can't go on: the store was closed, or an event can't be handled. Mend what is wrong, and
    /// begin again.
    Failed(ToolError),
}

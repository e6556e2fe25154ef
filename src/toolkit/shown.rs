//! What of a log is handed on: what is durable, or all that is visible.

use super::{Port, ToolError};
use crate::Position;
use std::task::Waker;
use std::time::Duration;

/// Longer than it takes to say why there is more, or never will be.
const MOMENT: Duration = Duration::from_millis(1);

/// What of a log is handed on to whoever follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// What a power cut does not take back.
    Durable,
    /// All that is visible.
    Visible,
}

impl Shown {
    /// The last position of it.
    pub fn end(self, port: &Port) -> Result<Position, ToolError> {
        match self {
            Self::Durable => Ok(port.durable()),
            Self::Visible => port.head(),
        }
    }

    /// Waits until there is more than `after`, at most for so long.
    pub fn wait(self, port: &Port, after: Position, most: Duration) -> Result<(), ToolError> {
        match self {
            Self::Durable => port.wait_durable_after(after, most)?,
            Self::Visible => port.wait(after, most)?,
        };
        Ok(())
    }

    /// Whether there may be more than `after`; if not, the waker is called when that may have
    /// changed.
    ///
    /// # Errors
    /// There will never be more: the store was closed, or a write to it has failed.
    pub fn wake(self, port: &Port, after: Position, waker: &Waker) -> Result<bool, ToolError> {
        let is_over = match self {
            Self::Durable => port.wake_durable_after(after, waker),
            Self::Visible => port.wake_after(after, waker),
        };
        if is_over {
            // There is more, or this says why not: only who waits is told.
            self.wait(port, after, MOMENT)?;
        }
        Ok(is_over)
    }
}

//! How a processor is.

use super::documents::Kept;
use super::keys::Keys;
use super::lanes::Counts;
use crate::Position;
use crate::toolkit::{Port, Running, ToolError};

/// How a processor, or a queue, is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Whether it runs.
    pub running: Running,
    /// Events that were handled since it was started.
    pub handled: u64,
    /// Events that were passed over: known by the same as one that was handled before, or by hand.
    pub skipped: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Aggregates that are parked.
    pub parked: usize,
    /// All events up to here are done, but those of aggregates that are parked or lag behind.
    pub position: Position,
    /// Positions from there to the last durable one, events included that are none of its own.
    pub lag: u64,
}

impl Status {
    pub(super) fn new(
        counts: Counts,
        position: Position,
        durable: Position,
        is_stopped: bool,
        error: Option<ToolError>,
    ) -> Self {
        let Counts { handled, skipped, failed, parked } = counts;
        let running = match error {
            Some(error) => Running::Failed(error),
            None if is_stopped => Running::Stopped,
            None => Running::Yes,
        };
        let lag = durable.get().saturating_sub(position.get());
        Self { running, handled, skipped, failed, parked, position, lag }
    }

    /// How one is that does not run, as the store has it.
    pub(super) fn at_rest(port: &Port, name: &str) -> Result<Self, ToolError> {
        let kept = Kept::load(port, name, &Keys::new(name, port.store_id()))?;
        let counts = Counts { parked: kept.parked.len(), ..Counts::default() };
        Ok(Self::new(counts, kept.checkpoint.at, port.durable(), true, None))
    }

    /// Whether it handles what comes.
    pub fn is_running(&self) -> bool {
        matches!(self.running, Running::Yes)
    }

    /// What it ended with by itself.
    pub fn error(&self) -> Option<&ToolError> {
        match &self.running {
            Running::Failed(error) => Some(error),
            Running::Yes | Running::Stopped => None,
        }
    }
}

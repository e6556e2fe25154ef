//! How a pipeline is.

use crate::Position;
use crate::toolkit::{Following, Port, Projected, Running, Status, ToolError};

/// How the parts of a pipeline are.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PipelineStatus {
    /// Its handlers and publishers, in the order in which they were named.
    pub handlers: Vec<(String, Status)>,
    /// Its projections.
    pub projections: Vec<(String, PartStatus)>,
}

/// How a projection of a pipeline is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartStatus {
    /// Whether it follows.
    pub running: Running,
    /// Every event up to here is taken in.
    pub position: Position,
    /// Events that were passed over because they could not be applied.
    pub skipped: u64,
    /// Positions from there to the last durable one.
    pub lag: u64,
}

impl PartStatus {
    /// Of one that was started.
    pub(super) fn of(following: &Following, port: &Port) -> Self {
        let (running, skipped) = (following.running(), following.skipped());
        Self::new(running, following.position(), skipped, port)
    }

    /// Of one that does not run, as the store has it.
    pub(super) fn at_rest(port: &Port, name: &str) -> Result<Self, ToolError> {
        let checkpoint = Projected::of(port, name).checkpoint()?;
        let (position, skipped) =
            checkpoint.map_or((Position::START, 0), |place| (place.position, place.skipped));
        Ok(Self::new(Running::Stopped, position, skipped, port))
    }

    fn new(running: Running, position: Position, skipped: u64, port: &Port) -> Self {
        let lag = port.durable().get().saturating_sub(position.get());
        Self { running, position, skipped, lag }
    }
}

impl PipelineStatus {
    /// Whether all parts run. One that has none does.
    pub fn is_running(&self) -> bool {
        let handlers = self.handlers.iter().map(|(_, status)| &status.running);
        let projections = self.projections.iter().map(|(_, status)| &status.running);
        handlers.chain(projections).all(|running| matches!(running, Running::Yes))
    }

    /// How a handler or publisher is.
    pub fn handler(&self, name: &str) -> Option<&Status> {
        self.handlers.iter().find(|(own, _)| own == name).map(|(_, status)| status)
    }

    /// How a projection is.
    pub fn projection(&self, name: &str) -> Option<&PartStatus> {
        self.projections.iter().find(|(own, _)| own == name).map(|(_, status)| status)
    }
}

//! From event to event, over one view after the other: what all ways to follow have in common.

use super::Follow;
use super::Lag;
use super::start::Start;
use crate::toolkit::ToolError;
use crate::toolkit::port::{Events, Port, Received};
use crate::toolkit::shown::Shown;
use crate::toolkit::sleeper::Sleeper;
use crate::{Position, Query, Read};
use std::time::Duration;

/// So many positions are looked at before whoever follows looks around again: whether it is to
/// stop, or whether others want a turn.
pub(super) const STRIDE: u64 = 16_384;

/// What is followed, through which port.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) port: Port,
    query: Query,
    shown: Shown,
}

/// Where somebody is who follows. Events are read in views; a new one is taken when the one before
/// is read out, and it ends where what is durable (or visible) ends.
pub(super) struct Steps {
    source: Source,
    /// Up to where it has looked.
    position: Position,
    events: Option<Events>,
}

impl Source {
    /// The last position that may be looked at.
    pub(super) fn end(&self) -> Result<Position, ToolError> {
        self.shown.end(&self.port)
    }

    /// How far somebody is behind who has looked up to there.
    pub(super) fn lag(&self, position: Position) -> Result<Lag, ToolError> {
        let end = self.end()?;
        let positions = end.get().saturating_sub(position.get());
        if positions == 0 {
            return Ok(Lag::default());
        }
        let read = Read::new().after(position).to(end).limit(1);
        let since = self.port.query(&self.query, read)?.next_event()?.map(|event| event.recorded);
        Ok(Lag { positions, since })
    }
}

impl Steps {
    /// Where `who` is told to begin.
    pub(super) fn new(port: &Port, follow: Follow, who: &str) -> Result<Self, ToolError> {
        let Follow { query, start, shown } = follow;
        let source = Source { port: port.clone(), query, shown };
        let head = port.head()?;
        let position = match start {
            Start::Head => head,
            Start::After(position) if position <= head => position,
            Start::After(checkpoint) => {
                return Err(ToolError::Ahead { name: who.to_owned(), checkpoint, head });
            }
        };
        // A query that means nothing is refused here, not when the first event comes.
        port.query(&source.query, Read::new().limit(0))?;
        Ok(Self { source, position, events: None })
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Up to where it has looked.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Whether there is a view that is not read out.
    #[cfg(feature = "async")]
    pub(super) fn is_reading(&self) -> bool {
        self.events.is_some()
    }

    /// Goes to the next event of the view; `false` at its end.
    ///
    /// # Errors
    /// Then it stands where it stood before, and looks again the next time.
    pub(super) fn advance(&mut self) -> Result<bool, ToolError> {
        let Some(events) = &mut self.events else { return Ok(false) };
        let is_there = events.advance();
        if is_there.is_ok() {
            self.position = self.position.max(events.marker());
        }
        if !matches!(is_there, Ok(true)) {
            self.events = None;
        }
        is_there
    }

    /// The event that it stands at.
    pub(super) fn event(&self) -> Option<Received<'_>> {
        self.events.as_ref()?.event()
    }

    /// Stands before its event again, which could not be handed out.
    pub(super) fn back(&mut self) {
        self.position = Position::new(self.position.get().saturating_sub(1));
        self.events = None;
    }

    /// Takes a view of what has come since; `false` if nothing has.
    pub(super) fn look(&mut self) -> Result<bool, ToolError> {
        let end = self.source.end()?;
        if end <= self.position {
            return Ok(false);
        }
        let stride = Position::new(self.position.get().saturating_add(STRIDE));
        let read = Read::new().after(self.position).to(end.min(stride));
        self.events = Some(self.source.port.query(&self.source.query, read)?);
        Ok(true)
    }

    /// Waits until more may be looked at, at most for so long.
    pub(super) fn wait(&self, timeout: Duration) -> Result<(), ToolError> {
        self.source.shown.wait(&self.source.port, self.position, timeout)
    }

    /// Sleeps until more may be looked at, or somebody calls.
    ///
    /// # Errors
    /// There never will be more.
    pub(super) fn sleep(&self, sleeper: &Sleeper) -> Result<(), ToolError> {
        sleeper.sleep(&self.source.port, self.position, self.source.shown)
    }

    /// Whether more may be looked at; if not, the waker is called when that may have changed.
    ///
    /// # Errors
    /// There never will be more.
    #[cfg(feature = "async")]
    pub(super) fn wake(&self, waker: &std::task::Waker) -> Result<bool, ToolError> {
        self.source.shown.wake(&self.source.port, self.position, waker)
    }
}

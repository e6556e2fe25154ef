//! From event to event, over one view after the other: what all ways to follow have in common.

use super::Follow;
use super::Lag;
use super::start::Start;
use crate::toolkit::ToolError;
use crate::toolkit::port::{Events, Port, Received};
use crate::{Position, Query, Read};
use std::task::Waker;
use std::time::Duration;

/// So many positions are looked at before whoever follows looks around again: whether it is to
/// stop, or whether others want a turn.
pub(super) const STRIDE: u64 = 16_384;
/// Longer than it takes to say why there is more, or never will be.
const MOMENT: Duration = Duration::from_millis(1);

/// What is followed, through which port.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) port: Port,
    query: Query,
    buffered: bool,
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
        if self.buffered { self.port.head() } else { Ok(self.port.durable()) }
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

    fn wait(&self, after: Position, timeout: Duration) -> Result<Position, ToolError> {
        match self.buffered {
            true => self.port.wait(after, timeout),
            false => self.port.wait_durable_after(after, timeout),
        }
    }
}

impl Steps {
    /// Where `who` is told to begin.
    pub(super) fn new(port: &Port, follow: Follow, who: &str) -> Result<Self, ToolError> {
        let Follow { query, start, buffered } = follow;
        let source = Source { port: port.clone(), query, buffered };
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
        self.source.wait(self.position, timeout).map(|_| ())
    }

    /// Whether more may be looked at; if not, the waker is called when that may have changed.
    ///
    /// # Errors
    /// There never will be more.
    pub(super) fn wake(&self, waker: &Waker) -> Result<bool, ToolError> {
        let port = &self.source.port;
        let is_over = match self.source.buffered {
            true => port.wake_after(self.position, waker),
            false => port.wake_durable_after(self.position, waker),
        };
        if is_over {
            // There is more, or this says why not.
            self.wait(MOMENT)?;
        }
        Ok(is_over)
    }
}

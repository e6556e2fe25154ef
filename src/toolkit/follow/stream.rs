//! Following as a `Stream`, for any executor.

use super::steps::Steps;
use super::{Follow, Lag};
use crate::toolkit::ToolError;
use crate::toolkit::port::Port;
use crate::{Position, RecordedEvent};
use futures_core::Stream;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Follows a store, or a tenant's part of it, as a [`Stream`]: the events that there are, then
/// those that come, each once, in the order of their positions. It needs no runtime, and no thread:
/// whoever makes something durable (or visible) wakes the task.
///
/// A poll looks at 16,384 positions at the most; where nothing is among them it lets others have
/// their turn. Reading blocks as long as the device does. After an error it has ended, and closing
/// the store is one.
///
/// ```
/// use annals::toolkit::{EventStream, Follow, Port};
/// use annals::{NewEvent, Store};
/// use futures_core::Stream;
/// use std::pin::Pin;
/// use std::task::{Context, Poll, Waker};
/// let port = Port::new(&Store::in_memory()?);
/// port.append("a", 0, [NewEvent::new("Noted", "x")])?;
/// let mut stream = EventStream::new(&port, Follow::all())?;
/// let mut context = Context::from_waker(Waker::noop());
/// let Poll::Ready(Some(event)) = Pin::new(&mut stream).poll_next(&mut context) else { panic!() };
/// assert_eq!(event?.payload, b"x");
/// assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventStream {
    steps: Steps,
    ended: bool,
}

impl EventStream {
    /// Begins to follow.
    ///
    /// # Errors
    /// Those of [`Subscription::new`](super::Subscription::new).
    pub fn new(port: &Port, follow: Follow) -> Result<Self, ToolError> {
        Ok(Self { steps: Steps::new(port, follow, "a stream")?, ended: false })
    }

    /// Up to which position it has looked.
    pub fn position(&self) -> Position {
        self.steps.position()
    }

    /// How far it is behind.
    ///
    /// # Errors
    /// The store's.
    pub fn lag(&self) -> Result<Lag, ToolError> {
        self.steps.source().lag(self.steps.position())
    }

    fn step(&mut self, context: &Context<'_>) -> Result<Option<RecordedEvent>, ToolError> {
        let was_reading = self.steps.is_reading();
        let mut is_there = self.steps.advance()?;
        if !is_there && !was_reading {
            if self.steps.look()? {
                is_there = self.steps.advance()?;
            } else if !self.steps.wake(context.waker())? {
                return Ok(None);
            }
        }
        let event = self.steps.event().filter(|_| is_there).map(|event| event.to_recorded());
        match event.transpose() {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => {
                // There may be more: after the others.
                context.waker().wake_by_ref();
                Ok(None)
            }
            Err(error) => {
                self.steps.back();
                Err(error.into())
            }
        }
    }
}

impl Stream for EventStream {
    type Item = Result<RecordedEvent, ToolError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let own = self.get_mut();
        if own.ended {
            return Poll::Ready(None);
        }
        match own.step(context).transpose() {
            None => Poll::Pending,
            Some(item) => {
                own.ended = item.is_err();
                Poll::Ready(Some(item))
            }
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("position", &self.position()).finish_non_exhaustive()
    }
}

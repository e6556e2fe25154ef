//! An event that somebody has taken from a queue.

use super::Effects;
use super::lanes::{Job, Outcome};
use super::shared::Shared;
use crate::Timestamp;
use crate::toolkit::{Received, ToolError};
use std::fmt;
use std::sync::Arc;

/// An event that somebody has taken from a [`Queue`](super::Queue), for as long as its lease lasts.
/// Dropped without a word, it counts as failed.
///
/// ```
/// use annals::toolkit::{Port, Queue, Retry};
/// use annals::{NewEvent, Query, Store};
/// use std::time::Duration;
/// let port = Port::new(&Store::in_memory()?);
/// port.append("order-1", 0, [NewEvent::new("OrderPlaced", "12")])?;
/// let queue = Queue::options("totals", Query::all()).retry(Retry::new(1)).open(&port)?;
///
/// let delivery = queue.take(Duration::ZERO)?.unwrap();
/// let mut effects = delivery.effects();
/// effects.put("total", delivery.event().payload);
/// delivery.done_with(effects)?;
/// assert_eq!(port.document("total")?.unwrap().value, b"12");
///
/// port.append("order-1", 1, [NewEvent::new("OrderPaid", "")])?;
/// queue.take(Duration::ZERO)?.unwrap().failed("the bank is closed")?;
/// assert!(queue.take(Duration::ZERO)?.is_none());
/// assert_eq!(queue.parked()?[0].why, "the bank is closed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Delivery {
    shared: Arc<Shared>,
    job: Job,
    /// Whether something was said of it.
    said: bool,
}

impl Delivery {
    pub(super) fn new(shared: Arc<Shared>, job: Job) -> Self {
        Self { shared, job, said: false }
    }

    /// The event.
    pub fn event(&self) -> Received<'_> {
        Received::from(&self.job.event)
    }

    /// Its aggregate.
    pub fn aggregate(&self) -> &str {
        &self.job.aggregate
    }

    /// Which attempt this is, counted from 1 since the processor or queue was opened.
    pub fn attempt(&self) -> u32 {
        self.job.attempt
    }

    /// When its lease ends, by the port's clock.
    pub fn expires(&self) -> Timestamp {
        self.job.expires.unwrap_or(Timestamp::from_micros(i64::MAX))
    }

    /// No effects yet, of handling this event.
    pub fn effects(&self) -> Effects {
        Effects::of(&self.event())
    }

    /// It was handled. When this returns, that is committed.
    ///
    /// # Errors
    /// Those of [`Delivery::done_with`].
    pub fn done(self) -> Result<(), ToolError> {
        self.done_with(Effects::default())
    }

    /// It was handled, and brings this about. When this returns, all of it is committed together.
    ///
    /// # Errors
    /// [`ToolError::Expired`] if its lease has ended: somebody else handles it, and nothing comes
    /// of this. What its commit was refused with: then the attempt has failed.
    /// [`ToolError::Stopped`] if the queue was stopped; what it ended with.
    pub fn done_with(mut self, effects: Effects) -> Result<(), ToolError> {
        self.say(Outcome::Done(effects))
    }

    /// It could not be handled, for this reason. The retry policy says what becomes of it.
    ///
    /// # Errors
    /// Those of [`Delivery::done_with`].
    pub fn failed(mut self, why: impl fmt::Display) -> Result<(), ToolError> {
        self.say(Outcome::Failed(why.to_string()))
    }

    fn say(&mut self, outcome: Outcome) -> Result<(), ToolError> {
        self.said = true;
        let Job { nth, token, event, .. } = &self.job;
        self.shared.give_back(*nth, *token, event.position, outcome)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.said {
            // Whoever drops it does not ask.
            let _ = self.say(Outcome::Failed("it was dropped without a word".to_owned()));
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("aggregate", &self.aggregate())
            .field("position", &self.job.event.position)
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

//! Following in the caller's own thread.

use super::steps::Steps;
use super::{Follow, Lag};
use crate::toolkit::ToolError;
use crate::toolkit::port::{Port, Received};
use crate::{Position, RecordedEvent};
use std::fmt;
use std::time::{Duration, Instant};

/// Follows a store, or a tenant's part of it, in the caller's thread: gives the events that there
/// are, then those that come, each once, in the order of their positions. It holds no lock, and may
/// be moved to another thread between two calls.
///
/// Of a store that was opened read-only it follows what another process writes.
///
/// ```
/// use annals::toolkit::{Follow, Port, Subscription};
/// use annals::{NewEvent, Store};
/// use std::time::Duration;
/// let store = Store::in_memory()?;
/// let port = Port::new(&store);
/// port.append("a", 0, [NewEvent::new("Noted", "before")])?;
/// let mut subscription = Subscription::new(&port, Follow::all())?;
/// let writer = std::thread::spawn(move || store.append("a", 1, [NewEvent::new("Noted", "then")]));
/// let minute = Duration::from_secs(60);
/// assert_eq!(subscription.next_event(minute)?.unwrap().payload, b"before");
/// assert_eq!(subscription.next_event(minute)?.unwrap().payload, b"then");
/// assert_eq!((subscription.position().get(), subscription.lag()?.positions), (2, 0));
/// writer.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Subscription {
    steps: Steps,
}

impl Subscription {
    /// Begins to follow.
    ///
    /// # Errors
    /// [`ToolError::Ahead`]: it is to begin after a position that is not there yet. The query has
    /// no meaning; the store's.
    pub fn new(port: &Port, follow: Follow) -> Result<Self, ToolError> {
        Ok(Self { steps: Steps::new(port, follow, "a subscription")? })
    }

    /// The next event, lent until the next call. If there is none it waits for one, at most for
    /// `timeout`; nothing if none has come by then.
    ///
    /// # Errors
    /// The store's, closed among them; an interceptor's. The next call goes on from where this one
    /// was: nothing is passed over.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<Received<'_>>, ToolError> {
        let mut waiting = None;
        while !self.steps.advance()? {
            // What has been there all the time is looked at, however short the time is.
            let (begun, end) = match waiting {
                Some(waiting) => waiting,
                None => *waiting.insert((Instant::now(), self.steps.source().end()?)),
            };
            let left = timeout.saturating_sub(begun.elapsed());
            let is_behind = self.steps.position() < end;
            if (is_behind || !left.is_zero()) && self.steps.look()? {
                continue;
            }
            if left.is_zero() {
                // A store that was closed says so, also to somebody who never waits.
                self.steps.source().port.head()?;
                return Ok(None);
            }
            self.steps.wait(left)?;
        }
        Ok(self.steps.event())
    }

    /// The events as they come, owned; the iterator ends when none has come for `timeout`, and with
    /// an error. Another one goes on from there.
    ///
    /// ```
    /// use annals::toolkit::{Follow, Port, Subscription};
    /// use annals::{NewEvent, Store};
    /// use std::time::Duration;
    /// let port = Port::new(&Store::in_memory()?);
    /// let mut subscription = Subscription::new(&port, Follow::all())?;
    /// port.append("a", 0, ["1", "2"].map(|text| NewEvent::new("Noted", text)))?;
    /// for event in subscription.arriving(Duration::from_millis(1)) {
    ///     assert_eq!(event?.stream, "a");
    /// }
    /// assert_eq!(subscription.position().get(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arriving(&mut self, timeout: Duration) -> Arriving<'_> {
        Arriving { subscription: self, timeout, ended: false }
    }

    /// Up to which position it has looked: whoever goes on [after](Follow::after) it misses
    /// nothing.
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

    fn next_owned(&mut self, timeout: Duration) -> Result<Option<RecordedEvent>, ToolError> {
        let Some(event) = self.next_event(timeout)? else { return Ok(None) };
        let event = event.to_recorded();
        if event.is_err() {
            self.steps.back();
        }
        Ok(Some(event?))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("position", &self.position()).finish_non_exhaustive()
    }
}

/// The events of a [`Subscription`] as they come. See [`Subscription::arriving`].
#[derive(Debug)]
pub struct Arriving<'a> {
    subscription: &'a mut Subscription,
    timeout: Duration,
    ended: bool,
}

impl Iterator for Arriving<'_> {
    type Item = Result<RecordedEvent, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.subscription.next_owned(self.timeout).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

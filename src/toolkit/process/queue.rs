//! Events handed out to whoever takes them, each with a lease.

use super::settings::Settings;
use super::shared::{Shared, deadline};
use super::{Delivery, Parked, Status};
use crate::toolkit::{Port, Received, Retry, ToolError};
use crate::{Durability, Position, Query};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A durable queue over the log: any number of consumers of this process take events from it, each
/// under a lease, and say what came of handling them.
///
/// Events of one aggregate (the stream, unless told) are handed out in order and one at a time;
/// those of several aggregates at the same time. What is done is in the store, in the commit that
/// has what came of it: each event takes effect exactly once, whatever crashes. Only durable events
/// are handed out. For a handler that runs in threads of its own there is
/// [`Processor`](super::Processor).
///
/// At most 4,096 events ([`QueueOptions::window`]) or some 32 MiB of them are in memory, however
/// many wait. Of aggregates that are parked or lag behind, the name is.
///
/// ```
/// use annals::toolkit::{Port, Queue};
/// use annals::{NewEvent, Query, Store};
/// use std::time::Duration;
/// let port = Port::new(&Store::in_memory()?);
/// let placed = |n: &str| [NewEvent::new("OrderPlaced", n), NewEvent::new("OrderPaid", n)];
/// port.append("order-1", 0, placed("12"))?;
/// port.append("order-2", 0, placed("7"))?;
///
/// let queue = Queue::options("mail", Query::all()).open(&port)?;
/// let one = queue.take(Duration::ZERO)?.unwrap();
/// let two = queue.take(Duration::ZERO)?.unwrap();
/// assert_eq!((one.aggregate(), two.aggregate()), ("order-1", "order-2"));
/// // What comes next in each waits until these are done.
/// assert!(queue.take(Duration::ZERO)?.is_none());
/// one.done()?;
/// let next = queue.take(Duration::ZERO)?.unwrap();
/// assert_eq!((next.aggregate(), next.event().event_type()?), ("order-1", "OrderPaid"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue {
    shared: Arc<Shared>,
}

/// How a [`Queue`] is to be.
#[derive(Clone)]
pub struct QueueOptions {
    settings: Settings,
}

/// A lease, unless told.
const LEASE: Duration = Duration::from_secs(30);

impl Queue {
    /// How the queue of this name is to be, that has the events of this query. By its name it knows
    /// what is done already.
    pub fn options(name: impl Into<String>, query: Query) -> QueueOptions {
        let mut settings = Settings::new(name.into());
        (settings.query, settings.lease) = (Some(query), Some(LEASE));
        QueueOptions { settings }
    }

    /// The next event of an aggregate of which nobody has one, or nothing if there is none within
    /// this time. Reads on in the log, and commits, where that is to be done.
    ///
    /// # Errors
    /// What the queue ended with: the store's errors, such as that it was closed;
    /// [`ToolError::Stopped`]. Afterwards it gives the same error again.
    pub fn take(&self, timeout: Duration) -> Result<Option<Delivery>, ToolError> {
        let deadline = deadline(timeout);
        let mut back = None;
        loop {
            let Some(job) = self.shared.next(back.take(), false, Some(deadline))? else {
                let stopped = !self.status().is_running();
                return if stopped { Err(ToolError::Stopped) } else { Ok(None) };
            };
            match self.shared.publish(&job, &mut || Ok(())) {
                None => return Ok(Some(Delivery::new(self.shared.clone(), job))),
                Some(outcome) => back = Some((job, outcome)),
            }
        }
    }

    /// What is parked, and why, in the order of the aggregates' names.
    ///
    /// # Errors
    /// The store's.
    pub fn parked(&self) -> Result<Vec<Parked>, ToolError> {
        self.shared.parked()
    }

    /// A parked aggregate goes on, with the event that failed. When this returns, it is committed.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if it is not parked; the store's.
    pub fn resume(&self, aggregate: &str) -> Result<(), ToolError> {
        self.shared.unpark(aggregate, false)
    }

    /// A parked aggregate goes on behind the event that failed. When this returns, it is committed.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if it is not parked; the store's.
    pub fn skip(&self, aggregate: &str) -> Result<(), ToolError> {
        self.shared.unpark(aggregate, true)
    }

    /// Waits until all events up to this position are done, but those of parked aggregates; `false`
    /// if they are not within this time.
    ///
    /// # Errors
    /// What the queue ended with.
    pub fn wait_done(&self, to: impl Into<Position>, timeout: Duration) -> Result<bool, ToolError> {
        self.shared.wait_done(to.into(), timeout)
    }

    /// Hands out nothing more: who waits gets [`ToolError::Stopped`], and so does who says that he
    /// has done something.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.shared.status()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.stop();
        // How far it has come is worth a commit, not an error.
        let _ = self.shared.flush();
        self.shared.leave();
    }
}

impl QueueOptions {
    /// Events belong to what this says, instead of their streams: they are handed out one at a time
    /// for each. It has to say the same of the same event, always. If it panics, the queue ends.
    ///
    /// An aggregate that lags behind is found by looking at all events of the query that come after
    /// its checkpoint.
    #[must_use]
    pub fn aggregate(
        mut self,
        key: impl Fn(&Received<'_>) -> String + Send + Sync + 'static,
    ) -> Self {
        self.settings.key = Some(Arc::new(key));
        self
    }

    /// Events are known by what this says, if it says something: of those that are known by the
    /// same, one is handed out and done, the others are passed over. If it panics, the queue ends.
    ///
    /// What was done is kept in a document each, for good.
    #[must_use]
    pub fn deduplicate(
        mut self,
        id: impl Fn(&Received<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.settings.id = Some(Arc::new(id));
        self
    }

    /// For how long an event is handed out, by the port's clock; 30 seconds unless told. Who has
    /// not said what came of it until then has failed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = Some(lease);
        self
    }

    /// How often an event is tried before its aggregate is parked, and how long it rests in
    /// between, by the port's clock; five attempts unless told, 100 ms to 6.4 s apart.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Events are handed out so long after they were recorded at the earliest, by the port's clock.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.settings.delay = delay;
        self
    }

    /// How durable what is done has to be; as the store's commits are, unless told.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = Some(durability);
        self
    }

    /// So many events are in memory at the most; 4,096 unless told.
    #[must_use]
    pub fn window(mut self, events: usize) -> Self {
        self.settings.window = events;
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if something can't be so; [`ToolError::Busy`] if a queue or processor
    /// of this name is there already; [`ToolError::Ahead`] if it was done with another store; the
    /// store's errors.
    pub fn open(self, port: &Port) -> Result<Queue, ToolError> {
        Ok(Queue { shared: Shared::open(port, self.settings)? })
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("name", &self.shared.settings.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for QueueOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueOptions").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

//! Threads that handle events.

use super::handler::Handle;
use super::lanes::{Job, Outcome};
use super::parked::by_hand;
use super::shared::Shared;
use super::{Effects, Handler, Parked, Status};
use crate::Position;
use crate::toolkit::error::contain;
use crate::toolkit::{Port, Received, ToolError};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Runs a [`Handler`]: hands it the events of each aggregate in order and one at a time, those of
/// several aggregates at the same time, from where it was.
///
/// What a handler leaves to its [`Effects`] is committed together with the checkpoint, so exactly
/// once. If an attempt fails, the event rests and is tried again, as the handler's
/// [`Retry`](crate::toolkit::Retry) says; then its aggregate is parked, until somebody resumes it
/// or skips the event. The others go on. Only durable events are handled.
///
/// Dropped, it stops: what is being handled is finished and committed.
///
/// ```
/// use annals::toolkit::{Handler, Port, Processor, Retry};
/// use annals::{NewEvent, Store};
/// use std::time::Duration;
/// let port = Port::new(&Store::in_memory()?);
/// for (stream, total) in [("order-1", "12"), ("order-2", "much"), ("order-3", "7")] {
///     port.append(stream, 0, [NewEvent::new("OrderPlaced", total)])?;
/// }
/// let handler = Handler::new("totals", |event, effects| {
///     let total: u32 = std::str::from_utf8(event.payload)?.parse()?;
///     effects.put(format!("total/{}", event.stream()?), total.to_string());
///     Ok(())
/// });
/// let handler = handler.types(["OrderPlaced"]).retry(Retry::new(1));
/// let mut processor = Processor::start(&port, handler)?;
/// assert!(processor.wait_done(3, Duration::from_secs(60))?);
/// assert!(port.document("total/order-3")?.is_some());
///
/// let parked = processor.parked()?;
/// assert_eq!((parked.len(), &*parked[0].aggregate), (1, "order-2"));
/// assert!(parked[0].why.contains("invalid digit"));
/// processor.skip("order-2")?;
/// processor.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Processor {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What takes longer is committed before the next event is handled.
const SLOW: Duration = Duration::from_millis(1);

impl Processor {
    /// Starts it, where it was.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if something of it can't be so; [`ToolError::Busy`] if a processor or
    /// queue of this name runs already; [`ToolError::Ahead`] if its checkpoint is that of another
    /// store; the store's errors.
    pub fn start(port: &Port, handler: Handler) -> Result<Self, ToolError> {
        let problems = handler.problems();
        if !problems.is_empty() {
            let (name, problems) = (handler.name(), problems.join("; "));
            return Err(ToolError::setup(format!("the handler '{name}' can't be: {problems}")));
        }
        let Handler { mut settings, concurrency, handle } = handler;
        settings.credit = settings.batch.max(concurrency);
        let shared = Shared::open(port, settings)?;
        let mut processor = Self { shared: shared.clone(), threads: Vec::new() };
        let left = Arc::new(AtomicUsize::new(concurrency));
        for _ in 0..concurrency {
            let (shared, left, handle) = (shared.clone(), left.clone(), handle.clone());
            let worker = Worker { shared, left, handle };
            let thread = thread::Builder::new().name(format!("annals-{}", worker.name()));
            let started = thread.spawn(move || worker.work());
            // Those that run already are stopped by dropping.
            let started = started.map_err(|error| ToolError::failed("starting a thread", error));
            processor.threads.push(started?);
        }
        Ok(processor)
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Waits until all events up to this position are done, but those of parked aggregates; `false`
    /// if they are not within this time.
    ///
    /// # Errors
    /// What the processor ended with; [`ToolError::Stopped`].
    pub fn wait_done(&self, to: impl Into<Position>, timeout: Duration) -> Result<bool, ToolError> {
        self.shared.wait_done(to.into(), timeout)
    }

    /// What is parked, and why, in the order of the aggregates' names.
    ///
    /// # Errors
    /// The store's.
    pub fn parked(&self) -> Result<Vec<Parked>, ToolError> {
        self.shared.parked()
    }

    /// A parked aggregate goes on, with the event that failed; if the processor does not run any
    /// more, as soon as it is started again. When this returns, it is committed.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if it is not parked; the store's.
    pub fn resume(&self, aggregate: &str) -> Result<(), ToolError> {
        self.unpark(aggregate, false)
    }

    /// A parked aggregate goes on behind the event that failed. When this returns, it is committed.
    ///
    /// # Errors
    /// Those of [`Processor::resume`].
    pub fn skip(&self, aggregate: &str) -> Result<(), ToolError> {
        self.unpark(aggregate, true)
    }

    fn unpark(&self, aggregate: &str, skip: bool) -> Result<(), ToolError> {
        if self.status().is_running() {
            return self.shared.unpark(aggregate, skip);
        }
        by_hand(&self.shared.port, &self.shared.settings.name, aggregate, skip)
    }

    /// Stops: what is being handled is finished and committed, its threads end. Called by one of
    /// them, it does not wait for that one.
    ///
    /// # Errors
    /// What the processor ended with before, or by this.
    pub fn stop(&mut self) -> Result<(), ToolError> {
        self.shared.stop();
        let own = thread::current().id();
        let mut all = true;
        for thread in self.threads.drain(..) {
            if thread.thread().id() == own {
                all = false;
                continue;
            }
            // What its code panicked with was contained; nothing else can panic in it.
            let _ = thread.join();
        }
        if all {
            self.shared.leave();
        }
        match self.status().error() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // Its status said so all the time.
        let _ = self.stop();
    }
}

/// One of the threads.
struct Worker {
    shared: Arc<Shared>,
    /// How many of them are left.
    left: Arc<AtomicUsize>,
    handle: Handle,
}

impl Worker {
    fn name(&self) -> &str {
        &self.shared.settings.name
    }

    fn work(&self) {
        let mut back = None;
        let mut was_slow = false;
        // At the end, well or not, the status says which.
        while let Ok(Some(job)) = self.shared.next(back.take(), was_slow, None) {
            let begun = Instant::now();
            let outcome = self.handle(&job);
            was_slow = begun.elapsed() >= SLOW;
            back = Some((job, outcome));
        }
    }

    fn handle(&self, job: &Job) -> Outcome {
        let event = Received::from(&job.event);
        let mut effects = Effects::of(&event);
        let who = || format!("the handler '{}'", self.name());
        let failed = self.shared.publish(job, &mut || {
            effects.clear();
            contain(who, || (self.handle)(&event, &mut effects))
        });
        failed.unwrap_or(Outcome::Done(effects))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            // No handler's panic comes here; but the port's clock is the user's, too.
            let who = format!("a thread of the processor '{}'", self.name());
            let message = "it said why".to_owned();
            self.shared.fail(ToolError::Panicked { who, message });
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.leave();
        }
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.shared.settings.name;
        f.debug_struct("Processor").field("name", name).finish_non_exhaustive()
    }
}

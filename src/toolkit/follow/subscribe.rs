//! Following in a thread of its own.

use super::Follow;
use super::handle::{Shared, SubscriptionHandle};
use super::steps::Steps;
use crate::toolkit::error::contain;
use crate::toolkit::on_error::Verdict;
use crate::toolkit::port::{Port, Received};
use crate::toolkit::{Failure, OnError, Running, ToolError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Follows a store, or a tenant's part of it, in a thread of its own, which is called
/// `annals-NAME`: the callback gets the events that there are, then those that come, each once, in
/// the order of their positions. It ends when the handle is dropped, when the callback fails (as
/// `on_error` says), or when the store is closed.
///
/// The callback is called past the port's [interceptors](crate::toolkit::Interceptor::publish). It
/// may use the store, and drop the handle. Where it has come to is kept nowhere: whoever is to go
/// on there after a restart begins [after](Follow::after) a position that he has kept, or uses a
/// projection.
///
/// ```
/// use annals::toolkit::{Follow, OnError, Port, subscribe};
/// use annals::{NewEvent, QueryItem, Store};
/// use std::sync::mpsc::channel;
/// let port = Port::new(&Store::in_memory()?);
/// let (mails, sent) = channel();
/// let shipped = Follow::query(QueryItem::new().event_type("OrderShipped"));
/// let mailer = subscribe(&port, "mailer", shipped, OnError::Stop, move |event| {
///     mails.send(format!("{} is on its way", event.stream()?))?;
///     Ok(())
/// })?;
/// port.append("order-1", 0, ["OrderPlaced", "OrderShipped"].map(|of| NewEvent::new(of, "")))?;
/// assert_eq!(sent.recv()?, "order-1 is on its way");
/// drop(mailer);
/// port.append("order-2", 0, [NewEvent::new("OrderShipped", "")])?;
/// assert!(sent.recv().is_err(), "nobody sends any more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ToolError::Ahead`]: it is to begin after a position that is not there yet.
/// [`ToolError::Setup`]: the name is empty, or has a control character in it; the thread can't be
/// started. The query has no meaning; the store's.
pub fn subscribe(
    port: &Port,
    name: &str,
    follow: Follow,
    on_error: OnError,
    callback: impl FnMut(&Received<'_>) -> Result<(), Failure> + Send + 'static,
) -> Result<SubscriptionHandle, ToolError> {
    if name.is_empty() || name.contains(char::is_control) {
        let name = name.escape_debug();
        return Err(ToolError::setup(format!(
            "'{name}' can't be the name of a subscription: it needs a letter at least, and no \
             control characters"
        )));
    }
    let steps = Steps::new(port, follow, name)?;
    let source = steps.source().clone();
    let shared = Arc::new(Shared::new(steps.position()));
    let work = Work { name: name.to_owned(), steps, on_error, callback, shared: shared.clone() };
    let thread = thread::Builder::new()
        .name(format!("annals-{name}"))
        .spawn(move || work.run())
        .map_err(|error| ToolError::setup(format!("no thread can be started: {error}")))?;
    Ok(SubscriptionHandle::new(name.to_owned(), source, shared, thread))
}

/// What the thread does.
struct Work<F> {
    name: String,
    steps: Steps,
    on_error: OnError,
    callback: F,
    shared: Arc<Shared>,
}

impl<F: FnMut(&Received<'_>) -> Result<(), Failure>> Work<F> {
    fn run(self) {
        let (shared, name) = (self.shared.clone(), self.name.clone());
        // What the callback holds is gone before it is said that it has ended.
        let ended = contain(|| who(&name), move || Ok(self.follow()?));
        shared.end(match ended {
            Ok(()) => Running::Stopped,
            Err(error) => Running::Failed(error),
        });
    }

    /// Until it is to stop.
    fn follow(mut self) -> Result<(), ToolError> {
        while !self.shared.is_stopping() {
            if self.steps.advance()? {
                self.handle()?;
            } else {
                self.shared.looked(self.steps.position());
                if !self.steps.look()? {
                    // Who says that it is to stop calls after that.
                    self.steps.sleep(self.shared.sleeper())?;
                }
            }
        }
        Ok(())
    }

    /// Has the callback handle the event, as often as it is to be tried.
    ///
    /// # Errors
    /// It fails, and its event is not to be passed over.
    fn handle(&mut self) -> Result<(), ToolError> {
        let mut attempts = 1;
        let mut failed = None;
        while let Err(error) = self.call() {
            match self.on_error.after(attempts) {
                Verdict::Stop => return Err(error),
                Verdict::Skip => {
                    failed = Some(error);
                    break;
                }
                Verdict::Again(pause) => self.pause(pause),
            }
            if self.shared.is_stopping() {
                return Ok(());
            }
            attempts += 1;
        }
        self.shared.passed(self.steps.position(), failed);
        Ok(())
    }

    fn call(&mut self) -> Result<(), ToolError> {
        let Self { name, steps, callback, .. } = self;
        let Some(event) = steps.event() else { return Ok(()) };
        steps
            .source()
            .port
            .publish(&event, name, &mut || contain(|| who(name), || callback(&event)))
    }

    /// For so long, unless it is to stop.
    fn pause(&self, pause: Duration) {
        let begun = Instant::now();
        while !self.shared.is_stopping()
            && let left = pause.saturating_sub(begun.elapsed())
            && !left.is_zero()
        {
            self.shared.sleeper().nap(left);
        }
    }
}

fn who(name: &str) -> String {
    format!("subscription '{name}'")
}

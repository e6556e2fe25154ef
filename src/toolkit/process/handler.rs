//! What handles events, and how it wants them.

use super::Effects;
use super::pipeline::within;
use super::settings::Settings;
use crate::toolkit::{Failure, Received, Retry};
use crate::{Durability, Query, QueryItem};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Code of the user's that handles an event.
pub(super) type Handle =
    Arc<dyn Fn(&Received<'_>, &mut Effects) -> Result<(), Failure> + Send + Sync>;

/// What handles events, and how it wants them: [`Processor::start`](super::Processor::start) runs
/// it.
///
/// ```
/// use annals::toolkit::{Handler, Retry};
/// use std::time::Duration;
/// let mail = Handler::new("mail", |event, _| {
///     println!("to whoever waits for {}", event.stream()?);
///     Ok(())
/// });
/// let mail = mail
///     .types(["OrderSent", "OrderReturned"])
///     .concurrency(8)
///     .delay(Duration::from_secs(60))
///     .deduplicate(|event| Some(event.stream().ok()?.to_owned()))
///     .retry(Retry::new(10));
/// # drop(mail);
/// ```
#[derive(Clone)]
pub struct Handler {
    pub(super) settings: Settings,
    pub(super) concurrency: usize,
    pub(super) handle: Handle,
}

/// Aggregates that are handled at the same time, unless told.
const CONCURRENCY: usize = 4;

impl Handler {
    /// Handles events under this name, by which it knows what is done already. What the function
    /// returns as an error, or panics with, is a failed attempt.
    ///
    /// An event is handled again if its attempt failed, or the process died before its checkpoint
    /// was committed: what the function does outside of the store can happen twice, what it leaves
    /// to its [`Effects`] takes place once.
    pub fn new(
        name: impl Into<String>,
        handle: impl Fn(&Received<'_>, &mut Effects) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        let (concurrency, handle) = (CONCURRENCY, Arc::new(handle));
        Self { settings: Settings::new(name.into()), concurrency, handle }
    }

    /// Events of these types.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        let types: Vec<String> = types.into_iter().map(Into::into).collect();
        let query = || Query::from(QueryItem::new().types(types.iter().map(String::as_str)));
        self.settings.query = (!types.is_empty()).then(query);
        self
    }

    /// Events of this query.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.settings.query = Some(query);
        self
    }

    /// Handles so many aggregates at the same time, in a thread each; 4 unless told.
    #[must_use]
    pub fn concurrency(mut self, aggregates: usize) -> Self {
        self.concurrency = aggregates;
        self
    }

    /// See [`QueueOptions::aggregate`](super::QueueOptions::aggregate).
    #[must_use]
    pub fn aggregate(
        mut self,
        key: impl Fn(&Received<'_>) -> String + Send + Sync + 'static,
    ) -> Self {
        self.settings.key = Some(Arc::new(key));
        self
    }

    /// See [`QueueOptions::deduplicate`](super::QueueOptions::deduplicate).
    #[must_use]
    pub fn deduplicate(
        mut self,
        id: impl Fn(&Received<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.settings.id = Some(Arc::new(id));
        self
    }

    /// See [`QueueOptions::delay`](super::QueueOptions::delay).
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.settings.delay = delay;
        self
    }

    /// See [`QueueOptions::retry`](super::QueueOptions::retry).
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// One commit takes so many checkpoints at the most; 64 unless told. So many events can be
    /// handled again after a crash, or as many as are handled at the same time, if that is more. A
    /// commit is not waited for: one that has less goes as soon as nothing else is to be done, or
    /// an event has taken more than a millisecond.
    #[must_use]
    pub fn batch(mut self, checkpoints: usize) -> Self {
        self.settings.batch = checkpoints;
        self
    }

    /// See [`QueueOptions::durability`](super::QueueOptions::durability).
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = Some(durability);
        self
    }

    /// See [`QueueOptions::window`](super::QueueOptions::window).
    #[must_use]
    pub fn window(mut self, events: usize) -> Self {
        self.settings.window = events;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// As a part of a pipeline: under a name of its own there, for aggregates of its type.
    pub(super) fn within(mut self, pipeline: &str, category: &str) -> Self {
        self.settings.name = format!("{pipeline}~{}", self.settings.name);
        self.settings.query = self.settings.query.map(|query| within(query, category));
        self
    }

    /// What can't be so.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = self.settings.problems();
        if self.concurrency == 0 {
            found.push("it handles no aggregate at a time: its concurrency is 0".to_owned());
        }
        found
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("name", &self.name()).finish_non_exhaustive()
    }
}

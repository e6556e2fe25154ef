//! A pipeline.

use super::on_command::{Call, Carry};
use super::projections::{Make, OfCategory};
use super::{Command, PartStatus, PipelineBuilder, PipelineStatus, SendError, Sent};
use crate::toolkit::error::contain;
use crate::toolkit::process::parked::by_hand;
use crate::toolkit::process::shared::deadline;
use crate::toolkit::{
    Following, Handler, Order, Parked, Port, Processor, Projector, Retry, Status, ToolError,
};
use crate::{Position, Read, RecordedEvent};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Everything about the aggregates of one type, under one name: commands, which make events;
/// handlers and publishers, which are handed these; projections, which make read models of them.
///
/// A command is carried out by who sends it. What comes of it then goes its way from the log
/// itself: handlers and projections follow it, each from where it was, in threads of their own,
/// whoever appended the events, and whether they were there when it happened or not.
///
/// Dropped, it stops.
///
/// ```
/// use annals::toolkit::{Command, Fold, Handler, OnCommand, Pipeline, Port, Projected};
/// use annals::{NewEvent, Store};
/// use serde::Deserialize;
/// use std::time::Duration;
///
/// #[derive(Deserialize)]
/// struct Place {
///     total: u64,
/// }
///
/// let port = Port::new(&Store::in_memory()?);
/// let mut pipeline = Pipeline::builder(&port, "orders", "order")
///     .command(OnCommand::new("place", |place: &Place, order| match order.version().get() {
///         0 => Ok(vec![NewEvent::new("OrderPlaced", place.total.to_string())]),
///         _ => Err("it was placed before".into()),
///     }))
///     .handler(Handler::new("thanks", |event, effects| {
///         effects.event("mail", NewEvent::new("ThanksSent", event.payload));
///         Ok(())
///     }).types(["OrderPlaced"]))
///     .projection(|_| Fold::new("turnover", || 0_u64).apply(|sum, event| {
///         *sum += std::str::from_utf8(event.payload)?.parse::<u64>()?;
///         Ok(())
///     }))
///     .build()?;
/// pipeline.start()?;
///
/// let sent = pipeline.send(&Command::new("place", "7", r#"{"total": 12}"#))?;
/// assert_eq!((sent.stream.as_str(), sent.version.get()), ("order-7", 1));
/// let again = pipeline.send(&Command::new("place", "7", r#"{"total": 12}"#)).unwrap_err();
/// assert_eq!(again.to_string(), "'place' was refused: it was placed before");
/// let malformed = pipeline.send(&Command::new("place", "8", r#"{"sum": 12}"#)).unwrap_err();
/// assert!(malformed.to_string().contains("missing field `total`"));
///
/// assert!(pipeline.wait_done(sent.appended.unwrap().last, Duration::from_secs(60))?);
/// assert_eq!(port.stream_version("mail")?.get(), 1);
/// assert_eq!(Projected::of(&port, "turnover").state::<u64>()?, Some(12));
/// pipeline.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pipeline {
    port: Port,
    name: String,
    category: String,
    parts: Parts,
    order: Order,
    retry: Retry,
    /// What runs, or has ended by itself; nothing before it is started, and after it was stopped.
    processors: Vec<(String, Processor)>,
    followings: Vec<(String, Following)>,
}

/// What a pipeline consists of, by name.
pub(super) struct Parts {
    pub(super) commands: BTreeMap<String, Carry>,
    pub(super) handlers: Vec<(String, Handler)>,
    pub(super) projections: BTreeMap<String, Make>,
}

impl Pipeline {
    /// Begins to set one up, of this name, for aggregates of this type: those whose streams are
    /// called `{type}-{id}`.
    pub fn builder(
        port: impl Into<Port>,
        name: impl Into<String>,
        aggregate_type: impl Into<String>,
    ) -> PipelineBuilder {
        PipelineBuilder::new(port.into(), name.into(), aggregate_type.into())
    }

    pub(super) fn new(
        port: Port,
        name: String,
        category: String,
        parts: Parts,
        order: Order,
        retry: Retry,
    ) -> Self {
        let (processors, followings) = (Vec::new(), Vec::new());
        Self { port, name, category, parts, order, retry, processors, followings }
    }

    /// Starts its handlers and projections, each where it was. Commands need none of them.
    ///
    /// # Errors
    /// Those of [`Processor::start`] and [`Projector::new`]; [`ToolError::Busy`] if it runs
    /// already. Then what was started is stopped again.
    pub fn start(&mut self) -> Result<(), ToolError> {
        if !self.processors.is_empty() || !self.followings.is_empty() {
            return Err(ToolError::Busy { name: self.name.clone() });
        }
        let started = self.start_all();
        if started.is_err() {
            self.processors.clear();
            self.followings.clear();
        }
        started
    }

    fn start_all(&mut self) -> Result<(), ToolError> {
        for (name, handler) in &self.parts.handlers {
            let processor = Processor::start(&self.port, handler.clone())?;
            self.processors.push((name.clone(), processor));
        }
        for (name, make) in &self.parts.projections {
            let who = || format!("making the projection '{name}'");
            let projection = contain(who, || Ok(make(&self.order)))?;
            let category = self.category.clone();
            let projector = Projector::new(&self.port, OfCategory { projection, category })?;
            self.followings.push((name.clone(), projector.follow()?));
        }
        Ok(())
    }

    /// Carries out a command: reads what it says, looks whether that can be, decides, and appends
    /// what happens. When this returns, the events are stored; handlers and projections get them
    /// by themselves.
    ///
    /// # Errors
    /// [`SendError`] says which of these steps it did not get past, and why.
    pub fn send(&self, command: &Command) -> Result<Sent, SendError> {
        let Some(carry) = self.parts.commands.get(command.name()) else {
            let known = self.parts.commands.keys().cloned().collect();
            return Err(SendError::Unknown { command: command.name().to_owned(), known });
        };
        let Self { port, category, retry, .. } = self;
        let call = Call { port, category, retry, command };
        let who = || format!("the command '{}'", command.name());
        contain(who, || Ok(carry(&call)))?
    }

    /// The events of an aggregate, in the order that the pipeline was set up with.
    ///
    /// # Errors
    /// The store's.
    pub fn events(&self, id: &str) -> Result<Vec<RecordedEvent>, ToolError> {
        let stream = format!("{}-{id}", self.category);
        let mut events: Vec<_> =
            self.port.read_stream(&stream, Read::new())?.collect::<Result<_, _>>()?;
        contain(
            || "the order of events".to_owned(),
            || {
                self.order.sort(&mut events);
                Ok(())
            },
        )?;
        Ok(events)
    }

    /// Waits until handlers and projections are done with all events up to this position, but for
    /// aggregates that are parked; `false` if they are not within this time.
    ///
    /// # Errors
    /// What one of them ended with; [`ToolError::Stopped`].
    pub fn wait_done(&self, to: impl Into<Position>, timeout: Duration) -> Result<bool, ToolError> {
        let (to, deadline) = (to.into(), deadline(timeout));
        let left = || deadline.saturating_duration_since(Instant::now());
        let parts = self.parts.handlers.len() + self.parts.projections.len();
        if self.processors.len() + self.followings.len() < parts {
            return Err(ToolError::Stopped);
        }
        for (_, processor) in &self.processors {
            if !processor.wait_done(to, left())? {
                return Ok(false);
            }
        }
        for (_, following) in &self.followings {
            if !following.wait_for(to, left())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How its parts are.
    ///
    /// # Errors
    /// The store's.
    pub fn status(&self) -> Result<PipelineStatus, ToolError> {
        let mut found = PipelineStatus::default();
        for (name, handler) in &self.parts.handlers {
            let running = self.processors.iter().find(|(own, _)| own == name);
            let status = match running {
                Some((_, processor)) => processor.status(),
                None => Status::at_rest(&self.port, &handler.settings.name)?,
            };
            found.handlers.push((name.clone(), status));
        }
        for name in self.parts.projections.keys() {
            let following = self.followings.iter().find(|(own, _)| own == name);
            let status = match following {
                Some((_, following)) => PartStatus::of(following, &self.port),
                None => PartStatus::at_rest(&self.port, name)?,
            };
            found.projections.push((name.clone(), status));
        }
        Ok(found)
    }

    /// What is parked: of which handler, which aggregate, and why.
    ///
    /// # Errors
    /// The store's.
    pub fn parked(&self) -> Result<Vec<(String, Parked)>, ToolError> {
        let mut found = Vec::new();
        for (name, handler) in &self.parts.handlers {
            let parked = Parked::of(&self.port, &handler.settings.name)?;
            found.extend(parked.into_iter().map(|parked| (name.clone(), parked)));
        }
        Ok(found)
    }

    /// A parked aggregate of a handler goes on, with the event that failed; if the handler does not
    /// run, as soon as it is started. When this returns, it is committed.
    ///
    /// # Errors
    /// [`ToolError::Setup`] if there is no such handler, or it is not parked; the store's.
    pub fn resume(&self, handler: &str, aggregate: &str) -> Result<(), ToolError> {
        self.unpark(handler, aggregate, false)
    }

    /// A parked aggregate of a handler goes on behind the event that failed. When this returns, it
    /// is committed.
    ///
    /// # Errors
    /// Those of [`Pipeline::resume`].
    pub fn skip(&self, handler: &str, aggregate: &str) -> Result<(), ToolError> {
        self.unpark(handler, aggregate, true)
    }

    fn unpark(&self, name: &str, aggregate: &str, skip: bool) -> Result<(), ToolError> {
        if let Some((_, processor)) = self.processors.iter().find(|(own, _)| own == name) {
            return if skip { processor.skip(aggregate) } else { processor.resume(aggregate) };
        }
        let handler = self.parts.handlers.iter().find(|(own, _)| own == name);
        let Some((_, handler)) = handler else {
            let pipeline = &self.name;
            let what = format!("the pipeline '{pipeline}' has no handler '{name}'");
            return Err(ToolError::setup(what));
        };
        by_hand(&self.port, &handler.settings.name, aggregate, skip)
    }

    /// Stops its handlers and projections: what is being handled is finished and committed.
    ///
    /// # Errors
    /// What one of them ended with before, or by this; the others are stopped all the same.
    pub fn stop(&mut self) -> Result<(), ToolError> {
        let handlers = self.processors.drain(..).map(|(_, mut processor)| processor.stop());
        let mut ends: Vec<_> = handlers.collect();
        ends.extend(self.followings.drain(..).map(|(_, following)| following.stop()));
        ends.into_iter().collect()
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("name", &self.name)
            .field("aggregate_type", &self.category)
            .field("commands", &self.parts.commands.keys())
            .finish_non_exhaustive()
    }
}

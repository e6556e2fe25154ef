//! Setting a pipeline up.

use super::on_command::Carry;
use super::projections::{Make, within};
use super::running::Parts;
use super::{OnCommand, Pipeline};
use crate::toolkit::error::contain;
use crate::toolkit::names::{check_name, is_category};
use crate::toolkit::{Failure, Handler, Order, Port, Projection, Received, Retry, ToolError};
use crate::{Query, Read};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Sets a [`Pipeline`] up, part by part; [`PipelineBuilder::build`] looks at all of it.
pub struct PipelineBuilder {
    port: Port,
    name: String,
    category: String,
    commands: Vec<(String, Option<String>, Carry)>,
    handlers: Vec<Handler>,
    projections: Vec<Make>,
    order: Order,
    retry: Retry,
}

impl PipelineBuilder {
    pub(super) fn new(port: Port, name: String, category: String) -> Self {
        Self {
            port,
            name,
            category,
            commands: Vec::new(),
            handlers: Vec::new(),
            projections: Vec::new(),
            order: Order::default(),
            retry: Retry::default(),
        }
    }

    /// Carries out commands of one more name.
    #[must_use]
    pub fn command<C: DeserializeOwned + 'static>(mut self, command: OnCommand<C>) -> Self {
        self.commands.push(command.into_parts());
        self
    }

    /// Hands events to one more handler: those of its types or query that belong to aggregates of
    /// the pipeline's type. Its processor is called `{pipeline}~{handler}`.
    #[must_use]
    pub fn handler(mut self, handler: Handler) -> Self {
        self.handlers.push(handler);
        self
    }

    /// Hands each event of the pipeline's aggregates to somebody outside, in the order of each
    /// aggregate, at least once: a handler of all of them, that brings nothing about in the store.
    #[must_use]
    pub fn publisher(
        self,
        name: impl Into<String>,
        publish: impl Fn(&Received<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        let handler = Handler::new(name, move |event, _| publish(event));
        self.handler(handler.query(Query::all()))
    }

    /// Follows with one more projection: of what it wants the events of aggregates of the
    /// pipeline's type. It is made each time the pipeline is started, and is given the order of
    /// [`PipelineBuilder::ordering`].
    #[must_use]
    pub fn projection<P: Projection>(
        mut self,
        make: impl Fn(&Order) -> P + Send + Sync + 'static,
    ) -> Self {
        self.projections.push(Arc::new(move |order| Box::new(make(order))));
        self
    }

    /// In which order the events of an aggregate are taken where its state is made of all of them:
    /// by [`Pipeline::events`], and by projections that ask for it, as
    /// [`Fold::whole`](crate::toolkit::Fold::whole) does. Handlers get events as they are stored.
    #[must_use]
    pub fn ordering(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// How often a command is tried that others are faster than. Of commands that a repository
    /// decides, the repository says that.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The pipeline, if all of it can be.
    ///
    /// ```
    /// use annals::toolkit::{Handler, Pipeline, Port};
    /// use annals::Store;
    /// let port = Port::new(&Store::in_memory()?);
    /// let mail = || Handler::new("mail", |_, _| Ok(())).types(["OrderSent"]);
    /// let pipeline = Pipeline::builder(&port, "orders", "order-7")
    ///     .handler(mail())
    ///     .handler(mail().types([""; 0]).concurrency(0));
    /// assert_eq!(
    ///     pipeline.build().unwrap_err().to_string(),
    ///     "the pipeline 'orders' can't be:\n\
    ///      - 'order-7' can't be a type of aggregates: it is what stands before the first '-' of \
    ///        a stream's name\n\
    ///      - the handler 'mail' is there twice\n\
    ///      - the handler 'mail': nobody has said which events it handles: name types, or a \
    ///        query\n\
    ///      - the handler 'mail': it handles no aggregate at a time: its concurrency is 0"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ToolError::Setup`], with everything that can't be: names that are empty, malformed, or
    /// there twice, a type of aggregates that is none, handlers of no events or without threads, a
    /// query without meaning, a command that the repository of another type decides.
    pub fn build(self) -> Result<Pipeline, ToolError> {
        let mut problems = Vec::new();
        self.look_at_names(&mut problems);
        self.look_at_handlers(&mut problems);
        let projections = self.look_at_projections(&mut problems);
        if !problems.is_empty() {
            let (name, problems) = (&self.name, problems.join("\n- "));
            return Err(ToolError::setup(format!("the pipeline '{name}' can't be:\n- {problems}")));
        }
        let Self { port, name, category, commands, handlers, order, retry, .. } = self;
        let commands = commands.into_iter().map(|(name, _, carry)| (name, carry));
        let handlers = handlers.into_iter().map(|handler| {
            let own = handler.name().to_owned();
            (own, handler.within(&name, &category))
        });
        let (commands, handlers) = (commands.collect(), handlers.collect());
        let parts = Parts { commands, handlers, projections };
        Ok(Pipeline::new(port, name, category, parts, order, retry))
    }

    fn look_at_names(&self, problems: &mut Vec<String>) {
        let mut names = vec![("pipeline", self.name.as_str())];
        names.extend(self.commands.iter().map(|(name, ..)| ("command", name.as_str())));
        names.extend(self.handlers.iter().map(|handler| ("handler", handler.name())));
        let bad = names.iter().filter_map(|(what, name)| check_name(what, name).err());
        problems.extend(bad.map(|error| error.to_string()));
        let category = self.category.as_str();
        if !is_category(category) {
            problems.push(format!(
                "'{}' can't be a type of aggregates: it is what stands before the first '-' of a \
                 stream's name",
                category.escape_debug()
            ));
        }
        if names.len() == 1 && self.projections.is_empty() {
            problems.push("it has no command, no handler and no projection".to_owned());
        }
        let mut met = BTreeSet::new();
        let twice = names.iter().filter(|name| !met.insert(**name));
        problems.extend(twice.map(|(what, name)| format!("the {what} '{name}' is there twice")));
        for (name, other, _) in &self.commands {
            if let Some(other) = other.as_ref().filter(|other| **other != self.category) {
                problems.push(format!(
                    "the command '{name}' is decided by the repository of '{other}', but the \
                     aggregates are '{category}'"
                ));
            }
        }
    }

    fn look_at_handlers(&self, problems: &mut Vec<String>) {
        for handler in &self.handlers {
            let name = handler.name();
            let mut found = handler.problems();
            let query = handler.settings.query.as_ref();
            found.extend(query.and_then(|query| self.problem_of(query)));
            problems.extend(found.iter().map(|what| format!("the handler '{name}': {what}")));
        }
    }

    /// The projections by their names.
    fn look_at_projections(&self, problems: &mut Vec<String>) -> BTreeMap<String, Make> {
        let mut found = BTreeMap::new();
        for make in &self.projections {
            let made = contain(|| "making a projection".to_owned(), || Ok(make(&self.order)));
            let projection = match made {
                Ok(projection) => projection,
                Err(error) => {
                    problems.push(error.to_string());
                    continue;
                }
            };
            let name = projection.name().to_owned();
            problems.extend(check_name("projection", &name).err().map(|error| error.to_string()));
            let what = self.problem_of(&projection.query());
            problems.extend(what.map(|what| format!("the projection '{name}': {what}")));
            if found.insert(name.clone(), make.clone()).is_some() {
                problems.push(format!("the projection '{name}' is there twice"));
            }
        }
        found
    }

    /// What is wrong with a query.
    fn problem_of(&self, query: &Query) -> Option<String> {
        let query = within(query.clone(), &self.category);
        self.port.query(&query, Read::new().limit(0)).err().map(|error| error.to_string())
    }
}

impl fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

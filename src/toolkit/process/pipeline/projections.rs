//! Projections of a pipeline.

use crate::toolkit::{Failure, Order, Output, Projection, Received};
use crate::{Query, QueryItem};
use std::sync::Arc;

/// Makes a projection, each time the pipeline is started.
pub(super) type Make = Arc<dyn Fn(&Order) -> Box<dyn Projection> + Send + Sync>;

/// A projection that gets the events of one category only.
pub(super) struct OfCategory {
    pub(super) projection: Box<dyn Projection>,
    pub(super) category: String,
}

/// The events of a query that belong to this category.
pub(in crate::toolkit::process) fn within(query: Query, category: &str) -> Query {
    match query.is_all() {
        true => Query::from(QueryItem::new().category(category)),
        // One that asks for nothing is refused, and stays so.
        false => query.map_items(|item| match item == QueryItem::new() {
            true => item,
            false => item.category(category),
        }),
    }
}

impl Projection for OfCategory {
    fn name(&self) -> &str {
        self.projection.name()
    }

    fn version(&self) -> u32 {
        self.projection.version()
    }

    fn query(&self) -> Query {
        within(self.projection.query(), &self.category)
    }

    fn apply(&mut self, event: &Received<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
        self.projection.apply(event, output)
    }

    fn flush(&mut self, output: &mut Output<'_>) -> Result<(), Failure> {
        self.projection.flush(output)
    }

    fn reset(&mut self) {
        self.projection.reset();
    }
}

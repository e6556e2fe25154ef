//! What is followed, and from where on.

use crate::toolkit::shown::Shown;
use crate::{Position, Query, Timestamp};

/// Which events are followed, and from where on: all from the first one, unless told.
///
/// ```
/// use annals::toolkit::{Follow, Port, Subscription};
/// use annals::{NewEvent, QueryItem, Store};
/// use std::time::Duration;
/// let port = Port::new(&Store::in_memory()?);
/// port.append("a", 0, ["x", "y", "x"].map(|tag| NewEvent::new("Noted", "").tag(tag)))?;
/// let of_x = Follow::query(QueryItem::new().tag("x")).after(1);
/// let mut subscription = Subscription::new(&port, of_x)?;
/// assert_eq!(subscription.next_event(Duration::ZERO)?.unwrap().position.get(), 3);
/// assert!(subscription.next_event(Duration::ZERO)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Follow {
    pub(super) query: Query,
    pub(super) start: Start,
    pub(super) shown: Shown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    After(Position),
    Head,
}

impl Follow {
    /// All events.
    pub fn all() -> Self {
        Self::query(Query::all())
    }

    /// The events that a query, or an item of one, means.
    pub fn query(query: impl Into<Query>) -> Self {
        let start = Start::After(Position::START);
        Self { query: query.into(), start, shown: Shown::Durable }
    }

    /// Beginning with the first one after this position.
    #[must_use]
    pub fn after(mut self, position: impl Into<Position>) -> Self {
        self.start = Start::After(position.into());
        self
    }

    /// Beginning with the first one after what is visible when the following begins.
    #[must_use]
    pub fn from_head(mut self) -> Self {
        self.start = Start::Head;
        self
    }

    /// As soon as they are visible. Else they are given once they are durable: of what is visible
    /// only, a power cut can take away the last, and put other events in its place.
    #[must_use]
    pub fn buffered(mut self) -> Self {
        self.shown = Shown::Visible;
        self
    }
}

/// How far somebody who follows is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Lag {
    /// Positions that it may look at and has not looked at yet, whatever is there.
    pub positions: u64,
    /// When the first event was recorded that it is to have and has not; nothing if there is none.
    pub since: Option<Timestamp>,
}

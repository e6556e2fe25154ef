//! Conditions of a commit: what must not have happened.

use super::{Position, Query};

/// What must not have happened, for a commit to land: a dynamic consistency boundary.
///
/// Whoever decides reads the events that the decision rests on, by a query, and commits under the
/// condition that no more of them have come since: `after` is the cursor's
/// [`marker`](crate::Cursor::marker). Commits whose queries have nothing in common never hinder one
/// another.
///
/// ```
/// use annals::{AppendCondition, AppendError, Commit, NewEvent, Query, QueryItem, Read, Store};
/// let store = Store::in_memory()?;
/// let seats = Query::from(QueryItem::new().tag("course:1"));
/// let subscribed = || NewEvent::new("StudentSubscribed", "").tag("course:1").tag("student:7");
///
/// let mut taken = store.query(&seats, Read::new())?;
/// assert_eq!(taken.by_ref().count(), 0);
/// let unseen = AppendCondition::fail_if_events_match(seats).after(taken.marker());
/// let subscribe = Commit::new().event("student-7", subscribed()).condition(unseen);
/// store.commit(&subscribe)?;
///
/// // Somebody who has not seen that is told what he has not seen.
/// let AppendError::ConditionFailed(failed) = store.commit(&subscribe).unwrap_err() else {
///     panic!()
/// };
/// assert_eq!((failed.condition, failed.position.get()), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCondition {
    pub(crate) query: Query,
    pub(crate) after: Position,
    pub(crate) unique: bool,
}

impl AppendCondition {
    /// The commit fails if the query means any event that was committed before; see
    /// [`AppendCondition::after`] for those that may be there.
    pub fn fail_if_events_match(query: Query) -> Self {
        Self { query, after: Position::START, unique: false }
    }

    /// The same over the whole log, with an error of its own,
    /// [`AlreadyExists`](crate::AppendError::AlreadyExists): 'register this name once'.
    pub fn fail_if_exists(query: Query) -> Self {
        Self { unique: true, ..Self::fail_if_events_match(query) }
    }

    /// Only events after this position count. It may lie beyond the head: then nothing fails it
    /// before the head has come past it.
    #[must_use]
    pub fn after(mut self, position: impl Into<Position>) -> Self {
        self.after = position.into();
        self
    }
}

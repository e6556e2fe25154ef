//! When a snapshot is due.

use std::time::Duration;

/// When a state is saved that was just loaded. It is asked how many events were sourced since the
/// snapshot that the load began with, how long that took, and how long ago that snapshot was
/// written; where no event was sourced, nothing is due.
///
/// ```
/// use annals::toolkit::SnapshotPolicy::{All, Any, Every, Never, OlderThan, SlowerThan};
/// use std::time::Duration;
/// let [quick, slow] = [1, 9].map(Duration::from_millis);
/// let due = Every(100);
/// assert!(due.is_due(100, quick, None) && !due.is_due(99, slow, None));
///
/// let either = Any(vec![Every(100), SlowerThan(Duration::from_millis(5))]);
/// assert!(either.is_due(100, quick, None) && either.is_due(1, slow, None));
/// // Once a day, but not for a handful of events. Who has none has waited long enough.
/// let day = Duration::from_secs(86_400);
/// let both = All(vec![Every(10), OlderThan(day)]);
/// assert!(both.is_due(10, quick, Some(day * 2)) && both.is_due(10, quick, None));
/// assert!(!both.is_due(10, quick, Some(day / 2)) && !both.is_due(9, quick, Some(day * 2)));
///
/// assert!(!Never.is_due(u64::MAX, slow, None));
/// assert!(Every(0).is_due(1, quick, None) && !Every(0).is_due(0, quick, None));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SnapshotPolicy {
    /// At no load: only where it is asked for.
    #[default]
    Never,
    /// When so many events were sourced, or more.
    Every(u64),
    /// When it took longer than this.
    SlowerThan(Duration),
    /// When the snapshot was written longer ago than this, or there was none. What time it is, the
    /// port's clock says.
    OlderThan(Duration),
    /// When one of these says so; if there is none, never.
    Any(Vec<SnapshotPolicy>),
    /// When each of these says so; if there is none, at each load that sourced anything.
    All(Vec<SnapshotPolicy>),
}

impl SnapshotPolicy {
    /// Whether one is due after so many events that took so long, since a snapshot of this age.
    pub fn is_due(&self, sourced: u64, took: Duration, age: Option<Duration>) -> bool {
        sourced > 0
            && match self {
                Self::Never => false,
                Self::Every(events) => sourced >= *events,
                Self::SlowerThan(limit) => took > *limit,
                Self::OlderThan(limit) => age.is_none_or(|age| age > *limit),
                Self::Any(policies) => policies.iter().any(|one| one.is_due(sourced, took, age)),
                Self::All(policies) => policies.iter().all(|one| one.is_due(sourced, took, age)),
            }
    }
}

//! When a snapshot is due.

use std::time::Duration;

/// When a state is saved that was just loaded. It is asked how many events were sourced since the
/// snapshot that the load began with, and how long that took; where none was, nothing is due.
///
/// ```
/// use annals::toolkit::SnapshotPolicy::{All, Any, Every, Never, SlowerThan};
/// use std::time::Duration;
/// let slow = SlowerThan(Duration::from_millis(5));
/// let [quick, long] = [1, 9].map(Duration::from_millis);
///
/// let either = Any(vec![Every(100), slow.clone()]);
/// assert!(either.is_due(100, quick) && either.is_due(1, long) && !either.is_due(99, quick));
/// // Slow, but not for a handful of events.
/// let both = All(vec![Every(10), slow]);
/// assert!(both.is_due(10, long) && !both.is_due(10, quick) && !both.is_due(9, long));
///
/// assert!(!Never.is_due(u64::MAX, long));
/// assert!(Every(0).is_due(1, quick) && !Every(0).is_due(0, quick));
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
    /// When one of these says so; if there is none, never.
    Any(Vec<SnapshotPolicy>),
    /// When each of these says so; if there is none, at each load that sourced anything.
    All(Vec<SnapshotPolicy>),
}

impl SnapshotPolicy {
    /// Whether one is due after so many events that took so long.
    pub fn is_due(&self, sourced: u64, took: Duration) -> bool {
        sourced > 0
            && match self {
                Self::Never => false,
                Self::Every(events) => sourced >= *events,
                Self::SlowerThan(limit) => took > *limit,
                Self::Any(policies) => policies.iter().any(|one| one.is_due(sourced, took)),
                Self::All(policies) => policies.iter().all(|one| one.is_due(sourced, took)),
            }
    }
}

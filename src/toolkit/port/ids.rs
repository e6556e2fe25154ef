//! Where the toolkit's ids come from.

use crate::Uuid;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the toolkit's ids come from: those of events that it appends.
pub trait Ids: Send + Sync + 'static {
    /// One that was never given.
    fn next(&self) -> Uuid;
}

/// Random ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// 1, 2, 3: for tests, that print the same every time.
///
/// ```
/// use annals::toolkit::{CountingIds, Ids};
/// let ids = CountingIds::default();
/// assert_eq!(ids.next().as_u128(), 1);
/// assert_eq!(ids.next().to_string(), "00000000-0000-0000-0000-000000000002");
/// ```
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(u128::from(before.wrapping_add(1)))
    }
}

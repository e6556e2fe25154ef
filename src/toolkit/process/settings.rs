//! What is set of a processor.

use crate::toolkit::{Received, Retry};
use crate::{Durability, Query};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// Says which aggregate an event belongs to.
pub(super) type KeyOf = Arc<dyn Fn(&Received<'_>) -> String + Send + Sync>;
/// Says what an event is known by, if it is to be handled once only.
pub(super) type IdOf = Arc<dyn Fn(&Received<'_>) -> Option<String> + Send + Sync>;

/// What is set of a processor.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    /// Nothing: nobody has said which events.
    pub(super) query: Option<Query>,
    /// Nothing: the stream.
    pub(super) key: Option<KeyOf>,
    pub(super) id: Option<IdOf>,
    pub(super) retry: Retry,
    pub(super) delay: Duration,
    pub(super) durability: Option<Durability>,
    /// Events in memory.
    pub(super) window: usize,
    /// Nothing: for as long as it takes.
    pub(super) lease: Option<Duration>,
    /// Events that were handed out, but are not committed.
    pub(super) credit: usize,
    /// Checkpoints that one commit takes.
    pub(super) batch: usize,
}

/// Attempts, unless told: five, at first some 100 ms apart.
const RETRY: Retry = Retry::new(5).backoff(Duration::from_millis(100), 4, Duration::from_secs(60));
/// Events that are in memory, unless told.
const WINDOW: usize = 4_096;
/// The checkpoints that one commit takes, unless told.
pub(super) const BATCH: usize = 64;

impl Settings {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            query: None,
            key: None,
            id: None,
            retry: RETRY,
            delay: Duration::ZERO,
            durability: None,
            window: WINDOW,
            lease: None,
            credit: usize::MAX,
            batch: BATCH,
        }
    }

    /// What can't be so.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.query.is_none() {
            found.push("nobody has said which events it handles: name types, or a query".into());
        }
        if self.window == 0 {
            found.push("its window has no room for any event".into());
        }
        if self.batch == 0 {
            found.push("its batches have no room for any checkpoint".into());
        }
        if self.lease == Some(Duration::ZERO) {
            found.push("its leases end as they begin".into());
        }
        found
    }

    /// Events of one aggregate that are in memory, at the most.
    pub(super) fn per_lane(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.window / 16).unwrap_or(NonZeroUsize::MIN)
    }

    /// Events that may be done before the first that is not, before who holds it up gets a
    /// checkpoint of its own.
    pub(super) fn ahead(&self) -> usize {
        (self.window / 8).max(1)
    }
}

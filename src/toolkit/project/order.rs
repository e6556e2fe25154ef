//! In which order the events of an aggregate are taken.

use crate::RecordedEvent;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// In which order the events of an aggregate are taken when its state is made of all of them.
#[derive(Clone, Default)]
pub enum Order {
    /// As they are stored.
    #[default]
    Stored,
    /// By the time they occurred, where they say one, else by the time they were recorded; those of
    /// one time as they are stored.
    Occurred,
    /// By a comparison; those that are equal as they are stored.
    By(Comparison),
}

/// Which of two events comes first.
pub type Comparison = Arc<dyn Fn(&RecordedEvent, &RecordedEvent) -> Ordering + Send + Sync>;

impl Order {
    /// By a comparison.
    pub fn by(
        compare: impl Fn(&RecordedEvent, &RecordedEvent) -> Ordering + Send + Sync + 'static,
    ) -> Self {
        Self::By(Arc::new(compare))
    }

    /// Puts events, which are as they are stored, in this order.
    pub fn sort(&self, events: &mut [RecordedEvent]) {
        match self {
            Self::Stored => {}
            Self::Occurred => events.sort_by_key(|event| event.occurred.unwrap_or(event.recorded)),
            Self::By(compare) => events.sort_by(|one, other| compare(one, other)),
        }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "Stored",
            Self::Occurred => "Occurred",
            Self::By(_) => "By",
        })
    }
}

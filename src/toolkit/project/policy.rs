//! How a projection is run.

use crate::toolkit::OnError;
use crate::toolkit::shown::Shown;
use crate::{Durability, Position};

/// How something follows the log.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    /// Events of a commit, at the most.
    pub(super) batch: u64,
    pub(super) durability: Durability,
    /// Which events count.
    pub(super) shown: Shown,
    pub(super) live: OnError,
    pub(super) anew: OnError,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            batch: 8_192,
            durability: Durability::Buffered,
            shown: Shown::Durable,
            live: OnError::Stop,
            anew: OnError::Stop,
        }
    }
}

/// How far something that takes time has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Up to which position it has looked.
    pub position: Position,
    /// Up to which it will.
    pub to: Position,
    /// How many events it has applied.
    pub events: u64,
    /// How many it has passed over, because they could not be applied.
    pub skipped: u64,
}

impl Progress {
    /// From 0 to 1.
    pub fn part(&self) -> f64 {
        match self.to.get() {
            0 => 1.0,
            to => to_f64(self.position.get()) / to_f64(to),
        }
    }
}

#[expect(clippy::as_conversions, reason = "a share for the eye: rounding does not matter")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

//! What to read: from where to where, in which direction, how much.

use crate::words::{Position, Version};
use std::marker::PhantomData;

/// What to read of a stream (by [`Version`]) or of everything (by [`Position`]).
///
/// `from` and `to` include the number, `after` and `before` exclude it. Said twice, the narrower
/// holds.
///
/// ```
/// use annals::{NewEvent, Read, Store};
/// let store = Store::in_memory()?;
/// store.append("a", 0, (1..=5).map(|n| NewEvent::new("Counted", n.to_string())))?;
/// let last_two: Vec<_> = store
///     .read_stream("a", Read::new().backward().limit(2))?
///     .map(|event| event.map(|event| event.version.get()))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(last_two, [5, 4]);
/// assert_eq!(store.read_stream("a", Read::new().after(2).before(5))?.count(), 2);
/// assert_eq!(store.read_stream("a", Read::new().limit(0))?.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read<N> {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) backward: bool,
    pub(super) limit: u64,
    number: PhantomData<N>,
}

/// A position or a version: what a [`Read`] counts by.
pub trait Number: Copy + From<u64> {
    /// The number itself.
    fn get(self) -> u64;
}

impl Number for Position {
    fn get(self) -> u64 {
        Self::get(self)
    }
}

impl Number for Version {
    fn get(self) -> u64 {
        Self::get(self)
    }
}

impl<N: Number> Read<N> {
    /// Everything, forward.
    pub const fn new() -> Self {
        Self { first: 1, last: u64::MAX, backward: false, limit: u64::MAX, number: PhantomData }
    }

    /// Beginning with this one.
    #[must_use]
    pub fn from(mut self, number: impl Into<N>) -> Self {
        self.first = self.first.max(number.into().get());
        self
    }

    /// Beginning with the one after this.
    #[must_use]
    pub fn after(self, number: impl Into<N>) -> Self {
        let number = number.into();
        match number.get().checked_add(1) {
            Some(next) => self.from(N::from(next)),
            None => self.from(number).limit(0),
        }
    }

    /// Up to this one.
    #[must_use]
    pub fn to(mut self, number: impl Into<N>) -> Self {
        self.last = self.last.min(number.into().get());
        self
    }

    /// Up to the one before this.
    #[must_use]
    pub fn before(self, number: impl Into<N>) -> Self {
        let number = number.into().get();
        self.to(N::from(number.saturating_sub(1)))
    }

    /// Newest first.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    /// At most so many; 0 means none.
    #[must_use]
    pub fn limit(mut self, events: u64) -> Self {
        self.limit = self.limit.min(events);
        self
    }
}

impl<N: Number> Default for Read<N> {
    fn default() -> Self {
        Self::new()
    }
}

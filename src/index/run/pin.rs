//! Pins: whether somebody may still read what stands at a run's place.

use crate::threads::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Held by a run, and by one that is made anew for it. As long as there is one, the run's room is
/// not given to another.
pub struct Pin(Arc<AtomicUsize>);

/// Knows whether a pin is held.
pub struct Pinned(Arc<AtomicUsize>);

impl Pin {
    /// A new one.
    pub fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }

    /// Knows whether it, or a clone of it, is held.
    pub fn watch(&self) -> Pinned {
        Pinned(self.0.clone())
    }
}

impl Clone for Pin {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // Release: all that was read under the pin was read before.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Pinned {
    /// Whether it is held. Once it is not, it never is again.
    pub fn is_held(&self) -> bool {
        // Acquire: what is written to the run's room after this comes after all that was read.
        self.0.load(Ordering::Acquire) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_held_as_long_as_there_is_one_of_its_clones() {
        let pin = Pin::new();
        let watch = pin.watch();
        let clone = pin.clone();
        assert!(watch.is_held());
        drop(pin);
        assert!(watch.is_held() && clone.watch().is_held());
        drop(clone);
        assert!(!watch.is_held());
    }
}

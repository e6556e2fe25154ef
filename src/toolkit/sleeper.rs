//! A thread that waits for a store, or to be told to stop.

use super::shown::Shown;
use super::{Port, ToolError};
use crate::Position;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

/// What a thread sleeps on: woken by the store when there is more, and by whoever wants something
/// of the thread. A call that comes while it is awake is not lost.
#[derive(Clone, Default)]
pub struct Sleeper(Arc<Bed>);

#[derive(Default)]
struct Bed {
    called: Mutex<bool>,
    rung: Condvar,
}

impl Sleeper {
    /// Wakes the thread, or lets it not fall asleep.
    pub fn call(&self) {
        self.0.ring();
    }

    /// Sleeps until more than `after` is shown, or somebody calls.
    ///
    /// # Errors
    /// There will never be more: the store was closed, or a write to it has failed.
    pub fn sleep(&self, port: &Port, after: Position, shown: Shown) -> Result<(), ToolError> {
        if !shown.wake(port, after, &Waker::from(self.0.clone()))? {
            let called = self.0.lock();
            drop(self.0.rung.wait_while(called, |called| !*called));
        }
        *self.0.lock() = false;
        Ok(())
    }

    /// Sleeps until somebody calls, or for so long.
    pub fn nap(&self, most: Duration) {
        let called = self.0.lock();
        drop(self.0.rung.wait_timeout_while(called, most, |called| !*called));
        *self.0.lock() = false;
    }
}

impl Bed {
    fn ring(&self) {
        *self.lock() = true;
        self.rung.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bed {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

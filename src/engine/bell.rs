//! Who waits for more, and how they learn of it.

use crate::threads::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::words::Position;
use std::task::Waker;
use std::time::Duration;

/// Rung when something became visible, and when the store is closed or poisoned.
#[derive(Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    rings: u64,
    sleepers: usize,
    wakers: Vec<(Position, Waker)>,
    /// Wakers that are to be called by whoever has no lock next.
    due: Vec<Waker>,
}

impl Bell {
    /// How often it was rung; [`Bell::wait`] waits for one more.
    pub fn rings(&self) -> u64 {
        self.lock().rings
    }

    /// Waits until it has been rung more often than `rings`, or for so long.
    pub fn wait(&self, rings: u64, timeout: Duration) {
        let mut state = self.lock();
        if state.rings == rings {
            state.sleepers += 1;
            let waited = self.rung.wait_timeout_while(state, timeout, |state| state.rings == rings);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.sleepers -= 1;
        }
        drop(state);
    }

    /// Registers a waker that is called when there is more than `after`, or never again will be.
    pub fn register(&self, after: Position, waker: &Waker) {
        // Foreign code: not under the lock.
        let own = waker.clone();
        let mut state = self.lock();
        let known = |(at, other): &(Position, Waker)| *at == after && other.will_wake(waker);
        if !state.wakers.iter().any(known) {
            state.wakers.push((after, own));
        }
    }

    /// Whether a waker waits.
    pub fn has_wakers(&self) -> bool {
        !self.lock().wakers.is_empty()
    }

    /// Wakes all who wait. Wakers that wait for less than `head` are due, all of them if there is
    /// no head any more: who rings holds locks, so they are called by [`Bell::call`].
    pub fn ring(&self, head: Option<Position>) {
        let mut state = self.lock();
        state.rings = state.rings.wrapping_add(1);
        if state.sleepers > 0 {
            self.rung.notify_all();
        }
        let due = |after: Position| head.is_none_or(|head| head > after);
        let State { wakers, due: called, .. } = &mut *state;
        called.extend(wakers.extract_if(.., |(after, _)| due(*after)).map(|(_, waker)| waker));
    }

    /// Calls the wakers that are due. Foreign code, that may use the store: the caller holds no
    /// lock.
    pub fn call(&self) {
        let due = std::mem::take(&mut self.lock().due);
        due.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Who waits for more, and how they learn of it.

use crate::threads::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::words::Position;
use std::task::Waker;
use std::time::Duration;

/// Rung when something became visible or durable, and when the store is closed or poisoned.
#[derive(Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

/// What it is rung for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ring {
    /// This is the last visible position now.
    Visible(Position),
    /// More is durable now, perhaps visible by that; this is the last visible position.
    Synced(Position),
    /// Nothing more will come.
    Ended,
}

/// What a waker waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// Something visible after this position.
    Visible(Position),
    /// A sync, of whatever.
    Sync,
}

#[derive(Default)]
struct State {
    rings: u64,
    sleepers: usize,
    wakers: Vec<(Awaited, Waker)>,
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

    /// Registers a waker that is called when this has come, or never will.
    pub fn register(&self, awaited: Awaited, waker: &Waker) {
        // Foreign code: not under the lock.
        let own = waker.clone();
        let mut state = self.lock();
        let known = |(at, other): &(Awaited, Waker)| *at == awaited && other.will_wake(waker);
        if !state.wakers.iter().any(known) {
            state.wakers.push((awaited, own));
        }
    }

    /// Whether a waker waits.
    pub fn has_wakers(&self) -> bool {
        !self.lock().wakers.is_empty()
    }

    /// Wakes all who wait. Wakers whose wait is over are due: who rings holds locks, so they are
    /// called by [`Bell::call`].
    pub fn ring(&self, ring: Ring) {
        let mut state = self.lock();
        state.rings = state.rings.wrapping_add(1);
        if state.sleepers > 0 {
            self.rung.notify_all();
        }
        let State { wakers, due, .. } = &mut *state;
        due.extend(wakers.extract_if(.., |(at, _)| ring.ends(*at)).map(|(_, waker)| waker));
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

impl Ring {
    /// Whether who waits for this has waited long enough.
    fn ends(self, awaited: Awaited) -> bool {
        match (self, awaited) {
            (Self::Ended, _) | (Self::Synced(_), Awaited::Sync) => true,
            (Self::Visible(head) | Self::Synced(head), Awaited::Visible(after)) => head > after,
            (Self::Visible(_), Awaited::Sync) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::atomic::{AtomicUsize, Ordering};
    use crate::threads::thread;
    use std::sync::Arc;
    use std::task::Wake;

    #[derive(Default)]
    struct Calls(AtomicUsize);

    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Calls>, Waker) {
        let calls = Arc::new(Calls::default());
        (calls.clone(), Waker::from(calls))
    }

    #[test]
    fn a_waker_is_called_once_when_there_is_more_than_it_waits_after() {
        let bell = Bell::default();
        let ((first, first_waker), (second, second_waker)) = (waker(), waker());
        assert!(!bell.has_wakers());
        let after = |position| Awaited::Visible(Position::new(position));
        for _ in 0..2 {
            bell.register(after(5), &first_waker);
            bell.register(after(5), &second_waker);
            bell.register(after(9), &second_waker);
        }
        let calls = || [&first, &second].map(|calls| calls.0.load(Ordering::Relaxed));
        bell.ring(Ring::Visible(Position::new(5)));
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([0, 0], true));
        bell.ring(Ring::Visible(Position::new(6)));
        assert_eq!(calls(), [0, 0], "not by who rings");
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([1, 1], true));
        bell.ring(Ring::Ended);
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([1, 2], false));
        bell.ring(Ring::Ended);
        bell.call();
        assert_eq!(calls(), [1, 2]);
    }

    #[test]
    fn a_waker_that_waits_for_a_sync_is_called_by_one() {
        let bell = Bell::default();
        let (calls, waker) = waker();
        let called = |ring| {
            bell.ring(ring);
            bell.call();
            calls.0.load(Ordering::Relaxed)
        };
        let head = Position::new(7);
        bell.register(Awaited::Sync, &waker);
        assert_eq!(called(Ring::Visible(head)), 0, "nothing was synced");
        assert_eq!(called(Ring::Synced(head)), 1);
        assert_eq!(called(Ring::Synced(head)), 1, "once");
        bell.register(Awaited::Visible(Position::new(6)), &waker);
        assert_eq!(called(Ring::Synced(head)), 2, "that made it visible, too");
        bell.register(Awaited::Sync, &waker);
        assert_eq!(called(Ring::Ended), 3);
    }

    #[test]
    fn who_waits_sleeps_until_it_is_rung_or_the_time_is_over() {
        let bell = Arc::new(Bell::default());
        let long = Duration::from_secs(60);
        for round in 0..3 {
            assert_eq!(bell.rings(), round);
            let sleeper = thread::spawn({
                let bell = bell.clone();
                move || bell.wait(round, long)
            });
            while bell.lock().sleepers == 0 {
                assert!(!sleeper.is_finished(), "it has not waited");
                thread::sleep(Duration::from_millis(1));
            }
            bell.ring(Ring::Visible(Position::new(1)));
            let begun = std::time::Instant::now();
            sleeper.join().unwrap();
            assert!(begun.elapsed() < long / 2);
            assert_eq!(bell.lock().sleepers, 0);
            // It was rung since: there is nothing to wait for.
            bell.wait(round, Duration::MAX);
        }
        bell.wait(3, Duration::from_millis(2));
        assert_eq!((bell.rings(), bell.lock().sleepers), (3, 0));
    }
}

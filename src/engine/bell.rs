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
        for _ in 0..2 {
            bell.register(Position::new(5), &first_waker);
            bell.register(Position::new(5), &second_waker);
            bell.register(Position::new(9), &second_waker);
        }
        let calls = || [&first, &second].map(|calls| calls.0.load(Ordering::Relaxed));
        bell.ring(Some(Position::new(5)));
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([0, 0], true));
        bell.ring(Some(Position::new(6)));
        assert_eq!(calls(), [0, 0], "not by who rings");
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([1, 1], true));
        bell.ring(None);
        bell.call();
        assert_eq!((calls(), bell.has_wakers()), ([1, 2], false));
        bell.ring(None);
        bell.call();
        assert_eq!(calls(), [1, 2]);
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
            bell.ring(Some(Position::new(1)));
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

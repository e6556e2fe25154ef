//! Threads and what lies between them: locks, atomics, parking. Those of std; in the models of
//! hand-overs (`--cfg loom`, CONTRIBUTING.md) those of loom, which goes through the orders that
//! they can happen in, and through the values that a load may see.
//!
//! Everything that threads hand to one another goes by these, but for `Arc`: it is std's always.

#[cfg(all(test, loom))]
mod modelled;

#[cfg(all(test, loom))]
pub use modelled::{Condvar, LONG, OnceLock, lane, model, thread};

#[cfg(all(test, loom))]
pub use loom::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};

#[cfg(not(all(test, loom)))]
pub use std::sync::{
    Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic,
};
#[cfg(not(all(test, loom)))]
pub use std::thread;

pub use std::sync::PoisonError;
use std::sync::TryLockError;

/// A number that only counts, or that only spares a look: nothing is handed over by it, and whoever
/// sees an old value does no wrong. So models leave it out, or they would try each old value.
pub use std::sync::atomic::AtomicU64 as Hint;

/// One of so many lanes: threads get them by turns.
#[cfg(not(all(test, loom)))]
pub fn lane(lanes: usize) -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Relaxed);
    }
    OWN.with(|own| own % lanes)
}

/// Whether this is a model. Tables are small there: whatever becomes full is to become full.
pub const MODELLED: bool = cfg!(all(test, loom));

/// What a lock guards, if nobody else has it. That somebody has panicked with it is passed over.
pub fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

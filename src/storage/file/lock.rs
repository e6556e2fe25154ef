//! The one writer's lock.
//!
//! It is taken on a descriptor of its own that is never mapped: a map keeps `flock` alive after its
//! descriptor is closed (flock(2)). A register in the process beside it tells a second opener here
//! from one elsewhere, and holds where the file system has no locks.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which file it is, whatever its name.
pub(super) type FileId = (u64, u64);

/// The files that this process has open for writing.
static WRITERS: Mutex<Vec<FileId>> = Mutex::new(Vec::new());

/// How often, and how long apart, an opener asks: a reader that asks whether a writer lives holds a
/// lock for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(4);

/// Takes the lock; `false` if somebody has it, here or elsewhere.
pub(super) fn take(file: &File, id: FileId) -> io::Result<bool> {
    {
        let mut writers = writers();
        if writers.contains(&id) {
            return Ok(false);
        }
        writers.push(id);
    }
    for nth in 0..TRIES {
        if nth > 0 {
            std::thread::sleep(PAUSE);
        }
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                // Only the register holds then; README says so.
                return Ok(true);
            }
            Err(TryLockError::Error(error)) => {
                forget(id);
                return Err(error);
            }
        }
    }
    forget(id);
    Ok(false)
}

/// Gives the lock back.
pub(super) fn release(file: &File, id: FileId) {
    // Closing the descriptor would do as well; a failure here leaves nothing else to do.
    let _ = file.unlock();
    forget(id);
}

/// Whether somebody has it.
pub(super) fn is_held(file: &File, id: FileId) -> io::Result<bool> {
    if writers().contains(&id) {
        return Ok(true);
    }
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn forget(id: FileId) {
    writers().retain(|writer| *writer != id);
}

fn writers() -> MutexGuard<'static, Vec<FileId>> {
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

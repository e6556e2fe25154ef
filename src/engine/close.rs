//! Closing: everything synced, the slot clean, the lock free.

use super::bell::Ring;
use super::core::Core;
use super::slots::Before;
use super::writer::{Engine, Mode, WriteSide};
use crate::threads::thread::{self, JoinHandle};
use crate::threads::{PoisonError, try_lock};
use crate::words::Error;

impl Engine {
    /// Closes the store for all its handles. A second call waits for the first and finds nothing to
    /// do.
    ///
    /// Commits that are under way are finished. What can't be closed cleanly is closed all the
    /// same, and recovered at the next opening.
    pub fn close(&self) -> Result<(), Error> {
        let mut keeper = match try_lock(&self.keeper) {
            Some(keeper) => keeper,
            // A waker that the keeper calls: who is closing already waits for the keeper.
            None if self.is_keeper() => return Ok(()),
            None => self.keeper.lock().unwrap_or_else(PoisonError::into_inner),
        };
        {
            let mut state = self.core.flow.lock();
            if state.closed {
                return state.check_poison();
            }
            state.closed = true;
        }
        let result = match &self.mode {
            Mode::Write(side) => {
                side.call.stop();
                // A keeper that panicked has done its worst already.
                let _ = keeper.take().filter(|_| !self.is_keeper()).map(JoinHandle::join);
                let result = side.finish(&self.core);
                side.seal();
                // Whoever writes next may give the room of runs to others.
                self.core.reach.copy_from_now_on();
                self.core.storage.unlock();
                result
            }
            Mode::Follow(_) => Ok(()),
        };
        drop(keeper);
        self.core.bell.ring(Ring::Ended);
        self.core.bell.call();
        result
    }

    /// Whether this thread is the keeper.
    fn is_keeper(&self) -> bool {
        match &self.mode {
            Mode::Write(side) => side.call.thread.get() == Some(&thread::current().id()),
            Mode::Follow(_) => false,
        }
    }
}

impl WriteSide {
    /// Writes and syncs what is placed, and says in a slot that the store was closed there.
    fn finish(&self, core: &Core) -> Result<(), Error> {
        // Whoever holds the writer's lock now saw the store open: its commit is finished with the
        // rest.
        let (end, epoch, recorded) = {
            let writer = self.writer();
            (writer.end, writer.epoch, writer.recorded)
        };
        let written = core.flow.lock().written;
        if end > written && epoch.is_some() {
            self.settle(core, end)?;
        }
        core.flow.lock().check_poison()?;
        {
            let mut slots = self.slots.lock();
            // Room for a segment that is not needed any more is room for runs.
            for segment in std::mem::take(&mut slots.taken) {
                slots.free.abandon(segment.extent);
            }
        }
        // The next opening has nothing to scan. Where that can't be, it has.
        let _ = self.index_all(core);
        core.flow.lock().check_poison()?;
        let mut slots = self.slots.lock();
        if !(slots.newest.clean && slots.knows(core.flow.lock().written)) {
            slots.write(core, recorded, Before::Sync, |slot| slot.clean = true)?;
        }
        if epoch.is_some() {
            self.give_room_back(core, &mut slots);
        }
        Ok(())
    }

    /// From here on no thread of this store writes to the file: whoever opens it next may.
    ///
    /// A thread whose commit was finished by `close` may still be on its way to write a stub or to
    /// mark a slot, and one that makes a run may have pages of it in hand.
    fn seal(&self) {
        self.await_index_work();
        self.io().sealed = true;
        self.slots.lock().sealed = true;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.close();
    }
}

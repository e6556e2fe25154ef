//! A store that is written anew: commits of another one, each with the time that it had.

use crate::engine::settings::{Clock, Settings};
use crate::engine::writer::Engine;
use crate::engine::{Chore, fixed::read_slots};
use crate::storage::{Storage, sync_full};
use crate::threads::atomic::{AtomicI64, Ordering};
use crate::words::{AppendError, Appended, Commit, Durability, Error, Timestamp};
use std::io;
use std::sync::Arc;

/// The room left in the last segment is about this part of the log at most.
const PART: u64 = 64;

/// Gives each commit the time that it had.
struct Replayed(AtomicI64);

impl Clock for Replayed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// A new store that is being written.
pub struct Anew {
    engine: Engine,
    clock: Arc<Replayed>,
    target: Arc<dyn Storage>,
}

impl Anew {
    /// Makes an empty device a new store, for about so many bytes of log.
    pub fn begin(target: &Arc<dyn Storage>, log: u64) -> Result<Self, Error> {
        if target.size().map_err(failed)? > 0 {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let clock = Arc::new(Replayed(AtomicI64::new(i64::MIN)));
        let largest = (log / PART).max(1).next_power_of_two();
        let usual = Settings::default();
        let settings = Settings {
            clock: clock.clone(),
            durability: Durability::Buffered,
            keeper: false,
            segment_max: largest.clamp(usual.segment_min, usual.segment_max),
            ..usual
        };
        let engine = Engine::open(target.clone(), settings)?;
        Ok(Self { engine, clock, target: target.clone() })
    }

    /// Appends a commit that was taken in at this time.
    pub fn commit(&self, commit: &Commit, recorded: Timestamp) -> Result<Appended, AppendError> {
        self.clock.0.store(recorded.micros(), Ordering::Relaxed);
        let appended = self.engine.commit(commit)?;
        if self.engine.core.index.sources().tables.len() > 1 {
            self.engine.chore(Chore::Index)?;
        }
        Ok(appended)
    }

    /// Closes it, and gives the room back that merged runs have left. Returns its bytes, as long as
    /// its file is.
    pub fn finish(self) -> Result<u64, Error> {
        self.engine.close()?;
        let target = &*self.target;
        let free = read_slots(target)?.chosen.map(|(slot, _)| slot.free).unwrap_or_default();
        let released =
            free.iter().try_for_each(|extent| target.release(extent.file_offset, extent.length));
        let finished = released.and_then(|()| sync_full(target)).and_then(|()| target.size());
        finished.map_err(failed)
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("writing the new store failed", error)
}

//! Syncing: one sync at a time, by a leader for all who wait, in the callers' threads.

use super::core::Core;
use super::flow::Turn;
use super::writer::{Engine, Mode, WriteSide};
use crate::format::Stub;
use crate::storage::{sync_full, write_full};
use crate::threads::{Mutex, PoisonError, try_lock};
use crate::words::{Error, ErrorKind, LogOffset, Position};

/// At most one sync of the file runs at a time: were there two, the kernel would tell only one of
/// them of a failure.
#[derive(Default)]
pub struct Gate(Mutex<()>);

impl Core {
    /// Syncs what is written; returns up to where everything is synced now. A failure poisons.
    pub fn sync_now(&self) -> Result<LogOffset, Error> {
        let gate = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only what was written before the sync is called is synced by it.
        let written = {
            let state = self.flow.lock();
            state.check_poison()?;
            state.written
        };
        let result = sync_full(&*self.storage);
        match result {
            Ok(()) => self.publish_synced(written),
            // Before the gate opens: the next sync would lie.
            Err(_) => self.poison(),
        }
        drop(gate);
        match result {
            Ok(()) => Ok(written),
            Err(error) => Err(Error::poisoned_by("syncing the store failed; open it again", error)),
        }
    }
}

impl WriteSide {
    /// Makes everything before `target` written and synced: leads, or waits for the leader.
    ///
    /// The leader writes for all: what was placed while the sync before was under way goes to the
    /// file by one write.
    pub fn sync_to(&self, core: &Core, target: LogOffset) -> Result<(), Error> {
        let mut turn = core.flow.sync_turn(target)?;
        loop {
            match turn {
                Turn::Done => return Ok(()),
                Turn::Lead => {
                    let written = self.write_to(core, target);
                    let result = written.and_then(|()| self.sync_with_room(core));
                    core.flow.end_turn();
                    result?;
                    self.stub(core);
                    turn = core.flow.sync_turn(target)?;
                }
                Turn::Follow(waiter) if waiter.sleep() => turn = Turn::Lead,
                Turn::Follow(_) => turn = core.flow.sync_turn(target)?,
            }
        }
    }

    /// Says behind the synced end that it is synced, if nothing stands there yet.
    ///
    /// The last commit's own header can't say it, and if the commit is damaged later, nothing else
    /// tells it from one that was torn before it was acknowledged.
    fn stub(&self, core: &Core) {
        if !self.settings.rules.stub {
            return;
        }
        // Where somebody is writing, that frame says it.
        let Some(io) = try_lock(&self.io) else { return };
        let (at, segment) = {
            let state = core.flow.lock();
            let at = state.synced;
            if state.written != at || state.poisoned || io.sealed {
                return;
            }
            (at, state.segments.find(at))
        };
        let (Some(epoch), Some(segment)) = (io.epoch, segment) else { return };
        let stub = Stub { at, epoch, watermark: at }.encode(&core.identity.key);
        if write_full(&*core.storage, &stub, segment.place.file_offset(at)).is_err() {
            core.poison();
        }
        drop(io);
    }
}

impl Engine {
    /// The last position that is durable.
    pub fn durable(&self) -> Position {
        if let Mode::Follow(follow) = &self.mode {
            // What can't be looked at now stays as it was known.
            let _ = follow.refresh(&self.core);
            self.core.bell.call();
        }
        self.core.durable()
    }

    /// Returns when this position is durable, asking for a sync at once if it is not.
    pub fn wait_durable(&self, position: Position) -> Result<(), Error> {
        let core = &*self.core;
        let durable = self.durable();
        let (visible, visible_head) = core.flow.lock().visible;
        if position > visible_head {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no position {position} yet"),
            ));
        }
        if position <= durable {
            return Ok(());
        }
        // The frame ends somewhere before the end of what is visible.
        let result = self.write_side()?.sync_to(core, visible);
        core.bell.call();
        result
    }
}

//! Looking at a store that another process writes, or nobody: durable commits only, as far as that
//! can be known.

use super::bell::Ring;
use super::core::Core;
use super::examine::{Examined, index_commit};
use super::fixed::read_slots;
use super::settings::Settings;
use super::writer::{Engine, Mode};
use crate::format::{Entries, FRAME_LEN, Mark, Slot, Stub};
use crate::index::{Index, Table};
use crate::log::{SegmentList, Walk, Window, load_segments};
use crate::storage::{Storage, read_full};
use crate::threads::atomic::Ordering;
use crate::threads::{Mutex, PoisonError, thread};
use crate::words::{Error, LogOffset};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What a follower has seen.
pub struct Follow {
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    slot: Slot,
    segments: SegmentList,
    /// Where the next durable commit will be.
    here: Mark,
}

const AHEAD: usize = 1 << 16;

impl Follow {
    /// Goes on from what was found. Without a live writer everything valid is shown; with one, what
    /// is durable.
    pub fn begin(
        storage: Arc<dyn Storage>,
        settings: &Settings,
        found: Examined,
        live: bool,
    ) -> Result<(Core, Self), Error> {
        let identity = found.slot.identity;
        let is_whole = found.is_whole();
        let (index, reach) = found.index.ok_or_else(Error::outcome_unknown)?;
        let (index, here) = if live && is_whole {
            // Walked again, commit by commit, as far as it is durable.
            let runs = index.sources().runs.clone();
            (Index::new(runs, found.slot.index, identity.key), found.slot.index)
        } else {
            (index, found.end)
        };
        let index = (index, reach);
        let visible = (here.at, here.next.previous(), here.at.min(found.watermark));
        let core = Core::new(storage, identity, index, visible, found.segments.clone());
        core.healed.store(found.healed, Ordering::Relaxed);
        let state = State { slot: found.slot, segments: found.segments, here };
        let follow = Self { settings: settings.clone(), state: Mutex::new(state) };
        follow.refresh(&core)?;
        Ok((core, follow))
    }

    /// Where the durable log ends, and what the newest slot says.
    pub fn durable_end(&self) -> (Mark, Slot) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.here, state.slot.clone())
    }

    /// Looks for commits that have become durable.
    pub fn refresh(&self, core: &Core) -> Result<(), Error> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let storage = &*core.storage;
        let failed = |error| Error::io("following the store failed", error);
        let slots = read_slots(storage)?;
        // A slot that is being written fails its check; the other one holds, and nothing was lost.
        let newest = slots.chosen.filter(|(slot, _)| slot.counter > state.slot.counter);
        if let Some((slot, _)) = newest {
            let segments = match state.segments.joined(&slot.segments) {
                Some(segments) => Ok(segments),
                None => {
                    let start = slot.index.at.min(state.here.at);
                    load_segments(storage, &slot.identity.key, &slot.segments, start, &[])
                        .map_err(failed)?
                }
            };
            if let Ok(segments) = segments {
                let taken_back = slot.epoch != state.slot.epoch && slot.proof.at < state.here.at;
                if taken_back {
                    return Err(Error::outcome_unknown());
                }
                state.segments = segments;
                core.flow.lock().segments = state.segments.clone();
                // If they are gone, a newer slot is met next time.
                if state.take_runs(core, &slot)? {
                    state.slot = slot;
                }
            }
        }
        let walked = state.walk(core, &self.settings).map_err(failed)?;
        let watermark = state.watermark(storage, &walked).map_err(failed)?.max(slots.watermark);
        let durable = walked.ends.iter().rev().find(|end| **end <= watermark);
        if let Some(end) = durable {
            state.take_in(core, &self.settings, *end).map_err(failed)?;
        }
        let (end, head) = (state.here.at, state.here.next.previous());
        let head = {
            let mut flow = core.flow.lock();
            flow.segments = state.segments.clone();
            flow.follow(end, head)
        };
        core.publish_synced(end.min(watermark));
        if let Some(head) = head {
            core.bell.ring(Ring::Visible(head));
        }
        Ok(())
    }
}

/// What a walk has met.
struct Walked {
    /// Where each frame ends.
    ends: Vec<LogOffset>,
    end: Mark,
    watermark: LogOffset,
}

impl State {
    /// The runs that a newer slot names are the runs from now on. Where they reach further than
    /// this follower has walked, it goes on from their end.
    /// `false` if they have been given up meanwhile.
    fn take_runs(&mut self, core: &Core, slot: &Slot) -> Result<bool, Error> {
        let known = core.index.sources().runs.clone();
        let is_known = slot.runs.len() == known.len()
            && slot.runs.iter().zip(&known).all(|(place, run)| place == run.place());
        if is_known {
            return Ok(true);
        }
        let Some(runs) = core.load_runs(&slot.runs, &known)? else { return Ok(false) };
        if slot.index.at > self.here.at {
            core.index.restart(runs, slot.index);
            self.here = slot.index;
        } else {
            core.index.replace_runs(runs);
        }
        Ok(true)
    }

    /// A walk over everything valid from here on. What it meets is not kept: how much of it is
    /// durable is known at its end only, and a little log may name much.
    fn walk(&self, core: &Core, settings: &Settings) -> io::Result<Walked> {
        let mut walk = self.begin_walk(core, settings);
        let mut ends = Vec::new();
        loop {
            let just_one = walk.here.at.plus(1);
            if walk.run(just_one, &mut |_: Entries<'_>| true)?.is_some() {
                break;
            }
            ends.push(walk.here.at);
        }
        Ok(Walked { ends, end: walk.here, watermark: walk.watermark })
    }

    /// Walks once more, as far as it is durable, and takes it into the index.
    fn take_in(&mut self, core: &Core, settings: &Settings, end: LogOffset) -> io::Result<()> {
        let mut walk = self.begin_walk(core, settings);
        let mut here = self.here;
        let mut taken = Ok(None);
        while here.at < end && matches!(taken, Ok(None)) {
            let sources = core.index.sources();
            let just_one = here.at.plus(1);
            taken = walk.run(just_one, &mut |met: Entries<'_>| index_commit(&sources, met));
            // Where a read fails, what was taken in before is not taken in again.
            here = walk.here;
            let full = |table: &Arc<Table>| table.load() >= settings.tail_events;
            if sources.active().is_some_and(full) {
                core.index.freeze(here);
            }
        }
        self.here = here;
        taken.map(|_| ())
    }

    fn begin_walk(&self, core: &Core, settings: &Settings) -> Walk<'_> {
        let window = Window::new(core.storage.clone(), AHEAD);
        let marks = (self.here, self.slot.proof, self.slot.epoch);
        Walk::new(core.identity.key, &self.segments, window, settings.rules, marks)
    }

    /// The highest watermark known: in the slots, the frames that were met, or a stub behind them.
    fn watermark(&self, storage: &dyn Storage, walked: &Walked) -> io::Result<LogOffset> {
        let at = walked.end.at;
        let known = walked.watermark.max(self.slot.watermark);
        let Some(segment) = self.segments.find(at) else { return Ok(known) };
        let mut bytes = [0; FRAME_LEN];
        let read = read_full(storage, &mut bytes, segment.place.file_offset(at))?;
        let bytes = bytes.get(..read).unwrap_or_default();
        let stub = Stub::decode(bytes, at, &self.slot.identity.key);
        let stub = stub.filter(|stub| stub.epoch == self.slot.epoch);
        Ok(known.max(stub.map(|stub| stub.watermark).unwrap_or_default()))
    }
}

impl Engine {
    /// Whether it looks at what another process writes.
    pub fn is_follower(&self) -> bool {
        matches!(self.mode, Mode::Follow(_))
    }

    /// Looks again and again in a thread of its own, as long as somebody's waker waits.
    pub fn start_looking(self: &Arc<Self>, every: Duration) -> Result<(), Error> {
        let mut running = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        let engine = Arc::downgrade(self);
        let look = move || {
            while let Some(engine) = engine.upgrade() {
                if !engine.look_for_others() {
                    return;
                }
                drop(engine);
                thread::sleep(every);
            }
        };
        let thread = thread::Builder::new().name("annals-follower".to_owned()).spawn(look);
        *running = Some(
            thread.map_err(|error| Error::io("starting the follower's thread failed", error))?,
        );
        Ok(())
    }

    /// Looks once; `false` if nobody waits any more.
    fn look_for_others(&self) -> bool {
        // What goes wrong is told to whoever looks next.
        let failed = self.core.bell.has_wakers() && self.view().is_err();
        if failed {
            self.core.bell.ring(Ring::Ended);
            self.core.bell.call();
        }
        // Under the lock under which it is started: whoever registers a waker after this starts
        // another thread.
        let mut running = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = self.core.bell.has_wakers();
        if !goes_on {
            *running = None;
        }
        goes_on
    }
}

#[cfg(test)]
mod tests;

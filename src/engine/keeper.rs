//! The keeper: a thread that prepares room, syncs what was buffered for too long, and marks an idle
//! store.
//!
//! Each chore is done for whoever asks, too, so that a store without a keeper can be run step by
//! step.

use super::core::Core;
use super::slots::Before;
use super::writer::{Engine, Mode, WriteSide};
use crate::threads::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::threads::thread::{self, ThreadId};
use crate::threads::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use crate::words::{Error, LogOffset};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the keeper does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chore {
    /// Prepares the next segment, if it is time.
    Prepare,
    /// Syncs what is written.
    Sync,
    /// Brings the watermark to a slot, if no slot knows it.
    Mark,
    /// Does what is to be done for the index: what is in memory becomes a run when it is large
    /// enough, runs become larger ones.
    Index,
}

/// How the keeper is called.
#[derive(Default)]
pub struct KeeperCall {
    state: Mutex<CallState>,
    called: Condvar,
    /// From which log offset on the next segment is to be prepared.
    pub(super) prepare_at: AtomicU64,
    /// Whether the keeper watches over something that is not synced.
    pub(super) timing: AtomicBool,
    /// Whether there is a watermark that no slot knows yet.
    pub(super) unmarked: AtomicBool,
    /// Who the keeper is.
    pub(super) thread: OnceLock<ThreadId>,
}

#[derive(Default)]
struct CallState {
    called: bool,
    stop: bool,
}

impl KeeperCall {
    /// Calls the keeper.
    pub(super) fn ring(&self) {
        self.lock().called = true;
        self.called.notify_one();
    }

    /// Sends the keeper home.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.called.notify_one();
    }

    /// Waits for a call; `false` if it is to stop.
    fn wait(&self, timeout: Option<Duration>) -> bool {
        let idle = |state: &mut CallState| !state.called && !state.stop;
        let mut state = match timeout {
            None => {
                self.called.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner)
            }
            Some(timeout) => {
                let waited = self.called.wait_timeout_while(self.lock(), timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.called = false;
        !state.stop
    }

    fn lock(&self) -> MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Starts the keeper, if there is to be one.
    pub(super) fn start_keeper(&self) -> Result<(), Error> {
        let Mode::Write(side) = &self.mode else { return Ok(()) };
        if !side.settings.keeper {
            return Ok(());
        }
        let (core, kept) = (self.core.clone(), side.clone());
        let thread = thread::Builder::new()
            .name("annals-keeper".to_owned())
            .spawn(move || keep(&core, &kept))
            .map_err(|error| Error::io("starting the keeper's thread failed", error))?;
        // Before anybody can have registered a waker for it to call.
        let _ = side.call.thread.set(thread.thread().id());
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Does a chore now, in this thread.
    pub fn chore(&self, chore: Chore) -> Result<(), Error> {
        let side = self.write_side()?;
        self.core.flow.lock().check_writable()?;
        let result = match chore {
            Chore::Prepare => side.prepare_if_due(&self.core),
            Chore::Sync => side.sync_all(&self.core),
            Chore::Mark => {
                let written = self.core.flow.lock().written;
                side.mark(&self.core, written)
            }
            Chore::Index => {
                side.index_now();
                loop {
                    match side.index_step(&self.core) {
                        Ok(true) => {}
                        Ok(false) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        self.core.bell.call();
        result
    }
}

impl WriteSide {
    /// Syncs what is written now.
    pub(super) fn sync_all(&self, core: &Core) -> Result<(), Error> {
        let (written, synced) = {
            let state = core.flow.lock();
            (state.written, state.synced)
        };
        if written == synced {
            return Ok(());
        }
        self.check_there(core)?;
        self.sync_to(core, written)
    }

    /// Makes a slot know that everything before `end`, which is written, is synced.
    ///
    /// For a `Strict` commit this is the second sync; its data were synced by the first.
    pub(super) fn mark(&self, core: &Core, end: LogOffset) -> Result<(), Error> {
        let recorded = crate::words::Timestamp::from_micros(self.recorded.load(Ordering::Relaxed));
        let mut slots = self.slots.lock();
        if slots.knows(end) {
            return Ok(());
        }
        let before = if core.watermark() >= end { Before::Nothing } else { Before::Sync };
        slots.write(core, recorded, before, |_| {})
    }
}

/// While synced commits come in, it rests for so many times what a piece of a merge has taken.
const BREATH: u32 = 2;

/// The keeper's life.
fn keep(core: &Arc<Core>, side: &Arc<WriteSide>) {
    let settings = &side.settings;
    let mut still_at = LogOffset::ZERO;
    let mut still_since = Instant::now();
    // What a crash has left in memory becomes runs at once.
    let waiting = core.index.sources().tables.len() > 1;
    let mut timeout = waiting.then_some(Duration::ZERO);
    let mut asked = 0;
    while side.call.wait(timeout) {
        let asked_before = std::mem::replace(&mut asked, core.flow.lock().asked);
        let syncs_come_in = asked != asked_before;
        // Where synced commits come in, they do it with their syncs.
        if !syncs_come_in || settings.reserve > 0 {
            side.note(&side.prepare_if_due(core));
        }
        let (written, unsynced, since) = {
            let state = core.flow.lock();
            (state.written, state.written.since(state.synced), state.unsynced_since)
        };
        let waited = since.map(|since| since.elapsed());
        if waited.is_some_and(|waited| waited >= settings.sync_within)
            || unsynced >= settings.sync_bytes / 2
        {
            side.note(&side.sync_all(core));
        }
        if written != still_at {
            (still_at, still_since) = (written, Instant::now());
        }
        let idle = still_since.elapsed() >= settings.idle;
        if idle && side.call.unmarked.swap(false, Ordering::Relaxed) {
            // Looked at again: a commit that has come in between has not called, since the last
            // one had. Whoever comes from now on calls.
            let written = core.flow.lock().written;
            side.note(&side.mark(core, written));
        }
        // One piece of it; then the rest is looked at again.
        let gently = side.index_gently(core, syncs_come_in);
        let begun = Instant::now();
        let more = side.index_step(core).unwrap_or(false);
        core.bell.call();
        let pause = if gently { begun.elapsed() * BREATH } else { Duration::ZERO };
        timeout = if more { Some(pause) } else { next_look(core, side, still_since) };
    }
}

/// When the keeper has to look again if nobody calls.
fn next_look(core: &Core, side: &WriteSide, still_since: Instant) -> Option<Duration> {
    // Cleared before the look: a commit that comes in between calls again.
    side.call.timing.store(false, Ordering::Relaxed);
    let state = core.flow.lock();
    if state.poisoned {
        return None;
    }
    let unsynced = state.unsynced_since;
    drop(state);
    let sync_in = unsynced.map(|since| {
        side.call.timing.store(true, Ordering::Relaxed);
        side.settings.sync_within.saturating_sub(since.elapsed())
    });
    let unmarked = side.call.unmarked.load(Ordering::Relaxed);
    let mark_in = unmarked.then(|| side.settings.idle.saturating_sub(still_since.elapsed()));
    let index_in = side.index_again();
    let soonest = sync_in.into_iter().chain(mark_in).chain(index_in).min();
    // Not at once again, whatever failed.
    soonest.map(|soonest| soonest.max(Duration::from_millis(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;
    use crate::engine::tests::quiet;
    use crate::storage::MemoryStorage;
    use crate::words::{Commit, Durability, ExpectedVersion, NewEvent};

    const LONG: Duration = Duration::from_secs(3_600);

    /// Nothing happens for being late.
    fn patient(keeper: bool) -> Settings {
        Settings { keeper, sync_within: LONG, idle: LONG, tail_events: 4, ..quiet() }
    }

    fn append(engine: &Engine, events: usize, bytes: usize) {
        let events = vec![NewEvent::new("Noted", vec![7; bytes]); events];
        let commit = Commit::new().append("a", ExpectedVersion::Any, events);
        engine.commit(&commit.durability(Durability::Buffered)).unwrap();
    }

    /// Waits until it is so.
    fn eventually(is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody has done it");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_synced(engine: &Engine) -> bool {
        let state = engine.core.flow.lock();
        state.synced == state.written
    }

    #[test]
    fn what_a_crash_has_left_in_memory_becomes_runs_at_once() {
        let disk = Arc::new(MemoryStorage::new());
        let engine = Engine::open(disk.clone(), patient(false)).unwrap();
        append(&engine, 9, 1);
        engine.chore(Chore::Sync).unwrap();
        let crashed = Arc::new(MemoryStorage::from_bytes(disk.to_bytes()));
        let engine = Engine::open(crashed, patient(true)).unwrap();
        eventually(|| engine.core.index.sources().runs.len() == 1);
    }

    #[test]
    fn half_of_what_may_wait_for_a_sync_calls_the_keeper() {
        let settings = Settings { sync_bytes: 64 << 10, tail_events: 1 << 20, ..patient(true) };
        let engine = Engine::open(Arc::new(MemoryStorage::new()), settings).unwrap();
        append(&engine, 1, 1 << 10);
        thread::sleep(Duration::from_millis(20));
        assert!(!is_synced(&engine));
        append(&engine, 1, 33 << 10);
        eventually(|| is_synced(&engine));
    }

    #[test]
    fn a_slot_knows_the_end_of_a_store_that_is_idle() {
        let settings = Settings { idle: Duration::from_millis(300), ..patient(true) };
        let engine = Engine::open(Arc::new(MemoryStorage::new()), settings).unwrap();
        let side = engine.write_side().unwrap();
        for _ in 0..2 {
            append(&engine, 1, 1);
            let written = engine.core.flow.lock().written;
            eventually(|| side.slots.lock().knows(written));
        }
    }

    #[test]
    fn a_store_that_is_busy_is_not_marked() {
        let idle = Duration::from_millis(300);
        let settings = Settings { idle, tail_events: 1 << 20, ..patient(true) };
        let engine = Engine::open(Arc::new(MemoryStorage::new()), settings).unwrap();
        let side = engine.write_side().unwrap();
        // Once it was idle, and was marked.
        append(&engine, 1, 1);
        let written = || engine.core.flow.lock().written;
        eventually(|| side.slots.lock().knows(written()));
        // Busy for longer than it had to be idle. Where this thread did not get to it, once more.
        eventually(|| {
            let begun = Instant::now();
            let mut marked = false;
            while begun.elapsed() < 2 * idle {
                let last = Instant::now();
                append(&engine, 1, 1);
                thread::sleep(Duration::from_millis(10));
                marked |= side.slots.lock().knows(written());
                if last.elapsed() >= idle / 2 {
                    return false;
                }
            }
            assert!(!marked, "marked while it was busy");
            true
        });
    }

    #[test]
    fn the_keeper_sleeps_until_something_is_due() {
        let engine = Engine::open(Arc::new(MemoryStorage::new()), patient(false)).unwrap();
        let side = engine.write_side().unwrap();
        let now = Instant::now();
        assert_eq!(next_look(&engine.core, side, now), None);
        append(&engine, 1, 1);
        let due = next_look(&engine.core, side, now).unwrap();
        assert!(due > LONG / 2 && due <= LONG, "{due:?}");
        engine.chore(Chore::Sync).unwrap();
        // Its place in a slot is still due.
        assert!(next_look(&engine.core, side, now).is_some_and(|due| due > LONG / 2));
        side.call.unmarked.store(false, Ordering::Relaxed);
        assert_eq!(next_look(&engine.core, side, now), None);
        // Late already: not at once, whatever failed.
        side.call.unmarked.store(true, Ordering::Relaxed);
        let long_ago = now.checked_sub(2 * LONG).unwrap_or(now);
        let soon = next_look(&engine.core, side, long_ago).unwrap();
        assert!(soon == Duration::from_millis(1) || long_ago == now, "{soon:?}");
    }
}

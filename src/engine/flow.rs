//! What is placed, written, synced and visible: the one state that says what has happened to a
//! commit.

use crate::log::SegmentList;
use crate::threads::atomic::{AtomicU8, Ordering};
use crate::threads::thread::{self, Thread};
use crate::threads::{Mutex, MutexGuard, PoisonError};
use crate::words::{Error, LogOffset, Position};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// See the module. Its lock is a leaf: nothing is called under it.
pub struct Flow {
    state: Mutex<State>,
}

/// What `Flow` guards.
pub struct State {
    queue: VecDeque<InFlight>,
    /// Everything before it was written.
    pub written: LogOffset,
    /// Everything before it was synced: the watermark.
    pub synced: LogOffset,
    /// The end of the visible prefix, and the last position in it.
    pub visible: (LogOffset, Position),
    /// Since when something written waits for a sync.
    pub unsynced_since: Option<Instant>,
    /// A write or sync has failed.
    pub poisoned: bool,
    /// No more commits.
    pub closed: bool,
    /// The segments, the one that is written included.
    pub segments: SegmentList,
    /// Commits that have asked for a sync.
    pub asked: u64,
    syncing: bool,
    waiters: Vec<Arc<Waiter>>,
}

/// A placed commit that is not visible yet.
pub struct InFlight {
    /// The end of its frame.
    pub end: LogOffset,
    /// Its last position.
    pub head: Position,
    /// Whether it becomes visible when synced (else when written).
    pub needs_sync: bool,
}

/// A thread that waits for a sync.
pub struct Waiter {
    target: LogOffset,
    thread: Thread,
    call: AtomicU8,
}

const WAIT: u8 = 0;
const LOOK: u8 = 1;
const LEAD: u8 = 2;

/// What a thread that wants a sync is to do.
pub enum Turn {
    /// It has what it wants.
    Done,
    /// It makes the sync, for all who wait.
    Lead,
    /// Somebody else makes it.
    Follow(Arc<Waiter>),
}

impl Flow {
    /// The flow of a store of which the log up to `end` is there and visible, and up to `synced`
    /// durable.
    pub fn new(
        (end, head, synced): (LogOffset, Position, LogOffset),
        segments: SegmentList,
    ) -> Self {
        let state = State {
            queue: VecDeque::new(),
            written: end,
            synced,
            visible: (end, head),
            unsynced_since: None,
            poisoned: false,
            closed: false,
            segments,
            asked: 0,
            syncing: false,
            waiters: Vec::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// The state; held for a few assignments.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread that wants everything before `target` synced is to do.
    pub fn sync_turn(&self, target: LogOffset) -> Result<Turn, Error> {
        let mut state = self.lock();
        if state.synced >= target {
            return Ok(Turn::Done);
        }
        state.check_poison()?;
        if !state.syncing {
            state.syncing = true;
            return Ok(Turn::Lead);
        }
        let waiter =
            Arc::new(Waiter { target, thread: thread::current(), call: AtomicU8::new(WAIT) });
        state.waiters.push(waiter.clone());
        Ok(Turn::Follow(waiter))
    }

    /// The leader's sync has ended, well or not: the next leader is called first, then all who have
    /// what they want.
    pub fn end_turn(&self) {
        let mut state = self.lock();
        let (synced, poisoned) = (state.synced, state.poisoned);
        let waiters = std::mem::take(&mut state.waiters);
        let (called, mut waiting): (Vec<_>, Vec<_>) =
            waiters.into_iter().partition(|waiter| poisoned || waiter.target <= synced);
        let leader = (!waiting.is_empty()).then(|| waiting.swap_remove(0));
        state.syncing = leader.is_some();
        state.waiters = waiting;
        drop(state);
        if let Some(leader) = leader {
            leader.call(LEAD);
        }
        called.iter().for_each(|waiter| waiter.call(LOOK));
    }
}

impl Waiter {
    fn call(&self, call: u8) {
        // Release: who is called sees what the leader has done.
        self.call.store(call, Ordering::Release);
        self.thread.unpark();
    }

    /// Sleeps until called; `true` if it is to lead.
    pub fn sleep(&self) -> bool {
        loop {
            match self.call.load(Ordering::Acquire) {
                WAIT => thread::park(),
                call => return call == LEAD,
            }
        }
    }
}

impl State {
    /// A commit was placed.
    pub fn push(&mut self, commit: InFlight) {
        self.asked = self.asked.wrapping_add(u64::from(commit.needs_sync));
        self.queue.push_back(commit);
    }

    /// Everything before `end` is written. Returns the new head, if that made something visible.
    pub fn set_written(&mut self, end: LogOffset) -> Option<Position> {
        self.written = self.written.max(end);
        if self.unsynced_since.is_none() && self.written > self.synced {
            self.unsynced_since = Some(Instant::now());
        }
        self.advance()
    }

    /// Everything before `end` is synced. Returns the new head, if that made something visible.
    pub fn set_synced(&mut self, end: LogOffset) -> Option<Position> {
        self.synced = self.synced.max(end);
        self.unsynced_since = (self.written > self.synced).then(Instant::now);
        self.advance()
    }

    /// Another process has made everything before `end` durable. Returns the new head, if there is
    /// one.
    pub fn follow(&mut self, end: LogOffset, head: Position) -> Option<Position> {
        let grown = head > self.visible.1;
        self.written = self.written.max(end);
        self.visible = (end, head);
        grown.then_some(head)
    }

    fn advance(&mut self) -> Option<Position> {
        let before = self.visible;
        while let Some(first) = self.queue.front() {
            // After a failure only what is synced is known; that is, and it may have been
            // acknowledged just now.
            let known_when_synced = first.needs_sync || self.poisoned;
            let reached = if known_when_synced { self.synced } else { self.written };
            if first.end > reached {
                break;
            }
            self.visible = (first.end, first.head);
            self.queue.pop_front();
        }
        (self.visible != before).then_some(self.visible.1)
    }

    /// Up to where a sync is needed so that everything before `end` is visible once it is written.
    pub fn sync_needed(&self, end: LogOffset) -> LogOffset {
        let before = self.queue.iter().take_while(|commit| commit.end <= end);
        before
            .filter(|commit| commit.needs_sync)
            .last()
            .map_or(LogOffset::ZERO, |commit| commit.end)
    }

    /// An error if a write or sync has failed.
    pub fn check_poison(&self) -> Result<(), Error> {
        if self.poisoned { Err(Error::outcome_unknown()) } else { Ok(()) }
    }

    /// An error if nothing can be committed any more.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.check_poison()?;
        if self.closed { Err(Error::closed()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u64) -> LogOffset {
        LogOffset::new(offset)
    }

    fn head(position: u64) -> Option<Position> {
        Some(Position::new(position))
    }

    /// A flow with a buffered commit up to 200, a synced one up to 300, a buffered one up to 400.
    fn flow() -> Flow {
        let segments = SegmentList::new([]);
        let flow = Flow::new((at(100), Position::new(1), at(100)), segments);
        for (end, position, needs_sync) in [(200, 2, false), (300, 3, true), (400, 4, false)] {
            let (end, head) = (at(end), Position::new(position));
            flow.lock().push(InFlight { end, head, needs_sync });
        }
        flow
    }

    #[test]
    fn a_commit_is_visible_when_it_is_known_and_not_before_those_before_it() {
        let flow = flow();
        let mut state = flow.lock();
        assert_eq!(state.set_written(at(150)), None);
        assert_eq!(state.set_written(at(200)), head(2));
        assert_eq!(state.set_written(at(400)), None);
        assert_eq!((state.visible, state.written), ((at(200), Position::new(2)), at(400)));
        assert_eq!(state.set_synced(at(250)), None);
        assert_eq!(state.set_synced(at(300)), head(4));
        // Nothing goes back.
        assert_eq!((state.set_written(at(1)), state.set_synced(at(1))), (None, None));
        assert_eq!((state.written, state.synced), (at(400), at(300)));
        assert_eq!(state.visible, (at(400), Position::new(4)));
    }

    #[test]
    fn after_a_failure_only_what_is_synced_is_visible() {
        let flow = flow();
        let mut state = flow.lock();
        state.poisoned = true;
        assert_eq!(state.set_written(at(400)), None);
        assert_eq!(state.set_synced(at(200)), head(2));
        assert!(state.check_poison().is_err() && state.check_writable().is_err());
    }

    #[test]
    fn a_sync_is_needed_up_to_the_last_that_asks_for_one() {
        let flow = flow();
        let state = flow.lock();
        let ends = [200, 299, 300, 350, 400, 500].map(|end| state.sync_needed(at(end)).get());
        assert_eq!(ends, [0, 0, 300, 300, 300, 300]);
        assert!(state.check_poison().is_ok() && state.check_writable().is_ok());
    }

    #[test]
    fn it_is_known_since_when_something_waits_for_a_sync() {
        let flow = flow();
        let mut state = flow.lock();
        state.set_written(at(100));
        assert_eq!(state.unsynced_since, None);
        state.set_written(at(200));
        let since = state.unsynced_since;
        assert!(since.is_some());
        state.set_written(at(300));
        assert_eq!(state.unsynced_since, since);
        state.set_synced(at(250));
        assert!(state.unsynced_since >= since);
        state.set_synced(at(300));
        assert_eq!(state.unsynced_since, None);
    }

    #[test]
    fn a_follower_shows_what_it_was_told_and_says_whether_that_is_more() {
        let flow = flow();
        let mut state = flow.lock();
        assert_eq!(state.follow(at(900), Position::new(9)), head(9));
        assert_eq!((state.visible, state.written), ((at(900), Position::new(9)), at(900)));
        assert_eq!(state.follow(at(950), Position::new(9)), None);
        assert_eq!(state.visible, (at(950), Position::new(9)));
    }

    #[test]
    fn one_leads_and_the_others_are_told_to_look_or_to_lead() {
        let flow = flow();
        let follow = |target: u64| match flow.sync_turn(at(target)) {
            Ok(Turn::Follow(waiter)) => waiter,
            _ => panic!("somebody leads already"),
        };
        assert!(matches!(flow.sync_turn(at(100)), Ok(Turn::Done)));
        assert!(matches!(flow.sync_turn(at(101)), Ok(Turn::Lead)));
        let (first, next, last) = (follow(200), follow(201), follow(400));
        flow.lock().set_synced(at(200));
        flow.end_turn();
        assert!(!first.sleep() && next.sleep());
        assert_eq!(last.call.load(Ordering::Relaxed), WAIT);
        // The next one leads; a failure is told to all.
        flow.lock().poisoned = true;
        flow.end_turn();
        assert!(!last.sleep());
        assert!(flow.sync_turn(at(200)).is_ok_and(|turn| matches!(turn, Turn::Done)));
        assert!(flow.sync_turn(at(201)).is_err());
        flow.lock().poisoned = false;
        assert!(matches!(flow.sync_turn(at(201)), Ok(Turn::Lead)), "nobody leads any more");
    }
}

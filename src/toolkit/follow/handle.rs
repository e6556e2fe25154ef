//! What the thread of a subscription and those who hold its handle tell one another.

use super::Lag;
use super::steps::Source;
use crate::Position;
use crate::toolkit::sleeper::Sleeper;
use crate::toolkit::{Running, ToolError};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A subscription that runs: see [`subscribe`](super::subscribe).
///
/// Dropped, it stops: a callback that runs is waited for, and none is called afterwards. Dropped by
/// the callback itself, it waits for nothing, and that was the callback's last call.
pub struct SubscriptionHandle {
    name: String,
    source: Source,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SubscriptionHandle {
    pub(super) fn new(
        name: String,
        source: Source,
        shared: Arc<Shared>,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { name, source, shared, thread: Some(thread) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it goes on, and if not, why.
    pub fn running(&self) -> Running {
        self.shared.lock().running.clone()
    }

    /// Up to which position all that it follows is handled. An event whose callback runs is not.
    pub fn position(&self) -> Position {
        self.shared.lock().position
    }

    /// How far it is behind.
    ///
    /// # Errors
    /// The store's.
    pub fn lag(&self) -> Result<Lag, ToolError> {
        self.source.lag(self.position())
    }

    /// How many events it has passed over because their callback failed, and how the last of these
    /// failed.
    pub fn skipped(&self) -> (u64, Option<ToolError>) {
        let state = self.shared.lock();
        (state.skipped, state.failure.clone())
    }

    /// Waits until everything up to this position is handled, at the most for so long; `false` if
    /// the time is over.
    ///
    /// # Errors
    /// It does not go on: what it has ended with, or [`ToolError::Stopped`].
    pub fn wait_for(
        &self,
        position: impl Into<Position>,
        timeout: Duration,
    ) -> Result<bool, ToolError> {
        let position = position.into();
        let state = self.shared.wait(position, timeout);
        match &state.running {
            _ if state.position >= position => Ok(true),
            Running::Yes => Ok(false),
            Running::Stopped => Err(ToolError::Stopped),
            Running::Failed(error) => Err(error.clone()),
        }
    }

    /// Waits until it has ended, at the most for so long, and says how it is then.
    pub fn wait_ended(&self, timeout: Duration) -> Running {
        self.shared.wait(Position::MAX, timeout).running.clone()
    }

    /// Stops it, and waits as dropping it does.
    ///
    /// # Errors
    /// It had ended before, by an error.
    pub fn stop(mut self) -> Result<(), ToolError> {
        self.end();
        match self.running() {
            Running::Failed(error) => Err(error),
            Running::Yes | Running::Stopped => Ok(()),
        }
    }

    fn end(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.sleeper.call();
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != thread::current().id() {
            // How it ended, its status says.
            let _ = thread.join();
        }
    }
}

impl Drop for SubscriptionHandle {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for SubscriptionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("SubscriptionHandle")
            .field("name", &self.name)
            .field("position", &state.position)
            .field("running", &state.running)
            .finish_non_exhaustive()
    }
}

/// How it is, and whoever waits for that to change.
pub(super) struct Shared {
    /// What the thread sleeps on.
    sleeper: Sleeper,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    position: Position,
    running: Running,
    stopping: bool,
    skipped: u64,
    failure: Option<ToolError>,
    /// The first position that somebody waits for: before that nobody is called.
    awaited: Position,
}

impl Shared {
    pub(super) fn new(position: Position) -> Self {
        let state = State {
            position,
            running: Running::Yes,
            stopping: false,
            skipped: 0,
            failure: None,
            awaited: Position::MAX,
        };
        let sleeper = Sleeper::default();
        Self { sleeper, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn sleeper(&self) -> &Sleeper {
        &self.sleeper
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// An event was handled, or is passed over.
    pub(super) fn passed(&self, position: Position, failed: Option<ToolError>) {
        let mut state = self.lock();
        if failed.is_some() {
            state.skipped += 1;
            state.failure = failed;
        }
        self.move_to(state, position);
    }

    /// Up to there nothing else is to be handled.
    pub(super) fn looked(&self, position: Position) {
        self.move_to(self.lock(), position);
    }

    fn move_to(&self, mut state: MutexGuard<'_, State>, position: Position) {
        state.position = position;
        let is_awaited = position >= state.awaited;
        if is_awaited {
            // Who waits for more says so again.
            state.awaited = Position::MAX;
        }
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// It has ended.
    pub(super) fn end(&self, running: Running) {
        self.lock().running = running;
        self.changed.notify_all();
    }

    /// Waits as long as it runs and has not come to this position, at most for so long.
    fn wait(&self, position: Position, timeout: Duration) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |state| {
            let goes_on = matches!(state.running, Running::Yes) && state.position < position;
            if goes_on {
                state.awaited = state.awaited.min(position);
            }
            goes_on
        });
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

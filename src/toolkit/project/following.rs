//! A projector that goes on by itself.

use super::policy::Progress;
use super::projector::Projector;
use super::target::Watch;
use crate::Position;
use crate::toolkit::sleeper::Sleeper;
use crate::toolkit::{Port, Running, ToolError};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A projector in a thread of its own: whatever is appended is soon in the output. Dropping it
/// stops it after the batch that it is at.
pub struct Following {
    port: Port,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    sleeper: Sleeper,
    state: Mutex<State>,
    /// Something of the state has changed.
    changed: Condvar,
}

struct State {
    stop: bool,
    /// How often the output is to be made anew, and how often it was or was not, with what came of
    /// it last.
    asked: u64,
    answered: u64,
    answer: Option<ToolError>,
    cancel: bool,
    running: Running,
    position: Position,
    skipped: u64,
    rebuilding: Option<Progress>,
}

impl Following {
    pub(super) fn start(projector: Projector) -> Result<Self, ToolError> {
        let state = State {
            stop: false,
            asked: 0,
            answered: 0,
            answer: None,
            cancel: false,
            running: Running::Yes,
            position: projector.position(),
            skipped: projector.skipped(),
            rebuilding: None,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { sleeper: Sleeper::default(), state, changed });
        let port = projector.port().clone();
        let thread = thread::Builder::new().name("annals-projector".to_owned());
        let own = shared.clone();
        let thread = thread
            .spawn(move || own.run(projector))
            .map_err(|error| ToolError::failed("starting the projector's thread", error))?;
        Ok(Self { port, shared, thread: Some(thread) })
    }

    /// Whether it goes on, and if not, why.
    pub fn running(&self) -> Running {
        self.shared.lock().running.clone()
    }

    /// Its checkpoint.
    pub fn position(&self) -> Position {
        self.shared.lock().position
    }

    /// How many events were passed over because they could not be applied.
    pub fn skipped(&self) -> u64 {
        self.shared.lock().skipped
    }

    /// How many positions of the store are not in the output yet.
    ///
    /// # Errors
    /// The store's.
    pub fn lag(&self) -> Result<u64, ToolError> {
        Ok(self.port.head()?.get().saturating_sub(self.position().get()))
    }

    /// How far the output is that is being made anew, if one is.
    pub fn rebuilding(&self) -> Option<Progress> {
        self.shared.lock().rebuilding
    }

    /// Waits until the output has what stands at this position, at the most for so long; `false` if
    /// the time is over. So whoever has appended something reads what came of it.
    ///
    /// # Errors
    /// It does not go on.
    pub fn wait_for(
        &self,
        position: impl Into<Position>,
        timeout: Duration,
    ) -> Result<bool, ToolError> {
        let position = position.into();
        let reached = self.shared.wait(timeout, |state| state.position >= position);
        Ok(reached?.is_some())
    }

    /// Has the output made anew, of all events; it goes on from there when that is done. Returns at
    /// once: see [`Following::wait_rebuilt`].
    pub fn rebuild(&self) {
        let mut state = self.shared.lock();
        state.asked += 1;
        state.cancel = false;
        drop(state);
        self.shared.sleeper.call();
    }

    /// Has the making anew that is under way given up: the old output stays.
    pub fn cancel_rebuild(&self) {
        self.shared.lock().cancel = true;
        self.shared.sleeper.call();
    }

    /// Waits until the output was made anew as often as it was asked for; `false` if the time is
    /// over.
    ///
    /// # Errors
    /// It was cancelled ([`ToolError::Stopped`]) or has failed, and the old output stays; or it
    /// does not go on at all.
    pub fn wait_rebuilt(&self, timeout: Duration) -> Result<bool, ToolError> {
        let asked = self.shared.lock().asked;
        let answered = self.shared.wait(timeout, |state| state.answered >= asked)?;
        let Some(state) = answered else { return Ok(false) };
        match &state.answer {
            None => Ok(true),
            Some(error) => Err(error.clone()),
        }
    }

    /// Stops it after the batch that it is at.
    ///
    /// # Errors
    /// It had stopped before, by an error.
    pub fn stop(mut self) -> Result<(), ToolError> {
        self.end();
        match self.running() {
            Running::Failed(error) => Err(error),
            Running::Yes | Running::Stopped => Ok(()),
        }
    }

    fn end(&mut self) {
        self.shared.lock().stop = true;
        self.shared.sleeper.call();
        let own = self.thread.as_ref().is_some_and(|it| it.thread().id() == thread::current().id());
        if let Some(thread) = self.thread.take().filter(|_| !own) {
            // It contains all panics of the user's code, and has none of its own.
            let _ = thread.join();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut projector: Projector) {
        let ended = loop {
            match self.step(&mut projector) {
                Ok(true) => {}
                Ok(false) => break Running::Stopped,
                Err(error) => break Running::Failed(error),
            }
            let (port, position) = (projector.port(), projector.position());
            if let Err(error) = self.sleeper.sleep(port, position, projector.shown()) {
                break Running::Failed(error);
            }
        };
        // Whoever sees that it has ended may run it again.
        drop(projector);
        self.lock().running = ended;
        self.changed.notify_all();
    }

    /// Takes in what there is, and makes anew what is to be; `false` if it is to stop.
    fn step(&self, projector: &mut Projector) -> Result<bool, ToolError> {
        loop {
            let (stop, asked, answered) = {
                let state = self.lock();
                (state.stop, state.asked, state.answered)
            };
            if stop {
                return Ok(false);
            }
            if asked == answered {
                break;
            }
            let made = projector.rebuild_watched(&mut Rebuilding(self));
            let mut state = self.lock();
            state.answer = match made {
                Ok(Some(_)) => None,
                Ok(None) => Some(ToolError::Stopped),
                Err(error) => Some(error),
            };
            (state.answered, state.rebuilding) = (asked, None);
            drop(state);
            self.tell(projector);
        }
        let caught = projector.catch_up_watched(&mut CatchingUp(self));
        self.tell(projector);
        match caught {
            Err(ToolError::Stopped) => {}
            caught => drop(caught?),
        }
        let state = self.lock();
        Ok(!state.stop)
    }

    /// Says where it stands.
    fn tell(&self, projector: &Projector) {
        let mut state = self.lock();
        (state.position, state.skipped) = (projector.position(), projector.skipped());
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for so long, unless it is enough before.
    fn pause(&self, pause: Duration, is_enough: impl Fn(&State) -> bool) -> ControlFlow<()> {
        let begun = Instant::now();
        loop {
            if is_enough(&self.lock()) {
                return ControlFlow::Break(());
            }
            let left = pause.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return ControlFlow::Continue(());
            }
            self.sleeper.nap(left);
        }
    }

    /// Waits until the state is so; nothing if the time is over.
    fn wait(
        &self,
        timeout: Duration,
        is_so: impl Fn(&State) -> bool,
    ) -> Result<Option<MutexGuard<'_, State>>, ToolError> {
        let begun = Instant::now();
        let mut state = self.lock();
        loop {
            if is_so(&state) {
                return Ok(Some(state));
            }
            match &state.running {
                Running::Yes => {}
                Running::Stopped => return Err(ToolError::Stopped),
                Running::Failed(error) => return Err(error.clone()),
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// While the output is made anew.
struct Rebuilding<'a>(&'a Shared);

impl Watch for Rebuilding<'_> {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        let mut state = self.0.lock();
        state.rebuilding = Some(progress);
        break_if(state.stop || state.cancel)
    }

    fn pause(&mut self, pause: Duration) -> ControlFlow<()> {
        self.0.pause(pause, |state| state.stop || state.cancel)
    }
}

/// While it takes in what there is.
struct CatchingUp<'a>(&'a Shared);

impl Watch for CatchingUp<'_> {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        let mut state = self.0.lock();
        state.position = state.position.max(progress.position);
        self.0.changed.notify_all();
        break_if(state.stop || state.asked > state.answered)
    }

    fn pause(&mut self, pause: Duration) -> ControlFlow<()> {
        self.0.pause(pause, |state| state.stop || state.asked > state.answered)
    }
}

fn break_if(enough: bool) -> ControlFlow<()> {
    if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("running", &self.running())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

//! What the threads of a processor, or the consumers of a queue, have in common.

use super::documents::Kept;
use super::keys::{Keys, Of};
use super::lanes::{Drive, Job, Lanes, Outcome, Plan, Source, Step, Verdict};
use super::parked::{PROCESSOR, not_parked};
use super::settings::Settings;
use super::{Parked, Status};
use crate::toolkit::held::Held;
use crate::toolkit::names::check_name;
use crate::toolkit::{Events, Port, Received, ToolError};
use crate::{AppendError, Position, Query, Timestamp};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// What the threads of a processor, or the consumers of a queue, have in common: the lanes, under a
/// lock that nobody holds while he reads, commits, or runs the user's code.
///
/// There is no thread that does one thing only. Whoever wants an event asks what is to be done
/// next, and does it: reads on, commits what is finished, handles an event.
pub(super) struct Shared {
    pub(super) port: Port,
    pub(super) settings: Settings,
    pub(super) query: Query,
    keys: Keys,
    state: Mutex<State>,
    /// Rung when there is something to do.
    work: Condvar,
    /// Rung when something was committed, and at the end.
    news: Condvar,
    /// Where the log was read to, of whose turn it is to read.
    cursor: Mutex<Option<Events>>,
    pub(super) waker: Waker,
    held: Mutex<Option<Held>>,
}

struct State {
    lanes: Lanes,
    /// Who waits for work, and for news.
    idle: usize,
    listening: usize,
    /// The moment that somebody who waits for work waits for.
    watched: Option<Timestamp>,
}

/// Wakes whoever waits when the log goes on. It does not keep the store open.
struct Alarm(Weak<Shared>);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.lock().lanes.has_more();
            shared.work.notify_all();
        }
    }
}

impl Shared {
    /// Takes the name, and reads how far all is.
    ///
    /// # Errors
    /// [`ToolError::Setup`], [`ToolError::Busy`], [`ToolError::Ahead`]; the store's.
    pub(super) fn open(port: &Port, settings: Settings) -> Result<Arc<Self>, ToolError> {
        // The name of a part of a pipeline is that of the pipeline and its own.
        settings.name.split('~').try_for_each(|name| check_name("processor", name))?;
        let problems = settings.problems();
        let (true, Some(query)) = (problems.is_empty(), settings.query.clone()) else {
            let (name, problems) = (&settings.name, problems.join("; "));
            return Err(ToolError::setup(format!("the processor '{name}' can't be: {problems}")));
        };
        // One that has no meaning says so here.
        drop(port.query(&query, crate::Read::new().limit(0))?);
        let held = Held::take(port, PROCESSOR, &settings.name)?;
        let keys = Keys::new(&settings.name, port.store_id());
        let kept = Kept::load(port, &settings.name, &keys)?;
        let lanes = Lanes::new(settings.clone(), keys.clone(), kept);
        Ok(Arc::new_cyclic(|own: &Weak<Self>| Self {
            port: port.clone(),
            settings,
            query,
            keys,
            state: Mutex::new(State { lanes, idle: 0, listening: 0, watched: None }),
            work: Condvar::new(),
            news: Condvar::new(),
            cursor: Mutex::new(None),
            waker: Waker::from(Arc::new(Alarm(own.clone()))),
            held: Mutex::new(Some(held)),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event that is to be handled, by who has done what was to be done up to there;
    /// `back` is what came of the one before. Nothing at the end, or when the time is over.
    pub(super) fn next(
        &self,
        back: Option<(Job, Outcome)>,
        commit: bool,
        deadline: Option<Instant>,
    ) -> Result<Option<Job>, ToolError> {
        let mut now = self.port.now();
        // The event itself goes before the lock is taken.
        let back = back.map(|(job, outcome)| (job.nth, job.token, outcome));
        let mut state = self.lock();
        if let Some((nth, token, outcome)) = back {
            state.lanes.finish(nth, token, outcome, false, now);
        }
        loop {
            let step = state.lanes.step(Drive::Handles { commit }, now);
            self.call_help(&state, now);
            match step {
                Step::Handle(job) => return Ok(Some(job)),
                Step::Wait(nap) => {
                    let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return Ok(None);
                    }
                    let nap = nap.into_iter().chain(left).min();
                    state.watched = state.lanes.next_moment();
                    state.idle += 1;
                    state = wait(&self.work, state, nap);
                    state.idle -= 1;
                    state.watched = None;
                }
                Step::End => return state.lanes.failed().cloned().map_or(Ok(None), Err),
                step => state = self.perform(state, step),
            }
            now = self.port.now();
        }
    }

    /// Wakes somebody who waits for work, if there is some for him, too, or a moment to wait for
    /// that he does not know of.
    fn call_help(&self, state: &State, now: Timestamp) {
        let moment = state.lanes.next_moment();
        let is_new = |at: Timestamp| state.watched.is_none_or(|watched| at < watched);
        if state.idle > 0 && (state.lanes.has_work(now) || moment.is_some_and(is_new)) {
            self.work.notify_one();
        }
    }

    /// Reads or commits, without the lock.
    fn perform<'a>(&'a self, state: MutexGuard<'a, State>, step: Step) -> MutexGuard<'a, State> {
        drop(state);
        match step {
            Step::Read(source) => self.read(source),
            Step::Commit(plan) => self.commit(plan),
            Step::Handle(_) | Step::Wait(_) | Step::End => self.lock(),
        }
    }

    fn read(&self, source: Source) -> MutexGuard<'_, State> {
        let found = match &source {
            Source::Log { after, most } => {
                let now = self.port.now();
                // Nobody else reads meanwhile: the lock is there for who reads next.
                let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
                self.read_log(&mut cursor, *after, *most, now)
            }
            Source::Lane { name, after, to, most, .. } => self.read_lane(name, *after, *to, *most),
        };
        let mut state = self.lock();
        match (found, source) {
            (Ok(found), Source::Log { .. }) => {
                state.lanes.take_in(found.fresh, found.read);
                state.lanes.goes_on(found.more, found.due);
            }
            (Ok(found), Source::Lane { nth, .. }) => {
                state.lanes.take_in_lane(nth, found.fresh, found.read);
            }
            (Err(error), _) => {
                state.lanes.fail(error);
                self.has_failed();
            }
        }
        if state.listening > 0 {
            self.news.notify_all();
        }
        state
    }

    fn commit(&self, plan: Plan) -> MutexGuard<'_, State> {
        let landed = self.port.commit(&plan.commit);
        let verdict = self.verdict(landed);
        let now = self.port.now();
        let mut state = self.lock();
        state.lanes.settle(plan, verdict, now);
        if state.lanes.failed().is_some() {
            self.has_failed();
        }
        if state.listening > 0 {
            self.news.notify_all();
        }
        state
    }

    /// What came of a commit, as far as the processor goes.
    fn verdict(&self, landed: Result<crate::Appended, ToolError>) -> Verdict {
        let key = self.keys.checkpoint();
        let error = match landed {
            Ok(appended) => {
                let mut revisions = appended.revisions.into_iter();
                let own = revisions.find(|(changed, _)| *changed == key);
                return match own {
                    Some((_, revision)) => Verdict::Landed(revision),
                    None => Verdict::Fatal(ToolError::setup(format!(
                        "an interceptor says that a commit of the processor '{}' has landed, but \
                         not that its checkpoint was written",
                        self.settings.name
                    ))),
                };
            }
            Err(error) => error,
        };
        match &error {
            ToolError::Append(AppendError::DocumentConflict(conflict)) if conflict.key == key => {
                Verdict::Fatal(ToolError::Busy { name: self.settings.name.clone() })
            }
            ToolError::Append(AppendError::Other(_) | AppendError::OutcomeUnknown(_))
            | ToolError::Store(_) => Verdict::Fatal(error),
            _ => Verdict::Refused(error),
        }
    }

    /// It ends, with this error.
    pub(super) fn fail(&self, error: ToolError) {
        self.lock().lanes.fail(error);
        self.has_failed();
        self.news.notify_all();
    }

    /// Nobody waits any more for something to do. What has no threads is not waited for, either.
    fn has_failed(&self) {
        self.work.notify_all();
        if self.settings.lease.is_some() {
            self.leave();
        }
    }

    /// An event comes back from somebody who waits for what becomes of it.
    ///
    /// # Errors
    /// [`ToolError::Expired`]; [`ToolError::Stopped`]; what its commit fails with.
    pub(super) fn give_back(
        &self,
        nth: usize,
        token: u64,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), ToolError> {
        let now = self.port.now();
        let waits = !matches!(outcome, Outcome::Failed(_));
        let mut state = self.lock();
        state.lanes.expire(now);
        if let Some(error) = state.lanes.failed() {
            return Err(error.clone());
        }
        if state.lanes.is_stopping() {
            return Err(ToolError::Stopped);
        }
        if !state.lanes.finish(nth, token, outcome, waits, now) {
            let who = self.settings.name.clone();
            return Err(ToolError::Expired { who, position });
        }
        if waits {
            return self.await_news(state, now, |lanes| lanes.settled(token));
        }
        // What has to be tried again, or to be parked, is somebody else's work.
        self.call_help(&state, now);
        Ok(())
    }

    /// Waits until something is known, and commits meanwhile what is to be committed.
    fn await_news<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        now: Timestamp,
        mut known: impl FnMut(&mut Lanes) -> Option<Result<(), ToolError>>,
    ) -> Result<(), ToolError> {
        loop {
            if let Some(known) = known(&mut state.lanes) {
                self.call_help(&state, now);
                return known;
            }
            if let Some(error) = state.lanes.failed() {
                return Err(error.clone());
            }
            match state.lanes.step(Drive::Waits, now) {
                Step::Commit(plan) => {
                    drop(state);
                    state = self.commit(plan);
                }
                _ => {
                    state.listening += 1;
                    state = wait(&self.news, state, None);
                    state.listening -= 1;
                }
            }
        }
    }

    /// A parked aggregate goes on, with the event that failed or behind it.
    pub(super) fn unpark(&self, aggregate: &str, skip: bool) -> Result<(), ToolError> {
        let now = self.port.now();
        let mut state = self.lock();
        state.lanes.expire(now);
        if let Some(error) = state.lanes.failed() {
            return Err(error.clone());
        }
        let Some(ticket) = state.lanes.unpark(aggregate, skip) else {
            return Err(not_parked(&self.settings.name, aggregate));
        };
        self.await_news(state, now, |lanes| lanes.settled(ticket))
    }

    /// Waits until everything up to a position is done, but what is parked; `false` if the time is
    /// over before.
    pub(super) fn wait_done(&self, to: Position, timeout: Duration) -> Result<bool, ToolError> {
        let deadline = deadline(timeout);
        let mut state = self.lock();
        loop {
            if state.lanes.is_done(to) {
                return Ok(true);
            }
            if let Some(error) = state.lanes.failed() {
                return Err(error.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.lanes.is_stopping() {
                return Err(ToolError::Stopped);
            }
            if left.is_zero() {
                return Ok(false);
            }
            state.listening += 1;
            state = wait(&self.news, state, Some(left));
            state.listening -= 1;
        }
    }

    /// Hands an event to whoever handles it, past the interceptors, if none that is known by the
    /// same was handled before. Nothing if that went well.
    pub(super) fn publish(
        &self,
        job: &Job,
        call: &mut dyn FnMut() -> Result<(), ToolError>,
    ) -> Option<Outcome> {
        if let Some(id) = &job.id {
            match self.port.document(&self.keys.key(Of::Seen, id)) {
                Ok(None) => {}
                Ok(Some(_)) => return Some(Outcome::Duplicate),
                Err(error) => return Some(Outcome::Failed(error.to_string())),
            }
        }
        let event = Received::from(&job.event);
        let handled = self.port.publish(&event, &self.settings.name, call);
        handled.err().map(|error| Outcome::Failed(error.to_string()))
    }

    /// Hands out nothing more.
    pub(super) fn stop(&self) {
        self.lock().lanes.stop();
        self.work.notify_all();
        self.news.notify_all();
    }

    /// Commits what is finished, and how far all is done, of what was stopped.
    pub(super) fn flush(&self) -> Result<(), ToolError> {
        self.next(None, true, None).map(drop)
    }

    /// Somebody else may run what is called so.
    pub(super) fn leave(&self) {
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn parked(&self) -> Result<Vec<Parked>, ToolError> {
        Parked::of(&self.port, &self.settings.name)
    }

    pub(super) fn status(&self) -> Status {
        let state = self.lock();
        let (counts, position) = (state.lanes.counts(), state.lanes.reached());
        let error = state.lanes.failed().cloned();
        let is_stopped = state.lanes.is_stopping();
        drop(state);
        Status::new(counts, position, self.port.durable(), is_stopped, error)
    }
}

fn wait<'a>(
    bell: &Condvar,
    state: MutexGuard<'a, State>,
    nap: Option<Duration>,
) -> MutexGuard<'a, State> {
    match nap {
        Some(nap) => bell.wait_timeout(state, nap).unwrap_or_else(PoisonError::into_inner).0,
        None => bell.wait(state).unwrap_or_else(PoisonError::into_inner),
    }
}

/// When so much time is over.
pub(super) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    // Whoever waits longer than anybody can say waits for a year.
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(366 * 86_400))
}

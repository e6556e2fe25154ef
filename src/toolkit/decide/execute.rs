//! Carries out commands: load, decide, append on condition, and again if somebody was faster.

use super::lifecycle::{exists, tell};
use super::{
    Boundary, Change, Decider, Evolve, ExecuteError, Loaded, Repository, SnapshotUse,
    SnapshotWrite, Which,
};
use crate::toolkit::snapshot::AsOf;
use crate::toolkit::typed::{Codec, Envelope};
use crate::toolkit::{Port, Retry, ToolError};
use crate::{AppendError, Appended, Commit, ExpectedVersion, NewEvent, Version};
use std::fmt;
use std::thread;

/// What came of a command.
#[non_exhaustive]
pub struct Executed<D: Evolve> {
    /// The state after it.
    pub state: D::State,
    /// The version that its stream has then; of a query, how many events it means.
    pub version: Version,
    /// What has happened.
    pub events: Vec<D::Event>,
    /// Where that landed; nothing if nothing has happened.
    pub appended: Option<Appended>,
    /// How many attempts were made.
    pub attempts: u32,
    /// What lifecycle hooks failed with.
    pub hook_failures: Vec<ToolError>,
    /// What snapshot the state began with that was decided on.
    pub snapshot: SnapshotUse,
    /// Whether one was written of it.
    pub written: SnapshotWrite,
}

/// Without the state and the events, which need not be such as can be shown.
impl<D: Evolve> fmt::Debug for Executed<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executed")
            .field("version", &self.version)
            .field("appended", &self.appended)
            .field("attempts", &self.attempts)
            .field("hook_failures", &self.hook_failures)
            .field("snapshot", &self.snapshot)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl<D: Decider> Repository<D> {
    /// Carries out a command. See [`Repository::execute_with`].
    ///
    /// # Errors
    /// Those of [`Repository::execute_with`].
    pub fn execute<'a>(
        &self,
        which: impl Into<Which<'a>>,
        command: &D::Command,
    ) -> Result<Executed<D>, ExecuteError<D::Refusal>> {
        self.execute_with(which, command, &Envelope::new())
    }

    /// Carries out a command: loads the state, lets the decider decide, and appends what happens on
    /// condition that nothing has come between; if something has, all of it again, as often as the
    /// [retry policy](Repository::retry) says. If nothing happens, nothing is committed. The events
    /// get what is in the envelope, and ids, so that their commit is safe to be made again.
    ///
    /// The decider's functions run in the caller's thread and on nothing that is shared: if one
    /// panics, the caller does, and nothing is in the store. What is decided is taken into the
    /// state before it is committed, so no event gets into the store on which `evolve` panics.
    ///
    /// # Errors
    /// [`ExecuteError`] says which of them are whose.
    pub fn execute_with<'a>(
        &self,
        which: impl Into<Which<'a>>,
        command: &D::Command,
        envelope: &Envelope,
    ) -> Result<Executed<D>, ExecuteError<D::Refusal>> {
        let boundary = self.boundary(which);
        try_again(&self.retry, |attempts| {
            let loaded = self.source(&boundary).load(false)?;
            let decided = self.decider.decide(&loaded.state, command);
            let events = decided.map_err(ExecuteError::Refused)?;
            self.land(&boundary, loaded, events, envelope, attempts)
        })
    }

    /// Commits what was decided.
    fn land(
        &self,
        boundary: &Boundary,
        loaded: Loaded<D::State>,
        events: Vec<D::Event>,
        envelope: &Envelope,
        attempts: u32,
    ) -> Result<Executed<D>, ExecuteError<D::Refusal>> {
        let Loaded { mut state, as_of, snapshot, written, .. } = loaded;
        let existed = exists(&*self.decider, &state, as_of.version);
        let new = encode(&self.port, &self.codec, &events, envelope)?;
        let mut version = as_of.version;
        for (event, new) in events.iter().zip(&new) {
            if is_meant(boundary, new, &self.port)? {
                self.decider.evolve(&mut state, event);
                version = version.next().unwrap_or(Version::MAX);
            }
        }
        let (mut appended, mut hook_failures) = (None, Vec::new());
        if !events.is_empty() {
            let commit = commit_of(boundary, &as_of, new);
            let landed = self.port.commit(&commit);
            let landed = landed.map_err(|error| with_commit(error, || commit))?;
            let exists = exists(&*self.decider, &state, version);
            let change = Change { boundary, state: &state, version, appended: &landed };
            hook_failures = tell(&self.hooks, existed, exists, &change);
            appended = Some(landed);
        }
        Ok(Executed {
            state,
            version,
            events,
            appended,
            attempts,
            hook_failures,
            snapshot,
            written,
        })
    }
}

/// What was decided on a state of then.
fn commit_of(boundary: &Boundary, as_of: &AsOf, events: Vec<NewEvent>) -> Commit {
    match boundary.get_query() {
        None => Commit::new().append(boundary.name(), as_of.version, events),
        Some(query) => Commit::new()
            .append(boundary.stream_name(), ExpectedVersion::Any, events)
            .fail_if_events_match(query.clone(), as_of.position),
    }
}

/// As the store takes them, each with an id.
pub(super) fn encode<E>(
    port: &Port,
    codec: &Codec<E>,
    events: &[E],
    envelope: &Envelope,
) -> Result<Vec<NewEvent>, ToolError>
where
    E: crate::toolkit::EventTypes + serde::Serialize + serde::de::DeserializeOwned,
{
    let new = events.iter().map(|event| Ok(codec.encode(event, envelope)?.id(port.next_id())));
    new.collect()
}

/// Whether an event that goes to the boundary's stream is in its state, too.
fn is_meant(boundary: &Boundary, event: &NewEvent, port: &Port) -> Result<bool, ToolError> {
    let Some(query) = boundary.get_query() else { return Ok(true) };
    let event = event.to_recorded(boundary.stream_name(), 0, 0, port.now());
    Ok(query.matches(&event.as_event())?)
}

/// With the commit, if nobody knows whether it landed.
pub(super) fn with_commit<R>(error: ToolError, commit: impl FnOnce() -> Commit) -> ExecuteError<R> {
    match error.append_error() {
        Some(AppendError::OutcomeUnknown(_)) => {
            ExecuteError::OutcomeUnknown { commit: Box::new(commit()), error }
        }
        _ => ExecuteError::Tool(error),
    }
}

/// Makes attempts, each with its number, until one does not end in a conflict, or there were
/// enough.
pub(super) fn try_again<T, R>(
    retry: &Retry,
    mut attempt: impl FnMut(u32) -> Result<T, ExecuteError<R>>,
) -> Result<T, ExecuteError<R>> {
    let mut attempts = 1;
    loop {
        let last = match attempt(attempts) {
            Err(ExecuteError::Tool(error)) if error.is_conflict() => error,
            done => return done,
        };
        let Some(pause) = retry.pause(attempts) else {
            return Err(ExecuteError::Conflicts { attempts, last });
        };
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        attempts += 1;
    }
}

//! The commit path: encode, look, decide, place, write, sync; all in the caller's thread.

use super::core::Core;
use super::guard::Seen;
use super::writer::{Engine, WriteSide};
use crate::log::Draft;
use crate::threads::atomic::Ordering;
use crate::words::{
    AppendError, Appended, Commit, Conflict, DocumentConflict, Durability, Error, LogOffset,
    Position, Timestamp,
};
use std::sync::Arc;

/// How often a buffered commit looks whether its file is still there, in microseconds of recorded
/// time.
const LOOK_EVERY: i64 = 100_000;

/// A sector, where frames end with one.
const SECTOR: usize = 512;
/// What all frames end with otherwise.
const WORD: usize = 8;

/// What was decided under the writer's lock.
pub(super) enum Decision {
    /// It has its place.
    Placed(Appended),
    /// It is refused.
    Refused(Refused),
    /// Some of its ids are there already: it may have landed before.
    Known,
}

/// Why a commit is refused, by what is in the log.
pub(super) enum Refused {
    Version(Conflict),
    Document(DocumentConflict),
    /// By the condition with this number, which the event at this position fails.
    Condition(usize, Position),
}

impl Engine {
    /// Appends a commit: all of it or nothing.
    pub fn commit(&self, commit: &Commit) -> Result<Appended, AppendError> {
        let side = self.write_side()?;
        let mut draft = side.take_draft();
        let result = self.fill(side, commit, &mut draft);
        let result = result.and_then(|()| self.commit_staged(commit, &mut draft));
        side.keep_draft(draft);
        result
    }

    /// Checks a commit's limits and encodes it; nothing of it is in the store.
    pub fn stage(&self, commit: &Commit) -> Result<Draft, AppendError> {
        let mut draft = Draft::default();
        self.fill(self.write_side()?, commit, &mut draft)?;
        Ok(draft)
    }

    fn fill(
        &self,
        side: &WriteSide,
        commit: &Commit,
        draft: &mut Draft,
    ) -> Result<(), AppendError> {
        commit.check()?;
        self.core.flow.lock().check_writable()?;
        let sector = if side.settings.pad_to_sector { SECTOR } else { WORD };
        Ok(draft.fill(commit, &self.core.identity.key, sector)?)
    }

    /// Appends a commit that is encoded. Of the commit itself only its conditions, and how it is to
    /// be acknowledged, are looked at.
    pub fn commit_staged(
        &self,
        commit: &Commit,
        draft: &mut Draft,
    ) -> Result<Appended, AppendError> {
        let result = self.write_side().map_err(AppendError::from);
        let result = result.and_then(|side| side.place_and_settle(&self.core, commit, draft));
        self.core.bell.call();
        result
    }
}

impl WriteSide {
    fn place_and_settle(
        &self,
        core: &Arc<Core>,
        commit: &Commit,
        draft: &mut Draft,
    ) -> Result<Appended, AppendError> {
        core.flow.lock().check_writable()?;
        let durability = commit.durability.unwrap_or(self.settings.durability);
        self.keep_up(core);
        let now = self.settings.clock.now();
        if durability != Durability::Buffered || self.is_time_to_look(now) {
            self.check_there(core)?;
        }
        let mut seen = self.look(core, commit, draft)?;
        let (end, decision) = self.decide(core, commit, draft, &mut seen, (durability, now))?;
        // An answer that rests on commits in flight waits for them.
        self.settle(core, end)?;
        match decision {
            Decision::Refused(refused) => Err(self.refusal(core, commit, refused)),
            Decision::Known => {
                let (end, appended) = self.landed(core, draft)?;
                // It may have been less durable than what is asked for now.
                if durability != Durability::Buffered {
                    self.sync_to(core, end)?;
                }
                self.mark_if_strict(core, end, durability)?;
                Ok(appended)
            }
            Decision::Placed(appended) => {
                self.mark_if_strict(core, end, durability)?;
                self.after_commit(core, end, durability)?;
                Ok(appended)
            }
        }
    }

    fn mark_if_strict(
        &self,
        core: &Core,
        end: LogOffset,
        durability: Durability,
    ) -> Result<(), Error> {
        if durability == Durability::Strict { self.mark(core, end) } else { Ok(()) }
    }

    fn is_time_to_look(&self, now: Timestamp) -> bool {
        let last = self.recorded.load(Ordering::Relaxed);
        now.micros().saturating_sub(last) >= LOOK_EVERY || now.micros() < last
    }

    /// Checks the guards against everything placed so far, and gives the commit its place. With
    /// what was decided comes the end of what the decision rests on.
    fn decide(
        &self,
        core: &Arc<Core>,
        commit: &Commit,
        draft: &mut Draft,
        seen: &mut Seen,
        (durability, now): (Durability, Timestamp),
    ) -> Result<(LogOffset, Decision), AppendError> {
        // Conditions that look at events need them written.
        let mut io = commit.conditions.iter().any(|it| it.query.reads_log()).then(|| self.io());
        let mut guard = self.writer();
        let writer = &mut *guard;
        core.flow.lock().check_writable()?;
        if let Some(io) = io.as_deref_mut() {
            self.write_pending(core, io, writer)?;
        }
        let sources = core.index.sources();
        let refused =
            |writer: &super::writer::Writer, refused| Ok((writer.end, Decision::Refused(refused)));
        if self.knows_ids(core, writer, &sources, seen)? {
            return Ok((writer.end, Decision::Known));
        }
        if let Some(conflict) = self.versions(core, writer, &sources, draft)? {
            return refused(writer, Refused::Version(conflict));
        }
        if let Some(conflict) = self.documents(core, writer, &sources, draft, seen)? {
            return refused(writer, Refused::Document(conflict));
        }
        if let Some((nth, at)) = self.failing(core, writer, &sources, commit, seen)? {
            return refused(writer, Refused::Condition(nth, at));
        }
        let needs_sync = durability != Durability::Buffered;
        let appended = self.place(core, writer, &sources, draft, (now, needs_sync))?;
        Ok((writer.end, Decision::Placed(appended)))
    }

    /// What a refusal is to the caller.
    fn refusal(&self, core: &Arc<Core>, commit: &Commit, refused: Refused) -> AppendError {
        match refused {
            Refused::Version(conflict) => AppendError::Conflict(conflict),
            Refused::Document(conflict) => AppendError::DocumentConflict(conflict),
            Refused::Condition(nth, position) => {
                let unique = commit.conditions.get(nth).is_some_and(|it| it.unique);
                match self.failed_by(core, nth, position) {
                    Ok(failed) if unique => AppendError::AlreadyExists(failed),
                    Ok(failed) => AppendError::ConditionFailed(failed),
                    Err(error) => error.into(),
                }
            }
        }
    }
}

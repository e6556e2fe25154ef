//! What is to be done next.

use super::{Job, Lanes, Plan, Source};
use crate::Timestamp;
use std::time::Duration;

/// Who asks what is to be done next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::toolkit::process) enum Drive {
    /// Somebody who handles events. Whether what is finished is committed before he goes on.
    Handles { commit: bool },
    /// Somebody who waits for a commit.
    Waits,
}

/// What is to be done next, by whoever has asked.
pub(in crate::toolkit::process) enum Step {
    /// Handle this, and say what came of it: [`Lanes::finish`].
    Handle(Job),
    /// Read this, and bring what is there: [`Lanes::take_in`], [`Lanes::take_in_lane`].
    Read(Source),
    /// Commit this, and say what came of it: [`Lanes::settle`].
    Commit(Plan),
    /// Wait until something happens, or for so long.
    Wait(Option<Duration>),
    /// Nothing any more.
    End,
}

/// Events that are handed out between two reads, if there are any.
const BETWEEN: usize = 64;
/// The longest wait for a moment: the clock need not be the system's.
const NAP: Duration = Duration::from_millis(50);

impl Lanes {
    /// What is to be done next. To be asked again and again; if there is more to do than for who
    /// has asked, [`Lanes::has_work`] says so.
    pub(in crate::toolkit::process) fn step(&mut self, who: Drive, now: Timestamp) -> Step {
        if self.failed.is_some() {
            return Step::End;
        }
        self.expire(now);
        let Drive::Handles { commit } = who else {
            return self.plan(false).map_or(Step::Wait(None), Step::Commit);
        };
        if self.stopping {
            return self.plan(true).map_or(Step::End, Step::Commit);
        }
        if self.is_commit_due(commit)
            && let Some(plan) = self.plan(false)
        {
            return Step::Commit(plan);
        }
        let is_read_due = !self.can_hand_out() || self.since_read >= BETWEEN;
        if is_read_due && let Some(source) = self.next_source(now) {
            return Step::Read(source);
        }
        if let Some(job) = self.hand_out(now) {
            return Step::Handle(job);
        }
        if let Some(plan) = self.plan(false) {
            return Step::Commit(plan);
        }
        if self.ready.is_empty() && self.could_read(now) {
            self.make_room();
            if let Some(source) = self.next_source(now) {
                return Step::Read(source);
            }
        }
        Step::Wait(self.next_moment().map(|at| until(now, at)))
    }

    /// Whether enough is finished for a commit.
    fn is_commit_due(&self, now: bool) -> bool {
        let enough = if now { 1 } else { (self.settings.batch / 2).max(1) };
        self.landing.is_none() && self.finished.len() >= enough
    }

    /// Whether somebody else could do something, too.
    pub(in crate::toolkit::process) fn has_work(&self, now: Timestamp) -> bool {
        self.can_hand_out() || self.could_read(now) && self.held < self.settings.window
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let micros = at.micros().saturating_sub(now.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(NAP)
}

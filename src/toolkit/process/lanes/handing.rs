//! Events are handed out, and come back.

use super::Lanes;
use super::lane::{Lease, Stage, later, size};
use super::planning::{Deed, Item};
use super::window::Mark;
use crate::toolkit::process::{Effects, Parked};
use crate::{Position, RecordedEvent, Timestamp};
use std::sync::Arc;

/// An event that is to be handled.
pub(in crate::toolkit::process) struct Job {
    pub(in crate::toolkit::process) nth: usize,
    pub(in crate::toolkit::process) token: u64,
    pub(in crate::toolkit::process) event: RecordedEvent,
    pub(in crate::toolkit::process) id: Option<Arc<str>>,
    pub(in crate::toolkit::process) aggregate: Arc<str>,
    /// 1 for the first.
    pub(in crate::toolkit::process) attempt: u32,
    pub(in crate::toolkit::process) expires: Option<Timestamp>,
}

/// What came of handling an event.
pub(in crate::toolkit::process) enum Outcome {
    /// It was handled, and brings this about.
    Done(Effects),
    /// An event that is known by the same was handled before.
    Duplicate,
    /// It could not be handled.
    Failed(String),
}

impl Lanes {
    /// Whether something can be handed out.
    pub(super) fn can_hand_out(&self) -> bool {
        let out = self.busy + self.finished.len() + self.landing.unwrap_or(0);
        !self.ready.is_empty() && out < self.settings.credit
    }

    /// The next event of a lane that is free.
    pub(super) fn hand_out(&mut self, now: Timestamp) -> Option<Job> {
        if !self.can_hand_out() {
            return None;
        }
        let token = self.next_token();
        let expires = self.settings.lease.map(|lease| later(now, lease));
        while let Some(nth) = self.ready.pop_front() {
            let Some(lane) = self.lanes.get_mut(nth) else { continue };
            let Some(queued) = lane.queued.front() else { continue };
            if let Some(id) = &queued.id {
                if let Some(waiting) = self.ids.get_mut(id) {
                    waiting.push(nth);
                    lane.stage = Stage::Blocked;
                    continue;
                }
                self.ids.insert(id.clone(), Vec::new());
            }
            let Some(queued) = lane.queued.pop_front() else { continue };
            let (event, slot, id) = (queued.event, queued.slot, queued.id);
            self.held -= 1;
            self.bytes -= size(&event);
            let position = event.position;
            lane.taken = position;
            lane.stage = Stage::Busy(Lease { token, position, slot, id: id.clone(), expires });
            self.busy += 1;
            self.since_read += 1;
            self.leases.extend(expires.map(|expires| (expires, nth)));
            let (aggregate, attempt) = (lane.name.clone(), lane.attempts + 1);
            return Some(Job { nth, token, event, id, aggregate, attempt, expires });
        }
        None
    }

    /// An event comes back. `false`: its lease has expired, and nothing comes of it. If `waits`,
    /// what comes of its commit is kept for whoever has this token.
    pub(in crate::toolkit::process) fn finish(
        &mut self,
        nth: usize,
        token: u64,
        outcome: Outcome,
        waits: bool,
        now: Timestamp,
    ) -> bool {
        let Some(lane) = self.lanes.get_mut(nth) else { return false };
        let lease = match &lane.stage {
            Stage::Busy(lease) if lease.token == token => lease.clone(),
            _ => return false,
        };
        lease.expires.map(|expires| self.leases.remove(&(expires, nth)));
        self.busy -= 1;
        let (effects, skipped) = match outcome {
            Outcome::Done(effects) => (effects, false),
            Outcome::Duplicate => (Effects::default(), true),
            Outcome::Failed(why) => {
                self.attempt_failed(nth, lease, why, now);
                return true;
            }
        };
        let has_effects = !effects.is_empty();
        if let Some(lane) = self.lanes.get_mut(nth) {
            lane.uncommitted += 1;
            if has_effects {
                // They may be refused: then the attempt has failed.
                lane.stage = Stage::Landing;
            } else {
                (lane.stage, lane.attempts) = (Stage::Idle, 0);
            }
        }
        let Lease { position, slot, id, .. } = lease;
        let alone = effects.demands();
        let deed = Deed::Done { position, slot, id, effects, skipped };
        self.finished.push_back(Item { nth, ticket: waits.then_some(token), alone, deed });
        self.go_on(nth);
        true
    }

    /// An attempt at a lane's next event has failed: it rests, or is parked.
    pub(super) fn attempt_failed(&mut self, nth: usize, lease: Lease, why: String, now: Timestamp) {
        let Lease { position, slot, id, .. } = lease;
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        self.counts.failed += 1;
        lane.attempts += 1;
        lane.taken = Position::new(position.get().saturating_sub(1));
        match slot {
            Some(slot) => self.window.mark(slot, Mark::Done),
            None => lane.slotless -= 1,
        }
        lane.stage = Stage::Idle;
        let attempts = lane.attempts;
        let aggregate = lane.name.to_string();
        self.release(nth);
        let again = self.settings.again_at(now, attempts);
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        if let Some(again) = again {
            lane.stage = Stage::Resting(again);
            self.resting.insert((again, nth));
        } else {
            lane.stage = Stage::Parked { position, asked: false };
            lane.uncommitted += 1;
            self.counts.parked += 1;
            let parked = Parked { aggregate, position, why, attempts, since: now };
            let deed = Deed::Park(parked);
            self.finished.push_back(Item { nth, ticket: None, alone: false, deed });
        }
        self.free_id(id);
    }

    /// What was known by this is not handled any more: who waited for that goes on.
    pub(super) fn free_id(&mut self, id: Option<Arc<str>>) {
        let waiting = id.and_then(|id| self.ids.remove(&id));
        for nth in waiting.into_iter().flatten() {
            if let Some(lane) = self.lanes.get_mut(nth).filter(|lane| lane.stage == Stage::Blocked)
            {
                lane.stage = Stage::Idle;
                self.go_on(nth);
            }
        }
    }

    /// Takes back what was handed out for too long, and wakes who has rested enough.
    pub(in crate::toolkit::process) fn expire(&mut self, now: Timestamp) {
        while let Some((_, nth)) = self.leases.first().copied().filter(|(at, _)| *at <= now) {
            self.leases.pop_first();
            let Some(Stage::Busy(lease)) = self.lanes.get(nth).map(|lane| lane.stage.clone())
            else {
                continue;
            };
            self.busy -= 1;
            self.attempt_failed(nth, lease, "its lease has expired".to_owned(), now);
        }
        while let Some((at, nth)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.resting.pop_first();
            if let Some(lane) =
                self.lanes.get_mut(nth).filter(|lane| lane.stage == Stage::Resting(at))
            {
                lane.stage = Stage::Idle;
                self.go_on(nth);
            }
        }
    }

    /// When there is something to do by the clock, at the earliest.
    pub(in crate::toolkit::process) fn next_moment(&self) -> Option<Timestamp> {
        let resting = self.resting.first().map(|(at, _)| *at);
        let lease = self.leases.first().map(|(at, _)| *at);
        [resting, lease, self.not_before].into_iter().flatten().min()
    }
}

//! What came of a commit.

use super::Lanes;
use super::lane::{Lease, Stage};
use super::planning::{Deed, Item, Plan};
use super::window::Mark;
use crate::toolkit::ToolError;
use crate::{Revision, Timestamp};

/// What came of a commit.
pub(in crate::toolkit::process) enum Verdict {
    /// It landed; this is the checkpoint's revision now.
    Landed(Revision),
    /// It was refused, for a reason that may lie in what it brings about.
    Refused(ToolError),
    /// Nothing can be committed any more.
    Fatal(ToolError),
}

impl Lanes {
    /// Takes in what came of a commit.
    pub(in crate::toolkit::process) fn settle(
        &mut self,
        plan: Plan,
        verdict: Verdict,
        now: Timestamp,
    ) {
        self.landing = None;
        match verdict {
            Verdict::Landed(revision) => self.landed(plan, revision),
            Verdict::Refused(error) => self.refused(plan, error, now),
            Verdict::Fatal(error) => self.fail(error),
        }
    }

    fn landed(&mut self, plan: Plan, revision: Revision) {
        let Plan { items, puts, leaves, low, .. } = plan;
        (self.low, self.revision) = (low, revision);
        for nth in puts {
            if let Some(own) = self.lanes.get_mut(nth).and_then(|lane| lane.own.as_mut()) {
                own.written = true;
            }
        }
        for nth in leaves {
            let Some(lane) = self.lanes.get_mut(nth) else { continue };
            if lane.is_caught_up(low) {
                lane.own = None;
                self.settling.remove(&nth);
                self.go_on(nth);
            } else if let Some(own) = &mut lane.own {
                // It has left the others again meanwhile.
                own.written = false;
                if !own.dirty {
                    own.dirty = true;
                    self.dirty.push(nth);
                }
            }
        }
        items.into_iter().for_each(|item| self.item_landed(item));
        self.window.shrink();
    }

    fn item_landed(&mut self, item: Item) {
        let Item { nth, ticket, deed, .. } = item;
        if let Some(ticket) = ticket {
            self.settled.insert(ticket, Ok(()));
        }
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        lane.uncommitted -= 1;
        match deed {
            Deed::Done { position, slot, id, skipped, .. } => {
                lane.done = position;
                if lane.stage == Stage::Landing {
                    (lane.stage, lane.attempts) = (Stage::Idle, 0);
                }
                if let Some(slot) = slot {
                    self.window.mark(slot, Mark::Done);
                }
                self.counts.handled += u64::from(!skipped);
                self.counts.skipped += u64::from(skipped);
                self.free_id(id);
            }
            Deed::Park(_) => return,
            Deed::Resume { position, skip } => {
                if skip {
                    (lane.done, lane.taken) = (position, position);
                    self.counts.skipped += 1;
                }
                self.counts.parked = self.counts.parked.saturating_sub(1);
                (lane.attempts, lane.stage) = (0, Stage::Idle);
                self.release(nth);
            }
        }
        self.go_on(nth);
    }

    /// A commit was refused. If one event alone brings something about by it, that is what is
    /// wrong; if several do, they are committed one by one. If none does, nothing helps.
    fn refused(&mut self, plan: Plan, error: ToolError, now: Timestamp) {
        let Plan { mut items, puts, leaves, .. } = plan;
        for nth in puts.into_iter().chain(leaves) {
            let own = self.lanes.get_mut(nth);
            if let Some(own) = own.and_then(|lane| lane.own.as_mut()).filter(|own| !own.dirty) {
                own.dirty = true;
                self.dirty.push(nth);
            }
        }
        for item in &items {
            let Some(lane) = self.lanes.get_mut(item.nth) else {
                continue;
            };
            lane.planned = lane.done;
            match item.slot() {
                Some(Some(slot)) => self.window.mark(slot, Mark::Open),
                Some(None) => lane.slotless += 1,
                None => {}
            }
        }
        let guilty = items.iter().filter(|item| item.has_effects()).count();
        match guilty {
            0 => self.fail(error),
            1 => {
                items.extract_if(.., |item| item.has_effects()).for_each(|item| {
                    self.item_refused(item, error.clone(), now);
                });
            }
            _ => items.iter_mut().for_each(|item| item.alone |= item.has_effects()),
        }
        items.into_iter().rev().for_each(|item| self.finished.push_front(item));
    }

    fn item_refused(&mut self, item: Item, error: ToolError, now: Timestamp) {
        let Item { nth, ticket, deed, .. } = item;
        let Deed::Done { position, slot, id, .. } = deed else { return };
        if let Some(lane) = self.lanes.get_mut(nth) {
            lane.uncommitted -= 1;
        }
        let why = error.to_string();
        if let Some(ticket) = ticket {
            self.settled.insert(ticket, Err(error));
        }
        let lease = Lease { token: 0, position, slot, id, expires: None };
        self.attempt_failed(nth, lease, why, now);
    }

    /// What came of what somebody waits for, if it is known by now.
    pub(in crate::toolkit::process) fn settled(
        &mut self,
        ticket: u64,
    ) -> Option<Result<(), ToolError>> {
        self.settled.remove(&ticket)
    }
}

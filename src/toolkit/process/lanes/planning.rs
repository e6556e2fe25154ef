//! What the next commit takes.

use super::Lanes;
use super::lane::Stage;
use super::window::{Mark, Reach};
use crate::toolkit::process::documents::{Checkpoint, OwnCheckpoint};
use crate::toolkit::process::keys::Of;
use crate::toolkit::process::{Effects, Parked};
use crate::{Commit, Position};
use serde_json::json;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

/// Something that is done, and has to be committed.
pub(super) struct Item {
    pub(super) nth: usize,
    /// Whoever waits for what comes of it.
    pub(super) ticket: Option<u64>,
    /// What it brings about is committed without what others bring about.
    pub(super) alone: bool,
    pub(super) deed: Deed,
}

/// What is done.
pub(super) enum Deed {
    /// An event.
    Done {
        position: Position,
        slot: Option<u64>,
        id: Option<Arc<str>>,
        effects: Effects,
        skipped: bool,
    },
    /// An aggregate is to be parked.
    Park(Parked),
    /// It is to go on with the event that failed, or behind it.
    Resume { position: Position, skip: bool },
}

/// A commit, and what has landed if it does.
pub(in crate::toolkit::process) struct Plan {
    pub(in crate::toolkit::process) commit: Commit,
    pub(super) items: Vec<Item>,
    /// Lanes whose own checkpoint it writes.
    pub(super) puts: Vec<usize>,
    /// Lanes that lose theirs.
    pub(super) leaves: Vec<usize>,
    pub(super) low: Position,
}

/// Positions that the checkpoint moves before it is written for that alone.
const FAR: u64 = 4_096;

impl Item {
    /// Whether it brings something about beside the processor's own documents.
    pub(super) fn has_effects(&self) -> bool {
        matches!(&self.deed, Deed::Done { effects, .. } if !effects.is_empty())
    }

    /// The position up to which its lane is done once it is committed, if that changes by it.
    fn done(&self) -> Option<Position> {
        match &self.deed {
            Deed::Done { position, .. } | Deed::Resume { position, skip: true } => Some(*position),
            Deed::Park(_) | Deed::Resume { skip: false, .. } => None,
        }
    }

    /// The slot of its event; nothing in nothing if it is of no event.
    pub(super) fn slot(&self) -> Option<Option<u64>> {
        match self.deed {
            Deed::Done { slot, .. } => Some(slot),
            _ => None,
        }
    }
}

impl Lanes {
    /// What the next commit takes, if there is anything, and none is under way. Whoever asks has to
    /// commit it, and to say what came of it.
    pub(super) fn plan(&mut self, is_last: bool) -> Option<Plan> {
        if self.landing.is_some() {
            return None;
        }
        let items = self.choose();
        if items.is_empty() && !self.is_far(is_last) {
            return None;
        }
        items.iter().for_each(|item| self.lands(item));
        let reach = self.reach();
        let (puts, leaves) = self.own_checkpoints(reach.low);
        let commit = self.commit(&items, &puts, &leaves, &reach);
        self.landing = Some(items.len());
        Some(Plan { commit, items, puts, leaves, low: reach.low })
    }

    /// Whether the checkpoint has moved so far that it is written for that alone.
    fn is_far(&self, is_last: bool) -> bool {
        let low = self.window.reach(self.read).low;
        let far = low.get().saturating_sub(self.low.get());
        far >= if is_last { 1 } else { FAR }
    }

    /// Takes from what is finished as much as one commit may have. What demands something is there
    /// without what others bring about, and no document is named twice.
    fn choose(&mut self) -> Vec<Item> {
        let mut chosen: Vec<Item> = Vec::new();
        let mut rest = VecDeque::new();
        let (mut effects_of, mut alone) = (0, false);
        let (mut keys, mut by_hand) = (HashSet::new(), BTreeSet::new());
        while let Some(item) = self.finished.pop_front() {
            if chosen.len() >= self.settings.batch {
                rest.push_back(item);
                break;
            }
            let fits = match &item.deed {
                Deed::Done { effects, .. } if effects.is_empty() => true,
                Deed::Done { effects, .. } => {
                    let free = !alone && (effects_of == 0 || !item.alone);
                    free && !effects.keys().any(|key| keys.contains(key))
                }
                Deed::Park(_) | Deed::Resume { .. } => by_hand.insert(item.nth),
            };
            if !fits {
                rest.push_back(item);
                continue;
            }
            if let Deed::Done { effects, .. } = &item.deed
                && !effects.is_empty()
            {
                effects_of += 1;
                alone = item.alone;
                keys.extend(effects.keys().map(str::to_owned));
            }
            chosen.push(item);
        }
        rest.append(&mut self.finished);
        self.finished = rest;
        chosen
    }

    /// What this lands is planned to be done.
    fn lands(&mut self, item: &Item) {
        let Self { lanes, window, dirty, .. } = self;
        let Some(lane) = lanes.get_mut(item.nth) else { return };
        match item.slot() {
            Some(Some(slot)) => window.mark(slot, Mark::Landing),
            Some(None) => lane.slotless -= 1,
            None => {}
        }
        lane.planned = item.done().unwrap_or(lane.planned);
        if let Some(own) = lane.own.as_mut().filter(|own| !own.dirty) {
            own.dirty = true;
            dirty.push(item.nth);
        }
    }

    /// How far all is done. A lane that holds up too many others gets a checkpoint of its own.
    fn reach(&mut self) -> Reach {
        loop {
            let reach = self.window.reach(self.read);
            let holder = reach.held_by.filter(|_| reach.ahead > self.settings.ahead());
            let Some(nth) = holder else { return reach };
            self.detach(nth);
            if self.window.reach(self.read) == reach {
                // It is done, and waits for a commit.
                return reach;
            }
        }
    }

    /// Which lanes' own checkpoints are written, and which lanes lose theirs.
    fn own_checkpoints(&mut self, low: Position) -> (Vec<usize>, Vec<usize>) {
        let (mut puts, mut leaves) = (Vec::new(), Vec::new());
        let Self { lanes, dirty, settling, .. } = self;
        settling.retain(|nth| {
            let lane = lanes.get_mut(*nth).filter(|lane| lane.own.is_some());
            let Some(lane) = lane.filter(|lane| !lane.is_passing()) else { return false };
            if lane.is_caught_up(low) {
                leaves.push(*nth);
            }
            true
        });
        for nth in dirty.drain(..) {
            let Some(lane) = lanes.get_mut(nth) else { continue };
            let leaves = lane.is_caught_up(low);
            let Some(own) = &mut lane.own else { continue };
            own.dirty = false;
            if !leaves {
                puts.push(nth);
            }
        }
        (puts, leaves)
    }

    fn commit(&self, items: &[Item], puts: &[usize], leaves: &[usize], reach: &Reach) -> Commit {
        let keys = &self.keys;
        let mut done = reach.done.clone();
        // What was done before it began and is not met yet.
        let next = Position::new(self.read.get() + 1);
        let ahead = self.recovered.iter().filter(|(_, last)| *last >= next);
        done.extend(ahead.map(|(first, last)| ((*first).max(next), *last)));
        let checkpoint = Checkpoint { at: reach.low, done };
        let key = keys.checkpoint();
        let mut commit = Commit::new().put_over(key, self.revision, checkpoint.to_bytes());
        for lane in puts.iter().filter_map(|nth| self.lanes.get(*nth)) {
            let own = OwnCheckpoint { aggregate: lane.name.to_string(), at: lane.planned };
            commit = commit.put(keys.key(Of::At, &lane.name), own.to_bytes());
        }
        for lane in leaves.iter().filter_map(|nth| self.lanes.get(*nth)) {
            if lane.own.as_ref().is_some_and(|own| own.written) {
                commit = commit.delete(keys.key(Of::At, &lane.name));
            }
        }
        for item in items {
            commit = match &item.deed {
                Deed::Done { position, id, effects, skipped, .. } => {
                    let commit = match id.as_ref().filter(|_| !skipped) {
                        Some(id) => {
                            let seen = json!({"id": &**id, "position": position.get()});
                            commit.put(keys.key(Of::Seen, id), seen.to_string())
                        }
                        None => commit,
                    };
                    effects.add_to(commit)
                }
                Deed::Park(parked) => {
                    commit.put(keys.key(Of::Parked, &parked.aggregate), parked.to_bytes())
                }
                Deed::Resume { .. } => match self.lanes.get(item.nth) {
                    Some(lane) => commit.delete(keys.key(Of::Parked, &lane.name)),
                    None => commit,
                },
            };
        }
        self.settings.durability.into_iter().fold(commit, Commit::durability)
    }
}

impl Stage {
    /// Whether the lane is parked, and nobody has said what is to become of it.
    pub(super) fn parked_at(&self) -> Option<Position> {
        match self {
            Self::Parked { position, asked: false } => Some(*position),
            _ => None,
        }
    }
}

//! What a processor has in memory: the events of each aggregate in a lane of their own, who handles
//! which, what is done and not committed yet. Pure: it reads nothing, writes nothing, and asks no
//! clock; who drives it says what time it is, and does what it says.
//!
//! A lane has its events one at a time and in order. Most lanes follow the checkpoint of all: their
//! events have slots in the window, and the checkpoint is how far the window is done. A lane whose
//! event fails, or that has more events than may be in memory, or that holds up all others for too
//! long, leaves that and gets a checkpoint of its own, committed with the next checkpoint of all
//! that passes it. Its events are not kept any more when they are met in the log; they are read
//! again from where it stands, by themselves. When it has caught up and the checkpoint of all has
//! passed it, it loses its own.

mod by_hand;
mod drive;
mod handing;
mod intake;
mod landing;
mod lane;
mod planning;
mod table;
mod window;

#[cfg(test)]
mod tests;

pub(super) use drive::{Drive, Step};
pub(super) use handing::{Job, Outcome};
pub(super) use intake::{Fresh, Source};
pub(super) use landing::Verdict;
pub(super) use lane::later;
pub(super) use planning::Plan;

use super::documents::{Kept, Range};
use super::keys::Keys;
use super::settings::Settings;
use crate::toolkit::ToolError;
use crate::{Position, Revision, Timestamp};
use lane::{Lane, Stage};
use planning::Item;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use table::Table;
use window::Window;

/// All lanes.
pub(super) struct Lanes {
    settings: Settings,
    keys: Keys,
    lanes: Table,
    window: Window,
    /// Lanes with an event that may be handed out, each once.
    ready: VecDeque<usize>,
    /// Lanes whose events have to be read by themselves, each once.
    lagging: VecDeque<usize>,
    /// When lanes that rest go on.
    resting: BTreeSet<(Timestamp, usize)>,
    /// When leases end.
    leases: BTreeSet<(Timestamp, usize)>,
    /// Lanes that have a checkpoint of their own and have caught up.
    settling: BTreeSet<usize>,
    /// Lanes whose own checkpoint has to be written.
    dirty: Vec<usize>,
    /// The ids that are being handled, and the lanes that wait for what comes of it.
    ids: HashMap<Arc<str>, Vec<usize>>,
    /// What is done and not committed.
    finished: VecDeque<Item>,
    /// What came of commits that somebody waits for.
    settled: HashMap<u64, Result<(), ToolError>>,
    /// The last number that was given to a lease, or to somebody who waits.
    token: u64,
    /// Up to here events were read.
    read: Position,
    /// Ranges that were done when it began, in order.
    recovered: VecDeque<Range>,
    /// As committed.
    low: Position,
    revision: Revision,
    /// Events in memory that were not handed out, and their bytes.
    held: usize,
    bytes: usize,
    /// Events that were handed out and have not come back.
    busy: usize,
    /// Events whose commit is under way; there is one at a time.
    landing: Option<usize>,
    reading: bool,
    /// Events that were handed out since something was read.
    since_read: usize,
    /// Whose turn it is to be read.
    lagging_next: bool,
    /// Whether there may be more in the log than was read.
    more: bool,
    /// The next event of the log is not due before.
    not_before: Option<Timestamp>,
    stopping: bool,
    failed: Option<ToolError>,
    counts: Counts,
}

/// What was counted since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    pub(super) handled: u64,
    pub(super) skipped: u64,
    pub(super) failed: u64,
    pub(super) parked: usize,
}

/// Bytes of events in memory.
const BYTES: usize = 32 << 20;

impl Lanes {
    /// As the store has it.
    pub(super) fn new(settings: Settings, keys: Keys, kept: Kept) -> Self {
        let mut lanes = Self {
            settings,
            keys,
            lanes: Table::default(),
            window: Window::default(),
            ready: VecDeque::new(),
            lagging: VecDeque::new(),
            resting: BTreeSet::new(),
            leases: BTreeSet::new(),
            settling: BTreeSet::new(),
            dirty: Vec::new(),
            ids: HashMap::new(),
            finished: VecDeque::new(),
            settled: HashMap::new(),
            token: 0,
            read: kept.checkpoint.at,
            recovered: kept.checkpoint.done.into(),
            low: kept.checkpoint.at,
            revision: kept.revision,
            held: 0,
            bytes: 0,
            busy: 0,
            landing: None,
            reading: false,
            since_read: 0,
            lagging_next: false,
            more: true,
            not_before: None,
            stopping: false,
            failed: None,
            counts: Counts::default(),
        };
        for own in kept.own {
            lanes.recover(&own.aggregate, own.at);
        }
        for parked in kept.parked {
            let before = Position::new(parked.position.get().saturating_sub(1));
            let nth = lanes.lanes.find(&parked.aggregate);
            let nth = nth.unwrap_or_else(|| lanes.recover(&parked.aggregate, before));
            if let Some(lane) = lanes.lanes.get_mut(nth) {
                lane.stage = Stage::Parked { position: parked.position, asked: false };
            }
            lanes.counts.parked += 1;
        }
        lanes.lanes.which(|_| true).into_iter().for_each(|nth| lanes.go_on(nth));
        lanes
    }

    /// A lane that has a checkpoint of its own.
    fn recover(&mut self, name: &str, done: Position) -> usize {
        let seen = done.max(self.read);
        // What ranges say, they do not say of its events.
        let until = self.recovered.back().map_or(seen, |(_, last)| seen.max(*last));
        let nth = self.lanes.add(Lane::new(name.into(), done));
        if let Some(lane) = self.lanes.get_mut(nth) {
            lane.seen = seen;
            lane.own = Some(lane::Own::kept(done, done < seen, until));
        }
        nth
    }

    /// A lane that is neither handled nor waits for anything goes on: with its next event, with
    /// reading, or it is forgotten.
    fn go_on(&mut self, nth: usize) {
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        if lane.stage != Stage::Idle {
            return;
        }
        if !lane.queued.is_empty() {
            lane.stage = Stage::Ready;
            self.ready.push_back(nth);
        } else if lane.is_passing() {
            lane.stage = Stage::Lagging;
            self.lagging.push_back(nth);
        } else if lane.own.is_some() {
            self.settling.insert(nth);
        } else if lane.uncommitted == 0 {
            // Nothing has to be known of it.
            self.settling.remove(&nth);
            self.lanes.remove(nth);
        }
    }

    /// A new number.
    fn next_token(&mut self) -> u64 {
        self.token += 1;
        self.token
    }

    /// It ends, with this error.
    pub(super) fn fail(&mut self, error: ToolError) {
        self.failed.get_or_insert(error);
    }

    /// The error that it has ended with.
    pub(super) fn failed(&self) -> Option<&ToolError> {
        self.failed.as_ref()
    }

    /// Hands out nothing more.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// How far all is done, once what is landing has landed.
    pub(super) fn reached(&self) -> Position {
        self.window.reach(self.read).low
    }

    /// There may be more in the log.
    pub(super) fn has_more(&mut self) {
        self.more = true;
    }

    /// Whether everything up to here is done and committed but what is parked.
    pub(super) fn is_done(&self, to: Position) -> bool {
        let waits =
            |lane: &Lane| lane.own.is_some() && !lane.is_settled() && lane.done < lane.seen.min(to);
        let all = self.landing.is_none() && self.reached() >= to;
        all && !self.lanes.iter().any(waits)
    }
}

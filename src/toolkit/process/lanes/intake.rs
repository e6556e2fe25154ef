//! Events that were read come into lanes.

use super::lane::{Lane, Own, Queued, Stage, size};
use super::window::Mark;
use super::{BYTES, Lanes};
use crate::{Position, RecordedEvent, Timestamp};
use std::sync::Arc;

/// An event that was read.
pub(in crate::toolkit::process) struct Fresh {
    pub(in crate::toolkit::process) event: RecordedEvent,
    /// Its aggregate, if that is not its stream.
    pub(in crate::toolkit::process) aggregate: Option<String>,
    /// What it is known by.
    pub(in crate::toolkit::process) id: Option<String>,
}

/// What is to be read, and how much at the most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::toolkit::process) enum Source {
    /// The log, from here on.
    Log { after: Position, most: usize },
    /// The events of one aggregate.
    Lane { nth: usize, name: Arc<str>, after: Position, to: Position, most: usize },
}

/// Events that are read at once.
const CHUNK: usize = 256;

impl Lanes {
    /// Whether there is room for more events.
    fn has_room(&self) -> bool {
        self.held < self.settings.window && self.bytes < BYTES
    }

    /// Whether there may be something to read now.
    pub(super) fn could_read(&self, now: Timestamp) -> bool {
        let log = self.more && self.not_before.is_none_or(|due| due <= now);
        !self.reading && (log || !self.lagging.is_empty())
    }

    /// What is to be read now, if anything; whoever asks has to read it. The log and the lanes that
    /// read by themselves take turns.
    pub(super) fn next_source(&mut self, now: Timestamp) -> Option<Source> {
        if !self.could_read(now) || !self.has_room() {
            return None;
        }
        let room = self.settings.window.saturating_sub(self.held);
        let log = self.more && self.not_before.is_none_or(|due| due <= now);
        let by_itself = match self.lagging_next || !log {
            true => self.lagging.pop_front(),
            false => None,
        };
        self.lagging_next = by_itself.is_none();
        let (to, most) = (self.read, self.settings.per_lane().get().min(room));
        if let Some(nth) = by_itself {
            let lane = self.lanes.get_mut(nth)?;
            lane.stage = Stage::Loading;
            let after = lane.own.as_ref().map_or(lane.taken, |own| own.read);
            let source = Source::Lane { nth, name: lane.name.clone(), after, to, most };
            (self.reading, self.since_read) = (true, 0);
            return Some(source);
        }
        (self.reading, self.since_read) = (true, 0);
        // What comes from here on says so itself.
        (self.more, self.not_before) = (false, None);
        Some(Source::Log { after: self.read, most: CHUNK.min(room) })
    }

    /// Takes in what was read of the log: all there is up to `read`.
    pub(in crate::toolkit::process) fn take_in(&mut self, fresh: Vec<Fresh>, read: Position) {
        self.reading = false;
        for Fresh { event, aggregate, id } in fresh {
            let position = event.position;
            let name = aggregate.as_deref().unwrap_or(&event.stream);
            let known = self.lanes.find(name);
            let has_own =
                known.is_some_and(|nth| self.lanes.get(nth).is_some_and(|l| l.own.is_some()));
            if !has_own && self.was_done(position) {
                // Lanes are asked of slots that are open only.
                self.window.push(position, usize::MAX, Mark::Done);
                continue;
            }
            let nth = known.unwrap_or_else(|| {
                let before = Position::new(position.get().saturating_sub(1));
                self.lanes.add(Lane::new(name.into(), before))
            });
            self.meet(nth, event, id.map(Into::into));
        }
        self.read = self.read.max(read);
        self.window.shrink();
    }

    /// The log goes on, or may do so; or its next event is not due before.
    pub(in crate::toolkit::process) fn goes_on(&mut self, more: bool, due: Option<Timestamp>) {
        self.more |= more || due.is_some();
        self.not_before = due;
    }

    /// Whether this was done before the processor began.
    fn was_done(&mut self, position: Position) -> bool {
        while self.recovered.front().is_some_and(|(_, last)| *last < position) {
            self.recovered.pop_front();
        }
        self.recovered.front().is_some_and(|(first, _)| *first <= position)
    }

    /// An event of a lane was met in the log.
    fn meet(&mut self, nth: usize, event: RecordedEvent, id: Option<Arc<str>>) {
        let most = self.settings.per_lane().get();
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        let position = event.position;
        let before = lane.seen;
        lane.seen = before.max(position);
        if position <= lane.done || lane.is_passing() {
            return;
        }
        if lane.queued.len() >= most {
            // What is in memory stays there; the rest is read again when that is handled.
            self.detach(nth);
            self.pass_from(nth, before);
            return;
        }
        self.held += 1;
        self.bytes += size(&event);
        let slot = Some(self.window.push(position, nth, Mark::Open));
        lane.queued.push_back(Queued { event, slot, id });
        self.go_on(nth);
    }

    /// Takes in what was read of a lane's events: all there is up to `read`.
    pub(in crate::toolkit::process) fn take_in_lane(
        &mut self,
        nth: usize,
        fresh: Vec<Fresh>,
        read: Position,
    ) {
        self.reading = false;
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        for Fresh { event, id, .. } in fresh {
            if event.position > lane.taken {
                self.held += 1;
                self.bytes += size(&event);
                lane.slotless += 1;
                lane.queued.push_back(Queued { event, slot: None, id: id.map(Into::into) });
            }
        }
        let seen = lane.seen;
        if let Some(own) = &mut lane.own {
            own.read = own.read.max(read);
            if own.read >= seen {
                (own.passing, own.until) = (false, own.until.max(seen));
                self.settling.insert(nth);
            }
        }
        lane.stage = Stage::Idle;
        self.go_on(nth);
    }

    /// A lane has a checkpoint of its own from now on: it does not hold up that of all.
    pub(super) fn detach(&mut self, nth: usize) {
        let Self { lanes, window, settling, dirty, .. } = self;
        let Some(lane) = lanes.get_mut(nth) else { return };
        let mut slots = Vec::new();
        slots.extend(lane.queued.iter_mut().filter_map(|queued| queued.slot.take()));
        if let Stage::Busy(lease) = &mut lane.stage {
            slots.extend(lease.slot.take());
        }
        lane.slotless += slots.len();
        slots.into_iter().for_each(|slot| window.mark(slot, Mark::Done));
        let seen = lane.seen;
        let own = lane.own.get_or_insert_with(|| Own::new(seen));
        own.until = own.until.max(seen);
        if !own.written && !own.dirty {
            own.dirty = true;
            dirty.push(nth);
        }
        if !own.passing {
            settling.insert(nth);
        }
    }

    /// What comes behind this is read by the lane itself.
    fn pass_from(&mut self, nth: usize, read: Position) {
        self.settling.remove(&nth);
        if let Some(own) = self.lanes.get_mut(nth).and_then(|lane| lane.own.as_mut()) {
            (own.passing, own.read) = (true, read);
        }
    }

    /// A lane's events leave memory, and are read again behind what was taken of it.
    pub(super) fn release(&mut self, nth: usize) {
        self.detach(nth);
        let Some(lane) = self.lanes.get_mut(nth) else { return };
        for queued in lane.queued.drain(..) {
            lane.slotless -= 1;
            self.held -= 1;
            self.bytes -= size(&queued.event);
        }
        let taken = lane.taken;
        self.pass_from(nth, taken);
    }

    /// Makes room: who can't go on now keeps nothing in memory.
    pub(super) fn make_room(&mut self) {
        let stands = |lane: &Lane| {
            matches!(lane.stage, Stage::Busy(_) | Stage::Blocked) && !lane.queued.is_empty()
        };
        self.lanes.which(stands).into_iter().for_each(|nth| self.release(nth));
    }
}

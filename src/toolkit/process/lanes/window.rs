//! Which events between the checkpoint and the last that was read are done.

use crate::Position;
use crate::toolkit::process::documents::Range;
use std::collections::VecDeque;

/// The events that were read and hold up the checkpoint, or are done while one before them is not;
/// each has a slot, known by a number. Events that no slot is kept of are done, or belong to
/// aggregates that have a checkpoint of their own.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: VecDeque<Slot>,
    /// The number of the first.
    first: u64,
    /// How many of the first ones have to be looked at: none behind them is done.
    looked_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    position: Position,
    lane: usize,
    mark: Mark,
}

/// How far an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// It is not done.
    Open,
    /// A commit is under way that says that it is done.
    Landing,
    /// It is done, or its aggregate has a checkpoint of its own.
    Done,
}

/// How far all is done, once what is landing has landed.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Reach {
    /// Everything up to here is.
    pub(super) low: Position,
    /// So is what lies in these behind it.
    pub(super) done: Vec<Range>,
    /// How many slots these have.
    pub(super) ahead: usize,
    /// The aggregate of the first event that is not done.
    pub(super) held_by: Option<usize>,
}

impl Window {
    /// A slot for the next event, of this lane.
    pub(super) fn push(&mut self, position: Position, lane: usize, mark: Mark) -> u64 {
        self.slots.push_back(Slot { position, lane, mark });
        if mark != Mark::Open {
            self.looked_at = self.slots.len();
        }
        self.first + number(self.slots.len() - 1)
    }

    /// Says how far the event of a slot is. One that is gone was done.
    pub(super) fn mark(&mut self, slot: u64, mark: Mark) {
        let Some(nth) = slot.checked_sub(self.first).and_then(|nth| usize::try_from(nth).ok())
        else {
            return;
        };
        if let Some(slot) = self.slots.get_mut(nth) {
            slot.mark = mark;
            if mark != Mark::Open {
                self.looked_at = self.looked_at.max(nth + 1);
            }
        }
    }

    /// How far all is done, if events were read up to `read`.
    pub(super) fn reach(&self, read: Position) -> Reach {
        let mut found = Reach { low: read, done: Vec::new(), ahead: 0, held_by: None };
        let mut last_done = false;
        // One behind those that may be done is not.
        for slot in self.slots.iter().take(self.looked_at + 1) {
            let is_done = slot.mark != Mark::Open;
            if !is_done && found.held_by.is_none() {
                found.low = Position::new(slot.position.get().saturating_sub(1));
                found.held_by = Some(slot.lane);
            }
            if is_done && found.held_by.is_some() {
                found.ahead += 1;
                match found.done.last_mut().filter(|_| last_done) {
                    Some((_, last)) => *last = slot.position,
                    None => found.done.push((slot.position, slot.position)),
                }
            }
            last_done = is_done;
        }
        found
    }

    /// Forgets the slots of the first ones that are done.
    pub(super) fn shrink(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.mark == Mark::Done) {
            self.slots.pop_front();
            self.first += 1;
            self.looked_at = self.looked_at.saturating_sub(1);
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(number: u64) -> Position {
        Position::new(number)
    }

    #[test]
    fn the_reach_is_what_is_done_from_the_beginning_and_ranges_behind_it() {
        let mut window = Window::default();
        let slots: Vec<u64> =
            [3, 5, 6, 9, 12].map(|at| window.push(position(at), 7, Mark::Open)).to_vec();
        let reach = |window: &Window| {
            let Reach { low, done, ahead, .. } = window.reach(position(20));
            let done: Vec<_> = done.iter().map(|(a, b)| (a.get(), b.get())).collect();
            (low.get(), done, ahead)
        };
        assert_eq!(reach(&window), (2, vec![], 0));
        window.mark(slots[1], Mark::Landing);
        window.mark(slots[2], Mark::Done);
        assert_eq!(reach(&window), (2, vec![(5, 6)], 2));
        window.mark(slots[4], Mark::Done);
        assert_eq!(reach(&window), (2, vec![(5, 6), (12, 12)], 3));
        window.mark(slots[0], Mark::Done);
        assert_eq!(reach(&window), (8, vec![(12, 12)], 1));
        // What is landing may come back.
        window.shrink();
        window.mark(slots[1], Mark::Open);
        assert_eq!(reach(&window), (4, vec![(6, 6), (12, 12)], 2));
        window.mark(slots[1], Mark::Done);
        window.mark(slots[3], Mark::Done);
        window.shrink();
        assert_eq!(reach(&window), (20, vec![], 0));
        window.mark(slots[3], Mark::Open);
        assert_eq!(window.push(position(21), 7, Mark::Open), slots[4] + 1);
        assert_eq!(reach(&window), (20, vec![], 0));
    }
}

//! The events of one aggregate, and what is known of them.

use crate::toolkit::process::settings::Settings;
use crate::{Position, RecordedEvent, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// A lane: an aggregate of which something has to be known.
pub(super) struct Lane {
    pub(super) name: Arc<str>,
    /// Its events in memory that were not handed out, in order.
    pub(super) queued: VecDeque<Queued>,
    pub(super) stage: Stage,
    /// Its events up to here are done, as committed.
    pub(super) done: Position,
    /// The same, once the commit that is under way has landed.
    pub(super) planned: Position,
    /// Its events up to here were handed out, or are done.
    pub(super) taken: Position,
    /// The last event of it that was met.
    pub(super) seen: Position,
    /// Events of it that are done, but not committed, and what was said of it by hand.
    pub(super) uncommitted: usize,
    /// Events of it, from queued to uncommitted, that have no slot in the window.
    pub(super) slotless: usize,
    /// Attempts at its next event.
    pub(super) attempts: u32,
    pub(super) own: Option<Own>,
}

/// A checkpoint of its own.
pub(super) struct Own {
    /// Its events are not kept when they are met in the log: it reads them by itself.
    pub(super) passing: bool,
    /// Up to here it has.
    pub(super) read: Position,
    /// What comes behind this has slots in the window.
    pub(super) until: Position,
    /// Whether the store has it.
    pub(super) written: bool,
    /// Whether it is among those that have to be written.
    pub(super) dirty: bool,
}

/// What a lane is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Nothing, for now.
    Idle,
    /// Its next event can be handed out.
    Ready,
    /// Its events have to be read by themselves.
    Lagging,
    /// They are being read.
    Loading,
    /// Somebody handles an event of it.
    Busy(Lease),
    /// Its event is done, and brings something about that has to be committed first.
    Landing,
    /// Its event failed, and is tried again then.
    Resting(Timestamp),
    /// Its next event is known by the same as one that is being handled.
    Blocked,
    /// Its event failed for good. Whether somebody has said already what is to become of it.
    Parked { position: Position, asked: bool },
}

/// The right to handle an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lease {
    pub(super) token: u64,
    pub(super) position: Position,
    pub(super) slot: Option<u64>,
    pub(super) id: Option<Arc<str>>,
    pub(super) expires: Option<Timestamp>,
}

/// An event in memory.
pub(super) struct Queued {
    pub(super) event: RecordedEvent,
    pub(super) slot: Option<u64>,
    pub(super) id: Option<Arc<str>>,
}

impl Lane {
    /// A lane whose events up to here are done.
    pub(super) fn new(name: Arc<str>, done: Position) -> Self {
        Self {
            name,
            queued: VecDeque::new(),
            stage: Stage::Idle,
            done,
            planned: done,
            taken: done,
            seen: done,
            uncommitted: 0,
            slotless: 0,
            attempts: 0,
            own: None,
        }
    }

    /// Whether its events have to be read by themselves.
    pub(super) fn is_passing(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.passing)
    }

    /// Whether nothing is left to do for it that anybody could do.
    pub(super) fn is_settled(&self) -> bool {
        match self.stage {
            Stage::Parked { .. } => self.uncommitted == 0,
            Stage::Idle => !self.is_passing() && self.uncommitted == 0,
            _ => false,
        }
    }

    /// Whether the checkpoint of all, at `low`, speaks for it again.
    pub(super) fn is_caught_up(&self, low: Position) -> bool {
        let parked = matches!(self.stage, Stage::Parked { .. });
        let own = self.own.as_ref();
        let at = own.is_some_and(|own| !own.passing && low >= own.until);
        at && self.slotless == 0 && !parked
    }
}

impl Own {
    /// One that the store has, at `at`.
    pub(super) fn kept(at: Position, passing: bool, until: Position) -> Self {
        Self { passing, read: at, until, written: true, dirty: false }
    }

    /// One that the store does not have yet.
    pub(super) fn new(until: Position) -> Self {
        Self { passing: false, read: until, until, written: false, dirty: false }
    }
}

/// Bytes that an event takes in memory, nearly.
pub(super) fn size(event: &RecordedEvent) -> usize {
    event.payload.len() + event.metadata.as_ref().map_or(0, Vec::len)
}

impl Settings {
    /// When what failed so often is tried again; nothing if it is not.
    pub(super) fn again_at(&self, now: Timestamp, attempts: u32) -> Option<Timestamp> {
        self.retry.pause(attempts).map(|rest| later(now, rest))
    }
}

/// The moment so long after another.
pub(in crate::toolkit::process) fn later(now: Timestamp, by: std::time::Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_add(micros))
}

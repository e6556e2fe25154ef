//! Views: a fixed log offset that a reader looks at.

use super::core::Core;
use super::writer::{Engine, Mode};
use crate::log::SegmentList;
use crate::words::{Error, LogOffset, Position};
use std::sync::Arc;

/// What a reader looks at: the log up to a fixed offset. Later commits don't change it.
#[derive(Clone)]
pub struct View {
    /// What reading needs.
    pub core: Arc<Core>,
    /// The segments as they are now.
    pub segments: SegmentList,
    /// Its end.
    pub end: LogOffset,
    /// The last position in it.
    pub head: Position,
    /// Bytes below it may be borrowed from the map.
    pub watermark: LogOffset,
}

impl Engine {
    /// What is visible now. After a failed write or sync, that is what was synced.
    pub fn view(&self) -> Result<View, Error> {
        if let Mode::Follow(follow) = &self.mode {
            let refreshed = follow.refresh(&self.core);
            self.core.bell.call();
            refreshed?;
        }
        let state = self.core.flow.lock();
        if state.closed {
            return Err(Error::closed());
        }
        let (mut end, mut head) = state.visible;
        let segments = state.segments.clone();
        let (synced, poisoned) = (state.synced, state.poisoned);
        drop(state);
        if poisoned && end > synced {
            (end, head) = (synced, self.core.tail.offsets().last_before(synced, head));
        }
        Ok(View { core: self.core.clone(), segments, end, head, watermark: self.core.watermark() })
    }
}

impl View {
    /// An error if what stands here was not synced when a write or sync failed. Nobody knows what
    /// it is now.
    pub fn check_known(&self, at: LogOffset) -> Result<(), Error> {
        if at >= self.watermark && self.core.is_poisoned() && at >= self.core.watermark() {
            return Err(Error::outcome_unknown());
        }
        Ok(())
    }
}

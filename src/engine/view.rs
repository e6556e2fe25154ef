//! Views: a fixed log offset that a reader looks at.

use super::core::Core;
use super::writer::{Engine, Mode};
use crate::format::{TermHash, index, u64_of};
use crate::index::{RunError, Sources};
use crate::log::{Fetch, Located, SegmentList};
use crate::words::{Corruption, Error, Event, LogOffset, Position, Version};
use std::sync::Arc;

/// What a reader looks at: the log up to a fixed offset. Later commits don't change it.
#[derive(Clone)]
pub struct View {
    /// What reading needs.
    pub core: Arc<Core>,
    /// The parts of the index as they are now.
    pub sources: Arc<Sources>,
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
        // Taken later: what is visible is in the index.
        let sources = self.core.index.sources();
        if poisoned && end > synced {
            (end, head) = (synced, sources.last_before(synced, head));
        }
        let watermark = self.core.watermark();
        Ok(View { core: self.core.clone(), sources, segments, end, head, watermark })
    }
}

impl View {
    /// Asks the index. A run that is damaged, or gone from its place, does not answer; then one
    /// that stands for it does.
    pub fn ask<T>(
        &self,
        mut question: impl FnMut(&Sources) -> Result<T, RunError>,
    ) -> Result<T, Error> {
        match question(&self.sources) {
            Ok(answer) => Ok(answer),
            Err(error) => self.core.ask_again(error, question),
        }
    }

    /// Where the event with this position is.
    pub fn place(&self, position: Position) -> Result<Option<Located>, Error> {
        let at = self.ask(|sources| sources.locate(position))?;
        if at.is_none() && position >= self.sources.first() && position <= self.head {
            return Err(missing(position));
        }
        Ok(at.map(|at| Located { position, at }))
    }

    /// The event at this place, lent by who gets it.
    pub fn event<'f>(&self, fetch: &'f mut Fetch, place: Located) -> Result<Event<'f>, Error> {
        if !fetch.is_in_segment(place.at) {
            self.core.know_segment(&self.segments, place.at)?;
        }
        self.check_known(place.at)?;
        let event = fetch.event(place, self.watermark);
        event.map_err(|error| self.core.fetch_error(error))
    }

    /// Where the events with these positions are, both ends included.
    pub fn places(&self, (from, to): (u64, u64)) -> Result<Vec<Located>, Error> {
        let mut offsets = Vec::new();
        let mut next = from;
        while next <= to {
            let most = index(to.saturating_sub(next).saturating_add(1));
            let found = self.ask(|sources| {
                let mut found = Vec::new();
                sources.locate_from(Position::new(next), most, &mut found)?;
                Ok(found)
            })?;
            if found.is_empty() {
                return Err(missing(Position::new(next)));
            }
            offsets.extend(found);
            next = from.saturating_add(u64_of(offsets.len()));
        }
        let located = |(nth, at)| Located { position: Position::new(nth), at };
        Ok((from..).zip(offsets).map(located).collect())
    }

    /// The positions of these versions of a stream, by the hash of its name, both ends included.
    pub fn versions(&self, name: TermHash, (from, to): (u64, u64)) -> Result<Vec<u64>, Error> {
        let range = (Version::new(from), Version::new(to));
        let most = index(to.saturating_sub(from).saturating_add(1));
        let positions = self.ask(|sources| {
            let mut positions = Vec::new();
            sources.versions(name, range, most, &mut positions)?;
            Ok(positions)
        })?;
        match positions.len() < most {
            true => Err(missing(positions.last().map_or(self.head, |last| Position::new(*last)))),
            false => Ok(positions),
        }
    }

    /// An error if what stands here was not synced when a write or sync failed. Nobody knows what
    /// it is now.
    fn check_known(&self, at: LogOffset) -> Result<(), Error> {
        if at >= self.watermark && self.core.is_poisoned() && at >= self.core.watermark() {
            return Err(Error::outcome_unknown());
        }
        Ok(())
    }
}

/// What is within the view has to be found; that it is not must never pass for the end.
#[cold]
fn missing(near: Position) -> Error {
    Error::corrupt(Corruption {
        file_offset: None,
        log_offset: None,
        intact_to: Some(near.previous()),
        what: format!("the index does not know what is at or near position {near}"),
    })
}

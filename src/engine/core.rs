//! What every handle, cursor and view of a store shares.

use super::bell::{Bell, Ring};
use super::examine::header_damage;
use super::flow::Flow;
use super::sync::Gate;
use crate::format::{FRAME_LEN, FileKey, Identity, PAGE, SegmentRef, TermHash};
use crate::index::{Index, Reach};
use crate::log::{Fetch, FetchError, SegmentList};
use crate::storage::Storage;
use crate::threads::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::threads::{Hint, Mutex};
use crate::words::{Corruption, Error, LogOffset, Position};
use std::sync::Arc;

/// What reading needs. It outlives `close()` as long as somebody reads.
pub struct Core {
    /// The device.
    pub storage: Arc<dyn Storage>,
    /// Which store it is.
    pub identity: Identity,
    /// What is where.
    pub index: Index,
    /// How the pages of runs are reached.
    pub reach: Arc<Reach>,
    /// Held by whoever makes a damaged run anew.
    pub healing: Mutex<()>,
    /// Runs that were found damaged and made anew.
    pub healed: Hint,
    /// What is visible.
    pub flow: Flow,
    /// Who waits for more.
    pub bell: Bell,
    /// One sync at a time.
    pub gate: Gate,
    /// `flow.synced`, for readers: below it the map may be borrowed.
    watermark: AtomicU64,
    /// `flow.poisoned`, for readers.
    poisoned: AtomicBool,
}

impl Core {
    /// The core of a store of which the log up to `end` is there and visible, and up to `synced`
    /// durable.
    pub fn new(
        storage: Arc<dyn Storage>,
        identity: Identity,
        (index, reach): (Index, Arc<Reach>),
        (end, head, synced): (LogOffset, Position, LogOffset),
        segments: SegmentList,
    ) -> Self {
        Self {
            storage,
            identity,
            index,
            reach,
            healing: Mutex::new(()),
            healed: Hint::new(0),
            flow: Flow::new((end, head, synced), segments),
            bell: Bell::default(),
            gate: Gate::default(),
            watermark: AtomicU64::new(synced.get()),
            poisoned: AtomicBool::new(false),
        }
    }

    /// The keyed hash of a name.
    pub fn hash(&self, name: &str) -> TermHash {
        self.identity.key.term(name.as_bytes())
    }

    /// Everything before it is synced, and never changes again.
    pub fn watermark(&self) -> LogOffset {
        LogOffset::new(self.watermark.load(Ordering::Acquire))
    }

    /// Whether a write or sync has failed.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Everything before `end` is synced.
    pub fn publish_synced(&self, end: LogOffset) {
        let (grown, head) = {
            let mut state = self.flow.lock();
            let before = state.synced;
            let is_more = state.set_synced(end).is_some();
            // Release pairs with the acquire of readers: who sees the watermark sees the bytes
            // below it.
            self.watermark.fetch_max(state.synced.get(), Ordering::Release);
            (is_more || state.synced > before, state.visible.1)
        };
        if grown {
            self.bell.ring(Ring::Synced(head));
        }
    }

    /// Everything before `end` is written.
    pub fn publish_written(&self, end: LogOffset) {
        let head = self.flow.lock().set_written(end);
        if let Some(head) = head {
            self.bell.ring(Ring::Visible(head));
        }
    }

    /// A write or sync has failed: whatever is not synced is unknown from now on.
    pub fn poison(&self) {
        self.flow.lock().poisoned = true;
        self.poisoned.store(true, Ordering::Release);
        self.bell.ring(Ring::Ended);
    }

    /// An error if there is nothing to wait for any more.
    pub fn check_waitable(&self) -> Result<(), Error> {
        self.flow.lock().check_writable()
    }

    /// The last position that is synced.
    pub fn durable(&self) -> Position {
        let (synced, visible) = {
            let state = self.flow.lock();
            (state.synced, state.visible)
        };
        if synced >= visible.0 && !self.is_poisoned() {
            return visible.1;
        }
        self.index.sources().last_before(synced, Position::MAX)
    }

    /// Makes the segment known that holds this place of the log, if it is one of the older ones.
    /// The run that indexes the place says where it is; where that is not so, all headers do.
    pub fn know_segment(&self, segments: &SegmentList, at: LogOffset) -> Result<(), Error> {
        if segments.knows(at) {
            return Ok(());
        }
        let place = self.ask(&self.index.sources(), |sources| sources.segment(at))?;
        place.into_iter().for_each(|place| segments.know(place));
        if !segments.knows(at) {
            self.all_segments(segments)?;
        }
        Ok(())
    }

    /// All segments of these; each is known from then on.
    pub fn all_segments(&self, segments: &SegmentList) -> Result<Vec<SegmentRef>, Error> {
        all_segments(&*self.storage, &self.identity.key, segments)
    }

    /// A reader of events, with so many bytes at a time where it can't map.
    pub fn fetch(&self, segments: SegmentList, ahead: usize) -> Fetch {
        Fetch::new(self.storage.clone(), self.identity, segments, ahead)
    }

    /// What a failed fetch is to a user.
    pub fn fetch_error(&self, error: FetchError) -> Error {
        match error {
            FetchError::Io(source) => Error::io("reading an event failed", source),
            FetchError::Damaged { position, at, file_offset } => Error::corrupt(Corruption {
                file_offset,
                log_offset: Some(at),
                intact_to: position.map(Position::previous),
                what: match position {
                    Some(position) => {
                        format!("the record of position {position} fails its check")
                    }
                    None => "the record of a document fails its check".to_owned(),
                },
            }),
        }
    }
}

/// See [`Core::all_segments`].
pub fn all_segments(
    storage: &dyn Storage,
    key: &FileKey,
    segments: &SegmentList,
) -> Result<Vec<SegmentRef>, Error> {
    let all = segments.all(storage, key);
    let all = all.map_err(|error| Error::io("reading the headers of segments failed", error))?;
    all.map_err(|place| Error::corrupt(header_damage(place)))
}

/// Read at once where a cursor goes forward without a map.
pub const READ_AHEAD: usize = 1 << 16;
/// Read at once where single events are looked up without a map.
pub const READ_ONE: usize = 4_096;

const _: () = assert!(READ_ONE > FRAME_LEN && PAGE == 4_096);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::quiet;
    use crate::engine::{Engine, Settings};
    use crate::storage::MemoryStorage;
    use crate::words::{Commit, ExpectedVersion, NewEvent};

    #[test]
    fn an_older_segment_that_no_run_names_is_found_by_the_headers() {
        let settings = Settings { segment_min: 2 * PAGE, segment_max: 2 * PAGE, ..quiet() };
        let engine = Engine::open(Arc::new(MemoryStorage::new()), settings).unwrap();
        for _ in 0..4 {
            let event = NewEvent::new("Noted", vec![7; 5_000]);
            engine.commit(&Commit::new().append("a", ExpectedVersion::Any, [event])).unwrap();
        }
        let all: Vec<SegmentRef> = engine.view().unwrap().segments.iter().copied().collect();
        let (last, older) = all.split_last().unwrap();
        assert!(older.len() >= 3);
        let known = SegmentList::new([*last]);
        for place in older {
            let at = place.log_offset.plus(64);
            engine.core.know_segment(&known, at).unwrap();
            assert_eq!(known.find(at).map(|segment| segment.place), Some(*place));
        }
        // What is known needs no header.
        engine.core.storage.write_at(&[0; 64], older[0].extent.file_offset).unwrap();
        engine.core.know_segment(&known, older[0].log_offset.plus(64)).unwrap();
    }
}

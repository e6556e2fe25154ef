//! Names of the log that can't be borrowed from a map.

use super::super::Segment;
use crate::format::{FileKey, NAME_HEAD_LEN, NameRecord, SegmentRef, index};
use crate::storage::{Storage, read_full};
use crate::words::{Corruption, Error, Limit, LogOffset, Position};
use std::collections::BTreeMap;
use std::io;

/// Names of one segment, copied and checked. Each cursor has its own.
#[derive(Default)]
pub(super) struct NameCache {
    segment: SegmentRef,
    /// Of each its place in `texts`, and its bytes.
    places: BTreeMap<u32, (usize, usize)>,
    texts: String,
    /// Room for a record.
    record: Vec<u8>,
}

/// Names that are kept.
const MOST: usize = 4_096;
/// What is copied first of a name: most are no longer.
const SOME: usize = 64;

impl NameCache {
    /// From now on it is asked for names of this segment.
    pub(super) fn go_to(&mut self, segment: &Segment) {
        if self.segment != segment.place || self.places.len() > MOST {
            self.places.clear();
            self.texts.clear();
            self.segment = segment.place;
        }
    }

    /// Whether there is a name at this distance from the segment's first byte. If so, it can be had
    /// from now on.
    pub(super) fn know(
        &mut self,
        segment: &Segment,
        reference: u32,
        storage: &dyn Storage,
        key: &FileKey,
    ) -> io::Result<bool> {
        if self.places.contains_key(&reference) {
            return Ok(true);
        }
        let at = segment.place.log_offset.plus(u64::from(reference));
        if !segment.place.contains(at) {
            return Ok(false);
        }
        let longest = NAME_HEAD_LEN + index(Limit::Name.allowed());
        let most = index(segment.place.log_end().since(at)).min(longest);
        for length in [SOME.min(most), most] {
            self.record.clear();
            segment.copy(storage, at, length, &mut self.record);
            if self.add(reference, at, key) {
                return Ok(true);
            }
        }
        self.record.resize(most, 0);
        let read = read_full(storage, &mut self.record, segment.place.file_offset(at))?;
        self.record.truncate(read);
        Ok(self.add(reference, at, key))
    }

    /// The name there, if [`NameCache::know`] has found it.
    pub(super) fn name(&self, reference: u32) -> Option<&str> {
        let (at, length) = *self.places.get(&reference)?;
        self.texts.get(at..at + length)
    }

    /// Adds the name that stands in `record`, if it passes its check.
    fn add(&mut self, reference: u32, at: LogOffset, key: &FileKey) -> bool {
        let Some(name) = NameRecord::parse(&self.record) else { return false };
        if name.check(at, key).is_none() {
            return false;
        }
        self.places.insert(reference, (self.texts.len(), name.text.len()));
        self.texts.push_str(name.text);
        true
    }
}

/// What is said of a name that `position` refers to, and that is not there or fails its check.
#[cold]
pub(super) fn damaged_name(place: Option<SegmentRef>, reference: u32, position: Position) -> Error {
    let at = place.map(|place| place.log_offset.plus(u64::from(reference)));
    let at = at.filter(|at| place.is_some_and(|place| place.contains(*at)));
    Error::corrupt(Corruption {
        file_offset: place.zip(at).map(|(place, at)| place.file_offset(at)),
        log_offset: at,
        intact_to: Some(position.previous()),
        what: format!("a name of position {position} fails its check"),
    })
}

//! Names by where they stand. Each is whole by its own check, whatever became of its frame, but for
//! those of frames that were discarded.

use super::judge::{Log, Room};
use super::reader::Reader;
use crate::format::{FileKey, NAME_HEAD_LEN, NameRecord, RawEvent, index};
use crate::words::{Limit, LogOffset};
use std::collections::HashMap;

/// Bytes of names that are kept.
const MOST: usize = 4 << 20;
/// What one name takes beside its text.
const EACH: usize = 64;

/// Names of one segment, read when they are asked for.
pub struct Names<'a> {
    log: &'a Log,
    reader: Reader,
    key: FileKey,
    /// The segment that they are of.
    segment: Option<LogOffset>,
    /// Nothing where there is no name that passes its check.
    known: HashMap<u32, Option<Box<str>>>,
    bytes: usize,
}

impl<'a> Names<'a> {
    /// Names of this log, under this key.
    pub fn new(log: &'a Log, reader: Reader, key: FileKey) -> Self {
        Self { log, reader, key, segment: None, known: HashMap::new(), bytes: 0 }
    }

    /// The name at this distance from the segment's first byte; nothing if none passes its check
    /// there, or if it does not stand before the event at `at`.
    pub fn get(&mut self, room: &Room, reference: u32, at: LogOffset) -> Option<&str> {
        if self.segment != Some(room.log_offset) || self.bytes > MOST {
            self.known.clear();
            (self.segment, self.bytes) = (Some(room.log_offset), 0);
        }
        if !self.known.contains_key(&reference) {
            let name = self.read(room, reference);
            self.bytes += EACH + name.as_ref().map_or(0, |name| name.len());
            self.known.insert(reference, name);
        }
        let before = room.log_offset.plus(u64::from(reference)) < at;
        self.known.get(&reference)?.as_deref().filter(|_| before)
    }

    /// Where the first name should stand that an event refers to and that is not there.
    pub fn missing(
        &mut self,
        room: &Room,
        event: &RawEvent<'_>,
        at: LogOffset,
    ) -> Option<LogOffset> {
        let missing = event.names().find(|reference| self.get(room, *reference, at).is_none());
        missing.map(|reference| room.log_offset.plus(u64::from(reference)))
    }

    fn read(&mut self, room: &Room, reference: u32) -> Option<Box<str>> {
        let at = room.log_offset.plus(u64::from(reference));
        if self.log.is_discarded(at) {
            return None;
        }
        let file_offset = room.file_offset_of(at)?;
        let longest = NAME_HEAD_LEN + index(Limit::Name.allowed());
        let left = index(room.file_end.saturating_sub(file_offset));
        let bytes = self.reader.get(file_offset, longest.min(left));
        let name = NameRecord::parse(bytes).filter(|name| name.check(at, &self.key).is_some())?;
        Some(name.text.into())
    }
}

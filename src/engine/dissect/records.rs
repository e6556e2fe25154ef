//! A byte of a record.

use super::log::{Inside, back};
use crate::format::dissect::{piece, record};
use crate::format::{FileKey, NAME_HEAD_LEN, NameRecord, RawEvent, Record, index, u64_of};
use crate::log::{SegmentList, Window};
use crate::words::{Limit, LogOffset, Position, Structure};
use std::io;

/// Bytes of a record from which its length can be told.
const HEAD: usize = 1 << 11;
/// Bytes of what may be records that are looked at.
const LOOKED_AT: usize = 1 << 26;
/// A frame has no more events.
const EVENTS: u64 = 1 << 16;

impl Inside<'_> {
    /// Walks over the records from one log offset up to another, to the one that has the byte; the
    /// first event has this position.
    pub fn records(
        &mut self,
        (mut at, end): (LogOffset, LogOffset),
        first: Position,
    ) -> io::Result<Vec<Structure>> {
        let mut position = first;
        while at < end {
            let left = index(end.since(at));
            let head = self.bytes(at, HEAD.min(left))?;
            let length = Record::len_hint(head).filter(|length| *length <= left.min(most()));
            let Some(length) = length else { break };
            let is_event = RawEvent::distance_of(head).is_some();
            let behind = at.plus(u64_of(length));
            if behind > self.target {
                let found = self.record(at, length, position)?;
                if found.is_empty() {
                    break;
                }
                return Ok(found);
            }
            if is_event {
                position = position.next().unwrap_or(position);
            }
            at = behind;
        }
        let mut found = piece("record", self.spot(at), end.since(at).max(1));
        found.wrong.push("no record begins here".to_owned());
        Ok(vec![found])
    }

    /// The record here, of this length; nothing if it is none.
    fn record(
        &mut self,
        at: LogOffset,
        length: usize,
        position: Position,
    ) -> io::Result<Vec<Structure>> {
        let (key, spot) = (*self.key, self.spot(at));
        let within = index(self.target.since(at));
        let mut names = Names::of(self);
        let bytes = self.bytes(at, length)?;
        let name_of = &mut |reference| names.text(reference);
        Ok(record(bytes, (spot, position), within, &key, name_of).unwrap_or_default())
    }

    /// The nearest record before the byte that has it and passes its check, where no frame leads
    /// there: a document or name, or an event with a position from this one on.
    pub fn lone_record(
        &mut self,
        (from, next): (LogOffset, Position),
    ) -> io::Result<Vec<Structure>> {
        let (key, target) = (*self.key, self.target);
        let (first, bytes) = self.around(from)?;
        let mut looked_at = 0;
        for at in back(first, target) {
            let here = bytes.get(index(at.since(first))..).unwrap_or_default();
            let length = Record::len_hint(here).filter(|length| *length <= here.len());
            let Some(length) = length.filter(|length| at.plus(u64_of(*length)) > target) else {
                continue;
            };
            looked_at += length;
            if looked_at > LOOKED_AT {
                break;
            }
            let position = match Record::parse(here) {
                Some(Record::Name(name)) => name.check(at, &key).map(|_| Position::START),
                Some(Record::Document(document)) => {
                    document.check(at, &key).map(|_| Position::START)
                }
                Some(Record::Event(event)) => event.find_position(at, (next, EVENTS), &key),
                None => None,
            };
            if let Some(position) = position {
                let mut found = self.record(at, length, position)?;
                if let Some(record) = found.first_mut() {
                    record.notes.push("found by its own check".to_owned());
                }
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// No record has more bytes.
fn most() -> usize {
    let event = Limit::Payload.allowed().saturating_add(Limit::Metadata.allowed());
    index(event.max(Limit::Value.allowed())).saturating_add(HEAD)
}

/// The names of a segment, each read where it stands.
struct Names<'a> {
    key: &'a FileKey,
    list: SegmentList,
    begin: LogOffset,
    window: Window,
}

impl<'a> Names<'a> {
    fn of(inside: &Inside<'a>) -> Self {
        let window = Window::new(inside.window.storage().clone(), 0);
        Self { key: inside.key, list: inside.list.clone(), begin: inside.place.log_offset, window }
    }

    fn text(&mut self, reference: u32) -> Option<String> {
        let at = self.begin.plus(u64::from(reference));
        let most = NAME_HEAD_LEN + index(Limit::Name.allowed());
        let bytes = self.window.get(&self.list, at, most).ok()?;
        let name = NameRecord::parse(bytes)?;
        name.check(at, self.key).map(|_| name.text.to_owned())
    }
}

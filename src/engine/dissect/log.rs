//! A byte of a segment: the frame or stub that has it, found by walking, or by looking back where
//! something before it is damaged.

use super::find::{Dissector, read};
use crate::format::dissect::{Spot, frame, piece, segment, stub};
use crate::format::index;
use crate::format::{
    FRAME_LEN, FileKey, FrameHeader, FrameKind, SEGMENT_HEADER_LEN, STUB_LEN, SegmentRef, Stub,
    u64_of,
};
use crate::log::{SegmentList, Window};
use crate::words::{LogOffset, Position, Structure};
use std::io;

/// Bytes of the log that are read at once.
const AHEAD: usize = 1 << 16;
/// So far before a byte, and behind it, is looked where no frame leads there.
const AROUND: u64 = 1 << 20;

/// A segment that is looked into.
pub struct Inside<'a> {
    pub key: &'a FileKey,
    pub place: SegmentRef,
    pub list: SegmentList,
    pub window: Window,
    /// The byte that is looked for.
    pub target: LogOffset,
    /// Where in the segment the file ends.
    pub end: LogOffset,
    /// Up to where the slot says that the log was synced.
    pub synced: LogOffset,
}

impl Dissector<'_> {
    /// The segment at this place.
    pub fn segment(&self, key: &FileKey, place: SegmentRef) -> io::Result<Vec<Structure>> {
        let header = read(&**self.storage, place.extent.file_offset, SEGMENT_HEADER_LEN)?;
        let mut found = vec![segment(&header, &place, key)];
        let target = place.log_offset.plus(self.at - place.extent.file_offset);
        if target < place.first_frame() {
            return Ok(found);
        }
        let there = self.there(place.extent.file_offset, place.extent.end());
        let mut inside = Inside {
            key,
            place,
            list: SegmentList::new([place]),
            window: Window::new(self.storage.clone(), AHEAD),
            target,
            end: place.log_offset.plus(there),
            synced: self.known.slot.as_ref().map_or(LogOffset::ZERO, |slot| slot.watermark),
        };
        found.extend(inside.frames()?);
        Ok(found)
    }
}

impl Inside<'_> {
    pub fn spot(&self, at: LogOffset) -> Spot {
        Spot { file_offset: self.place.file_offset(at), log_offset: Some(at) }
    }

    pub fn bytes(&mut self, at: LogOffset, length: usize) -> io::Result<&[u8]> {
        self.window.get(&self.list, at, length)
    }

    /// Walks from the segment's first frame to the one that has the byte.
    fn frames(&mut self) -> io::Result<Vec<Structure>> {
        let (mut at, mut next) = (self.place.first_frame(), None);
        loop {
            let (key, end) = (*self.key, self.end);
            let header = FrameHeader::decode(self.bytes(at, FRAME_LEN)?, at, &key);
            let Some((header, _)) = header.filter(|(header, _)| header.end() <= end) else {
                return self.behind(at, next);
            };
            if header.end() > self.target {
                return self.frame(at, header.first);
            }
            if let FrameKind::End { .. } = header.kind {
                let note = "behind the end record: it belongs to no frame";
                return Ok(vec![self.rest(header.end(), note)]);
            }
            (at, next) = (header.end(), Some(header.next()));
        }
    }

    /// The frame that stands here, whose first event has this position, and what of it has the
    /// byte.
    fn frame(&mut self, at: LogOffset, first: Position) -> io::Result<Vec<Structure>> {
        let (key, spot, room) = (*self.key, self.spot(at), self.room(at));
        let bytes = self.bytes(at, FRAME_LEN)?;
        let outer = frame(bytes, spot, room, &key);
        let padding = FrameHeader::padding_of(bytes);
        let end = at.plus(outer.length);
        let records = at.plus(u64_of(FRAME_LEN));
        let mut found = vec![outer];
        if self.target < records {
            return Ok(found);
        }
        let records_end = end.minus(u64::from(padding)).unwrap_or(end).max(records);
        if self.target >= records_end {
            found.push(piece("padding", self.spot(records_end), end.since(records_end)));
            return Ok(found);
        }
        found.extend(self.records((records, records_end), first)?);
        Ok(found)
    }

    /// What has the byte, where no valid frame stands at `at`, to which the walk came: the frame
    /// before ends there, if there is one, and `next` is the position behind it.
    fn behind(&mut self, at: LogOffset, next: Option<Position>) -> io::Result<Vec<Structure>> {
        let (key, spot) = (*self.key, self.spot(at));
        let bytes = self.bytes(at, FRAME_LEN)?.to_vec();
        let distance = self.target.since(at);
        let is_stub = Stub::decode(&bytes, at, &key).is_some();
        let looks_like_stub = is_stub || Stub::looks_like(&bytes);
        let is_used = bytes.iter().any(|byte| *byte != 0);
        if looks_like_stub && distance < u64_of(STUB_LEN) {
            let mut found = stub(&bytes, spot, &key);
            found.notes.push("the log ends here".to_owned());
            return Ok(vec![found]);
        }
        if is_used && !looks_like_stub && distance < u64_of(FRAME_LEN) {
            let mut found = frame(&bytes, spot, self.room(at), &key);
            found.notes.push("no valid frame stands where the next one would".to_owned());
            // What its damaged header says of its length may be a lie.
            return Ok(vec![found]);
        }
        if let Some(found) = self.look_back(at)? {
            return Ok(found);
        }
        let first = next.unwrap_or(Position::new(1));
        // The header is damaged; its records may be whole, and lead to one another.
        if is_used && FrameHeader::looks_like(&bytes) {
            let said = frame(&bytes, spot, self.room(at), &key);
            if self.target < at.plus(said.length) {
                let mut found = self.frame(at, first)?;
                if let Some(frame) = found.first_mut() {
                    let note = "its header is damaged: what it says may be wrong";
                    frame.notes.push(note.to_owned());
                }
                return Ok(found);
            }
        }
        let at = if is_stub { at.plus(u64_of(STUB_LEN)) } else { at };
        let mut outer = self.rest(at, "no valid frame leads here");
        if at < self.synced {
            let synced = self.synced.get();
            outer.wrong.push(format!("a slot says that the log was synced up to {synced}"));
        }
        let inner = self.lone_record((at, first))?;
        Ok([outer].into_iter().chain(inner).collect())
    }

    /// The nearest frame or stub before the byte that has it, though the walk did not come to it.
    fn look_back(&mut self, from: LogOffset) -> io::Result<Option<Vec<Structure>>> {
        let (key, end, target) = (*self.key, self.end, self.target);
        let note = format!("the walk ended before, at log offset {}", from.get());
        let (first, bytes) = self.around(from)?;
        for at in back(first, target) {
            let here = bytes.get(index(at.since(first))..).unwrap_or_default();
            if Stub::decode(here, at, &key).is_some() {
                if target.since(at) >= u64_of(STUB_LEN) {
                    continue;
                }
                let mut found = stub(here, self.spot(at), &key);
                found.notes.push(note);
                return Ok(Some(vec![found]));
            }
            let header = FrameHeader::decode(here, at, &key);
            if let Some((header, _)) = header.filter(|(header, _)| header.end() <= end) {
                if header.end() <= target {
                    return Ok(None);
                }
                let mut found = self.frame(at, header.first)?;
                if let Some(frame) = found.first_mut() {
                    frame.notes.push(note);
                }
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The bytes around the one that is looked for, but none before `from`; and where they begin.
    pub fn around(&self, from: LogOffset) -> io::Result<(LogOffset, Vec<u8>)> {
        let first = from.get().max((self.target.get() / 8 * 8).saturating_sub(AROUND));
        let first = LogOffset::new(first);
        let length = self.end.since(first).min(2 * AROUND);
        let bytes = read(&**self.window.storage(), self.spot(first).file_offset, index(length))?;
        Ok((first, bytes))
    }

    /// Bytes that the segment has from here on.
    fn room(&self, at: LogOffset) -> u64 {
        self.place.log_end().since(at)
    }

    /// Room that holds no log, from here on.
    fn rest(&self, at: LogOffset, note: &str) -> Structure {
        let length = self.place.log_end().since(at).max(1);
        let mut found = piece("rest", self.spot(at), length);
        found.notes.push(note.to_owned());
        found
    }
}

/// The places from `first` up to a byte, the nearest first, where a structure may begin.
pub fn back(first: LogOffset, target: LogOffset) -> impl Iterator<Item = LogOffset> {
    let steps = target.since(first) / 8;
    (0..=steps).rev().map(move |step| first.plus(8 * step))
}

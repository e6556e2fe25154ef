//! A draft gets its place: what depends on it is written.

use super::Draft;
use crate::format::{
    Chain, DocumentHead, DocumentPlace, Epoch, EventHead, FRAME_LEN, FileKey, FrameHeader,
    FrameKind, NameRecord, Resolved, index, u64_of, write_tag_ref,
};
use crate::words::{LogOffset, Position, Revision, Timestamp, Version};

/// Where a commit goes.
pub struct Place {
    /// Its frame's log offset.
    pub at: LogOffset,
    /// The log offset of its segment.
    pub segment: LogOffset,
    /// When.
    pub epoch: Epoch,
    /// The check of the frame before.
    pub before: Chain,
    /// The position of its first event.
    pub first: Position,
    /// Its recorded time.
    pub recorded: Timestamp,
    /// What is known to be synced.
    pub watermark: LogOffset,
}

/// A commit that has its place.
pub struct Placed<'a> {
    /// Its frame.
    pub bytes: &'a [u8],
    /// Its frame's check.
    pub chain: Chain,
}

/// The records of a frame as they are completed.
#[derive(Default)]
struct Records {
    count: u32,
    check: u32,
}

impl Records {
    fn add(&mut self, check: u32) {
        self.check = FrameHeader::add_record_check(self.check, check);
        self.count += 1;
    }
}

impl Draft {
    /// Completes the frame for its place. What its names are, the versions of its streams and the
    /// newest records of its documents were looked up before.
    pub fn place(&mut self, place: &Place, key: &FileKey) -> Placed<'_> {
        let mut records = Records::default();
        let start = self.place_names(place, &mut records, key);
        self.place_events(start, place, &mut records, key);
        self.place_documents(start, place, &mut records, key);
        let end = place.at.plus(u64_of(self.buffer.len() - start));
        let padding = index(end.get().next_multiple_of(u64_of(self.sector)) - end.get());
        self.buffer.resize(self.buffer.len() + padding, 0);

        let frame = self.buffer.get_mut(start..).unwrap_or_default();
        let header = FrameHeader {
            kind: FrameKind::Commit,
            at: place.at,
            epoch: place.epoch,
            length: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            padding: u16::try_from(padding).unwrap_or(u16::MAX),
            records: records.count,
            events: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
            records_check: records.check,
            first: place.first,
            recorded: place.recorded,
            before: place.before,
            watermark: place.watermark,
        };
        let (bytes, chain) = header.encode(key);
        if let Some(room) = frame.first_chunk_mut::<FRAME_LEN>() {
            *room = bytes;
        }
        Placed { bytes: frame, chain }
    }

    /// Writes the names that the segment has not got yet, right before the records. Returns where
    /// the frame begins in the buffer.
    fn place_names(&mut self, place: &Place, records: &mut Records, key: &FileKey) -> usize {
        let Self { buffer, names, resolved, .. } = self;
        let is_new = |resolved: &Resolved| resolved.reference == 0;
        let new = names.list.iter().zip(&*resolved).filter(|(_, resolved)| is_new(resolved));
        let new_names: usize = new.map(|(name, _)| names.record_len(name)).sum();
        let start = self.records_at - FRAME_LEN - new_names;
        let mut at = FRAME_LEN;
        let new = names.list.iter().zip(resolved).filter(|(_, resolved)| is_new(resolved));
        for (name, resolved) in new.filter(|(name, _)| name.is_used) {
            let offset = place.at.plus(u64_of(at));
            let length = names.record_len(name);
            let bytes = buffer.get_mut(start + at..start + at + length).unwrap_or_default();
            records.add(NameRecord::write(bytes, names.text(name), offset, key));
            at += length;
            resolved.reference = u32::try_from(offset.since(place.segment)).unwrap_or(u32::MAX);
        }
        debug_assert_eq!(start + at, self.records_at, "the names fill the room before the records");
        start
    }

    fn place_events(&mut self, start: usize, place: &Place, records: &mut Records, key: &FileKey) {
        let Self { buffer, resolved, tag_names, streams, records_at, .. } = self;
        for (stream, before) in streams.iter_mut().zip(&self.versions) {
            stream.last = *before;
        }
        let reference =
            |name: u32| resolved.get(index(u64::from(name))).map_or(0, |name| name.reference);
        let mut position = place.first;
        for event in &mut self.events {
            let mut version = Version::NONE;
            if let Some(stream) = streams.get_mut(index(u64::from(event.stream))) {
                stream.last = stream.last.next().unwrap_or(stream.last);
                version = stream.last;
            }
            let distance = *records_at - start + event.at;
            let offset = place.at.plus(u64_of(distance));
            // The record ends where the next begins: the head's codec needs its first bytes only.
            let record = buffer.get_mut(start + distance..).unwrap_or_default();
            let (tags_at, tags) = event.tags;
            let names = tag_names.get(tags_at..tags_at + tags).unwrap_or_default();
            for (nth, name) in names.iter().enumerate() {
                write_tag_ref(record, nth, reference(*name));
            }
            let head = EventHead {
                distance: u32::try_from(distance).unwrap_or(u32::MAX),
                stream: reference(event.stream_name),
                event_type: reference(event.type_name),
                version,
                recorded: place.recorded,
            };
            records.add(head.write(record, (tags, event.body_crc), (offset, position), key));
            event.placed = (position, version, offset);
            position = position.next().unwrap_or(position);
        }
    }

    fn place_documents(
        &mut self,
        start: usize,
        place: &Place,
        records: &mut Records,
        key: &FileKey,
    ) {
        let events = u64_of(self.events.len());
        let head = place.first.forward(events).unwrap_or(place.first).previous();
        for (document, before) in self.documents.iter_mut().zip(&self.newest) {
            let Some(drafted) = &mut document.record else { continue };
            let distance = self.records_at - start + drafted.at;
            let offset = place.at.plus(u64_of(distance));
            let next = before.map_or(Revision::NONE, |before| before.revision).next();
            let revision = document.given.or(next).unwrap_or(Revision::MAX);
            let written = DocumentHead {
                distance: u32::try_from(distance).unwrap_or(u32::MAX),
                revision,
                before: *before,
                head,
                recorded: place.recorded,
            };
            let record = self.buffer.get_mut(start + distance..).unwrap_or_default();
            records.add(written.write(record, drafted.body_crc, offset, key));
            drafted.placed = DocumentPlace { at: offset, revision, deleted: drafted.deleted };
            drafted.before = *before;
        }
    }
}

//! One event from its place in the log: borrowed from a map where it is durable, else read.

use super::{Segment, SegmentList, Window};
use crate::format::{
    FRAME_LEN, FrameHeader, Identity, NAME_HEAD_LEN, NameRecord, PAGE, RawEvent, index,
};
use crate::storage::Storage;
use crate::words::{Event, IdOf, LogOffset, Name, NameSource, Position, Tags};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// Where an event's record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located {
    /// Its position.
    pub position: Position,
    /// Its record's log offset.
    pub at: LogOffset,
}

/// Why an event can't be had.
#[derive(Debug)]
pub enum FetchError {
    /// The device failed.
    Io(io::Error),
    /// Bytes that were fine once fail their check.
    Damaged {
        /// The event's position.
        position: Position,
        /// The log offset.
        at: LogOffset,
        /// The byte of the file.
        file_offset: Option<u64>,
    },
}

/// Gets events from the log. Each cursor has its own.
pub struct Fetch {
    storage: Arc<dyn Storage>,
    identity: Identity,
    segments: SegmentList,
    segment: Option<Arc<Segment>>,
    window: Window,
    /// The last frame's header, and the id bits of its epoch.
    frame: Option<(FrameHeader, u128)>,
    names: NameCache,
    /// For who reads forward: up to where the map is ready.
    ready: Option<LogOffset>,
}

/// Made ready at once.
const READY: usize = 4 << 20;

/// Names that can't be borrowed from a map.
#[derive(Default)]
struct NameCache {
    segment: LogOffset,
    texts: HashMap<u32, String>,
}

impl NameSource for NameCache {
    fn name(&self, reference: u32) -> &str {
        self.texts.get(&reference).map_or("", String::as_str)
    }
}

/// Names that a cursor keeps where it can't borrow them.
const NAMES: usize = 4_096;

impl Fetch {
    /// Gets events of these segments; where it reads, at least `ahead` bytes at a time.
    pub fn new(
        storage: Arc<dyn Storage>,
        identity: Identity,
        segments: SegmentList,
        ahead: usize,
    ) -> Self {
        let window = Window::new(storage.clone(), ahead);
        let names = NameCache::default();
        let (segment, frame, ready) = (None, None, None);
        Self { storage, identity, segments, segment, window, frame, names, ready }
    }

    /// The same, for who reads on and on: the map is made ready for it in large pieces.
    #[must_use]
    pub fn forward(mut self) -> Self {
        self.ready = Some(LogOffset::ZERO);
        self
    }

    /// The event at this place. `watermark` is the store's, or less.
    pub fn event(&mut self, place: Located, watermark: LogOffset) -> Result<Event<'_>, FetchError> {
        if !self.is_in_segment(place.at) {
            self.segment = self.segments.find(place.at).map(|segment| segment.for_reader());
        }
        if self.is_mapped(place, watermark) { self.borrow(place) } else { self.read(place) }
    }

    /// Whether this place is in the segment that was read last.
    #[inline]
    pub fn is_in_segment(&self, at: LogOffset) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.place.contains(at))
    }

    /// Whether the event can be borrowed from the map.
    fn is_mapped(&self, place: Located, watermark: LogOffset) -> bool {
        let Some(segment) = &self.segment else { return false };
        let distance = index(place.at.since(segment.place.log_offset));
        let known = segment.known_stable();
        distance < known.len()
            || segment.stable(&*self.storage, watermark).is_some_and(|now| distance < now.len())
    }

    /// From the map: nothing is copied.
    fn borrow(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let Self { identity, segment, frame, ready, .. } = self;
        let segment: &Segment = segment.as_deref().ok_or(damage(place, None))?;
        let damaged = || damage(place, Some(segment.place.file_offset(place.at)));
        let start = segment.place.log_offset;
        let stable = segment.known_stable();
        if let Some(ready) = ready
            && *ready <= place.at
        {
            *ready = segment.populate(stable, place.at, READY);
        }
        let bytes = stable.get(index(place.at.since(start))..).ok_or_else(damaged)?;
        let key = &identity.key;
        let raw = RawEvent::parse(bytes).ok_or_else(damaged)?;
        raw.check(place.at, place.position, key).ok_or_else(damaged)?;
        let header_at = place.at.minus(u64::from(raw.distance)).ok_or_else(damaged)?;
        if frame.as_ref().is_none_or(|(known, _)| known.at != header_at) {
            let bytes = stable.get(index(header_at.since(start))..).ok_or_else(damaged)?;
            let (header, _) = FrameHeader::decode(bytes, header_at, key).ok_or_else(damaged)?;
            remember(frame, header, identity);
        }
        let has = |reference| segment.has_name(stable, reference, key);
        if !(has(raw.stream) && has(raw.event_type) && raw.tags().all(has)) {
            return Err(damaged());
        }
        let frame = frame.as_ref().ok_or_else(damaged)?;
        Ok(assemble(place.position, &raw, frame, segment))
    }

    /// By reading: what is not durable yet, and devices that can't be mapped.
    fn read(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let damaged = || self.damaged(place);
        let segment = self.segment.clone().ok_or_else(damaged)?;
        let damaged = damage(place, Some(segment.place.file_offset(place.at)));
        let bytes =
            self.window.get(&self.segments, place.at, index(PAGE)).map_err(FetchError::Io)?;
        let length = RawEvent::len_hint(bytes).unwrap_or(0);
        // First what has to be looked up, then the borrowing.
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        let Some(raw) = RawEvent::parse(bytes) else { return Err(damaged) };
        if raw.check(place.at, place.position, &self.identity.key).is_none() {
            return Err(damaged);
        }
        let references: Vec<u32> =
            [raw.stream, raw.event_type].into_iter().chain(raw.tags()).collect();
        let Some(header_at) = place.at.minus(u64::from(raw.distance)) else { return Err(damaged) };
        if self.names.segment != segment.place.log_offset || self.names.texts.len() > NAMES {
            self.names.texts.clear();
            self.names.segment = segment.place.log_offset;
        }
        for reference in references {
            if !self.names.texts.contains_key(&reference) {
                let Some(text) = self.read_name(&segment, reference)? else { return Err(damaged) };
                self.names.texts.insert(reference, text);
            }
        }
        if self.frame.as_ref().is_none_or(|(known, _)| known.at != header_at) {
            let Some(header) = self.read_header(&segment, header_at)? else { return Err(damaged) };
            remember(&mut self.frame, header, &self.identity);
        }
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        match (RawEvent::parse(bytes), &self.frame) {
            (Some(raw), Some(frame)) => Ok(assemble(place.position, &raw, frame, &self.names)),
            _ => Err(damaged),
        }
    }

    fn read_name(&self, segment: &Segment, reference: u32) -> Result<Option<String>, FetchError> {
        let at = segment.place.log_offset.plus(u64::from(reference));
        let mut bytes = [0; NAME_HEAD_LEN + 1_024];
        let bytes = self.read_at(segment, at, &mut bytes)?;
        let name =
            NameRecord::parse(bytes).filter(|name| name.check(at, &self.identity.key).is_some());
        Ok(name.map(|name| name.text.to_owned()))
    }

    fn read_header(
        &self,
        segment: &Segment,
        at: LogOffset,
    ) -> Result<Option<FrameHeader>, FetchError> {
        let mut bytes = [0; FRAME_LEN];
        let bytes = self.read_at(segment, at, &mut bytes)?;
        Ok(FrameHeader::decode(bytes, at, &self.identity.key).map(|(header, _)| header))
    }

    fn read_at<'b>(
        &self,
        segment: &Segment,
        at: LogOffset,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], FetchError> {
        if !segment.place.contains(at) {
            return Ok(&[]);
        }
        let left = index(segment.place.log_end().since(at)).min(buffer.len());
        let buffer = buffer.get_mut(..left).unwrap_or_default();
        let offset = segment.place.file_offset(at);
        let read =
            crate::storage::read_full(&*self.storage, buffer, offset).map_err(FetchError::Io)?;
        Ok(buffer.get(..read).unwrap_or_default())
    }

    fn damaged(&self, place: Located) -> FetchError {
        let segment = self.segments.find(place.at);
        damage(place, segment.map(|segment| segment.place.file_offset(place.at)))
    }
}

fn damage(place: Located, file_offset: Option<u64>) -> FetchError {
    FetchError::Damaged { position: place.position, at: place.at, file_offset }
}

/// Keeps a frame's header; the id bits are made anew only where the epoch is another.
fn remember(frame: &mut Option<(FrameHeader, u128)>, header: FrameHeader, identity: &Identity) {
    let known = frame.as_ref().filter(|(known, _)| known.epoch == header.epoch);
    let bits = known.map_or_else(|| identity.epoch_bits(header.epoch), |(_, bits)| *bits);
    *frame = Some((header, bits));
}

#[inline]
fn assemble<'a>(
    position: Position,
    raw: &RawEvent<'a>,
    (frame, epoch_bits): &(FrameHeader, u128),
    names: &'a dyn NameSource,
) -> Event<'a> {
    Event {
        position,
        version: raw.version,
        kind: raw.kind,
        schema_version: raw.schema_version,
        correlation_id: raw.correlation_id,
        causation_id: raw.causation_id,
        recorded: frame.recorded,
        occurred: raw.occurred,
        metadata: raw.metadata,
        payload: raw.payload,
        id: raw.id.map_or(IdOf::Derived(*epoch_bits), IdOf::Given),
        stream: Name::At(names, raw.stream),
        event_type: Name::At(names, raw.event_type),
        tags: Tags::at(names, raw.tag_refs),
    }
}

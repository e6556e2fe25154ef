//! One event from its place in the log: borrowed from a map where it is durable, else read.

use super::{Segment, SegmentList, Window};
use crate::format::{
    FRAME_LEN, FrameHeader, Identity, NAME_HEAD_LEN, NameRecord, PAGE, RawEvent, index,
};
use crate::storage::Storage;
use crate::words::{Event, LogOffset, Position, Tags};
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
    header: Option<FrameHeader>,
    names: HashMap<(LogOffset, u32), String>,
    /// Names in the map whose check was seen to be right, by their place; see [`Fetch::trusted`].
    trusted: Box<[(LogOffset, u32); TRUSTED]>,
}

/// Names that a cursor remembers to have checked.
const TRUSTED: usize = 256;
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
        Self {
            storage,
            identity,
            segments,
            segment: None,
            window,
            header: None,
            names: HashMap::new(),
            trusted: Box::new([(LogOffset::ZERO, 0); TRUSTED]),
        }
    }

    /// The event at this place. `watermark` is the store's, or less.
    pub fn event(&mut self, place: Located, watermark: LogOffset) -> Result<Event<'_>, FetchError> {
        let damaged = self.damaged(place);
        if !self.segment.as_ref().is_some_and(|segment| segment.place.contains(place.at)) {
            self.segment = self.segments.find(place.at).cloned();
            self.header = None;
        }
        let Some(segment) = self.segment.clone() else { return Err(damaged) };
        let mapped = segment
            .stable(&*self.storage, watermark)
            .is_some_and(|stable| index(place.at.since(segment.place.log_offset)) < stable.len());
        if mapped { self.borrow(place, watermark) } else { self.read(place, &segment) }
    }

    /// From the map: nothing is copied.
    fn borrow(&mut self, place: Located, watermark: LogOffset) -> Result<Event<'_>, FetchError> {
        let Self { storage, identity, segment, header, trusted, .. } = self;
        let segment: &Segment = segment.as_deref().ok_or(damage(place, None))?;
        let file_offset = segment.place.file_offset(place.at);
        let damaged = || damage(place, Some(file_offset));
        let start = segment.place.log_offset;
        let stable = segment.stable(&**storage, watermark).ok_or_else(damaged)?;
        let bytes = stable.get(index(place.at.since(start))..).ok_or_else(damaged)?;
        let key = &identity.key;
        let raw = RawEvent::parse(bytes).ok_or_else(damaged)?;
        raw.check(place.at, place.position, key).ok_or_else(damaged)?;
        let header_at = place.at.minus(u64::from(raw.distance)).ok_or_else(damaged)?;
        let frame = match header {
            Some(known) if known.at == header_at => *known,
            _ => {
                let bytes = stable.get(index(header_at.since(start))..).ok_or_else(damaged)?;
                let (found, _) = FrameHeader::decode(bytes, header_at, key).ok_or_else(damaged)?;
                *header.insert(found)
            }
        };
        let mut name = |reference: u32| {
            let bytes = stable.get(index(u64::from(reference))..)?;
            let name = NameRecord::parse(bytes)?;
            let entry = trusted.get_mut(index(u64::from(reference / 8)) % TRUSTED)?;
            if *entry != (start, reference) {
                name.check(start.plus(u64::from(reference)), key)?;
                *entry = (start, reference);
            }
            Some(name.text)
        };
        let stream = name(raw.stream).ok_or_else(damaged)?;
        let event_type = name(raw.event_type).ok_or_else(damaged)?;
        let mut tags = Tags::default();
        for reference in raw.tags() {
            tags.push(name(reference).ok_or_else(damaged)?);
        }
        Ok(assemble(place.position, &raw, &frame, identity, (stream, event_type, tags)))
    }

    /// By reading: what is not durable yet, and devices that can't be mapped.
    fn read(&mut self, place: Located, segment: &Segment) -> Result<Event<'_>, FetchError> {
        let start = segment.place.log_offset;
        let damaged = self.damaged(place);
        let bytes =
            self.window.get(&self.segments, place.at, index(PAGE)).map_err(FetchError::Io)?;
        let length = RawEvent::len_hint(bytes).unwrap_or(0);
        if length > bytes.len() {
            self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        }
        // First what has to be looked up, then the borrowing.
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        let Some(raw) = RawEvent::parse(bytes) else { return Err(damaged) };
        if raw.check(place.at, place.position, &self.identity.key).is_none() {
            return Err(damaged);
        }
        let references: Vec<u32> =
            [raw.stream, raw.event_type].into_iter().chain(raw.tags()).collect();
        let Some(header_at) = place.at.minus(u64::from(raw.distance)) else { return Err(damaged) };
        if self.names.len() > NAMES {
            self.names.clear();
        }
        for reference in &references {
            if !self.names.contains_key(&(start, *reference)) {
                let Some(text) = self.read_name(segment, *reference)? else { return Err(damaged) };
                self.names.insert((start, *reference), text);
            }
        }
        let frame = match self.header {
            Some(known) if known.at == header_at => known,
            _ => {
                let Some(found) = self.read_header(segment, header_at)? else {
                    return Err(damaged);
                };
                *self.header.insert(found)
            }
        };
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        let Some(raw) = RawEvent::parse(bytes) else { return Err(damaged) };
        let names = &self.names;
        let name = |reference| names.get(&(start, reference)).map_or("", String::as_str);
        let tags = raw.tags().map(name).collect();
        let found = (name(raw.stream), name(raw.event_type), tags);
        Ok(assemble(place.position, &raw, &frame, &self.identity, found))
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

fn assemble<'a>(
    position: Position,
    raw: &RawEvent<'a>,
    frame: &FrameHeader,
    identity: &Identity,
    (stream, event_type, tags): (&'a str, &'a str, Tags<'a>),
) -> Event<'a> {
    Event {
        position,
        stream,
        version: raw.version,
        id: raw.id.unwrap_or_else(|| identity.derived_id(frame.epoch, position)),
        id_given: raw.id.is_some(),
        event_type,
        kind: raw.kind,
        schema_version: raw.schema_version,
        tags,
        correlation_id: raw.correlation_id,
        causation_id: raw.causation_id,
        recorded: frame.recorded,
        occurred: raw.occurred,
        metadata: raw.metadata,
        payload: raw.payload,
    }
}

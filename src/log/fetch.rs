//! One event or document from its place in the log: borrowed from a map where it is durable, else
//! read. Its record says all but the texts of its names.

use super::{Segment, SegmentList, Window};
use crate::format::{Identity, NAME_HEAD_LEN, NameRecord, PAGE, RawDocument, RawEvent, index};
use crate::storage::{Storage, read_full};
use crate::words::{DerivedId, Event, IdOf, LogOffset, Name, NameSource, Position, Tags};
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

/// Why an event or document can't be had.
#[derive(Debug)]
pub enum FetchError {
    /// The device failed.
    Io(io::Error),
    /// Bytes that were fine once fail their check.
    Damaged {
        /// The event's position; nothing for a document.
        position: Option<Position>,
        /// The log offset.
        at: LogOffset,
        /// The byte of the file.
        file_offset: Option<u64>,
    },
}

/// Gets events and documents from the log. Each cursor has its own.
pub struct Fetch {
    storage: Arc<dyn Storage>,
    identity: Identity,
    segments: SegmentList,
    segment: Option<Arc<Segment>>,
    window: Window,
    /// What derived ids begin with, once one was asked for.
    id_bits: Option<u128>,
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
    /// Gets what these segments have; where it reads, at least `ahead` bytes at a time.
    pub fn new(
        storage: Arc<dyn Storage>,
        identity: Identity,
        segments: SegmentList,
        ahead: usize,
    ) -> Self {
        let window = Window::new(storage.clone(), ahead);
        let names = NameCache::default();
        let (segment, id_bits, ready) = (None, None, None);
        Self { storage, identity, segments, segment, window, id_bits, names, ready }
    }

    /// The same, for who reads on and on: the map is made ready for it in large pieces.
    #[must_use]
    pub fn forward(mut self) -> Self {
        self.ready = Some(LogOffset::ZERO);
        self
    }

    /// The event at this place. `watermark` is the store's, or less.
    pub fn event(&mut self, place: Located, watermark: LogOffset) -> Result<Event<'_>, FetchError> {
        self.go_to(place.at);
        if self.is_mapped(place.at, watermark) { self.borrow(place) } else { self.read(place) }
    }

    /// The document's record at this place.
    pub fn document(
        &mut self,
        at: LogOffset,
        watermark: LogOffset,
    ) -> Result<RawDocument<'_>, FetchError> {
        self.go_to(at);
        let mapped = self.is_mapped(at, watermark);
        let Self { segments, segment, window, identity, .. } = self;
        let segment: &Segment = segment.as_deref().ok_or(damage(None, at, None))?;
        let damaged = || damage(None, at, Some(segment.place.file_offset(at)));
        let bytes = if mapped {
            segment.known_stable().get(index(at.since(segment.place.log_offset))..)
        } else {
            let bytes = window.get(segments, at, index(PAGE)).map_err(FetchError::Io)?;
            let length = RawDocument::len_hint(bytes).unwrap_or(0);
            Some(window.get(segments, at, length).map_err(FetchError::Io)?)
        };
        let document = bytes.and_then(RawDocument::parse).ok_or_else(damaged)?;
        document.check(at, &identity.key).ok_or_else(damaged)?;
        Ok(document)
    }

    /// Makes the segment that holds this place the one that is read from.
    fn go_to(&mut self, at: LogOffset) {
        if !self.is_in_segment(at) {
            self.segment = self.segments.find(at).map(|segment| segment.for_reader());
        }
    }

    /// Whether this place is in the segment that was read last.
    #[inline]
    pub fn is_in_segment(&self, at: LogOffset) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.place.contains(at))
    }

    /// Whether what stands here can be borrowed from the map.
    fn is_mapped(&self, at: LogOffset, watermark: LogOffset) -> bool {
        let Some(segment) = &self.segment else { return false };
        let distance = index(at.since(segment.place.log_offset));
        let known = segment.known_stable();
        distance < known.len()
            || segment.stable(&*self.storage, watermark).is_some_and(|now| distance < now.len())
    }

    /// From the map: nothing is copied.
    fn borrow(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let Self { identity, segment, id_bits, ready, .. } = self;
        let segment: &Segment = segment.as_deref().ok_or(damage_of(place, None))?;
        let damaged = || damage_of(place, Some(segment.place.file_offset(place.at)));
        let stable = segment.known_stable();
        if let Some(ready) = ready
            && *ready <= place.at
        {
            *ready = segment.populate(stable, place.at, READY);
        }
        let bytes = stable.get(index(place.at.since(segment.place.log_offset))..);
        let key = &identity.key;
        let raw = bytes.and_then(RawEvent::parse).ok_or_else(damaged)?;
        let check = raw.check(place.at, place.position, key).ok_or_else(damaged)?;
        let has = |reference| segment.has_name(stable, reference, key);
        if !(has(raw.stream) && has(raw.event_type) && raw.tags().all(has)) {
            return Err(damaged());
        }
        Ok(assemble(place, &raw, id_of(&raw, place, check, id_bits, identity), segment))
    }

    /// By reading: what is not durable yet, and devices that can't be mapped.
    fn read(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let segment = self.segment.clone().ok_or_else(|| damage_of(place, None))?;
        let damaged = || damage_of(place, Some(segment.place.file_offset(place.at)));
        let bytes =
            self.window.get(&self.segments, place.at, index(PAGE)).map_err(FetchError::Io)?;
        let length = RawEvent::len_hint(bytes).unwrap_or(0);
        // First what has to be looked up, then the borrowing.
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        let raw = RawEvent::parse(bytes).ok_or_else(damaged)?;
        let check = raw.check(place.at, place.position, &self.identity.key).ok_or_else(damaged)?;
        let references: Vec<u32> =
            [raw.stream, raw.event_type].into_iter().chain(raw.tags()).collect();
        if self.names.segment != segment.place.log_offset || self.names.texts.len() > NAMES {
            self.names.texts.clear();
            self.names.segment = segment.place.log_offset;
        }
        for reference in references {
            if !self.names.texts.contains_key(&reference) {
                let text = self.read_name(&segment, reference)?.ok_or_else(damaged)?;
                self.names.texts.insert(reference, text);
            }
        }
        let bytes = self.window.get(&self.segments, place.at, length).map_err(FetchError::Io)?;
        let raw = RawEvent::parse(bytes).ok_or_else(damaged)?;
        let id = id_of(&raw, place, check, &mut self.id_bits, &self.identity);
        Ok(assemble(place, &raw, id, &self.names))
    }

    fn read_name(&self, segment: &Segment, reference: u32) -> Result<Option<String>, FetchError> {
        let at = segment.place.log_offset.plus(u64::from(reference));
        if !segment.place.contains(at) {
            return Ok(None);
        }
        let mut bytes = [0; NAME_HEAD_LEN + 1_024];
        let left = index(segment.place.log_end().since(at)).min(bytes.len());
        let bytes = bytes.get_mut(..left).unwrap_or_default();
        let read = read_full(&*self.storage, bytes, segment.place.file_offset(at));
        let bytes = bytes.get(..read.map_err(FetchError::Io)?).unwrap_or_default();
        let name =
            NameRecord::parse(bytes).filter(|name| name.check(at, &self.identity.key).is_some());
        Ok(name.map(|name| name.text.to_owned()))
    }
}

fn damage_of(place: Located, file_offset: Option<u64>) -> FetchError {
    damage(Some(place.position), place.at, file_offset)
}

fn damage(position: Option<Position>, at: LogOffset, file_offset: Option<u64>) -> FetchError {
    FetchError::Damaged { position, at, file_offset }
}

/// The id of an event: the one that it was given, or what it is derived from.
#[inline]
fn id_of(
    raw: &RawEvent<'_>,
    place: Located,
    check: u32,
    id_bits: &mut Option<u128>,
    identity: &Identity,
) -> IdOf {
    raw.id.map_or_else(
        || {
            let store = *id_bits.get_or_insert_with(|| identity.id_bits());
            IdOf::Derived(DerivedId { store, at: place.at, check })
        },
        IdOf::Given,
    )
}

#[inline]
fn assemble<'a>(
    place: Located,
    raw: &RawEvent<'a>,
    id: IdOf,
    names: &'a dyn NameSource,
) -> Event<'a> {
    Event {
        position: place.position,
        version: raw.version,
        kind: raw.kind,
        schema_version: raw.schema_version,
        correlation_id: raw.correlation_id,
        causation_id: raw.causation_id,
        recorded: raw.recorded,
        occurred: raw.occurred,
        metadata: raw.metadata,
        payload: raw.payload,
        id,
        stream: Name::At(names, raw.stream),
        event_type: Name::At(names, raw.event_type),
        tags: Tags::at(names, raw.tag_refs),
    }
}

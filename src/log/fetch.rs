//! One event or document from its place in the log: borrowed from a map where it is durable, else
//! copied from the map or read. Its record says all but the texts of its names.

use super::names::{NameCache, damaged_name};
use super::{Segment, SegmentList, Window};
use crate::format::{FileKey, Identity, PAGE, RawDocument, RawEvent, index};
use crate::storage::Storage;
use crate::words::{
    DerivedId, Error, Event, EventNames, IdOf, LogOffset, NameRefs, NameSource, Position,
};
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
    lender: Lender,
    window: Window,
    /// What derived ids begin with, once one was asked for.
    id_bits: Option<u128>,
    /// Where it can't be borrowed: the record, and its names.
    record: Vec<u8>,
    names: NameCache,
    /// For who reads forward: up to where the map is ready.
    ready: Option<LogOffset>,
    /// Whether names are going to be asked for.
    names_too: bool,
}

/// The segment that events are lent from.
struct Lender {
    segment: Option<Arc<Segment>>,
    /// What their names are checked by.
    key: FileKey,
}

impl NameSource for Lender {
    fn check(&self, reference: u32, position: Position) -> Result<(), Error> {
        match &self.segment {
            Some(lent) if lent.has_name(lent.known_stable(), reference, &self.key) => Ok(()),
            lent => {
                let place = lent.as_ref().map(|segment| segment.place);
                Err(damaged_name(place, reference, position))
            }
        }
    }

    fn name(&self, reference: u32) -> &str {
        self.segment.as_ref().map_or("", |segment| segment.name(reference))
    }
}

/// Made ready at once.
const READY: usize = 4 << 20;

/// What is announced of a name: most are no longer.
const A_NAME: usize = 64;

/// What is copied first of a record: most are no longer.
const SOME: usize = 512;

impl Fetch {
    /// Gets what these segments have; where it reads, at least `ahead` bytes at a time.
    pub fn new(
        storage: Arc<dyn Storage>,
        identity: Identity,
        segments: SegmentList,
        ahead: usize,
    ) -> Self {
        let window = Window::new(storage.clone(), ahead);
        let (names, record) = (NameCache::default(), Vec::new());
        let lender = Lender { segment: None, key: identity.key };
        Self {
            storage,
            identity,
            segments,
            lender,
            window,
            id_bits: None,
            record,
            names,
            ready: None,
            names_too: false,
        }
    }

    /// The same, for who reads on and on: the map is made ready for it in large pieces.
    #[must_use]
    pub fn forward(mut self) -> Self {
        self.ready = Some(LogOffset::ZERO);
        self
    }

    /// From now on names are announced with the records that refer to them.
    pub fn names_too(&mut self) {
        self.names_too = true;
    }

    /// The event at this place. `watermark` is the store's, or less.
    pub fn event(&mut self, place: Located, watermark: LogOffset) -> Result<Event<'_>, FetchError> {
        self.go_to(place.at);
        if self.is_mapped(place.at, watermark) { self.borrow(place) } else { self.read(place) }
    }

    /// Whether what stands at this place would have to be read from the device now.
    pub fn is_cold(&mut self, place: Located, watermark: LogOffset) -> bool {
        self.go_to(place.at);
        self.is_mapped(place.at, watermark)
            && self.lender.segment.as_ref().is_some_and(|segment| segment.is_cold(place.at))
    }

    /// Has the events at these places read meanwhile, many at a time: first their records, then, if
    /// they are wanted too, the names that they refer to. What is not mapped is left out.
    pub fn announce(&mut self, places: &[Located], watermark: LogOffset) {
        let mut mapped = Vec::new();
        for place in places {
            self.go_to(place.at);
            if self.is_mapped(place.at, watermark)
                && let Some(segment) = &self.lender.segment
            {
                segment.announce(place.at, SOME);
                if self.names_too {
                    mapped.push((segment.clone(), place.at));
                }
            }
        }
        for (segment, at) in mapped {
            let bytes = segment.known_stable().get(index(at.since(segment.place.log_offset))..);
            // Nothing is checked: what the record says wrongly is read for nothing.
            let Some(raw) = bytes.and_then(RawEvent::parse) else { continue };
            for reference in [raw.stream, raw.event_type].into_iter().chain(raw.tags()) {
                segment.announce(segment.place.log_offset.plus(u64::from(reference)), A_NAME);
            }
        }
    }

    /// The document's record at this place.
    pub fn document(
        &mut self,
        at: LogOffset,
        watermark: LogOffset,
    ) -> Result<RawDocument<'_>, FetchError> {
        self.go_to(at);
        let key = self.identity.key;
        if self.is_mapped(at, watermark) {
            let segment = self.lender.segment.as_deref().ok_or(damage(None, at, None))?;
            let stable = segment.known_stable();
            let bytes = stable.get(index(at.since(segment.place.log_offset))..);
            let file_offset = segment.place.file_offset(at);
            return bytes.and_then(|bytes| whole(bytes, at, &key)).ok_or(damage(
                None,
                at,
                Some(file_offset),
            ));
        }
        let segment = self.lender.segment.clone().ok_or(damage(None, at, None))?;
        self.copy_mapped(&segment, at, RawDocument::len_hint);
        if whole(&self.record, at, &key).is_none() {
            self.copy_read(at, RawDocument::len_hint)?;
        }
        let file_offset = segment.place.file_offset(at);
        whole(&self.record, at, &key).ok_or(damage(None, at, Some(file_offset)))
    }

    /// Makes the segment that holds this place the one that is read from.
    fn go_to(&mut self, at: LogOffset) {
        if !self.is_in_segment(at) {
            self.lender.segment = self.segments.find(at).map(|segment| segment.for_reader());
        }
    }

    /// Whether this place is in the segment that was read last.
    #[inline]
    pub fn is_in_segment(&self, at: LogOffset) -> bool {
        self.lender.segment.as_ref().is_some_and(|segment| segment.place.contains(at))
    }

    /// Whether what stands here can be borrowed from the map.
    fn is_mapped(&self, at: LogOffset, watermark: LogOffset) -> bool {
        let Some(segment) = &self.lender.segment else { return false };
        let distance = index(at.since(segment.place.log_offset));
        let known = segment.known_stable();
        distance < known.len()
            || segment.stable(&*self.storage, watermark).is_some_and(|now| distance < now.len())
    }

    /// From the map: nothing is copied.
    fn borrow(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let Self { identity, lender, id_bits, ready, .. } = self;
        let segment: &Segment = lender.segment.as_deref().ok_or(damage_of(place, None))?;
        let damaged = || damage_of(place, Some(segment.place.file_offset(place.at)));
        let stable = segment.known_stable();
        if let Some(ready) = ready
            && *ready <= place.at
        {
            *ready = segment.populate(stable, place.at, READY);
        }
        let bytes = stable.get(index(place.at.since(segment.place.log_offset))..);
        let raw = bytes.and_then(RawEvent::parse).ok_or_else(damaged)?;
        let check = raw.check(place.at, place.position, &identity.key).ok_or_else(damaged)?;
        Ok(assemble(place, &raw, id_of(&raw, place, check, id_bits, identity), lender))
    }

    /// By copying: what is not durable yet, and devices that can't be mapped.
    fn read(&mut self, place: Located) -> Result<Event<'_>, FetchError> {
        let segment = self.lender.segment.clone().ok_or_else(|| damage_of(place, None))?;
        let damaged = || damage_of(place, Some(segment.place.file_offset(place.at)));
        let key = self.identity.key;
        let checked = |bytes: &[u8]| {
            RawEvent::parse(bytes).and_then(|raw| raw.check(place.at, place.position, &key))
        };
        self.copy_mapped(&segment, place.at, RawEvent::len_hint);
        let mut check = checked(&self.record);
        if check.is_none() {
            // A device that has no map, or one that lags behind what is written.
            self.copy_read(place.at, RawEvent::len_hint)?;
            check = checked(&self.record);
        }
        let check = check.ok_or_else(damaged)?;
        let Self { storage, identity, names, record, id_bits, .. } = self;
        let raw = RawEvent::parse(record).ok_or_else(damaged)?;
        names.go_to(&segment);
        for reference in [raw.stream, raw.event_type].into_iter().chain(raw.tags()) {
            // One that is not there is missed when it is asked for.
            names.know(&segment, reference, &**storage, &key).map_err(FetchError::Io)?;
        }
        let id = id_of(&raw, place, check, id_bits, identity);
        Ok(assemble(place, &raw, id, names))
    }

    /// Copies a record from the segment's map, if it has one. What is copied is not checked.
    fn copy_mapped(
        &mut self,
        segment: &Segment,
        at: LogOffset,
        length: impl Fn(&[u8]) -> Option<usize>,
    ) {
        let Self { storage, record, .. } = self;
        record.clear();
        segment.copy(&**storage, at, SOME, record);
        if let Some(length) = length(record).filter(|length| *length > record.len()) {
            record.clear();
            segment.copy(&**storage, at, length, record);
        }
    }

    /// Copies a record from the device. What is copied is not checked.
    fn copy_read(
        &mut self,
        at: LogOffset,
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<(), FetchError> {
        let Self { segments, window, record, .. } = self;
        let bytes = window.get(segments, at, index(PAGE)).map_err(FetchError::Io)?;
        let length = length(bytes).unwrap_or(0);
        let bytes = window.get(segments, at, length).map_err(FetchError::Io)?;
        record.clear();
        record.extend_from_slice(bytes);
        Ok(())
    }
}

/// The document whose record stands here, if it passes its check.
fn whole<'a>(bytes: &'a [u8], at: LogOffset, key: &FileKey) -> Option<RawDocument<'a>> {
    RawDocument::parse(bytes).filter(|document| document.check(at, key).is_some())
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
        names: EventNames::At(NameRefs {
            source: names,
            stream: raw.stream,
            event_type: raw.event_type,
            tags: raw.tag_refs,
        }),
    }
}

//! One event or document from its place in the log: borrowed from a map where it is durable, else
//! copied from the map or read.

mod behind;
mod lender;
mod names;
mod ready;

use super::{Segment, SegmentList, Window};
use crate::format::{EventOutline, FileKey, Identity, PAGE, RawDocument, RawEvent, index, u64_of};
use crate::storage::Storage;
use crate::words::{Event, Lent, LogOffset, Position, Rest, Timestamp, Version};
pub use behind::Behind;
use lender::{FromLog, Names};
use ready::Ready;
use std::io;
use std::sync::Arc;

/// Where an event's record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Located {
    /// Its position.
    pub position: Position,
    /// Its record's log offset.
    pub at: LogOffset,
}

/// A place that is read soon, and the segment that it lies in, if that is known.
#[derive(Clone, Default)]
pub struct Ahead {
    /// The place.
    pub place: Located,
    /// Its segment.
    segment: Option<Arc<Segment>>,
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
    segments: SegmentList,
    /// What is read from now.
    lender: FromLog,
    window: Window,
    /// Where it can't be borrowed: the record.
    record: Vec<u8>,
    /// The event that was found last.
    found: Found,
    /// For who reads forward.
    ready: Option<Ready>,
    /// Whether names are going to be asked for.
    names_too: bool,
}

/// Where an event was found, and what its record says.
///
/// It is lent in a second step: an event that is handed on inside of results is copied by each.
#[derive(Clone, Copy, Default)]
struct Found {
    place: Located,
    version: Version,
    recorded: Timestamp,
    /// Bytes from the segment's first byte, or of the copy, and how many they are.
    record: (usize, usize),
    /// The same of its payload.
    payload: (usize, usize),
}

/// What is announced of a name: most are no longer.
const A_NAME: usize = 64;

/// What is brought near of a record: most are no longer.
const A_RECORD: usize = 384;

/// What is copied first of a record: most are no longer.
const SOME: usize = 512;

impl Found {
    /// The event with this outline, whose record begins `within` what it stands in.
    #[inline]
    fn new(place: Located, outline: &EventOutline<'_>, within: usize) -> Self {
        let EventOutline { bytes, version, recorded, payload_at, payload, .. } = *outline;
        Self {
            place,
            version,
            recorded,
            record: (within, bytes.len()),
            payload: (within + payload_at, payload.len()),
        }
    }
}

impl Fetch {
    /// Gets what these segments have; where it reads, at least `ahead` bytes at a time.
    pub fn new(
        storage: Arc<dyn Storage>,
        identity: Identity,
        segments: SegmentList,
        ahead: usize,
    ) -> Self {
        let (window, lender) = (Window::new(storage.clone(), ahead), FromLog::new(identity));
        let (record, found, ready, names_too) = (Vec::new(), Found::default(), None, false);
        Self { storage, segments, lender, window, record, found, ready, names_too }
    }

    /// The same, for who reads on and on: what is not in memory is read in large pieces.
    #[must_use]
    pub fn forward(mut self) -> Self {
        self.ready = Some(Ready::default());
        self
    }

    /// Whether it reads on and on, what it has met not being in memory.
    pub fn is_reading_on(&self) -> bool {
        self.ready.is_some_and(|ready| ready.reads_on())
    }

    /// From now on names are announced with the records that refer to them.
    pub fn names_too(&mut self) {
        self.names_too = true;
    }

    /// Finds the event at this place and checks its record. `watermark` is the store's, or less.
    pub fn find(&mut self, place: Located, watermark: LogOffset) -> Result<(), FetchError> {
        self.go_to(place.at);
        if self.is_mapped(place.at, watermark) { self.borrow(place) } else { self.read(place) }
    }

    /// The event that was found last.
    #[inline]
    pub fn lend(&self) -> Event<'_> {
        let Self { lender, found, .. } = self;
        let bytes = match lender.names {
            Names::Copied => &self.record,
            Names::Mapped => lender.segment.as_deref().map_or(&[][..], Segment::known_stable),
        };
        let part = |(at, length)| bytes.get(at..).and_then(|rest| rest.get(..length));
        Event {
            position: found.place.position,
            version: found.version,
            recorded: found.recorded,
            payload: part(found.payload).unwrap_or_default(),
            rest: Rest::Lent(Lent {
                lender,
                at: found.place.at,
                record: part(found.record).unwrap_or_default(),
            }),
        }
    }

    /// Whether what stands at this place would have to be read from the device now.
    pub fn is_cold(&mut self, place: Located, watermark: LogOffset) -> bool {
        self.mapped(place.at, watermark).is_some_and(|segment| segment.is_cold(place.at))
    }

    /// Has the record of an event read meanwhile, if it can be mapped.
    pub fn announce(&mut self, place: Located, watermark: LogOffset) {
        if let Some(segment) = self.mapped(place.at, watermark) {
            segment.announce(place.at, SOME);
        }
    }

    /// If names are wanted, has those read meanwhile that the events at these places refer to;
    /// their records were announced before.
    pub fn announce_names(&mut self, places: &[Located], watermark: LogOffset) {
        let wanted = if self.names_too { places } else { &[] };
        for place in wanted {
            let Some(segment) = self.mapped(place.at, watermark) else { continue };
            let within = index(place.at.since(segment.place.log_offset));
            let bytes = segment.known_stable().get(within..);
            // Nothing is checked: what the record says wrongly is read for nothing.
            let Some(raw) = bytes.and_then(RawEvent::parse) else { continue };
            for reference in raw.names() {
                segment.announce(segment.place.log_offset.plus(u64::from(reference)), A_NAME);
            }
        }
    }

    /// Finds the segments of these places, as far as they are known, and has the records there, as
    /// far as they are in memory, come nearer to the processor meanwhile.
    pub fn bring(&self, ahead: &mut [Ahead]) {
        self.segments.find_each(ahead.iter_mut().map(|next| (next.place.at, &mut next.segment)));
        for Ahead { place, segment } in ahead {
            if let Some(segment) = segment {
                segment.bring(place.at, A_RECORD);
            }
        }
    }

    /// Goes to a place that was brought near: its segment is the one that is read from.
    pub fn go_ahead(&mut self, ahead: &mut Ahead) {
        let segment = ahead.segment.take();
        if let Some(segment) = segment.filter(|_| !self.is_in_segment(ahead.place.at)) {
            self.lender.segment = Some(segment.for_reader());
        }
    }

    /// The document's record at this place.
    pub fn document(
        &mut self,
        at: LogOffset,
        watermark: LogOffset,
    ) -> Result<RawDocument<'_>, FetchError> {
        self.go_to(at);
        let key = self.lender.identity.key;
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
            self.lender.segment = self.segments.find(at).map(Segment::for_reader);
        }
    }

    /// Whether this place is in the segment that was read last.
    #[inline]
    pub fn is_in_segment(&self, at: LogOffset) -> bool {
        self.lender.segment.as_ref().is_some_and(|segment| segment.place.contains(at))
    }

    /// Goes to the segment that holds this place, if what stands here can be borrowed from its map.
    fn mapped(&mut self, at: LogOffset, watermark: LogOffset) -> Option<&Segment> {
        self.go_to(at);
        if self.is_mapped(at, watermark) { self.lender.segment.as_deref() } else { None }
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
    fn borrow(&mut self, place: Located) -> Result<(), FetchError> {
        let Self { storage, lender, found, ready, .. } = self;
        let segment: &Segment = lender.segment.as_deref().ok_or(damage_of(place, None))?;
        let stable = segment.known_stable();
        let within = index(place.at.since(segment.place.log_offset));
        // Whoever reads forward has it in memory first: some of the log, then this record, however
        // long it is.
        let mut make_ready = |until| match ready {
            Some(ready) => ready.make(&**storage, segment, place.at, until).map_err(FetchError::Io),
            None => Ok(()),
        };
        make_ready(place.at.plus(1))?;
        lender.names = Names::Mapped;
        let bytes = stable.get(within..);
        let outline = bytes.and_then(EventOutline::parse);
        if let Some(outline) = &outline {
            make_ready(place.at.plus(u64_of(outline.bytes.len())))?;
        }
        match outline.filter(|outline| is_right(outline, place, &lender.identity.key)) {
            Some(outline) => {
                *found = Found::new(place, &outline, within);
                Ok(())
            }
            None => Err(damage_of(place, Some(segment.place.file_offset(place.at)))),
        }
    }

    /// By copying: what is not durable yet, and devices that can't be mapped.
    fn read(&mut self, place: Located) -> Result<(), FetchError> {
        let segment = self.lender.segment.clone().ok_or_else(|| damage_of(place, None))?;
        let damaged = || damage_of(place, Some(segment.place.file_offset(place.at)));
        let key = self.lender.identity.key;
        let is_whole = |bytes: &[u8]| {
            EventOutline::parse(bytes).is_some_and(|outline| is_right(&outline, place, &key))
        };
        self.copy_mapped(&segment, place.at, RawEvent::len_hint);
        if !is_whole(&self.record) {
            // A device that has no map, or one that lags behind what is written.
            self.copy_read(place.at, RawEvent::len_hint)?;
            if !is_whole(&self.record) {
                return Err(damaged());
            }
        }
        let Self { storage, lender, record, found, .. } = self;
        let raw = RawEvent::parse(record).ok_or_else(damaged)?;
        lender.names = Names::Copied;
        lender.copied.go_to(&segment);
        for reference in raw.names() {
            // One that is not there is missed when it is asked for.
            lender.copied.know(&segment, reference, &**storage, &key).map_err(FetchError::Io)?;
        }
        let outline = EventOutline::parse(record).ok_or_else(damaged)?;
        *found = Found::new(place, &outline, 0);
        Ok(())
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

/// Whether an event's record passes its check for this place.
#[inline]
fn is_right(outline: &EventOutline<'_>, place: Located, key: &FileKey) -> bool {
    outline.check(place.at, place.position, key).is_some()
}

//! The segments of a log, as a reader holds them.

#[cfg(test)]
mod tests;

use crate::format::{
    Extent, FileKey, NameRecord, SEGMENT_HEADER_LEN, SegmentHeader, SegmentRef, index,
};
use crate::storage::{Map, Storage, read_full};
use crate::threads::atomic::Ordering;
use crate::threads::{Hint, OnceLock, PoisonError, RwLock, RwLockWriteGuard};
use crate::words::LogOffset;
use std::io;
use std::sync::Arc;

/// Bytes of a segment for which checked names are remembered together.
const PIECE: u32 = 1 << 18;
/// A bit for each 8 bytes of a piece.
const WORDS: usize = 1 << 9;

/// Bytes between two looks whether a map is in memory.
const LOOK: usize = 1 << 19;

type Checked = Box<[Hint; WORDS]>;

/// Pieces that all segments of a store remember together: 16 MiB, for 1 GiB of log. Who reads more
/// remembers for himself alone, and forgets when he goes on to the next segment.
const MOST: u64 = 1 << 12;

/// A segment and, where the device can, its map.
pub struct Segment {
    /// Where it is.
    pub place: SegmentRef,
    map: Arc<OnceLock<Option<Map>>>,
    /// Which names were checked in the map: a piece for every [`PIECE`] bytes, made when it is
    /// needed.
    checked: OnceLock<Box<[OnceLock<Checked>]>>,
    /// Pieces that all segments with this counter have.
    pieces: Arc<Hint>,
}

impl Segment {
    /// A segment that is not mapped yet.
    fn new(place: SegmentRef, pieces: Arc<Hint>) -> Self {
        let (map, checked) = (Arc::default(), OnceLock::new());
        Self { place, map, checked, pieces }
    }

    /// This segment for one reader: the same, or, where all segments remember enough together, one
    /// with the same map whose memory goes with the reader.
    pub fn for_reader(self: Arc<Self>) -> Arc<Self> {
        // Relaxed: some pieces more or less don't matter.
        if self.checked.get().is_some() || self.pieces.load(Ordering::Relaxed) < MOST {
            return self;
        }
        Arc::new(Self {
            place: self.place,
            map: self.map.clone(),
            checked: OnceLock::new(),
            pieces: Arc::default(),
        })
    }

    /// What [`Segment::stable`] gave last; nothing before that.
    #[inline]
    pub fn known_stable(&self) -> &[u8] {
        self.known_map().map_or(&[], Map::stable)
    }

    /// Its map, if it was mapped.
    #[inline]
    fn known_map(&self) -> Option<&Map> {
        self.map.get().and_then(Option::as_ref)
    }

    /// Its map, if it can be mapped.
    fn map(&self, storage: &dyn Storage) -> Option<&Map> {
        let map = self.map.get_or_init(|| {
            let Extent { file_offset, length } = self.place.extent;
            // A device that can't map now is read instead.
            storage.map(file_offset, length).ok().flatten()
        });
        map.as_ref()
    }

    /// Copies bytes from its map to an empty `out`, if it has one: what is written, but may not be
    /// stable yet. Whoever uses the copy checks it.
    pub fn copy(&self, storage: &dyn Storage, at: LogOffset, length: usize, out: &mut Vec<u8>) {
        if let Some(map) = self.map(storage) {
            map.copy(index(at.since(self.place.log_offset)), length, out);
        }
    }

    /// Its bytes that never change again, if it can be mapped; `watermark` is the store's.
    pub fn stable(&self, storage: &dyn Storage, watermark: LogOffset) -> Option<&[u8]> {
        let map = self.map(storage)?;
        let stable = index(watermark.since(self.place.log_offset));
        let bytes = map.stable();
        if stable <= bytes.len() {
            return Some(bytes);
        }
        map.set_stable(stable);
        Some(map.stable())
    }
}

impl Segment {
    /// Whether some of these bytes of its map are not in memory, as far as a look at the first and
    /// the last of them, and at some between, tells.
    pub fn is_cold_among(&self, begin: usize, length: usize) -> bool {
        let last = length.saturating_sub(1);
        let mut looked_at = (0..length).step_by(LOOK).chain([last]).map(|ahead| begin + ahead);
        self.known_map().is_some_and(|map| looked_at.any(|at| !map.is_in_memory(at)))
    }

    /// Whether a byte of its map is not in memory, as far as the system tells.
    pub fn is_cold(&self, at: LogOffset) -> bool {
        let within = index(at.since(self.place.log_offset));
        self.known_map().is_some_and(|map| !map.is_in_memory(within))
    }

    /// Has these bytes of its map read meanwhile.
    pub fn announce(&self, at: LogOffset, length: usize) {
        if let Some(map) = self.known_map() {
            map.announce(index(at.since(self.place.log_offset)), length);
        }
    }

    /// Has these bytes of its map, if they are in memory, come nearer to the processor meanwhile.
    #[inline]
    pub fn bring(&self, at: LogOffset, length: usize) {
        if let Some(map) = self.known_map() {
            map.bring(index(at.since(self.place.log_offset)), length);
        }
    }

    /// Whether there is a name at this distance from the segment's first byte. It is checked when
    /// it is first asked for.
    #[inline]
    pub fn has_name(&self, stable: &[u8], reference: u32, key: &FileKey) -> bool {
        // Of the bytes that there are, whatever the segment says of its length.
        let pieces =
            self.known_map().map_or(stable.len(), Map::len).div_ceil(index(u64::from(PIECE)));
        let pieces = self.checked.get_or_init(|| (0..pieces).map(|_| OnceLock::new()).collect());
        let Some(piece) = pieces.get(index(u64::from(reference / PIECE))) else { return false };
        if piece.get().is_none() && self.pieces.load(Ordering::Relaxed) >= MOST {
            return reference.is_multiple_of(8) && self.check_name(stable, reference, key);
        }
        let piece = piece.get_or_init(|| {
            self.pieces.fetch_add(1, Ordering::Relaxed);
            Box::new([const { Hint::new(0) }; WORDS])
        });
        let within = reference % PIECE / 8;
        let Some(word) = piece.get(index(u64::from(within / 64))) else { return false };
        let bit = 1 << (within % 64);
        // Relaxed: the bit says something of bytes that never change.
        if word.load(Ordering::Relaxed) & bit != 0 && reference.is_multiple_of(8) {
            return true;
        }
        self.check_name(stable, reference, key) && {
            word.fetch_or(bit, Ordering::Relaxed);
            true
        }
    }

    /// The name there, which [`Segment::has_name`] has found.
    pub fn name(&self, reference: u32) -> &str {
        let bytes = self.known_stable().get(index(u64::from(reference))..).unwrap_or_default();
        NameRecord::text_again(bytes)
    }

    /// Whether the name there passes its check.
    #[cold]
    fn check_name(&self, stable: &[u8], reference: u32, key: &FileKey) -> bool {
        let at = self.place.log_offset.plus(u64::from(reference));
        let bytes = stable.get(index(u64::from(reference))..).unwrap_or_default();
        NameRecord::parse(bytes).is_some_and(|name| name.check(at, key).is_some())
    }
}

/// A segment, and where in the log it begins: a search looks at that alone.
type Begun = (LogOffset, Arc<Segment>);

/// Segments before the newest ones.
#[derive(Default)]
struct Older {
    /// In their order.
    segments: Vec<Begun>,
    /// Whether these are all there are, each by its header.
    is_whole: bool,
}

/// The segments of a log, in its order: the newest, and of those before them the ones that somebody
/// has asked for.
#[derive(Clone, Default)]
pub struct SegmentList {
    list: Arc<Vec<Arc<Segment>>>,
    /// Shared by all lists that came from one another.
    older: Arc<RwLock<Older>>,
    pieces: Arc<Hint>,
}

impl SegmentList {
    /// These segments, each of which goes on where the one before ends.
    pub fn new(places: impl IntoIterator<Item = SegmentRef>) -> Self {
        let (pieces, older) = (Arc::default(), Arc::default());
        let new = |place| Arc::new(Segment::new(place, Arc::clone(&pieces)));
        let list = Arc::new(places.into_iter().map(new).collect());
        Self { list, older, pieces }
    }

    /// The same and one more.
    #[must_use]
    pub fn with(&self, place: SegmentRef) -> Self {
        let mut list = self.list.as_ref().clone();
        list.push(Arc::new(Segment::new(place, self.pieces.clone())));
        Self { list: Arc::new(list), ..self.clone() }
    }

    /// The same and those of these segments that follow; nothing if they don't go on where it
    /// ends.
    pub fn joined(&self, named: &[SegmentRef]) -> Option<Self> {
        let mut joined = self.clone();
        for place in named {
            let end = joined.last()?.log_end();
            if place.log_offset > end {
                return None;
            }
            if place.log_offset == end {
                joined = joined.with(*place);
            }
        }
        Some(joined)
    }

    /// Whether the segment is known that this log offset lies in.
    pub fn knows(&self, at: LogOffset) -> bool {
        let newest = self.list.first().is_some_and(|first| at >= first.place.log_offset)
            && self.list.last().is_some_and(|last| at < last.place.log_end());
        newest || self.find(at).is_some()
    }

    /// The segment that this log offset lies in, if it is known.
    pub fn find(&self, at: LogOffset) -> Option<Arc<Segment>> {
        if self.is_older(at) {
            let older = self.older.read().unwrap_or_else(PoisonError::into_inner);
            return self.among(&older.segments, at).cloned();
        }
        self.among(&[], at).cloned()
    }

    /// Finds the segment that each of these log offsets lies in, if it is known.
    pub fn find_each<'a>(
        &self,
        wanted: impl Iterator<Item = (LogOffset, &'a mut Option<Arc<Segment>>)>,
    ) {
        let older = self.older.read().unwrap_or_else(PoisonError::into_inner);
        wanted.for_each(|(at, segment)| *segment = self.among(&older.segments, at).cloned());
    }

    /// Whether this log offset lies before the newest segments.
    fn is_older(&self, at: LogOffset) -> bool {
        self.list.first().is_some_and(|first| at < first.place.log_offset)
    }

    /// The segment, of the newest and these, that this log offset lies in.
    fn among<'a>(&'a self, older: &'a [Begun], at: LogOffset) -> Option<&'a Arc<Segment>> {
        let segment = if self.is_older(at) {
            let after = older.partition_point(|(begin, _)| *begin <= at);
            older.get(after.checked_sub(1)?).map(|(_, segment)| segment)
        } else {
            let after = self.list.partition_point(|segment| segment.place.log_offset <= at);
            self.list.get(after.checked_sub(1)?)
        };
        segment.filter(|segment| segment.place.contains(at))
    }

    /// Each of the newest ones.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &SegmentRef> {
        self.list.iter().map(|segment| &segment.place)
    }

    /// The last of them.
    pub fn last(&self) -> Option<SegmentRef> {
        self.list.last().map(|segment| segment.place)
    }

    /// Makes an older segment known, which a page of a run that passed its check says is there. Its
    /// header is not read for that: whatever is read of it has to pass a check for its own place in
    /// the log.
    pub fn know(&self, place: SegmentRef) {
        self.older().add(place, &self.pieces);
    }

    fn older(&self) -> RwLockWriteGuard<'_, Older> {
        self.older.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of the log's segments, after making them known, by their headers. The place of one whose
    /// header fails its check, if there is one.
    pub fn all(
        &self,
        storage: &dyn Storage,
        key: &FileKey,
    ) -> io::Result<Result<Vec<SegmentRef>, SegmentRef>> {
        let newest = self.iter().copied();
        let Some(first) = self.list.first().filter(|first| first.place.log_offset.get() > 0) else {
            return Ok(Ok(newest.collect()));
        };
        let is_whole = self.older().is_whole;
        if !is_whole {
            let all = load_segments(storage, key, &[first.place], LogOffset::ZERO, &[])?;
            let mut older = self.older();
            match all {
                Ok(all) => {
                    let before = all.iter().filter(|place| **place != first.place);
                    before.for_each(|place| older.add(*place, &self.pieces));
                    older.is_whole = true;
                }
                Err(place) => return Ok(Err(place)),
            }
        }
        let older = self.older();
        let older = older.segments.iter().map(|(_, segment)| segment.place);
        Ok(Ok(older.chain(newest).collect()))
    }
}

impl Older {
    /// Adds a segment, or puts it in the place of one that is said to begin where it does.
    fn add(&mut self, place: SegmentRef, pieces: &Arc<Hint>) {
        let nth = self.segments.partition_point(|(begin, _)| *begin < place.log_offset);
        let known = self.segments.get_mut(nth).filter(|(begin, _)| *begin == place.log_offset);
        let new = || (place.log_offset, Arc::new(Segment::new(place, pieces.clone())));
        match known {
            Some((_, segment)) if segment.place == place => {}
            Some(other) => *other = new(),
            None => self.segments.insert(nth, new()),
        }
    }
}

/// The header of a segment that stands at this byte of the file; nothing if it fails its check.
pub fn read_header(
    storage: &dyn Storage,
    key: &FileKey,
    at: u64,
) -> io::Result<Option<SegmentHeader>> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    let read = read_full(storage, &mut bytes, at)?;
    Ok(SegmentHeader::decode(bytes.get(..read).unwrap_or_default(), key))
}

/// The header of the segment at this place; nothing if it fails its check or says otherwise.
pub fn header_of(
    storage: &dyn Storage,
    key: &FileKey,
    place: SegmentRef,
) -> io::Result<Option<SegmentHeader>> {
    let header = read_header(storage, key, place.extent.file_offset)?;
    Ok(header.filter(|header| header.own == place))
}

/// The headers, as they were, of those of these segments in which nothing is proven and whose
/// header fails its check: a crash may have torn it together with the first frame, which stands in
/// the same sector.
pub fn torn_headers(
    storage: &dyn Storage,
    key: &FileKey,
    named: &[SegmentRef],
    proven: LogOffset,
) -> io::Result<Vec<SegmentHeader>> {
    let mut torn = Vec::new();
    for (nth, own) in named.iter().enumerate().rev() {
        if own.first_frame() < proven {
            break;
        }
        let before = nth.checked_sub(1).and_then(|before| named.get(before).copied());
        let is_known = before.is_some() || own.log_offset == LogOffset::ZERO;
        if is_known && header_of(storage, key, *own)?.is_none() {
            torn.push(SegmentHeader { own: *own, before });
        }
    }
    Ok(torn)
}

/// The segments of the log from the one that holds `start` on: those that a slot names, and those
/// before them, by their headers. Those in `torn` have the header that is given there.
///
/// The place of one whose header fails its check, is not what the next one says it is, or that
/// shares bytes of the file with another one.
pub fn load_segments(
    storage: &dyn Storage,
    key: &FileKey,
    named: &[SegmentRef],
    start: LogOffset,
    torn: &[SegmentHeader],
) -> io::Result<Result<SegmentList, SegmentRef>> {
    let mut places = Vec::new();
    let mut wanted = named.last().copied();
    let mut named = named.iter().rev().skip(1);
    while let Some(place) = wanted {
        let known = torn.iter().find(|header| header.own == place).copied();
        let header = match known {
            Some(header) => Some(header),
            None => header_of(storage, key, place)?,
        };
        let Some(header) = header else { return Ok(Err(place)) };
        places.push(place);
        if place.log_offset <= start {
            break;
        }
        wanted = match (named.next(), header.before) {
            (Some(by_slot), by_header) if by_header != Some(*by_slot) => return Ok(Err(*by_slot)),
            (_, by_header) => by_header,
        };
    }
    // Each one is before the last by its log offset, so a chain of them ends; it has to end at the
    // start.
    if places.last().is_none_or(|first| first.log_offset > start) {
        return Ok(Err(places.last().copied().unwrap_or_default()));
    }
    places.reverse();
    match overlap(&places) {
        Some(place) => Ok(Err(place)),
        None => Ok(Ok(SegmentList::new(places))),
    }
}

/// One of these segments that shares bytes of the file with another one, if there is one.
///
/// Each byte is one piece of the log: else what a few bytes say would count many times.
pub fn overlap(places: &[SegmentRef]) -> Option<SegmentRef> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable_by_key(|place| place.extent.file_offset);
    let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
    let found = pairs.find(|(one, next)| one.extent.end() > next.extent.file_offset);
    found.map(|(_, next)| *next)
}

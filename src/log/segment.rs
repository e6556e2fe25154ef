//! The segments of a log, as a reader holds them.

use crate::format::{
    Extent, FileKey, NameRecord, SEGMENT_HEADER_LEN, SegmentHeader, SegmentRef, index, u64_of,
};
use crate::storage::{Map, Storage, read_full};
use crate::words::{LogOffset, NameSource};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes of a segment for which checked names are remembered together.
const PIECE: u32 = 1 << 18;
/// A bit for each 8 bytes of a piece.
const WORDS: usize = 1 << 9;

type Checked = Box<[AtomicU64; WORDS]>;

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
    /// Up to which log offset the map was made ready for reading forward.
    populated: AtomicU64,
    /// Pieces that all segments with this counter have.
    pieces: Arc<AtomicU64>,
}

impl Segment {
    /// A segment that is not mapped yet.
    fn new(place: SegmentRef, pieces: Arc<AtomicU64>) -> Self {
        let (map, checked, populated) = (Arc::default(), OnceLock::new(), AtomicU64::new(0));
        Self { place, map, checked, populated, pieces }
    }

    /// This segment for one reader: the same, or, where all segments remember enough together, one
    /// with the same map whose memory goes with the reader.
    pub fn for_reader(self: &Arc<Self>) -> Arc<Self> {
        // Relaxed: some pieces more or less don't matter.
        if self.checked.get().is_some() || self.pieces.load(Ordering::Relaxed) < MOST {
            return self.clone();
        }
        Arc::new(Self {
            place: self.place,
            map: self.map.clone(),
            checked: OnceLock::new(),
            populated: AtomicU64::new(self.populated.load(Ordering::Relaxed)),
            pieces: Arc::default(),
        })
    }

    /// What [`Segment::stable`] gave last; nothing before that.
    #[inline]
    pub fn known_stable(&self) -> &[u8] {
        self.map.get().and_then(Option::as_ref).map_or(&[], Map::stable)
    }

    /// Its bytes that never change again, if it can be mapped; `watermark` is the store's.
    pub fn stable(&self, storage: &dyn Storage, watermark: LogOffset) -> Option<&[u8]> {
        let map = self.map.get_or_init(|| {
            let Extent { file_offset, length } = self.place.extent;
            // A device that can't map now is read instead.
            storage.map(file_offset, length).ok().flatten()
        });
        let map = map.as_ref()?;
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
    /// Makes ready to read so many stable bytes from `at` on; returns where that ends.
    pub fn populate(&self, stable: &[u8], at: LogOffset, length: usize) -> LogOffset {
        let begin = index(at.since(self.place.log_offset));
        let length = length.min(stable.len().saturating_sub(begin));
        let end = at.plus(u64_of(length));
        // Relaxed: only advice depends on it. Who reads from the beginning does it for all after.
        let first = self.populated.fetch_max(end.get(), Ordering::Relaxed) < end.get();
        if let Some(Some(map)) = self.map.get()
            && first
        {
            map.populate(begin, length);
        }
        end
    }

    /// Whether there is a name at this distance from the segment's first byte. It is checked when
    /// it is first asked for.
    #[inline]
    pub fn has_name(&self, stable: &[u8], reference: u32, key: &FileKey) -> bool {
        let pieces = index(self.place.extent.length.div_ceil(u64::from(PIECE)));
        let pieces = self.checked.get_or_init(|| (0..pieces).map(|_| OnceLock::new()).collect());
        let Some(piece) = pieces.get(index(u64::from(reference / PIECE))) else { return false };
        let piece = piece.get_or_init(|| {
            self.pieces.fetch_add(1, Ordering::Relaxed);
            Box::new([const { AtomicU64::new(0) }; WORDS])
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

    /// Whether the name there passes its check.
    #[cold]
    fn check_name(&self, stable: &[u8], reference: u32, key: &FileKey) -> bool {
        let at = self.place.log_offset.plus(u64::from(reference));
        let bytes = stable.get(index(u64::from(reference))..).unwrap_or_default();
        NameRecord::parse(bytes).is_some_and(|name| name.check(at, key).is_some())
    }
}

/// Names that [`Segment::has_name`] has found.
impl NameSource for Segment {
    fn name(&self, reference: u32) -> &str {
        let bytes = self.known_stable().get(index(u64::from(reference))..).unwrap_or_default();
        NameRecord::text_again(bytes)
    }
}

/// All segments of a log, in its order.
#[derive(Clone, Default)]
pub struct SegmentList {
    list: Arc<Vec<Arc<Segment>>>,
    pieces: Arc<AtomicU64>,
}

impl SegmentList {
    /// These segments.
    pub fn new(places: impl IntoIterator<Item = SegmentRef>) -> Self {
        let pieces = Arc::default();
        let new = |place| Arc::new(Segment::new(place, Arc::clone(&pieces)));
        let list = Arc::new(places.into_iter().map(new).collect());
        Self { list, pieces }
    }

    /// The same and one more.
    #[must_use]
    pub fn with(&self, place: SegmentRef) -> Self {
        let mut list = self.list.as_ref().clone();
        list.push(Arc::new(Segment::new(place, self.pieces.clone())));
        Self { list: Arc::new(list), pieces: self.pieces.clone() }
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

    /// The segment that this log offset lies in.
    pub fn find(&self, at: LogOffset) -> Option<&Arc<Segment>> {
        let after = self.list.partition_point(|segment| segment.place.log_offset <= at);
        self.list.get(after.checked_sub(1)?).filter(|segment| segment.place.contains(at))
    }

    /// Each of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &SegmentRef> {
        self.list.iter().map(|segment| &segment.place)
    }

    /// The last of them.
    pub fn last(&self) -> Option<SegmentRef> {
        self.list.last().map(|segment| segment.place)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

/// The segments that a slot names, and all before them, by their headers.
///
/// Nothing if a header fails its check or is not what the next one says it is.
pub fn load_segments(
    storage: &dyn Storage,
    key: &FileKey,
    named: &[SegmentRef],
) -> io::Result<Result<SegmentList, SegmentRef>> {
    let mut places = Vec::new();
    let mut wanted = named.last().copied();
    let mut named = named.iter().rev().skip(1);
    while let Some(place) = wanted {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let read = read_full(storage, &mut bytes, place.extent.file_offset)?;
        let header = SegmentHeader::decode(bytes.get(..read).unwrap_or_default(), key);
        let Some(header) = header.filter(|header| header.own == place) else {
            return Ok(Err(place));
        };
        places.push(place);
        wanted = match (named.next(), header.before) {
            (Some(by_slot), by_header) if by_header != Some(*by_slot) => return Ok(Err(*by_slot)),
            (_, by_header) => by_header,
        };
    }
    // Each one is before the last by its log offset, so a chain of them ends; it has to end where
    // the log begins.
    if places.last().is_none_or(|first| first.log_offset > LogOffset::ZERO) {
        return Ok(Err(places.last().copied().unwrap_or_default()));
    }
    places.reverse();
    Ok(Ok(SegmentList::new(places)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::PAGE;

    #[test]
    fn what_readers_remember_of_names_is_bounded() {
        let key = FileKey::new([1; 16]);
        let place = |nth: u64| SegmentRef {
            extent: Extent { file_offset: (4 + nth) * PAGE, length: PAGE },
            log_offset: LogOffset::new(nth * PAGE),
        };
        let segments = SegmentList::new((0..2 * MOST).map(place));
        let mut bytes = vec![0; index(PAGE)];
        for nth in 0..2 * MOST {
            let at = place(nth).log_offset;
            let length = NameRecord::len_of("a-1");
            NameRecord::write(&mut bytes[64..64 + length], "a-1", at.plus(64), &key);
            let segment = segments.find(at).unwrap().for_reader();
            assert!(segment.has_name(&bytes, 64, &key));
            assert!(segment.has_name(&bytes, 64, &key));
            // Damage is seen by whoever has not looked yet.
            let other = segments.find(at).unwrap().for_reader();
            bytes[64 + 8] ^= 1;
            assert_eq!(other.has_name(&bytes, 64, &key), nth < MOST);
        }
        assert_eq!(segments.pieces.load(Ordering::Relaxed), MOST);
    }
}

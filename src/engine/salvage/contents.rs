//! What of a frame is whole: all of it, or records by themselves. Rule 6.

use crate::format::{
    FRAME_LEN, FileKey, FrameHeader, RawDocument, RawEvent, Record, event_head_len, index, u64_of,
};
use crate::log::check_frame;
use crate::words::{LogOffset, Position};

/// Records of a frame that pass their checks, in their order.
pub struct Contents<'a> {
    /// Whether the frame is valid: then they are all of its records.
    pub is_whole: bool,
    /// Its events.
    pub events: Vec<Found<RawEvent<'a>>>,
    /// Its documents.
    pub documents: Vec<Found<RawDocument<'a>>>,
    /// How many of its records are neither here nor among the events that the header counts: names
    /// or documents that are lost.
    pub others_lost: u64,
}

/// A record that passes its check.
pub struct Found<R> {
    /// The record.
    pub record: R,
    /// Where it stands.
    pub at: LogOffset,
    /// The log offset behind it.
    pub end: LogOffset,
    /// The position of the event, or the next one for a document.
    pub position: Position,
}

/// Each byte of a frame may be summed so often for records that turn out not to be whole. Of one
/// that rotted each is summed once; only a frame that was made to be dear is looked at less.
const EFFORT: usize = 8;
/// What trying one position costs, in bytes summed.
const TRY: usize = 16;

/// Looks at the bytes of a frame, or as many of them as are there.
pub fn contents<'a>(bytes: &'a [u8], header: &FrameHeader, key: &FileKey) -> Contents<'a> {
    let mut found = Contents::default();
    let whole = check_frame(bytes, header, key, |record, at, position| {
        found.add(*record, at, position);
    });
    if whole.is_ok() && u64_of(bytes.len()) >= u64::from(header.length) {
        found.is_whole = true;
        return found;
    }
    let mut search = Search::new(bytes, header, key);
    search.run();
    search.found
}

impl Default for Contents<'_> {
    fn default() -> Self {
        let (events, documents) = (Vec::new(), Vec::new());
        Self { is_whole: false, events, documents, others_lost: 0 }
    }
}

impl<'a> Contents<'a> {
    fn add(&mut self, record: Record<'a>, at: LogOffset, position: Position) {
        let end = at.plus(u64_of(record.len()));
        match record {
            Record::Name(_) => {}
            Record::Event(record) => self.events.push(Found { record, at, end, position }),
            Record::Document(record) => self.documents.push(Found { record, at, end, position }),
        }
    }
}

/// Looks for records in a frame that is damaged: one behind another, and after one that is not
/// whole at every multiple of 8.
struct Search<'a, 'k> {
    bytes: &'a [u8],
    header: &'k FrameHeader,
    key: &'k FileKey,
    /// How far it is from the frame's first byte.
    here: usize,
    /// Bytes since the last record that is whole.
    gap: usize,
    /// The position of the next event, if none is in the gap.
    next: Position,
    effort: usize,
    records: u64,
    found: Contents<'a>,
}

impl<'a, 'k> Search<'a, 'k> {
    fn new(bytes: &'a [u8], header: &'k FrameHeader, key: &'k FileKey) -> Self {
        let end = header.records_len().unwrap_or_default().saturating_add(FRAME_LEN);
        let bytes = bytes.get(..end).unwrap_or(bytes);
        let effort = bytes.len().saturating_mul(EFFORT);
        let (next, found) = (header.first, Contents::default());
        Self { bytes, header, key, here: FRAME_LEN, gap: 0, next, effort, records: 0, found }
    }

    fn run(&mut self) {
        while let Some(rest) = self.bytes.get(self.here..).filter(|rest| !rest.is_empty()) {
            match self.record(rest) {
                Some((record, position)) => {
                    self.found.add(record, self.at(), position);
                    if let Record::Event(_) = record {
                        self.next = position.next().unwrap_or(position);
                    }
                    self.records += 1;
                    self.here += record.len();
                    self.gap = 0;
                }
                None if self.effort == 0 => break,
                None => {
                    self.here += 8;
                    self.gap += 8;
                }
            }
        }
        let events = u64_of(self.found.events.len());
        let others = u64::from(self.header.records).saturating_sub(u64::from(self.header.events));
        let others_found = self.records.saturating_sub(events);
        self.found.others_lost = others.saturating_sub(others_found);
    }

    fn at(&self) -> LogOffset {
        self.header.at.plus(u64_of(self.here))
    }

    /// The record that stands here, if it is whole and of this frame; with the position of the
    /// event, or of the next one.
    fn record(&mut self, rest: &'a [u8]) -> Option<(Record<'a>, Position)> {
        let record = Record::parse(rest)?;
        let (at, key) = (self.at(), self.key);
        let last = self.header.first.forward(u64::from(self.header.events))?.previous();
        let leads_back = |distance: u32| index(u64::from(distance)) == self.here;
        let position = match &record {
            Record::Name(name) => {
                self.spend(record.len())?;
                name.check(at, key).map(|_| self.next)
            }
            Record::Event(event) => {
                if !leads_back(event.distance) || event.recorded != self.header.recorded {
                    return None;
                }
                // So many events at the most may have stood in the gap.
                let most = u64_of(self.gap / event_head_len(0)).saturating_add(1);
                let most = most.min(last.get().saturating_add(1).saturating_sub(self.next.get()));
                self.spend(record.len().saturating_add(index(most).saturating_mul(TRY)))?;
                event.find_position(at, (self.next, most), key)
            }
            Record::Document(document) => {
                let fits = leads_back(document.distance)
                    && document.recorded == self.header.recorded
                    && document.head == last;
                if !fits {
                    return None;
                }
                self.spend(record.len())?;
                document.check(at, key).map(|_| self.next)
            }
        }?;
        self.regain(record.len());
        Some((record, position))
    }

    /// Nothing if there is no more to spend.
    fn spend(&mut self, effort: usize) -> Option<()> {
        let left = self.effort.checked_sub(effort);
        self.effort = left.unwrap_or(0);
        left.map(|_| ())
    }

    /// What was spent on a record that is whole was well spent.
    fn regain(&mut self, effort: usize) {
        self.effort = self.effort.saturating_add(effort);
    }
}

//! Files made from nothing, by FORMAT.md's tables: with whatever numbers whoever makes them likes.

use annals_fuzz::layout::{
    COMMIT_TAG, DOCUMENT_TAG, END_TAG, EVENT_TAG, FIRST_EXTENT, HEADER_MAGIC, NAME_TAG, PAGE,
    RUN_TAG, SEGMENT_TAG, SLOT_MAGIC, SLOTS, frame, header, pad8, page, record, segment, set, slot,
};
use annals_fuzz::seal::{extent_of_record, seal};

/// The key of all files that are made here.
pub const KEY: [u8; 16] = *b"hostile file key";
/// The epoch of all frames, and its bits.
const EPOCH: (u64, u64) = (2, 99);

/// A place of the log: segment, or what names one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Place {
    pub at: usize,
    pub length: u64,
    pub log_offset: u64,
}

impl Place {
    fn numbers(&self) -> [u64; 3] {
        [self.at as u64, self.length, self.log_offset]
    }
}

/// A run as a slot names it.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub at: usize,
    pub pages: u64,
    pub id: u64,
    pub end: u64,
    pub next: u64,
}

/// A file that is being made.
pub struct Forge {
    pub bytes: Vec<u8>,
    /// The segment that is written to, where the next frame goes in the file, its position.
    segment: Place,
    at: usize,
    position: u64,
    /// Where the frame begins that is being written; its records and events.
    frame: usize,
    records: u64,
    events: u64,
}

impl Forge {
    /// A file of this many bytes with one segment over all of it.
    pub fn new(length: usize) -> Self {
        let mut forge = Self::bare(length);
        let whole =
            Place { at: FIRST_EXTENT, length: (length - FIRST_EXTENT) as u64, log_offset: 0 };
        forge.segment(whole, Place::default());
        forge
    }

    /// A file of this many bytes, with page 0 and two slots that name nothing.
    pub fn bare(length: usize) -> Self {
        let mut bytes = vec![0; length];
        bytes[..8].copy_from_slice(HEADER_MAGIC);
        for at in [0, SLOTS[0], SLOTS[1]] {
            let page = &mut bytes[at..at + PAGE];
            set(page, header::FORMAT_VERSION, 1);
            set(page, header::PAGE_SIZE, PAGE as u64);
            page[header::STORE_ID].copy_from_slice(b"hostile store id");
            page[header::FILE_KEY].copy_from_slice(&KEY);
        }
        for (nth, at) in SLOTS.into_iter().enumerate() {
            let slot = &mut bytes[at..at + PAGE];
            slot[..8].copy_from_slice(SLOT_MAGIC);
            set(slot, slot::COUNTER, 3 + nth as u64);
            set(slot, slot::EPOCH, EPOCH.0);
            set(slot, slot::EPOCH_SALT, EPOCH.1);
            for (start, next) in
                [(slot::INDEX_END, slot::INDEX_NEXT), (slot::PROOF_START, slot::PROOF_NEXT)]
            {
                set(slot, start, segment::LEN as u64);
                set(slot, next, 1);
            }
            set(slot, slot::WATERMARK, segment::LEN as u64);
        }
        let (segment, at) = (Place::default(), FIRST_EXTENT);
        Self { bytes, segment, at, position: 1, frame: 0, records: 0, events: 0 }
    }

    /// Changes both slots.
    pub fn slots(&mut self, change: impl Fn(&mut [u8])) {
        SLOTS.into_iter().for_each(|at| change(&mut self.bytes[at..at + PAGE]));
    }

    /// Makes both slots name these segments.
    pub fn name_segments(&mut self, places: &[Place]) {
        self.slots(|slot| {
            set(slot, slot::SEGMENT_COUNT, places.len() as u64);
            for (nth, place) in places.iter().enumerate() {
                let at = slot::SEGMENTS + nth * slot::SEGMENT_LEN;
                for (field, number) in (0..).zip(place.numbers()) {
                    set(slot, at + 8 * field..at + 8 * field + 8, number);
                }
            }
        });
    }

    /// Makes both slots name these runs.
    pub fn name_runs(&mut self, runs: &[Named]) {
        self.slots(|slot| {
            set(slot, slot::RUN_COUNT, runs.len() as u64);
            for (nth, run) in runs.iter().enumerate() {
                let entry = &mut slot[slot::RUNS + nth * slot::RUN_LEN..];
                set(entry, 0..8, run.at as u64);
                set(entry, 8..12, run.pages);
                set(entry, 12..16, run.id);
                set(entry, 16..24, run.end);
                set(entry, 24..32, run.next);
                set(slot, slot::INDEX_END, run.end);
                set(slot, slot::INDEX_NEXT, run.next);
            }
        });
    }

    /// A segment's header; frames go to it from now on.
    pub fn segment(&mut self, place: Place, before: Place) {
        let head = &mut self.bytes[place.at..place.at + segment::LEN];
        head[..4].copy_from_slice(SEGMENT_TAG);
        let numbers = place.numbers().into_iter().chain(before.numbers());
        for (nth, number) in numbers.enumerate() {
            set(head, 8 + 8 * nth..16 + 8 * nth, number);
        }
        (self.segment, self.at) = (place, place.at + segment::LEN);
    }

    /// The log offset of a byte of the file, in the segment that is written to.
    pub fn log_offset(&self, at: usize) -> u64 {
        self.segment.log_offset + (at - self.segment.at) as u64
    }

    /// The log offset of what is written next.
    pub fn here(&self) -> u64 {
        self.log_offset(self.at)
    }

    /// Where it goes in the file.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is written next goes to this byte of the file.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Where the segment begins that is written to.
    pub fn segment_at(&self) -> usize {
        self.segment.at
    }

    /// The position of what is written next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes that are left in the file.
    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Begins a commit.
    pub fn begin(&mut self) {
        (self.frame, self.records, self.events) = (self.at, 0, 0);
        self.at += frame::LEN;
    }

    /// Ends it. Returns where it begins in the file.
    pub fn commit(&mut self) -> usize {
        let (at, end) = (self.frame, self.at);
        let log_offset = self.log_offset(at);
        let first = self.position - self.events;
        let (records, events) = (self.records, self.events);
        let head = &mut self.bytes[at..at + frame::LEN];
        head[..4].copy_from_slice(COMMIT_TAG);
        let numbers = [
            (frame::LOG_OFFSET, log_offset),
            (frame::EPOCH, EPOCH.0),
            (frame::EPOCH_SALT, EPOCH.1),
            (frame::LENGTH, (end - at) as u64),
            (frame::RECORD_COUNT, records),
            (frame::EVENT_COUNT, events),
            (frame::FIRST_POSITION, first),
            (frame::WATERMARK, log_offset),
        ];
        numbers.into_iter().for_each(|(field, number)| set(head, field, number));
        at
    }

    /// An end record that leads to a segment at this byte of the file.
    pub fn end(&mut self, next: usize) {
        self.begin();
        let at = self.commit();
        self.bytes[at..at + 4].copy_from_slice(END_TAG);
        set(&mut self.bytes[at..], frame::NEXT_SEGMENT, next as u64);
    }

    fn record(&mut self, length: usize) -> &mut [u8] {
        let at = self.at;
        self.at += pad8(length);
        self.records += 1;
        let record = &mut self.bytes[at..at + pad8(length)];
        record.fill(0);
        record
    }

    /// A name; returns the reference to it.
    pub fn name(&mut self, text: &[u8]) -> u32 {
        let reference = (self.at - self.segment.at) as u32;
        let record = self.record(record::NAME_LEN + text.len());
        record[record::TAG] = NAME_TAG;
        set(record, record::NAME_LENGTH, text.len() as u64);
        record[record::NAME_LEN..record::NAME_LEN + text.len()].copy_from_slice(text);
        reference
    }

    /// Takes in the names that stand next in the file, as far as they begin before this byte.
    pub fn names_to(&mut self, end: usize) {
        while self.at < end
            && let Some((_, length)) = extent_of_record(&self.bytes[self.at..])
        {
            self.at += length;
            self.records += 1;
        }
    }

    /// An event, with the references to its names.
    pub fn event(&mut self, (stream, of_type): (u32, u32), tags: &[u32], version: u64) {
        let distance = (self.at - self.frame) as u64;
        let record = self.record(record::EVENT_LEN + 4 * tags.len());
        record[record::TAG] = EVENT_TAG;
        record[record::TAG + 1] = 1;
        record[record::EVENT_FLAGS.end - 1] = tags.len() as u8;
        set(record, record::EVENT_DISTANCE, distance);
        set(record, record::EVENT_STREAM, stream.into());
        set(record, record::EVENT_TYPE, of_type.into());
        set(record, record::EVENT_VERSION, version);
        for (nth, tag) in tags.iter().enumerate() {
            let at = record::EVENT_LEN + 4 * nth;
            set(record, at..at + 4, (*tag).into());
        }
        self.events += 1;
        self.position += 1;
    }

    /// A document without events in its commit.
    pub fn document(&mut self, key: &[u8], value: &[u8], revision: u64, before: u64) {
        let (distance, head) = ((self.at - self.frame) as u64, self.position - 1);
        let record = self.record(record::DOCUMENT_LEN + key.len() + value.len());
        record[record::TAG] = DOCUMENT_TAG;
        let numbers = [
            (record::KEY_LENGTH, key.len() as u64),
            (record::DOCUMENT_DISTANCE, distance),
            (record::VALUE_LENGTH, value.len() as u64),
            (record::REVISION, revision),
            (record::BEFORE, before),
            (record::HEAD, head),
        ];
        numbers.into_iter().for_each(|(field, number)| set(record, field, number));
        let body = &mut record[record::DOCUMENT_LEN..];
        body[..key.len()].copy_from_slice(key);
        body[key.len()..key.len() + value.len()].copy_from_slice(value);
    }

    /// The header of a run, on the page here: its numbers from `start` on, as the table has them.
    pub fn run_header(&mut self, at: usize, positions: [u64; 4], counts: [u64; 5]) {
        let page = &mut self.bytes[at..at + PAGE];
        page[page::VALUES..page::VALUES + 4].copy_from_slice(RUN_TAG);
        for (nth, number) in positions.into_iter().enumerate() {
            set(page, 24 + 8 * nth..32 + 8 * nth, number);
        }
        for (nth, number) in counts.into_iter().enumerate() {
            set(page, 56 + 4 * nth..60 + 4 * nth, number);
        }
    }

    /// The file as a crash leaves it: sealed, with one segment if none was named.
    pub fn crashed(mut self) -> Vec<u8> {
        if annals_fuzz::layout::number(&self.bytes[PAGE..], slot::SEGMENT_COUNT) == 0 {
            self.name_segments(&[self.segment]);
        }
        seal(&mut self.bytes);
        self.bytes
    }

    /// The file as closing leaves it: what was written last ends the log.
    pub fn closed(mut self) -> Vec<u8> {
        let end = self.here();
        self.slots(|slot| {
            set(slot, slot::WATERMARK, end);
            set(slot, slot::CLEAN, 1);
        });
        self.crashed()
    }
}

//! Where everything stands in a healthy store, read as FORMAT.md says, without any of the store's
//! code: what it says is another opinion.

use std::ops::Range;

const PAGE: usize = 4_096;
const SEGMENT_HEADER: usize = 64;
const FRAME_HEADER: usize = 96;
const STUB: usize = 48;

/// Where everything stands. Ranges are bytes of the file, `at` and `end` are log offsets.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Both slots.
    pub slots: Vec<SlotPlace>,
    /// The segments that the log uses or has prepared, in its order.
    pub segments: Vec<SegmentPlace>,
    /// The frames, ends of segments included, in the order of the log.
    pub frames: Vec<FramePlace>,
    /// The stub at the end of the log, if there is one: its bytes and its watermark.
    pub stub: Option<(Range<usize>, u64)>,
}

/// A slot.
#[derive(Clone, Debug)]
pub struct SlotPlace {
    /// Its page.
    pub bytes: Range<usize>,
    /// Its counter.
    pub counter: u64,
    /// Up to where everything was synced.
    pub watermark: u64,
    /// The highest position that it proves.
    pub proves: u64,
    /// Where the segments begin that it names.
    pub segments: Vec<usize>,
    /// The runs that it names.
    pub runs: Vec<Range<usize>>,
}

/// A segment.
#[derive(Clone, Debug)]
pub struct SegmentPlace {
    /// All of it.
    pub bytes: Range<usize>,
    /// The log offset of its first byte.
    pub at: u64,
}

/// A frame.
#[derive(Clone, Debug)]
pub struct FramePlace {
    /// All of it.
    pub bytes: Range<usize>,
    /// Bytes at its end that nothing checks.
    pub padding: usize,
    /// Its place in the log.
    pub at: u64,
    /// The log offset behind it.
    pub end: u64,
    /// Which segment it stands in.
    pub segment: usize,
    /// Whether it is a commit; else it ends its segment.
    pub is_commit: bool,
    /// Its watermark.
    pub watermark: u64,
    /// The position of its first event, or of the next one.
    pub first: u64,
    /// Its events.
    pub events: Vec<EventPlace>,
    /// Its documents.
    pub documents: Vec<DocumentPlace>,
    /// Its names.
    pub names: Vec<Range<usize>>,
}

/// An event.
#[derive(Clone, Debug)]
pub struct EventPlace {
    /// Its record.
    pub bytes: Range<usize>,
    /// Its position.
    pub position: u64,
    /// The names that it refers to.
    pub names: Vec<Range<usize>>,
}

/// A document's record.
#[derive(Clone, Debug)]
pub struct DocumentPlace {
    /// The record.
    pub bytes: Range<usize>,
    /// Its key.
    pub key: String,
    /// Its revision.
    pub revision: u64,
    /// Its value; nothing if it is deleted.
    pub value: Option<Vec<u8>>,
    /// The position of the last event as of its commit.
    pub head: u64,
}

impl FramePlace {
    /// Its header.
    pub fn header(&self) -> Range<usize> {
        self.bytes.start..self.bytes.start + FRAME_HEADER
    }

    /// What its checks cover.
    pub fn covered(&self) -> Range<usize> {
        self.bytes.start..self.bytes.end - self.padding
    }
}

impl SegmentPlace {
    /// Its header.
    pub fn header(&self) -> Range<usize> {
        self.bytes.start..self.bytes.start + SEGMENT_HEADER
    }
}

impl Layout {
    /// Reads a store that is healthy; one that is not surprises it.
    pub fn of(file: &[u8]) -> Self {
        let slots: Vec<SlotPlace> = [PAGE, 2 * PAGE].map(|at| slot(file, at)).into();
        let newest = slots.iter().max_by_key(|slot| slot.counter).expect("there are two");
        let mut layout = Self::default();
        let mut next = Some(first_segment(file));
        while let Some(start) = next {
            next = layout.segment(file, start);
        }
        // Prepared ones are empty; the slot has them in the order of the log.
        for start in newest.segments.clone() {
            if layout.segments.last().is_some_and(|last| u64_at(file, start + 24) > last.at) {
                layout.segments.push(segment(file, start));
            }
        }
        layout.slots = slots;
        layout
    }

    /// Where the log ends.
    pub fn end(&self) -> u64 {
        self.frames.last().map_or(SEGMENT_HEADER as u64, |last| last.end)
    }

    /// Reads the frames of a segment; returns where the next one begins, if there is one.
    fn segment(&mut self, file: &[u8], start: usize) -> Option<usize> {
        let place = segment(file, start);
        let mut at = start + SEGMENT_HEADER;
        let mut next = None;
        while next.is_none() && at + STUB <= place.bytes.end {
            let log_offset = place.at + (at - start) as u64;
            let stands_here = u64_at(file, at + 8) == log_offset;
            match &file[at..at + 4] {
                b"ANFR" if stands_here => {
                    let frame = frame(file, at, &place, self.segments.len());
                    at = frame.bytes.end;
                    self.frames.push(frame);
                }
                b"ANEN" if stands_here => {
                    next = Some(u64_at(file, at + 80) as usize);
                    let mut frame = frame(file, at, &place, self.segments.len());
                    frame.is_commit = false;
                    self.frames.push(frame);
                }
                b"ANST" if stands_here => {
                    self.stub = Some((at..at + STUB, u64_at(file, at + 32)));
                    break;
                }
                _ => break,
            }
        }
        self.segments.push(place);
        next
    }
}

fn slot(file: &[u8], at: usize) -> SlotPlace {
    assert_eq!(&file[at..at + 8], b"\x89ANSLOT\n", "a healthy store has two slots");
    let runs: Vec<usize> = (0..u32_at(file, at + 168)).map(|nth| at + 944 + 32 * nth).collect();
    let segments = (0..u32_at(file, at + 164)).map(|nth| u64_at(file, at + 176 + 24 * nth));
    let nexts = runs.iter().map(|run| run + 24).chain([at + 128, at + 152]);
    SlotPlace {
        bytes: at..at + PAGE,
        counter: u64_at(file, at + 48),
        watermark: u64_at(file, at + 96),
        proves: nexts.map(|next| u64_at(file, next) - 1).max().unwrap_or_default(),
        segments: segments.map(|start| start as usize).collect(),
        runs: runs.iter().map(|run| run_bytes(file, *run)).collect(),
    }
}

fn run_bytes(file: &[u8], named: usize) -> Range<usize> {
    let start = u64_at(file, named) as usize;
    start..start + u32_at(file, named + 8) * PAGE
}

/// Where the segment begins that the log begins with.
fn first_segment(file: &[u8]) -> usize {
    let mut pages = (4 * PAGE..file.len()).step_by(PAGE);
    let first = pages.find(|at| {
        let says_so = u64_at(file, at + 8) as usize == *at && u64_at(file, at + 24) == 0;
        file[*at..].starts_with(b"ANSG") && says_so
    });
    first.expect("a log begins with a segment")
}

fn segment(file: &[u8], start: usize) -> SegmentPlace {
    assert_eq!(&file[start..start + 4], b"ANSG", "a segment is where it is said to be");
    let length = u64_at(file, start + 16) as usize;
    SegmentPlace { bytes: start..start + length, at: u64_at(file, start + 24) }
}

fn frame(file: &[u8], start: usize, segment: &SegmentPlace, nth: usize) -> FramePlace {
    let length = u32_at(file, start + 32);
    let at = u64_at(file, start + 8);
    let mut frame = FramePlace {
        bytes: start..start + length,
        padding: u16_at(file, start + 4),
        at,
        end: at + length as u64,
        segment: nth,
        is_commit: true,
        watermark: u64_at(file, start + 72),
        first: u64_at(file, start + 48),
        events: Vec::new(),
        documents: Vec::new(),
        names: Vec::new(),
    };
    let end = frame.covered().end;
    let mut here = start + FRAME_HEADER;
    while here < end {
        let record = here..here + record_length(file, here);
        match file[here + 4] {
            0xA1 => frame.names.push(record.clone()),
            0xA2 => {
                let position = frame.first + frame.events.len() as u64;
                let names = names_of(file, here, segment);
                frame.events.push(EventPlace { bytes: record.clone(), position, names });
            }
            _ => frame.documents.push(document(file, record.clone())),
        }
        here = record.end;
    }
    assert_eq!(here, end, "records fill their frame");
    frame
}

fn record_length(file: &[u8], at: usize) -> usize {
    let [flags, half] = [file[at + 5], file[at + 7]];
    match file[at + 4] {
        0xA1 => pad8(8 + u16_at(file, at + 6)),
        0xA2 => {
            let (parts, head) = (file[at + 6], pad8(40 + 4 * usize::from(half)));
            let fixed = [(0x01, 16), (0x02, 16), (0x04, 16), (0x08, 8)];
            let fixed = fixed.iter().filter(|(bit, _)| parts & bit != 0);
            let before: usize = fixed.map(|(_, length)| length).sum();
            let (extras, metadata) = match parts & 0x10 != 0 {
                true => (8, u32_at(file, at + head + before)),
                false => (0, 0),
            };
            head + pad8(before + extras + metadata + u32_at(file, at + 12))
        }
        0xA3 => pad8(48 + u16_at(file, at + 6) + u32_at(file, at + 12)),
        tag => panic!("no record has tag {tag:#x} (flags {flags:#x})"),
    }
}

fn names_of(file: &[u8], at: usize, segment: &SegmentPlace) -> Vec<Range<usize>> {
    let tags = usize::from(file[at + 7]);
    let references = [at + 16, at + 20].into_iter().chain((0..tags).map(|nth| at + 40 + 4 * nth));
    let names = references.map(|reference| {
        let start = segment.bytes.start + u32_at(file, reference);
        assert_eq!(file[start + 4], 0xA1, "a reference leads to a name");
        start..start + record_length(file, start)
    });
    names.collect()
}

fn document(file: &[u8], record: Range<usize>) -> DocumentPlace {
    let at = record.start;
    let (key, value) = (u16_at(file, at + 6), u32_at(file, at + 12));
    let text = file[at + 48..at + 48 + key].to_vec();
    let is_deleted = file[at + 5] & 1 != 0;
    DocumentPlace {
        bytes: record,
        key: String::from_utf8(text).expect("a key is text"),
        revision: u64_at(file, at + 16),
        value: (!is_deleted).then(|| file[at + 48 + key..at + 48 + key + value].to_vec()),
        head: u64_at(file, at + 32),
    }
}

fn pad8(length: usize) -> usize {
    length.next_multiple_of(8)
}

fn number<const N: usize>(file: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(&file[at..at + N]);
    u64::from_le_bytes(bytes)
}

fn u16_at(file: &[u8], at: usize) -> usize {
    number::<2>(file, at) as usize
}

fn u32_at(file: &[u8], at: usize) -> usize {
    number::<4>(file, at) as usize
}

fn u64_at(file: &[u8], at: usize) -> u64 {
    number::<8>(file, at)
}

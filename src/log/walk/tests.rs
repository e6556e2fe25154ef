//! A walk takes a frame only if it follows in every respect, and refers to names that are there.

use super::*;
use crate::format::{Chain, Extent, PAGE, SEGMENT_HEADER_LEN, SegmentRef};
use crate::log::Place;
use crate::log::fixture::{a_frame, a_place, frame_with};
use crate::storage::MemoryStorage;
use std::sync::Arc;

const KEY: [u8; 16] = [8; 16];
/// The epoch whose beginning the slot knows.
const EPOCH: Epoch = Epoch { counter: 5, salt: 50 };

/// The first or second segment; in the file the second stands first.
fn segment(nth: u64) -> SegmentRef {
    let extent = Extent { file_offset: (12 - 4 * nth) * PAGE, length: 4 * PAGE };
    SegmentRef { extent, log_offset: LogOffset::new(4 * nth * PAGE) }
}

/// A log of frames.
struct Log {
    bytes: Vec<u8>,
    here: Mark,
}

impl Log {
    fn new() -> Self {
        let here = Mark { at: segment(0).first_frame(), chain: Chain(3), next: Position::new(40) };
        Self { bytes: vec![0; index(16 * PAGE)], here }
    }

    fn key() -> FileKey {
        FileKey::new(KEY)
    }

    fn segment_here(&self) -> SegmentRef {
        segment(if segment(0).contains(self.here.at) { 0 } else { 1 })
    }

    /// Where the next frame goes.
    fn place(&self) -> Place {
        let Mark { at, chain, next } = self.here;
        let segment = self.segment_here().log_offset;
        Place { at, segment, epoch: EPOCH, before: chain, first: next, ..a_place() }
    }

    fn put(&mut self, (frame, header): (Vec<u8>, FrameHeader)) {
        let at = index(self.segment_here().file_offset(header.at));
        self.bytes[at..at + frame.len()].copy_from_slice(&frame);
        let (_, chain) = FrameHeader::find(&frame, &Self::key()).unwrap();
        self.here = Mark { at: header.end(), chain, next: header.next() };
    }

    /// The log goes on in the second segment.
    fn end_segment(&mut self) {
        let kind = FrameKind::End { next_segment: segment(1).extent.file_offset };
        let (_, header) = a_frame(&self.place(), false, &Self::key());
        let length = u32::try_from(FRAME_LEN).unwrap();
        let nothing = FrameHeader { padding: 0, records: 0, events: 0, records_check: 0, ..header };
        let header = FrameHeader { kind, length, ..nothing };
        self.put((header.encode(&Self::key()).0.to_vec(), header));
        self.here.at = segment(1).first_frame();
    }

    /// Its bytes, to be walked over.
    fn window(&self) -> Window {
        Window::new(Arc::new(MemoryStorage::from_bytes(self.bytes.clone())), 512)
    }

    /// Walks from a mark to the end; shows `visit` what each commit has. Returns why it ended, and
    /// where.
    fn walk(
        &self,
        (start, proof): (Mark, Mark),
        rules: Rules,
        visit: &mut dyn Visitor,
    ) -> (Option<Stop>, Mark) {
        let segments = SegmentList::new([segment(0), segment(1)]);
        let marks = (start, proof, EPOCH);
        let mut walk = Walk::new(Self::key(), &segments, self.window(), rules, marks);
        let stop = walk.run(self.here.at, visit).unwrap();
        (stop, walk.here)
    }
}

/// The names of a commit's events: of each its stream, its type, its tags.
fn names_of(met: &Entries<'_>) -> Vec<String> {
    let names = met.events.iter().flat_map(|event| {
        [event.stream, event.event_type].into_iter().chain(event.tags.iter().copied())
    });
    names.map(|name| name.text.to_owned()).collect()
}

/// Where the stream, the type and the tag stand that the first frame of a segment brings, in bytes
/// from the segment's beginning.
fn first_names() -> [u32; 3] {
    let mut at = SEGMENT_HEADER_LEN + FRAME_LEN;
    ["stream", "Type", "tag"].map(|name| {
        let here = u32::try_from(at).unwrap();
        at += NameRecord::len_of(name);
        here
    })
}

#[test]
fn a_frame_follows_by_its_epoch_its_chain_and_its_position() {
    let key = Log::key();
    let is_taken = |place: &dyn Fn(&mut Place), proof: Option<LogOffset>, rules: Rules| {
        let mut log = Log::new();
        let start = log.here;
        // An older frame of epoch 3 stands before the one in question.
        let mut first = log.place();
        first.epoch.counter = if proof.is_none() { 5 } else { 3 };
        log.put(a_frame(&first, false, &key));
        let proof = proof.map_or(start, |at| Mark { at, ..start });
        let mut second = log.place();
        place(&mut second);
        let before = log.here;
        log.put(a_frame(&second, false, &key));
        let (stop, here) = log.walk((start, proof), rules, &mut |_: Entries<'_>| true);
        assert_eq!(stop.is_none(), here == log.here);
        assert!(stop.is_none() || here == before);
        stop.is_none()
    };
    let epoch = |counter, salt| move |place: &mut Place| place.epoch = Epoch { counter, salt };
    let chain = |place: &mut Place| place.before.0 ^= 1;
    let position = |place: &mut Place| place.first = Position::new(43);
    let all = Rules::ALL;
    let later = Some(LogOffset::new(3 * PAGE));
    let no_epoch = Rules { epoch: false, ..all };
    let no_chain = Rules { chain: false, ..all };
    // From the beginning of the epoch on, only that epoch.
    assert!(is_taken(&epoch(5, 50), None, all));
    for other in [epoch(5, 51), epoch(4, 50), epoch(6, 50)] {
        assert!(!is_taken(&other, None, all) && is_taken(&other, None, no_epoch));
    }
    // Before that, those that do not go back, and are not newer.
    for (counter, follows) in [(2, false), (3, true), (4, true), (5, true), (6, false)] {
        assert_eq!(is_taken(&epoch(counter, 9), later, all), follows, "epoch {counter}");
        assert!(is_taken(&epoch(counter, 9), later, no_epoch));
    }
    assert!(!is_taken(&chain, None, all) && !is_taken(&chain, None, no_epoch));
    assert!(is_taken(&chain, None, no_chain));
    for rules in [all, no_epoch, no_chain] {
        assert!(!is_taken(&position, None, rules));
    }
}

#[test]
fn names_of_a_commit_that_is_refused_are_forgotten() {
    let (mut log, key) = (Log::new(), Log::key());
    let start = log.here;
    log.put(a_frame(&log.place(), true, &key));
    let first = log.here;
    log.put(a_frame(&log.place(), false, &key));
    let segments = SegmentList::new([segment(0)]);
    let mut walk = Walk::new(key, &segments, log.window(), Rules::ALL, (start, start, EPOCH));
    assert_eq!(walk.run(first.at, &mut |_: Entries<'_>| true).unwrap(), None);
    let names = |walk: &Walk<'_>| {
        let mut known: Vec<u32> = walk.names.keys().copied().collect();
        known.sort_unstable();
        (known, walk.names_len)
    };
    let before = names(&walk);
    let taken = ["stream", "Type", "tag"].map(|name| u64_of(NameRecord::len_of(name)));
    assert_eq!((before.0.len(), before.1), (3, taken.iter().sum()));
    let stop = walk.run(log.here.at, &mut |_: Entries<'_>| false).unwrap();
    assert_eq!((stop, walk.here), (Some(Stop::NoFrame), first));
    assert_eq!(names(&walk), before);
    // Asked once more, it goes on.
    assert_eq!(walk.run(log.here.at, &mut |_: Entries<'_>| true).unwrap(), None);
    assert_eq!((walk.here, walk.commits), (log.here, 2));
}

#[test]
fn names_from_before_the_walk_are_read_where_they_stand() {
    let (mut log, key) = (Log::new(), Log::key());
    let start = log.here;
    log.put(a_frame(&log.place(), false, &key));
    let second = log.here;
    log.put(frame_with(&log.place(), false, first_names(), &key));
    let mut met = Vec::new();
    let mut visit = |entries: Entries<'_>| {
        met.push(names_of(&entries));
        true
    };
    assert_eq!(log.walk((start, start), Rules::ALL, &mut visit), (None, log.here));
    assert_eq!(log.walk((second, start), Rules::ALL, &mut visit), (None, log.here));
    let expected = ["stream", "Type", "tag", "stream", "Type", "tag"];
    assert_eq!(met, [expected; 3]);
    // One that has rotted is no name.
    for reference in first_names() {
        let place = index(segment(0).extent.file_offset + u64::from(reference)) + NAME_HEAD_LEN;
        log.bytes[place] ^= 1;
        let (stop, here) = log.walk((second, start), Rules::ALL, &mut |_: Entries<'_>| true);
        assert_eq!((stop, here), (Some(Stop::NoFrame), second));
        log.bytes[place] ^= 1;
    }
}

#[test]
fn names_of_one_segment_are_not_known_in_the_next() {
    let key = Log::key();
    let ends = |names: [u32; 3]| {
        let mut log = Log::new();
        let start = log.here;
        log.put(a_frame(&log.place(), false, &key));
        log.end_segment();
        let next = log.here;
        log.put(frame_with(&log.place(), false, names, &key));
        let (stop, here) = log.walk((start, start), Rules::ALL, &mut |_: Entries<'_>| true);
        (stop, here == next, here == log.here)
    };
    assert_eq!(ends([0; 3]), (None, false, true));
    assert_eq!(ends(first_names()), (Some(Stop::NoFrame), true, false));
}

#[test]
fn a_log_that_goes_on_elsewhere_or_misses_its_mark_is_told() {
    let (mut log, key) = (Log::new(), Log::key());
    let start = log.here;
    log.put(a_frame(&log.place(), false, &key));
    let end = log.here;
    log.end_segment();
    log.put(a_frame(&log.place(), false, &key));
    let mut visit = |_: Entries<'_>| true;
    let walk = |list: &[SegmentRef], proof: Mark, visit: &mut dyn Visitor| {
        let segments = SegmentList::new(list.iter().copied());
        let mut walk = Walk::new(key, &segments, log.window(), Rules::ALL, (start, proof, EPOCH));
        (walk.run(log.here.at, visit).unwrap(), walk.here)
    };
    let elsewhere =
        SegmentRef { extent: Extent { file_offset: 20 * PAGE, length: PAGE }, ..segment(1) };
    let unknown = (Some(Stop::UnknownSegment), end);
    assert_eq!(walk(&[segment(0)], start, &mut visit), unknown);
    assert_eq!(walk(&[segment(0), elsewhere], start, &mut visit), unknown);
    assert_eq!(walk(&[segment(0), segment(1)], start, &mut visit), (None, log.here));
    // The slot says that its epoch begins here, with another frame before it, or in between.
    for proof in [
        Mark { chain: Chain(4), ..start },
        Mark { next: Position::new(41), ..start },
        Mark { chain: Chain(4), ..end },
        Mark { at: LogOffset::new(end.at.get() - 8), ..end },
    ] {
        let (stop, _) = walk(&[segment(0), segment(1)], proof, &mut visit);
        assert_eq!(stop, Some(Stop::MarkMissed), "{proof:?}");
    }
}

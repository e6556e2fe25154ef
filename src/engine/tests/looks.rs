//! What a look at a device finds, byte by byte: a log that goes on behind a clean end, slots that
//! are gone, headers of segments that say what can't be.

use super::device::{Asked, Watched};
use super::quiet;
use crate::engine::examine::{Examined, examine, index_commit};
use crate::engine::{Engine, Settings};
use crate::format::{
    Chain, Entries, Entry, Epoch, FIRST_EXTENT, FileKey, FrameHeader, FrameKind, Mark, Named, PAGE,
    SLOT_PAGES, SegmentHeader, SegmentRef, Stub, index,
};
use crate::index::Index;
use crate::log::Verdict;
use crate::storage::{MemoryStorage, Storage};
use crate::words::{Commit, LogOffset, NewEvent, Position, Version};
use std::ops::Range;
use std::sync::Arc;

/// Segments of two pages each, one behind another: nothing becomes a run before it is closed.
fn tiny() -> Settings {
    Settings { segment_min: 2 * PAGE, segment_max: 2 * PAGE, ..quiet() }
}

const EVENTS: u64 = 300;

/// The bytes of a store of several segments, as a crash leaves them, and closed.
fn images() -> [Vec<u8>; 2] {
    let disk = Arc::new(MemoryStorage::new());
    let engine = Engine::open(disk.clone(), tiny()).unwrap();
    for version in 0..EVENTS {
        let event = NewEvent::new("Noted", vec![9; 40]);
        engine.commit(&Commit::new().append("a", Version::new(version), [event])).unwrap();
    }
    let crashed = disk.to_bytes();
    engine.close().unwrap();
    [crashed, disk.to_bytes()]
}

fn device(bytes: &[u8]) -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::from_bytes(bytes.to_vec()))
}

fn look(bytes: &[u8]) -> Examined {
    examine(&device(bytes), &tiny(), false).unwrap()
}

fn put(bytes: &mut [u8], at: u64, new: &[u8]) {
    bytes[index(at)..][..new.len()].copy_from_slice(new);
}

#[test]
fn what_stands_behind_a_clean_end_is_told_by_its_epoch() {
    let [_, closed] = images();
    let found = look(&closed);
    assert_eq!(found.verdict, Verdict::Clean);
    let (slot, key) = (&found.slot, found.slot.identity.key);
    let at = slot.watermark;
    let place = found.segments.find(at).unwrap().place.file_offset(at);
    let now = slot.epoch.counter;
    let frame = |counter: u64| {
        let header = FrameHeader {
            kind: FrameKind::Commit,
            at,
            epoch: Epoch { counter, ..slot.epoch },
            length: 112,
            padding: 0,
            records: 0,
            events: 0,
            records_check: 0,
            first: found.end.next,
            recorded: slot.recorded,
            before: Chain::default(),
            watermark: at,
        };
        header.encode(&key).0.to_vec()
    };
    let stub = |counter: u64| {
        let epoch = Epoch { counter, ..slot.epoch };
        Stub { at, epoch, watermark: at }.encode(&key).to_vec()
    };
    for (what, bytes, verdict) in [
        ("a frame of now", frame(now), Verdict::NotAsClosed),
        ("a frame of before", frame(now - 1), Verdict::NotAsClosed),
        ("a frame of a slot that is gone", frame(now + 1), Verdict::SlotLost),
        ("a stub of now", stub(now), Verdict::Clean),
        ("a stub of before", stub(now - 1), Verdict::Clean),
        ("a stub of a slot that is gone", stub(now + 1), Verdict::SlotLost),
    ] {
        let mut image = closed.clone();
        put(&mut image, place, &bytes);
        assert_eq!(look(&image).verdict, verdict, "{what}");
    }
}

/// The store's segments in their order, and how many events stand before each.
fn segments_of(found: &Examined) -> Vec<(SegmentRef, u64)> {
    let before = |segment: &SegmentRef| {
        let (index, _) = found.index.as_ref().unwrap();
        let sources = index.sources();
        let is_before = |nth: &u64| {
            let at = sources.locate(Position::new(*nth)).unwrap().unwrap();
            at < segment.log_offset
        };
        u64::try_from((1..=EVENTS).filter(is_before).count()).unwrap()
    };
    found.segments.iter().map(|segment| (*segment, before(segment))).collect()
}

#[test]
fn without_slots_the_log_is_read_by_the_headers_of_its_segments() {
    let [crashed, closed] = images();
    let segments = segments_of(&look(&crashed));
    assert!(segments.len() > 4 && segments[2].1 > 0 && segments[2].1 < EVENTS);
    let key = look(&crashed).slot.identity.key;
    for mut image in [crashed, closed] {
        SLOT_PAGES.iter().for_each(|page| put(&mut image, *page, &[0; 4_096]));
        let found = look(&image);
        assert_eq!((found.verdict, found.events), (Verdict::NoSlot, EVENTS));
        assert_eq!(found.slot.segments, segments.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        // A header that says what can't be of its place: the log is known up to there.
        let (honest, before) = segments[2];
        let mut elsewhere = honest;
        elsewhere.extent.file_offset += PAGE;
        let mut later = honest;
        later.log_offset = later.log_offset.plus(PAGE);
        for own in [elsewhere, later, segments[0].0] {
            let mut image = image.clone();
            let header = SegmentHeader { own, before: Some(segments[1].0) };
            put(&mut image, honest.extent.file_offset, &header.encode(&key));
            let found = look(&image);
            assert_eq!((found.verdict, found.events), (Verdict::NoSlot, before), "{own:?}");
            assert_eq!(found.slot.segments, [segments[0].0, segments[1].0]);
        }
    }
}

#[test]
fn segments_that_the_slot_names_are_read_on_behind_a_damaged_header() {
    let [crashed, _] = images();
    let honest = look(&crashed);
    let segments = segments_of(&honest);
    assert_eq!((honest.verdict, honest.events), (Verdict::Whole, EVENTS));
    assert_eq!(segments[0].0.extent.file_offset, FIRST_EXTENT);
    for (damaged, _) in &segments[1..3] {
        let mut image = crashed.clone();
        put(&mut image, damaged.extent.file_offset, &[0; 64]);
        let found = look(&image);
        assert!(!found.is_whole() && found.corruption.is_some());
        let read: Vec<SegmentRef> = found.segments.iter().copied().collect();
        assert_eq!(read, honest.segments.iter().copied().collect::<Vec<_>>());
        assert_eq!(found.events, EVENTS);
    }
}

#[test]
fn a_look_asks_the_device_for_what_is_not_proven_and_for_nothing_else() {
    let [crashed, closed] = images();
    for (image, asks) in [(crashed, true), (closed, false)] {
        for writing in [false, true] {
            let disk = Watched::with(&image);
            let storage: Arc<dyn Storage> = disk.clone();
            assert!(examine(&storage, &tiny(), writing).unwrap().is_whole());
            // All of the log of what crashed: no slot knows any of it to be synced.
            let asked = disk.asked();
            let dropped: Vec<_> = asked
                .iter()
                .filter_map(|asked| match asked {
                    Asked::Drop(range) => Some(range),
                    _ => None,
                })
                .collect();
            if asks {
                assert!(dropped.iter().any(|range| range.contains(&FIRST_EXTENT)), "{writing}");
            } else {
                // The slots alone, in the piece that they lie in, and only by who will write them.
                let slots = SLOT_PAGES[0]..SLOT_PAGES[1] + PAGE;
                let has = |range: &&Range<u64>| range.start == 0 && range.end >= slots.end;
                assert_eq!(dropped.iter().filter(|range| has(range)).count(), dropped.len());
                assert_eq!(dropped.len(), usize::from(writing));
            }
            let syncs = asked.iter().filter(|asked| **asked == Asked::Sync).count();
            assert_eq!(syncs, usize::from(asks && writing), "writing: {writing}");
        }
    }
}

#[test]
fn what_was_closed_is_opened_and_closed_without_a_sync() {
    let [_, closed] = images();
    let disk = Watched::with(&closed);
    let engine = Engine::open(disk.clone(), tiny()).unwrap();
    engine.close().unwrap();
    assert_eq!(disk.syncs(), 0);
    let slots = |bytes: &[u8]| bytes[index(PAGE)..index(3 * PAGE)].to_vec();
    assert_eq!(slots(&disk.to_bytes()), slots(&closed));
}

#[test]
fn room_is_kept_ahead_from_the_beginning_if_that_is_asked_for() {
    for (reserve, least, most) in [(0, 0, 3 * PAGE), (1 << 20, 1 << 20, 2 << 20)] {
        let disk = Arc::new(MemoryStorage::new());
        let engine = Engine::open(disk.clone(), Settings { reserve, ..tiny() }).unwrap();
        let room = disk.size().unwrap() - FIRST_EXTENT;
        assert!((least..most).contains(&room), "{room} for {reserve}");
        engine.close().unwrap();
    }
}

#[test]
fn a_commit_whose_versions_do_not_follow_is_not_taken_in() {
    let key = FileKey::new([1; 16]);
    let mark = |at, next| Mark {
        at: LogOffset::new(at),
        chain: Chain::default(),
        next: Position::new(next),
    };
    let index = Index::new(Vec::new(), mark(64, 1), key);
    let named = |text| Named { text, hash: key.term(str::as_bytes(text)) };
    let mut next = 1;
    let mut takes = |versions: &[u64]| {
        let entry = |(position, version): (u64, &u64)| Entry {
            position: Position::new(position),
            at: LogOffset::new(64 * position),
            version: Version::new(*version),
            payload: 0,
            stream: named("stream"),
            event_type: named("Noted"),
            tags: &[],
            ids: [None; 3],
        };
        let events: Vec<Entry<'_>> = (next..).zip(versions).map(entry).collect();
        let taken = index_commit(&index.sources(), Entries { events: &events, documents: &[] });
        next += if taken { crate::format::u64_of(versions.len()) } else { 0 };
        taken
    };
    for (versions, fits) in [
        (&[0][..], false),
        (&[2], false),
        (&[1], true),
        (&[1], false),
        (&[3], false),
        (&[0], false),
        (&[2, 3], true),
        (&[4, 4], false),
        (&[4, 6], false),
        (&[4, 0], false),
        (&[4, 5, 6], true),
    ] {
        assert_eq!(takes(versions), fits, "{versions:?}");
    }
}

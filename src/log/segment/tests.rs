//! Lists of segments are what their headers say, and only that.

use super::*;
use crate::format::PAGE;
use crate::storage::MemoryStorage;

const KEY: [u8; 16] = [3; 16];

/// Five segments that follow one another; the file has them in another order.
fn places() -> [SegmentRef; 5] {
    let mut log_offset = LogOffset::ZERO;
    [(9, 1), (4, 2), (20, 3), (12, 1), (14, 2)].map(|(page, pages)| {
        let extent = Extent { file_offset: page * PAGE, length: pages * PAGE };
        let place = SegmentRef { extent, log_offset };
        log_offset = place.log_end();
        place
    })
}

/// A file with the headers of these segments, each of which names the one before.
fn file(places: &[SegmentRef]) -> MemoryStorage {
    let mut bytes = vec![0; index(PAGE * 30)];
    for (nth, own) in places.iter().enumerate() {
        let before = nth.checked_sub(1).map(|before| places[before]);
        let header = SegmentHeader { own: *own, before }.encode(&FileKey::new(KEY));
        let at = index(own.extent.file_offset);
        bytes[at..at + header.len()].copy_from_slice(&header);
    }
    MemoryStorage::from_bytes(bytes)
}

fn spoil(storage: &MemoryStorage, place: &SegmentRef) {
    storage.write_at(&[0xff; 8], place.extent.file_offset + 8).unwrap();
}

/// What is loaded, given these by a slot, from `start` on.
fn loaded(
    storage: &MemoryStorage,
    named: &[SegmentRef],
    start: LogOffset,
) -> Result<Vec<SegmentRef>, SegmentRef> {
    let loaded = load_segments(storage, &FileKey::new(KEY), named, start, &[]).unwrap();
    loaded.map(|list| list.iter().copied().collect())
}

#[test]
fn segments_before_those_of_the_slot_are_found_by_headers_back_to_the_start() {
    let all = places();
    let storage = file(&all);
    for named in 1..=5 {
        let named = &all[5 - named..];
        assert_eq!(loaded(&storage, named, LogOffset::ZERO), Ok(all.to_vec()));
        for (nth, first) in all.iter().enumerate() {
            for start in [first.log_offset, LogOffset::new(first.log_end().get() - 8)] {
                assert_eq!(loaded(&storage, named, start), Ok(all[nth..].to_vec()), "{start:?}");
            }
        }
    }
}

#[test]
fn a_header_that_is_damaged_or_says_otherwise_is_named() {
    let all = places();
    for (nth, bad) in all.iter().enumerate() {
        let storage = file(&all);
        spoil(&storage, bad);
        assert_eq!(loaded(&storage, &all[3..], LogOffset::ZERO), Err(*bad));
        // Nobody asks for those before the start.
        if let Some(after) = all.get(nth + 1) {
            assert_eq!(loaded(&storage, &all[3..], after.log_offset), Ok(all[nth + 1..].to_vec()));
        }
    }
    // A slot that names another segment than the header after it does.
    let other = SegmentRef { extent: all[0].extent, ..all[3] };
    assert_eq!(loaded(&file(&all), &[other, all[4]], LogOffset::ZERO), Err(other));
    // A log whose first segment does not begin at 0, and one without segments.
    assert_eq!(loaded(&file(&all[1..]), &all[1..], LogOffset::ZERO), Err(all[1]));
    assert_eq!(loaded(&file(&all), &[], LogOffset::ZERO), Err(SegmentRef::default()));
}

#[test]
fn segments_that_share_bytes_are_named() {
    let mut all = places();
    assert_eq!(overlap(&all), None);
    // Its second page is the first one of the segment behind it.
    let shared =
        SegmentRef { extent: Extent { file_offset: 13 * PAGE, length: 2 * PAGE }, ..all[4] };
    all[4] = shared;
    assert_eq!(overlap(&all), None);
    all[4].extent.file_offset -= PAGE;
    assert!(overlap(&all).is_some());
    assert!(loaded(&file(&all), &all, LogOffset::ZERO).is_err());
}

#[test]
fn a_list_knows_what_it_was_told_and_finds_each_byte() {
    let (all, key) = (places(), FileKey::new(KEY));
    let storage = file(&all);
    let list = SegmentList::new(all[3..4].iter().copied());
    let known = |list: &SegmentList| all.map(|place| list.knows(place.log_offset));
    assert_eq!(known(&list), [false, false, false, true, false]);
    assert_eq!(list.last(), Some(all[3]));
    // Newer ones follow, as far as they are not there; none may be left out.
    assert_eq!(list.joined(&all[2..]).unwrap().last(), Some(all[4]));
    assert_eq!(list.joined(&all[3..]).unwrap().iter().count(), 2);
    assert_eq!(list.joined(&all[4..]).unwrap().iter().count(), 2);
    assert!(SegmentList::new(all[2..3].iter().copied()).joined(&all[4..]).is_none());
    // Older ones are where they are said to be.
    list.know(all[1]);
    list.know(all[1]);
    assert_eq!(known(&list), [false, true, false, true, false]);
    for place in [all[1], all[3]] {
        let last = LogOffset::new(place.log_end().get() - 1);
        for at in [place.log_offset, last] {
            assert!(list.knows(at) && list.find(at).is_some_and(|found| found.place == place));
        }
        for past in [place.log_end(), all[4].log_end()] {
            assert!(!list.knows(past) && list.find(past).is_none());
        }
    }
    // All of them are read once, and known from then on; who lied is found out.
    let lie = Extent { file_offset: all[4].extent.file_offset, ..all[2].extent };
    list.know(SegmentRef { extent: lie, ..all[2] });
    assert_eq!(list.all(&storage, &key).unwrap(), Ok(all[..4].to_vec()));
    assert_eq!(known(&list), [true, true, true, true, false]);
    all.iter().for_each(|place| spoil(&storage, place));
    assert_eq!(list.all(&storage, &key).unwrap(), Ok(all[..4].to_vec()));
    let fresh = SegmentList::new(all[3..4].iter().copied());
    assert_eq!(fresh.all(&storage, &key).unwrap(), Err(all[3]));
    let first = SegmentList::new(all[..1].iter().copied());
    assert_eq!(first.all(&storage, &key).unwrap(), Ok(all[..1].to_vec()));
}

#[test]
fn a_header_is_torn_only_where_nothing_is_proven_and_the_slot_says_what_was_in_it() {
    let (all, key) = (places(), FileKey::new(KEY));
    let torn = |named: &[SegmentRef], proven| {
        let storage = file(&all);
        all.iter().for_each(|place| spoil(&storage, place));
        torn_headers(&storage, &key, named, proven).unwrap()
    };
    let header =
        |nth: usize| SegmentHeader { own: all[nth], before: nth.checked_sub(1).map(|n| all[n]) };
    // What is proven ends before, at, and behind the first frame of the last segment.
    let last = all[4].first_frame();
    for (proven, expected) in [
        (LogOffset::new(last.get() - 8), vec![header(4)]),
        (last, vec![header(4)]),
        (last.plus(8), vec![]),
        (all[3].first_frame(), vec![header(4), header(3)]),
        (LogOffset::ZERO, vec![header(4), header(3)]),
    ] {
        assert_eq!(torn(&all[2..], proven), expected, "{proven:?}");
    }
    // Nothing is before the first.
    assert_eq!(torn(&all[..2], LogOffset::ZERO), [header(1), header(0)]);
    assert_eq!(torn_headers(&file(&all), &key, &all, LogOffset::ZERO).unwrap(), []);
}

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

#[test]
fn a_name_is_checked_whatever_others_were() {
    let key = FileKey::new(KEY);
    let extent = Extent { file_offset: 4 * PAGE, length: 2 * u64::from(PIECE) };
    let place = SegmentRef { extent, log_offset: LogOffset::ZERO };
    let segment = SegmentList::new([place]).find(LogOffset::ZERO).unwrap();
    let mut bytes = vec![0; index(extent.length)];
    let names = [64, PIECE - 8, PIECE + 72];
    for at in names {
        let length = NameRecord::len_of("a-1");
        let room = &mut bytes[index(u64::from(at))..][..length];
        NameRecord::write(room, "a-1", LogOffset::new(u64::from(at)), &key);
    }
    // A name over the edge of two pieces is one, too.
    assert!(names.into_iter().all(|at| segment.has_name(&bytes, at, &key)));
    for at in 0..2 * PIECE {
        assert_eq!(segment.has_name(&bytes, at, &key), names.contains(&at), "at {at}");
    }
    assert!(!segment.has_name(&bytes, u32::MAX, &key));
}

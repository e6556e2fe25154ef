//! The last value that is right, and the first that is not.

use super::fixed::*;
use crate::format::*;
use crate::words::{LogOffset, Position};
use std::hash::BuildHasher;

#[test]
fn what_follows_a_page_is_not_looked_at_and_a_page_cut_short_is_damaged() {
    let header = FileHeader { identity: a_slot().identity }.encode();
    let slot = a_slot().encode();
    let longer = |page: &[u8]| [page, &[7; 9]].concat();
    assert!(FileHeader::decode(&longer(&header)).is_ok());
    assert!(Slot::decode(&longer(&slot)).is_ok());
    for length in [header.len() - 1, header.len() - 8, 96] {
        let cut = FileHeader::decode(&header[..length]).err();
        assert_eq!(cut, Some(Unopenable::Damaged), "a header of {length} bytes");
        let cut = Slot::decode(&slot[..length]).err();
        assert_eq!(cut, Some(Unopenable::Damaged), "a slot of {length} bytes");
    }
}

#[test]
fn a_segment_ends_where_the_next_begins() {
    let (segment, next) = (place(2), place(4));
    assert_eq!(segment.log_end(), next.log_offset);
    for (at, contains) in [
        (segment.log_offset, true),
        (LogOffset::new(segment.log_offset.get() - 1), false),
        (LogOffset::new(segment.log_end().get() - 1), true),
        (segment.log_end(), false),
    ] {
        assert_eq!(segment.contains(at), contains, "{at:?}");
    }
}

#[test]
fn a_segment_ends_before_2_to_the_63() {
    let ends_at = |end: u64| {
        let extent = place(0).extent;
        SegmentRef { extent, log_offset: LogOffset::new(end - extent.length) }.is_sane()
    };
    assert!(ends_at((1 << 63) - PAGE));
    assert!(!ends_at(1 << 63));
    assert!(!ends_at((1 << 63) + PAGE));
}

#[test]
fn a_run_has_fewer_than_2_to_the_31_events() {
    let of = |events: u64| {
        let (header, _) = a_run();
        RunHeader { next: Position::new(header.first.get() + events), ..header }.events()
    };
    assert_eq!(of((1 << 31) - 1), Some((1 << 31) - 1));
    assert_eq!(of(1 << 31), None);
    assert_eq!(of(1 << 32), None);
}

#[test]
fn maps_by_terms_and_by_offsets_are_spread() {
    let hasher = KeyedAlready::default();
    let mut terms: Vec<u64> =
        (0..1_000).map(|nth: u32| hasher.hash_one(key().term(&nth.to_le_bytes()))).collect();
    // Names stand at multiples of 8; maps look at the low and at the highest bits.
    let mut offsets: Vec<u64> = (0..1_000).map(|nth: u32| hasher.hash_one(nth * 8)).collect();
    for hashes in [&mut terms, &mut offsets] {
        for bits in [|hash: &u64| hash & 0xffff, |hash: &u64| hash >> 48] {
            hashes.sort_unstable_by_key(bits);
            let different = hashes.chunk_by(|a, b| bits(a) == bits(b)).count();
            assert!(different > 900, "{different}");
        }
    }
}

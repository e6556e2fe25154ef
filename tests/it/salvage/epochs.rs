//! What recovery has discarded does not come back, where sectors are again what they once were.

use super::Wreck;
use super::wreck::{buffered, fill, options};
use crate::fixture::PAGE;
use annals::storage::MemoryStorage;
use annals::{Commit, Durability, NewEvent};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

const SECTOR: usize = 512;

/// A commit of three events, all as long as others.
fn three(text: &str) -> Commit {
    let events = (0..3).map(|nth| NewEvent::new("Type", format!("{text} {nth} ").repeat(40)));
    Commit::new().append("same", 0, events)
}

/// A store in which a commit was discarded and another one took its place and its position; and
/// the file as it was when the discarded one was there.
struct Revived {
    wreck: Wreck,
    before: Vec<u8>,
    /// Where both begin.
    at: usize,
}

impl Revived {
    fn new(durability: Durability) -> Self {
        // Nothing is synced but what the test asks for.
        let options = || options().tail(u64::MAX, u64::MAX).segments(1 << 16, 1 << 16);
        let disk = Arc::new(MemoryStorage::new());
        let store = options().open_storage(disk.clone()).unwrap();
        fill(&store, 4);
        store.sync().unwrap();
        let end = disk.to_bytes();
        buffered(&store, three("discarded"));
        buffered(&store, Commit::new().append("behind", 0, [NewEvent::new("Type", "discarded")]));
        let before = disk.to_bytes();
        let at = before
            .windows(4)
            .zip(end.windows(4))
            .position(|(new, old)| new == b"ANFR" && old != b"ANFR");
        let at = at.unwrap();
        // The power goes off; its first event has not reached the disk.
        let mut torn = before.clone();
        torn[at + 200..at + 400].fill(0);
        let disk = Arc::new(MemoryStorage::from_bytes(torn));
        // Time goes on, whatever the clock's steps are.
        std::thread::sleep(Duration::from_millis(2));
        let store = options().seed(8).open_storage(disk.clone()).unwrap();
        assert!(store.recovery_report().bytes_discarded > 0);
        store.commit(three("took over").durability(durability)).unwrap();
        for nth in 0..3 {
            let more = NewEvent::new("More", format!("more {nth}"));
            let more = Commit::new().append("more", nth, [more]);
            store.commit(more.durability(durability)).unwrap();
        }
        store.close().unwrap();
        let wreck = Wreck::of(disk.to_bytes());
        assert_eq!(&wreck.bytes[at..at + 4], b"ANFR");
        Self { wreck, before, at }
    }

    /// These bytes are again what they were.
    fn put_back(self, bytes: Range<usize>) -> Wreck {
        let old = self.before[bytes.clone()].to_vec();
        self.wreck.put(bytes.start, &old)
    }
}

/// The slots know where the newer epoch began.
#[test]
fn a_discarded_commit_in_the_place_of_the_newer_one_is_not_taken() {
    for length in [2_000, 2_600, 4_000] {
        let revived = Revived::new(Durability::Synced);
        let (at, first) = (revived.at, revived.wreck.commit(1).first);
        let saved = revived.put_back(at..at + length).saved();
        assert_eq!(first, 1);
        let all = saved.payloads().concat();
        assert!(!all.windows(9).any(|window| window == b"discarded"), "{}", saved.report);
        assert!(saved.report.events_lost() >= 3);
    }
}

/// Without slots the frames of the newer epoch do, by their watermarks.
#[test]
fn without_slots_the_watermarks_of_the_newer_epoch_tell_what_was_discarded() {
    let revived = Revived::new(Durability::Buffered);
    let at = revived.at;
    let saved = revived.put_back(at..at + 1_800).rot(PAGE..3 * PAGE).saved();
    let all = saved.payloads().concat();
    assert!(!all.windows(9).any(|window| window == b"discarded"), "{}", saved.report);
    // A name of the discarded commit stands where the commit behind had one of its own, just as
    // long: it is not taken for that.
    assert_eq!(saved.lost(), [(8, 4), (12, 1), (13, 1)], "{}", saved.report);
}

/// Or the chain does: what follows is not what followed it.
#[test]
fn without_slots_the_chain_tells_what_was_discarded() {
    let revived = Revived::new(Durability::Synced);
    let (at, next) = (revived.at, revived.wreck.commit(1));
    assert_eq!(next.first, 1);
    // Exactly the discarded frame, which is as long as the one that took over.
    let length = u32::from_le_bytes(revived.before[at + 32..at + 36].try_into().unwrap());
    let frames = &revived.wreck.truth.layout.frames;
    let over = frames.iter().find(|frame| frame.bytes.start == at).unwrap();
    assert_eq!(over.bytes.len(), length as usize);
    let saved = revived.put_back(at..at + length as usize).rot(PAGE..3 * PAGE).saved();
    let all = saved.payloads().concat();
    assert!(!all.windows(9).any(|window| window == b"discarded"), "{}", saved.report);
    assert_eq!(saved.report.events_lost(), 3, "{}", saved.report);
}

/// A sector with a record of the discarded commit, in the middle of the one that took over: it has
/// its place, its position and its header's distance, but another time.
#[test]
fn a_record_of_a_discarded_commit_is_not_taken_for_one_of_the_newer() {
    let revived = Revived::new(Durability::Synced);
    let frames = &revived.wreck.truth.layout.frames;
    let over = frames.iter().find(|frame| frame.bytes.start == revived.at).unwrap();
    let record = over.events[1].bytes.clone();
    assert!(record.len() > 400);
    let position = over.events[1].position;
    let sectors = record.start / SECTOR * SECTOR..record.end.next_multiple_of(SECTOR);
    for bytes in [record, sectors] {
        let saved = Revived::new(Durability::Synced).put_back(bytes).saved();
        let all = saved.payloads().concat();
        assert!(!all.windows(9).any(|window| window == b"discarded"), "{}", saved.report);
        let is_lost = |lost: &(u64, u64)| (lost.0..lost.0 + lost.1).contains(&position);
        assert!(saved.lost().iter().any(is_lost), "{}", saved.report);
    }
}

//! Every byte of a small store flipped, one at a time: the damage is reported, or it does no harm.
//! Never does an acknowledged event come out different, or not at all without a word.

use crate::fixture::note;
use annals::storage::MemoryStorage;
use annals::{
    Commit, Document, Durability, Ending, ErrorKind, ExpectedVersion, Keys, NewEvent, Options,
    Read, RecordedEvent, Store,
};
use std::sync::Arc;
use uuid::Uuid;

/// A small store: its bytes, and the events that were acknowledged.
struct Small {
    bytes: Vec<u8>,
    events: Vec<RecordedEvent>,
    documents: Vec<Document>,
}

fn options() -> Options {
    Options::new().without_keeper().segments(4_096, 4_096).seed(7)
}

fn on(bytes: Vec<u8>) -> Arc<MemoryStorage> {
    Arc::new(MemoryStorage::from_bytes(bytes))
}

/// All documents, of which each may be damaged.
fn documents(store: &Store) -> Result<Vec<Document>, annals::Error> {
    store.documents(Keys::all())?.collect()
}

fn read(store: &Store) -> Result<Vec<RecordedEvent>, annals::Error> {
    store.read_all(Read::new())?.collect()
}

/// Two epochs, several segments, commits of several streams, names old and new. Closed, or as it
/// was just after its last commit was acknowledged.
fn small(closed: bool, last: Durability) -> Small {
    let device = on(Vec::new());
    let mut ids = 0;
    let mut event = |text: &str| {
        ids += 1;
        NewEvent::new("Noted", text).tag("t:1").metadata("m").id(Uuid::from_u128(ids))
    };
    let store = options().open_storage(device.clone()).unwrap();
    store.append("a-1", 0, [event("one"), note("two")]).unwrap();
    store.append("a-2", 0, [event(&"three ".repeat(200))]).unwrap();
    store.put("a-1/state", "begun").unwrap();
    store.put("a-2/state", "begun").unwrap();
    store.close().unwrap();
    let store = options().open_storage(device.clone()).unwrap();
    for nth in 0..5 {
        let commit = Commit::new()
            .append("a-1", ExpectedVersion::StreamExists, [event(&"four ".repeat(100 + nth))])
            .append(format!("b-{nth}"), ExpectedVersion::NoStream, [note("five")])
            .put("a-1/state", format!("gone on {nth} times"));
        store.commit(commit).unwrap();
    }
    let commit = Commit::new().append("a-2", 1, [event("six"), note("seven")]);
    let commit = commit.put("a-2/state", "done").delete("a-3/state");
    store.commit(commit.durability(last)).unwrap();
    let documents = documents(&store).unwrap();
    assert_eq!(documents.len(), 2);
    let events = read(&store).unwrap();
    assert_eq!(events.len(), 15);
    if closed {
        store.close().unwrap();
    }
    let bytes = device.to_bytes();
    assert!(bytes.len() <= 20 * 4_096, "{}", bytes.len());
    Small { bytes, events, documents }
}

impl Small {
    fn flipped(&self, at: usize, mask: u8) -> Arc<MemoryStorage> {
        let mut bytes = self.bytes.clone();
        bytes[at] ^= mask;
        on(bytes)
    }

    /// Whether a byte is of a run: behind the fixed pages, and in no segment.
    fn is_of_a_run(&self, at: usize) -> bool {
        let mut page = 4 * 4_096;
        while page < self.bytes.len() {
            let length = match self.bytes[page..].starts_with(b"ANSG") {
                true => u64::from_le_bytes(self.bytes[page + 16..page + 24].try_into().unwrap()),
                false => 4_096,
            };
            let end = page + length as usize;
            if (page..end).contains(&at) {
                return !self.bytes[page..].starts_with(b"ANSG");
            }
            page = end;
        }
        false
    }

    /// What opening for writing and reading gives: an error, or the very events.
    fn write(&self, at: usize, mask: u8) -> bool {
        let device = self.flipped(at, mask);
        let before = device.to_bytes();
        let store = match options().open_storage(device.clone()) {
            Ok(store) => store,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                assert!(device.to_bytes() == before, "byte {at}: a refused opening has written");
                return false;
            }
        };
        match read(&store) {
            Ok(events) => assert!(events == self.events, "byte {at} ^ {mask:#x}: other events"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                return false;
            }
        }
        match documents(&store) {
            Ok(found) => assert!(found == self.documents, "byte {at} ^ {mask:#x}: other documents"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                return false;
            }
        }
        // What is appended stands as firmly as on an undamaged store.
        if at.is_multiple_of(5) {
            store.append("new", 0, [note("more")]).unwrap();
            // Page 0 is written once: its damage stays, and is told. A damaged run is told, too.
            // So is the log where reading does not touch it, such as a segment's end record.
            let fixed = (4_096..4 * 4_096).contains(&at);
            let tells = at < 4_096 || self.is_of_a_run(at);
            let told = !store.verify().unwrap().is_whole();
            assert!(if fixed { !told } else { told || !tells }, "byte {at}: {told}");
            let again = options().open_storage(on(device.to_bytes())).unwrap();
            assert_eq!(read(&again).unwrap().len(), self.events.len() + 1, "byte {at}");
            assert!(documents(&again).unwrap() == self.documents, "byte {at}");
        }
        true
    }

    /// What looking gives: an error, or the very events up to some place; if not all, it says so.
    fn look(&self, at: usize, mask: u8) -> bool {
        let device = self.flipped(at, mask);
        let store = match options().open_storage_read_only(device.clone()) {
            Ok(store) => store,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                return false;
            }
        };
        let mut found = 0;
        for event in store.read_all(Read::new()).unwrap() {
            match event {
                Ok(event) => assert!(event == self.events[found], "byte {at} ^ {mask:#x}: another"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                    return false;
                }
            }
            found += 1;
        }
        let damaged = store.recovery_report().ending == Ending::Damaged;
        assert!(found == self.events.len() || damaged, "byte {at}: {found} events, no word");
        match documents(&store) {
            Ok(documents) => {
                let whole = documents == self.documents;
                assert!(whole || damaged, "byte {at} ^ {mask:#x}: other documents");
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                return false;
            }
        }
        assert!(device.to_bytes()[at] == self.bytes[at] ^ mask, "looking has written");
        found == self.events.len()
    }

    /// Flips each byte in turn; how often all events were there, when opened for writing and when
    /// looked at.
    fn flip_all(&self, mask: u8) -> (usize, usize) {
        let bytes = 0..self.bytes.len();
        // The holder's page is advice, unchecked.
        let held = 3 * 4_096..4 * 4_096;
        let whole: Vec<_> =
            bytes.map(|at| (at, self.write(at, mask), self.look(at, mask))).collect();
        assert!(whole.iter().all(|(at, write, look)| !held.contains(at) || (*write && *look)));
        let count = |of: fn(&(usize, bool, bool)) -> bool| whole.iter().filter(|w| of(w)).count();
        (count(|w| w.1), count(|w| w.2))
    }

    /// Both things happen: damage that is reported and damage that does no harm.
    #[track_caller]
    fn never_lies(&self, mask: u8) {
        let (write, look) = self.flip_all(mask);
        let all = self.bytes.len();
        assert!(write > all / 4 && write < all, "{write} of {all} opened for writing");
        assert!(look > all / 4 && look < all, "{look} of {all} were whole to look at");
    }
}

#[test]
fn a_flipped_bit_of_a_closed_store_is_reported_or_does_no_harm() {
    small(true, Durability::Synced).never_lies(0x01);
}

#[test]
fn a_flipped_byte_of_a_closed_store_is_reported_or_does_no_harm() {
    small(true, Durability::Synced).never_lies(0xFF);
}

#[test]
fn a_flipped_bit_of_a_store_that_was_not_closed_is_reported_or_does_no_harm() {
    small(false, Durability::Synced).never_lies(0x01);
}

#[test]
fn a_flipped_byte_of_a_store_that_was_not_closed_is_reported_or_does_no_harm() {
    small(false, Durability::Synced).never_lies(0xFF);
}

#[test]
fn a_flipped_byte_of_a_store_that_ended_with_a_strict_commit_is_reported_or_does_no_harm() {
    small(false, Durability::Strict).never_lies(0x80);
}

/// The last commit is proven by its stub alone: damage to the commit is corruption, damage to the
/// stub is nothing.
#[test]
fn the_stub_protects_the_last_commit() {
    let small = small(false, Durability::Synced);
    let last = small.bytes.windows(5).rposition(|window| window == b"seven").unwrap();
    let refused = options().open_storage(small.flipped(last, 1)).unwrap_err();
    let corruption = refused.corruption().unwrap();
    assert_eq!(corruption.intact_to.unwrap().get(), 13, "{refused}");
    let stub = small.bytes.windows(4).rposition(|window| window == b"ANST").unwrap();
    assert!(stub > last);
    let store = options().open_storage(small.flipped(stub, 1)).unwrap();
    assert_eq!(store.recovery_report().ending, Ending::Torn);
    assert_eq!(read(&store).unwrap(), small.events);
    // Both at once are two faults; they look like a crash in the middle of the commit.
    let mut bytes = small.bytes.clone();
    bytes[stub] ^= 1;
    bytes[last] ^= 1;
    let store = options().open_storage(on(bytes)).unwrap();
    assert_eq!(read(&store).unwrap(), small.events[..13]);
}

//! The last commit has no frame behind it that says it was synced: its stub does. What rots there
//! is told, as far as anything is left that can tell.

use crate::fixture::note;
use annals::storage::MemoryStorage;
use annals::{Commit, Durability, Ending, ErrorKind, Options, Read, RecordedEvent, Store};
use std::ops::Range;
use std::sync::Arc;

fn options() -> Options {
    Options::new().without_keeper().segments(4_096, 4_096).seed(7)
}

fn on(bytes: Vec<u8>) -> Arc<MemoryStorage> {
    Arc::new(MemoryStorage::from_bytes(bytes))
}

fn read(store: &Store) -> Result<Vec<RecordedEvent>, annals::Error> {
    store.read_all(Read::new())?.collect()
}

/// A store as it was just after its last commit was acknowledged: three events, of which that has
/// two.
struct Left {
    bytes: Vec<u8>,
    events: Vec<RecordedEvent>,
    /// The last commit's frame.
    frame: Range<usize>,
    stub: Range<usize>,
}

fn left(last: Durability) -> Left {
    let device = on(Vec::new());
    let store = options().open_storage(device.clone()).unwrap();
    store.append("a", 0, [note("one")]).unwrap();
    let commit = Commit::new().append("a", 1, [note("two"), note("three")]);
    store.commit(commit.put("a/state", "done").durability(last)).unwrap();
    let (bytes, events) = (device.to_bytes(), read(&store).unwrap());
    let find = |tag: &[u8; 4]| bytes.windows(4).rposition(|window| window == tag).unwrap();
    let (frame, stub) = (find(b"ANFR"), find(b"ANST"));
    assert!(frame < stub && events.len() == 3);
    Left { bytes, events, frame: frame..stub, stub: stub..stub + 48 }
}

impl Left {
    fn flipped(&self, bytes: &[usize]) -> Arc<MemoryStorage> {
        let mut flipped = self.bytes.clone();
        bytes.iter().for_each(|at| flipped[*at] ^= 0x80);
        on(flipped)
    }
}

/// Damage to the commit is corruption, damage to its stub is nothing.
#[test]
fn the_stub_protects_the_last_commit() {
    for durability in [Durability::Synced, Durability::Strict] {
        let left = left(durability);
        for at in left.frame.clone() {
            let refused = options().open_storage(left.flipped(&[at])).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "byte {at}");
            let corruption = refused.corruption().unwrap();
            assert_eq!(corruption.intact_to.unwrap().get(), 1, "byte {at}: {refused}");
        }
        for at in left.stub.clone() {
            let store = options().open_storage(left.flipped(&[at])).unwrap();
            assert_eq!(store.recovery_report().ending, Ending::Torn, "byte {at}");
            assert_eq!(read(&store).unwrap(), left.events, "byte {at}");
        }
    }
}

/// Both at once are two faults; they look like a crash in the middle of the commit.
#[test]
fn without_its_stub_a_last_commit_that_rots_looks_torn() {
    let left = left(Durability::Synced);
    let store = options().open_storage(left.flipped(&[left.frame.start, left.stub.start])).unwrap();
    assert_eq!(store.recovery_report().ending, Ending::Torn);
    assert_eq!(read(&store).unwrap(), left.events[..1]);
}

/// Wherever else: each byte of the slots and of page 0.
#[test]
fn a_flipped_byte_of_the_heads_hides_no_commit() {
    for durability in [Durability::Synced, Durability::Strict] {
        let left = left(durability);
        for at in 0..3 * 4_096 {
            match options().open_storage(left.flipped(&[at])) {
                Ok(store) => assert_eq!(read(&store).unwrap(), left.events, "byte {at}"),
                Err(refused) => assert_eq!(refused.kind(), ErrorKind::Corrupt, "byte {at}"),
            }
        }
    }
}

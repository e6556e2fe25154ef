//! What can't be reached from outside: the far ends of the numbers, and how many syncs an act
//! costs.

pub(super) mod device;
mod looks;
pub(super) mod shelf;

use super::genesis::genesis_from;
use super::{Engine, Settings};
use crate::format::{FileKey, Identity};
use crate::storage::MemoryStorage;
use crate::words::{
    AppendError, Commit, Durability, ExpectedVersion, Limit, NewEvent, Position, Version,
};
use device::Watched;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn quiet() -> Settings {
    Settings { keeper: false, ..Settings::default() }
}

/// Which store it is.
pub(super) fn identity() -> Identity {
    Identity { store_id: Uuid::nil(), key: FileKey::new([7; 16]) }
}

/// A store whose first event will be at `first`.
pub(super) fn begun_at(first: Position) -> Engine {
    let genesis = genesis_from(&quiet(), identity(), first);
    let mut bytes = genesis.bytes;
    bytes.resize(crate::format::index(genesis.length), 0);
    Engine::open(Arc::new(MemoryStorage::from_bytes(bytes)), quiet()).unwrap()
}

fn events(count: usize) -> Commit {
    Commit::new().append("a", Version::NONE, vec![NewEvent::new("Noted", "x"); count])
}

/// Commits an event so many times.
pub(super) fn append(engine: &Engine, events: usize) {
    for _ in 0..events {
        let event = NewEvent::new("Noted", "x");
        engine.commit(&Commit::new().append("a", ExpectedVersion::Any, [event])).unwrap();
    }
}

#[test]
fn positions_end_before_the_largest_and_a_refused_commit_uses_up_none() {
    let engine = begun_at(Position::new(Position::MAX.get() - 1));
    let refused = engine.commit(&events(3)).unwrap_err();
    let AppendError::Limit(limit) = refused else { panic!("{refused}") };
    assert_eq!((limit.limit, limit.allowed), (Limit::Positions, (1 << 63) - 1));
    // A refused commit uses up nothing.
    let done = engine.commit(&events(1)).unwrap();
    assert_eq!(done.first.get(), Position::MAX.get() - 1);
}

#[test]
fn versions_and_positions_end_at_their_limits() {
    assert_eq!(Version::MAX.next(), None);
    assert_eq!(Version::new(1).forward(u64::MAX), None);
    assert_eq!(Position::MAX.forward(1), None);
    assert_eq!(Position::new(u64::MAX).next(), None);
}

#[test]
fn a_synced_commit_costs_one_sync_a_strict_one_two_a_buffered_one_none() {
    let disk = Watched::new();
    let engine = Engine::open(disk.clone(), quiet()).unwrap();
    engine.commit(&events(1)).unwrap();
    let costs = [(Durability::Synced, 1), (Durability::Strict, 2), (Durability::Buffered, 0)];
    for (version, (durability, syncs)) in (1..).zip(costs) {
        let commit = Commit::new()
            .append("a", Version::new(version), [NewEvent::new("Noted", "x")])
            .durability(durability);
        drop(disk.asked());
        engine.commit(&commit).unwrap();
        assert_eq!(disk.syncs(), syncs, "{durability:?}");
    }
}

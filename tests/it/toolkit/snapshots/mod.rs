//! Snapshots: whatever becomes of them, a load gives what all events make.

mod failures;
mod kept;
mod random;
mod rebuild;
mod stale;

use crate::toolkit::bank::{Account, Bank, Moved};
use annals::Keys;
use annals::toolkit::{
    Kept, Loaded, Port, Repository, SnapshotPolicy, SnapshotUse, Snapshots, Stale,
};
use std::ops::ControlFlow;

pub const NEWEST: &str = "~snapshot/account/account-1";

pub fn every(events: u64) -> Snapshots<Account> {
    Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(events))
}

/// An account that was opened and then got 1, 2, 3 … cents, so many events in all.
pub fn save(bank: &Repository<Bank>, id: &str, events: u64) {
    let version = bank.version(id).unwrap().get();
    let event = |nth: u64| match nth {
        0 => Moved::Opened { owner: "ann".to_owned() },
        cents => Moved::Deposited { cents },
    };
    let events: Vec<_> = (version..version + events).map(event).collect();
    bank.save(id, version, &events).unwrap();
}

pub fn keys(port: &Port) -> Vec<String> {
    let documents = port.documents(Keys::all()).unwrap();
    documents.map(|document| document.unwrap().key).collect()
}

pub fn versions(kept: &[Kept]) -> Vec<u64> {
    kept.iter().map(|kept| kept.version.get()).collect()
}

pub fn used(loaded: &Loaded<Account>) -> Option<u64> {
    match &loaded.snapshot {
        SnapshotUse::Used(as_of) => Some(as_of.version.get()),
        _ => None,
    }
}

/// Asserts that a load passes a snapshot over for this reason, and is as good as without.
#[track_caller]
pub fn is_stale(bank: &Repository<Bank>, why: &Stale) {
    let plain = bank.replay("1", |_, _| ControlFlow::Continue(())).unwrap();
    let loaded = bank.load("1").unwrap();
    assert_eq!(loaded.snapshot, SnapshotUse::Stale(why.clone()));
    assert_eq!((loaded.state, loaded.as_of), (plain.state, plain.as_of));
    assert_eq!(loaded.sourced, plain.sourced, "all events were read");
}

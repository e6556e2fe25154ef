//! The stores that are compared.

mod annals;
mod fjall;
mod floor;
mod lmdb;
mod record;
mod redb;
mod sqlite;
mod tephra;
#[cfg(test)]
mod tests;

use crate::peer::Peer;
use crate::workload::{self, Measures, Scale};
use std::path::Path;

/// Runs a workload on a store.
type Run = fn(&str, &Path, Scale, u64) -> Measures;

/// All of them by name.
const ALL: [(&str, Run); 8] = [
    entry::<floor::Floor<false>>(),
    entry::<floor::Floor<true>>(),
    entry::<annals::Annals>(),
    entry::<sqlite::Sqlite>(),
    entry::<redb::Redb>(),
    entry::<lmdb::Lmdb>(),
    entry::<fjall::Fjall>(),
    entry::<tephra::Tephra>(),
];

const fn entry<P: Peer>() -> (&'static str, Run) {
    (P::NAME, workload::run::<P>)
}

/// The names of all stores, the floor first.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// What runs a workload on the store with this name.
pub fn find(name: &str) -> Option<Run> {
    ALL.iter().find(|(found, _)| *found == name).map(|(_, run)| *run)
}

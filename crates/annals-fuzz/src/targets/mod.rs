//! The targets: each takes any bytes, and panics where the store is wrong.

pub mod document;
pub mod frame;
pub mod lies;
pub mod open;
pub mod operations;
pub mod page;
mod patches;
pub mod queries;
pub mod record;
pub mod runs;
pub mod slot;
pub mod tail;

use annals::inside::Reread;

/// Something to be fuzzed.
#[derive(Clone, Copy)]
pub struct Target {
    /// By which it is called.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Healthy inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 11] = [
    Target { name: "open", run: open::run, seeds: open::seeds },
    Target { name: "tail", run: tail::run, seeds: tail::seeds },
    Target { name: "runs", run: runs::run, seeds: runs::seeds },
    Target { name: "lies", run: lies::run, seeds: lies::seeds },
    Target { name: "slot", run: slot::run, seeds: slot::seeds },
    Target { name: "frame", run: frame::run, seeds: frame::seeds },
    Target { name: "record", run: record::run, seeds: record::seeds },
    Target { name: "document", run: document::run, seeds: document::seeds },
    Target { name: "page", run: page::run, seeds: page::seeds },
    Target { name: "operations", run: operations::run, seeds: operations::seeds },
    Target { name: "queries", run: queries::run, seeds: queries::seeds },
];

/// The target with this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// The key under which single structures are sealed.
const KEY: [u8; 16] = *b"the key of fuzz.";

/// Panics if a structure is another one after it was written and read again.
#[track_caller]
fn again(reread: Reread) {
    assert_ne!(reread, Reread::Other, "written and read again, it is not the same");
}

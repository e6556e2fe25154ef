//! The nastiest files of 1 MiB: opened, read by every way, verified and written to within 64 MiB of
//! memory, each step within 2 seconds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests are named for what they claim, and stop where they are surprised"
)]

mod forge;
mod log;
mod runs;

use allocation_counter::measure;
use annals::storage::{MemoryStorage, Storage};
use annals::{Options, Store};
use annals_fuzz::exercise::{Effort, QUESTIONS, write_something};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a hostile file.
const FILE: usize = 1 << 20;
/// Bytes of memory that it may take at the most.
const MEMORY: u64 = 64 << 20;
/// What a step may take of time. With assertions on, as `cargo test` has it, and beside other tests
/// it is given more.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });

/// Opens a file by every way, asks for everything, and writes to it.
#[track_caller]
fn bear(what: &str, file: &[u8]) {
    assert_eq!(file.len(), FILE, "{what}");
    dissect(what, file);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.annals");
    let options = Options::new().without_keeper();
    let in_memory = |read: bool| {
        let disk = Arc::new(MemoryStorage::from_bytes(file.to_vec()));
        if read { options.open_storage_read_only(disk) } else { options.open_storage(disk) }
    };
    let in_a_file = |read: bool| {
        std::fs::write(&path, file).unwrap();
        if read { options.open_read_only(&path) } else { options.open(&path) }
    };
    for (device, open) in [("memory", &in_memory as &Open<'_>), ("file", &in_a_file)] {
        for read in [true, false] {
            let mut steps = Steps::default();
            let spent = measure(|| live(&mut steps, open, read));
            let how = if read { "to read" } else { "to write" };
            let (longest, step) = steps.longest;
            println!(
                "{what}: {device}, {how}: {} KiB, {} read, {:?} in all, {step} {longest:?}",
                spent.bytes_max >> 10,
                steps.read,
                steps.all,
            );
            assert!(spent.bytes_max < MEMORY, "{what}: {} bytes of memory", spent.bytes_max);
            assert!(longest < TIME, "{what}: {step} took {longest:?}");
        }
    }
}

/// Takes a file apart at many places.
#[track_caller]
fn dissect(what: &str, file: &[u8]) {
    let disk: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(file.to_vec()));
    let mut steps = Steps::default();
    let spent = measure(|| {
        for at in (0..FILE as u64).step_by(4_001) {
            let _ = steps.take("dissecting", || Store::dissect_storage(&disk, at));
        }
    });
    assert!(spent.bytes_max < MEMORY, "{what}: {} bytes of memory", spent.bytes_max);
    assert!(steps.longest.0 < TIME, "{what}: dissecting took {:?}", steps.longest.0);
}

/// Opens a file, to read it or to write to it.
type Open<'a> = dyn Fn(bool) -> Result<Store, annals::Error> + 'a;

/// All that is done with a store that is open.
fn live(steps: &mut Steps, open: &Open<'_>, read: bool) {
    let Ok(store) = steps.take("opening", || open(read)) else { return };
    // Before it is verified, the same may be everywhere, so a little will do. So it will where the
    // log is not what it was made an index of.
    steps.ask(&store, Effort::LITTLE);
    let verified = steps.take("verifying", || store.verify());
    let _ = steps.take("verifying quickly", || store.verify_quick());
    let _ = steps.take("a map", || store.map());
    steps.ask(&store, if verified.is_ok() { Effort::ALL } else { Effort::LITTLE });
    if !read {
        steps.take("writing", || write_something(&store, 3));
        let _ = steps.take("verifying what was written", || store.verify());
    }
    let _ = steps.take("closing", || store.close());
}

/// How long things took.
#[derive(Default)]
struct Steps {
    all: Duration,
    longest: (Duration, &'static str),
    read: u64,
}

impl Steps {
    fn take<T>(&mut self, what: &'static str, step: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = step();
        let time = start.elapsed();
        self.all += time;
        self.longest = self.longest.max((time, what));
        done
    }

    fn ask(&mut self, store: &Store, effort: Effort) {
        let Ok(view) = self.take("a view", || store.view()) else { return };
        for (what, ask) in QUESTIONS {
            self.read += self.take(what, || ask(&view, effort));
        }
    }
}

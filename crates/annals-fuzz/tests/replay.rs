//! What the fuzzers found, what they begin with, and a stretch of each target: replayed without a
//! fuzzer. Nothing panics, nothing hangs, nothing takes more memory than it may.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests are named for what they claim, and stop where they are surprised"
)]

use allocation_counter::measure;
use annals_fuzz::stretch::Stretch;
use annals_fuzz::targets::{TARGETS, Target, target};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Bytes of memory that an input of at most a megabyte may take.
const MEMORY: u64 = 64 << 20;
/// Time that an input may take; a fuzzer stops there too.
const TIME: Duration = Duration::from_secs(10);
/// The stretch: of the same seed each time, so that whoever sees a find can see it again.
const SEED: u64 = 4;

/// Inputs, each with the words of a command that runs it again.
type Inputs = Box<dyn Iterator<Item = (String, Vec<u8>)> + Send>;

/// The command that runs an input again.
fn again(target: Target, words: &str) -> String {
    format!("again by: cargo run -p annals-fuzz -- {} {words}", target.name)
}

/// Runs a target on inputs, in a thread that is watched.
fn run(target: Target, inputs: Inputs) {
    let start = Instant::now();
    let (begun, watch) = sync_channel(0);
    let worker = std::thread::spawn(move || {
        let (mut count, mut most, mut longest) = (0_u64, 0, Duration::ZERO);
        for (words, input) in inputs {
            if begun.send(words).is_err() {
                break;
            }
            let start = Instant::now();
            let bytes = measure(|| (target.run)(&input)).bytes_max;
            let time = start.elapsed();
            assert!(bytes < MEMORY, "{bytes} bytes of memory");
            assert!(time < TIME, "{time:?}");
            most = most.max(bytes);
            longest = longest.max(time);
            count += 1;
        }
        (count, most, longest)
    });
    let mut last = String::new();
    loop {
        match watch.recv_timeout(2 * TIME) {
            Ok(words) => last = words,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("it hangs; {}", again(target, &last)),
        }
    }
    let Ok((count, bytes, longest)) = worker.join() else {
        panic!("a find; {}", again(target, &last))
    };
    println!(
        "{}: {count} inputs in {:?}, the longest {longest:?}, {} KiB at the most",
        target.name,
        start.elapsed(),
        bytes >> 10
    );
}

/// Where the finds are kept, each by its target under a name that says what it is. What was wrong,
/// and what was mended, is told by a test: in `tests/it/regressions.rs`, or of hostile files.
fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// The files of a folder, in their order; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A stretch of this target: the healthy inputs, and so many more.
fn stretch(name: &str, count: u64) {
    let target = target(name).unwrap();
    let stretch = Stretch::new(&target, SEED);
    let all = 0..stretch.healthy() + count;
    let named = move |nth| (format!("--seed {SEED} --from {nth} --count 1"), stretch.input(nth));
    run(target, Box::new(all.map(named)));
}

macro_rules! stretches {
    ($($name:ident: $count:literal,)*) => {
        /// So many inputs of each target: about a second of each.
        mod nothing_is_found {
            $(#[test]
            fn $name() {
                super::stretch(stringify!($name), $count);
            })*
        }

        const STRETCHES: &[&str] = &[$(stringify!($name)),*];
    };
}

stretches! {
    open: 800,
    tail: 3_000,
    runs: 300,
    lies: 500,
    slot: 50_000,
    frame: 100_000,
    record: 100_000,
    document: 50_000,
    page: 10_000,
    operations: 1_500,
    queries: 8_000,
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for target in TARGETS {
        let files = files(&regressions().join(target.name)).into_iter();
        let read = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
        run(target, Box::new(files.map(read)));
    }
}

#[test]
fn each_find_belongs_to_a_target_and_is_small() {
    for folder in files(&regressions()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(target(name).is_some(), "there is no target '{name}'");
        for file in files(&folder) {
            let length = file.metadata().unwrap().len();
            assert!(length < 10_000, "{}: {length} bytes", file.display());
        }
    }
}

#[test]
fn each_target_has_seeds_a_stretch_and_a_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    assert_eq!(STRETCHES, TARGETS.map(|target| target.name));
    for Target { name, seeds, .. } in TARGETS {
        assert!(!seeds().is_empty(), "{name} has no seeds");
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "fuzz/Cargo.toml: {name}");
        let shim = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(shim.contains(&format!("targets::{name}::run")), "{name}'s fuzzer runs another");
    }
}

/// The same input whichever were made before, so that one can be replayed by itself.
#[test]
fn a_stretch_is_the_same_each_time() {
    for target in TARGETS {
        let [one, other] = [0, 1].map(|_| Stretch::new(&target, SEED));
        let from = one.healthy();
        let same = |nth| one.input(nth) == other.input(nth);
        assert!((0..from + 50).all(same), "{}", target.name);
        let other = Stretch::new(&target, SEED + 1);
        assert_ne!(one.input(from + 49), other.input(from + 49), "{}", target.name);
    }
}

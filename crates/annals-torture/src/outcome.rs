//! What came of a torture: figures and violations, said as it goes; where stores lie, and where
//! those are kept that something is wrong with.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// It was done.
    Done {
        /// What was counted, in words.
        figures: String,
        /// What may not be.
        violations: Vec<String>,
    },
    /// This machine can't.
    Skipped(String),
}

impl Outcome {
    /// Says it; 0 if nothing was wrong, 1 if something was, 77 if it was skipped.
    pub fn say(&self) -> ExitCode {
        match self {
            Self::Skipped(why) => {
                println!("skipped: {why}");
                ExitCode::from(77)
            }
            Self::Done { figures, violations } => {
                violations.iter().for_each(|violation| println!("VIOLATION: {violation}"));
                println!("{figures}; {} violations", violations.len());
                if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
        }
    }
}

/// Where stores lie, and where those go that something is wrong with.
#[derive(Clone, Debug)]
pub struct Keep {
    folder: PathBuf,
    is_own: bool,
}

/// Files here are in memory, where there is such a place.
const MEMORY: &str = "/dev/shm";

impl Keep {
    /// In this folder, or in that of the system for what is temporary.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let is_own = folder.is_some();
        Self { folder: folder.unwrap_or_else(std::env::temp_dir), is_own }
    }

    /// A folder that is gone with it; in memory, if that is asked for and nobody has said where.
    pub(crate) fn folder(&self, in_memory: bool) -> io::Result<TempDir> {
        if in_memory && !self.is_own && Path::new(MEMORY).is_dir() {
            return tempfile::tempdir_in(MEMORY);
        }
        tempfile::tempdir_in(&self.folder)
    }

    /// Keeps a copy of the file under a name; says where.
    pub(crate) fn file(&self, file: &Path, name: &str) -> String {
        let to = self.folder.join(format!("annals-torture-{name}.annals"));
        match std::fs::copy(file, &to) {
            Ok(_) => to.display().to_string(),
            Err(error) => format!("{} could not be copied: {error}", file.display()),
        }
    }
}

/// A count that several threads add to.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    /// Adds so many; how many it was before.
    pub(crate) fn add(&self, count: u64) -> u64 {
        self.0.fetch_add(count, Ordering::Relaxed)
    }

    /// Takes back one that was added too early.
    pub(crate) fn take_back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Says every few seconds how far it is.
pub(crate) struct Progress {
    what: &'static str,
    all: u64,
    done: AtomicU64,
    begun: Instant,
    said: Mutex<Instant>,
}

/// How often.
const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(crate) fn new(what: &'static str, all: u64) -> Self {
        let now = Instant::now();
        Self { what, all, done: AtomicU64::new(0), begun: now, said: Mutex::new(now) }
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(mut said) = self.said.try_lock()
            && said.elapsed() >= EVERY
        {
            *said = Instant::now();
            eprintln!("{done} of {} {}, {}", self.all, self.what, self.rate());
        }
    }

    fn rate(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let done = self.done.load(Ordering::Relaxed) as f64;
        format!("{seconds:.1} s, {:.1} a second", done / seconds)
    }

    /// What came of it.
    pub(crate) fn done(&self, figures: String, violations: Vec<String>) -> Outcome {
        Outcome::Done { figures: format!("{figures}; {}", self.rate()), violations }
    }
}

/// Does it once for each processor, at the same time; what was wrong.
pub(crate) fn in_parallel(one: impl Fn() -> Result<(), String> + Sync) -> Vec<String> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(&one)).collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(ended) => ended,
            Err(_) => Err("the harness itself has panicked".to_owned()),
        });
        ended.filter_map(Result::err).collect()
    })
}

//! Everything at once on one file, for a while: writers of every kind, readers through maps,
//! cursors that are put aside, followers, waiters, backups, and a store that is closed and opened
//! again under all of them. Segments and the index in memory are tiny, so that the file is written
//! over all the time.
//!
//! `ANNALS_STRESS_SECONDS=600` makes it last ten minutes; this is what runs under ThreadSanitizer.
//! Threads learn of one another through the store: what they share besides is read and written
//! relaxed, so that it orders nothing.

mod others;
mod readers;
mod said;
mod writers;

use crate::fixture::Place;
use annals::{Ending, Error, ErrorKind, Options, Store};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

const WRITERS: usize = 3;
const READERS: usize = 2;
/// A file that is longer is left, and another begun.
const LONGEST: u64 = 24 << 20;
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

#[test]
fn everything_at_once_stays_in_order() {
    let seconds = std::env::var("ANNALS_STRESS_SECONDS").ok();
    let seconds = seconds.map_or(3, |seconds| seconds.parse().expect("a number of seconds"));
    let world = World::new(Duration::from_secs(seconds));
    thread::scope(|scope| {
        let world = &world;
        for nth in 0..WRITERS {
            scope.spawn(move || world.watched(|| writers::write(world, nth)));
        }
        for nth in 0..READERS {
            scope.spawn(move || world.watched(|| readers::read(world, nth)));
        }
        scope.spawn(|| world.watched(|| others::follow(world)));
        scope.spawn(|| world.watched(|| others::wait(world)));
        scope.spawn(|| world.watched(|| others::wake(world)));
        scope.spawn(|| world.watched(|| others::keep_house(world)));
        world.watched(|| world.close_and_open());
    });
    println!("{}", world.counts());
}

/// Tiny segments, tiny tables, and a keeper that is never idle for long.
fn options() -> Options {
    let options = Options::new().segments(4_096, 65_536).tail(48, 1 << 15);
    options.sync_within(Duration::from_millis(5)).idle(Duration::from_millis(20))
}

/// What all of them see.
pub struct World {
    place: Place,
    until: Instant,
    is_over: AtomicBool,
    open: RwLock<Life>,
    /// What each writer was told, written down when he finds the store closed.
    told: [Mutex<Told>; WRITERS],
    /// The last life of the store that each writer has found closed.
    left: [AtomicU64; WRITERS],
    /// Seats that may be taken by now.
    seats: AtomicU64,
    commits: AtomicU64,
    refused: AtomicU64,
    events_read: AtomicU64,
    old_views: AtomicU64,
    lives: AtomicU64,
}

/// The store from one opening to the next.
#[derive(Clone)]
pub struct Life {
    pub store: Store,
    nth: u64,
    /// The number of the file.
    pub file: u64,
}

/// The versions of the writer's streams.
type Told = HashMap<String, u64>;

/// The store was closed: there is another.
pub struct Closed;

impl World {
    fn new(time: Duration) -> Self {
        let place = Place::new();
        let store = options().open(place.file("0.annals")).unwrap();
        Self {
            place,
            until: Instant::now() + time,
            is_over: AtomicBool::new(false),
            open: RwLock::new(Life { store, nth: 1, file: 0 }),
            told: Default::default(),
            left: Default::default(),
            seats: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            events_read: AtomicU64::new(0),
            old_views: AtomicU64::new(0),
            lives: AtomicU64::new(1),
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// The path of the file with this number.
    pub fn path(&self, file: u64) -> PathBuf {
        self.place.file(&format!("{file}.annals"))
    }

    /// The store as it is now.
    pub fn life(&self) -> Life {
        self.open.read().unwrap().clone()
    }

    /// The store once it was opened again after this life of it; nothing when all is over.
    pub fn next_life(&self, before: &Life) -> Option<Life> {
        while !self.is_over() {
            let life = self.life();
            if life.nth > before.nth {
                return Some(life);
            }
            thread::sleep(Duration::from_micros(200));
        }
        None
    }

    /// Does this; whoever panics ends it for all.
    fn watched(&self, act: impl FnOnce()) {
        struct Watch<'a>(&'a AtomicBool);
        impl Drop for Watch<'_> {
            fn drop(&mut self) {
                if thread::panicking() {
                    self.0.store(true, Relaxed);
                }
            }
        }
        let _watch = Watch(&self.is_over);
        act();
    }

    /// A writer has found the store closed, and this is what he was told.
    fn leave(&self, writer: usize, life: &Life, told: &Told) {
        self.told[writer].lock().unwrap().clone_from(told);
        self.left[writer].store(life.nth, Release);
    }

    /// Closes the store under everybody, and opens it again: what is there is what the writers were
    /// told.
    fn close_and_open(&self) {
        let mut random = Random(99);
        let mut life = self.life();
        while Instant::now() < self.until && !self.is_over() {
            thread::sleep(Duration::from_millis(20 + random.below(200)));
            let is_last = Instant::now() >= self.until;
            life.store.close().unwrap();
            let path = self.path(life.file);
            // The lock is free at once, whoever is on his way out.
            let mut next = options().open(&path).unwrap();
            let ending = next.recovery_report().ending;
            assert!(matches!(ending, Ending::Closed | Ending::New), "{ending:?}");
            let begun = Instant::now();
            while self.left.iter().any(|left| left.load(Acquire) < life.nth) {
                assert!(begun.elapsed() < LONG && !self.is_over(), "a writer does not come back");
                thread::sleep(Duration::from_micros(200));
            }
            self.check_told(&next);
            if is_last || random.below(10) == 0 {
                assert!(next.verify().unwrap().is_whole());
            }
            let mut file = life.file;
            if next.stats().unwrap().file_bytes > LONGEST {
                next.close().unwrap();
                std::fs::remove_file(&path).unwrap();
                file += 1;
                self.seats.store(0, Relaxed);
                next = options().open(self.path(file)).unwrap();
            }
            life = Life { store: next, nth: life.nth + 1, file };
            self.lives.fetch_add(1, Relaxed);
            *self.open.write().unwrap() = life.clone();
        }
        self.is_over.store(true, Relaxed);
        // For whoever sleeps.
        life.store.close().unwrap();
    }

    fn check_told(&self, store: &Store) {
        for told in &self.told {
            for (stream, version) in told.lock().unwrap().iter() {
                assert_eq!(store.stream_version(stream).unwrap().get(), *version, "{stream}");
            }
        }
    }

    fn counts(&self) -> String {
        let [commits, refused, read, old, lives] =
            [&self.commits, &self.refused, &self.events_read, &self.old_views, &self.lives]
                .map(|count| count.load(Relaxed));
        format!(
            "{commits} commits and {refused} refusals, {read} events read and checked, {old} views \
             that had been put aside, {lives} openings, {} files",
            self.life().file + 1
        )
    }
}

/// What a store that is closed may answer, and no other error.
pub fn unless_closed<T>(result: Result<T, Error>) -> Result<T, Closed> {
    result.map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        Closed
    })
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % end
    }
}

//! Readers: processes that look at a store while another writes it, and say how much they have seen
//! and what it amounts to.

use crate::check::{by_query, by_stream, documents, said as in_words, walk_on};
use crate::said::{Said, What};
use crate::walk::Walk;
use crate::writer::WRONG;
use annals::{Options, QueryItem, Store, View};
use annals_sim::Random;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How a reader looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// It stays, and waits for more.
    Follow,
    /// It opens the store again and again, and asks the index.
    Scan,
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "follow" => Ok(Self::Follow),
            "scan" => Ok(Self::Scan),
            other => Err(format!("nobody reads like {other}")),
        }
    }
}

/// What a reader is to do.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The store's file.
    pub store: PathBuf,
    /// What is planned for the store.
    pub seed: u64,
    /// How it looks.
    pub manner: Manner,
    /// A position that somebody has seen before.
    pub seen: u64,
}

/// Every so many events a reader says what it has seen.
const EVERY: u64 = 64;
/// What was seen once appears to everybody within this time: a reader that opens the store while
/// the frame behind it is being written knows only what the frame before says.
const APPEARS: Duration = Duration::from_secs(20);
/// Every so often all is read from the beginning.
const FROM_THE_BEGINNING: u64 = 16;

/// Reads until it is killed.
pub fn read(reading: &Reading) -> ExitCode {
    match go_on(reading) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{:?}: {wrong}", reading.manner);
            ExitCode::from(WRONG)
        }
    }
}

impl Reading {
    /// The words by which a reader is told its part.
    pub(crate) fn words(&self) -> Vec<String> {
        let manner = match self.manner {
            Manner::Follow => "follow",
            Manner::Scan => "scan",
        };
        let store = self.store.to_string_lossy().into_owned();
        ["reader".to_owned(), manner.to_owned(), store]
            .into_iter()
            .chain([self.seed, self.seen].map(|number| number.to_string()))
            .collect()
    }

    /// The part that these words tell, without the first.
    pub fn of(words: &[&str]) -> Option<Self> {
        let [manner, store, seed, seen] = words else { return None };
        Some(Self {
            store: PathBuf::from(store),
            seed: seed.parse().ok()?,
            manner: manner.parse().ok()?,
            seen: seen.parse().ok()?,
        })
    }
}

fn go_on(reading: &Reading) -> Result<(), String> {
    let mut walk = Walk::new(reading.seed);
    let mut seen = reading.seen;
    let mut random = Random::new(reading.seed ^ u64::from(std::process::id()));
    match reading.manner {
        Manner::Follow => {
            let store = open(&reading.store, seen)?;
            loop {
                let head = store.wait(walk.head, Duration::from_millis(100));
                if head.map_err(in_words("waiting"))?.get() > walk.head {
                    let view = store.view().map_err(in_words("looking at it"))?;
                    on(&view, &mut walk)?;
                }
            }
        }
        Manner::Scan => {
            for round in 1_u64.. {
                let store = open(&reading.store, seen)?;
                if round.is_multiple_of(FROM_THE_BEGINNING) {
                    walk = Walk::new(reading.seed);
                }
                let view = caught_up(&store, &mut walk)?;
                ask(&view, &walk, &mut random)?;
                seen = seen.max(walk.head);
            }
            Ok(())
        }
    }
}

/// Opens the store to look, and waits until what was seen before is there.
fn open(path: &Path, seen: u64) -> Result<Store, String> {
    let store = Options::new().open_read_only(path).map_err(in_words("opening it to look"))?;
    let head = store.wait(seen.saturating_sub(1), APPEARS).map_err(in_words("waiting"))?;
    if head.get() < seen {
        return Err(format!("position {seen} was seen before, now {head} is the last"));
    }
    Ok(store)
}

/// Walks on to the view's end, and says what has been seen.
fn on(view: &View, walk: &mut Walk) -> Result<(), String> {
    let end = view.head().get();
    walk_on(view, walk, |walk| {
        if walk.head.is_multiple_of(EVERY) || walk.head == end {
            Said::of(What::Seen, 0, walk.chain).at(0, walk.head).say();
        }
    })
}

/// A view in which the documents are what follows from the log, once it has everything that was
/// seen before: commits without events, of which the head says nothing, appear later perhaps.
fn caught_up(store: &Store, walk: &mut Walk) -> Result<View, String> {
    let patience = if walk.head == 0 { Duration::ZERO } else { APPEARS };
    let begun = Instant::now();
    loop {
        let view = store.view().map_err(in_words("looking at it"))?;
        on(&view, walk)?;
        match walk.documents(&documents(&view)?) {
            Ok(()) => return Ok(view),
            Err(wrong) if begun.elapsed() >= patience => return Err(wrong),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// What the index answers is what the log says: a stream, a type, a tag.
fn ask(view: &View, walk: &Walk, random: &mut Random) -> Result<(), String> {
    let any = |names: &BTreeMap<String, Vec<u64>>, random: &mut Random| {
        let nth = random.below(names.len());
        names.iter().nth(nth).map(|(name, positions)| (name.clone(), positions.clone()))
    };
    if let Some((stream, positions)) = any(&walk.streams, random) {
        by_stream(view, &stream, &positions)?;
    }
    if let Some((name, positions)) = any(&walk.types, random) {
        by_query(view, QueryItem::new().event_type(name), &positions)?;
    }
    if let Some((tag, positions)) = any(&walk.tags, random) {
        by_query(view, QueryItem::new().tag(tag), &positions)?;
    }
    Ok(())
}

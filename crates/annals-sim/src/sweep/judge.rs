//! Whether a damaged store is honest: opened to write, opened to look, and salvaged.

use super::sample::{Sample, options};
use crate::truth::{Questions, Trouble, Truth, changed, is_same, is_spared, trouble};
use annals::storage::MemoryStorage;
use annals::{Ending, ExpectedVersion, NewEvent, Read, Store};
use std::ops::Range;
use std::sync::Arc;

/// What a damaged store has told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// That it is damaged.
    Damage,
    /// Nothing, and nothing is missing.
    Nothing,
    /// Nothing, and commits are missing that no surviving byte proves to have been synced.
    Silence,
}

/// A damaged form of a sample.
pub(super) struct Image<'a> {
    truth: &'a Truth,
    bytes: Vec<u8>,
    changed: Vec<Range<usize>>,
}

impl<'a> Image<'a> {
    /// Nothing if nothing is damaged.
    pub(super) fn new(sample: &'a Sample, bytes: Vec<u8>) -> Option<Self> {
        let truth = &sample.truth;
        let changed = changed(&truth.bytes, &bytes);
        (!changed.is_empty()).then_some(Self { truth, bytes, changed })
    }

    fn disk(&self) -> Arc<MemoryStorage> {
        Arc::new(MemoryStorage::from_bytes(self.bytes.clone()))
    }

    /// Opened for writing: refused, or it answers everything as before, and takes more.
    pub(super) fn write(&self, how: Questions, goes_on: bool) -> Result<Told, String> {
        let disk = self.disk();
        let store = match options(1, 5).open_storage(disk.clone()) {
            Ok(store) => store,
            Err(error) if disk.to_bytes() != self.bytes => {
                return Err(format!("refused, but written to: {error}"));
            }
            Err(error) => return told(trouble(error)),
        };
        let there = match self.truth.ask(&store, how) {
            Ok(there) => there,
            Err(trouble) => return told(trouble),
        };
        let said = self.heard(&store, there)?;
        if goes_on {
            self.go_on(&store, &disk, there)?;
        }
        Ok(said)
    }

    /// Opened to look: refused, or it answers everything as before, as far as it says that it is
    /// whole.
    pub(super) fn look(&self, how: Questions) -> Result<Told, String> {
        let disk = self.disk();
        let store = match options(1, 5).open_storage_read_only(disk.clone()) {
            Ok(store) => store,
            Err(error) => return told(trouble(error)),
        };
        let asked = self.truth.ask(&store, how);
        if disk.to_bytes() != self.bytes {
            return Err("looking has written".to_owned());
        }
        match asked {
            Ok(_) if store.recovery_report().ending == Ending::Damaged => Ok(Told::Damage),
            Ok(there) => self.heard(&store, there),
            Err(trouble) => told(trouble),
        }
    }

    /// What was told fits where the damage is: where nothing of the store stands, there is none.
    pub(super) fn fits(&self, told: Told) -> Result<Told, String> {
        match told {
            Told::Nothing => Ok(told),
            _ if self.is_elsewhere() => Err(format!("{told:?}, where nothing of the store is")),
            _ => Ok(told),
        }
    }

    /// Whether nothing has changed that any check covers: only the holder's page, or room that
    /// neither a segment nor a run of either slot has.
    fn is_elsewhere(&self) -> bool {
        let layout = &self.truth.layout;
        let segments = layout.segments.iter().map(|segment| segment.bytes.clone());
        let runs = layout.slots.iter().flat_map(|slot| slot.runs.clone());
        let mut all = std::iter::once(0..3 * 4_096).chain(segments).chain(runs);
        all.all(|bytes| is_spared(&self.changed, &bytes))
    }

    /// Salvaged: see [`Truth::salvage`].
    pub(super) fn salvage(&self) -> Result<(), String> {
        self.truth.salvage(&self.bytes).map(|_| ())
    }

    /// What a store has told that has so many commits and answers as it should.
    fn heard(&self, store: &Store, there: usize) -> Result<Told, String> {
        if let Some(missing) = self.truth.commits().nth(there) {
            return match self.proven() > missing.at {
                true => Err(format!("only {there} commits are there, and no word")),
                false => Ok(Told::Silence),
            };
        }
        let report = store.recovery_report();
        let has_issues = store.verify().map(|report| !report.is_whole());
        let has_healed = store.stats().map(|stats| stats.index.healed > 0);
        match (has_issues, has_healed) {
            (Err(error), _) | (_, Err(error)) => told(trouble(error)),
            (Ok(issues), Ok(healed)) if issues || healed || report.header_damaged => {
                Ok(Told::Damage)
            }
            _ if self.is_covered() => Err("verified, and no word".to_owned()),
            _ => Ok(Told::Nothing),
        }
    }

    /// What is appended stands as firmly as in a store that is not damaged.
    fn go_on(&self, store: &Store, disk: &MemoryStorage, there: usize) -> Result<(), String> {
        let failed = |error: annals::Error| format!("going on: {error}");
        let new = store.append("new", ExpectedVersion::NoStream, [NewEvent::new("New", "new")]);
        let new = new.map_err(|error| format!("going on: {error}"))?;
        store.close().map_err(failed)?;
        let again = Arc::new(MemoryStorage::from_bytes(disk.to_bytes()));
        let store = options(2, 5).open_storage(again).map_err(failed)?;
        let mut events = store.read_all(Read::new()).map_err(failed)?;
        let kept = new.first.get() as usize - 1;
        for event in &self.truth.events[..kept] {
            let found = events.next_event().map_err(failed)?;
            let same = found.map(|found| is_same(&found, event)).transpose().map_err(failed)?;
            if same != Some(true) {
                return Err(format!("going on: position {} is another", event.position));
            }
        }
        let last = events.next_event().map_err(failed)?.map(|event| event.payload.to_vec());
        match last.as_deref() == Some(b"new") && kept <= self.truth.events.len() {
            true => Ok(()),
            false => Err(format!("going on after {there} commits: {last:?} is the last")),
        }
    }

    /// The highest watermark that something spared states.
    fn proven(&self) -> u64 {
        let layout = &self.truth.layout;
        let slots = layout.slots.iter().map(|slot| (slot.bytes.clone(), slot.watermark));
        let frames = layout.frames.iter().map(|frame| (frame.header(), frame.watermark));
        let all = slots.chain(frames).chain(layout.stub.clone());
        let spared = all.filter(|(bytes, _)| is_spared(&self.changed, bytes));
        spared.map(|(_, watermark)| watermark).max().unwrap_or(0)
    }

    /// Whether something has changed that a check covers, and that counts: page 0, which nobody
    /// ever writes again, the log, a run that the slot names which is left.
    fn is_covered(&self) -> bool {
        let layout = &self.truth.layout;
        let frames = layout.frames.iter().map(|frame| frame.covered());
        let headers = layout.frames.iter().map(|frame| layout.segments[frame.segment].header());
        let slots = layout.slots.iter().filter(|slot| is_spared(&self.changed, &slot.bytes));
        let runs = slots.max_by_key(|slot| slot.counter).map(|slot| slot.runs.clone());
        let pages = std::iter::once(0..4_096).chain(runs.into_iter().flatten());
        pages.chain(frames).chain(headers).any(|bytes| !is_spared(&self.changed, &bytes))
    }
}

/// An error is a word, if it says that the store is damaged.
fn told(trouble: Trouble) -> Result<Told, String> {
    match trouble {
        Trouble::Told(_) => Ok(Told::Damage),
        Trouble::Wrong(what) => Err(what),
    }
}

//! What salvage has to make of a damaged store, by what the damage spared.

use crate::layout::{DocumentPlace, EventPlace, FramePlace, Layout};
use crate::truth::{Truth, changed, is_spared};
use annals::storage::{MemoryStorage, Storage};
use annals::{ErrorKind, Keys, Options, Read, RecordedEvent, SalvageReport, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

/// What salvage has made of a damaged store.
pub struct Salvaged {
    /// What it says.
    pub report: SalvageReport,
    /// The new store's bytes.
    pub bytes: Vec<u8>,
}

/// What the damage spared.
struct Spared<'a> {
    truth: &'a Truth,
    changed: Vec<Range<usize>>,
    /// Up to where something spared says that the log was synced.
    watermark: u64,
    /// Up to where everything is to be taken that is whole: that, or without a slot all.
    proven: u64,
    /// For each frame: whether something spared says where its segment is.
    placed: Vec<bool>,
}

impl Truth {
    /// Salvages a damaged form of this store, and holds what comes of it against what was there:
    /// every record that the damage spared is kept, as it was and in order, nothing else is there,
    /// and each position that something spared proves is kept, lost or torn. Nothing if no page is
    /// spared that has the key.
    ///
    /// # Errors
    /// What is wrong.
    pub fn salvage(&self, damaged: &[u8]) -> Result<Option<Salvaged>, String> {
        let spared = Spared::by(self, damaged);
        let from: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(damaged.to_vec()));
        let to = Arc::new(MemoryStorage::new());
        let target: Arc<dyn Storage> = to.clone();
        let go_on = |_, _| ControlFlow::Continue(());
        let report = match Store::salvage_storage(&from, &target, go_on) {
            Ok(report) => report,
            Err(error) => {
                let told = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotAnnals);
                return match told && !spared.has_key() {
                    true => Ok(None),
                    false => Err(format!("refused: {error:?}")),
                };
            }
        };
        let bytes = to.to_bytes();
        spared.check(&report, &bytes)?;
        Ok(Some(Salvaged { report, bytes }))
    }
}

impl<'a> Spared<'a> {
    fn by(truth: &'a Truth, damaged: &[u8]) -> Self {
        let changed = changed(&truth.bytes, damaged);
        let layout = &truth.layout;
        let spared = |bytes: &Range<usize>| is_spared(&changed, bytes);
        let mut placed: Vec<bool> = Vec::new();
        for frame in &layout.frames {
            let segment = &layout.segments[frame.segment];
            let named = layout
                .slots
                .iter()
                .any(|slot| spared(&slot.bytes) && slot.segments.contains(&segment.bytes.start));
            let behind = layout.segments.get(frame.segment + 1);
            let end_record = frame.segment > 0
                && layout.frames.iter().zip(&placed).any(|(other, placed)| {
                    other.segment + 1 == frame.segment
                        && !other.is_commit
                        && *placed
                        && spared(&other.header())
                });
            placed.push(
                named
                    || spared(&segment.header())
                    || behind.is_some_and(|behind| spared(&behind.header()))
                    || end_record,
            );
        }
        let slots = layout.slots.iter().filter(|slot| spared(&slot.bytes));
        let slots: Vec<u64> = slots.map(|slot| slot.watermark).collect();
        let frames = layout.frames.iter().zip(&placed);
        let frames = frames.filter(|(frame, placed)| **placed && spared(&frame.header()));
        let frames = frames.map(|(frame, _)| frame.watermark);
        let stub = layout.stub.iter().filter(|(bytes, _)| spared(bytes)).map(|stub| stub.1);
        let watermark = slots.iter().copied().chain(frames).chain(stub).max().unwrap_or(0);
        let proven = if slots.is_empty() { u64::MAX } else { watermark };
        Self { truth, changed, watermark, proven, placed }
    }

    fn has_key(&self) -> bool {
        self.is(&(0..4_096)) || self.slots().any(|slot| self.is(&slot.bytes))
    }

    fn is(&self, bytes: &Range<usize>) -> bool {
        is_spared(&self.changed, bytes)
    }

    fn slots(&self) -> impl Iterator<Item = &crate::layout::SlotPlace> {
        self.truth.layout.slots.iter()
    }

    /// The frames whose header is spared and whose segment is known; each with whether it has to
    /// be taken: it is proven, or everything from there on is whole.
    fn frames(&self) -> Vec<(&'a FramePlace, bool)> {
        let mut frames = Vec::new();
        // Whether the next frame has something to follow.
        let mut is_linked = true;
        for (frame, placed) in self.truth.layout.frames.iter().zip(&self.placed) {
            let found = *placed && self.is(&frame.header());
            let is_whole =
                self.is(&frame.bytes) && frame.events.iter().all(|event| self.is_whole(event));
            let is_proven = frame.end <= self.proven;
            let follows = is_linked || frame.at == self.proven;
            let counts = is_proven || (follows && is_whole);
            if found {
                frames.push((frame, counts));
            }
            is_linked = found && counts;
        }
        frames
    }

    fn is_whole(&self, event: &EventPlace) -> bool {
        self.is(&event.bytes) && event.names.iter().all(|name| self.is(name))
    }

    fn check(&self, report: &SalvageReport, bytes: &[u8]) -> Result<(), String> {
        let disk = Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
        let store = Options::new().without_keeper().open_storage_read_only(disk);
        let store = store.map_err(|error| format!("the new store: {error}"))?;
        let verified = store.verify().map_err(|error| format!("the new store: {error}"))?;
        if !verified.is_whole() {
            return Err(format!("the new store: {:?}", verified.issues));
        }
        let kept = self.events(report, &store)?;
        self.positions(report, &kept)?;
        self.commits(report, &kept, &Layout::of(bytes))?;
        self.documents(report, &kept, &store)?;
        if self.changed.is_empty() && (!report.is_whole() || !report.issues.is_empty()) {
            return Err(format!("nothing is damaged, but: {report}"));
        }
        Ok(())
    }

    /// The original positions of what is kept: the very events, in their order, and all that had to
    /// be kept.
    fn events(&self, report: &SalvageReport, store: &Store) -> Result<Vec<u64>, String> {
        let mut kept = Vec::new();
        for range in &report.kept {
            if range.now.get() != kept.len() as u64 + 1 {
                return Err(format!("{range:?} does not follow {} events", kept.len()));
            }
            kept.extend(range.first.get()..range.first.get() + range.events);
        }
        if !kept.is_sorted_by(|a, b| a < b) || kept.len() as u64 != report.events {
            return Err(format!("{kept:?} are kept, {} events", report.events));
        }
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        let read = store.read_all(Read::new()).map_err(|error| error.to_string())?;
        let found: Vec<RecordedEvent> =
            read.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        if found.len() != kept.len() {
            return Err(format!("{} events are there, {} are kept", found.len(), kept.len()));
        }
        for ((event, now), position) in found.into_iter().zip(1_u64..).zip(&kept) {
            let original = self.truth.events.get(*position as usize - 1);
            let original = original.ok_or_else(|| format!("position {position} never was"))?;
            let version = versions.entry(&original.stream).or_default();
            *version += 1;
            let mut wanted = original.clone();
            (wanted.position, wanted.version) = (now.into(), (*version).into());
            wanted.id_given = true;
            if event != wanted {
                return Err(format!("position {position}: found {event:?}, not {wanted:?}"));
            }
        }
        let there: BTreeSet<u64> = kept.iter().copied().collect();
        for (frame, _) in self.frames().iter().filter(|(_, counts)| *counts) {
            let spared = frame.events.iter().filter(|event| self.is_whole(event));
            if let Some(missing) = spared.map(|it| it.position).find(|it| !there.contains(it)) {
                return Err(format!("position {missing} is whole, but is not kept: {report}"));
            }
        }
        Ok(kept)
    }

    /// Each position that something proves is kept, lost or torn, once.
    fn positions(&self, report: &SalvageReport, kept: &[u64]) -> Result<(), String> {
        let mut said: Vec<u64> = kept.to_vec();
        for lost in &report.lost {
            said.extend(lost.first.get()..lost.first.get() + lost.events);
        }
        if let Some(torn) = report.torn {
            said.extend(torn.first.get()..torn.first.get() + torn.events);
        }
        said.sort_unstable();
        let last = said.len() as u64;
        if said.iter().copied().ne(1..=last) || last > self.truth.events.len() as u64 {
            return Err(format!("positions {said:?} are told of: {report:#?}"));
        }
        let slots = self.slots().filter(|slot| self.is(&slot.bytes)).map(|slot| slot.proves);
        let frames = self.frames();
        let frames = frames.iter().map(|(frame, _)| frame.first + frame.events.len() as u64 - 1);
        let proven = slots.chain(frames).max().unwrap_or(0);
        if last < proven {
            return Err(format!("{proven} positions are proven, {last} are told of: {report}"));
        }
        Ok(())
    }

    /// A commit of which all events are kept is one commit; another one is listed.
    fn commits(&self, report: &SalvageReport, kept: &[u64], new: &Layout) -> Result<(), String> {
        let now: BTreeMap<u64, u64> = kept.iter().copied().zip(1..).collect();
        let news: BTreeSet<(u64, u64)> =
            new.frames.iter().map(|frame| (frame.first, frame.events.len() as u64)).collect();
        let broken: BTreeMap<u64, u64> =
            report.broken.iter().map(|broken| (broken.at.get(), broken.kept)).collect();
        for frame in self.truth.commits().filter(|frame| !frame.events.is_empty()) {
            let events: Vec<u64> =
                frame.events.iter().filter_map(|it| now.get(&it.position).copied()).collect();
            let all = events.len() == frame.events.len();
            let one =
                events.first().is_some_and(|first| news.contains(&(*first, events.len() as u64)));
            let listed = broken.get(&frame.at).copied();
            let fits = match (events.is_empty(), all) {
                (true, _) => listed.unwrap_or(0) == 0,
                (false, true) => one && listed.is_none_or(|kept| kept == events.len() as u64),
                (false, false) => one && listed == Some(events.len() as u64),
            };
            if !fits {
                return Err(format!(
                    "the commit of position {}: {events:?}, {report}",
                    frame.first
                ));
            }
        }
        Ok(())
    }

    /// Documents are as some record said, the newest that had to be found or a later one; where it
    /// is not the newest of all, the report has doubts.
    fn documents(&self, report: &SalvageReport, kept: &[u64], store: &Store) -> Result<(), String> {
        let listed = store.documents(Keys::all()).map_err(|error| error.to_string())?;
        let found: BTreeMap<String, annals::Document> = listed
            .map(|document| document.map(|document| (document.key.clone(), document)))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        if found.len() as u64 != report.documents {
            return Err(format!("{} documents are there: {report}", found.len()));
        }
        let mut records: BTreeMap<&str, Vec<&DocumentPlace>> = BTreeMap::new();
        for document in self.truth.commits().flat_map(|commit| &commit.documents) {
            records.entry(&document.key).or_default().push(document);
        }
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        for (frame, _) in self.frames().iter().filter(|(_, counts)| *counts) {
            let spared = frame.documents.iter().filter(|document| self.is(&document.bytes));
            wanted.extend(spared.map(|document| (document.key.as_str(), document.revision)));
        }
        // What nothing proves to have been there can't be missed.
        let mut known = wanted.clone();
        for frame in self.truth.commits().filter(|frame| frame.end <= self.watermark) {
            let all = frame.documents.iter().map(|it| (it.key.as_str(), it.revision));
            all.for_each(|(key, revision)| {
                let last = known.entry(key).or_default();
                *last = revision.max(*last);
            });
        }
        for (key, records) in records {
            let least = wanted.get(key).copied().unwrap_or(0);
            let last = known.get(key).copied().unwrap_or(0);
            let now = match found.get(key) {
                Some(document) => {
                    let revision = document.revision.get();
                    let record = records.iter().find(|record| record.revision == revision);
                    let record = record.ok_or_else(|| format!("{document:?} never was"))?;
                    let head = kept.iter().filter(|position| **position <= record.head).count();
                    let is_same = record.value.as_ref() == Some(&document.value)
                        && document.head.get() == head as u64;
                    if !is_same {
                        return Err(format!("found {document:?}, not {record:?}"));
                    }
                    revision
                }
                // Deleted, as far as anything tells, or never found.
                None => {
                    let deleted = |record: &&&DocumentPlace| record.value.is_none();
                    let deletions = records.iter().filter(deleted).map(|record| record.revision);
                    deletions.filter(|revision| *revision >= least).min().unwrap_or(0)
                }
            };
            if now < least {
                return Err(format!("{key} is at {now}, but {least} is whole: {report}"));
            }
            let has_doubt = report.documents_in_doubt > 0 || report.torn.is_some();
            if now > 0 && now < last && found.contains_key(key) && !has_doubt {
                return Err(format!("{key} is at {now} of {last}, without a doubt: {report}"));
            }
        }
        Ok(())
    }
}

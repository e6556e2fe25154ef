//! Looking at a store that another process writes, or nobody: durable commits only, as far as that
//! can be known.

use super::core::Core;
use super::examine::{Examined, index_commit, read_slots};
use super::settings::Settings;
use super::writer::{Engine, Mode};
use crate::format::{
    DocumentEntry, DocumentPlace, Entries, Entry, FRAME_LEN, Mark, Named, Slot, Stub, TermHash,
};
use crate::index::{Index, Table};
use crate::log::{SegmentList, Walk, Window, load_segments};
use crate::storage::{Storage, read_full};
use crate::words::{Error, LogOffset, Position, Version};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// What a follower has seen.
pub struct Follow {
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    slot: Slot,
    segments: SegmentList,
    /// Where the next durable commit will be.
    here: Mark,
}

/// A commit that was met and is not known to be durable yet.
struct Ahead {
    after: Mark,
    events: Vec<OwnEntry>,
    documents: Vec<OwnDocument>,
}

/// A document's entry that borrows nothing.
struct OwnDocument {
    key: (String, TermHash),
    place: DocumentPlace,
    before: Option<DocumentPlace>,
}

/// An entry that borrows nothing.
struct OwnEntry {
    position: Position,
    at: LogOffset,
    version: Version,
    payload: u32,
    /// Stream, type, tags.
    names: Vec<(String, TermHash)>,
    ids: [Option<Uuid>; 3],
}

const AHEAD: usize = 1 << 16;

impl Follow {
    /// Goes on from what was found. Without a live writer everything valid is shown; with one, what
    /// is durable.
    pub fn begin(
        storage: Arc<dyn Storage>,
        settings: &Settings,
        found: Examined,
        live: bool,
    ) -> Result<(Core, Self), Error> {
        let identity = found.slot.identity;
        let damaged = !found.is_whole();
        let (index, reach) = found.index.ok_or_else(Error::outcome_unknown)?;
        let (index, here) = if live && !damaged {
            // Walked again, commit by commit, as far as it is durable.
            let runs = index.sources().runs.clone();
            (Index::new(runs, found.slot.index, identity.key), found.slot.index)
        } else {
            (index, found.end)
        };
        let index = (index, reach);
        let visible = (here.at, here.next.previous(), here.at.min(found.watermark));
        let core = Core::new(storage, identity, index, visible, found.segments.clone());
        core.healed.store(found.healed, Ordering::Relaxed);
        let state = State { slot: found.slot, segments: found.segments, here };
        let follow = Self { settings: settings.clone(), state: Mutex::new(state) };
        if !damaged || live {
            follow.refresh(&core)?;
        }
        Ok((core, follow))
    }

    /// Where the durable log ends, and what the newest slot says.
    pub fn durable_end(&self) -> (Mark, Slot) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.here, state.slot.clone())
    }

    /// Looks for commits that have become durable.
    pub fn refresh(&self, core: &Core) -> Result<(), Error> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let storage = &*core.storage;
        let failed = |error| Error::io("following the store failed", error);
        let slots = read_slots(storage)?;
        // A slot that is being written fails its check; the other one holds, and nothing was lost.
        let newest = slots.chosen.filter(|(slot, _)| slot.counter > state.slot.counter);
        if let Some((slot, _)) = newest {
            let segments = match state.segments.joined(&slot.segments) {
                Some(segments) => Ok(segments),
                None => {
                    let start = slot.index.at.min(state.here.at);
                    load_segments(storage, &slot.identity.key, &slot.segments, start, &[])
                        .map_err(failed)?
                }
            };
            if let Ok(segments) = segments {
                let taken_back = slot.epoch != state.slot.epoch && slot.proof.at < state.here.at;
                if taken_back {
                    return Err(Error::outcome_unknown());
                }
                state.segments = segments;
                core.flow.lock().segments = state.segments.clone();
                // If they are gone, a newer slot is met next time.
                if state.take_runs(core, &slot)? {
                    state.slot = slot;
                }
            }
        }
        let walked = state.walk(core, &self.settings).map_err(failed)?;
        let watermark = state.watermark(storage, &walked).map_err(failed)?.max(slots.watermark);
        let durable = walked.commits.iter().take_while(|commit| commit.after.at <= watermark);
        for commit in durable {
            let names: Vec<Vec<Named<'_>>> = commit.events.iter().map(OwnEntry::named).collect();
            let events = commit.events.iter().zip(&names).map(|(event, names)| event.entry(names));
            let events: Vec<Entry<'_>> = events.collect();
            let documents: Vec<_> = commit.documents.iter().map(OwnDocument::entry).collect();
            let sources = core.index.sources();
            if !index_commit(&sources, Entries { events: &events, documents: &documents }) {
                break;
            }
            state.here = commit.after;
            let full = |table: &Arc<Table>| table.load() >= self.settings.tail_events;
            if sources.active().is_some_and(full) {
                core.index.freeze(state.here);
            }
        }
        let (end, head) = (state.here.at, state.here.next.previous());
        let head = {
            let mut flow = core.flow.lock();
            flow.segments = state.segments.clone();
            flow.follow(end, head)
        };
        core.publish_synced(end.min(watermark));
        if head.is_some() {
            core.bell.ring(head);
        }
        Ok(())
    }
}

impl OwnEntry {
    fn new(entry: &Entry<'_>) -> Self {
        let names = [&entry.stream, &entry.event_type].into_iter().chain(entry.tags);
        Self {
            position: entry.position,
            at: entry.at,
            version: entry.version,
            payload: entry.payload,
            names: names.map(|name| (name.text.to_owned(), name.hash)).collect(),
            ids: entry.ids,
        }
    }

    fn named(&self) -> Vec<Named<'_>> {
        self.names.iter().map(|(text, hash)| Named { text, hash: *hash }).collect()
    }

    fn entry<'a>(&self, names: &'a [Named<'a>]) -> Entry<'a> {
        let nameless = Named { text: "", hash: TermHash(0) };
        Entry {
            position: self.position,
            at: self.at,
            version: self.version,
            payload: self.payload,
            stream: names.first().copied().unwrap_or(nameless),
            event_type: names.get(1).copied().unwrap_or(nameless),
            tags: names.get(2..).unwrap_or_default(),
            ids: self.ids,
        }
    }
}

impl OwnDocument {
    fn new(entry: &DocumentEntry<'_>) -> Self {
        let DocumentEntry { key, place, before } = *entry;
        Self { key: (key.text.to_owned(), key.hash), place, before }
    }

    fn entry(&self) -> DocumentEntry<'_> {
        let (text, hash) = &self.key;
        let key = Named { text, hash: *hash };
        DocumentEntry { key, place: self.place, before: self.before }
    }
}

/// What a walk has met.
struct Walked {
    commits: Vec<Ahead>,
    end: Mark,
    watermark: LogOffset,
}

impl State {
    /// The runs that a newer slot names are the runs from now on. Where they reach further than
    /// this follower has walked, it goes on from their end.
    /// `false` if they have been given up meanwhile.
    fn take_runs(&mut self, core: &Core, slot: &Slot) -> Result<bool, Error> {
        let known = core.index.sources().runs.clone();
        let is_known = slot.runs.len() == known.len()
            && slot.runs.iter().zip(&known).all(|(place, run)| place == run.place());
        if is_known {
            return Ok(true);
        }
        let Some(runs) = core.load_runs(&slot.runs, &known)? else { return Ok(false) };
        if slot.index.at > self.here.at {
            core.index.restart(runs, slot.index);
            self.here = slot.index;
        } else {
            core.index.replace_runs(runs);
        }
        Ok(true)
    }

    /// Everything valid from here on.
    fn walk(&self, core: &Core, settings: &Settings) -> std::io::Result<Walked> {
        let window = Window::new(core.storage.clone(), AHEAD);
        let marks = (self.here, self.slot.proof, self.slot.epoch);
        let mut walk = Walk::new(core.identity.key, &self.segments, window, settings.rules, marks);
        let mut commits: Vec<Ahead> = Vec::new();
        loop {
            let (mut events, mut documents) = (Vec::new(), Vec::new());
            let mut visitor = |met: Entries<'_>| {
                events.extend(met.events.iter().map(OwnEntry::new));
                documents.extend(met.documents.iter().map(OwnDocument::new));
                true
            };
            let just_one = LogOffset::new(walk.here.at.get().saturating_add(1));
            if walk.run(just_one, &mut visitor)?.is_some() {
                break;
            }
            commits.push(Ahead { after: walk.here, events, documents });
        }
        Ok(Walked { commits, end: walk.here, watermark: walk.watermark })
    }

    /// The highest watermark known: in the slots, the frames that were met, or a stub behind them.
    fn watermark(&self, storage: &dyn Storage, walked: &Walked) -> std::io::Result<LogOffset> {
        let at = walked.end.at;
        let known = walked.watermark.max(self.slot.watermark);
        let Some(segment) = self.segments.find(at) else { return Ok(known) };
        let mut bytes = [0; FRAME_LEN];
        let read = read_full(storage, &mut bytes, segment.place.file_offset(at))?;
        let bytes = bytes.get(..read).unwrap_or_default();
        let stub = Stub::decode(bytes, at, &self.slot.identity.key);
        let stub = stub.filter(|stub| stub.epoch == self.slot.epoch);
        Ok(known.max(stub.map(|stub| stub.watermark).unwrap_or_default()))
    }
}

impl Engine {
    /// Whether it looks at what another process writes.
    pub fn is_follower(&self) -> bool {
        matches!(self.mode, Mode::Follow(_))
    }

    /// Looks again and again in a thread of its own, as long as somebody's waker waits.
    pub fn start_looking(self: &Arc<Self>, every: Duration) -> Result<(), Error> {
        let mut running = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        let engine = Arc::downgrade(self);
        let look = move || {
            while let Some(engine) = engine.upgrade() {
                // What goes wrong is told to whoever looks next.
                if !engine.core.bell.has_wakers() || engine.view().is_err() {
                    engine.core.bell.ring(None);
                    engine.core.bell.call();
                    return;
                }
                drop(engine);
                std::thread::sleep(every);
            }
        };
        let thread = std::thread::Builder::new().name("annals-follower".to_owned()).spawn(look);
        *running = Some(
            thread.map_err(|error| Error::io("starting the follower's thread failed", error))?,
        );
        Ok(())
    }
}

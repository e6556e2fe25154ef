//! Opening: for writing under the lock, or to look.

use super::core::Core;
use super::examine::{Examined, examine};
use super::follow::Follow;
use super::genesis::{genesis, round_up};
use super::heads::Heads;
use super::indexer::Indexer;
use super::keeper::KeeperCall;
use super::recover::{recover, unproven};
use super::report::{Ending, RecoveryReport};
use super::settings::Settings;
use super::slots::Slots;
use super::writer::{Engine, Io, Mode, WriteSide, Writer};
use crate::format::{HOLDER_PAGE, SegmentRef};
use crate::storage::{Storage, process_name, read_full, sync_full, write_full};
use crate::threads::Mutex;
use crate::threads::atomic::{AtomicI64, Ordering};
use crate::words::{Error, ErrorKind};
use std::sync::Arc;

impl Engine {
    /// Opens a device for writing; an empty one becomes a new store.
    pub fn open(storage: Arc<dyn Storage>, settings: Settings) -> Result<Self, Error> {
        lock(&*storage)?;
        let opened = Self::open_locked(storage.clone(), settings);
        if opened.is_err() {
            storage.unlock();
        }
        opened
    }

    fn open_locked(storage: Arc<dyn Storage>, settings: Settings) -> Result<Self, Error> {
        if storage.size().map_err(|error| Error::io("asking for the store's size failed", error))?
            == 0
        {
            begin(&*storage, &settings)?;
        }
        let mut found = examine(&storage, &settings, true)?;
        if found.slot.read_compatible != 0 {
            let bits = found.slot.read_compatible;
            return Err(Error::new(
                ErrorKind::Newer,
                format!(
                    "the store has features {bits:#x} that this program does not know; update it, \
                     or open the store read-only"
                ),
            ));
        }
        if !found.is_whole() {
            let corruption = found.corruption.take();
            return Err(corruption.map_or_else(Error::outcome_unknown, Error::corrupt));
        }
        let index = found.index.take().ok_or_else(Error::outcome_unknown)?;
        let current = found.segments.find(found.end.at).map(|segment| segment.place);
        let current = current.or_else(|| found.segments.last()).unwrap_or_default();
        let written: Vec<SegmentRef> = found
            .segments
            .iter()
            .filter(|segment| segment.log_offset <= current.log_offset)
            .copied()
            .collect();
        let prepared = found.segments.iter().skip(written.len()).copied().collect();
        let size = storage.size();
        let size = size.map_err(|error| Error::io("asking for the store's size failed", error))?;
        let named_end = file_end(&found, round_up(size));
        let file_end = named_end.max(round_up(size));
        let head = found.end.next.previous();
        let core = Arc::new(Core::new(
            storage.clone(),
            found.slot.identity,
            index,
            (found.end.at, head, found.end.at),
            crate::log::SegmentList::new(written),
        ));
        core.healed.store(found.healed, Ordering::Relaxed);
        let slots = Slots::new(found.slot.clone(), found.page, prepared, file_end);
        // Room that was taken, perhaps written, and never named: it is used for runs, which don't
        // mind what stood there.
        slots.lock().free.add_unnamed(named_end, file_end, found.slot.counter);
        let ending = Ending::of(found.verdict);
        let epoch = match ending {
            Ending::Closed => None,
            _ => Some(recover(&core, &settings, &found, &mut slots.lock())?),
        };
        // Advice for whoever finds the store locked; if it can't be written, the message is poorer.
        let _ = write_full(&*storage, process_name().as_bytes(), HOLDER_PAGE);
        let report = report(&found, ending);
        let is_new = found.slot.counter <= 2;
        let writer = Writer {
            end: found.end.at,
            next: found.end.next,
            chain: found.end.chain,
            recorded: found.recorded,
            epoch,
            has_room: is_new,
            segment: current,
            segment_number: 1,
            heads: Heads::default(),
            pending: super::writer::Pending::default(),
        };
        let side = WriteSide {
            settings,
            indexer: Indexer::new(&found.slot),
            io: Mutex::new(Io { epoch, ..Io::default() }),
            recorded: AtomicI64::new(found.recorded.micros()),
            writer: Mutex::new(writer),
            slots,
            call: KeeperCall::default(),
            drafts: Mutex::default(),
            trouble: Mutex::default(),
        };
        side.note_room(&side.slots.lock(), current);
        if side.settings.reserve > 0 {
            side.prepare_if_due(&core)?;
        }
        let engine = Self {
            core,
            mode: Mode::Write(Arc::new(side)),
            report: RecoveryReport {
                ending: if is_new && report.events == 0 { Ending::New } else { ending },
                ..report
            },
            keeper: Mutex::default(),
        };
        engine.start_keeper()?;
        Ok(engine)
    }

    /// Opens a device to look at it. If somebody writes to it, his durable commits appear one after
    /// another.
    pub fn open_read_only(storage: Arc<dyn Storage>, settings: &Settings) -> Result<Self, Error> {
        let live =
            storage.is_locked().map_err(|error| Error::io("asking for the lock failed", error))?;
        let found = examine(&storage, settings, false)?;
        let ending = if live { Ending::InUse } else { Ending::of(found.verdict) };
        let report = report(&found, ending);
        let (core, follow) = Follow::begin(storage, settings, found, live)?;
        Ok(Self {
            core: Arc::new(core),
            mode: Mode::Follow(Box::new(follow)),
            report,
            keeper: Mutex::default(),
        })
    }
}

/// Where what is written next may begin. What a slot says of segments was compared with the file;
/// what it says of runs and free room counts as far as there is a file.
fn file_end(found: &Examined, size: u64) -> u64 {
    let runs = found.slot.runs.iter().map(|run| run.extent());
    let others = runs.chain(found.slot.free.iter().copied());
    let others = others.map(|extent| extent.end().min(size));
    let segments = found.segments.iter().map(|segment| segment.extent.end());
    segments.chain(others).max().unwrap_or_default()
}

/// Makes an empty device a new store.
fn begin(storage: &dyn Storage, settings: &Settings) -> Result<(), Error> {
    let genesis = genesis(settings);
    storage
        .allocate(0, genesis.length)
        .and_then(|()| write_full(storage, &genesis.bytes, 0))
        .and_then(|()| sync_full(storage))
        .map_err(|error| Error::io("making a new store failed", error))
}

/// Takes the one writer's lock, or says who has it.
pub fn lock(storage: &dyn Storage) -> Result<(), Error> {
    match storage.try_lock() {
        Ok(true) => Ok(()),
        Ok(false) => {
            let holder = holder(storage);
            let whom = match holder {
                Some(pid) if pid == std::process::id() => "this process".to_owned(),
                Some(pid) => format!("process {pid}"),
                None => "another process".to_owned(),
            };
            Err(Error::locked(
                format!(
                    "the store is open for writing in {whom}; close it there, or open it read-only"
                ),
                holder,
            ))
        }
        Err(error) => Err(Error::io("locking the store failed", error)),
    }
}

/// The process that says it holds the store. Unchecked: advice for a message.
fn holder(storage: &dyn Storage) -> Option<u32> {
    let mut bytes = [0; 32];
    let read = read_full(storage, &mut bytes, HOLDER_PAGE).ok()?;
    let text = bytes.get(..read)?.strip_prefix(b"pid ")?;
    let digits = text.split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn report(found: &Examined, ending: Ending) -> RecoveryReport {
    // Of what a writer is at work on, this says nothing.
    let corruption = found.corruption.clone().filter(|_| ending == Ending::Damaged);
    let why = match ending {
        Ending::New => "the store is new".to_owned(),
        Ending::Closed => "the store was closed".to_owned(),
        Ending::Whole => "the last writer did not close the store; nothing was torn".to_owned(),
        Ending::Torn => {
            "the last writer did not close the store; a commit that was never acknowledged \
                         as synced was torn and is discarded"
                .to_owned()
        }
        Ending::InUse => "the store is being written by another process".to_owned(),
        Ending::Damaged => {
            corruption.as_ref().map_or_else(|| "damaged".to_owned(), ToString::to_string)
        }
    };
    RecoveryReport {
        ending,
        commits: found.commits,
        events: found.events,
        bytes_discarded: found.residue.bytes,
        bytes_unproven: if ending == Ending::Closed { 0 } else { unproven(found) },
        header_damaged: found.header_damaged,
        corruption,
        why,
    }
}

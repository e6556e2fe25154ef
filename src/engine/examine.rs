//! Looking at a device: the slots, the segments, the log; and the verdict. Nothing is written here.

use super::afresh::{ask_afresh, forget_tail};
use super::fixed::{read_slots, unreadable};
use super::heal::open_runs;
use super::settings::Settings;
use crate::format::{
    Chain, DocumentEntry, Entries, Epoch, FIRST_EXTENT, FRAME_LEN, FrameHeader, Identity,
    KeyedAlready, Mark, SEGMENT_HEADER_LEN, SegmentHeader, SegmentRef, Slot, Stub, TermHash,
    TermKind, u64_of,
};
use crate::index::{Index, Reach, Sources, Table};
use crate::log::{
    Evidence, Residue, SegmentList, Stop, Verdict, Walk, Window, decide, load_segments, overlap,
    read_header, scan_past, torn_headers,
};
use crate::storage::{Storage, read_full};
use crate::words::{Corruption, Error, LogOffset, Position, Timestamp};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// What was found on a device.
pub struct Examined {
    /// Whether page 0 fails its check; the slots repeat what it says.
    pub header_damaged: bool,
    /// The chosen slot, or one made up where both are gone.
    pub slot: Slot,
    /// Which page the chosen slot is.
    pub page: usize,
    /// The segments.
    pub segments: SegmentList,
    /// Headers of segments that a crash has torn, as they were.
    pub torn: Vec<SegmentHeader>,
    /// The runs, and the index of what the walk met.
    pub index: Option<(Index, Arc<Reach>)>,
    /// Runs that were damaged and made anew.
    pub healed: u64,
    /// Where the walk ended (B).
    pub end: Mark,
    /// The highest watermark (D).
    pub watermark: LogOffset,
    /// What stands past the end.
    pub residue: Residue,
    /// Commits that the walk met: those that no run indexes.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// The last recorded time.
    pub recorded: Timestamp,
    /// What follows from it.
    pub verdict: Verdict,
    /// For a corrupt store: where and how.
    pub corruption: Option<Corruption>,
}

/// A follower looks so often at the most for a slot whose runs are still there.
const TRIES: usize = 100;
/// Read at once when walking the log.
const WALK_AHEAD: usize = 1 << 18;

/// Looks at everything that opening needs to know.
pub fn examine(
    storage: &Arc<dyn Storage>,
    settings: &Settings,
    writing: bool,
) -> Result<Examined, Error> {
    // Where somebody else writes, what the slot named may be gone when it is opened; then a newer
    // slot names something else.
    for _ in 0..TRIES {
        if let Some(examined) = examine_once(storage, settings, writing)? {
            return Ok(examined);
        }
    }
    let what = "the store is written too fast to be opened; try again";
    Err(Error::io(what, io::ErrorKind::ResourceBusy.into()))
}

/// Nothing if the runs that the slot named have been given up meanwhile.
fn examine_once(
    storage: &Arc<dyn Storage>,
    settings: &Settings,
    writing: bool,
) -> Result<Option<Examined>, Error> {
    let mut found = read_slots(&**storage)?;
    if writing {
        found = ask_afresh(&**storage, found)?;
    }
    let (slot, page, has_slot) = match found.chosen {
        Some((slot, page)) => (slot, page, true),
        None => (made_up(&**storage, found.identity).map_err(unreadable)?, 0, false),
    };
    let examined = look(storage, settings, (slot, page), writing).map_err(unreadable)?;
    let Some(mut examined) = examined else { return Ok(None) };
    examined.header_damaged = found.header_damaged;
    examined.watermark = examined.watermark.max(found.watermark);
    let rules = settings.rules;
    let slot = &examined.slot;
    let damaged = match (rules.watermark, rules.torn_by_watermark) {
        (_, false) => examined.residue.frame,
        (false, _) => false,
        _ => examined.watermark > examined.end.at,
    };
    let as_closed = examined.end.at == slot.watermark && !examined.residue.frame;
    examined.verdict = decide(&Evidence {
        read: true,
        slot: has_slot,
        newer: rules.newer && examined.residue.newer,
        damaged: damaged || examined.corruption.is_some(),
        clean: slot.clean,
        as_closed,
        residue: examined.residue.bytes > 0,
    });
    examined.corruption = examined.explain();
    Ok(Some(examined))
}

/// Reads segments and log as far as they are whole.
fn look(
    storage: &Arc<dyn Storage>,
    settings: &Settings,
    (slot, page): (Slot, usize),
    writing: bool,
) -> io::Result<Option<Examined>> {
    let key = slot.identity.key;
    let size = storage.size()?;
    let mut corruption = None;
    let torn = match slot.clean {
        true => Vec::new(),
        false => torn_headers(&**storage, &key, &slot.segments, slot.watermark)?,
    };
    let segments = match load_segments(&**storage, &key, &slot.segments, slot.index.at, &torn)? {
        Ok(segments) => segments,
        Err(place) => {
            corruption = Some(header_damage(place));
            discover(&**storage, &slot)?
        }
    };
    if let Some(cut) = segments.iter().find(|segment| segment.extent.end() > size) {
        corruption = corruption.or_else(|| Some(cut_short(size, cut.extent.end())));
    }
    if !slot.clean && !writing {
        // What the page cache has of the unproven tail may be what a failed write-back left.
        forget_tail(&**storage, segments.iter(), &slot);
    }
    let reach = Arc::new(Reach::new(writing));
    let opened = open_runs(storage, &reach, &slot.identity, &segments, &slot.runs, &[]);
    let (runs, healed, start) = match opened {
        Ok(Some((runs, healed))) => (runs, healed, slot.index),
        Ok(None) => return Ok(None),
        Err(error) => {
            let Some(found) = error.corruption() else {
                return Err(io::Error::other(error));
            };
            // Without runs there is the log, as far as it is whole.
            if let Err(place) = segments.all(&**storage, &key)? {
                corruption = Some(header_damage(place));
            }
            corruption = corruption.or_else(|| Some(found.clone()));
            let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
            (Vec::new(), 0, Mark { at, chain: Chain::default(), next: Position::new(1) })
        }
    };
    let index = Index::new(runs, start, key);
    let window = Window::new(storage.clone(), WALK_AHEAD);
    let marks = (start, slot.proof, slot.epoch);
    let mut walk = Walk::new(key, &segments, window, settings.rules, marks);
    let mut events = 0;
    let limit = if slot.clean { slot.watermark } else { LogOffset::new(u64::MAX) };
    let mut stop = None;
    while stop.is_none() && walk.here.at < limit {
        let just_one = limit.min(walk.here.at.plus(1));
        let sources = index.sources();
        stop = walk.run(just_one, &mut |met: Entries<'_>| {
            events += u64_of(met.events.len());
            index_commit(&sources, met)
        })?;
        let full = |table: &Arc<Table>| table.load() >= settings.tail_events;
        if sources.active().is_some_and(full) {
            index.freeze(walk.here);
        }
    }
    let mut residue = if slot.clean {
        next_place(&**storage, &slot, &segments, walk.here.at)?
    } else {
        scan_past(&**storage, &segments, &key, walk.here.at, slot.epoch)?
    };
    // The log goes on where the slot does not know it, or begins otherwise than the slot says.
    residue.newer |= matches!(stop, Some(Stop::UnknownSegment | Stop::MarkMissed));
    Ok(Some(Examined {
        header_damaged: false,
        end: walk.here,
        watermark: walk.watermark.max(residue.watermark),
        residue,
        commits: walk.commits,
        events,
        recorded: walk.recorded.max(slot.recorded),
        verdict: Verdict::Unreadable,
        corruption,
        segments: segments.clone(),
        torn,
        slot,
        page,
        index: Some((index, reach)),
        healed,
    }))
}

/// Adds a commit to the newest table, unless its versions, or the revisions of its documents, don't
/// follow those that the tables have.
///
/// A stream or document that only runs know is believed: its record passed its check.
pub fn index_commit(sources: &Sources, met: Entries<'_>) -> bool {
    // Of each stream once; then its versions go up by one.
    let mut known: HashMap<TermHash, Option<u64>, KeyedAlready> =
        HashMap::with_capacity_and_hasher(met.events.len(), KeyedAlready::default());
    for entry in met.events {
        let hash = entry.stream.hash.of(TermKind::Stream);
        let before = known.entry(hash).or_insert_with(|| {
            let known = |table: &Arc<Table>| table.known_to(hash, Position::MAX);
            let known = sources.tables.iter().rev().find_map(known);
            let known = known.map(|known| known.base.saturating_add(known.count));
            known.or(sources.runs.is_empty().then_some(0))
        });
        let version = entry.version.get();
        if version == 0 || before.is_some_and(|before| before.checked_add(1) != Some(version)) {
            return false;
        }
        *before = Some(version);
    }
    let follows = |entry: &DocumentEntry<'_>| {
        let newest = |table: &Arc<Table>| table.document(entry.key.hash, LogOffset::new(u64::MAX));
        match sources.tables.iter().rev().find_map(newest) {
            Some(before) => entry.before == Some(before),
            None => entry.before.is_none() || !sources.runs.is_empty(),
        }
    };
    if !met.documents.iter().all(follows) {
        return false;
    }
    if let Some(table) = sources.active() {
        table.extend(met);
    }
    true
}

/// After a clean close only the place of the next frame is looked at.
fn next_place(
    storage: &dyn Storage,
    slot: &Slot,
    segments: &SegmentList,
    at: LogOffset,
) -> io::Result<Residue> {
    let mut residue = Residue::default();
    let Some(segment) = segments.find(at) else { return Ok(residue) };
    let mut bytes = [0; FRAME_LEN];
    let read = read_full(storage, &mut bytes, segment.place.file_offset(at))?;
    let bytes = bytes.get(..read).unwrap_or_default();
    let epoch = if let Some((header, _)) = FrameHeader::decode(bytes, at, &slot.identity.key) {
        residue.frame = true;
        residue.watermark = header.watermark;
        Some(header.epoch)
    } else {
        let stub = Stub::decode(bytes, at, &slot.identity.key);
        residue.watermark = stub.map(|stub| stub.watermark).unwrap_or_default();
        stub.map(|stub| stub.epoch)
    };
    residue.newer = epoch.is_some_and(|epoch| epoch.counter > slot.epoch.counter);
    Ok(residue)
}

/// A slot where there is none: for reading only, from the first segment on, by the chain alone.
fn made_up(storage: &dyn Storage, identity: Identity) -> io::Result<Slot> {
    let first = read_header(storage, &identity.key, FIRST_EXTENT)?;
    let first = first.map_or_else(SegmentRef::default, |header| header.own);
    let start = Mark { at: first.first_frame(), chain: Chain::default(), next: Position::new(1) };
    let never = Mark { at: LogOffset::new(u64::MAX), ..start };
    let mut slot = Slot {
        identity,
        compatible: 0,
        read_compatible: 0,
        counter: 0,
        epoch: Epoch { counter: u64::MAX, salt: 0 },
        watermark: LogOffset::ZERO,
        recorded: Timestamp::from_micros(i64::MIN),
        index: start,
        proof: never,
        clean: false,
        segments: vec![first],
        runs: Vec::new(),
        free: Vec::new(),
    };
    slot.segments = discover(storage, &slot)?.iter().copied().collect();
    Ok(slot)
}

/// Segments found without a whole chain of headers: those behind one another in the file, then
/// those that the slot names.
fn discover(storage: &dyn Storage, slot: &Slot) -> io::Result<SegmentList> {
    let mut found: Vec<SegmentRef> = Vec::new();
    let mut at = FIRST_EXTENT;
    while let Some(header) = read_header(storage, &slot.identity.key, at)? {
        let follows = found.last().map_or(LogOffset::ZERO, SegmentRef::log_end);
        if header.own.extent.file_offset != at || header.own.log_offset != follows {
            break;
        }
        at = header.own.extent.end();
        found.push(header.own);
    }
    for segment in &slot.segments {
        if found.last().is_some_and(|last| last.log_end() == segment.log_offset) {
            found.push(*segment);
            // Bytes of the log that were found already are no other part of it.
            if overlap(&found).is_some() {
                found.pop();
            }
        }
    }
    Ok(SegmentList::new(found))
}

/// How a segment is reported whose header is not what it has to be.
pub fn header_damage(place: SegmentRef) -> Corruption {
    Corruption {
        file_offset: Some(place.extent.file_offset),
        log_offset: Some(place.log_offset),
        intact_to: None,
        what: "the header of a segment fails its check, or says what can't be".to_owned(),
    }
}

fn cut_short(size: u64, named: u64) -> Corruption {
    Corruption {
        file_offset: Some(size),
        log_offset: None,
        intact_to: None,
        what: format!("the file ends after {size} bytes, but {named} belong to it"),
    }
}

impl Examined {
    /// For a corrupt store: where and how, with the last position before it.
    fn explain(&self) -> Option<Corruption> {
        let what = match self.verdict {
            Verdict::Clean | Verdict::Whole | Verdict::TornTail | Verdict::Unreadable => {
                return None;
            }
            Verdict::NoSlot => "both slots fail their checks".to_owned(),
            Verdict::SlotLost => {
                "the log has been written under a slot that is not there any more".to_owned()
            }
            Verdict::NotAsClosed => "the log does not end where the store was closed".to_owned(),
            Verdict::Damaged => format!(
                "the bytes there fail their check, but the log was synced up to offset {}",
                self.watermark
            ),
        };
        let segment = self.segments.find(self.end.at).map(|segment| segment.place);
        let place = Corruption {
            file_offset: segment.map(|segment| segment.file_offset(self.end.at)),
            log_offset: Some(self.end.at),
            intact_to: None,
            what,
        };
        let mut corruption = self.corruption.clone().unwrap_or(place);
        corruption.intact_to = Some(self.end.next.previous());
        Some(corruption)
    }

    /// Whether it may be opened for writing.
    pub fn is_whole(&self) -> bool {
        matches!(self.verdict, Verdict::Clean | Verdict::Whole | Verdict::TornTail)
    }
}

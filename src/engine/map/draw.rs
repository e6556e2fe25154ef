//! How the map is drawn: from one slot, the headers of segments, and the first pages of runs.

use super::parts::{FileExtent, FileMap, FilePart};
use crate::engine::fixed::read_slots;
use crate::engine::writer::{Engine, Mode};
use crate::format::{
    Extent, FIRST_EXTENT, FileKey, HOLDER_PAGE, PAGE, RunHeader, RunRef, SEGMENT_HEADER_LEN,
    SLOT_PAGES, SegmentRef, Slot, index, is_page, u64_of,
};
use crate::log::header_of;
use crate::storage::{Storage, read_full};
use crate::words::{Corruption, Error, LogOffset, Position};
use std::io;

/// A run whose first page is not there is looked for in a newer slot so often.
const TRIES: usize = 3;

impl Engine {
    /// What each byte of the file is there for.
    pub fn map(&self) -> Result<FileMap, Error> {
        let failed = |error| Error::io("reading the store failed", error);
        let storage = &*self.core.storage;
        let log_end = self.view()?.end;
        let mut tries = 0;
        loop {
            let (slot, counters) = self.slot_and_counters()?;
            let key = slot.identity.key;
            let segments = segments_of(storage, &key, &slot).map_err(failed)?;
            let (runs, is_whole) = runs_of(storage, &key, &slot).map_err(failed)?;
            tries += 1;
            // Room of a run that the slot names no more may have been given to another.
            if !is_whole && tries < TRIES && self.slot_and_counters()?.0.counter != slot.counter {
                continue;
            }
            let fixed = [(0, FilePart::Header), (HOLDER_PAGE, FilePart::Holder)];
            let slots = SLOT_PAGES.into_iter().zip(counters);
            let slots = slots.map(|(at, counter)| (at, FilePart::Slot { counter }));
            let fixed = fixed.into_iter().chain(slots).map(|(file_offset, part)| FileExtent {
                file_offset,
                length: PAGE,
                part,
            });
            let segments = segments.into_iter().map(|place| of_segment(place, log_end));
            let free = slot.free.iter().map(|free| of_extent(*free, FilePart::Free));
            let named = fixed.chain(segments).chain(runs).chain(free).collect();
            let file_bytes = storage.size().map_err(failed)?;
            let extents = without_gaps(named, file_bytes)?;
            return Ok(FileMap { counter: slot.counter, file_bytes, log_end, extents });
        }
    }

    /// The newest slot, and the counters of both as they are in the file.
    fn slot_and_counters(&self) -> Result<(Slot, [Option<u64>; 2]), Error> {
        let storage = &*self.core.storage;
        // A writer writes no slot while it is looked at.
        let (newest, _lock) = match &self.mode {
            Mode::Write(side) => {
                let slots = side.slots.lock();
                (Some(slots.newest.clone()), Some(slots))
            }
            Mode::Follow(_) => (None, None),
        };
        let slot = match newest {
            Some(newest) => newest,
            None => {
                let chosen = read_slots(storage)?.chosen;
                chosen.map(|(slot, _)| slot).ok_or_else(no_slot)?
            }
        };
        let mut counters = [None; 2];
        for (at, counter) in SLOT_PAGES.into_iter().zip(&mut counters) {
            let mut page = vec![0; index(PAGE)];
            let read = read_full(storage, &mut page, at);
            read.map_err(|error| Error::io("reading the slots failed", error))?;
            *counter = Slot::decode(&page).ok().map(|slot| slot.counter);
        }
        Ok((slot, counters))
    }
}

/// The segments that a slot names, and those before them, as far as headers lead.
pub fn segments_of(
    storage: &dyn Storage,
    key: &FileKey,
    slot: &Slot,
) -> io::Result<Vec<SegmentRef>> {
    let mut segments = slot.segments.clone();
    let mut here = slot.segments.first().copied();
    while let Some(place) = here {
        here = header_of(storage, key, place)?.and_then(|header| header.before);
        // Each is before the last by its log offset, so a chain of them ends.
        segments.extend(here);
    }
    Ok(segments)
}

fn of_segment(place: SegmentRef, log_end: LogOffset) -> FileExtent {
    let log_offset = place.log_offset;
    let used = match log_end > place.log_offset.plus(u64_of(SEGMENT_HEADER_LEN)) {
        true => log_end.since(log_offset).min(place.extent.length),
        false => 0,
    };
    of_extent(place.extent, FilePart::Segment { log_offset, used })
}

/// The runs that a slot names; and whether each of them is there.
fn runs_of(
    storage: &dyn Storage,
    key: &FileKey,
    slot: &Slot,
) -> io::Result<(Vec<FileExtent>, bool)> {
    let (mut start, mut first) = (LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN)), None);
    let (mut runs, mut is_whole) = (Vec::new(), true);
    for place in &slot.runs {
        let header = read_run_header(storage, key, place)?;
        is_whole &= header.is_some();
        // The first run of a log says itself at which position it begins.
        let begin = first.or(header.map(|header| header.first)).unwrap_or(Position::new(1));
        let part = FilePart::Run {
            id: place.id,
            level: header.map(|header| header.level),
            start,
            end: place.end,
            first: begin,
            next: place.next,
        };
        runs.push(of_extent(place.extent(), part));
        (start, first) = (place.end, Some(place.next));
    }
    Ok((runs, is_whole))
}

fn read_run_header(
    storage: &dyn Storage,
    key: &FileKey,
    place: &RunRef,
) -> io::Result<Option<RunHeader>> {
    let mut page = vec![0; index(PAGE)];
    let read = read_full(storage, &mut page, place.file_offset)?;
    page.truncate(read);
    let is_whole = is_page(&page, place.id, 0, key);
    Ok(is_whole.then(|| RunHeader::decode(&page, place)).flatten())
}

fn of_extent(extent: Extent, part: FilePart) -> FileExtent {
    FileExtent { file_offset: extent.file_offset, length: extent.length, part }
}

/// These extents by their place, and what nobody names between them and up to the file's end.
fn without_gaps(mut named: Vec<FileExtent>, file_bytes: u64) -> Result<Vec<FileExtent>, Error> {
    named.sort_unstable_by_key(|extent| extent.file_offset);
    let mut extents = Vec::with_capacity(2 * named.len());
    let mut end = 0;
    let unnamed = |from: u64, to: u64, extents: &mut Vec<FileExtent>| {
        if to > from {
            let part = FilePart::Unnamed;
            extents.push(FileExtent { file_offset: from, length: to - from, part });
        }
    };
    for extent in named {
        if extent.file_offset < end {
            return Err(twice(extent.file_offset));
        }
        unnamed(end, extent.file_offset, &mut extents);
        end = extent.end();
        extents.push(extent);
    }
    unnamed(end, file_bytes, &mut extents);
    Ok(extents)
}

#[cold]
fn twice(file_offset: u64) -> Error {
    let what = "two extents that the newest slot or a header names share bytes of the file";
    Error::corrupt(Corruption {
        file_offset: Some(file_offset),
        log_offset: None,
        intact_to: None,
        what: what.to_owned(),
    })
}

#[cold]
fn no_slot() -> Error {
    Error::corrupt(Corruption {
        file_offset: Some(PAGE),
        log_offset: None,
        intact_to: None,
        what: "both slots fail their checks".to_owned(),
    })
}

const _: () = assert!(FIRST_EXTENT == HOLDER_PAGE + PAGE, "the fixed pages have no gap");

//! All checks of a file, made right over whatever stands there.
//!
//! What it can't reach: a structure that shares bytes with another one (of two only one can have
//! its check), records that no walk over the log comes to, such as a name within the text of
//! another, and a chain that is wrong, since it is made right. `cfg(fuzzing)` passes the first two.

use super::check::{Key, extent_of_record};
use super::parts::{reseal_header, seal_page};
use crate::layout::{
    COMMIT_TAG, END_TAG, EVENT_TAG, FIRST_EXTENT, HEADER_MAGIC, PAGE, SEGMENT_TAG, SLOT_MAGIC,
    SLOTS, STUB_TAG, frame, header, index, number, page, record, segment, set, slot, stub,
};
use std::collections::HashMap;

/// Segments that are gone back to by their headers.
const SEGMENTS: usize = 512;
/// Pages of runs that are sealed: several runs may claim the same.
const PAGES: usize = 2_048;

/// A segment as somebody names it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    at: usize,
    length: u64,
    log_offset: u64,
}

/// Gives each structure of a file that can be found the check that its bytes ask for: page 0, the
/// slots, the segments they lead to, their frames, stubs, records and chains, and the pages of
/// runs. Any bytes will do; those of a healthy file stay as they are.
pub fn seal(file: &mut [u8]) {
    if file.len() < FIRST_EXTENT {
        return;
    }
    if file.starts_with(HEADER_MAGIC) {
        reseal_header(file);
    }
    // The newer one last: where they name the same room for different things, it counts.
    let mut slots = SLOTS.map(|at| (number(&file[at..], slot::COUNTER), at));
    slots.sort_unstable();
    let slots =
        slots.map(|(_, at)| at).into_iter().filter(|at| file[*at..].starts_with(SLOT_MAGIC));
    for at in slots.collect::<Vec<_>>() {
        // Page 0 says which key; where it says nothing, the slot does.
        let whose = if file.starts_with(HEADER_MAGIC) { 0 } else { at };
        let key = Key::in_bytes(&file[whose..], header::FILE_KEY);
        seal_runs(file, at, &key);
        let chains = seal_log(file, at, &key);
        let slot = &mut file[at..at + PAGE];
        for (start, chain) in
            [(slot::INDEX_END, slot::INDEX_CHAIN), (slot::PROOF_START, slot::PROOF_CHAIN)]
        {
            if let Some(check) = chains.get(&number(slot, start)) {
                set(slot, chain, *check);
            }
        }
        Key::in_bytes(slot, header::FILE_KEY).seal(slot, slot::CHECK);
    }
}

/// The pages of the runs that a slot names.
fn seal_runs(file: &mut [u8], slot: usize, key: &Key) {
    let count = index(number(&file[slot..], slot::RUN_COUNT)).min(slot::RUNS_MOST);
    let mut left = PAGES;
    for nth in 0..count {
        let entry = &file[slot + slot::RUNS + nth * slot::RUN_LEN..];
        let at = index(number(entry, 0..8));
        let (pages, id) = (index(number(entry, 8..12)), number(entry, 12..16) as u32);
        if at < FIRST_EXTENT {
            continue;
        }
        for number in 0..pages {
            let start = at.saturating_add(number.saturating_mul(PAGE));
            let Some(bytes) = file.get_mut(start..start.saturating_add(PAGE)) else { break };
            if left == 0 {
                return;
            }
            left -= 1;
            set(bytes, page::RUN, id.into());
            set(bytes, page::NUMBER, number as u64);
            seal_page(bytes, id, number, key);
        }
    }
}

/// The segments that a slot leads to, in the order of the log: those that it names, and those
/// before them by their headers.
fn segments(file: &[u8], slot: usize) -> Vec<Place> {
    let count = index(number(&file[slot..], slot::SEGMENT_COUNT)).min(slot::SEGMENTS_MOST);
    let place = |bytes: &[u8]| Place {
        at: index(number(bytes, 0..8)),
        length: number(bytes, 8..16),
        log_offset: number(bytes, 16..24),
    };
    let entry = |nth| place(&file[slot + slot::SEGMENTS + nth * slot::SEGMENT_LEN..]);
    let mut found: Vec<Place> = (0..count).rev().map(entry).collect();
    while found.len() < SEGMENTS
        && let Some(first) = found.last().copied().filter(|first| first.log_offset > 0)
        && let Some(head) = file.get(first.at..).and_then(|rest| rest.get(..segment::LEN))
    {
        let before = place(&head[segment::BEFORE..]);
        if before.log_offset >= first.log_offset {
            break;
        }
        found.push(before);
    }
    found.reverse();
    found.retain(|place| place.at >= FIRST_EXTENT && place.at < file.len());
    found
}

/// Seals the log; returns the chain value at each log offset where a frame stands or ends.
fn seal_log(file: &mut [u8], slot: usize, key: &Key) -> HashMap<u64, u64> {
    let mut chains = HashMap::new();
    // What the next frame has to repeat; nothing once the walk has ended.
    let mut chain = Some(0);
    for place in segments(file, slot) {
        let end = place.at.saturating_add(index(place.length)).min(file.len());
        let Some(bytes) = file.get_mut(place.at..end) else { continue };
        if !bytes.starts_with(SEGMENT_TAG) || bytes.len() < segment::LEN {
            continue;
        }
        key.seal(&mut bytes[..segment::LEN], segment::CHECK);
        let mut at = segment::LEN;
        while let Some(before) = chain {
            let log_offset = place.log_offset.wrapping_add(at as u64);
            chains.insert(log_offset, before);
            chain = seal_frame(&mut bytes[at..], log_offset, before, key);
            if chain.is_none() || bytes[at..].starts_with(END_TAG) {
                break;
            }
            at += index(number(&bytes[at..], frame::LENGTH));
        }
        if chain.is_none() {
            seal_rest(&mut bytes[at..], place.log_offset.wrapping_add(at as u64), key);
        }
    }
    chains
}

/// Seals the frame that these bytes begin with, and its records; returns its check. Nothing if
/// there is none at this log offset. `before` is what it has to repeat.
pub fn seal_frame(bytes: &mut [u8], at: u64, before: u64, key: &Key) -> Option<u64> {
    let is_frame = bytes.starts_with(COMMIT_TAG) || bytes.starts_with(END_TAG);
    let length = index(number(bytes, frame::LENGTH));
    let fits = length >= frame::LEN && length.is_multiple_of(8) && length <= bytes.len();
    if !is_frame || !fits || number(bytes, frame::LOG_OFFSET) != at {
        return None;
    }
    let padding = index(number(bytes, frame::PADDING));
    let end = length.checked_sub(padding).filter(|end| *end >= frame::LEN)?;
    let mut position = number(bytes, frame::FIRST_POSITION);
    let mut checks = crc32fast::Hasher::new();
    let mut place = frame::LEN;
    while place < end
        && let Some((head, length)) = extent_of_record(&bytes[place..end])
    {
        let record = &mut bytes[place..place + length];
        let is_event = record[record::TAG] == EVENT_TAG;
        let its_position = if is_event { position } else { 0 };
        let check = key.seal_record(record, head, at.wrapping_add(place as u64), its_position);
        checks.update(&check.to_le_bytes());
        position = position.wrapping_add(u64::from(is_event));
        place += length;
    }
    set(bytes, frame::RECORDS_CHECK, checks.finalize().into());
    set(bytes, frame::BEFORE_CHECK, before);
    Some(key.seal(&mut bytes[..frame::LEN], frame::CHECK))
}

/// What may stand past the place where the log ends: headers of frames, stubs.
fn seal_rest(bytes: &mut [u8], at: u64, key: &Key) {
    for place in (0..bytes.len()).step_by(8) {
        let rest = &mut bytes[place..];
        if rest.starts_with(STUB_TAG) && rest.len() >= stub::LEN {
            if number(rest, stub::LOG_OFFSET) == at.wrapping_add(place as u64) {
                key.seal(&mut rest[..stub::LEN], stub::CHECK);
            }
        } else if (rest.starts_with(COMMIT_TAG) || rest.starts_with(END_TAG))
            && rest.len() >= frame::LEN
            && number(rest, frame::LOG_OFFSET) == at.wrapping_add(place as u64)
        {
            key.seal(&mut rest[..frame::LEN], frame::CHECK);
        }
    }
}

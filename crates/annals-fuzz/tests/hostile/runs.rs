//! Runs that say what is not so, over a log that is whole.

use super::forge::{Forge, KEY, Named, Place};
use super::{FILE, bear};
use annals::storage::MemoryStorage;
use annals::{Chore, Commit, Durability, ExpectedVersion, NewEvent, Options};
use annals_fuzz::layout::{
    EVENT_TAG, FIRST_EXTENT, PAGE, SLOTS, frame, index, number, page, record, set, slot,
};
use annals_fuzz::seal::{Key, RunPlace, runs, seal, seal_record};
use std::sync::{Arc, OnceLock};

/// A store of some 3,400 events and 1 MiB, closed, with several runs.
fn store() -> &'static [u8] {
    static FILES: OnceLock<Vec<u8>> = OnceLock::new();
    FILES.get_or_init(|| {
        let disk = Arc::new(MemoryStorage::new());
        let options = Options::new().without_keeper().tail(500, u64::MAX).seed(3);
        let options = options.durability(Durability::Buffered);
        let store = options.open_storage(disk.clone()).unwrap();
        for nth in 0..1_700_u32 {
            let mut commit = Commit::new();
            for at in [2 * nth, 2 * nth + 1] {
                let event = NewEvent::new(format!("Kind{}", at % 40), "a payload");
                let event = event.tag(format!("nth:{}", at % 500)).tag("t:1");
                commit = commit.append(format!("a-{}", at % 300), ExpectedVersion::Any, [event]);
            }
            if nth % 8 == 0 {
                commit = commit.put(format!("d/{nth}"), "a value");
            }
            store.commit(commit).unwrap();
            store.chore(Chore::Index).unwrap();
        }
        store.close().unwrap();
        let mut bytes = disk.to_bytes();
        assert!(bytes.len() <= FILE && runs(&bytes).len() > 2, "{} bytes", bytes.len());
        bytes.resize(FILE, 0);
        bytes
    })
}

/// The store with something done to it, sealed.
fn lie(change: impl FnOnce(&mut Vec<u8>, &[RunPlace])) -> Vec<u8> {
    let mut bytes = store().to_vec();
    let runs = runs(&bytes);
    change(&mut bytes, &runs);
    seal(&mut bytes);
    bytes
}

/// Where the parts of a run begin: offsets, terms, fences, filter, postings, segments, names, end.
fn parts(bytes: &[u8], run: &RunPlace) -> [usize; 8] {
    let header = &bytes[run.page(0)];
    let count = |at: usize| index(number(header, at..at + 4));
    let events = index(number(header, 48..56) - number(header, 40..48));
    let terms = count(60).div_ceil(127);
    let fences = if terms > 1 { terms.div_ceil(510) } else { 0 };
    let blocks = if count(60) > 127 { count(60).div_ceil(24).div_ceil(127) } else { 0 };
    let pages = [
        events.div_ceil(if count(56) == 4 { 1_018 } else { 509 }),
        terms,
        fences,
        blocks,
        count(64).div_ceil(1_020),
        count(72).div_ceil(170),
        count(68),
    ];
    let mut begin = 1;
    let mut parts = [1; 8];
    for (nth, pages) in pages.into_iter().enumerate() {
        begin += pages;
        parts[nth + 1] = begin;
    }
    assert_eq!(begin, run.pages);
    parts
}

/// Calls `each` for each entry of so many bytes in the pages from one part to the next.
fn entries(
    bytes: &mut [u8],
    run: &RunPlace,
    (part, width): (usize, usize),
    mut each: impl FnMut(usize, &mut [u8]),
) {
    let parts = parts(bytes, run);
    for nth in parts[part]..parts[part + 1] {
        let values = &mut bytes[run.page(nth)][page::VALUES..];
        values.chunks_exact_mut(width).enumerate().for_each(|(nth, entry)| each(nth, entry));
    }
}

/// Incident: writing to such a file panicked, where overflow is checked. Mechanism: a merge is of
/// the next level, and a header may say the last there is. Fix: then it stays there.
#[test]
fn levels_at_the_maximum() {
    let file = lie(|bytes, runs| {
        for run in runs {
            set(&mut bytes[run.page(0)], 20..24, u32::MAX.into());
        }
    });
    bear("levels", &file);
}

#[test]
fn terms_that_share_all_postings() {
    let file = lie(|bytes, runs| {
        for run in runs {
            let header = &bytes[run.page(0)];
            let events = number(header, 48..56) - number(header, 40..48);
            let most = number(header, 64..68).min(events);
            entries(bytes, run, (1, 32), |_, entry| {
                if number(entry, 20..24) > 0 {
                    set(entry, 16..20, 0);
                    set(entry, 20..24, most);
                }
            });
        }
    });
    bear("postings", &file);
}

#[test]
fn positions_that_all_lead_to_one_place() {
    let file = lie(|bytes, runs| {
        for run in runs {
            entries(bytes, run, (0, 4), |nth, entry| {
                if nth > 1 {
                    entry.fill(0);
                }
            });
        }
    });
    bear("offsets", &file);
}

#[test]
fn names_out_of_order_that_count_all_there_can_be() {
    let file = lie(|bytes, runs| {
        for run in runs {
            let parts = parts(bytes, run);
            for nth in parts[6]..parts[7] {
                let values = &mut bytes[run.page(nth)][page::VALUES..];
                // One name again and again, then one before it.
                let names = [&b"\x03\0\x01\0zzzzzzzzzzzzb"[..], b"\x03\0\x01\0zzzzzzzzzzzza"];
                for (nth, room) in values.chunks_exact_mut(17).enumerate() {
                    room.copy_from_slice(names[nth % 2]);
                    set(room, 4..8, (1 << 31) - 1);
                    set(room, 8..12, 0);
                    set(room, 12..16, (1 << 31) - 1);
                }
            }
        }
    });
    bear("names", &file);
}

#[test]
fn documents_that_are_all_one() {
    let file = lie(|bytes, runs| {
        for run in runs {
            let mut place = None;
            entries(bytes, run, (1, 32), |_, entry| {
                if number(entry, 20..24) >> 31 == 1 {
                    let first: &mut [u8; 16] =
                        place.get_or_insert_with(|| entry[16..].first_chunk().copied().unwrap());
                    entry[16..].copy_from_slice(first);
                }
            });
        }
    });
    bear("documents", &file);
}

/// Each run claims as much as the numbers allow, far beyond the end of the file.
#[test]
fn runs_that_claim_all_there_can_be() {
    for beyond in [1_u64, 1 << 20, 1 << 30] {
        let file = lie(|bytes, runs| {
            let last = runs[runs.len() - 1];
            let header = &mut bytes[last.page(0)];
            // A header that says so many pages of each part, whatever is there.
            let first = number(header, 40..48);
            let events = (beyond * 1_018).min((1 << 31) - 1);
            set(header, 48..56, first + events);
            let counts = [4, beyond * 127, beyond * 1_020, beyond, beyond * 170];
            let counts = counts.map(|count| count.min(u32::MAX.into()));
            for (nth, count) in counts.into_iter().enumerate() {
                set(header, 56 + 4 * nth..60 + 4 * nth, count);
            }
            let [_, terms, postings, names, segments] = counts;
            let term_pages = terms.div_ceil(127);
            let fences = if term_pages > 1 { term_pages.div_ceil(510) } else { 0 };
            let blocks = if terms > 127 { terms.div_ceil(24).div_ceil(127) } else { 0 };
            let pages = 1 + events.div_ceil(1_018) + term_pages + fences + blocks;
            let pages = pages + postings.div_ceil(1_020) + segments.div_ceil(170) + names;
            for at in SLOTS {
                let slot = &mut bytes[at..at + PAGE];
                let entry = slot::RUNS + (runs.len() - 1) * slot::RUN_LEN;
                set(slot, entry + 8..entry + 12, pages);
                set(slot, entry + 24..entry + 32, first + events);
                set(slot, slot::INDEX_NEXT, first + events);
            }
        });
        bear(&format!("claims of {beyond} pages"), &file);
    }
}

/// Forty runs, each of one frame or two, all at the place of one: each has to be made anew.
#[test]
fn forty_runs_in_one_place() {
    let file = lie(|bytes, runs| {
        let run = runs[0];
        // The ends of forty commits, and the position behind each.
        let (mut at, mut ends) = (FIRST_EXTENT + 64, Vec::new());
        while ends.len() < 40 {
            let head = &bytes[at..at + frame::LEN];
            at += index(number(head, frame::LENGTH));
            let next = number(head, frame::FIRST_POSITION) + number(head, frame::EVENT_COUNT);
            ends.push(((at - FIRST_EXTENT) as u64, next));
        }
        for at in SLOTS {
            let slot = &mut bytes[at..at + PAGE];
            set(slot, slot::RUN_COUNT, 40);
            for (nth, (end, next)) in ends.iter().enumerate() {
                let entry = &mut slot[slot::RUNS + nth * slot::RUN_LEN..];
                set(entry, 0..8, run.at as u64);
                set(entry, 8..12, run.pages as u64);
                set(entry, 12..16, u64::from(run.id) + 77);
                set(entry, 16..24, *end);
                set(entry, 24..32, *next);
            }
            let (end, next) = ends[39];
            set(slot, slot::INDEX_END, end);
            set(slot, slot::INDEX_NEXT, next);
            set(slot, slot::CLEAN, 0);
        }
    });
    bear("forty runs", &file);
}

/// Free room everywhere, over everything.
#[test]
fn free_room_over_all_that_is_there() {
    let file = lie(|bytes, _| {
        for at in SLOTS {
            let slot = &mut bytes[at..at + PAGE];
            set(slot, slot::FREE_COUNT, slot::FREE_MOST as u64);
            for nth in 0..slot::FREE_MOST {
                let entry = &mut slot[slot::FREE + nth * slot::FREE_LEN..];
                set(entry, 0..8, (FIRST_EXTENT + nth * PAGE) as u64);
                set(entry, 8..16, if nth % 2 == 0 { FILE as u64 } else { (1 << 62) - (1 << 40) });
            }
        }
    });
    bear("free room", &file);
}

/// A run whose table of positions leads to events that lie in one another's payloads: each goes on
/// to the end of the segment. What is read is as much as the run says, many times the file; each
/// event is bounded, and verifying finds it out.
#[test]
fn events_within_events() {
    const EVENTS: usize = 19_000;
    let length = 200 * PAGE;
    let mut forge = Forge::bare(FILE);
    let place = Place { at: FIRST_EXTENT, length: length as u64, log_offset: 0 };
    forge.segment(place, Place::default());
    forge.begin();
    let name = forge.name(b"a");
    // One event, whose payload is all the others.
    let first = forge.at();
    forge.event((name, name), &[], 1);
    let end = place.at + length - 200;
    let key = Key::new(KEY);
    let distance = number(&forge.bytes[first..], record::EVENT_DISTANCE);
    for nth in (0..EVENTS).rev() {
        let at = first + nth * record::EVENT_LEN;
        let log_offset = forge.log_offset(at);
        let event = &mut forge.bytes[at..end];
        event[record::TAG] = EVENT_TAG;
        event[record::TAG + 1] = 1;
        set(event, record::EVENT_DISTANCE, distance + (nth * record::EVENT_LEN) as u64);
        let payload = event.len() - record::EVENT_LEN;
        set(event, record::EVENT_PAYLOAD_LENGTH, payload as u64);
        set(event, record::EVENT_STREAM, name.into());
        set(event, record::EVENT_TYPE, name.into());
        set(event, record::EVENT_VERSION, nth as u64 + 1);
        seal_record(event, log_offset, nth as u64 + 1, &key);
    }
    forge.go_to(end);
    forge.commit();
    let here = forge.here();
    // The run: a header, the table of positions, a term for all events, and its postings.
    let at = place.at + length;
    let (offsets, next) = (EVENTS.div_ceil(1_018), EVENTS as u64 + 1);
    let pages = 1 + offsets + EVENTS.div_ceil(1_020);
    forge.run_header(at, [64, here, 1, next], [4, 0, EVENTS as u64, 0, 0]);
    for nth in 0..EVENTS {
        let page = at + (1 + nth / 1_018) * PAGE + page::VALUES;
        let base = first + nth / 1_018 * 1_018 * record::EVENT_LEN;
        let step = (nth % 1_018) * record::EVENT_LEN / 8;
        let base = forge.log_offset(base);
        set(&mut forge.bytes[page..], 0..8, base);
        let at = 8 + 4 * (nth % 1_018);
        set(&mut forge.bytes[page..], at..at + 4, step as u64);
    }
    forge.name_segments(&[place]);
    forge.name_runs(&[Named { at, pages: pages as u64, id: 1, end: here, next }]);
    bear("events within events", &forge.closed());
}

//! A healthy log, and runs that are the fuzzer's bytes: opening it and asking everything ends in
//! answers or errors. Checks pass under `cfg(fuzzing)`, so nothing but the numbers is in the way.
#![no_main]

use annals::storage::MemoryStorage;
use annals::{Chore, Commit, Durability, ExpectedVersion, NewEvent, Options, Read, Store};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};

const PAGE: usize = 4_096;
/// Events in the healthy store: one merge, and runs from memory.
const EVENTS: u64 = 90;
/// The most that is asked for at once, of numbers that may lie.
const MOST: usize = 1_000;

/// The bytes of a store that was closed, and the extents of its runs.
struct Healthy {
    bytes: Vec<u8>,
    runs: Vec<(usize, usize)>,
}

/// Pieces of bytes, each for a place in the runs' pages.
type Pieces<'a> = Vec<(u16, &'a [u8])>;

fuzz_target!(|input: (bool, Pieces<'_>)| {
    let (look, pieces) = input;
    let healthy = healthy();
    let mut bytes = healthy.bytes.clone();
    let room: usize = healthy.runs.iter().map(|(_, length)| length).sum();
    for (at, new) in pieces {
        let mut at = usize::from(at) % room;
        for (start, length) in &healthy.runs {
            if at < *length {
                let count = new.len().min(length - at);
                bytes[start + at..start + at + count].copy_from_slice(&new[..count]);
                break;
            }
            at -= length;
        }
    }
    let length = bytes.len();
    let disk = Arc::new(MemoryStorage::from_bytes(bytes));
    let opened = match look {
        true => options().open_storage_read_only(disk.clone()),
        false => options().open_storage(disk.clone()),
    };
    let Ok(store) = opened else { return };
    ask_everything(&store);
    let _ = store.verify();
    ask_everything(&store);
    for nth in 0..30 {
        let event = NewEvent::new("Fuzzed", "x").tag("t:1");
        let stream = format!("a-{}", nth % 5);
        let _ = store.append(stream, ExpectedVersion::Any, [event]);
        let _ = store.chore(Chore::Index);
    }
    let _ = store.verify();
    let _ = store.close();
    // What a run says of its length is not believed without end.
    assert!(disk.to_bytes().len() <= 4 * length + (1 << 20));
});

fn options() -> Options {
    let options = Options::new().without_keeper().segments(4_096, 8_192).seed(7);
    options.tail(16, u64::MAX).durability(Durability::Buffered)
}

fn ask_everything(store: &Store) {
    for read in [Read::new(), Read::new().backward()] {
        let _ = store.read_all(read).map(|cursor| cursor.take(MOST).count());
    }
    let streams: Vec<String> =
        store.streams().map(|names| names.take(MOST).flatten().collect()).unwrap_or_default();
    for stream in streams.iter().map(String::as_str).chain(["a-1", "b", "nobody"]) {
        let _ = store.stream_version(stream);
        for read in [Read::new(), Read::new().backward()] {
            let _ = store.read_stream(stream, read).map(|cursor| cursor.take(MOST).count());
        }
    }
    for category in store.categories().unwrap_or_default() {
        let _ = store.streams_of(&category).map(|names| names.take(MOST).count());
    }
    for position in [0, 1, 2, EVENTS / 2, EVENTS, EVENTS + 1, u64::MAX] {
        let _ = store.event(position);
    }
    let _ = store.stats();
}

fn healthy() -> &'static Healthy {
    static HEALTHY: OnceLock<Healthy> = OnceLock::new();
    HEALTHY.get_or_init(|| {
        let disk = Arc::new(MemoryStorage::new());
        let store = options().open_storage(disk.clone()).unwrap();
        for nth in 0..EVENTS {
            let event = NewEvent::new(format!("Kind{}", nth % 3), "payload");
            let event = event.tag(format!("nth:{nth}")).tag("t:1");
            let stream = if nth % 3 == 0 { "b".to_owned() } else { format!("a-{}", nth % 20) };
            store.commit(Commit::new().append(stream, ExpectedVersion::Any, [event])).unwrap();
            store.chore(Chore::Index).unwrap();
        }
        store.close().unwrap();
        let bytes = disk.to_bytes();
        let runs = runs(&bytes);
        assert!(runs.len() > 1);
        Healthy { bytes, runs }
    })
}

/// Where the runs are that the newer slot names. FORMAT.md has the tables.
fn runs(bytes: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let narrow = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let slot = if number(PAGE + 48) > number(2 * PAGE + 48) { PAGE } else { 2 * PAGE };
    let place = |nth| (number(slot + 944 + 32 * nth) as usize, narrow(slot + 952 + 32 * nth));
    (0..narrow(slot + 168)).map(place).map(|(at, pages)| (at, pages * PAGE)).collect()
}

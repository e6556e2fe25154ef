//! Any bytes at all: opening them, to read and to write, ends in an answer. Checks pass under
//! `cfg(fuzzing)`, so that the fuzzer gets past the first of them.
#![no_main]

use annals::storage::MemoryStorage;
use annals::{NewEvent, Options, Read, Store};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    let options = Options::new().without_keeper();
    let disk = || Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
    if let Ok(store) = options.open_storage_read_only(disk()) {
        read_everything(&store);
    }
    if let Ok(store) = options.open_storage(disk()) {
        read_everything(&store);
        // It may be full or refuse; it may not panic.
        let _ = store.append("fuzz", annals::ExpectedVersion::Any, [NewEvent::new("Fuzzed", "x")]);
        let _ = store.close();
    }
});

fn read_everything(store: &Store) {
    let _ = store.verify();
    if let Ok(mut cursor) = store.read_all(Read::new()) {
        while let Ok(Some(event)) = cursor.next_event() {
            let _ = (event.stream().len(), event.event_type().len(), event.tags().iter().count());
        }
    }
    let streams: Vec<String> =
        store.streams().map(|names| names.flatten().collect()).unwrap_or_default();
    for stream in streams {
        if let Ok(cursor) = store.read_stream(&stream, Read::new().backward()) {
            let _ = cursor.take(100).count();
        }
    }
}

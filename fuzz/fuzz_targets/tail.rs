//! A healthy store whose tail is overwritten with the fuzzer's bytes: recovery gives a prefix of
//! what was there, or refuses.
#![no_main]

use annals::storage::MemoryStorage;
use annals::{Durability, NewEvent, Options, Read, Version};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};

/// Events in the healthy store.
const EVENTS: u64 = 40;
/// Where its log begins in the file.
const LOG: usize = 4 * 4_096;

fuzz_target!(|input: (u16, &[u8])| {
    let (at, new) = input;
    let mut bytes = healthy().clone();
    let at = LOG + usize::from(at) % (bytes.len() - LOG);
    let count = new.len().min(bytes.len() - at);
    bytes[at..at + count].copy_from_slice(&new[..count]);
    let disk = Arc::new(MemoryStorage::from_bytes(bytes));
    let Ok(store) = options().open_storage(disk) else { return };
    let Ok(mut cursor) = store.read_all(Read::new()) else { return };
    let mut position = 0;
    while let Ok(Some(event)) = cursor.next_event() {
        position += 1;
        assert_eq!(event.position.get(), position);
    }
    let _ = store.append("after", 0, [NewEvent::new("Appended", "x")]);
});

fn options() -> Options {
    Options::new().without_keeper().segments(4_096, 8_192).seed(7)
}

/// An unclosed store.
fn healthy() -> &'static Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let disk = Arc::new(MemoryStorage::new());
        let store = options().durability(Durability::Buffered).open_storage(disk.clone()).unwrap();
        for nth in 0..EVENTS {
            let event = NewEvent::new("Noted", vec![7; 100]).tag("a:1");
            store.append("s", Version::new(nth), [event]).unwrap();
        }
        disk.to_bytes()
    })
}

//! Healthy logs whose end is overwritten, as a crash may leave it or as a liar may: recovery gives
//! a prefix of what was there, or refuses, and what it took stays.

use super::patches::{self, Patched, Where};
use crate::images::{Image, images, options};
use annals::storage::MemoryStorage;
use annals::{NewEvent, Read, RecordedEvent, Store};
use std::sync::{Arc, OnceLock};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Ok(patched) = Patched::new(bytes, Where::Log) else { return };
    let disk = Arc::new(MemoryStorage::from_bytes(patched.bytes));
    let Ok(store) = options().open_storage(disk.clone()) else { return };
    let Some(taken) = events(&store) else { return };
    // Where nobody could seal what he wrote, it is what was there.
    if !patched.sealed && !cfg!(fuzzing) {
        let was = originals(patched.image);
        assert!(was.starts_with(&taken), "recovery gave something else");
    }
    let whole = store.verify().is_ok_and(|report| report.is_whole());
    // A stream that a liar has given all versions takes no more, and so on.
    let appended = store.append("after", 0, [NewEvent::new("Appended", "x")]);
    let more = usize::from(appended.is_ok());
    if store.close().is_err() || !whole {
        return;
    }
    drop(store);
    let store = options().open_storage(disk).expect("what was closed opens");
    let again = events(&store).expect("and is read");
    assert_eq!(again.len(), taken.len() + more, "events came or went");
    assert!(again.starts_with(&taken), "an event has changed");
}

/// All events; nothing if one of them can't be read.
fn events(store: &Store) -> Option<Vec<RecordedEvent>> {
    let events: Vec<_> = store.read_all(Read::new()).ok()?.collect::<Result<_, _>>().ok()?;
    let first = events.first().map_or(1, |event| event.position.get());
    for (event, position) in events.iter().zip(first..) {
        assert_eq!(event.position.get(), position, "positions have a gap");
    }
    Some(events)
}

/// The events of an image as it was.
fn originals(image: &Image) -> &'static [RecordedEvent] {
    static EVENTS: OnceLock<Vec<(&str, Vec<RecordedEvent>)>> = OnceLock::new();
    let all = EVENTS.get_or_init(|| {
        let read = |image: &Image| {
            let disk = Arc::new(MemoryStorage::from_bytes(image.bytes.clone()));
            let store = options().open_storage(disk).expect("a healthy store opens");
            events(&store).expect("and is read")
        };
        images().iter().map(|image| (image.name, read(image))).collect()
    });
    all.iter().find(|(name, _)| *name == image.name).map_or(&[], |(_, events)| events)
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    patches::seeds(&[8, 64, 256, 700, 1_000, 1_030, 1_500, 2_000, 2_600, 3_000])
}

//! Healthy stores, as bytes: what is changed, cut and sealed before it is opened.

use annals::storage::MemoryStorage;
use annals::{
    Chore, Clock, Commit, Durability, EventKind, ExpectedVersion, NewEvent, Options, Store,
    Timestamp, Uuid,
};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

/// A healthy store.
pub struct Image {
    /// What it is, for file names.
    pub name: &'static str,
    /// Its file.
    pub bytes: Vec<u8>,
    /// Its events.
    pub events: u64,
}

/// Events of a run from memory.
pub const TAIL: u64 = 16;

/// How stores are opened here: small segments, small runs, no thread, the same bytes every time.
pub fn options() -> Options {
    let options = Options::new().without_keeper().segments(4_096, 8_192).seed(7);
    options.tail(TAIL, u64::MAX).durability(Durability::Buffered).clock(Ticks::default())
}

/// A clock that says another microsecond each time.
#[derive(Default)]
pub struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// All of them, made once.
pub fn images() -> &'static [Image] {
    static IMAGES: OnceLock<Vec<Image>> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let image = |name, events, chores, leave: fn(&Store)| {
            let disk = Arc::new(MemoryStorage::new());
            let store = options().open_storage(disk.clone()).expect("a new store opens");
            grow(&store, events, chores);
            leave(&store);
            Image { name, bytes: disk.to_bytes(), events }
        };
        let close = |store: &Store| store.close().expect("it closes");
        let sync = |store: &Store| store.sync().expect("it syncs");
        vec![
            image("new", 0, true, close),
            image("closed", 12, true, close),
            // Never closed: a tail that no run covers, of which nothing was ever synced, or all.
            image("crashed", 30, false, |_| {}),
            image("synced", 30, false, sync),
            // Several runs, one of them merged, in several segments.
            image("merged", 90, true, close),
            image("merged-crashed", 75, true, sync),
        ]
    })
}

/// The one with this number; there is always one.
pub fn image(nth: u8) -> &'static Image {
    let images = images();
    &images[usize::from(nth) % images.len()]
}

/// Appends events up to this many, with all that an event can have, and documents beside them. With
/// `chores`, the index keeps up.
fn grow(store: &Store, events: u64, chores: bool) {
    let mut nth = 0;
    while nth < events {
        let mut commit = Commit::new();
        for _ in 0..(1 + nth % 3).min(events - nth) {
            let stream = match nth % 4 {
                0 => "b".to_owned(),
                _ => format!("a-{}", nth % 7),
            };
            commit = commit.append(stream, ExpectedVersion::Any, [event(nth)]);
            nth += 1;
        }
        if nth % 3 == 0 {
            commit = commit.put(format!("d/{}", nth % 5), format!("value {nth}"));
        }
        if nth % 10 == 1 {
            commit = commit.delete("gone");
        }
        store.commit(commit).expect("a healthy store takes a commit");
        if chores {
            store.chore(Chore::Index).expect("and indexes it");
        }
    }
}

fn event(nth: u64) -> NewEvent {
    let event = NewEvent::new(format!("Kind{}", nth % 3), format!("payload {nth}"));
    let event = event.tag(format!("nth:{}", nth % 20)).tag("t:1");
    let kinds = [EventKind::Domain, EventKind::Fat, EventKind::Trigger, EventKind::Integration];
    let event = event.kind(kinds[nth as usize / 5 % 4]);
    let id = Uuid::from_u128(u128::from(nth) << 64 | 1);
    match nth % 4 {
        0 => event.id(id).correlation_id(Uuid::from_u128(5)).causation_id(Uuid::from_u128(6)),
        1 => event.metadata("").schema_version(3),
        2 => event.metadata(r#"{"by": "ann"}"#).occurred(Timestamp::from_micros(-1)),
        _ => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{runs, seal};

    #[test]
    fn a_healthy_file_is_sealed_already() {
        for image in images() {
            let mut sealed = image.bytes.clone();
            seal(&mut sealed);
            let other = sealed.iter().zip(&image.bytes).position(|(a, b)| a != b);
            assert_eq!(other, None, "{}", image.name);
        }
    }

    #[test]
    fn a_change_that_is_sealed_is_read_as_if_it_had_been_written() {
        for image in images().iter().filter(|image| image.events > 0) {
            let at = image.bytes.windows(9).position(|bytes| bytes == b"payload 1").expect("there");
            let mut bytes = image.bytes.clone();
            bytes[at] = b'P';
            let open = |bytes: &[u8]| {
                let disk = Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
                options().open_storage_read_only(disk)
            };
            let unsealed = open(&bytes).and_then(|store| store.event(2));
            assert!(cfg!(fuzzing) || !matches!(unsealed, Ok(Some(_))), "{}", image.name);
            seal(&mut bytes);
            let store = open(&bytes).expect("a sealed file opens");
            let event = store.event(2).expect("it is read").expect("it is there");
            assert_eq!(event.payload, b"Payload 1", "{}", image.name);
            assert!(store.verify().expect("it is read").is_whole(), "{}", image.name);
        }
    }

    #[test]
    fn there_are_images_of_each_sort() {
        let counts: Vec<_> = images().iter().map(|image| runs(&image.bytes).len()).collect();
        assert_eq!(counts.iter().filter(|runs| **runs > 1).count(), 2, "{counts:?}");
        let sizes: Vec<_> = images().iter().map(|image| image.bytes.len()).collect();
        assert!(sizes.iter().all(|size| *size < 1 << 18), "{sizes:?}");
    }
}

//! What is not in memory is announced before it is read, and is read just the same.

use crate::fixture::{Place, note};
use annals::storage::{Access, FileStorage, Storage};
use annals::{Commit, Cursor, Durability, Options, Query, QueryItem, Read, Store};
use std::path::{Path, PathBuf};

const EVENTS: u64 = 3_000;
const STREAMS: u64 = 30;

/// Payloads of several pages now and then, so that a record goes over the end of what is announced.
fn payload(nth: u64) -> Vec<u8> {
    vec![nth.to_le_bytes()[0]; if nth.is_multiple_of(100) { 20_000 } else { 700 }]
}

fn stored(place: &Place, options: Options) -> PathBuf {
    let path = place.path();
    let store = options.durability(Durability::Buffered).open(&path).unwrap();
    for nth in 0..EVENTS {
        if nth.is_multiple_of(50) {
            let value = payload(nth / 50);
            store.commit(Commit::new().put(format!("key-{}", nth % 400), value)).unwrap();
        }
        let mut event = note(payload(nth));
        event = event.tag(format!("tag:{}", nth % 7)).tag(format!("other:{}", nth % 11));
        store.commit(Commit::new().event(format!("stream-{}", nth % STREAMS), event)).unwrap();
    }
    store.close().unwrap();
    path
}

/// The store, of which nothing is in the page cache, where the system drops what it is asked to.
fn cold(path: &Path) -> Store {
    let file = FileStorage::open(path, Access::Read, true).unwrap();
    file.sync().unwrap();
    file.drop_cache(0, file.size().unwrap()).unwrap();
    Store::open(path).unwrap()
}

fn assert_reads(cursor: Cursor, numbers: impl Iterator<Item = u64>) {
    let mut read = cursor.map(Result::unwrap);
    for nth in numbers {
        let event = read.next().unwrap();
        assert_eq!(event.position.get(), nth + 1);
        assert_eq!(event.stream, format!("stream-{}", nth % STREAMS));
        assert_eq!(event.payload, payload(nth));
        assert_eq!(event.tags, [format!("tag:{}", nth % 7), format!("other:{}", nth % 11)]);
    }
    assert!(read.next().is_none());
}

#[test]
fn a_store_that_is_not_in_memory_gives_what_it_has() {
    let place = Place::new();
    let path = stored(&place, Options::new());
    for stream in [0, 17] {
        let name = format!("stream-{stream}");
        let of_stream = || (0..EVENTS).filter(|nth| nth % STREAMS == stream);
        assert_reads(cold(&path).read_stream(&name, Read::new()).unwrap(), of_stream());
        let backward = cold(&path).read_stream(&name, Read::new().backward()).unwrap();
        assert_reads(backward, of_stream().rev());
    }
    let query = Query::from(QueryItem::new().tag("tag:3").tag("other:5"));
    let asked = || (0..EVENTS).filter(|nth| nth % 7 == 3 && nth % 11 == 5);
    assert_reads(cold(&path).query(&query, Read::new()).unwrap(), asked());
    assert_reads(cold(&path).query(&query, Read::new().backward()).unwrap(), asked().rev());
    assert_reads(cold(&path).read_all(Read::new()).unwrap(), 0..EVENTS);
}

#[test]
fn what_is_read_on_and_on_is_the_same_wherever_frames_and_segments_begin() {
    for options in [
        Options::new().pad_to_sector(),
        Options::new().segments(4_096, 65_536),
        Options::new().segments(4_096, 65_536).pad_to_sector(),
    ] {
        let place = Place::new();
        let path = stored(&place, options);
        assert_reads(cold(&path).read_all(Read::new()).unwrap(), 0..EVENTS);
        assert_reads(cold(&path).read_all(Read::new().after(1_000)).unwrap(), 1_000..EVENTS);
    }
}

#[test]
fn a_rotten_document_between_them_hides_no_event() {
    const KEY: &[u8] = b"the-only-document";
    let place = Place::new();
    let path = place.path();
    let store = Options::new().durability(Durability::Buffered).open(&path).unwrap();
    for nth in 0..1_100_u64 {
        store.append("a", nth, [note(nth.to_le_bytes())]).unwrap();
        if nth == 900 {
            let key = str::from_utf8(KEY).unwrap();
            store.commit(Commit::new().put(key, vec![0xA2; 64])).unwrap();
        }
    }
    store.close().unwrap();
    let sound = std::fs::read(&path).unwrap();
    let key = sound.windows(KEY.len()).position(|bytes| bytes == KEY).unwrap();
    // Among these is one that makes its value look empty, and what it holds like an event.
    for (at, bit) in (key - 56..key).flat_map(|at| [(at, 0x20), (at, 0x40)]) {
        let mut rotten = sound.clone();
        rotten[at] ^= bit;
        std::fs::write(&path, rotten).unwrap();
        let mut read = cold(&path).read_all(Read::new()).unwrap();
        for nth in 0..1_100_u64 {
            assert_eq!(read.next().unwrap().unwrap().payload, nth.to_le_bytes(), "{at}");
        }
    }
}

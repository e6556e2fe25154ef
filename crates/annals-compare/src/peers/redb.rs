//! An event store on redb: the events by their positions, and keys that lead to the positions.
//!
//! Synced, each commit is durable (`Durability::Immediate`: one sync). Else commits stay in the
//! process (`Durability::None`), and `sync` makes one commit that is durable with all before it.
//! redb's checksums are what it recovers by; reading does not look at them.

use super::record::{key, number, payload, write};
use crate::peer::{Asked, Event, Mode, Nth, Peer};
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, Table,
    TableDefinition as Definition, WriteTransaction,
};
use std::path::{Path, PathBuf};

const EVENTS: Definition<u64, &[u8]> = Definition::new("events");
/// A [`key`] of stream and version, and the position.
const STREAMS: Definition<&[u8], u64> = Definition::new("streams");
/// A [`key`] of type and position.
const TYPES: Definition<&[u8], ()> = Definition::new("types");
/// A [`key`] of tag and position.
const TAGS: Definition<&[u8], ()> = Definition::new("tags");

/// redb has no map: what is not here is read from the file.
const CACHE: usize = 4 << 30;

pub struct Redb {
    database: Database,
    mode: Mode,
}

impl Peer for Redb {
    type Batch = Vec<Event>;

    const NAME: &'static str = "redb";

    fn create(folder: &Path, mode: Mode) -> Self {
        let database = Database::builder().set_cache_size(CACHE).create(file(folder)).unwrap();
        let txn = database.begin_write().unwrap();
        txn.open_table(EVENTS).unwrap();
        txn.open_table(STREAMS).unwrap();
        txn.open_table(TYPES).unwrap();
        txn.open_table(TAGS).unwrap();
        txn.commit().unwrap();
        Self { database, mode }
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        let database = Database::builder().set_cache_size(CACHE).open(file(folder)).unwrap();
        Self { database, mode }
    }

    fn batch(events: &[Nth], _: Mode) -> Vec<Event> {
        events.iter().map(|nth| nth.event()).collect()
    }

    fn append(&self, batch: &Vec<Event>) {
        let txn = self.write();
        self.insert(&txn, batch);
        txn.commit().unwrap();
    }

    fn sync(&self) {
        if !self.mode.synced {
            self.database.begin_write().unwrap().commit().unwrap();
        }
    }

    fn close(self) {
        self.database.close().unwrap();
    }

    fn replay(&self, mut each: impl FnMut(&[u8])) -> u64 {
        let events = self.read().open_table(EVENTS).unwrap();
        let mut count = 0;
        for event in events.iter().unwrap() {
            each(payload(event.unwrap().1.value()));
            count += 1;
        }
        count
    }

    fn stream(&self, stream: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let events = txn.open_table(EVENTS).unwrap();
        let streams = txn.open_table(STREAMS).unwrap();
        let (from, to) = (key(stream, 0), key(stream, u64::MAX));
        let mut count = 0;
        for entry in streams.range(&from[..]..=&to[..]).unwrap() {
            let position = entry.unwrap().1.value();
            each(payload(events.get(position).unwrap().unwrap().value()));
            count += 1;
        }
        count
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        let events = self.read().open_table(EVENTS).unwrap();
        for position in positions {
            each(payload(events.get(position).unwrap().unwrap().value()));
        }
    }

    fn tagged(&self, tag: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let events = txn.open_table(EVENTS).unwrap();
        let tags = txn.open_table(TAGS).unwrap();
        let mut count = 0;
        for position in positions(&tags, tag, 0) {
            each(payload(events.get(position).unwrap().unwrap().value()));
            count += 1;
        }
        count
    }

    fn since(&self, asked: &Asked, seen: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let events = txn.open_table(EVENTS).unwrap();
        let types = txn.open_table(TYPES).unwrap();
        let tags = txn.open_table(TAGS).unwrap();
        for position in matching(&tags, &types, asked, seen) {
            each(payload(events.get(position).unwrap().unwrap().value()));
        }
        head(&events)
    }

    fn append_unless(&self, batch: &Vec<Event>, asked: &Asked, seen: u64) -> bool {
        let txn = self.write();
        let any = {
            let types = txn.open_table(TYPES).unwrap();
            let tags = txn.open_table(TAGS).unwrap();
            matching(&tags, &types, asked, seen).next().is_some()
        };
        if any {
            txn.abort().unwrap();
            return false;
        }
        self.insert(&txn, batch);
        txn.commit().unwrap();
        true
    }
}

impl Redb {
    fn read(&self) -> ReadTransaction {
        self.database.begin_read().unwrap()
    }

    fn write(&self) -> WriteTransaction {
        let mut txn = self.database.begin_write().unwrap();
        if !self.mode.synced {
            txn.set_durability(Durability::None).unwrap();
        }
        txn
    }

    fn insert(&self, txn: &WriteTransaction, batch: &[Event]) {
        let mut events = txn.open_table(EVENTS).unwrap();
        let mut streams = txn.open_table(STREAMS).unwrap();
        let mut kinds = (!self.mode.lean)
            .then(|| (txn.open_table(TYPES).unwrap(), txn.open_table(TAGS).unwrap()));
        let mut record = Vec::new();
        let mut position = head(&events);
        for event in batch {
            position += 1;
            extend(&mut streams, event, position);
            write(&mut record, event);
            events.insert(position, &record[..]).unwrap();
            if let Some((types, tags)) = &mut kinds {
                types.insert(&key(&event.event_type, position)[..], ()).unwrap();
                for tag in &event.tags {
                    tags.insert(&key(tag, position)[..], ()).unwrap();
                }
            }
        }
    }
}

/// Notes the position as that of the stream's next version, which has to be the expected one: the
/// one before is there, and it is not. Versions have no gaps.
fn extend(streams: &mut Table<'_, &[u8], u64>, event: &Event, position: u64) {
    let Event { stream, expected, .. } = event;
    if *expected > 0 {
        let last = streams.get(&key(stream, *expected)[..]).unwrap();
        assert!(last.is_some(), "{stream} is not yet at {expected}");
    }
    let next = streams.insert(&key(stream, expected + 1)[..], position).unwrap();
    assert!(next.is_none(), "{stream} is past {expected}");
}

fn file(folder: &Path) -> PathBuf {
    folder.join("events.redb")
}

/// The last position.
fn head(events: &impl ReadableTable<u64, &'static [u8]>) -> u64 {
    events.last().unwrap().map_or(0, |(position, _)| position.value())
}

/// The positions of a name after this one.
fn positions(
    table: &impl ReadableTable<&'static [u8], ()>,
    name: &str,
    after: u64,
) -> impl Iterator<Item = u64> {
    let (from, to) = (key(name, after + 1), key(name, u64::MAX));
    table.range(&from[..]..=&to[..]).unwrap().map(|entry| number(entry.unwrap().0.value()))
}

/// The positions of the tag, each looked up among those of the type.
fn matching(
    tags: &impl ReadableTable<&'static [u8], ()>,
    types: &impl ReadableTable<&'static [u8], ()>,
    asked: &Asked,
    after: u64,
) -> impl Iterator<Item = u64> {
    positions(tags, &asked.tag, after)
        .filter(|position| types.get(&key(&asked.event_type, *position)[..]).unwrap().is_some())
}

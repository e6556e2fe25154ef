//! An event store on LMDB: the events by their positions, and keys that lead to the positions.
//!
//! Synced, LMDB syncs each commit: its pages, then the page that makes them count. Else it syncs
//! nothing (`MDB_NOSYNC`) before `sync`, and writes through its map. LMDB has no checksums.

use super::record::{key, number, payload, write};
use crate::peer::{Asked, Event, Mode, Nth, Peer};
use heed::types::{Bytes, Unit};
use heed::{
    CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, Error, PutFlags, RoTxn, RwTxn, WithTls,
};
use std::ops::Bound;
use std::path::Path;

/// Addresses that the map takes. Written through it, the file is as long, with a hole at its end.
const MAP: usize = 64 << 30;

/// Threads that may have read.
const READERS: u32 = 256;

type Keys = Database<'static, Bytes, Unit>;
type Values = Database<'static, Bytes, Bytes>;

pub struct Lmdb {
    env: Env,
    mode: Mode,
    /// By position.
    events: Values,
    /// A [`key`] of stream and version, and the position.
    streams: Values,
    /// A [`key`] of type and position.
    types: Keys,
    /// A [`key`] of tag and position.
    tags: Keys,
}

impl Peer for Lmdb {
    type Batch = Vec<Event>;

    const NAME: &'static str = "lmdb";

    fn create(folder: &Path, mode: Mode) -> Self {
        Self::open(folder, mode)
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP).max_readers(READERS).max_dbs(4);
        if !mode.synced {
            // SAFETY: what a crash of the machine would do to the file is not measured.
            unsafe { options.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP) };
        }
        // SAFETY: nobody but LMDB writes into this folder.
        let env = unsafe { options.open(folder).unwrap() };
        let opened = env.create_databases_and_commit(env.write_txn().unwrap(), |opener, txn| {
            Ok::<_, Error>(CommitOrAbort::<_, ()>::Commit((
                opener.create_database(txn, Some("events"))?,
                opener.create_database(txn, Some("streams"))?,
                opener.create_database(txn, Some("types"))?,
                opener.create_database(txn, Some("tags"))?,
            )))
        });
        let (events, streams, types, tags) = opened.unwrap().unwrap_commit();
        Self { env, mode, events, streams, types, tags }
    }

    fn batch(events: &[Nth], _: Mode) -> Vec<Event> {
        events.iter().map(|nth| nth.event()).collect()
    }

    fn append(&self, batch: &Vec<Event>) {
        let mut txn = self.env.write_txn().unwrap();
        self.insert(&mut txn, batch);
        txn.commit().unwrap();
    }

    fn sync(&self) {
        if !self.mode.synced {
            self.env.force_sync().unwrap();
        }
    }

    fn close(self) {
        self.env.prepare_for_closing().wait();
    }

    fn replay(&self, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let mut count = 0;
        for event in self.events.iter(&txn).unwrap() {
            each(payload(event.unwrap().1));
            count += 1;
        }
        count
    }

    fn stream(&self, stream: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let (from, to) = (key(stream, 0), key(stream, u64::MAX));
        let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        let mut count = 0;
        for entry in self.streams.range(&txn, &range).unwrap() {
            each(self.event(&txn, entry.unwrap().1));
            count += 1;
        }
        count
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        let txn = self.read();
        for position in positions {
            each(self.event(&txn, &position.to_be_bytes()));
        }
    }

    fn tagged(&self, tag: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        let mut count = 0;
        self.tagged_after(&txn, tag, 0, |position| {
            each(self.event(&txn, position));
            count += 1;
            true
        });
        count
    }

    fn since(&self, asked: &Asked, seen: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let txn = self.read();
        self.tagged_after(&txn, &asked.tag, seen, |position| {
            if self.has_type(&txn, &asked.event_type, position) {
                each(self.event(&txn, position));
            }
            true
        });
        self.head(&txn)
    }

    fn append_unless(&self, batch: &Vec<Event>, asked: &Asked, seen: u64) -> bool {
        let mut txn = self.env.write_txn().unwrap();
        let mut any = false;
        self.tagged_after(&txn, &asked.tag, seen, |position| {
            any = self.has_type(&txn, &asked.event_type, position);
            !any
        });
        if any {
            txn.abort();
            return false;
        }
        self.insert(&mut txn, batch);
        txn.commit().unwrap();
        true
    }
}

impl Lmdb {
    fn read(&self) -> RoTxn<'_, WithTls> {
        self.env.read_txn().unwrap()
    }

    /// The last position.
    fn head(&self, txn: &RoTxn<'_>) -> u64 {
        self.events.last(txn).unwrap().map_or(0, |(position, _)| number(position))
    }

    /// The payload at a position.
    fn event<'a>(&self, txn: &'a RoTxn<'_>, position: &[u8]) -> &'a [u8] {
        payload(self.events.get(txn, position).unwrap().unwrap())
    }

    /// Goes along the positions of a tag after this one, as long as it is told to go on.
    fn tagged_after(
        &self,
        txn: &RoTxn<'_>,
        tag: &str,
        after: u64,
        mut each: impl FnMut(&[u8]) -> bool,
    ) {
        let (from, to) = (key(tag, after + 1), key(tag, u64::MAX));
        let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        for entry in self.tags.range(txn, &range).unwrap() {
            if !each(last(entry.unwrap().0)) {
                return;
            }
        }
    }

    fn has_type(&self, txn: &RoTxn<'_>, event_type: &str, position: &[u8]) -> bool {
        self.types.get(txn, &key(event_type, number(position))).unwrap().is_some()
    }

    fn insert(&self, txn: &mut RwTxn<'_>, batch: &[Event]) {
        let mut record = Vec::new();
        let mut position = self.head(txn);
        for event in batch {
            position += 1;
            let at = position.to_be_bytes();
            self.extend(txn, event, &at);
            write(&mut record, event);
            self.events.put_with_flags(txn, PutFlags::APPEND, &at, &record).unwrap();
            if !self.mode.lean {
                self.types.put(txn, &key(&event.event_type, position), &()).unwrap();
                for tag in &event.tags {
                    self.tags.put(txn, &key(tag, position), &()).unwrap();
                }
            }
        }
    }

    /// Notes the position as that of the stream's next version, which has to be the expected one:
    /// the one before is there, and it is not. Versions have no gaps.
    fn extend(&self, txn: &mut RwTxn<'_>, event: &Event, position: &[u8]) {
        let Event { stream, expected, .. } = event;
        if *expected > 0 {
            let before = self.streams.get(txn, &key(stream, *expected)).unwrap();
            assert!(before.is_some(), "{stream} is not yet at {expected}");
        }
        let next = key(stream, expected + 1);
        let put = self.streams.put_with_flags(txn, PutFlags::NO_OVERWRITE, &next, position);
        put.unwrap_or_else(|error| panic!("{stream} is past {expected}: {error}"));
    }
}

/// The number at the end of a key, as it is there.
fn last(key: &[u8]) -> &[u8] {
    &key[key.len() - 8..]
}

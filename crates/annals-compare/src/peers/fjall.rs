//! Fjall, an LSM tree, with an event store built on it by hand: the events by position, and an
//! index each of streams, types and tags, written in one atomic batch.
//!
//! Versions are checked and positions given under a lock; then one thread writes a batch for all
//! that wait. Where the mode is synced, that batch is on the device (`PersistMode::SyncData`, which
//! is `fdatasync` of the journal and so its length too) before anybody sees it and before `append`
//! returns. Else each batch is handed to the operating system, which is Fjall's default, and `sync`
//! and `close` sync the journal. Beside that, Fjall's own threads sync the tables that they write,
//! and the journal before they write one: about every 64 MiB.

mod group;

use super::record::{number, payload, write};
use crate::peer::{Asked, Event, Mode, Nth, Peer};
use fjall::config::{CompressionPolicy, FilterPolicy, HashRatioPolicy, RestartIntervalPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, UserValue};
use group::{Group, Placed};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Bytes of the block cache: "20-25% of the available memory", says Fjall, whose default is 32 MiB.
const CACHE: u64 = 1 << 30;
/// Bytes of old journals, which are read again by who opens the store; a load is as fast with more.
const JOURNALS: u64 = 128 << 20;

pub struct Fjall {
    database: Database,
    /// Position: record.
    events: Keyspace,
    /// Stream, 0, version: position.
    streams: Keyspace,
    /// Type, 0, position.
    types: Keyspace,
    /// Tag, 0, position: type, so that what has both is found without reading events.
    tags: Keyspace,
    mode: Mode,
    /// Nothing is read after what is visible, as a batch is inserted bit by bit.
    group: Group,
}

fn key<'a>(buffer: &'a mut Vec<u8>, name: &str, number: u64) -> &'a [u8] {
    buffer.clear();
    buffer.extend_from_slice(name.as_bytes());
    buffer.push(0);
    buffer.extend_from_slice(&number.to_be_bytes());
    buffer
}

impl Fjall {
    fn read(&self, position: u64, each: &mut impl FnMut(&[u8])) {
        each(payload(&self.events.get(position.to_be_bytes()).unwrap().unwrap()));
    }

    /// The positions with a tag after one and up to another, each with its type.
    fn tags(&self, tag: &str, seen: u64, to: u64) -> impl Iterator<Item = (u64, UserValue)> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        let entries = (seen < to)
            .then(|| self.tags.range(key(&mut first, tag, seen + 1)..=key(&mut last, tag, to)));
        entries.into_iter().flatten().map(|entry| {
            let (key, event_type) = entry.into_inner().unwrap();
            (number(&key), event_type)
        })
    }

    fn asked(&self, asked: &Asked, seen: u64, to: u64) -> impl Iterator<Item = u64> {
        let tagged = self.tags(&asked.tag, seen, to);
        let is_asked = |(_, found): &(u64, UserValue)| **found == *asked.event_type.as_bytes();
        tagged.filter(is_asked).map(|(position, _)| position)
    }

    /// Moves the streams' versions on; if one is not as expected, none.
    fn advance(&self, versions: &mut HashMap<String, u64>, events: &[Event]) -> bool {
        for (nth, Event { stream, expected, .. }) in events.iter().enumerate() {
            let version = match versions.get_mut(stream) {
                Some(version) => version,
                None => versions.entry(stream.clone()).or_insert(self.version(stream)),
            };
            if version != expected {
                events[..nth].iter().for_each(|it| *versions.get_mut(&it.stream).unwrap() -= 1);
                return false;
            }
            *version += 1;
        }
        true
    }

    /// The version of a stream that nobody has appended to since the store is open.
    fn version(&self, stream: &str) -> u64 {
        let last = self.streams.prefix(format!("{stream}\0")).next_back();
        last.map_or(0, |last| number(&last.key().unwrap()) + 1)
    }

    /// Appends, unless there is what is asked for, written or not.
    fn commit(&self, events: &Arc<[Event]>, asked: Option<(&Asked, u64)>) -> bool {
        let mut buffer = Vec::new();
        let mut encoded = |event| {
            write(&mut buffer, event);
            UserValue::from(&buffer[..])
        };
        let records = events.iter().map(&mut encoded).collect();
        let mut state = self.group.lock();
        let is_there = |(asked, seen)| {
            let mut written = self.asked(asked, seen, self.group.visible());
            state.has(asked, seen) || written.next().is_some()
        };
        if asked.is_some_and(is_there) {
            return false;
        }
        if !self.advance(&mut state.versions, events) {
            drop(state);
            panic!("a stream is not at its expected version");
        }
        self.group.commit(state, events.clone(), records, |commits| self.write(commits));
        true
    }

    fn write(&self, commits: &[Placed]) -> fjall::Result<()> {
        let persist = if self.mode.synced { PersistMode::SyncData } else { PersistMode::Buffer };
        let count: usize = commits.iter().map(|commit| commit.records.len()).sum();
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), 5 * count)
            .durability(Some(persist));
        let mut buffer = Vec::new();
        let records = commits.iter().flat_map(|commit| &commit.records);
        for ((position, event), record) in commits.iter().flat_map(Placed::events).zip(records) {
            let (at, event_type) = (position.to_be_bytes(), &*event.event_type);
            batch.insert(&self.events, at, record.clone());
            batch.insert(&self.streams, key(&mut buffer, &event.stream, event.expected), at);
            if !self.mode.lean {
                batch.insert(&self.types, key(&mut buffer, event_type, position), []);
                for tag in &event.tags {
                    batch.insert(&self.tags, key(&mut buffer, tag, position), event_type);
                }
            }
        }
        batch.commit()
    }
}

impl Peer for Fjall {
    type Batch = Arc<[Event]>;

    const NAME: &'static str = "fjall";

    fn create(folder: &Path, mode: Mode) -> Self {
        Self::open(folder, mode)
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        let builder = Database::builder(folder).cache_size(CACHE).max_journaling_size(JOURNALS);
        let database = builder.open().unwrap();
        // Payloads can't be compressed, and no key is looked for that is not there.
        let index = || {
            KeyspaceCreateOptions::default()
                .data_block_compression_policy(CompressionPolicy::disabled())
                .filter_policy(FilterPolicy::disabled())
        };
        // One key is found faster so.
        let by_key = || {
            index()
                .data_block_restart_interval_policy(RestartIntervalPolicy::all(1))
                .data_block_hash_ratio_policy(HashRatioPolicy::all(1.0))
        };
        let events = database.keyspace("events", by_key).unwrap();
        let [streams, types, tags] =
            ["streams", "types", "tags"].map(|name| database.keyspace(name, index).unwrap());
        let last = events.last_key_value().map_or(0, |last| number(&last.key().unwrap()));
        Self { database, events, streams, types, tags, mode, group: Group::new(last) }
    }

    fn batch(events: &[Nth], _: Mode) -> Arc<[Event]> {
        events.iter().map(|nth| nth.event()).collect()
    }

    fn append(&self, batch: &Arc<[Event]>) {
        self.commit(batch, None);
    }

    fn sync(&self) {
        self.database.persist(PersistMode::SyncData).unwrap();
    }

    fn close(self) {
        self.database.persist(PersistMode::SyncAll).unwrap();
    }

    fn replay(&self, mut each: impl FnMut(&[u8])) -> u64 {
        let events = self.events.range(..=self.group.visible().to_be_bytes());
        let records = events.map(|entry| entry.value().unwrap());
        records.inspect(|record| each(payload(record))).count() as u64
    }

    fn stream(&self, stream: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let visible = self.group.visible();
        let entries = self.streams.prefix(format!("{stream}\0"));
        let positions = entries.map(|entry| number(&entry.value().unwrap()));
        let positions = positions.take_while(|position| *position <= visible);
        positions.inspect(|position| self.read(*position, &mut each)).count() as u64
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        positions.iter().for_each(|position| self.read(*position, &mut each));
    }

    fn tagged(&self, tag: &str, mut each: impl FnMut(&[u8])) -> u64 {
        let tagged = self.tags(tag, 0, self.group.visible());
        tagged.inspect(|(position, _)| self.read(*position, &mut each)).count() as u64
    }

    fn since(&self, asked: &Asked, seen: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let visible = self.group.visible();
        self.asked(asked, seen, visible).for_each(|position| self.read(position, &mut each));
        visible
    }

    fn append_unless(&self, batch: &Arc<[Event]>, asked: &Asked, seen: u64) -> bool {
        self.commit(batch, Some((asked, seen)))
    }
}

//! Annals, as its own README shows it. Synced commits are on the device when `append` returns;
//! others are `Buffered`, so synced every 16 MiB or second, and by `sync` at the end.

use crate::peer::{Asked, Mode, Nth, Peer};
use crate::support;
use annals::{Commit, Cursor, Durability, NewEvent, Options, Query, QueryItem, Read, Store};
use std::collections::HashSet;
use std::path::Path;

/// Bytes of room that are filled with zeros ahead, where that is asked for.
pub const RESERVE: u64 = 8 << 20;

pub struct Annals(Store);

impl Annals {
    fn options(mode: Mode) -> Options {
        let durability = if mode.synced { Durability::Synced } else { Durability::Buffered };
        Options::new().durability(durability).reserve(if mode.reserve { RESERVE } else { 0 })
    }
}

/// A commit of events, without tags where the mode is lean. A stream that comes again has to be
/// where the commit itself has brought it: what is expected is said once.
pub fn commit(events: &[Nth], mode: Mode) -> Commit {
    let mut named = HashSet::new();
    events.iter().fold(Commit::new(), |commit, nth| {
        let event = match mode.lean {
            true => {
                let (event_type, _) = support::kinds(nth.nth);
                NewEvent::new(support::type_name(event_type), support::payload(nth.nth))
            }
            false => support::event(nth.nth),
        };
        let stream = support::stream_name(nth.stream);
        match named.insert(nth.stream) {
            true => commit.append(stream, nth.expected, [event]),
            false => commit.event(stream, event),
        }
    })
}

fn query(asked: &Asked) -> Query {
    Query::from(QueryItem::new().event_type(&asked.event_type).tag(&asked.tag))
}

fn drain(cursor: &mut Cursor, mut each: impl FnMut(&[u8])) -> u64 {
    let mut count = 0;
    while let Some(event) = cursor.next_event().unwrap() {
        each(event.payload);
        count += 1;
    }
    count
}

impl Peer for Annals {
    type Batch = Commit;

    const NAME: &'static str = "annals";

    fn create(folder: &Path, mode: Mode) -> Self {
        Self::open(folder, mode)
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        Self(Self::options(mode).open(folder.join("events.annals")).unwrap())
    }

    fn batch(events: &[Nth], mode: Mode) -> Commit {
        commit(events, mode)
    }

    fn append(&self, batch: &Commit) {
        self.0.commit(batch).unwrap();
    }

    fn sync(&self) {
        self.0.sync().unwrap();
    }

    fn settle(&self) {
        self.0.chore(annals::Chore::Prepare).unwrap();
    }

    fn close(self) {
        self.0.close().unwrap();
    }

    fn replay(&self, each: impl FnMut(&[u8])) -> u64 {
        drain(&mut self.0.read_all(Read::new()).unwrap(), each)
    }

    fn stream(&self, stream: &str, each: impl FnMut(&[u8])) -> u64 {
        drain(&mut self.0.read_stream(stream, Read::new()).unwrap(), each)
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        let mut reader = self.0.view().unwrap().reader();
        for position in positions {
            each(reader.event(*position).unwrap().unwrap().payload);
        }
    }

    fn tagged(&self, tag: &str, each: impl FnMut(&[u8])) -> u64 {
        let query = Query::from(QueryItem::new().tag(tag));
        drain(&mut self.0.query(&query, Read::new()).unwrap(), each)
    }

    fn since(&self, asked: &Asked, seen: u64, each: impl FnMut(&[u8])) -> u64 {
        let mut cursor = self.0.query(&query(asked), Read::new().after(seen)).unwrap();
        drain(&mut cursor, each);
        cursor.marker().get()
    }

    fn append_unless(&self, batch: &Commit, asked: &Asked, seen: u64) -> bool {
        let commit = batch.clone().fail_if_events_match(query(asked), seen);
        match self.0.commit(&commit) {
            Ok(_) => true,
            Err(annals::AppendError::ConditionFailed(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

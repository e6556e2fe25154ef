//! Tephra, an event store with dynamic consistency boundaries: a stream is a tag here, and an
//! expected version is the condition that no event with the stream's tag came after the last that
//! is known. What a program has in hand of a stream, its version and the position of its last
//! event, is kept in a map. After the store was opened, it is read from the last event of the
//! stream, whose payload begins with its version.
//!
//! Its one writer thread syncs (`fdatasync`) what all threads have handed to it, before anybody
//! sees it and before `append` returns. There is no other way to append: `Mode::synced` makes no
//! difference, and `sync` has nothing to do. The indexes are not synced, but made anew from the
//! log where they are missing.

use crate::peer::{Asked, Mode, Nth, Peer};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Mutex;
use tephra::{
    AppendCondition, AppendError, ConflictSite, Event, EventType, Position, Query, QueryItem,
    SegmentConfig, SegmentSet, Tag, Tags, WriteCoordinator, WriteHandle, WriterConfig,
};

/// Bytes of a segment file, as in Tephra's README. It allocates them all at once.
const SEGMENT: usize = 256 << 20;
/// Bytes of the version before the payload.
const VERSION: usize = 8;

pub struct Tephra {
    coordinator: WriteCoordinator,
    handle: WriteHandle,
    streams: Mutex<HashMap<String, Known>>,
    /// Whether there may be streams that the map does not have.
    is_reopened: bool,
}

/// What is known of a stream.
#[derive(Default)]
struct Known {
    version: u64,
    last: u64,
}

pub struct Batch {
    events: Vec<Event>,
    /// Each event's stream, and the version at which it has to be.
    expected: Vec<(String, u64)>,
    /// All events of these streams.
    streams: Vec<QueryItem>,
}

fn tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Tags {
    Tags::new(tags.into_iter().map(|tag| Tag::new(tag).unwrap())).unwrap()
}

fn stream_tag(stream: &str) -> String {
    format!("stream:{stream}")
}

fn tag_item(tag: &str) -> QueryItem {
    QueryItem::with_tags(tags([tag]))
}

fn asked_item(asked: &Asked) -> QueryItem {
    QueryItem::new(vec![EventType::new(&*asked.event_type).unwrap()], tags([&*asked.tag]))
}

impl Batch {
    fn new(nths: &[Nth], mode: Mode) -> Self {
        let all: Vec<_> = nths.iter().map(|nth| nth.event()).collect();
        let event = |event: &crate::peer::Event| {
            let stream = stream_tag(&event.stream);
            let indexed = if mode.lean { &[][..] } else { &event.tags };
            let tags = tags(indexed.iter().chain([&stream]).map(|tag| &**tag));
            let payload = [&event.expected.to_le_bytes(), &event.payload[..]].concat();
            Event::new(&EventType::new(&*event.event_type).unwrap(), &tags, &payload).unwrap()
        };
        let streams: BTreeSet<_> = all.iter().map(|event| stream_tag(&event.stream)).collect();
        Self {
            events: all.iter().map(event).collect(),
            streams: streams.iter().map(|tag| tag_item(tag)).collect(),
            expected: all.into_iter().map(|event| (event.stream, event.expected)).collect(),
        }
    }
}

impl Tephra {
    fn start(folder: &Path, is_reopened: bool) -> Self {
        let segments = SegmentSet::open(folder, SegmentConfig::new(SEGMENT)).unwrap();
        let (coordinator, handle) =
            WriteCoordinator::start(segments, WriterConfig::default()).unwrap();
        Self { coordinator, handle, streams: Mutex::default(), is_reopened }
    }

    /// What is found after a position; returns how much, and up to where it was looked for.
    fn read(
        &self,
        query: &Query,
        after: u64,
        limit: Option<u64>,
        mut each: impl FnMut(&[u8]),
    ) -> (u64, u64) {
        let mut reads = self.handle.read(query, Position::new(after), limit);
        let mut count = 0;
        while let Some(found) = reads.next() {
            each(&found.unwrap().event.data()[VERSION..]);
            count += 1;
        }
        (count, reads.watermark().get())
    }

    fn known(&self, stream: &str) -> Known {
        if !self.is_reopened {
            return Known::default();
        }
        let query = Query::item(tag_item(&stream_tag(stream)));
        let mut reads = self.handle.read_back(&query, Position::MAX, Some(1));
        reads.next().map_or_else(Known::default, |last| {
            let last = last.unwrap();
            let version = last.event.data()[..VERSION].try_into().unwrap();
            Known { version: u64::from_le_bytes(version) + 1, last: last.position.get() }
        })
    }

    /// Moves the streams' versions on, so that no other thread does; if one is not as expected,
    /// none. Returns a position up to which all events of these streams are known, if only one
    /// thread at a time appends to each.
    fn advance(&self, expected: &[(String, u64)]) -> Option<u64> {
        let mut streams = self.streams.lock().unwrap();
        let mut after = 0;
        for (nth, (stream, expected_version)) in expected.iter().enumerate() {
            let known = match streams.get_mut(stream) {
                Some(known) => known,
                None => streams.entry(stream.clone()).or_insert(self.known(stream)),
            };
            if known.version != *expected_version {
                retreat(&mut streams, &expected[..nth]);
                return None;
            }
            known.version += 1;
            after = after.max(known.last);
        }
        Some(after)
    }

    /// Appends, unless there is what is asked for. There is one condition for this and for the
    /// streams, as nothing is to be found between what was seen and what is known of the streams.
    fn commit(&self, batch: &Batch, asked: Option<(&Asked, u64)>) -> bool {
        let known = self.advance(&batch.expected).expect("a stream at its expected version");
        let after = asked.map_or(known, |(_, seen)| known.max(seen));
        let condition = || {
            let asked = asked.map(|(asked, _)| asked_item(asked));
            let items: Vec<_> = batch.streams.iter().cloned().chain(asked).collect();
            AppendCondition::new(Query::items(items)).after(Position::new(after))
        };
        let is_there = asked.is_some_and(|(asked, seen)| {
            seen < known && self.read(&Query::item(asked_item(asked)), seen, Some(1), |_| ()).0 > 0
        });
        let first = if is_there { None } else { self.append_if(batch, condition) };
        assert!(first.is_some() || asked.is_some(), "a stream was appended to");
        let mut streams = self.streams.lock().unwrap();
        let Some(first) = first else {
            retreat(&mut streams, &batch.expected);
            return false;
        };
        for (position, (stream, _)) in (first..).zip(&batch.expected) {
            streams.get_mut(stream).unwrap().last = position;
        }
        true
    }

    /// Appends if the condition holds; returns the position of the first event.
    fn append_if(&self, batch: &Batch, condition: impl Fn() -> AppendCondition) -> Option<u64> {
        loop {
            match self.handle.append(batch.events.clone(), Some(condition())) {
                Ok(range) => return Some(range.first.get()),
                // What is against it is not durable yet, and may not come to be.
                Err(AppendError::Conflict { at: ConflictSite::SameBatch, .. }) => (),
                Err(AppendError::Conflict { .. }) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Moves the streams' versions back.
fn retreat(streams: &mut HashMap<String, Known>, expected: &[(String, u64)]) {
    for (stream, _) in expected {
        streams.get_mut(stream).unwrap().version -= 1;
    }
}

impl Peer for Tephra {
    type Batch = Batch;

    const NAME: &'static str = "tephra";

    fn create(folder: &Path, _: Mode) -> Self {
        Self::start(folder, false)
    }

    fn open(folder: &Path, _: Mode) -> Self {
        Self::start(folder, true)
    }

    fn batch(events: &[Nth], mode: Mode) -> Batch {
        Batch::new(events, mode)
    }

    fn append(&self, batch: &Batch) {
        self.commit(batch, None);
    }

    fn sync(&self) {}

    fn close(self) {
        self.coordinator.shutdown();
    }

    fn replay(&self, each: impl FnMut(&[u8])) -> u64 {
        self.read(&Query::all(), 0, None, each).0
    }

    fn stream(&self, stream: &str, each: impl FnMut(&[u8])) -> u64 {
        self.tagged(&stream_tag(stream), each)
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        for position in positions {
            let (count, _) = self.read(&Query::all(), position - 1, Some(1), &mut each);
            assert_eq!(count, 1, "the event at {position}");
        }
    }

    fn tagged(&self, tag: &str, each: impl FnMut(&[u8])) -> u64 {
        self.read(&Query::item(tag_item(tag)), 0, None, each).0
    }

    fn since(&self, asked: &Asked, seen: u64, each: impl FnMut(&[u8])) -> u64 {
        self.read(&Query::item(asked_item(asked)), seen, None, each).1
    }

    fn append_unless(&self, batch: &Batch, asked: &Asked, seen: u64) -> bool {
        self.commit(batch, Some((asked, seen)))
    }
}

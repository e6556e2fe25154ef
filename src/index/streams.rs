//! Streams and categories.

use crate::format::{KeyedAlready, TermHash};
use crate::words::{Position, Version, category_of};
use std::collections::{BTreeMap, HashMap};

/// A stream's number in the index of this process; it means nothing elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamId(usize);

/// All streams.
#[derive(Default)]
pub(super) struct Streams {
    by_hash: HashMap<TermHash, usize, KeyedAlready>,
    list: Vec<Stream>,
    /// The streams of each category, in the order in which they began.
    categories: BTreeMap<Box<str>, Vec<usize>>,
}

struct Stream {
    name: Box<str>,
    /// The positions of its events: the event of version v is at index v - 1.
    positions: Vec<u64>,
}

impl Streams {
    pub(super) fn find(&self, hash: TermHash) -> Option<StreamId> {
        self.by_hash.get(&hash).copied().map(StreamId)
    }

    /// The stream's version after the events up to `head`.
    pub(super) fn version(&self, stream: StreamId, head: Position) -> Version {
        let positions = self.list.get(stream.0).map_or(&[][..], |stream| &stream.positions);
        // Mostly the last event is within the view.
        let count = match positions.last() {
            Some(last) if *last > head.get() => {
                positions.partition_point(|position| *position <= head.get())
            }
            _ => positions.len(),
        };
        Version::new(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// The position of the event with this version.
    pub(super) fn position(&self, stream: StreamId, version: Version) -> Option<Position> {
        let nth = usize::try_from(version.get().checked_sub(1)?).ok()?;
        self.list.get(stream.0)?.positions.get(nth).copied().map(Position::new)
    }

    /// Adds an event at the end of a stream, which begins with it if it is new.
    pub(super) fn push(&mut self, hash: TermHash, name: &str, position: Position) {
        let nth = *self.by_hash.entry(hash).or_insert_with(|| {
            let nth = self.list.len();
            self.list.push(Stream { name: name.into(), positions: Vec::new() });
            let category = category_of(name);
            match self.categories.get_mut(category) {
                Some(streams) => streams.push(nth),
                None => {
                    self.categories.insert(category.into(), vec![nth]);
                }
            }
            nth
        });
        if let Some(stream) = self.list.get_mut(nth) {
            stream.positions.push(position.get());
        }
    }

    /// Streams that have begun by `head`, from the `from`-th on, at most `limit`; and where to go
    /// on.
    pub(super) fn names(
        &self,
        category: Option<&str>,
        head: Position,
        from: usize,
        limit: usize,
    ) -> (Vec<String>, usize) {
        let within = |nth: usize| -> Option<&Stream> {
            self.list.get(nth).filter(|stream| stream.begun(head))
        };
        let names: Vec<String> = match category {
            None => (from..self.list.len())
                .take(limit)
                .map_while(within)
                .map(|stream| stream.name.to_string())
                .collect(),
            Some(category) => {
                let streams = self.categories.get(category).map_or(&[][..], Vec::as_slice);
                let streams = streams.iter().skip(from).take(limit);
                streams
                    .map_while(|nth| within(*nth))
                    .map(|stream| stream.name.to_string())
                    .collect()
            }
        };
        let next = from + names.len();
        (names, next)
    }

    /// Categories that have begun by `head`, by name.
    pub(super) fn categories(&self, head: Position) -> Vec<String> {
        let begun = |streams: &&Vec<usize>| {
            streams
                .first()
                .and_then(|nth| self.list.get(*nth))
                .is_some_and(|stream| stream.begun(head))
        };
        let categories = self.categories.iter().filter(|(_, streams)| begun(streams));
        categories.map(|(name, _)| name.to_string()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

impl Stream {
    fn begun(&self, head: Position) -> bool {
        self.positions.first().is_some_and(|first| *first <= head.get())
    }
}

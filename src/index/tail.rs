//! The tail's index: everything that the log says from where the index begins.

use super::Offsets;
use super::streams::{StreamId, Streams};
use crate::format::TermHash;
use crate::words::{LogOffset, Position, Version};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The index of the tail. It has commits in flight too; readers say up to where they look.
pub struct Tail {
    offsets: Offsets,
    streams: RwLock<Streams>,
}

/// An event to be indexed: its stream's hash and name, its position, its place.
pub struct Entry<'a> {
    /// The stream's keyed hash.
    pub hash: TermHash,
    /// The stream's name.
    pub name: &'a str,
    /// The event's position.
    pub position: Position,
    /// Where its record stands.
    pub at: LogOffset,
}

impl Tail {
    /// An empty index; its first event will be at `base`.
    pub fn new(base: Position) -> Self {
        Self { offsets: Offsets::new(base), streams: RwLock::default() }
    }

    /// The table position -> log offset.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Adds a commit's events, in their order.
    pub fn extend<'a>(&self, entries: impl IntoIterator<Item = Entry<'a>>) {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            self.offsets.set(entry.position, entry.at);
            streams.push(entry.hash, entry.name, entry.position);
        }
    }

    /// A stream.
    pub fn find(&self, hash: TermHash) -> Option<StreamId> {
        self.read().find(hash)
    }

    /// The version of each of these streams after the events up to `head`.
    pub fn versions(
        &self,
        hashes: impl IntoIterator<Item = TermHash>,
        head: Position,
    ) -> Vec<Version> {
        let streams = self.read();
        let version =
            |hash| streams.find(hash).map_or(Version::NONE, |id| streams.version(id, head));
        hashes.into_iter().map(version).collect()
    }

    /// The version of a stream after the events up to `head`.
    pub fn version(&self, stream: StreamId, head: Position) -> Version {
        self.read().version(stream, head)
    }

    /// The positions of versions of a stream, in the order asked for, until one is not there.
    pub fn positions(
        &self,
        stream: StreamId,
        versions: impl IntoIterator<Item = Version>,
        out: &mut Vec<Position>,
    ) {
        let streams = self.read();
        out.extend(versions.into_iter().map_while(|version| streams.position(stream, version)));
    }

    /// Names of streams that have begun by `head`, in the order in which they began, from the
    /// `from`-th on, at most `limit`; and where to go on.
    pub fn stream_names(
        &self,
        category: Option<&str>,
        head: Position,
        from: usize,
        limit: usize,
    ) -> (Vec<String>, usize) {
        self.read().names(category, head, from, limit)
    }

    /// Names of categories that have begun by `head`, sorted.
    pub fn categories(&self, head: Position) -> Vec<String> {
        self.read().categories(head)
    }

    /// How many streams it has, those in flight included.
    pub fn stream_count(&self) -> usize {
        self.read().len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Streams> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner)
    }
}

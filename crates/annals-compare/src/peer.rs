//! What a workload asks of a store, and the events it is asked with.

use crate::support;
use std::path::Path;

/// An event of the data: 256 bytes that can't be compressed, one of 20 types, two tags.
pub struct Event {
    pub stream: String,
    /// The version at which the stream has to be; this event gets the next one.
    pub expected: u64,
    pub event_type: String,
    pub tags: [String; 2],
    pub payload: Vec<u8>,
}

/// An event by its numbers: what its stream, type, tags and payload are follows from them.
#[derive(Clone, Copy)]
pub struct Nth {
    /// Its number among all.
    pub nth: u64,
    pub stream: u64,
    /// The version at which the stream has to be.
    pub expected: u64,
}

impl Nth {
    pub fn event(self) -> Event {
        let (event_type, tags) = support::kinds(self.nth);
        Event {
            stream: support::stream_name(self.stream),
            expected: self.expected,
            event_type: support::type_name(event_type),
            tags: tags.map(support::tag_name),
            payload: support::payload(self.nth),
        }
    }
}

/// The events of a type with a tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub event_type: String,
    pub tag: String,
}

/// How a store is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Each commit is on the device when `append` returns. Else nothing is synced before `sync`.
    pub synced: bool,
    /// Nothing is indexed but streams and positions.
    pub lean: bool,
    /// The room is taken ahead, where the store can.
    pub reserve: bool,
}

/// A store, as an expert would use it.
///
/// Positions count from 1 without gaps. Whatever goes wrong ends the measurement: every method
/// panics.
pub trait Peer: Sync + Sized {
    /// A commit, made ready before the clock starts.
    type Batch: Send + Sync;

    /// What the table calls it.
    const NAME: &'static str;

    /// Makes a new store in this folder, which is empty.
    fn create(folder: &Path, mode: Mode) -> Self;

    /// Opens the store in this folder.
    fn open(folder: &Path, mode: Mode) -> Self;

    /// A commit of these events.
    fn batch(events: &[Nth], mode: Mode) -> Self::Batch;

    /// Appends all of it or nothing, each stream being at its expected version.
    fn append(&self, batch: &Self::Batch);

    /// Makes all durable that is appended.
    fn sync(&self);

    /// What has to be over before the clock starts.
    fn settle(&self) {}

    /// Closes it as a program would that ends well.
    fn close(self);

    /// Every payload in the order of positions, checks on; returns how many there were.
    fn replay(&self, each: impl FnMut(&[u8])) -> u64;

    /// Every payload of a stream in order; returns how many there were.
    fn stream(&self, stream: &str, each: impl FnMut(&[u8])) -> u64;

    /// The payloads at these positions, one by one.
    fn positions(&self, positions: &[u64], each: impl FnMut(&[u8]));

    /// Every payload with a tag, in order; returns how many there were.
    fn tagged(&self, tag: &str, each: impl FnMut(&[u8])) -> u64;

    /// The payloads that are asked for, after the position `seen`; returns a position up to which
    /// all of them were seen.
    fn since(&self, asked: &Asked, seen: u64, each: impl FnMut(&[u8])) -> u64;

    /// Appends as `append` does, unless there is what is asked for after the position `seen`;
    /// returns whether it has.
    fn append_unless(&self, batch: &Self::Batch, asked: &Asked, seen: u64) -> bool;
}

//! What salvaging a store has come to.

use super::judge::Room;
use crate::engine::verify::Issue;
use crate::format::{FrameHeader, Mark};
use crate::words::{LogOffset, Position};
use std::fmt;

/// What salvaging a store has come to: what is in the new one, and what is lost.
///
/// Positions in it are those of the damaged store, but for [`KeptRange::now`]. Every position that
/// anything proves which has survived is kept, lost or torn; each once.
///
/// ```
/// use annals::{NewEvent, Store};
/// let folder = tempfile::tempdir()?;
/// let (path, to) = (folder.path().join("a.annals"), folder.path().join("b.annals"));
/// let store = Store::open(&path)?;
/// for text in ["one", "two", "three"] {
///     store.append("a", annals::ExpectedVersion::Any, [NewEvent::new("Noted", text)])?;
/// }
/// store.close()?;
///
/// // A bit rots in the payload of the second.
/// let mut bytes = std::fs::read(&path)?;
/// let at = bytes.windows(3).position(|bytes| bytes == b"two").unwrap();
/// bytes[at] ^= 1;
/// std::fs::write(&path, bytes)?;
///
/// let report = Store::salvage(&path, &to)?;
/// assert_eq!((report.events, report.events_lost()), (2, 1));
/// assert_eq!(report.lost[0].first.get(), 2);
/// // What was at position 3 is at position 2 now.
/// assert_eq!((report.kept[1].first.get(), report.kept[1].now.get()), (3, 2));
/// assert!(report.to_string().contains("position 2 is lost"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct SalvageReport {
    /// Commits in the new store. One of which only documents were left that were replaced or
    /// deleted later is not there; nor is one of which nothing was left.
    pub commits: u64,
    /// Events in the new store.
    pub events: u64,
    /// Documents in the new store.
    pub documents: u64,
    /// Bytes of the new store, as long as its file is.
    pub bytes: u64,
    /// Bytes of the damaged file, all of which were looked at.
    pub scanned: u64,
    /// Bytes of it that the device refused to read, and that were taken for damaged.
    pub unreadable: u64,
    /// What became of which positions, in their order.
    pub kept: Vec<KeptRange>,
    /// What is lost, in the order of the log.
    pub lost: Vec<LostRange>,
    /// Commits of which something is kept, but not all in one commit, in the order of the log.
    pub broken: Vec<BrokenCommit>,
    /// What stands at the log's end and was not taken, since nothing proves that it was ever
    /// synced and it does not follow what does: recovery discards it too.
    pub torn: Option<TornTail>,
    /// Documents, deleted ones too, whose newest record that is whole stands before something lost
    /// which may have been a newer one.
    pub documents_in_doubt: u64,
    /// What else is damaged. Nothing was lost by that alone.
    pub issues: Vec<Issue>,
    /// Whether it was stopped before the end: then there is no new store.
    pub cancelled: bool,
}

/// Events that are kept: they stood behind one another, and still do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct KeptRange {
    /// The position that the first of them had.
    pub first: Position,
    /// How many they are.
    pub events: u64,
    /// The position that the first of them has now.
    pub now: Position,
}

/// Something that is lost.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LostRange {
    /// The position of the first event that is lost.
    pub first: Position,
    /// How many events are lost. At the end of the log: how many are proven to have been there.
    pub events: u64,
    /// Whether documents may be lost with them.
    pub documents: bool,
    /// The log offset where it stood.
    pub from: LogOffset,
    /// The log offset behind it.
    pub to: LogOffset,
    /// The byte of the file where it stood, if that is known.
    pub file_offset: Option<u64>,
    /// What was found there, in words.
    pub what: String,
}

/// A commit that is there in part, or in several ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BrokenCommit {
    /// The log offset of its frame.
    pub at: LogOffset,
    /// The position of its first event; that of the next event if it has none.
    pub first: Position,
    /// How many events it had.
    pub events: u64,
    /// How many of them are kept.
    pub kept: u64,
}

/// What was not taken from the end of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TornTail {
    /// The log offset of its first frame.
    pub at: LogOffset,
    /// The byte of the file where that stands.
    pub file_offset: Option<u64>,
    /// The first position that it has, or should have.
    pub first: Position,
    /// How many events it has, or should have.
    pub events: u64,
    /// Commits of which there is something.
    pub commits: u64,
}

impl SalvageReport {
    /// Whether nothing is lost. What recovery discards as well is no loss.
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.broken.is_empty() && !self.cancelled
    }

    /// How many events are lost, as far as anything tells.
    pub fn events_lost(&self) -> u64 {
        self.lost.iter().map(|lost| lost.events).fold(0, u64::saturating_add)
    }

    /// Notes that an event that had this position is at another one now.
    pub(super) fn keep(&mut self, position: Position, now: Position) {
        self.events += 1;
        if let Some(last) = self.kept.last_mut()
            && last.first.forward(last.events) == Some(position)
            && last.now.forward(last.events) == Some(now)
        {
            last.events += 1;
            return;
        }
        self.kept.push(KeptRange { first: position, events: 1, now });
    }

    /// Notes something lost.
    pub(super) fn lose(&mut self, lost: LostRange) {
        if let Some(last) = self.lost.last_mut()
            && last.to == lost.from
            && last.what == lost.what
            && last.first.forward(last.events) == Some(lost.first)
        {
            last.events = last.events.saturating_add(lost.events);
            last.documents |= lost.documents;
            last.to = lost.to;
            return;
        }
        self.lost.push(lost);
    }
}

impl TornTail {
    /// A tail that begins with this frame, behind what was taken.
    pub(super) fn begin(header: &FrameHeader, room: &Room, end: &Mark, proven: LogOffset) -> Self {
        // What is missing before it was never proven either, or else is lost.
        let first = if end.at < proven { header.first } else { end.next };
        let (at, file_offset) = (header.at, room.file_offset_of(header.at));
        Self { at, file_offset, first, events: 0, commits: 0 }
    }

    /// One more frame of it.
    pub(super) fn add(&mut self, header: &FrameHeader) {
        let next = header.first.get().saturating_add(u64::from(header.events));
        self.events = self.events.max(next.saturating_sub(self.first.get()));
        self.commits += u64::from(header.records > 0);
    }
}

/// `position 7`, or `positions 7 to 9`; with `is` or `are`.
struct Positions(Position, u64);

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(first, events) = *self;
        match events {
            1 => write!(f, "position {first} is"),
            _ => {
                let last = first.get().saturating_add(events).saturating_sub(1);
                write!(f, "positions {first} to {last} are")
            }
        }
    }
}

impl fmt::Display for LostRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.events, self.documents) {
            (0, true) => write!(f, "documents before position {} may be lost", self.first)?,
            (0, false) => write!(f, "something before position {} is lost", self.first)?,
            (events, _) => write!(f, "{} lost", Positions(self.first, events))?,
        }
        if self.events > 0 && self.documents {
            write!(f, ", perhaps documents too")?;
        }
        write!(f, " (log offset {} to {}", self.from, self.to)?;
        if let Some(offset) = self.file_offset {
            write!(f, ", byte {offset} of the file")?;
        }
        write!(f, "): {}", self.what)
    }
}

impl fmt::Display for SalvageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commits, events, documents, scanned, .. } = self;
        if self.cancelled {
            return write!(f, "stopped before the end: there is no new store");
        }
        write!(
            f,
            "kept {events} events and {documents} documents in {commits} commits, \
             of {scanned} bytes that were looked at"
        )?;
        for kept in self.kept.iter().filter(|kept| kept.first != kept.now) {
            let moved = Positions(kept.first, kept.events);
            write!(f, "\n{moved} kept, from position {} on now", kept.now)?;
        }
        for lost in &self.lost {
            write!(f, "\n{lost}")?;
        }
        for BrokenCommit { at, first, events, kept } in &self.broken {
            write!(
                f,
                "\nthe commit of position {first} (log offset {at}) is broken: \
                 {kept} of its {events} events are kept"
            )?;
        }
        if let Some(TornTail { at, first, events, commits, .. }) = self.torn {
            write!(
                f,
                "\n{commits} commits with {events} events from position {first} on (log offset \
                 {at}) were not taken: nothing proves that they were ever synced, and they do not \
                 follow what was"
            )?;
        }
        if self.documents_in_doubt > 0 {
            write!(f, "\nof {} documents something newer may be lost", self.documents_in_doubt)?;
        }
        if self.unreadable > 0 {
            write!(f, "\n{} bytes could not be read", self.unreadable)?;
        }
        for issue in &self.issues {
            write!(f, "\n{}", issue.what)?;
        }
        Ok(())
    }
}

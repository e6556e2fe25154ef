//! A table: the index of a piece of the tail, in memory.
//!
//! One thread at a time adds to it (whoever holds the writer's lock); any number read. It may have
//! commits in flight, so readers say up to where they look.

mod numbers;
mod postings;
mod terms;

use super::Offsets;
use crate::format::{
    DocumentEntry, DocumentPlace, Entries, FileKey, Mark, PlacedEvent, Resolved, TermHash,
    TermKind, TermName, index, u64_of,
};
use crate::threads::atomic::Ordering;
use crate::threads::{Hint, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use crate::words::{LogOffset, Position, Version};
pub(in crate::index) use postings::{List, Spot};
use std::ops::{Bound, RangeBounds};
use terms::Room;
pub(in crate::index) use terms::Terms;

/// The index of the log from one frame on, up to another once that is known.
pub struct Table {
    key: FileKey,
    /// The frame where it begins.
    start: Mark,
    /// The frame where it ends, once it takes in no more.
    end: OnceLock<Mark>,
    offsets: Offsets,
    terms: RwLock<Terms>,
    /// Events and records of documents that it has taken in.
    load: Hint,
}

/// What a part of the index knows of a term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// For a stream: its version before this part.
    pub base: u64,
    /// Its postings in this part.
    pub count: u64,
}

impl Table {
    /// An empty table that begins here.
    pub fn new(start: Mark, key: FileKey) -> Self {
        Self::with_room(start, key, Room::default())
    }

    /// An empty table that begins here, with room for as much as this one has.
    pub fn after(&self, start: Mark) -> Self {
        Self::with_room(start, self.key, self.read().room())
    }

    fn with_room(start: Mark, key: FileKey, room: Room) -> Self {
        let offsets = Offsets::new(start.next);
        let terms = RwLock::new(Terms::with_room(room));
        Self { key, start, end: OnceLock::new(), offsets, terms, load: Hint::new(0) }
    }

    /// Where it begins.
    pub fn start(&self) -> Mark {
        self.start
    }

    /// Where it ends, if it takes in no more.
    pub fn end(&self) -> Option<Mark> {
        self.end.get().copied()
    }

    /// From now on it takes in no more; it ends at this frame.
    pub fn close(&self, end: Mark) {
        let _ = self.end.set(end);
    }

    /// Events that it has, those in flight included.
    pub fn events(&self) -> u64 {
        self.read().events
    }

    /// The log offset of the event with this position.
    pub fn locate(&self, position: Position) -> Option<LogOffset> {
        self.offsets.get(position)
    }

    /// How many events and records of documents it has taken in, those in flight included.
    pub fn load(&self) -> u64 {
        // Relaxed: how much it is decides when it becomes a run, nothing more.
        self.load.load(Ordering::Relaxed)
    }

    /// Its events, and the bytes of their payloads, those in flight included.
    pub fn totals(&self) -> (u64, u64) {
        let terms = self.read();
        (terms.events, terms.payload_bytes)
    }

    /// Adds what a commit has, in its order.
    pub fn extend(&self, met: Entries<'_>) {
        let mut terms = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        for entry in met.events {
            self.offsets.set(entry.position, entry.at);
            terms.look_up(entry, self.relative(entry.position), &self.key);
        }
        met.documents.iter().for_each(|entry| terms.put(entry));
        let more = u64_of(met.events.len().saturating_add(met.documents.len()));
        self.load.fetch_add(more, Ordering::Relaxed);
    }

    /// What it knows of each of these terms, where the log is in the segment with this number.
    pub fn resolve(
        &self,
        hashes: impl Iterator<Item = TermHash>,
        segment: u32,
        out: &mut Vec<Resolved>,
    ) {
        let terms = self.read();
        out.extend(hashes.map(|hash| terms.resolve(hash, segment)));
    }

    /// Adds a commit that has its place. Each of its names was resolved before, by whoever holds
    /// the writer's lock; with a name comes the version of a stream before the commit.
    pub fn append<'a>(
        &self,
        names: impl Iterator<Item = Option<(TermName<'a>, &'a mut Resolved, Version)>>,
        segment: u32,
        events: impl Iterator<Item = PlacedEvent<'a>>,
        documents: impl Iterator<Item = DocumentEntry<'a>>,
        numbers: &mut Vec<u32>,
    ) {
        let mut terms = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        numbers.clear();
        numbers.extend(names.map(|name| {
            name.map_or(0, |(name, resolved, before)| {
                terms.note(&name, resolved, segment, before.get(), &self.key)
            })
        }));
        let number = |name: u32| numbers.get(index(u64::from(name))).copied().unwrap_or_default();
        let mut load = 0;
        for event in events {
            self.offsets.set(event.position, event.at);
            terms.take(&event, self.relative(event.position), number, &self.key);
            load += 1;
        }
        for entry in documents {
            terms.put(&entry);
            load += 1;
        }
        self.load.fetch_add(load, Ordering::Relaxed);
    }

    /// The newest record of a document that stands before `end`.
    pub fn document(&self, key: TermHash, end: LogOffset) -> Option<DocumentPlace> {
        let terms = self.read();
        terms.document(terms.find(key.of(TermKind::Document))?, end)
    }

    /// Adds names of a kind within these bounds, ascending, or descending if `backward`; at most
    /// `most`. With each comes how many of its events are in `range`, 0 for a document.
    pub fn names(
        &self,
        (kind, range): (TermKind, (Position, Position)),
        bounds: (Bound<&str>, Bound<&str>),
        backward: bool,
        most: usize,
        out: &mut Vec<(String, u64)>,
    ) {
        let terms = self.read();
        if kind == TermKind::Document {
            let keys = terms.keys().range::<str, _>(bounds).map(|(key, _)| (key.to_string(), 0));
            return some(keys, backward, most, out);
        }
        let names = terms.of_kind(kind).map(|term| (terms.text(term), term));
        let mut names: Vec<_> = names.filter(|(name, _)| bounds.contains(*name)).collect();
        // Only those that are given are sorted: whoever lists many comes back for the next ones.
        if most > 0 && names.len() > most {
            let last = if backward { names.len() - most } else { most - 1 };
            names.select_nth_unstable_by_key(last, |(name, _)| *name);
            if backward {
                names.drain(..last);
            }
            names.truncate(most);
        }
        names.sort_unstable_by_key(|(name, _)| *name);
        let counted = |(name, term): (&str, _)| {
            let (begin, end) = self.numbers(&terms, term, range);
            (name.to_owned(), u64::from(end.saturating_sub(begin)))
        };
        some(names.into_iter().map(counted), backward, most, out);
    }

    /// Whether any of these terms has an event in `from..=to`.
    pub fn has_any(&self, hashes: &[TermHash], range: (Position, Position)) -> bool {
        let terms = self.read();
        let mut known = hashes.iter().filter_map(|hash| terms.find(*hash));
        known.any(|term| {
            let (begin, end) = self.numbers(&terms, term, range);
            begin < end
        })
    }

    /// What it knows of a term of events up to `head`.
    pub fn known_to(&self, hash: TermHash, head: Position) -> Option<Known> {
        let terms = self.read();
        let term = terms.find(hash)?;
        (head >= self.start.next).then(|| {
            let count = terms.before(term, self.relative(head).saturating_add(1));
            Known { base: term.base, count: u64::from(count) }
        })
    }

    /// Adds the positions of a stream's events from version `from` on, up to version `to`, that it
    /// has; `most` at the most.
    pub fn versions(
        &self,
        hash: TermHash,
        (from, to): (Version, Version),
        most: usize,
        out: &mut Vec<u64>,
    ) {
        let terms = self.read();
        let Some(term) = terms.find(hash) else { return };
        let number = |version: Version| {
            let after = version.get().saturating_sub(term.base);
            u32::try_from(after).unwrap_or(u32::MAX)
        };
        let (begin, end) = (number(from).saturating_sub(1), number(to));
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        self.copy(&terms, term, (begin, end.min(begin.saturating_add(most))), out);
    }

    /// How many events up to `head` a term has.
    pub fn count(&self, hash: TermHash, range: (Position, Position)) -> u64 {
        let terms = self.read();
        let Some(term) = terms.find(hash) else { return 0 };
        let (begin, end) = self.numbers(&terms, term, range);
        u64::from(end.saturating_sub(begin))
    }

    /// The numbers of a term's postings that lie in `from..=to`: the first, and the one after the
    /// last.
    fn numbers(
        &self,
        terms: &Terms,
        term: &terms::Term,
        (from, to): (Position, Position),
    ) -> (u32, u32) {
        if to < from || to < self.start.next {
            return (0, 0);
        }
        let begin = terms.before(term, self.relative(from));
        (begin, terms.before(term, self.relative(to).saturating_add(1)))
    }

    fn copy(&self, terms: &Terms, term: &terms::Term, numbers: (u32, u32), out: &mut Vec<u64>) {
        let base = self.start.next.get();
        terms.each(term, numbers, |positions| {
            out.extend(positions.iter().map(|nth| u64::from(*nth).saturating_add(base)));
        });
    }

    /// The version that each stream has after it, those in flight included.
    pub fn heads(&self, mut each: impl FnMut(TermHash, Version)) {
        let terms = self.read();
        for term in terms.of_kind(TermKind::Stream) {
            each(term.hash, term.version());
        }
    }

    /// Bytes that its terms take, as near as matters.
    pub fn bytes(&self) -> u64 {
        self.read().bytes()
    }

    /// Counted from its first position.
    fn relative(&self, position: Position) -> u32 {
        let nth = position.get().saturating_sub(self.start.next.get());
        u32::try_from(nth).unwrap_or(u32::MAX)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Terms> {
        self.terms.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the first `most`, or the last, the last one first.
fn some<T>(all: impl DoubleEndedIterator<Item = T>, backward: bool, most: usize, out: &mut Vec<T>) {
    if backward {
        out.extend(all.rev().take(most));
    } else {
        out.extend(all.take(most));
    }
}

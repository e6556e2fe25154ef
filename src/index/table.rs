//! A table: the index of a piece of the tail, in memory.
//!
//! One thread at a time adds to it (whoever holds the writer's lock); any number read. It may have
//! commits in flight, so readers say up to where they look.

use super::Offsets;
use crate::format::{Entry, FileKey, KeyedAlready, Mark, TermHash, TermKind, u64_of};
use crate::words::{LogOffset, Position, Version, category_of};
use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// The index of the log from one frame on, up to another once that is known.
pub struct Table {
    key: FileKey,
    /// The frame where it begins.
    start: Mark,
    /// The frame where it ends, once it takes in no more.
    end: OnceLock<Mark>,
    offsets: Offsets,
    terms: RwLock<Terms>,
}

#[derive(Default)]
pub(super) struct Terms {
    by_hash: HashMap<TermHash, u32, KeyedAlready>,
    list: Vec<Term>,
    /// All postings: each leads to the one before it of the same term.
    postings: Vec<Posting>,
    texts: String,
    events: u64,
}

/// A term and its chain of postings, from the last to the first.
struct Term {
    hash: TermHash,
    kind: TermKind,
    /// Where its text begins, and its bytes.
    text: (usize, usize),
    /// For a stream: its version before the table.
    base: u64,
    count: u32,
    first: u32,
    /// The number of its last posting.
    last: u32,
    /// For a stream: its category's term.
    category: u32,
}

#[derive(Clone, Copy)]
struct Posting {
    /// Counted from the table's first position.
    position: u32,
    /// The number of the posting before.
    before: u32,
}

/// What a part of the index knows of a term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// For a stream: its version before this part.
    pub base: u64,
    /// Its postings in this part.
    pub count: u64,
}

/// A named term as a table or run lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// What it is the name of.
    pub kind: TermKind,
    /// The name.
    pub text: String,
    /// Its events.
    pub count: u64,
    /// The first of them.
    pub first: Position,
    /// The last of them.
    pub last: Position,
}

impl Table {
    /// An empty table that begins here.
    pub fn new(start: Mark, key: FileKey) -> Self {
        let offsets = Offsets::new(start.next);
        Self { key, start, end: OnceLock::new(), offsets, terms: RwLock::default() }
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

    /// Adds a commit's events, in their order.
    pub fn extend<'a>(&self, entries: impl IntoIterator<Item = Entry<'a>>) {
        let mut terms = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            self.offsets.set(entry.position, entry.at);
            let position = self.relative(entry.position);
            terms.push(&entry, position, &self.key);
        }
    }

    /// What it knows of each of these terms, events in flight included.
    pub fn known(&self, hashes: &[TermHash]) -> Vec<Option<Known>> {
        let terms = self.read();
        hashes.iter().map(|hash| terms.find(*hash).map(Term::known)).collect()
    }

    /// What it knows of a term of events up to `head`.
    pub fn known_to(&self, hash: TermHash, head: Position) -> Option<Known> {
        let terms = self.read();
        let term = terms.find(hash)?;
        let head = head.get().checked_sub(self.start.next.get())?;
        let after = terms.chain(term).take_while(|position| u64::from(*position) > head).count();
        Some(Known { base: term.base, count: u64::from(term.count).saturating_sub(u64_of(after)) })
    }

    /// Adds the positions of a term that lie in `from..=to`, ascending.
    pub fn collect(&self, hash: TermHash, from: Position, to: Position, out: &mut Vec<u64>) {
        let terms = self.read();
        let Some(term) = terms.find(hash) else { return };
        let base = self.start.next.get();
        let begin = out.len();
        let within = terms
            .chain(term)
            .map(|position| u64::from(position).saturating_add(base))
            .skip_while(|position| *position > to.get())
            .take_while(|position| *position >= from.get());
        out.extend(within);
        out.get_mut(begin..).unwrap_or_default().reverse();
    }

    /// The names of a kind that begin so, of events up to `head`, in any order.
    pub fn names(&self, kind: TermKind, prefix: &str, head: Position) -> Vec<Name> {
        let terms = self.read();
        let base = self.start.next.get();
        let wanted = terms.list.iter().filter(|term| term.kind == kind);
        wanted
            .filter(|term| terms.text(term).starts_with(prefix))
            .filter_map(|term| {
                let positions = terms.chain(term).map(|nth| u64::from(nth).saturating_add(base));
                let mut within = positions.skip_while(|position| *position > head.get());
                let last = within.next()?;
                Some(Name {
                    kind,
                    text: terms.text(term).to_owned(),
                    count: u64_of(within.count()).saturating_add(1),
                    first: Position::new(base.saturating_add(u64::from(term.first))),
                    last: Position::new(last),
                })
            })
            .collect()
    }

    /// The version that each stream has after it, those in flight included.
    pub fn heads(&self, mut each: impl FnMut(TermHash, Version)) {
        let terms = self.read();
        for term in terms.list.iter().filter(|term| term.kind == TermKind::Stream) {
            each(term.hash, Version::new(term.base.saturating_add(u64::from(term.count))));
        }
    }

    /// Bytes that its terms take, as near as matters.
    pub fn bytes(&self) -> u64 {
        let terms = self.read();
        u64_of(
            terms.list.capacity() * (size_of::<Term>() + 24)
                + terms.postings.capacity() * size_of::<Posting>()
                + terms.texts.capacity(),
        )
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

impl Terms {
    fn find(&self, hash: TermHash) -> Option<&Term> {
        let nth = self.by_hash.get(&hash)?;
        self.list.get(usize::try_from(*nth).ok()?)
    }

    fn push(&mut self, entry: &Entry<'_>, position: u32, key: &FileKey) {
        self.events += 1;
        let before = entry.version.get().saturating_sub(1);
        let stream = self.stream(entry, before, key);
        let category = self.term(stream).map_or(0, |term| term.category);
        self.post(stream, position);
        self.post(category, position);
        if before == 0 {
            self.begin(category, position, key);
        }
        let event_type = self.id(entry.event_type.hash.of(TermKind::Type), || {
            (TermKind::Type, entry.event_type.text)
        });
        self.post(event_type, position);
        for tag in entry.tags {
            let tag = self.id(tag.hash.of(TermKind::Tag), || (TermKind::Tag, tag.text));
            self.post(tag, position);
        }
        for (id, kind) in entry.ids.iter().zip(TermKind::IDS) {
            if let Some(id) = id {
                let id = self.id(key.term(id.as_bytes()).of(kind), || (kind, ""));
                self.post(id, position);
            }
        }
    }

    /// The term of an entry's stream. A new one has its version from before the entry.
    fn stream(&mut self, entry: &Entry<'_>, before: u64, key: &FileKey) -> u32 {
        let hash = entry.stream.hash.of(TermKind::Stream);
        if let Some(nth) = self.by_hash.get(&hash) {
            return *nth;
        }
        let category = category_of(entry.stream.text);
        let category = self.id(key.term(category.as_bytes()).of(TermKind::Category), || {
            (TermKind::Category, category)
        });
        let stream = self.id(hash, || (TermKind::Stream, entry.stream.text));
        if let Some(term) = self.term_mut(stream) {
            (term.base, term.category) = (before, category);
        }
        stream
    }

    /// An entry is the first of its stream.
    fn begin(&mut self, category: u32, position: u32, key: &FileKey) {
        let all = self.id(key.term(b"").of(TermKind::Begins), || (TermKind::Begins, ""));
        self.post(all, position);
        // The category's own hash, of another kind.
        let Some(hash) = self.term(category).map(|term| term.hash) else { return };
        let hash = hash.of(TermKind::Category).of(TermKind::BeginsIn);
        let begins = self.id(hash, || (TermKind::BeginsIn, ""));
        self.post(begins, position);
    }

    /// The number of a term, which is made if it is not there.
    fn id<'a>(&mut self, hash: TermHash, what: impl FnOnce() -> (TermKind, &'a str)) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let nth = *self.by_hash.entry(hash).or_insert(next);
        if nth == next {
            let (kind, text) = what();
            let place = (self.texts.len(), text.len());
            self.texts.push_str(text);
            let (base, count, first, last, category) = (0, 0, 0, 0, 0);
            self.list.push(Term { hash, kind, text: place, base, count, first, last, category });
        }
        nth
    }

    /// Adds a posting to a term, unless it has it.
    fn post(&mut self, term: u32, position: u32) {
        let next = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        let Some(term) = usize::try_from(term).ok().and_then(|nth| self.list.get_mut(nth)) else {
            return;
        };
        if term.count == 0 {
            term.first = position;
        } else {
            let last = usize::try_from(term.last).ok().and_then(|nth| self.postings.get(nth));
            if last.is_some_and(|last| last.position == position) {
                return;
            }
        }
        self.postings.push(Posting { position, before: term.last });
        term.last = next;
        term.count += 1;
    }

    fn term(&self, nth: u32) -> Option<&Term> {
        self.list.get(usize::try_from(nth).ok()?)
    }

    fn term_mut(&mut self, nth: u32) -> Option<&mut Term> {
        self.list.get_mut(usize::try_from(nth).ok()?)
    }

    fn text(&self, term: &Term) -> &str {
        let (start, length) = term.text;
        self.texts.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The positions of a term, from the last to the first.
    fn chain(&self, term: &Term) -> impl Iterator<Item = u32> {
        let mut left = term.count;
        let mut next = term.last;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let posting = self.postings.get(usize::try_from(next).ok()?)?;
            next = posting.before;
            Some(posting.position)
        })
    }

    /// Its terms by hash, as a run has them, and the number of each.
    pub(super) fn by_hash(&self) -> Vec<(TermHash, u32)> {
        let mut sorted: Vec<_> =
            (0..).zip(&self.list).map(|(nth, term)| (term.hash, nth)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// The numbers of its named terms, by kind and name.
    pub(super) fn by_name(&self) -> Vec<u32> {
        let named = (0..).zip(&self.list).filter(|(_, term)| TermKind::NAMED.contains(&term.kind));
        let mut sorted: Vec<(TermKind, &str, u32)> =
            named.map(|(nth, term)| (term.kind, self.text(term), nth)).collect();
        sorted.sort_unstable();
        sorted.into_iter().map(|(_, _, nth)| nth).collect()
    }

    /// A term's base and count.
    pub(super) fn known_of(&self, nth: u32) -> Option<Known> {
        self.term(nth).map(Term::known)
    }

    /// A term's kind.
    pub(super) fn kind_of(&self, nth: u32) -> Option<TermKind> {
        self.term(nth).map(|term| term.kind)
    }

    /// A term's positions, ascending.
    pub(super) fn positions_of(&self, nth: u32, out: &mut Vec<u32>) {
        let begin = out.len();
        if let Some(term) = self.term(nth) {
            out.extend(self.chain(term));
        }
        out.get_mut(begin..).unwrap_or_default().reverse();
    }

    /// A named term as a run lists it.
    pub(super) fn listed(&self, nth: u32) -> Option<crate::format::Listed<'_>> {
        let term = self.term(nth)?;
        let last = self.postings.get(usize::try_from(term.last).ok()?)?.position;
        let (kind, count, first) = (term.kind, term.count, term.first);
        Some(crate::format::Listed { kind, text: self.text(term), count, first, last })
    }
}

impl Term {
    fn known(&self) -> Known {
        Known { base: self.base, count: u64::from(self.count) }
    }
}

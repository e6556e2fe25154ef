//! The terms of a table: each with its postings, a document with the chain of its records.

use super::Known;
use super::numbers::Numbers;
use super::postings::{List, Postings, Spot};
use crate::format::{
    DocumentEntry, DocumentPlace, Entry, FileKey, Listed, PlacedEvent, Resolved, TermEntry,
    TermHash, TermKind, TermName, index, terms_of_ids, u64_of,
};
use crate::words::{LogOffset, Version, category_of};
use std::collections::BTreeMap;

/// See the module.
#[derive(Default)]
pub(in crate::index) struct Terms {
    numbers: Numbers,
    list: Vec<Term>,
    postings: Postings,
    texts: String,
    /// All records of documents: each leads to the one before it of the same key.
    records: Vec<DocumentRecord>,
    /// The terms of documents, by key.
    keys: BTreeMap<Box<str>, u32>,
    pub(super) events: u64,
    /// Bytes of all payloads.
    pub(super) payload_bytes: u64,
}

/// A term: its postings, or for a document the chain of its records.
pub(in crate::index) struct Term {
    pub(super) hash: TermHash,
    pub(super) kind: TermKind,
    /// Where its text begins, and its bytes.
    text: (u32, u32),
    /// For a stream: its version before the table.
    pub(super) base: u64,
    /// Counted from the table's first position. A document has as many as it has records, and the
    /// number of the last record for the last position.
    list: List,
    /// For a stream: its category's term.
    category: u32,
    /// Where its name is in the segment with this number: bytes from the segment's first byte; 0 if
    /// it is not known to be there.
    reference: u32,
    segment: u32,
}

/// How much a table has taken in: room for the next one.
#[derive(Clone, Copy, Default)]
pub(super) struct Room {
    terms: usize,
    postings: usize,
    texts: usize,
}

struct DocumentRecord {
    place: DocumentPlace,
    /// The number of the record before.
    before: u32,
}

impl Terms {
    /// With room for as much.
    pub(super) fn with_room(room: Room) -> Self {
        Self {
            numbers: Numbers::with_room(room.terms),
            list: Vec::with_capacity(room.terms),
            postings: Postings::with_room(room.postings),
            texts: String::with_capacity(room.texts),
            ..Self::default()
        }
    }

    /// How much room it has taken, and some more.
    pub(super) fn room(&self) -> Room {
        let more = |length: usize| length + length / 8;
        Room {
            terms: more(self.list.len()),
            postings: more(self.postings.len()),
            texts: more(self.texts.len()),
        }
    }

    pub(in crate::index) fn find(&self, hash: TermHash) -> Option<&Term> {
        self.term(self.numbers.find(hash, &self.list)?)
    }

    /// What is known of a name, where the log is in the segment with this number.
    pub(super) fn resolve(&self, hash: TermHash, segment: u32) -> Resolved {
        let Some(nth) = self.numbers.find(hash, &self.list) else { return Resolved::default() };
        let Some(term) = self.term(nth) else { return Resolved::default() };
        let reference = if term.segment == segment { term.reference } else { 0 };
        let version = (term.kind == TermKind::Stream).then(|| term.version());
        Resolved { term: Some(nth), reference, version }
    }

    /// Notes where a name of a commit is, which becomes a term if it is not one; returns its
    /// number. A stream that is new has its version from before the commit.
    pub(super) fn note(
        &mut self,
        name: &TermName<'_>,
        resolved: &Resolved,
        segment: u32,
        before: u64,
        key: &FileKey,
    ) -> u32 {
        let nth = match (resolved.term, name.kind) {
            (Some(nth), _) => nth,
            (None, TermKind::Stream) => self.add_stream(name.hash, name.text, before, key),
            (None, kind) => self.id(name.hash, || (kind, name.text)),
        };
        if let Some(term) = self.term_mut(nth) {
            (term.reference, term.segment) = (resolved.reference, segment);
        }
        nth
    }

    /// Takes in an event of a commit; `number` has the number here of each of the commit's names.
    pub(super) fn take(
        &mut self,
        event: &PlacedEvent<'_>,
        position: u32,
        number: impl Fn(u32) -> u32,
        key: &FileKey,
    ) {
        let of_event = (event.version, event.payload, event.ids);
        let tags = event.tags.iter().map(|tag| number(*tag));
        let names = (number(event.stream), number(event.event_type), tags);
        self.push(of_event, position, names, key);
    }

    /// Takes in an event whose names are looked up.
    pub(super) fn look_up(&mut self, entry: &Entry<'_>, position: u32, key: &FileKey) {
        let before = entry.version.get().saturating_sub(1);
        let hash = entry.stream.hash.of(TermKind::Stream);
        let stream = match self.numbers.find(hash, &self.list) {
            Some(nth) => nth,
            None => self.add_stream(hash, entry.stream.text, before, key),
        };
        let event_type = self.id(entry.event_type.hash.of(TermKind::Type), || {
            (TermKind::Type, entry.event_type.text)
        });
        let tags = entry.tags.iter();
        let tag = |tag: &crate::format::Named<'_>| tag.hash.of(TermKind::Tag);
        let tags: Vec<u32> = tags.map(|it| self.id(tag(it), || (TermKind::Tag, it.text))).collect();
        let names = (stream, event_type, tags.into_iter());
        let ids = terms_of_ids(entry.ids, key);
        self.push((entry.version, entry.payload, ids), position, names, key);
    }

    fn push(
        &mut self,
        (version, payload, ids): (Version, u32, [Option<TermHash>; 3]),
        position: u32,
        (stream, event_type, tags): (u32, u32, impl Iterator<Item = u32>),
        key: &FileKey,
    ) {
        self.events += 1;
        self.payload_bytes = self.payload_bytes.saturating_add(u64::from(payload));
        let category = self.term(stream).map_or(0, |term| term.category);
        self.post(stream, position);
        self.post(category, position);
        if version == Version::new(1) {
            self.begin(category, position, key);
        }
        self.post(event_type, position);
        tags.for_each(|tag| self.post(tag, position));
        for (id, kind) in ids.into_iter().zip(TermKind::IDS) {
            if let Some(id) = id {
                let id = self.id(id, || (kind, ""));
                self.post(id, position);
            }
        }
    }

    /// Takes in a record of a document.
    pub(super) fn put(&mut self, entry: &DocumentEntry<'_>) {
        let key = entry.key.text;
        let nth = self.id(entry.key.hash.of(TermKind::Document), || (TermKind::Document, key));
        let next = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let Some(term) = self.term_mut(nth) else { return };
        let new = term.list.count == 0;
        let before = std::mem::replace(&mut term.list.last, next);
        term.list.count += 1;
        self.records.push(DocumentRecord { place: entry.place, before });
        if new {
            self.keys.insert(key.into(), nth);
        }
    }

    /// The newest record of a document that stands before `end`.
    pub(in crate::index) fn document(&self, term: &Term, end: LogOffset) -> Option<DocumentPlace> {
        let mut next = term.list.last;
        for _ in 0..term.list.count {
            let record = self.records.get(index(u64::from(next)))?;
            if record.place.at < end {
                return Some(record.place);
            }
            next = record.before;
        }
        None
    }

    /// The keys of its documents, those in flight included.
    pub(super) fn keys(&self) -> &BTreeMap<Box<str>, u32> {
        &self.keys
    }

    /// Its terms of a kind.
    pub(super) fn of_kind(&self, kind: TermKind) -> impl Iterator<Item = &Term> {
        self.list.iter().filter(move |term| term.kind == kind)
    }

    /// Bytes that it takes, as near as matters.
    pub(super) fn bytes(&self) -> u64 {
        let a_key = size_of::<(Box<str>, u32)>() + 64;
        u64_of(
            self.list.capacity() * size_of::<Term>()
                + self.numbers.bytes()
                + self.postings.bytes()
                + self.records.capacity() * size_of::<DocumentRecord>()
                + self.keys.len() * a_key
                + self.texts.capacity(),
        )
    }

    /// A stream that is new here, with its version from before.
    fn add_stream(&mut self, hash: TermHash, text: &str, before: u64, key: &FileKey) -> u32 {
        let category = category_of(text);
        let category = self.id(key.term(category.as_bytes()).of(TermKind::Category), || {
            (TermKind::Category, category)
        });
        let stream = self.id(hash, || (TermKind::Stream, text));
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
        if let Some(nth) = self.numbers.find(hash, &self.list) {
            return nth;
        }
        let nth = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let (kind, text) = what();
        let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let place = (length(&self.texts), length(text));
        self.texts.push_str(text);
        let (base, list) = (0, List::default());
        let (category, reference, segment) = (0, 0, 0);
        self.list.push(Term { hash, kind, text: place, base, list, category, reference, segment });
        self.numbers.add(hash, nth, &self.list);
        nth
    }

    /// Adds a posting to a term, unless it has it.
    #[inline]
    fn post(&mut self, term: u32, position: u32) {
        if let Some(term) = self.list.get_mut(index(u64::from(term))) {
            self.postings.add(&mut term.list, position);
        }
    }

    fn term(&self, nth: u32) -> Option<&Term> {
        self.list.get(index(u64::from(nth)))
    }

    fn term_mut(&mut self, nth: u32) -> Option<&mut Term> {
        self.list.get_mut(index(u64::from(nth)))
    }

    pub(super) fn text(&self, term: &Term) -> &str {
        let (start, length) = (index(u64::from(term.text.0)), index(u64::from(term.text.1)));
        self.texts.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// How many of a term's positions are before this one.
    pub(super) fn before(&self, term: &Term, position: u32) -> u32 {
        self.postings.before(&term.list, position)
    }

    /// The first of these positions from this one on, or backward the last up to it.
    pub(in crate::index) fn seek(
        &self,
        list: &List,
        spot: &mut Spot,
        position: u32,
        backward: bool,
    ) -> Option<u32> {
        self.postings.seek(list, spot, position, backward)
    }

    /// Gives the positions of a term that have these numbers, piece by piece.
    pub(super) fn each(&self, term: &Term, numbers: (u32, u32), each: impl FnMut(&[u32])) {
        self.postings.each(&term.list, numbers, each);
    }

    /// Its terms by hash, as a run has them, and the number of each.
    pub(in crate::index) fn by_hash(&self) -> Vec<(TermHash, u32)> {
        let mut sorted: Vec<_> =
            (0..).zip(&self.list).map(|(nth, term)| (term.hash, nth)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// The numbers of its named terms, by kind and name.
    pub(in crate::index) fn by_name(&self) -> Vec<u32> {
        let named = (0..).zip(&self.list).filter(|(_, term)| TermKind::NAMED.contains(&term.kind));
        let mut sorted: Vec<(TermKind, &str, u32)> =
            named.map(|(nth, term)| (term.kind, self.text(term), nth)).collect();
        sorted.sort_unstable();
        sorted.into_iter().map(|(_, _, nth)| nth).collect()
    }

    /// A term's base and count.
    pub(in crate::index) fn known_of(&self, nth: u32) -> Option<Known> {
        self.term(nth).map(Term::known)
    }

    /// A term's kind.
    pub(in crate::index) fn kind_of(&self, nth: u32) -> Option<TermKind> {
        self.term(nth).map(|term| term.kind)
    }

    /// A term's positions that have these numbers, ascending.
    pub(in crate::index) fn positions_of(&self, nth: u32, numbers: (u32, u32), out: &mut Vec<u32>) {
        if let Some(term) = self.term(nth) {
            self.each(term, numbers, |positions| out.extend_from_slice(positions));
        }
    }

    /// A term as a run has it, but for the place of its postings: `start` is its number here.
    pub(in crate::index) fn entry(&self, nth: u32) -> Option<TermEntry> {
        let term = self.term(nth)?;
        if term.kind == TermKind::Document {
            let newest = self.document(term, LogOffset::new(u64::MAX))?;
            return Some(TermEntry::of_document(term.hash, &newest));
        }
        Some(TermEntry { hash: term.hash, start: nth, count: term.list.count, base: term.base })
    }

    /// A named term as a run lists it.
    pub(in crate::index) fn listed(&self, nth: u32) -> Option<Listed<'_>> {
        let term = self.term(nth)?;
        let (kind, text) = (term.kind, self.text(term));
        if kind == TermKind::Document {
            return Some(Listed::of_document(text));
        }
        let List { count, first, last, .. } = term.list;
        Some(Listed { kind, text, count, first, last })
    }
}

impl Term {
    /// Its positions.
    pub(in crate::index) fn list(&self) -> &List {
        &self.list
    }

    pub(super) fn known(&self) -> Known {
        Known { base: self.base, count: u64::from(self.list.count) }
    }

    /// For a stream: its version after the table.
    pub(super) fn version(&self) -> Version {
        Version::new(self.base.saturating_add(u64::from(self.list.count)))
    }
}

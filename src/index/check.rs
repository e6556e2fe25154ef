//! Whether a part of the index says what the log says: both are summed up, and the sums compared.

use super::run::{Run, RunError};
use super::table::Table;
use crate::format::{DocumentEntry, DocumentPlace, Entry, FileKey, TermHash, TermKind, u64_of};
use crate::words::{LogOffset, Position, category_of};

/// A sum over events and their terms, whatever their order.
///
/// Each pair of a term and a position is mixed to 128 bits and added; two different sets of pairs
/// have the same sum by accident only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    postings: u128,
    versions: u128,
    /// Newest records of documents.
    documents: u128,
    /// Postings of each kind of names; of documents how many there are.
    named: [u64; TermKind::NAMED.len()],
}

/// Odd numbers, from the digits of pi and of e.
const FACTORS: [u128; 2] =
    [0x243f_6a88_85a3_08d3_1319_8a2e_0370_7345, 0xb7e1_5162_8aed_2a6a_bf71_5880_9cf4_f3c7];

fn mix(hash: TermHash, number: u64) -> u128 {
    let mut bits = hash.0 ^ u128::from(number).wrapping_mul(FACTORS[0]);
    bits = (bits ^ (bits >> 61)).wrapping_mul(FACTORS[1]);
    bits ^ (bits >> 67)
}

impl Tally {
    /// Adds an event as the log has it.
    pub fn add(&mut self, entry: &Entry<'_>, key: &FileKey) {
        let position = entry.position.get();
        let category = key.term(category_of(entry.stream.text).as_bytes());
        let stream = entry.stream.hash.of(TermKind::Stream);
        self.versions = self.versions.wrapping_add(mix(stream, entry.version.get()));
        let mut post = |hash: TermHash, kind: TermKind| {
            self.postings = self.postings.wrapping_add(mix(hash.of(kind), position));
            self.count(kind, 1);
        };
        post(entry.stream.hash, TermKind::Stream);
        post(category, TermKind::Category);
        post(entry.event_type.hash, TermKind::Type);
        for (nth, tag) in entry.tags.iter().enumerate() {
            let again = entry.tags.iter().take(nth).any(|other| other.hash == tag.hash);
            if !again {
                post(tag.hash, TermKind::Tag);
            }
        }
        for (id, kind) in entry.ids.iter().zip(TermKind::IDS) {
            if let Some(id) = id {
                post(key.term(id.as_bytes()), kind);
            }
        }
        if entry.version.get() == 1 {
            post(key.term(b""), TermKind::Begins);
            post(category, TermKind::BeginsIn);
        }
    }

    /// Adds a document's record as the log has it; `start` is where the part begins. What the
    /// record before has added goes, if it is of the same part.
    pub fn add_document(&mut self, entry: &DocumentEntry<'_>, start: LogOffset) {
        let hash = entry.key.hash.of(TermKind::Document);
        self.document(hash, &entry.place);
        match entry.before.filter(|before| before.at >= start) {
            Some(before) => self.documents = self.documents.wrapping_sub(newest(hash, &before)),
            None => self.count(TermKind::Document, 1),
        }
    }

    fn document(&mut self, hash: TermHash, place: &DocumentPlace) {
        self.documents = self.documents.wrapping_add(newest(hash, place));
    }

    fn count(&mut self, kind: TermKind, postings: u64) {
        let nth = TermKind::NAMED.iter().position(|named| *named == kind);
        if let Some(count) = nth.and_then(|nth| self.named.get_mut(nth)) {
            *count = count.saturating_add(postings);
        }
    }

    fn stream(&mut self, hash: TermHash, base: u64, count: u64) {
        for nth in 1..=count {
            self.versions = self.versions.wrapping_add(mix(hash, base.saturating_add(nth)));
        }
    }
}

/// What the newest record of a document adds.
fn newest(hash: TermHash, place: &DocumentPlace) -> u128 {
    mix(TermHash(mix(hash, place.at.get())), place.revision.get() << 1 | u64::from(place.deleted))
}

impl Run {
    /// Looks at the check of every page, each read from the device again. `go_on` gets how many
    /// were, and may stop it.
    pub fn check_pages(&self, mut go_on: impl FnMut(u32) -> bool) -> Result<(), RunError> {
        let (mut done, mut buffer) = (0, Vec::new());
        while done < self.page_count() {
            done = self.pages.read_again(done, &mut buffer)?;
            if !go_on(done) {
                break;
            }
        }
        Ok(())
    }

    /// Sums up what it says. Every page is read from the device again.
    pub fn tally(&self, key: &FileKey) -> Result<Tally, RunError> {
        self.check_pages(|_| true)?;
        let mut tally = Tally::default();
        let first = self.header().first.get();
        let (mut before, mut placed) = (None, 0);
        for nth in 0..self.header().terms {
            let _reading = self.pages.reading();
            let entry = self.term(nth)?;
            // Sorted, each once, and found by fences and filter.
            if before >= Some(entry.hash) || self.entry(entry.hash)? != Some(entry) {
                return Err(self.lies());
            }
            before = Some(entry.hash);
            placed = self.placed(&entry, placed)?;
            if let Some(place) = entry.document() {
                tally.document(entry.hash, &place);
                continue;
            }
            let postings = &mut tally.postings;
            self.postings(&entry, (0, u32::MAX), |words| {
                for posting in words {
                    let position = first.saturating_add(u64::from(u32::from_le_bytes(*posting)));
                    *postings = postings.wrapping_add(mix(entry.hash, position));
                }
            })?;
        }
        self.tally_names(key, &mut tally)?;
        Ok(tally)
    }

    /// Each listed name is a term with as many postings, the first and the last as it says.
    fn tally_names(&self, key: &FileKey, tally: &mut Tally) -> Result<(), RunError> {
        let mut place = super::run::NameAt::default();
        let own = |listed: &crate::format::Listed<'_>| {
            let hash = key.term(listed.text.as_bytes()).of(listed.kind);
            (listed.kind, hash, (listed.count, listed.first, listed.last))
        };
        loop {
            let _reading = self.pages.reading();
            let Some(((kind, hash, said), next)) = self.name_at(place, own)? else { return Ok(()) };
            place = next;
            let wrong = || self.pages.damaged(self.sections.names.start);
            let entry = self.entry(hash)?.ok_or_else(wrong)?;
            if entry.document().is_some() {
                tally.count(kind, 1);
                continue;
            }
            let first = self.posting(&entry, 0)?;
            let last = self.posting(&entry, entry.count.saturating_sub(1))?;
            if said != (entry.count, first, last) {
                return Err(wrong());
            }
            tally.count(kind, u64::from(entry.count));
            if kind == TermKind::Stream {
                tally.stream(hash, entry.base, u64::from(entry.count));
            }
        }
    }
}

impl Table {
    /// Sums up what it says of positions in `from..=to`, and of documents whose newest record
    /// before `end` does not stand before `start`.
    pub fn tally(
        &self,
        (from, to): (Position, Position),
        (start, end): (LogOffset, LogOffset),
    ) -> Tally {
        let mut tally = Tally::default();
        let mut positions = Vec::new();
        let terms = self.read();
        let base = self.start().next.get();
        for (hash, nth) in terms.by_hash() {
            let (Some(known), Some(kind)) = (terms.known_of(nth), terms.kind_of(nth)) else {
                continue;
            };
            if kind == TermKind::Document {
                let newest = terms.find(hash).and_then(|term| terms.document(term, end));
                if let Some(place) = newest.filter(|place| place.at >= start) {
                    tally.document(hash, &place);
                    tally.count(kind, 1);
                }
                continue;
            }
            positions.clear();
            terms.positions_of(nth, (0, u32::MAX), &mut positions);
            let absolute = |nth: &u32| base.saturating_add(u64::from(*nth));
            let before = positions.iter().take_while(|nth| absolute(nth) < from.get()).count();
            let within = positions.iter().skip(before).map(absolute);
            let mut count = 0;
            for position in within.take_while(|position| *position <= to.get()) {
                tally.postings = tally.postings.wrapping_add(mix(hash, position));
                count += 1;
            }
            tally.count(kind, count);
            if kind == TermKind::Stream {
                tally.stream(hash, known.base.saturating_add(u64_of(before)), count);
            }
        }
        tally
    }
}

//! Finding in a run: a position's record, a term.

use super::filter::{Block, may_have};
use super::pages::{Pages, RunError};
use super::pin::Pin;
use super::reach::Reach;
use crate::format::{
    BLOCKS_PER_PAGE, DocumentPlace, FENCES_PER_PAGE, FileKey, RunHeader, RunRef, SEGMENTS_PER_PAGE,
    Sections, SegmentRef, TERMS_PER_PAGE, TermEntry, TermHash, TermKind, block_at, index,
    offset_at, segment_at, u64_at, u64_of,
};
use crate::storage::Storage;
use crate::words::{LogOffset, Position, Revision};
use std::sync::Arc;

/// A run that can be read.
pub struct Run {
    pub(in crate::index) pages: Pages,
    header: RunHeader,
    pub(in crate::index) sections: Sections,
    pub(super) events: u32,
    /// Blocks of its filter; none if it has no filter.
    blocks: u32,
    /// For one made anew: where the one that it stands for is.
    stands_for: Option<RunRef>,
    /// Whoever has a clone of it may still read what stands at this run's place.
    pin: Pin,
}

/// Where a term is expected: the page, and which of its terms.
#[derive(Clone, Copy)]
pub(super) struct TermPlace {
    pub number: u32,
    pub guess: usize,
}

impl Run {
    /// Opens the run at this place: reads and checks its header.
    pub fn open(
        storage: Arc<dyn Storage>,
        reach: Arc<Reach>,
        place: RunRef,
        key: FileKey,
    ) -> Result<Self, RunError> {
        Self::of(Pages::new(storage, reach, place, key))
    }

    /// Opens the run that has these pages.
    pub fn of(pages: Pages) -> Result<Self, RunError> {
        let header = {
            let _reading = pages.reading();
            RunHeader::decode(&pages.get(0)?, pages.place())
        };
        let header = header.ok_or_else(|| pages.damaged(0))?;
        let (sections, _) = header.sections().ok_or_else(|| pages.damaged(0))?;
        let events = header.events().ok_or_else(|| pages.damaged(0))?;
        let blocks = header.filter_blocks();
        Ok(Self { pages, header, sections, events, blocks, stands_for: None, pin: Pin::new() })
    }

    /// The same, standing for the one at this place, which is damaged; `pin` is that one's, if
    /// somebody may still read it.
    #[must_use]
    pub fn standing_for(mut self, place: RunRef, pin: Option<Pin>) -> Self {
        self.stands_for = Some(place);
        self.pin = pin.unwrap_or(self.pin);
        self
    }

    /// Lives as long as somebody may read what stands at this run's place.
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Whether it stands for one that is damaged on the device.
    pub fn is_rebuilt(&self) -> bool {
        self.stands_for.is_some()
    }

    /// As a slot names it.
    pub fn place(&self) -> &RunRef {
        self.stands_for.as_ref().unwrap_or(self.pages.place())
    }

    /// How many pages it has, wherever they are.
    pub fn page_count(&self) -> u32 {
        self.pages.place().pages
    }

    /// Each of its pages, checked.
    pub fn each_page(
        &self,
        mut each: impl FnMut(u32, &[u8]) -> std::io::Result<()>,
    ) -> Result<(), RunError> {
        for number in 0..self.page_count() {
            let _reading = self.pages.reading();
            each(number, &self.pages.get(number)?).map_err(RunError::Io)?;
        }
        Ok(())
    }

    /// What it covers, and how much of everything it has.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Whether the event with this position is one of its events.
    pub fn covers(&self, position: Position) -> bool {
        position >= self.header.first && position < self.header.next
    }

    /// Which of its events has this position; the first, for one that lies before it.
    pub fn nth(&self, position: Position) -> u32 {
        let nth = position.get().saturating_sub(self.header.first.get());
        u32::try_from(nth).unwrap_or(u32::MAX)
    }

    /// Has the page read meanwhile that has the log offset of its `nth` event.
    pub fn announce_offset(&self, nth: u32) {
        self.pages.announce_around(self.offset_place(nth).0);
    }

    /// Where the log offset of its `nth` event stands: the page, and which of its offsets.
    #[inline]
    pub(super) fn offset_place(&self, nth: u32) -> (u32, usize) {
        let per_page = self.header.offsets_per_page().max(1);
        let number = self.sections.offsets.start.saturating_add(nth / per_page);
        (number, index(u64::from(nth % per_page)))
    }

    /// Has the pages read meanwhile that say where a term is, as far as its hash tells, if they
    /// were not yet: whether that is so.
    pub fn announce_term(&self, hash: TermHash) -> bool {
        let in_filter = self.has_filter() && self.pages.announce(self.block_of(hash).0);
        let guess = self.page_guess(hash);
        let among_terms = self.pages.announce(self.sections.terms.start.saturating_add(guess));
        let in_fences =
            !self.sections.fences.is_empty() && self.pages.announce(self.fence_place(guess).0);
        in_filter || among_terms || in_fences
    }

    /// The log offset of its `nth` event.
    #[inline]
    pub fn offset(&self, nth: u32) -> Result<LogOffset, RunError> {
        let (number, nth) = self.offset_place(nth);
        let page = self.pages.get(number)?;
        let at = offset_at(&page, nth, self.header.width);
        // An offset out of the run's range is a lie.
        at.filter(|at| *at >= self.header.start && *at < self.header.end)
            .ok_or_else(|| self.pages.damaged(number))
    }

    /// The log offsets of its events from the `nth` on, as many as are in one page, at most `most`.
    pub fn offsets(&self, nth: u32, most: usize, out: &mut Vec<LogOffset>) -> Result<(), RunError> {
        let (number, first) = self.offset_place(nth);
        let page = self.pages.get(number)?;
        let in_page = index(self.header.offsets_per_page().into()).saturating_sub(first);
        let count = in_page.min(index(self.events.saturating_sub(nth).into()));
        for slot in (first..first.saturating_add(count)).take(most) {
            let at = offset_at(&page, slot, self.header.width);
            let at = at.filter(|at| *at >= self.header.start && *at < self.header.end);
            out.push(at.ok_or_else(|| self.pages.damaged(number))?);
        }
        Ok(())
    }

    /// The segments that hold the log that it indexes, in their order.
    pub fn segments(&self) -> Result<Vec<SegmentRef>, RunError> {
        let mut segments: Vec<SegmentRef> = Vec::new();
        for nth in 0..self.header.segments {
            let number = self.sections.segments.start.saturating_add(nth / SEGMENTS_PER_PAGE);
            let page = self.pages.get(number)?;
            let place = segment_at(&page, index(u64::from(nth % SEGMENTS_PER_PAGE)));
            let end = segments.last().map(SegmentRef::log_end);
            let place = place.filter(|place| end.is_none_or(|end| end == place.log_offset));
            segments.push(place.ok_or_else(|| self.pages.damaged(number))?);
        }
        Ok(segments)
    }

    /// A term of events, if it is there.
    pub fn find(&self, hash: TermHash) -> Result<Option<TermEntry>, RunError> {
        if self.may_have(hash)? { self.find_let_through(hash) } else { Ok(None) }
    }

    /// A term of events that the filter lets through, if it is there.
    pub fn find_let_through(&self, hash: TermHash) -> Result<Option<TermEntry>, RunError> {
        self.term_of_events(hash, self.term_place(hash)?)
    }

    /// A term of events, if it is there, by where it is expected.
    pub(super) fn term_of_events(
        &self,
        hash: TermHash,
        place: TermPlace,
    ) -> Result<Option<TermEntry>, RunError> {
        match self.entry_near(hash, place)? {
            Some(entry) if entry.document().is_some() => Err(self.lies()),
            entry => Ok(entry),
        }
    }

    /// The newest record of a document, if the run knows of one.
    pub fn document(&self, key: TermHash) -> Result<Option<DocumentPlace>, RunError> {
        let Some(entry) = self.entry(key.of(TermKind::Document))? else { return Ok(None) };
        entry.document().map(Some).ok_or_else(|| self.lies())
    }

    /// A term, if it is there.
    pub fn entry(&self, hash: TermHash) -> Result<Option<TermEntry>, RunError> {
        if !self.may_have(hash)? {
            return Ok(None);
        }
        self.entry_near(hash, self.term_place(hash)?)
    }

    /// Where a term stands, if it is there: the page, and about which of its terms it is.
    pub(super) fn term_place(&self, hash: TermHash) -> Result<TermPlace, RunError> {
        let number = self.page_before(hash)?;
        let guess = self.guess_in(number, self.terms_in(number), hash.high())?;
        Ok(TermPlace { number, guess })
    }

    /// A term, if it is there, by where it is expected.
    fn entry_near(&self, hash: TermHash, place: TermPlace) -> Result<Option<TermEntry>, RunError> {
        let TermPlace { mut number, mut guess } = place;
        while number < self.sections.terms.end {
            let page = self.pages.get(number)?;
            let count = self.terms_in(number);
            let nth = lower_bound(count, guess, |nth| TermEntry::hash_at(&page, nth) < hash);
            if nth < count {
                let entry = TermEntry::decode(&page, nth);
                return Ok((entry.hash == hash).then_some(self.sane(entry, number)?));
            }
            (number, guess) = (number + 1, 0);
        }
        Ok(None)
    }

    /// The `nth` of its terms, by hash.
    pub fn term(&self, nth: u32) -> Result<TermEntry, RunError> {
        let number = self.sections.terms.start.saturating_add(nth / TERMS_PER_PAGE);
        let page = self.pages.get(number)?;
        self.sane(TermEntry::decode(&page, index(u64::from(nth % TERMS_PER_PAGE))), number)
    }

    /// Where a term's block is in the filter, if there is one: the page, and which of its blocks.
    #[inline]
    pub(super) fn block_of(&self, hash: TermHash) -> (u32, usize) {
        let block = Block::of(hash, self.blocks);
        let number = self.sections.filter.start.saturating_add(block / BLOCKS_PER_PAGE);
        (number, index(u64::from(block % BLOCKS_PER_PAGE)))
    }

    /// Whether it has a filter.
    pub(super) fn has_filter(&self) -> bool {
        self.blocks > 0
    }

    /// Whether the filter lets a term through.
    ///
    /// It is the first that is asked, and mostly the last; of many terms it is asked in one go, so
    /// that the processor waits for several places of memory at once.
    #[inline]
    pub fn may_have(&self, hash: TermHash) -> Result<bool, RunError> {
        if !self.has_filter() {
            return Ok(true);
        }
        let (number, nth) = self.block_of(hash);
        Ok(may_have(block_at(&self.pages.get(number)?, nth), hash))
    }

    /// Adds those of some terms, sorted, that the filter lets through: page by page.
    pub fn let_through(
        &self,
        sorted: &[TermHash],
        out: &mut Vec<TermHash>,
    ) -> Result<(), RunError> {
        if !self.has_filter() {
            out.extend_from_slice(sorted);
            return Ok(());
        }
        let mut here = None;
        for hash in sorted {
            let (number, nth) = self.block_of(*hash);
            let page = match &here {
                Some((known, page)) if *known == number => page,
                _ => &here.insert((number, self.pages.get(number)?)).1,
            };
            if may_have(block_at(page, nth), *hash) {
                out.push(*hash);
            }
        }
        Ok(())
    }

    /// Which page of terms is likely to have this hash: hashes are spread evenly.
    pub(super) fn page_guess(&self, hash: TermHash) -> u32 {
        let terms = &self.sections.terms;
        let pages = terms.end.saturating_sub(terms.start);
        Block::of(hash, pages).min(pages.saturating_sub(1))
    }

    /// The last page of terms that begins before this hash, or the first page.
    ///
    /// Hashes are spread evenly, so the page is near where the hash's upper half says; from there
    /// the search goes out in doubling steps, then halves.
    fn page_before(&self, hash: TermHash) -> Result<u32, RunError> {
        let terms = &self.sections.terms;
        let pages = terms.end.saturating_sub(terms.start);
        if self.sections.fences.is_empty() {
            return Ok(terms.start);
        }
        let high = hash.high();
        let is_before = |nth: u32| Ok(self.fence(nth)? < high);
        // Invariant of the search: the fence of `low` is before the hash (or `low` is the first
        // page), that of `up` is not (or there is no such page).
        let guess = self.page_guess(hash);
        let (mut low, mut up) = (0, pages);
        let mut step = 1_u32;
        if is_before(guess)? {
            low = guess;
            while low.saturating_add(step) < up {
                let probe = low.saturating_add(step);
                if !is_before(probe)? {
                    up = probe;
                    break;
                }
                low = probe;
                step = step.saturating_mul(2);
            }
        } else {
            up = guess;
            while up > step {
                let probe = up - step;
                if is_before(probe)? {
                    low = probe;
                    break;
                }
                up = probe;
                step = step.saturating_mul(2);
            }
        }
        while low.saturating_add(1) < up {
            let middle = low.midpoint(up);
            if is_before(middle)? {
                low = middle;
            } else {
                up = middle;
            }
        }
        Ok(terms.start.saturating_add(low))
    }

    /// Where in a page of terms a hash with this upper half is likely to be: hashes are spread
    /// evenly between the fences of this page and of the next.
    fn guess_in(&self, number: u32, count: usize, high: u64) -> Result<usize, RunError> {
        let terms = &self.sections.terms;
        let nth = number.saturating_sub(terms.start);
        if self.sections.fences.is_empty() || number.saturating_add(1) >= terms.end {
            return Ok(count / 2);
        }
        let low = self.fence(nth)?;
        let up = self.fence(nth.saturating_add(1))?;
        let (passed, all) = (high.saturating_sub(low) >> 32, up.saturating_sub(low) >> 32);
        let guess = u64_of(count).saturating_mul(passed).checked_div(all);
        Ok(guess.map_or(0, index).min(count.saturating_sub(1)))
    }

    /// The upper half of the first hash of a page of terms, counted from the first such page.
    #[inline]
    fn fence(&self, nth: u32) -> Result<u64, RunError> {
        let (number, nth) = self.fence_place(nth);
        Ok(u64_at(&self.pages.get(number)?, nth))
    }

    /// Where that fence stands: the page, and which of its fences.
    #[inline]
    pub(super) fn fence_place(&self, nth: u32) -> (u32, usize) {
        let number = self.sections.fences.start.saturating_add(nth / FENCES_PER_PAGE);
        (number, index(u64::from(nth % FENCES_PER_PAGE)))
    }

    /// How many terms this page has.
    fn terms_in(&self, number: u32) -> usize {
        let before =
            number.saturating_sub(self.sections.terms.start).saturating_mul(TERMS_PER_PAGE);
        index(u64::from(self.header.terms.saturating_sub(before).min(TERMS_PER_PAGE)))
    }

    /// The entry, if its postings, or its record, are within the run.
    fn sane(&self, entry: TermEntry, page: u32) -> Result<TermEntry, RunError> {
        if let Some(place) = entry.document() {
            let there = place.at >= self.header.start && place.at < self.header.end;
            let known = place.revision > Revision::NONE && place.revision <= Revision::MAX;
            return if there && known { Ok(entry) } else { Err(self.pages.damaged(page)) };
        }
        let fits = match entry.count {
            0 => false,
            1 => entry.start < self.events,
            count => {
                let end = entry.start.checked_add(count);
                end.is_some_and(|end| end <= self.header.postings) && count <= self.events
            }
        };
        let base_fits = entry.base.checked_add(u64::from(entry.count)).is_some();
        if fits && base_fits { Ok(entry) } else { Err(self.pages.damaged(page)) }
    }

    /// What is said of this run where its parts do not fit one another.
    pub fn lies(&self) -> RunError {
        self.pages.damaged(self.sections.terms.start)
    }

    /// The number of the first posting behind this term's, where its own are to begin at `placed`:
    /// terms have their postings in the terms' order, each its own.
    pub fn placed(&self, entry: &TermEntry, placed: u32) -> Result<u32, RunError> {
        match entry.count {
            0 | 1 => Ok(placed),
            _ if entry.document().is_some() => Ok(placed),
            count if entry.start == placed => Ok(placed.saturating_add(count)),
            _ => Err(self.lies()),
        }
    }
}

/// The first number up to `count` for which `is_before` does not hold, searched for from `guess` in
/// steps that double, then by halves.
pub(super) fn lower_bound(count: usize, guess: usize, is_before: impl Fn(usize) -> bool) -> usize {
    // Invariant: it holds for all before `low`, and for none from `up` on.
    let (mut low, mut up, mut step) = (0, count, 1);
    let mut next = guess;
    while next >= low && next < up {
        if is_before(next) {
            low = next + 1;
            if next < guess {
                break;
            }
            next = low.saturating_add(step);
        } else {
            up = next;
            if next > guess {
                break;
            }
            let Some(before) = up.checked_sub(step) else { break };
            next = before;
        }
        step *= 2;
    }
    while low < up {
        let middle = low.midpoint(up);
        if is_before(middle) {
            low = middle + 1;
        } else {
            up = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_found_whatever_was_guessed() {
        for count in 0..40 {
            for place in 0..=count {
                for guess in 0..count.max(1) {
                    assert_eq!(lower_bound(count, guess, |nth| nth < place), place);
                }
            }
        }
    }
}

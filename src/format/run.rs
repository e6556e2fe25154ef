//! Runs: immutable pieces of index, in pages. What a slot says of one, its header, and where its
//! parts stand.

use super::bytes::{get_16, get_u32, get_u64, index, put, put_u32, put_u64};
use super::check::{FileKey, TermHash, crc, matches};
use super::layout::{
    FENCES_PER_PAGE, PAGE, PAGE_HEAD_LEN, PAGE_ROOM, POSTINGS_PER_PAGE, RUN_TAG, SEGMENT_REF_LEN,
    SEGMENTS_PER_PAGE, TERMS_PER_PAGE, page_head, run, run_ref, term_entry,
};
use super::segment::{Extent, SegmentRef};
use super::term::DocumentPlace;
use crate::words::{LogOffset, Position, Revision};
use std::ops::Range;

/// A run as a slot names it. It begins where the run before it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunRef {
    /// Its first byte in the file.
    pub file_offset: u64,
    /// Its pages.
    pub pages: u32,
    /// Its number: no two runs that a slot ever named have the same.
    pub id: u32,
    /// The log offset of the frame up to which it indexes the log.
    pub end: LogOffset,
    /// The position of the first event after those that it indexes.
    pub next: Position,
}

impl RunRef {
    /// Where it is.
    pub fn extent(&self) -> Extent {
        Extent { file_offset: self.file_offset, length: u64::from(self.pages) * PAGE }
    }

    pub(super) fn encode(&self, bytes: &mut [u8], at: usize) {
        put_u64(bytes, at + run_ref::FILE_OFFSET, self.file_offset);
        put_u32(bytes, at + run_ref::PAGES, self.pages);
        put_u32(bytes, at + run_ref::ID, self.id);
        put_u64(bytes, at + run_ref::END, self.end.get());
        put_u64(bytes, at + run_ref::NEXT, self.next.get());
    }

    pub(super) fn decode(bytes: &[u8], at: usize) -> Self {
        Self {
            file_offset: get_u64(bytes, at + run_ref::FILE_OFFSET),
            pages: get_u32(bytes, at + run_ref::PAGES),
            id: get_u32(bytes, at + run_ref::ID),
            end: LogOffset::new(get_u64(bytes, at + run_ref::END)),
            next: Position::new(get_u64(bytes, at + run_ref::NEXT)),
        }
    }

    pub(super) fn is_sane(&self) -> bool {
        self.extent().is_sane() && self.end.get().is_multiple_of(8)
    }
}

/// What a run begins with: what it covers, and how much of everything it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunHeader {
    /// How often what it says was merged: 0 for what came from memory.
    pub level: u32,
    /// The log offset of the first frame that it indexes.
    pub start: LogOffset,
    /// That of the first frame that it does not index any more.
    pub end: LogOffset,
    /// The position of its first event.
    pub first: Position,
    /// The position after its last event.
    pub next: Position,
    /// Bytes of a record's log offset in the table of positions: 4 or 8.
    pub width: u32,
    /// Terms.
    pub terms: u32,
    /// Postings of terms that have more than one.
    pub postings: u32,
    /// Pages of names.
    pub name_pages: u32,
    /// Segments that hold the log that it indexes.
    pub segments: u32,
    /// Bytes of all payloads of its events.
    pub payload_bytes: u64,
}

/// Which pages of a run hold what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sections {
    /// The table position -> log offset.
    pub offsets: Range<u32>,
    /// The terms, by hash.
    pub terms: Range<u32>,
    /// The first hash of each page of terms.
    pub fences: Range<u32>,
    /// The filter.
    pub filter: Range<u32>,
    /// The postings.
    pub postings: Range<u32>,
    /// The segments.
    pub segments: Range<u32>,
    /// The names.
    pub names: Range<u32>,
}

/// Terms that one block of the filter serves: 256 bits for 24 terms let through some 1 of 100 that
/// are not there.
pub(super) const TERMS_PER_BLOCK: u32 = 24;

impl RunHeader {
    /// Its events; nothing if there can't be so many: a count of them never has the bit by which an
    /// entry of a document is known.
    pub fn events(&self) -> Option<u32> {
        let events = u32::try_from(self.next.get().checked_sub(self.first.get())?).ok()?;
        (events < DOCUMENT).then_some(events)
    }

    /// Entries of a page of the table of positions.
    pub fn offsets_per_page(&self) -> u32 {
        let room = u32::try_from(PAGE_ROOM - 8).unwrap_or_default();
        room.checked_div(self.width).unwrap_or(0)
    }

    /// Blocks of its filter; 0 if all its terms are in one page.
    pub fn filter_blocks(&self) -> u32 {
        if self.terms <= TERMS_PER_PAGE { 0 } else { self.terms.div_ceil(TERMS_PER_BLOCK) }
    }

    /// Where its parts stand, and how many pages it has; nothing if that can't be.
    pub fn sections(&self) -> Option<(Sections, u32)> {
        if self.width != 4 && self.width != 8 {
            return None;
        }
        let mut end = 1_u32;
        let mut take = |pages: u32| {
            let start = end;
            end = end.checked_add(pages)?;
            Some(start..end)
        };
        let term_pages = self.terms.div_ceil(TERMS_PER_PAGE);
        let fences = if term_pages > 1 { term_pages } else { 0 };
        let sections = Sections {
            offsets: take(self.events()?.div_ceil(self.offsets_per_page()))?,
            terms: take(term_pages)?,
            fences: take(fences.div_ceil(FENCES_PER_PAGE))?,
            filter: take(self.filter_blocks().div_ceil(BLOCKS_PER_PAGE))?,
            postings: take(self.postings.div_ceil(POSTINGS_PER_PAGE))?,
            segments: take(self.segments.div_ceil(SEGMENTS_PER_PAGE))?,
            names: take(self.name_pages)?,
        };
        Some((sections, end))
    }

    /// Its page, but for the head that every page has.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = vec![0; index(PAGE)];
        put_u32(&mut page, run::TAG, RUN_TAG);
        put_u32(&mut page, run::LEVEL, self.level);
        put_u64(&mut page, run::START, self.start.get());
        put_u64(&mut page, run::END, self.end.get());
        put_u64(&mut page, run::FIRST, self.first.get());
        put_u64(&mut page, run::NEXT, self.next.get());
        put_u32(&mut page, run::WIDTH, self.width);
        put_u32(&mut page, run::TERMS, self.terms);
        put_u32(&mut page, run::POSTINGS, self.postings);
        put_u32(&mut page, run::NAME_PAGES, self.name_pages);
        put_u32(&mut page, run::SEGMENTS, self.segments);
        put_u64(&mut page, run::PAYLOAD_BYTES, self.payload_bytes);
        page
    }

    /// What a page says where a header has it, whether or not that can be.
    pub(super) fn unchecked(page: &[u8]) -> Self {
        Self {
            level: get_u32(page, run::LEVEL),
            start: LogOffset::new(get_u64(page, run::START)),
            end: LogOffset::new(get_u64(page, run::END)),
            first: Position::new(get_u64(page, run::FIRST)),
            next: Position::new(get_u64(page, run::NEXT)),
            width: get_u32(page, run::WIDTH),
            terms: get_u32(page, run::TERMS),
            postings: get_u32(page, run::POSTINGS),
            name_pages: get_u32(page, run::NAME_PAGES),
            segments: get_u32(page, run::SEGMENTS),
            payload_bytes: get_u64(page, run::PAYLOAD_BYTES),
        }
    }

    /// Reads the header of the run that a slot names so, from a page that passed its check; nothing
    /// if it is not that run's.
    pub fn decode(page: &[u8], place: &RunRef) -> Option<Self> {
        let header = Self::unchecked(page);
        let (_, pages) = header.sections()?;
        let fits = get_u32(page, run::TAG) == RUN_TAG
            && header.end == place.end
            && header.next == place.next
            && header.start < header.end
            && header.first <= header.next
            && pages == place.pages;
        fits.then_some(header)
    }
}

/// Blocks of the filter in a page.
pub const BLOCKS_PER_PAGE: u32 = 127;
/// Bytes of a block.
pub const BLOCK_LEN: usize = 32;

/// Completes a page of a run: its number, its run, its check.
pub fn seal_page(page: &mut [u8], id: u32, number: u32, key: &FileKey) {
    put_u32(page, page_head::RUN, id);
    put_u32(page, page_head::NUMBER, number);
    put_u32(page, page_head::CHECK, page_check(page, id, number, key));
}

/// Whether this is the page with this number of the run with this id, unharmed.
pub fn is_page(page: &[u8], id: u32, number: u32, key: &FileKey) -> bool {
    page.len() == index(PAGE)
        && matches(get_u32(page, page_head::RUN), id)
        && matches(get_u32(page, page_head::NUMBER), number)
        && matches(get_u32(page, page_head::CHECK), page_check(page, id, number, key))
}

/// Of which run it is a page, and which, if it passes its check as that.
pub fn page_of(page: &[u8], key: &FileKey) -> Option<(u32, u32)> {
    let (id, number) = (get_u32(page, page_head::RUN), get_u32(page, page_head::NUMBER));
    is_page(page, id, number, key).then_some((id, number))
}

/// As the check of a record, with the page's number and the run's id for its place.
pub(super) fn page_check(page: &[u8], id: u32, number: u32, key: &FileKey) -> u32 {
    let crc = crc(0, page.get(page_head::RUN..).unwrap_or_default());
    key.record_check(crc, LogOffset::new(u64::from(number)), Position::new(u64::from(id)))
}

/// A term of a run: its postings, and how many there were before; or a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TermEntry {
    /// By which it is known; its kind is in it.
    pub hash: TermHash,
    /// The number of its first posting in the run; with only one, that posting itself. For a
    /// document see [`TermEntry::document`].
    pub start: u32,
    /// How many postings it has, at least 1. For a document see [`TermEntry::document`].
    pub count: u32,
    /// For a stream: its version before the run. For a document: its revision. For others 0.
    pub base: u64,
}

/// The bit of a count that says that the entry is one of a document.
const DOCUMENT: u32 = 1 << 31;
/// The bit that says that the document is deleted.
const DELETED: u32 = 1 << 30;

impl TermEntry {
    /// The entry of a document: where its newest record is. The log offset, in units of 8 bytes,
    /// takes 62 bits; two bits of the count say what it is.
    pub fn of_document(hash: TermHash, place: &DocumentPlace) -> Self {
        let [a, b, c, d, e, f, g, h] = (place.at.get() / 8).to_le_bytes();
        let deleted = if place.deleted { DELETED } else { 0 };
        Self {
            hash,
            start: u32::from_le_bytes([a, b, c, d]),
            count: u32::from_le_bytes([e, f, g, h]) & !(DOCUMENT | DELETED) | DOCUMENT | deleted,
            base: place.revision.get(),
        }
    }

    /// What it says of a document, if it is the entry of one.
    pub fn document(&self) -> Option<DocumentPlace> {
        let upper = u64::from(self.count & !(DOCUMENT | DELETED)) << 32;
        (self.count & DOCUMENT != 0).then(|| DocumentPlace {
            at: LogOffset::new((upper | u64::from(self.start)).saturating_mul(8)),
            revision: Revision::new(self.base),
            deleted: self.count & DELETED != 0,
        })
    }

    /// Writes it.
    pub fn encode(&self, out: &mut [u8]) {
        put(out, term_entry::HASH, &self.hash.0.to_le_bytes());
        put_u32(out, term_entry::START, self.start);
        put_u32(out, term_entry::COUNT, self.count);
        put_u64(out, term_entry::BASE, self.base);
    }

    /// Reads the one at this place of a page of terms.
    pub fn decode(page: &[u8], nth: usize) -> Self {
        let at = PAGE_HEAD_LEN + nth * term_entry::LEN;
        Self {
            hash: Self::hash_at(page, nth),
            start: get_u32(page, at + term_entry::START),
            count: get_u32(page, at + term_entry::COUNT),
            base: get_u64(page, at + term_entry::BASE),
        }
    }

    /// The hash of the one at this place of a page of terms.
    #[inline]
    pub fn hash_at(page: &[u8], nth: usize) -> TermHash {
        let at = PAGE_HEAD_LEN + nth * term_entry::LEN;
        TermHash(u128::from_le_bytes(get_16(page, at + term_entry::HASH)))
    }
}

/// The 32-bit number at this place of a page.
#[inline]
pub fn u32_at(page: &[u8], nth: usize) -> u32 {
    get_u32(page, PAGE_HEAD_LEN + 4 * nth)
}

/// The 32-bit numbers of a page from this place on, each in its four bytes.
#[inline]
pub fn words_from(page: &[u8], nth: usize) -> &[[u8; 4]] {
    page.get(PAGE_HEAD_LEN + 4 * nth..).unwrap_or_default().as_chunks().0
}

/// The 64-bit number at this place of a page.
#[inline]
pub fn u64_at(page: &[u8], nth: usize) -> u64 {
    get_u64(page, PAGE_HEAD_LEN + 8 * nth)
}

/// The log offset at this place of a page of the table of positions; nothing if it can't be one.
#[inline]
pub fn offset_at(page: &[u8], nth: usize, width: u32) -> Option<LogOffset> {
    let base = u64_at(page, 0);
    let step = match width {
        4 => u64::from(u32_at(page, 2 + nth)) * 8,
        _ => u64_at(page, 1 + nth),
    };
    base.checked_add(step).map(LogOffset::new)
}

/// The segment at this place of a page; nothing if it can't be one.
pub fn segment_at(page: &[u8], nth: usize) -> Option<SegmentRef> {
    let place = SegmentRef::decode(page, PAGE_HEAD_LEN + nth * SEGMENT_REF_LEN);
    place.is_sane().then_some(place)
}

/// The block of the filter at this place of a page.
#[inline]
pub fn block_at(page: &[u8], nth: usize) -> &[u8; BLOCK_LEN] {
    let at = PAGE_HEAD_LEN + nth * BLOCK_LEN;
    page.get(at..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0; BLOCK_LEN])
}

const _: () = {
    assert!(page_head::LEN == PAGE_HEAD_LEN && PAGE_ROOM == 4_080);
    assert!(page_head::CHECK == 0, "the check covers all behind it");
    assert!(run::TAG == page_head::LEN, "a header begins where each page's head ends");
};

/// Bytes of a page as a number on disk.
pub const fn page_offset(number: u32) -> u64 {
    // A widening: a const fn has no `From`.
    #[expect(clippy::as_conversions, reason = "u32 to u64, in a const fn")]
    let number = number as u64;
    number * PAGE
}

//! What stands in lists: entries of a slot, values of a page of a run.

use super::say::{hex, number};
use super::shape::{Shape, Spot, piece, structure};
use crate::format::bytes::{get_u32, index, u64_of};
use crate::format::layout::{
    FENCES_PER_PAGE, PAGE_HEAD_LEN, POSTINGS_PER_PAGE, SEGMENTS_PER_PAGE, TERMS_PER_PAGE, free_ref,
    listed, run_ref, segment_ref, slot, term_entry,
};
use crate::format::run::{BLOCK_LEN, BLOCKS_PER_PAGE, RunHeader, TermEntry, offset_at};
use crate::format::term::TermKind;
use crate::format::{Listed, Sections};
use crate::words::Structure;

/// The entry of a slot's lists that has the byte at `within`; nothing where there is none.
pub fn entry_of_slot(page: &[u8], file_offset: u64, within: usize) -> Option<Structure> {
    let lists: [(Shape, usize, usize, usize); 3] = [
        (
            ("segment_ref", segment_ref::TABLE),
            slot::SEGMENTS,
            segment_ref::LEN,
            slot::SEGMENT_COUNT,
        ),
        (("run_ref", run_ref::TABLE), slot::RUNS, run_ref::LEN, slot::RUN_COUNT),
        (("free_ref", free_ref::TABLE), slot::FREE, free_ref::LEN, slot::FREE_COUNT),
    ];
    let room = [slot::SEGMENTS..slot::RUNS, slot::RUNS..slot::FREE, slot::FREE..slot::RESERVED];
    let nth = room.iter().position(|room| room.contains(&within))?;
    let (shape, begin, length, count) = lists.get(nth)?;
    let nth = within.checked_sub(*begin)?.checked_div(*length)?;
    let at = begin + nth * length;
    let mut found =
        structure(*shape, page.get(at..at + length)?, Spot::in_file(file_offset).plus(at));
    let count = index(u64::from(get_u32(page, *count)));
    let used = if nth < count { "" } else { ", not used" };
    found.notes.push(format!("entry {nth}{used}"));
    Some(found)
}

/// Which part of a run its page with this number belongs to, and the value in it that has the byte
/// at `within` of the page; none in its head, its padding, and where the part has no more.
pub fn values_of_page(
    page: &[u8],
    header: &RunHeader,
    file_offset: u64,
    number: u32,
    within: usize,
) -> Option<(&'static str, Option<Structure>)> {
    if number == 0 {
        return Some(("header", None));
    }
    let Sections { offsets, terms, fences, filter, postings, segments, names } =
        header.sections()?.0;
    let parts = [
        ("offsets", offsets, header.offsets_per_page(), header.events()?),
        ("terms", terms, TERMS_PER_PAGE, header.terms),
        ("fences", fences, FENCES_PER_PAGE, header.terms.div_ceil(TERMS_PER_PAGE)),
        ("filter", filter, BLOCKS_PER_PAGE, header.filter_blocks()),
        ("postings", postings, POSTINGS_PER_PAGE, header.postings),
        ("segments", segments, SEGMENTS_PER_PAGE, header.segments),
        ("names", names, u32::MAX, u32::MAX),
    ];
    let (part, pages, per_page, all) =
        parts.into_iter().find(|(_, pages, ..)| pages.contains(&number))?;
    let spot = Spot::in_file(file_offset);
    if part == "names" {
        return Some((part, listed_at(page, spot, within)));
    }
    let before = (number - pages.start).saturating_mul(per_page);
    let count = index(u64::from(all.saturating_sub(before).min(per_page)));
    let value = Values { page, spot, header, before, count };
    Some((part, within.checked_sub(PAGE_HEAD_LEN).and_then(|within| value.at(part, within))))
}

/// The values of a page, of which each has the same size.
struct Values<'a> {
    page: &'a [u8],
    spot: Spot,
    header: &'a RunHeader,
    /// Values of the part before this page, and in it.
    before: u32,
    count: usize,
}

impl Values<'_> {
    fn at(&self, part: &str, within: usize) -> Option<Structure> {
        match part {
            "offsets" => self.offset(within),
            "terms" => self.term(within),
            "fences" => self.one("fence", (within, 0, 8), |_, bytes| hex(bytes)),
            "filter" => self.one("block", (within, 0, BLOCK_LEN), |_, bytes| hex(bytes)),
            "postings" => self.one("posting", (within, 0, 4), |_, bytes| self.event(number(bytes))),
            _ => {
                let (nth, at, bytes) = self.find((within, 0, segment_ref::LEN))?;
                let shape = ("segment_ref", segment_ref::TABLE);
                let mut found = structure(shape, bytes, self.spot.plus(at));
                found.notes.push(format!("segment {nth}"));
                Some(found)
            }
        }
    }

    /// The value that has this byte behind the page's head, where values of `size` bytes begin
    /// behind `skipped` bytes: its number in the part, its place in the page, its bytes.
    fn find(&self, (within, skipped, size): (usize, usize, usize)) -> Option<(u64, usize, &[u8])> {
        let nth = within.checked_sub(skipped)?.checked_div(size)?;
        let at = PAGE_HEAD_LEN + skipped + nth * size;
        let bytes = self.page.get(at..)?.get(..size)?;
        (nth < self.count).then_some((u64::from(self.before) + u64_of(nth), at, bytes))
    }

    fn one(
        &self,
        name: &'static str,
        place: (usize, usize, usize),
        say: impl FnOnce(usize, &[u8]) -> String,
    ) -> Option<Structure> {
        let (nth, at, bytes) = self.find(place)?;
        let mut found = piece(name, self.spot.plus(at), u64_of(bytes.len()));
        let in_page = index(nth.saturating_sub(self.before.into()));
        found.add(name, 0, bytes, Some(say(in_page, bytes)));
        found.notes.push(format!("{name} {nth}"));
        Some(found)
    }

    fn offset(&self, within: usize) -> Option<Structure> {
        if within < 8 {
            let bytes = self.page.get(PAGE_HEAD_LEN..)?.get(..8)?;
            let mut found = piece("base", self.spot.plus(PAGE_HEAD_LEN), 8);
            found.add("base", 0, bytes, Some(format!("log offset {}", number(bytes))));
            return Some(found);
        }
        let width = self.header.width;
        self.one("offset", (within, 8, index(width.into())), |nth, _| {
            let event = self.event(u64::from(self.before) + u64_of(nth));
            match offset_at(self.page, nth, width) {
                Some(at) => format!("{event}: log offset {}", at.get()),
                None => format!("{event}: no log offset"),
            }
        })
    }

    fn term(&self, within: usize) -> Option<Structure> {
        let (nth, at, bytes) = self.find((within, 0, term_entry::LEN))?;
        let mut found = structure(("term_entry", term_entry::TABLE), bytes, self.spot.plus(at));
        found.notes.push(format!("term {nth}"));
        let entry = TermEntry::decode(self.page, index(nth.saturating_sub(self.before.into())));
        let says = match (entry.document(), entry.count) {
            (Some(place), _) => format!(
                "a document, revision {}{}: its newest record stands at log offset {}",
                place.revision,
                if place.deleted { ", deleted" } else { "" },
                place.at.get(),
            ),
            (None, 1) => format!("1 posting: {}", self.event(entry.start.into())),
            (None, count) => format!("{count} postings from number {} on", entry.start),
        };
        found.notes.push(says);
        Some(found)
    }

    fn event(&self, nth: u64) -> String {
        match self.header.first.forward(nth) {
            Some(position) => format!("event {nth}, position {position}"),
            None => format!("event {nth}, which has no position"),
        }
    }
}

/// The name of a page of names that has the byte at `within`.
fn listed_at(page: &[u8], spot: Spot, within: usize) -> Option<Structure> {
    let mut at = 0;
    while let Some(found) = Listed::decode(page, at) {
        let (begin, length) = (PAGE_HEAD_LEN + at, found.len());
        if within < begin {
            return None;
        }
        if within < begin + length {
            let bytes = page.get(begin..)?.get(..length)?;
            let shape = ("listed", listed::TABLE);
            let mut listed = structure(shape, bytes, spot.plus(begin));
            listed.length = u64_of(length);
            let text = bytes.get(listed::LEN..)?;
            listed.add("text", listed::LEN, text, None);
            if found.kind == TermKind::Document {
                listed.notes.push("a document's key: its term says the rest".to_owned());
            }
            return Some(listed);
        }
        at += length;
    }
    None
}

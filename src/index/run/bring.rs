//! What comes nearer to the processor before it is looked at: memory answers many questions in
//! little more time than one. All of it is advice; where a page is not in memory, nothing happens.

use super::Run;
use super::find::TermPlace;
use super::pages::RunError;
use crate::format::{BLOCK_LEN, PAGE_HEAD_LEN, TERM_LEN, TermEntry, TermHash, index};
use std::sync::Arc;

/// Bytes of a fence, of a posting, and of what the offsets of a page are counted from.
const FENCE: usize = 8;
const POSTING: usize = 4;
const BASE: usize = 8;

/// So many terms on either side of where one is expected.
const ABOUT: usize = 2;
/// So many postings.
const FEW: usize = 16;

/// Finds a term in each of some runs, the newest first, and gives them to `each`.
pub fn find_in_each<'a>(
    runs: &'a [Arc<Run>],
    hash: TermHash,
    mut each: impl FnMut(&'a Arc<Run>, TermEntry),
) -> Result<(), RunError> {
    runs.iter().for_each(|run| run.bring_filter(hash));
    let mut places = Vec::with_capacity(runs.len());
    for run in runs.iter().rev() {
        if run.may_have(hash)? {
            let place = run.term_place(hash)?;
            run.bring_term(place);
            places.push((run, place));
        }
    }
    for (run, place) in places {
        if let Some(entry) = run.term_of_events(hash, place)? {
            each(run, entry);
        }
    }
    Ok(())
}

impl Run {
    /// The log offset of its `nth` event.
    #[inline]
    pub fn bring_offset(&self, nth: u32) {
        let (number, nth) = self.offset_place(nth);
        let width = index(self.header().width.into());
        self.pages.bring(number, PAGE_HEAD_LEN, BASE);
        self.pages.bring(number, PAGE_HEAD_LEN + BASE + nth * width, width);
    }

    /// Postings of a term, from this number on.
    pub fn bring_postings(&self, entry: &TermEntry, from: u32) {
        if entry.count > 1 {
            let (number, nth) = self.posting_place(entry, from);
            let within = PAGE_HEAD_LEN + index(nth.into()) * POSTING;
            self.pages.bring(number, within, FEW * POSTING);
        }
    }

    /// What is asked first of a term.
    pub fn bring_filter(&self, hash: TermHash) {
        if self.has_filter() {
            let (number, nth) = self.block_of(hash);
            self.pages.bring(number, PAGE_HEAD_LEN + nth * BLOCK_LEN, BLOCK_LEN);
        }
        let (number, nth) = self.fence_place(self.page_guess(hash));
        self.pages.bring(number, PAGE_HEAD_LEN + nth * FENCE, FENCE);
    }

    /// A term that is expected here.
    fn bring_term(&self, TermPlace { number, guess }: TermPlace) {
        let first = guess.saturating_sub(ABOUT);
        self.pages.bring(number, PAGE_HEAD_LEN + first * TERM_LEN, (2 * ABOUT + 1) * TERM_LEN);
    }
}

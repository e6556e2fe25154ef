//! The postings of a run's terms: read, and searched near a place where they are expected.

use super::Run;
use super::find::lower_bound;
use super::pages::{Page, RunError};
use crate::format::{POSTINGS_PER_PAGE, TermEntry, index, u32_at, words_from};

impl Run {
    /// The `nth` posting of a term: the number of an event in the run.
    pub fn posting(&self, entry: &TermEntry, nth: u32) -> Result<u32, RunError> {
        Probe::new(self, entry).at(nth)
    }

    /// Gives the postings of a term with these numbers, ascending, piece by piece, each in its four
    /// bytes.
    pub fn postings(
        &self,
        entry: &TermEntry,
        (from, to): (u32, u32),
        mut each: impl FnMut(&[[u8; 4]]),
    ) -> Result<(), RunError> {
        let to = entry.count.min(to);
        if entry.count == 1 {
            if from < to {
                each(&[entry.start.to_le_bytes()]);
            }
            return Ok(());
        }
        // They ascend; one that does not, or lies outside, is a lie.
        let (mut nth, mut before) = (from, None);
        while nth < to {
            let (number, first) = self.posting_place(entry, nth);
            let page = self.pages.get(number)?;
            let (words, count) = words_of(&page, first, to - nth);
            let last = ascending(before, words).filter(|last| *last < self.events);
            before = Some(last.ok_or_else(|| self.pages.damaged(number))?);
            each(words);
            nth += count;
        }
        Ok(())
    }

    /// Has the pages read meanwhile that have the postings of a term with a number in `from..to`.
    pub fn announce_postings(&self, entry: &TermEntry, (from, to): (u32, u32)) {
        let last = entry.count.min(to).checked_sub(1).filter(|last| from <= *last);
        if let Some(last) = last.filter(|_| entry.count > 1) {
            let page = |nth| self.posting_place(entry, nth).0;
            self.pages.announce_all(page(from), page(last));
        }
    }

    /// How many postings of a term are of events before the `nth` of the run.
    pub fn postings_before(&self, entry: &TermEntry, nth: u32) -> Result<u32, RunError> {
        let found = self.seek(entry, (0, entry.count), nth)?;
        Ok(found.map_or(entry.count, |(number, _)| number))
    }

    /// The first posting of a term with a number in `low..up` that is not of an event before the
    /// `nth` of the run: its number, and that of its event.
    ///
    /// Mostly a term's events are spread evenly, so the place is guessed; from there the search
    /// goes out in doubling steps, then halves. First in the page that has `low`: who walks on
    /// mostly finds the next one there.
    pub fn seek(
        &self,
        entry: &TermEntry,
        (mut low, up): (u32, u32),
        nth: u32,
    ) -> Result<Option<(u32, u32)>, RunError> {
        if entry.count > 1 && low < up {
            let (found, passed) = self.seek_in_page(entry, (low, up), nth)?;
            if found.is_some() || low + passed >= up {
                return Ok(found);
            }
            low += passed;
        }
        let Some(mut up) = up.checked_sub(1).filter(|up| low <= *up) else { return Ok(None) };
        let mut probe = Probe::new(self, entry);
        let first = probe.at(low)?;
        if first >= nth {
            return Ok(Some((low, first)));
        }
        let mut found = probe.at(up)?;
        if found < nth {
            return Ok(None);
        }
        // Invariant: the posting `low` is before, that of `up` is not; it is `found`.
        let guess = between((first, found), (low, up), nth);
        let at_guess = probe.at(guess)?;
        let mut step = 1_u32;
        if at_guess < nth {
            low = guess;
            while up - low > step {
                let posting = probe.at(low + step)?;
                if posting >= nth {
                    (up, found) = (low + step, posting);
                    break;
                }
                low += step;
                step = step.saturating_mul(2);
            }
        } else {
            (up, found) = (guess, at_guess);
            while up - low > step {
                let posting = probe.at(up - step)?;
                if posting < nth {
                    low = up - step;
                    break;
                }
                (up, found) = (up - step, posting);
                step = step.saturating_mul(2);
            }
        }
        while up - low > 1 {
            let middle = low.midpoint(up);
            let posting = probe.at(middle)?;
            if posting < nth {
                low = middle;
            } else {
                (up, found) = (middle, posting);
            }
        }
        Ok(Some((up, found)))
    }
}

impl Run {
    /// Where the `nth` posting of a term with several stands: the page, and which of its postings.
    #[inline]
    pub(super) fn posting_place(&self, entry: &TermEntry, nth: u32) -> (u32, u32) {
        let place = entry.start.saturating_add(nth);
        let number = self.sections.postings.start.saturating_add(place / POSTINGS_PER_PAGE);
        (number, place % POSTINGS_PER_PAGE)
    }

    /// The same in the page that has the posting `low`, if it is there; and how many postings the
    /// page has from `low` on, which are all of events before if it is not.
    fn seek_in_page(
        &self,
        entry: &TermEntry,
        (low, up): (u32, u32),
        nth: u32,
    ) -> Result<(Option<(u32, u32)>, u32), RunError> {
        let (number, first) = self.posting_place(entry, low);
        let page = self.pages.get(number)?;
        let (words, count) = words_of(&page, first, up - low);
        let at = |nth: usize| words.get(nth).map_or(u32::MAX, |word| u32::from_le_bytes(*word));
        let last = at(words.len().saturating_sub(1));
        if last >= self.events {
            return Err(self.pages.damaged(number));
        }
        if last < nth {
            return Ok((None, count));
        }
        let ahead = u64::from(nth.saturating_sub(at(0))) * u64::from(entry.count);
        let guess = index(ahead / u64::from(self.events.max(1))).min(words.len() - 1);
        let found = lower_bound(words.len(), guess, |place| at(place) < nth);
        let posting = at(found);
        if posting >= self.events {
            return Err(self.pages.damaged(number));
        }
        let found = low.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
        Ok((Some((found, posting)), count))
    }
}

/// The postings of a page from the `first` on, as many as are wanted and there, and their number.
fn words_of(page: &[u8], first: u32, wanted: u32) -> (&[[u8; 4]], u32) {
    let count = (POSTINGS_PER_PAGE - first).min(wanted);
    let words = words_from(page, index(u64::from(first)));
    (words.get(..index(u64::from(count))).unwrap_or_default(), count)
}

/// Looks at postings of a term one by one, most of which stand in the same page.
struct Probe<'a> {
    run: &'a Run,
    entry: &'a TermEntry,
    page: Option<Page<'a>>,
    number: u32,
}

impl<'a> Probe<'a> {
    fn new(run: &'a Run, entry: &'a TermEntry) -> Self {
        Self { run, entry, page: None, number: 0 }
    }

    /// The posting with this number: the number of an event in the run.
    #[inline]
    fn at(&mut self, nth: u32) -> Result<u32, RunError> {
        if self.entry.count == 1 {
            return Ok(self.entry.start);
        }
        let (number, nth) = self.run.posting_place(self.entry, nth);
        let page = match &self.page {
            Some(page) if self.number == number => page,
            _ => {
                self.number = number;
                self.page.insert(self.run.pages.get(number)?)
            }
        };
        let posting = u32_at(page, index(u64::from(nth)));
        if posting < self.run.events { Ok(posting) } else { Err(self.run.pages.damaged(number)) }
    }
}

/// The last of these postings, if they ascend, and lie behind the one before them.
fn ascending(before: Option<u32>, words: &[[u8; 4]]) -> Option<u32> {
    let first = u32::from_le_bytes(*words.first()?);
    let pairs = words.iter().zip(words.iter().skip(1));
    // Without a way out of the loop: so it is done by several at a time.
    let ascend = pairs.fold(true, |ascend, (one, next)| {
        ascend & (u32::from_le_bytes(*one) < u32::from_le_bytes(*next))
    });
    let last = u32::from_le_bytes(*words.last()?);
    (ascend && before.is_none_or(|before| before < first)).then_some(last)
}

/// Where `nth` is between two numbers of postings, if events lie evenly between theirs.
fn between((first, last): (u32, u32), (low, up): (u32, u32), nth: u32) -> u32 {
    let width = u64::from(last.saturating_sub(first).max(1));
    let part = u64::from(nth.saturating_sub(first)) * u64::from(up - low) / width;
    low.saturating_add(u32::try_from(part).unwrap_or(u32::MAX)).min(up)
}

//! The names of a run, by kind and name.

use super::find::Run;
use super::pages::RunError;
use crate::format::{Listed, TermKind};
use crate::index::Name;
use crate::words::Position;
use std::ops::{Bound, RangeBounds};

/// Where a walk over a run's names stands.
#[derive(Clone, Copy, Default)]
pub struct NameAt {
    page: u32,
    at: usize,
}

impl Run {
    /// The name that stands here, if there are more, and where the next one stands.
    pub fn name_at<T>(
        &self,
        mut place: NameAt,
        read: impl Fn(&Listed<'_>) -> T,
    ) -> Result<Option<(T, NameAt)>, RunError> {
        loop {
            let number = self.sections.names.start.saturating_add(place.page);
            if number >= self.sections.names.end {
                return Ok(None);
            }
            let page = self.pages.get(number)?;
            if let Some(listed) = Listed::decode(&page, place.at) {
                let next = NameAt { at: place.at + listed.len(), ..place };
                return Ok(Some((read(&listed), next)));
            }
            if place.at == 0 || !Listed::is_end(&page, place.at) {
                return Err(self.pages.damaged(number));
            }
            place = NameAt { page: place.page + 1, at: 0 };
        }
    }

    /// Where the names from this one on begin.
    pub fn names_from(&self, kind: TermKind, text: &str) -> Result<NameAt, RunError> {
        let is_before = |listed: &Listed<'_>| (listed.kind, listed.text) < (kind, text);
        let pages = self.sections.names.end.saturating_sub(self.sections.names.start);
        let (mut low, mut up) = (0, pages);
        while low < up {
            let middle = low.midpoint(up);
            let first = self.name_at(NameAt { page: middle, at: 0 }, is_before)?;
            if first.is_some_and(|(before, _)| before) {
                low = middle + 1;
            } else {
                up = middle;
            }
        }
        let mut place = NameAt { page: low.saturating_sub(1), at: 0 };
        while let Some((true, next)) = self.name_at(place, is_before)? {
            place = next;
        }
        Ok(place)
    }

    /// Adds the names of a kind that begin so, of events up to `head`, sorted.
    ///
    /// Where the run goes on past `head`, counts and last positions are those of the postings.
    pub fn names(
        &self,
        kind: TermKind,
        prefix: &str,
        head: Position,
        each: &mut dyn FnMut(Name),
    ) -> Result<(), RunError> {
        let base = self.header().first.get();
        let own = |listed: &Listed<'_>| {
            let fits = listed.kind == kind && listed.text.starts_with(prefix);
            fits.then(|| Name {
                kind,
                text: listed.text.to_owned(),
                count: u64::from(listed.count),
                first: Position::new(base.saturating_add(u64::from(listed.first))),
                last: Position::new(base.saturating_add(u64::from(listed.last))),
            })
        };
        let mut place = self.names_from(kind, prefix)?;
        while let Some((Some(name), next)) = self.name_at(place, own)? {
            if name.first <= head {
                each(name);
            }
            place = next;
        }
        Ok(())
    }

    /// Adds keys of documents within these bounds, ascending, or descending if `backward`; at most
    /// `most`.
    pub fn keys(
        &self,
        (first, last): (Bound<&str>, Bound<&str>),
        backward: bool,
        most: usize,
        out: &mut Vec<String>,
    ) -> Result<(), RunError> {
        if backward {
            return self.keys_back((first, last), most, out);
        }
        let from = match first {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => "",
        };
        let mut place = self.names_from(TermKind::Document, from)?;
        let mut left = most;
        while left > 0
            && let Some((Some(key), next)) = self.name_at(place, key_of)?
        {
            place = next;
            if !(first, Bound::Unbounded).contains(&*key) {
                continue;
            }
            if !(Bound::Unbounded, last).contains(&*key) {
                break;
            }
            out.push(key);
            left -= 1;
        }
        Ok(())
    }

    /// Page by page, from the last that may have one of them.
    fn keys_back(
        &self,
        (first, last): (Bound<&str>, Bound<&str>),
        most: usize,
        out: &mut Vec<String>,
    ) -> Result<(), RunError> {
        let pages = self.sections.names.end.saturating_sub(self.sections.names.start);
        let end = match last {
            Bound::Included(key) | Bound::Excluded(key) => {
                // The key itself may begin the page behind.
                self.names_from(TermKind::Document, key)?.page.saturating_add(2).min(pages)
            }
            Bound::Unbounded => pages,
        };
        let mut left = most;
        for page in (0..end).rev() {
            for key in self.names_of(page, key_of)?.into_iter().rev() {
                // Keys stand behind all other names.
                let Some(key) = key.filter(|_| left > 0) else { return Ok(()) };
                if !(first, Bound::Unbounded).contains(&*key) {
                    return Ok(());
                }
                if (Bound::Unbounded, last).contains(&*key) {
                    out.push(key);
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    /// All names of one page of them.
    fn names_of<T>(&self, page: u32, read: impl Fn(&Listed<'_>) -> T) -> Result<Vec<T>, RunError> {
        let bytes = self.pages.get(self.sections.names.start.saturating_add(page))?;
        let (mut names, mut at) = (Vec::new(), 0);
        while let Some(listed) = Listed::decode(&bytes, at) {
            names.push(read(&listed));
            at += listed.len();
        }
        Ok(names)
    }
}

/// A document's key; nothing for other names.
fn key_of(listed: &Listed<'_>) -> Option<String> {
    (listed.kind == TermKind::Document).then(|| listed.text.to_owned())
}

//! The names of a run, by kind and name.

use super::find::Run;
use super::pages::RunError;
use crate::format::{Listed, TermKind};
use std::ops::{Bound, RangeBounds};

/// A name as a run lists it.
pub struct Listing {
    pub text: String,
    /// Its events in the run.
    pub count: u32,
    /// The number of the last of them.
    pub last: u32,
}

impl Listing {
    fn of(listed: &Listed<'_>) -> Self {
        Self { text: listed.text.to_owned(), count: listed.count, last: listed.last }
    }
}

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

    /// Adds names of a kind within these bounds, ascending, or descending if `backward`; at most
    /// `most`. Their counts are those of the whole run.
    pub fn names(
        &self,
        kind: TermKind,
        (first, last): (Bound<&str>, Bound<&str>),
        backward: bool,
        most: usize,
        out: &mut Vec<Listing>,
    ) -> Result<(), RunError> {
        if backward {
            return self.names_back(kind, (first, last), most, out);
        }
        let from = match first {
            Bound::Included(name) | Bound::Excluded(name) => name,
            Bound::Unbounded => "",
        };
        let of_kind = |listed: &Listed<'_>| (listed.kind == kind).then(|| Listing::of(listed));
        let mut place = self.names_from(kind, from)?;
        let mut left = most;
        while left > 0
            && let Some((Some(name), next)) = self.name_at(place, of_kind)?
        {
            place = next;
            if !(first, Bound::Unbounded).contains(&*name.text) {
                continue;
            }
            if !(Bound::Unbounded, last).contains(&*name.text) {
                break;
            }
            out.push(name);
            left -= 1;
        }
        Ok(())
    }

    /// Page by page, from the last that may have one of them.
    fn names_back(
        &self,
        kind: TermKind,
        (first, last): (Bound<&str>, Bound<&str>),
        most: usize,
        out: &mut Vec<Listing>,
    ) -> Result<(), RunError> {
        let pages = self.sections.names.end.saturating_sub(self.sections.names.start);
        let behind = TermKind::NAMED.into_iter().find(|other| *other > kind);
        let last_page = match (last, behind) {
            (Bound::Included(name) | Bound::Excluded(name), _) => self.names_from(kind, name)?.page,
            (Bound::Unbounded, Some(behind)) => self.names_from(behind, "")?.page,
            (Bound::Unbounded, None) => pages,
        };
        // What was looked for may begin the page behind.
        let end = last_page.saturating_add(2).min(pages);
        let mut left = most;
        for page in (0..end).rev() {
            let read = |listed: &Listed<'_>| (listed.kind, Listing::of(listed));
            for (found, name) in self.names_of(page, read)?.into_iter().rev() {
                let before = !(first, Bound::Unbounded).contains(&*name.text);
                if left == 0 || found < kind || (found == kind && before) {
                    return Ok(());
                }
                if found == kind && (Bound::Unbounded, last).contains(&*name.text) {
                    out.push(name);
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

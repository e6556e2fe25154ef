//! Which positions are wanted, and how far a walk through a part has come with each term.

use super::part::{Here, Place};
use crate::format::TermHash;
use crate::index::{Run, RunError};
use crate::words::Position;
use std::ops::Range;
use std::sync::Arc;

/// Terms that are announced, at the most.
const ANNOUNCED: usize = 16;
/// Postings of a term that are announced, at the most.
const POSTINGS: u32 = 1 << 14;

/// Which positions are wanted.
///
/// Within a part a position is a key: counted from the part's first one going up, the complement of
/// that going down. So what is next is always the least key from some key on.
pub enum Wanted {
    /// All.
    All,
    /// Those of any of these items.
    Any(Items),
}

/// Items, each of which wants the positions that every one of its groups has; a group has those of
/// any of its terms. They lie side by side, whatever belongs to what.
#[derive(Default)]
pub struct Items {
    items: Vec<Item>,
    groups: Vec<Group>,
    terms: Vec<Term>,
}

struct Item {
    groups: Range<usize>,
    /// Only what lies between these two positions, both included.
    within: Option<(Position, Position)>,
    found: Option<Found>,
}

struct Group {
    terms: Range<usize>,
}

/// A term, and where its positions are in the part that is walked through.
struct Term {
    hash: TermHash,
    place: Option<Place>,
    found: Option<Found>,
}

/// The last key that was found of one of several: it is not looked for again while it is ahead.
#[derive(Clone, Copy)]
enum Found {
    At(u32),
    /// There are no more.
    Over,
}

impl Wanted {
    /// The positions of a term.
    pub fn term(hash: TermHash) -> Self {
        let mut items = Items::default();
        items.item(None);
        items.any([hash]);
        Self::Any(items)
    }

    /// Has the pages of runs read meanwhile that say where its terms are, and then those that say
    /// where the terms' events are, if they were not yet; of many terms only of the first.
    pub(super) fn announce<'a>(&self, runs: impl Iterator<Item = &'a Arc<Run>>, backward: bool) {
        let Self::Any(Items { terms, .. }) = self else { return };
        let terms = || terms.iter().take(ANNOUNCED).map(|term| term.hash);
        // Of all runs, before the first is looked at.
        let is_new = |run: &&Arc<Run>| terms().filter(|hash| run.announce_term(*hash)).count() > 0;
        let cold: Vec<&Arc<Run>> = runs.filter(is_new).collect();
        for run in cold {
            for hash in terms() {
                // What is damaged is met again by who needs it.
                let Ok(Some(entry)) = run.find(hash) else { continue };
                let most = entry.count.min(POSTINGS);
                let first = if backward { entry.count - most } else { 0 };
                run.announce_postings(&entry, (first, first.saturating_add(most)));
            }
        }
    }

    /// Forgets where it was: another part is next.
    pub(super) fn forget(&mut self) {
        if let Self::Any(Items { items, terms, .. }) = self {
            items.iter_mut().for_each(|item| item.found = None);
            terms.iter_mut().for_each(|term| (term.place, term.found) = (None, None));
        }
    }

    /// Notes of which items the run, which is next, surely has nothing: of several, each is asked
    /// for in one go, since their places in the filter lie apart.
    pub(super) fn rule_out(&mut self, run: &Run) -> Result<(), RunError> {
        let Self::Any(Items { items, groups, terms }) = self else { return Ok(()) };
        if items.len() < 2 {
            return Ok(());
        }
        for item in items {
            let group = groups.get(item.groups.clone()).and_then(<[_]>::first);
            let term = group.filter(|group| group.terms.len() == 1);
            let term = term.and_then(|group| terms.get(group.terms.start));
            if let Some(term) = term
                && !run.may_have(term.hash)?
            {
                item.found = Some(Found::Over);
            }
        }
        Ok(())
    }

    /// The least key in `from..=to`. From one call to the next `from` grows, and `to` stays.
    pub(super) fn next(
        &mut self,
        here: &Here<'_>,
        from: u32,
        to: u32,
    ) -> Result<Option<u32>, RunError> {
        let Items { items, groups, terms } = match self {
            Self::All => return Ok((from <= to).then_some(from)),
            Self::Any(items) => items,
        };
        least(items, from, |item| {
            let (from, to) = match item.within {
                None => (from, to),
                Some(within) => match here.keys(within) {
                    None => return Ok(None),
                    Some((first, last)) => (from.max(first), to.min(last)),
                },
            };
            let groups = groups.get(item.groups.clone()).unwrap_or_default();
            Ok(of_every(groups, terms, here, from)?.filter(|key| *key <= to))
        })
    }
}

impl Items {
    /// Room for so many items, and some terms of each.
    pub fn with_room(items: usize) -> Self {
        let (groups, terms) = (Vec::with_capacity(2 * items), Vec::with_capacity(2 * items));
        Self { items: Vec::with_capacity(items), groups, terms }
    }

    /// One more item, which has no groups yet.
    pub fn item(&mut self, within: Option<(Position, Position)>) {
        let groups = self.groups.len()..self.groups.len();
        self.items.push(Item { groups, within, found: None });
    }

    /// One more group of the last item: any of these terms.
    pub fn any(&mut self, hashes: impl IntoIterator<Item = TermHash>) {
        let start = self.terms.len();
        let term = |hash| Term { hash, place: None, found: None };
        self.terms.extend(hashes.into_iter().map(term));
        self.groups.push(Group { terms: start..self.terms.len() });
        if let Some(item) = self.items.last_mut() {
            item.groups.end = self.groups.len();
        }
    }
}

/// One of several things that are walked through side by side.
trait Choice {
    fn found(&mut self) -> &mut Option<Found>;
}

impl Choice for Item {
    fn found(&mut self) -> &mut Option<Found> {
        &mut self.found
    }
}

impl Choice for Term {
    fn found(&mut self) -> &mut Option<Found> {
        &mut self.found
    }
}

/// The least key from `from` on that any of them has; `next` looks for one's.
#[inline]
fn least<T: Choice>(
    choices: &mut [T],
    from: u32,
    mut next: impl FnMut(&mut T) -> Result<Option<u32>, RunError>,
) -> Result<Option<u32>, RunError> {
    if let [only] = choices {
        return match only.found() {
            Some(Found::Over) => Ok(None),
            _ => next(only),
        };
    }
    let mut least = None;
    for choice in choices {
        let key = match *choice.found() {
            Some(Found::Over) => continue,
            Some(Found::At(key)) if key >= from => Some(key),
            _ => next(choice)?,
        };
        *choice.found() = Some(key.map_or(Found::Over, Found::At));
        if let Some(key) = key {
            least = Some(least.map_or(key, |least: u32| least.min(key)));
        }
    }
    Ok(least)
}

/// The least key from `from` on that every group has.
#[inline]
fn of_every(
    groups: &[Group],
    terms: &mut [Term],
    here: &Here<'_>,
    from: u32,
) -> Result<Option<u32>, RunError> {
    let (mut at, mut agreed) = (from, 0);
    // No group wants all.
    for group in groups.iter().cycle() {
        let terms = terms.get_mut(group.terms.clone()).unwrap_or_default();
        let found = least(terms, at, |term| {
            let place = match &mut term.place {
                Some(place) => place,
                none => none.insert(here.find(term.hash)?),
            };
            here.seek(place, at)
        })?;
        match found {
            None => return Ok(None),
            Some(found) if found == at => agreed += 1,
            Some(found) => (at, agreed) = (found, 1),
        }
        if agreed == groups.len() {
            break;
        }
    }
    Ok(Some(at))
}

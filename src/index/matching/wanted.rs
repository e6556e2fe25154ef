//! Which positions are wanted, and how far a walk through a part has come with each term.

use super::part::{Here, Place};
use crate::format::TermHash;
use crate::index::{Run, RunError};
use crate::words::Position;

/// Which positions are wanted.
///
/// Within a part a position is a key: counted from the part's first one going up, the complement of
/// that going down. So what is next is always the least key from some key on.
pub enum Wanted {
    /// All.
    All,
    /// Those of a term.
    Term(Term),
    /// Those of any of these.
    Any(Vec<Choice>),
    /// Those of every one of these.
    Every(Vec<Wanted>),
    /// Those of this that lie between two positions, both included.
    Within(Position, Position, Box<Wanted>),
}

/// A term, and where its positions are in the part that is walked through.
pub struct Term {
    hash: TermHash,
    place: Option<Place>,
}

/// One of several, and the last key that was found of it: it is not looked for again while it is
/// still ahead.
pub struct Choice {
    wanted: Wanted,
    found: Option<Found>,
}

#[derive(Clone, Copy)]
enum Found {
    At(u32),
    /// There are no more.
    Over,
}

impl Wanted {
    /// The positions of a term.
    pub fn term(hash: TermHash) -> Self {
        Self::Term(Term { hash, place: None })
    }

    /// The positions of any of these.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let choice = |wanted| Choice { wanted, found: None };
        Self::Any(parts.into_iter().map(choice).collect())
    }

    /// Forgets where it was: another part is next.
    pub(super) fn forget(&mut self) {
        match self {
            Self::All => {}
            Self::Term(term) => term.place = None,
            Self::Any(choices) => choices.iter_mut().for_each(|choice| {
                choice.found = None;
                choice.wanted.forget();
            }),
            Self::Every(parts) => parts.iter_mut().for_each(Self::forget),
            Self::Within(.., part) => part.forget(),
        }
    }

    /// Notes what the run, which is next, surely has nothing of: of several choices each is asked
    /// for in one go, since their places in the filter lie apart.
    pub(super) fn rule_out(&mut self, run: &Run) -> Result<(), RunError> {
        let Self::Any(choices) = self else { return Ok(()) };
        for Choice { wanted, found } in choices {
            let first = match wanted {
                Self::Every(parts) => parts.first_mut(),
                other => Some(other),
            };
            if let Some(Self::Term(term)) = first
                && !run.may_have(term.hash)?
            {
                *found = Some(Found::Over);
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
        match self {
            Self::All => Ok((from <= to).then_some(from)),
            Self::Term(Term { hash, place }) => {
                let place = match place {
                    Some(place) => place,
                    None => place.insert(here.find(*hash)?),
                };
                Ok(here.seek(place, from)?.filter(|key| *key <= to))
            }
            Self::Any(choices) => {
                let mut least = None;
                for Choice { wanted, found } in choices {
                    let key = match *found {
                        Some(Found::Over) => continue,
                        Some(Found::At(key)) if key >= from => key,
                        _ => match wanted.next(here, from, to)? {
                            Some(key) => key,
                            None => {
                                *found = Some(Found::Over);
                                continue;
                            }
                        },
                    };
                    *found = Some(Found::At(key));
                    least = Some(least.map_or(key, |least: u32| least.min(key)));
                }
                Ok(least)
            }
            Self::Every(parts) => {
                let (mut at, mut agreed, count) = (from, 0, parts.len());
                for nth in (0..count).cycle() {
                    if agreed == count {
                        break;
                    }
                    let Some(part) = parts.get_mut(nth) else { break };
                    match part.next(here, at, to)? {
                        None => return Ok(None),
                        Some(found) if found == at => agreed += 1,
                        Some(found) => (at, agreed) = (found, 1),
                    }
                }
                Ok((at <= to).then_some(at))
            }
            Self::Within(first, last, part) => {
                let Some((first, last)) = here.keys((*first, *last)) else { return Ok(None) };
                let (from, to) = (from.max(first), to.min(last));
                if from > to { Ok(None) } else { part.next(here, from, to) }
            }
        }
    }
}

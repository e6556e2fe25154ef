//! The names of streams, one after another.

use crate::engine::{READ_ONE, View};
use crate::format::TermKind;
use crate::index::{Matching, Wanted};
use crate::log::Fetch;
use crate::words::{Error, Position};
use std::fmt;

/// Names of streams, in the order in which the streams began.
///
/// After an error it has ended.
pub struct Names {
    view: View,
    fetch: Fetch,
    /// The first events of the streams that are asked for.
    begins: Matching,
    ended: bool,
}

impl Names {
    pub(super) fn new(view: View, category: Option<&str>) -> Self {
        let begins = match category {
            None => view.core.hash("").of(TermKind::Begins),
            Some(category) => view.core.hash(category).of(TermKind::BeginsIn),
        };
        let all = (Position::new(1), view.head);
        let begins = Matching::new(Wanted::term(begins), all, false);
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Self { view, fetch, begins, ended: false }
    }

    fn next_name(&mut self) -> Result<Option<String>, Error> {
        let Self { view, fetch, begins, .. } = self;
        let Some(position) = view.ask(|sources| begins.next(sources))? else { return Ok(None) };
        let Some(place) = view.place(position)? else { return Ok(None) };
        Ok(Some(view.event(fetch, place)?.stream()?.to_owned()))
    }
}

impl Iterator for Names {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_name();
        self.ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("head", &self.view.head).finish_non_exhaustive()
    }
}

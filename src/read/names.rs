//! The names of streams, one after another.

use crate::engine::{READ_ONE, View};
use crate::format::{TermHash, TermKind};
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
    begins: TermHash,
    /// The positions of the next few, the next one last.
    batch: Vec<u64>,
    after: Position,
}

/// Looked up at once.
const BATCH: usize = 256;

impl Names {
    pub(super) fn new(view: View, category: Option<&str>) -> Self {
        let begins = match category {
            None => view.core.hash("").of(TermKind::Begins),
            Some(category) => view.core.hash(category).of(TermKind::BeginsIn),
        };
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Self { view, fetch, begins, batch: Vec::new(), after: Position::START }
    }

    fn next_name(&mut self) -> Result<Option<String>, Error> {
        let Self { view, fetch, begins, batch, after } = self;
        if batch.is_empty()
            && let Some(from) = after.next()
        {
            *batch = view.ask(|sources| {
                let mut found = Vec::new();
                sources.postings(*begins, (from, view.head), BATCH, &mut found)?;
                Ok(found)
            })?;
            batch.reverse();
        }
        let Some(position) = batch.pop().map(Position::new) else { return Ok(None) };
        *after = position;
        let Some(place) = view.place(position)? else { return Ok(None) };
        Ok(Some(view.event(fetch, place)?.stream().to_owned()))
    }
}

impl Iterator for Names {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_name().transpose();
        if let Some(Err(_)) = next {
            self.batch.clear();
            self.after = Position::MAX;
        }
        next
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("after", &self.after).finish_non_exhaustive()
    }
}

//! Names of one kind, a few at a time, in their order.

use super::keys::{Bounds, Keys};
use crate::engine::View;
use crate::format::TermKind;
use crate::words::Error;
use std::ops::Bound;

/// A walk over the names of a kind, sorted by their bytes; those are among them that have nothing
/// in the view.
pub(super) struct Listing {
    kind: TermKind,
    /// Between which names the next ones lie; nothing if there is no more.
    bounds: Option<Bounds>,
    backward: bool,
    /// The next few, each with its events, the next one last.
    batch: Vec<(String, u64)>,
    /// How many are looked up next time.
    most: usize,
}

/// Looked up at once at first, and at the most.
const FEW: usize = 16;
const MANY: usize = 1_024;

impl Listing {
    pub(super) fn new(kind: TermKind, keys: &Keys) -> Self {
        let (bounds, backward) = (keys.bounds(), keys.backward);
        Self { kind, bounds, backward, batch: Vec::new(), most: FEW }
    }

    /// The next name, and how many events in the view have it. After an error it has ended.
    pub(super) fn next(&mut self, view: &View) -> Result<Option<(String, u64)>, Error> {
        if self.batch.is_empty() {
            self.look_up(view)?;
        }
        Ok(self.batch.pop())
    }

    fn look_up(&mut self, view: &View) -> Result<(), Error> {
        let Some((first, last)) = self.bounds.take() else { return Ok(()) };
        let (most, backward) = (self.most, self.backward);
        let bounds = (first.as_ref().map(String::as_str), last.as_ref().map(String::as_str));
        let (kind, hash) = ((self.kind, view.head), |name: &str| view.core.hash(name));
        let mut names = view.ask(|sources| sources.names(kind, bounds, backward, most, hash))?;
        if let Some((end, _)) = names.last().filter(|_| names.len() >= most).cloned() {
            self.bounds = Some(match backward {
                true => (first, Bound::Excluded(end)),
                false => (Bound::Excluded(end), last),
            });
        }
        names.reverse();
        self.batch = names;
        self.most = (self.most * 4).min(MANY);
        Ok(())
    }
}

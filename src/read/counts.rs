//! Types or tags of a view, one after another, counted.

use super::keys::Keys;
use super::listing::Listing;
use crate::engine::View;
use crate::format::TermKind;
use crate::words::{Counted, Error};
use std::fmt;

/// Names in the order of their bytes, each with how many events have it. It sees the view it began
/// with, as cursors do.
///
/// After an error it has ended.
pub struct Counts {
    view: View,
    names: Listing,
    left: u64,
}

impl Counts {
    pub(super) fn new(view: View, kind: TermKind, keys: &Keys) -> Self {
        Self { view, names: Listing::new(kind, keys), left: keys.limit }
    }

    fn next_name(&mut self) -> Result<Option<Counted>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        while let Some((name, events)) = self.names.next(&self.view)? {
            // Others are of events behind the view's head.
            if events > 0 {
                self.left = left;
                return Ok(Some(Counted::new(name, events)));
            }
        }
        Ok(None)
    }
}

impl Iterator for Counts {
    type Item = Result<Counted, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_name();
        if !matches!(next, Ok(Some(_))) {
            self.left = 0;
        }
        next.transpose()
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("head", &self.view.head).finish_non_exhaustive()
    }
}

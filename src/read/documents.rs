//! Documents of a view, one after another.

use super::keys::{Bounds, Keys};
use crate::engine::{READ_ONE, View};
use crate::log::Fetch;
use crate::words::{Document, DocumentRef, Error, Revision};
use std::fmt;
use std::ops::Bound;

/// Reads documents in the order of their keys. It owns what it reads from, holds no lock, and sees
/// the view it began with, whatever is committed meanwhile, even after the store is closed.
///
/// As an [`Iterator`] it gives owned documents; [`Documents::next_document`] lends them without
/// copying, [`Documents::next_key`] does not read their values.
pub struct Documents {
    view: View,
    fetch: Fetch,
    /// Between which keys the next ones lie; nothing if there is no more.
    bounds: Option<Bounds>,
    backward: bool,
    left: u64,
    /// The next few keys, the next one last.
    batch: Vec<String>,
    /// How many are looked up next time.
    most: usize,
}

/// Looked up at once at first, and at the most.
const FEW: usize = 16;
const MANY: usize = 1_024;

impl Documents {
    pub(super) fn new(view: View, keys: &Keys) -> Self {
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        let bounds = keys.bounds();
        let (backward, left) = (keys.backward, keys.limit);
        Self { view, fetch, bounds, backward, left, batch: Vec::new(), most: FEW }
    }

    /// The next document, lent until the next call; nothing at the end. After an error it has
    /// ended.
    pub fn next_document(&mut self) -> Result<Option<DocumentRef<'_>>, Error> {
        let Some((key, _)) = self.next_key()? else { return Ok(None) };
        self.view.document(&mut self.fetch, &key)
    }

    /// The key and the revision of the next document, whose value is passed over; nothing at the
    /// end. After an error it has ended.
    pub fn next_key(&mut self) -> Result<Option<(String, Revision)>, Error> {
        let next = self.find_key();
        if next.is_err() {
            self.bounds = None;
            self.batch.clear();
        }
        next
    }

    fn find_key(&mut self) -> Result<Option<(String, Revision)>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        loop {
            if self.batch.is_empty() {
                self.look_up()?;
            }
            let Some(key) = self.batch.pop() else { return Ok(None) };
            let place = self.view.document_place(self.view.core.hash(&key))?;
            if let Some(place) = place.filter(|place| !place.deleted) {
                self.left = left;
                return Ok(Some((key, place.revision)));
            }
        }
    }

    fn look_up(&mut self) -> Result<(), Error> {
        let Some((first, last)) = self.bounds.take() else { return Ok(()) };
        let (most, backward) = (self.most, self.backward);
        let bounds = (first.as_ref().map(String::as_str), last.as_ref().map(String::as_str));
        let mut keys = self.view.ask(|sources| sources.keys(bounds, backward, most))?;
        if let Some(end) = keys.last().filter(|_| keys.len() >= most).cloned() {
            self.bounds = Some(match backward {
                true => (first, Bound::Excluded(end)),
                false => (Bound::Excluded(end), last),
            });
        }
        keys.reverse();
        self.batch = keys;
        self.most = (self.most * 4).min(MANY);
        Ok(())
    }
}

impl Iterator for Documents {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_document();
        next.map(|found| found.map(|document| document.to_document())).transpose()
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("head", &self.view.head).finish_non_exhaustive()
    }
}

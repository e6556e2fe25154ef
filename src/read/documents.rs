//! Documents of a view, one after another.

use super::keys::Keys;
use super::listing::Listing;
use crate::engine::{READ_ONE, View};
use crate::format::TermKind;
use crate::log::Fetch;
use crate::words::{Document, DocumentRef, Error, Revision};
use std::fmt;

/// Reads documents in the order of their keys. It owns what it reads from, holds no lock, and sees
/// the view it began with, whatever is committed meanwhile, even after the store is closed.
///
/// As an [`Iterator`] it gives owned documents; [`Documents::next_document`] lends them without
/// copying, [`Documents::next_key`] does not read their values.
pub struct Documents {
    view: View,
    fetch: Fetch,
    keys: Listing,
    left: u64,
}

impl Documents {
    pub(super) fn new(view: View, keys: &Keys) -> Self {
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        let listing = Listing::new(TermKind::Document, keys);
        Self { view, fetch, keys: listing, left: keys.limit }
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
        if !matches!(next, Ok(Some(_))) {
            self.left = 0;
        }
        next
    }

    fn find_key(&mut self) -> Result<Option<(String, Revision)>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        while let Some((key, _)) = self.keys.next(&self.view)? {
            let place = self.view.document_place(self.view.core.hash(&key))?;
            if let Some(place) = place.filter(|place| !place.deleted) {
                self.left = left;
                return Ok(Some((key, place.revision)));
            }
        }
        Ok(None)
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

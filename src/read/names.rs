//! The names of streams, one after another.

use crate::engine::View;
use std::fmt;

/// Names of streams, in the order in which the streams began.
pub struct Names {
    view: View,
    category: Option<String>,
    batch: std::vec::IntoIter<String>,
    next: usize,
}

/// Looked up at once.
const BATCH: usize = 256;

impl Names {
    pub(super) fn new(view: View, category: Option<String>) -> Self {
        Self { view, category, batch: Vec::new().into_iter(), next: 0 }
    }
}

impl Iterator for Names {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.batch.next().or_else(|| {
            let tail = &self.view.core.tail;
            let category = self.category.as_deref();
            let (batch, next) = tail.stream_names(category, self.view.head, self.next, BATCH);
            self.batch = batch.into_iter();
            self.next = next;
            self.batch.next()
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("category", &self.category).finish_non_exhaustive()
    }
}

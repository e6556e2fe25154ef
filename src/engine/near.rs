//! Records that are going to be read in a moment.

use super::view::View;
use crate::log::{Fetch, Located};
use crate::words::{Error, Position};

/// The places of the next few events that somebody reads, found at once, their records on their way
/// to the processor.
///
/// Events of a stream or a query lie apart, so whoever reads one after another waits for memory at
/// each; memory answers many questions in little more time than one.
pub struct Near {
    places: [Located; FEW],
    next: usize,
    end: usize,
}

/// At once: as many records as the nearest memory has room for beside all else (6 of 32 KiB).
const FEW: usize = 16;

impl Near {
    pub fn new() -> Self {
        Self { places: [Located::default(); FEW], next: 0, end: 0 }
    }

    /// Whether all of them were taken.
    pub fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// Takes the next one.
    pub fn take(&mut self) -> Option<Located> {
        let place = self.places.get(self.next..self.end)?.first().copied()?;
        self.next += 1;
        Some(place)
    }

    /// Finds the first few of these, once all are taken; returns how many. Fewer than there are if
    /// one can't be found, which is an error when it is the first.
    pub fn find(
        &mut self,
        view: &View,
        fetch: &Fetch,
        positions: impl Iterator<Item = Position>,
    ) -> Result<usize, Error> {
        (self.next, self.end) = (0, 0);
        for (position, near) in positions.zip(&mut self.places) {
            match view.place(position) {
                Ok(Some(place)) => *near = place,
                Err(error) if self.end == 0 => return Err(error),
                _ => break,
            }
            self.end += 1;
        }
        let found = self.places.get(..self.end).unwrap_or_default();
        found.iter().for_each(|place| fetch.bring(*place));
        Ok(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::READ_ONE;
    use crate::engine::tests::{append, quiet};
    use crate::engine::{Engine, View};
    use crate::storage::MemoryStorage;
    use std::sync::Arc;

    #[test]
    fn a_few_are_found_in_order_up_to_the_first_that_is_not_there() {
        let engine = Engine::open(Arc::new(MemoryStorage::new()), quiet()).unwrap();
        append(&engine, 20);
        let view = engine.view().unwrap();
        let fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        let mut near = Near::new();
        let mut found = |view: &View, positions: &[u64]| {
            let positions = positions.iter().copied().map(Position::new);
            let count = near.find(view, &fetch, positions)?;
            let taken = std::iter::from_fn(|| near.take()).map(|place| place.position.get());
            let taken: Vec<_> = taken.collect();
            assert!(taken.len() == count && near.is_empty());
            Ok::<_, Error>(taken)
        };
        let all: Vec<_> = (1..=20).collect();
        assert_eq!(found(&view, &all).unwrap(), all[..FEW]);
        assert_eq!(found(&view, &[20, 3, 11]).unwrap(), [20, 3, 11]);
        assert_eq!(found(&view, &[7, 21, 8]).unwrap(), [7]);
        assert!(found(&view, &[21]).unwrap().is_empty());
        assert!(found(&view, &[]).unwrap().is_empty());
        // What should be there and is not is told to who comes to it first.
        let mut sources = (*view.sources).clone();
        sources.tables.clear();
        let forgetful = View { sources: Arc::new(sources), ..view };
        let error = found(&forgetful, &[1]).unwrap_err();
        assert!(error.to_string().contains("does not know"), "{error}");
    }
}

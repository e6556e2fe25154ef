//! Records that are going to be read in a moment.

use super::view::View;
use crate::log::{Ahead, Fetch, Located};
use crate::words::{Error, Position};

/// The places of the next few events that somebody reads, found at once, their records on their way
/// to the processor.
///
/// Events of a stream or a query lie apart, so whoever reads one after another waits for memory at
/// each; memory answers many questions in little more time than one.
pub struct Near {
    ahead: [Ahead; FEW],
    next: usize,
    end: usize,
}

/// At once: as many records as the nearest memory has room for beside all else (6 of 32 KiB).
const FEW: usize = 16;

impl Near {
    pub fn new() -> Self {
        Self { ahead: std::array::from_fn(|_| Ahead::default()), next: 0, end: 0 }
    }

    /// Whether all of them were taken.
    pub fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// Takes the next one, which this is going to read.
    pub fn take(&mut self, fetch: &mut Fetch) -> Option<Located> {
        let next = self.ahead.get_mut(self.next..self.end)?.first_mut()?;
        fetch.go_ahead(next);
        self.next += 1;
        Some(next.place)
    }

    /// Finds the first few of these, once all are taken; returns how many. Fewer than there are if
    /// one can't be found, which is an error when it is the first.
    pub fn find(
        &mut self,
        view: &View,
        fetch: &Fetch,
        positions: impl Iterator<Item = Position> + Clone,
    ) -> Result<usize, Error> {
        (self.next, self.end) = (0, 0);
        let mut room = self.ahead.iter_mut();
        view.place_each(positions.take(FEW), |place| {
            if let Some(next) = room.next() {
                next.place = place;
                self.end += 1;
            }
        })?;
        fetch.bring(self.ahead.get_mut(..self.end).unwrap_or_default());
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
        let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        let mut near = Near::new();
        let mut found = |view: &View, positions: &[u64]| {
            let positions = positions.iter().copied().map(Position::new);
            let count = near.find(view, &fetch, positions)?;
            let taken =
                std::iter::from_fn(|| near.take(&mut fetch)).map(|place| place.position.get());
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

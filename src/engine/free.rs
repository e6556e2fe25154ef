//! Room of the file for runs: what is free, when it may be used again, and what is being filled.

use crate::format::{Extent, PAGE, SLOT_FREE, SLOT_RUNS, Slot};
use crate::index::{Pinned, Run};
use std::sync::Arc;

/// The room that no slot names a run or segment in.
#[derive(Default)]
pub struct Free {
    list: Vec<Piece>,
    /// Room that a run is being written to. A slot that is written meanwhile calls it free: after a
    /// crash it is.
    filling: Vec<Extent>,
    /// The numbers of runs that end past the end of the file as it was opened. Their room is not
    /// theirs: what is written next begins at the file's end.
    cut: Vec<u32>,
}

struct Piece {
    extent: Extent,
    /// The counter of the slot that dropped it. It may be used again when both slots are newer or
    /// this one: when another was written since.
    since: u64,
    /// Whoever may still read it here.
    pin: Option<Pinned>,
}

/// How much room is taken at the end of the file for a run that is this long: by steps of a
/// sixteenth to an eighth. Runs of a level are nearly as long as one another, so each fits where
/// one was.
pub fn class(length: u64) -> u64 {
    let step = length.checked_ilog2().map_or(PAGE, |power| (1 << power) / 8).max(PAGE);
    length.checked_next_multiple_of(step).unwrap_or(length)
}

impl Piece {
    fn is_usable(&self, newest: u64) -> bool {
        newest > self.since && !self.pin.as_ref().is_some_and(Pinned::is_held)
    }
}

impl Free {
    /// What a slot says is free, in a file that ends here.
    pub fn of(slot: &Slot, file_end: u64) -> Self {
        let there = slot.free.iter().filter(|extent| extent.end() <= file_end);
        let list = there.map(|extent| Piece { extent: *extent, since: slot.counter, pin: None });
        let cut = slot.runs.iter().filter(|run| run.extent().end() > file_end);
        let cut = cut.map(|run| run.id).collect();
        Self { list: list.collect(), filling: Vec::new(), cut }
    }

    /// Room that no slot has named: from the end of what is named up to the end of the file, or of
    /// what was taken. Both slots are to be newer than this one, as for all that is free.
    pub fn add_unnamed(&mut self, named_end: u64, file_end: u64, newest: u64) {
        let length = file_end.saturating_sub(named_end);
        if length > 0 {
            let extent = Extent { file_offset: named_end, length };
            self.list.push(Piece { extent, since: newest, pin: None });
        }
    }

    /// Takes so many bytes of free room, where some is that may be used; `newest` is the counter of
    /// the newer slot. The smallest piece that has them serves.
    pub fn take(&mut self, length: u64, newest: u64) -> Option<Extent> {
        self.join(newest);
        let fitting = self
            .list
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.is_usable(newest) && piece.extent.length >= length);
        let (nth, _) = fitting.min_by_key(|(_, piece)| piece.extent.length)?;
        let piece = self.list.get_mut(nth)?;
        let taken = Extent { file_offset: piece.extent.file_offset, length };
        piece.extent.file_offset = taken.end();
        piece.extent.length -= length;
        if piece.extent.length == 0 {
            self.list.swap_remove(nth);
        }
        Some(taken)
    }

    /// A run is going to be written here.
    pub fn fill(&mut self, extent: Extent) {
        self.filling.push(extent);
    }

    /// What was to be written here is named by a slot now.
    pub fn filled(&mut self, extent: Extent) {
        self.filling.retain(|filling| *filling != extent);
    }

    /// What was to be written here is not going to be.
    pub fn abandon(&mut self, extent: Extent) {
        self.filled(extent);
        self.list.push(Piece { extent, since: 0, pin: None });
    }

    /// The slot with this counter does not name this run any more.
    pub fn drop_run(&mut self, run: &Arc<Run>, counter: u64) {
        if self.cut.contains(&run.place().id) {
            return;
        }
        let extent = run.place().extent();
        self.list.push(Piece { extent, since: counter, pin: Some(run.pin().watch()) });
    }

    /// Free room that nobody looks at any more, in pieces of so many bytes at least.
    pub fn unread(&mut self, least: u64, newest: u64) -> Vec<Extent> {
        self.join(newest);
        let pieces = self.list.iter().filter(|piece| piece.is_usable(newest));
        pieces.map(|piece| piece.extent).filter(|extent| extent.length >= least).collect()
    }

    /// What a slot is to call free: the largest pieces, if there are too many.
    pub fn listed(&self) -> Vec<Extent> {
        let free = self.list.iter().map(|piece| piece.extent);
        let mut listed: Vec<Extent> = free.chain(self.filling.iter().copied()).collect();
        listed
            .sort_unstable_by_key(|extent| std::cmp::Reverse((extent.length, extent.file_offset)));
        listed.truncate(SLOT_FREE);
        listed.sort_unstable_by_key(|extent| extent.file_offset);
        listed
    }

    /// Bytes that are free.
    #[cfg(test)]
    fn bytes(&self) -> u64 {
        self.list.iter().map(|piece| piece.extent.length).sum()
    }

    /// Joins usable pieces that lie beside one another.
    fn join(&mut self, newest: u64) {
        self.list.sort_unstable_by_key(|piece| piece.extent.file_offset);
        let mut joined: Vec<Piece> = Vec::with_capacity(self.list.len());
        for piece in self.list.drain(..) {
            match joined.last_mut() {
                Some(last)
                    if last.extent.end() == piece.extent.file_offset
                        && last.is_usable(newest)
                        && piece.is_usable(newest) =>
                {
                    last.extent.length = last.extent.length.saturating_add(piece.extent.length);
                }
                _ => joined.push(piece),
            }
        }
        self.list = joined;
    }
}

const _: () =
    assert!(SLOT_FREE > SLOT_RUNS && PAGE == 4_096, "a slot can call all runs' room free");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::shelf::Shelf;
    use crate::format::RunRef;
    use crate::format::document_tests::store::closed_slot;

    fn piece(page: u64, pages: u64, since: u64) -> Piece {
        let extent = Extent { file_offset: page * PAGE, length: pages * PAGE };
        Piece { extent, since, pin: None }
    }

    #[test]
    fn room_is_used_again_only_when_both_slots_are_past_it() {
        let mut free = Free { list: vec![piece(10, 4, 7)], ..Free::default() };
        assert_eq!(free.take(PAGE, 7), None);
        assert_eq!(free.take(PAGE, 8).map(|extent| extent.file_offset), Some(10 * PAGE));
        assert_eq!(free.bytes(), 3 * PAGE);
    }

    #[test]
    fn room_for_runs_comes_in_steps_so_that_a_run_fits_where_one_a_little_shorter_was() {
        for (pages, taken) in [(1, 1), (6, 6), (16, 16), (17, 18), (257, 288), (288, 288)] {
            assert_eq!(class(pages * PAGE), taken * PAGE, "{pages}");
        }
        assert_eq!((class(0), class(u64::MAX)), (0, u64::MAX));
        let mut free = Free::default();
        let (used, taken) = (257 * PAGE, class(257 * PAGE));
        let at = |length| Extent { file_offset: 4 * PAGE, length };
        free.add_unnamed(at(used).end(), at(taken).end(), 0);
        free.add_unnamed(at(used).end(), at(used).end(), 0);
        assert_eq!((free.bytes(), free.list.len()), (taken - used, 1));
        // Once the run is given up, the next, which is longer, fits in its place.
        free.abandon(at(used));
        assert_eq!(free.take(280 * PAGE, 1), Some(at(280 * PAGE)));
    }

    #[test]
    fn room_that_is_not_looked_at_any_more_is_told_in_large_pieces() {
        let pin = crate::index::Pin::new();
        let held = Piece { pin: Some(pin.watch()), ..piece(30, 8, 0) };
        let list = vec![held, piece(12, 2, 0), piece(10, 2, 0), piece(50, 4, 5), piece(60, 3, 0)];
        let mut free = Free { list, ..Free::default() };
        let pages = |extents: Vec<Extent>| -> Vec<(u64, u64)> {
            extents.iter().map(|it| (it.file_offset / PAGE, it.length / PAGE)).collect()
        };
        assert_eq!(pages(free.unread(4 * PAGE, 5)), [(10, 4)]);
        assert_eq!(pages(free.unread(4 * PAGE, 6)), [(10, 4), (50, 4)]);
        drop(pin);
        assert_eq!(pages(free.unread(4 * PAGE, 6)), [(10, 4), (30, 8), (50, 4)]);
    }

    #[test]
    fn neighbours_are_joined_and_the_smallest_that_fits_serves() {
        let list = vec![piece(30, 8, 0), piece(12, 2, 0), piece(10, 2, 0)];
        let mut free = Free { list, ..Free::default() };
        assert_eq!(free.take(4 * PAGE, 1).map(|extent| extent.file_offset), Some(10 * PAGE));
        assert_eq!(free.take(4 * PAGE, 1).map(|extent| extent.file_offset), Some(30 * PAGE));
        assert_eq!(free.take(8 * PAGE, 1), None);
    }

    #[test]
    fn a_slot_calls_free_what_is_being_filled() {
        let mut free = Free::default();
        let extent = Extent { file_offset: 8 * PAGE, length: PAGE };
        free.fill(extent);
        assert_eq!(free.listed(), vec![extent]);
        free.filled(extent);
        assert!(free.listed().is_empty());
    }

    #[test]
    fn of_what_a_slot_says_only_that_counts_which_the_file_has() {
        let end = 20 * PAGE;
        let within = Extent { file_offset: 18 * PAGE, length: 2 * PAGE };
        let beyond = Extent { file_offset: 19 * PAGE, length: 2 * PAGE };
        let mut shelf = Shelf::default();
        let runs = shelf.runs(&[0, 0]);
        let places: Vec<RunRef> = runs.iter().map(|run| *run.place()).collect();
        let slot = |runs| Slot { counter: 7, free: vec![within, beyond], runs, ..closed_slot() };
        let mut free = Free::of(&slot(Vec::new()), end);
        // Of the slot before it nothing is known.
        assert_eq!((free.take(PAGE, 7), free.bytes()), (None, 2 * PAGE));
        assert_eq!(free.take(2 * PAGE, 8), Some(within));
        // Room of a run that the file has is used again, once no slot names it.
        for (file_end, bytes) in [
            (places[1].extent().end(), places[1].extent().length),
            (places[1].extent().end() - 1, 0),
        ] {
            let mut free = Free::of(&slot(places.clone()), file_end);
            free.drop_run(&runs[1], 8);
            assert_eq!(free.bytes(), bytes);
            free.drop_run(&runs[0], 8);
            assert_eq!(free.bytes(), bytes + places[0].extent().length);
        }
    }

    #[test]
    fn room_that_is_held_or_apart_or_not_past_both_slots_is_not_joined() {
        let pin = crate::index::Pin::new();
        let held = Piece { pin: Some(pin.watch()), ..piece(12, 2, 0) };
        let list = vec![piece(10, 2, 0), held, piece(14, 2, 5), piece(17, 2, 0), piece(19, 1, 0)];
        let mut free = Free { list, ..Free::default() };
        assert_eq!(free.take(4 * PAGE, 5), None);
        assert_eq!(free.take(3 * PAGE, 5).map(|extent| extent.file_offset), Some(17 * PAGE));
        assert_eq!(free.bytes(), 6 * PAGE);
        // One slot more, and nobody reads there any more: it is one piece.
        drop(pin);
        assert_eq!(free.take(6 * PAGE, 6).map(|extent| extent.file_offset), Some(10 * PAGE));
        assert_eq!((free.bytes(), free.list.len()), (0, 0));
    }

    #[test]
    fn what_no_slot_has_named_is_free_behind_what_one_has() {
        let mut free = Free::default();
        free.add_unnamed(10 * PAGE, 10 * PAGE, 3);
        free.add_unnamed(11 * PAGE, 10 * PAGE, 3);
        assert!(free.list.is_empty());
        free.add_unnamed(10 * PAGE, 12 * PAGE, 3);
        assert_eq!(free.take(2 * PAGE, 3), None);
        assert_eq!(free.take(2 * PAGE, 4).map(|extent| extent.file_offset), Some(10 * PAGE));
    }

    #[test]
    fn what_was_given_up_can_be_taken_at_once() {
        let mut free = Free::default();
        let extent = Extent { file_offset: 8 * PAGE, length: PAGE };
        free.fill(extent);
        free.abandon(extent);
        assert!(free.filling.is_empty());
        assert_eq!(free.take(PAGE, 1), Some(extent));
    }

    #[test]
    fn a_slot_lists_the_largest_pieces_in_their_order() {
        let most = u64::try_from(SLOT_FREE).unwrap();
        let list = (0..most + 10).map(|nth| piece(10 + 100 * nth, 1 + (nth * 7) % 90, 0)).collect();
        let listed = Free { list, ..Free::default() }.listed();
        assert_eq!(listed.len(), SLOT_FREE);
        assert!(listed.is_sorted_by_key(|extent| extent.file_offset));
        let smallest = listed.iter().map(|extent| extent.length).min().unwrap();
        let all = (0..most + 10).map(|nth| (1 + (nth * 7) % 90) * PAGE);
        assert!(all.filter(|length| *length > smallest).count() <= SLOT_FREE);
    }
}

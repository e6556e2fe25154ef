//! The positions of each term of a table, ascending: in blocks that double up to a size, all in one
//! arena, each leading to the one before and the one after it.
//!
//! So adding one writes one word, most terms take little more room than they have positions, and
//! finding one among many goes back by blocks and then halves.

use crate::format::index;

/// The positions of all terms.
#[derive(Default)]
pub(super) struct Postings {
    words: Vec<u32>,
}

/// Where a term's positions are. The first stands here; blocks have the others. A copy has those
/// that were there when it was made.
#[derive(Clone, Copy, Default)]
pub(in crate::index) struct List {
    pub(super) count: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    /// The place of its newest block, once it has more than one position.
    newest: u32,
}

/// Where the last search in a list has ended: the place of a block, if it was in one.
#[derive(Clone, Copy, Default)]
pub(in crate::index) struct Spot(Option<u32>);

/// Words of a block before its positions: the place of the block before (or `NONE`), that of the
/// one after (or `NONE`), and how many positions stand before it.
const HEAD: usize = 3;
const NONE: u32 = u32::MAX;
/// Positions of the largest blocks; the first have 4, 8, 16 and so on.
const LARGEST: u32 = 256;
/// With this added, the number of the first position in a block is a power of two, or a multiple of
/// the largest size.
const SHIFT: u32 = 3;

impl Postings {
    pub(super) fn with_room(words: usize) -> Self {
        Self { words: Vec::with_capacity(words) }
    }

    /// Words that it takes.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Bytes of its room.
    pub(super) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u32>()
    }

    /// Adds a position to a list, unless it is its last.
    #[inline]
    pub(super) fn add(&mut self, list: &mut List, position: u32) {
        if list.count == 0 {
            (list.count, list.first, list.last) = (1, position, position);
            return;
        }
        if list.last == position {
            return;
        }
        let nth = list.count + SHIFT;
        if nth.is_power_of_two() && nth <= LARGEST || nth.is_multiple_of(LARGEST) {
            self.begin(list);
        }
        let within = if nth < LARGEST { nth - (1 << nth.ilog2()) } else { nth % LARGEST };
        let slot = index(u64::from(list.newest)) + HEAD + index(u64::from(within));
        if let Some(slot) = self.words.get_mut(slot) {
            *slot = position;
        }
        list.count += 1;
        list.last = position;
    }

    /// A new block for the next position of a list.
    fn begin(&mut self, list: &mut List) {
        let place = u32::try_from(self.words.len()).unwrap_or(NONE);
        let before = if list.count == 1 { NONE } else { list.newest };
        if let Some(after) = self.words.get_mut(index(u64::from(before)).saturating_add(1)) {
            *after = place;
        }
        self.words.extend([before, NONE, list.count]);
        let room = (list.count + SHIFT).min(LARGEST);
        self.words.resize(self.words.len() + index(u64::from(room)), 0);
        list.newest = place;
    }

    /// How many of a list's positions are before this one.
    pub(super) fn before(&self, list: &List, position: u32) -> u32 {
        if list.count == 0 || position <= list.first {
            return 0;
        }
        if position > list.last {
            return list.count;
        }
        let is_before = |block: &Block<'_>| block.positions.first() < Some(&position);
        self.back_to(list, is_before).map_or(1, |block| block.before(position))
    }

    /// Gives the positions of a list that have these numbers, piece by piece.
    pub(super) fn each(&self, list: &List, (from, to): (u32, u32), mut each: impl FnMut(&[u32])) {
        let (mut next, to) = (from, to.min(list.count));
        if next == 0 && next < to {
            each(&[list.first]);
            next = 1;
        }
        if next >= to {
            return;
        }
        let mut block = self.back_to(list, |block| block.start <= next);
        while let Some(here) = block.filter(|_| next < to) {
            let (skip, end) = (next.saturating_sub(here.start), to.saturating_sub(here.start));
            let end = index(u64::from(end)).min(here.positions.len());
            each(here.positions.get(index(u64::from(skip))..end).unwrap_or_default());
            next = here.start.saturating_add(u32::try_from(end).unwrap_or(u32::MAX));
            block = self.block(list, here.after);
        }
    }

    /// The first of a list's positions from this one on, or backward the last up to it; searched
    /// for from where the last search has ended. From one search to the next it only moves on.
    pub(super) fn seek(
        &self,
        list: &List,
        spot: &mut Spot,
        position: u32,
        backward: bool,
    ) -> Option<u32> {
        match backward {
            _ if list.count == 0 => return None,
            false if position <= list.first => return Some(list.first),
            false if position > list.last => return None,
            true if position >= list.last => return Some(list.last),
            true if position < list.first => return None,
            _ => {}
        }
        // The newest block that does not begin behind the position, else the oldest.
        let mut block = match spot.0 {
            Some(place) => self.block(list, place)?,
            None => self.block(list, list.newest)?,
        };
        while block.positions.first().is_some_and(|first| *first > position) {
            match self.block(list, block.before) {
                Some(before) => block = before,
                None if backward => return Some(list.first),
                None => break,
            }
        }
        while !backward && block.positions.last().is_some_and(|last| *last < position) {
            block = self.block(list, block.after)?;
        }
        *spot = Spot(Some(block.place));
        let nth = block.positions.partition_point(|it| *it < position);
        match block.positions.get(nth) {
            Some(found) if !backward || *found == position => Some(*found),
            _ => block.positions.get(nth.checked_sub(1)?).copied(),
        }
    }

    /// The newest block for which this holds. It holds for all before one for which it does.
    fn back_to(&self, list: &List, holds: impl Fn(&Block<'_>) -> bool) -> Option<Block<'_>> {
        let newest = if list.count > 1 { list.newest } else { NONE };
        let mut block = self.block(list, newest)?;
        while !holds(&block) {
            block = self.block(list, block.before)?;
        }
        Some(block)
    }

    fn block(&self, list: &List, place: u32) -> Option<Block<'_>> {
        let words = self.words.get(index(u64::from(place))..)?;
        let (head, positions) = words.split_first_chunk::<HEAD>()?;
        let [before, after, start] = *head;
        let room = start.saturating_add(SHIFT).min(LARGEST);
        let there = list.count.saturating_sub(start).min(room);
        let positions = positions.get(..index(u64::from(there)))?;
        Some(Block { place, before, after, start, positions })
    }
}

struct Block<'a> {
    place: u32,
    before: u32,
    after: u32,
    start: u32,
    positions: &'a [u32],
}

impl Block<'_> {
    /// How many of the list's positions are before this one, which is not before the block.
    fn before(&self, position: u32) -> u32 {
        let within = self.positions.partition_point(|it| *it < position);
        self.start.saturating_add(u32::try_from(within).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_length_have_what_was_added_to_them() {
        let mut postings = Postings::default();
        let lengths: Vec<u32> = (0..40).chain([252, 253, 254, 255, 256, 257, 509, 3_000]).collect();
        let mut lists = vec![List::default(); lengths.len()];
        // All of them grow side by side, each by every third position.
        for nth in 0..3_000 {
            for (list, length) in lists.iter_mut().zip(&lengths) {
                if nth < *length {
                    postings.add(list, 7 + 3 * nth);
                    postings.add(list, 7 + 3 * nth);
                }
            }
        }
        for (list, length) in lists.iter().zip(&lengths) {
            assert_eq!(list.count, *length);
            let positions = |range: (u32, u32)| {
                let mut found = Vec::new();
                postings.each(list, range, |some| found.extend_from_slice(some));
                found
            };
            let wanted: Vec<u32> = (0..*length).map(|nth| 7 + 3 * nth).collect();
            assert_eq!(positions((0, u32::MAX)), wanted);
            for from in (0..*length).step_by(7) {
                let end = index(u64::from((from + 9).min(*length)));
                assert_eq!(positions((from, from + 9)), wanted[index(u64::from(from))..end]);
            }
            let (mut up, mut down) = (Spot::default(), Spot::default());
            for nth in 0..*length {
                let found = postings.seek(list, &mut up, 5 + 3 * nth, false);
                assert_eq!(found, Some(wanted[index(u64::from(nth))]));
                let nth = length - 1 - nth;
                let found = postings.seek(list, &mut down, 9 + 3 * nth, true);
                assert_eq!(found, Some(wanted[index(u64::from(nth))]));
            }
            for position in 0..3 * length + 20 {
                let before = wanted.partition_point(|it| *it < position);
                let seek = |backward| {
                    let mut spot = Spot::default();
                    postings.seek(list, &mut spot, position, backward)
                };
                assert_eq!(seek(false), wanted.get(before).copied());
                let up_to = wanted.partition_point(|it| *it <= position);
                assert_eq!(seek(true), up_to.checked_sub(1).map(|last| wanted[last]));
                assert_eq!(index(u64::from(postings.before(list, position))), before);
            }
        }
    }
}

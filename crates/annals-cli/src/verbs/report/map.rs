//! The file as a strip: what lies where, in as many pieces as a page has room for.

use annals::{FileMap, FilePart};

/// What a byte of the file is there for, as the page tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Use {
    /// Page 0, the slots, the holder's page.
    Fixed,
    /// Log that is written.
    Log,
    /// Segments ahead of the log, and what of them nothing stands in yet.
    Ahead,
    /// Runs.
    Index,
    /// Room that is free.
    Free,
    /// Room that nobody names.
    Unnamed,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Fixed, Self::Log, Self::Ahead, Self::Index, Self::Free, Self::Unnamed];

    fn of(part: &FilePart) -> Self {
        match part {
            FilePart::Header | FilePart::Slot { .. } | FilePart::Holder => Self::Fixed,
            FilePart::Segment { .. } => Self::Log,
            FilePart::Run { .. } => Self::Index,
            FilePart::Free => Self::Free,
            _ => Self::Unnamed,
        }
    }
}

/// A piece of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    pub used_for: Use,
    pub start: u64,
    pub length: u64,
}

/// The pieces of a file in their order: at most about so many, the smallest of which are put
/// together with a neighbour if they are more.
pub fn pieces(map: &FileMap, most: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for extent in &map.extents {
        let (start, length) = (extent.file_offset, extent.length);
        let used_for = Use::of(&extent.part);
        let FilePart::Segment { used, .. } = extent.part else {
            pieces.push(Piece { used_for, start, length });
            continue;
        };
        let used = used.min(length);
        pieces.push(Piece { used_for, start, length: used });
        let ahead = Piece { used_for: Use::Ahead, start: start + used, length: length - used };
        pieces.push(ahead);
    }
    pieces.retain(|piece| piece.length > 0);
    together(pieces, most)
}

/// So many neighbours as one, that there are not more than so many; what most of their bytes are
/// for is what it is for.
fn together(pieces: Vec<Piece>, most: usize) -> Vec<Piece> {
    let neighbours = pieces.len().div_ceil(most.max(1)).max(1);
    let one = |pieces: &[Piece]| {
        let largest = pieces.iter().max_by_key(|piece| piece.length)?;
        let length = pieces.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.length));
        let start = pieces.first()?.start;
        Some(Piece { used_for: largest.used_for, start, length })
    };
    pieces.chunks(neighbours).filter_map(one).collect()
}

/// How much of the file is there for what, and in how many pieces.
pub fn sums(pieces: &[Piece]) -> Vec<(Use, u64, u64)> {
    let sum = |used_for| {
        let own = pieces.iter().filter(|piece| piece.used_for == used_for);
        own.fold((used_for, 0, 0), |(_, count, bytes): (_, u64, u64), piece| {
            (used_for, count + 1, bytes.saturating_add(piece.length))
        })
    };
    Use::ALL.map(sum).into_iter().filter(|(_, count, _)| *count > 0).collect()
}

/// A part of a row of the strip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patch {
    /// Of which piece.
    pub piece: usize,
    pub row: u64,
    /// From where to where in the row, in `width` parts of it.
    pub x: u64,
    pub width: u64,
}

/// The pieces laid out in rows of `width` parts; each is seen in at least `least` of them, so that
/// small ones lie over the edges of large ones.
pub fn lay_out(pieces: &[Piece], rows: u64, width: u64, least: u64) -> Vec<Patch> {
    let all = pieces.last().map_or(0, |last| last.start.saturating_add(last.length)).max(1);
    let place = |offset: u64| {
        let parts = u128::from(offset) * u128::from(rows * width) / u128::from(all);
        u64::try_from(parts).unwrap_or(0)
    };
    let mut patches = Vec::new();
    for (nth, piece) in pieces.iter().enumerate() {
        let start = place(piece.start).min((rows * width).saturating_sub(least));
        let end = place(piece.start.saturating_add(piece.length)).max(start + least);
        let mut from = start;
        while from < end {
            let row = from / width;
            let to = end.min((row + 1) * width);
            patches.push(Patch { piece: nth, row, x: from % width, width: to - from });
            from = to;
        }
    }
    // Small ones come last, over the others, and the fixed pages over all.
    let is_fixed = |nth: usize| pieces.get(nth).is_some_and(|piece| piece.used_for == Use::Fixed);
    patches.sort_by_key(|patch| (is_fixed(patch.piece), std::cmp::Reverse(patch.width)));
    patches.retain(|patch| patch.row < rows);
    patches
}

#[cfg(test)]
mod tests {
    use super::*;
    use annals::{NewEvent, Store};

    fn piece(used_for: Use, start: u64, length: u64) -> Piece {
        Piece { used_for, start, length }
    }

    #[test]
    fn the_pieces_of_a_file_are_all_of_it() {
        let store = Store::in_memory().unwrap();
        store.append("a", 0, [NewEvent::new("Noted", "x")]).unwrap();
        let map = store.map().unwrap();
        let pieces = pieces(&map, 1_000);
        let mut end = 0;
        for piece in &pieces {
            assert_eq!(piece.start, end);
            end += piece.length;
        }
        assert_eq!(end, map.file_bytes);
        let sums = sums(&pieces);
        assert_eq!(sums[0], (Use::Fixed, 4, 4 * 4_096));
        assert!(sums.iter().any(|(used_for, _, bytes)| *used_for == Use::Log && *bytes < 4_096));
        assert!(sums.iter().any(|(used_for, _, bytes)| *used_for == Use::Ahead && *bytes > 60_000));
        assert_eq!(sums.iter().map(|(_, _, bytes)| bytes).sum::<u64>(), map.file_bytes);
    }

    #[test]
    fn too_many_pieces_are_put_together_and_stay_all_of_the_file() {
        let many: Vec<Piece> = (0..10_001_u64)
            .map(|nth| {
                let used_for = if nth % 10 == 0 { Use::Index } else { Use::Log };
                piece(used_for, nth * 100, 100)
            })
            .collect();
        let few = together(many, 1_000);
        assert!(few.len() <= 1_000);
        assert_eq!(few.iter().map(|piece| piece.length).sum::<u64>(), 1_000_100);
        assert!(few.windows(2).all(|two| two[0].start + two[0].length == two[1].start));
    }

    #[test]
    fn a_piece_over_the_end_of_a_row_goes_on_in_the_next() {
        let pieces = [piece(Use::Log, 0, 150), piece(Use::Index, 150, 50)];
        let patches = lay_out(&pieces, 2, 100, 1);
        assert_eq!(
            patches,
            [
                Patch { piece: 0, row: 0, x: 0, width: 100 },
                Patch { piece: 0, row: 1, x: 0, width: 50 },
                Patch { piece: 1, row: 1, x: 50, width: 50 },
            ]
        );
    }

    #[test]
    fn a_small_piece_is_seen_wherever_it_lies_and_nothing_leaves_the_strip() {
        let all = 1 << 40;
        for start in [0, all / 2 - 50, all - 100] {
            let rest = all - start - 100;
            let pieces = [
                piece(Use::Log, 0, start),
                piece(Use::Index, start, 100),
                piece(Use::Free, start + 100, rest),
            ];
            let patches = lay_out(&pieces, 4, 1_000, 3);
            let width: u64 =
                patches.iter().filter(|patch| patch.piece == 1).map(|patch| patch.width).sum();
            assert_eq!(width, 3, "{start}");
            assert!(patches.iter().all(|patch| patch.row < 4 && patch.x + patch.width <= 1_000));
        }
        assert_eq!(lay_out(&[], 4, 1_000, 3), []);
    }
}

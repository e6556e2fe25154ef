//! Which rows of a list are seen, and on which one the cursor is.

/// Where somebody is in a list of rows, numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scroll {
    /// The first row that is seen.
    pub top: u64,
    /// The row that the cursor is on.
    pub at: u64,
}

/// A move of the cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// To the row above.
    Up,
    /// To the row below.
    Down,
    /// Up by what is seen.
    PageUp,
    /// Down by what is seen.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl Scroll {
    /// Moves the cursor in a list of `rows` of which `seen` are seen.
    pub fn go(&mut self, by: Move, rows: u64, seen: u64) {
        // A row of the page before stays in sight.
        let page = seen.saturating_sub(1).max(1);
        let at = match by {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => self.at.saturating_add(1),
            Move::PageUp => self.at.saturating_sub(page),
            Move::PageDown => self.at.saturating_add(page),
            Move::First => 0,
            Move::Last => u64::MAX,
        };
        if matches!(by, Move::PageUp | Move::PageDown) {
            // The page moves as the cursor does.
            let row = self.at.saturating_sub(self.top);
            self.top = at.saturating_sub(row);
        }
        self.at = at;
        self.settle(rows, seen);
    }

    /// Moves the cursor to a row, which stands in the middle if it was not in sight.
    pub fn to(&mut self, at: u64, rows: u64, seen: u64) {
        self.at = at.min(rows.saturating_sub(1));
        if self.at < self.top || self.at >= self.top.saturating_add(seen) {
            self.top = self.at.saturating_sub(seen / 2);
        }
        self.settle(rows, seen);
    }

    /// Keeps the cursor in the list, and the cursor and as many rows as can be in sight.
    pub fn settle(&mut self, rows: u64, seen: u64) {
        let seen = seen.max(1);
        self.at = self.at.min(rows.saturating_sub(1));
        let lowest = (self.at + 1).saturating_sub(seen);
        self.top = self.top.min(rows.saturating_sub(seen)).clamp(lowest, self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After these moves in a list of 100 rows, 10 of them seen.
    fn after(moves: &[Move]) -> (u64, u64) {
        let mut scroll = Scroll::default();
        moves.iter().for_each(|by| scroll.go(*by, 100, 10));
        (scroll.top, scroll.at)
    }

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        assert_eq!(after(&[]), (0, 0));
        assert_eq!(after(&[Move::Up]), (0, 0));
        assert_eq!(after(&[Move::Down; 9]), (0, 9));
        assert_eq!(after(&[Move::Down; 10]), (1, 10));
        assert_eq!(after(&[Move::PageDown]), (9, 9));
        assert_eq!(after(&[Move::PageDown, Move::PageUp]), (0, 0));
        assert_eq!(after(&[Move::Last]), (90, 99));
        assert_eq!(after(&[Move::Last, Move::Down]), (90, 99));
        assert_eq!(after(&[Move::Last, Move::PageUp]), (81, 90));
        assert_eq!(after(&[Move::Last, Move::First]), (0, 0));
    }

    #[test]
    fn who_jumps_sees_what_stands_around() {
        let mut scroll = Scroll::default();
        scroll.to(50, 100, 10);
        assert_eq!(scroll, Scroll { top: 45, at: 50 });
        scroll.to(52, 100, 10);
        assert_eq!(scroll, Scroll { top: 45, at: 52 });
        scroll.to(1_000, 100, 10);
        assert_eq!(scroll, Scroll { top: 90, at: 99 });
    }

    #[test]
    fn lists_that_shrink_or_are_empty_are_no_trouble() {
        let mut scroll = Scroll { top: 90, at: 99 };
        scroll.settle(5, 10);
        assert_eq!(scroll, Scroll { top: 0, at: 4 });
        scroll.settle(0, 10);
        assert_eq!(scroll, Scroll::default());
        scroll.go(Move::Last, 0, 0);
        assert_eq!(scroll, Scroll::default());
    }
}

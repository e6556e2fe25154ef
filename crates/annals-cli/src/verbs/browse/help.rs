//! What the keys are, as rows.

use super::layout::{columns, rows as rows_in};
use super::looks::Look;
use super::piece::{Line, piece};
use ratatui::layout::{Rect, Size};
use unicode_width::UnicodeWidthStr;

/// As wide as it gets; and its keys, where they stand beside what they do.
const WIDTH: u16 = 78;
const KEYS: usize = 18;
/// In fewer columns what keys do stands below them.
const BESIDE: usize = 76;

/// What is said of the keys.
const HELP: [(&str, &str); 18] = [
    ("arrows, h j k l", "move; left and right go from pane to pane"),
    ("PageUp, PageDown", "move by a page; Ctrl-B and Ctrl-F do so too"),
    ("Home, End, g, G", "to the first, to the last"),
    ("Tab, Shift-Tab", "to the next pane, to the one before"),
    ("Enter", "open the stream or the event"),
    ("Esc", "back; stops a search"),
    ("J, K", "the next event, the one before, in any pane"),
    ("s", "the same event in its stream, and among all again"),
    ("/", "search types, streams, tags, payloads; capitals as written"),
    ("n, N", "the next find, the one before"),
    ("p, :", "jump to a position (in a stream: to a version)"),
    ("t", "jump to a time: 2013-01-31, 2013-01-31T18:00, 36h (ago)"),
    ("f", "list the streams that have a text in their names"),
    ("F", "follow: show what is appended"),
    ("Ctrl-L", "draw everything anew"),
    ("Ctrl-Z", "stop for now; the shell's `fg` goes on"),
    ("?", "this help"),
    ("q, Ctrl-C", "quit"),
];

/// Where it stands on a screen of this size: in the middle, and on all of it if it is small.
pub fn area(screen: Size) -> Rect {
    let width = WIDTH.min(screen.width);
    let whole = Rect { x: (screen.width - width) / 2, y: 0, width, height: screen.height };
    let lines = u16::try_from(rows(columns(whole).into()).len()).unwrap_or(u16::MAX);
    let height = lines.saturating_add(2).min(screen.height);
    Rect { y: (screen.height - height) / 2, height, ..whole }
}

/// The first row that is seen, when `top` is asked for.
pub fn settle(top: usize, screen: Size) -> usize {
    let area = area(screen);
    let all = rows(columns(area).into()).len();
    top.min(all.saturating_sub(rows_in(area).into()))
}

/// All of it, in so many columns.
pub fn rows(columns: usize) -> Vec<Line> {
    let mut rows = Vec::new();
    for (keys, what) in HELP {
        if columns >= BESIDE {
            let line = vec![piece(Look::Name, format!("{keys:<KEYS$}")), piece(Look::Plain, what)];
            rows.push(line);
            continue;
        }
        rows.push(vec![piece(Look::Name, keys)]);
        let mut row = String::new();
        for word in what.split(' ') {
            if row.width() + 1 + word.width() > columns {
                rows.push(vec![piece(Look::Plain, std::mem::take(&mut row))]);
            }
            row.push(' ');
            row.push_str(word);
        }
        rows.push(vec![piece(Look::Plain, row)]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::piece::text_of;
    use super::*;

    #[test]
    fn every_word_of_it_can_be_read_in_any_width() {
        for width in 20..200 {
            let area = area(Size::new(width, 50));
            assert!(area.right() <= width && area.bottom() <= 50);
            let columns = usize::from(columns(area));
            let all: Vec<_> = rows(columns).iter().map(|row| text_of(row)).collect();
            assert!(all.iter().all(|row| row.width() <= columns), "{columns}: {all:#?}");
            let words = all.join(" ");
            assert!(
                HELP.iter().all(|(_, what)| { what.split(' ').all(|word| words.contains(word)) })
            );
        }
    }
}

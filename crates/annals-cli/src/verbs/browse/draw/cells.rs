//! Texts as wide as their place.

use super::super::looks::{Look, Looks};
use super::super::piece::Piece;
use crate::show::cut;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// A text that takes so many columns, cut or filled up on the right.
pub fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let gap = columns.saturating_sub(text.width());
    format!("{text}{:gap$}", "")
}

/// A text that takes so many columns, cut or filled up on the left.
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let gap = columns.saturating_sub(text.width());
    format!("{:gap$}{text}", "")
}

/// A line of these pieces.
pub fn line(pieces: &[Piece], looks: Looks) -> Line<'_> {
    let spans = pieces.iter().map(|piece| Span::styled(&piece.text, looks.style(piece.look)));
    spans.collect()
}

/// How the row with the cursor looks; nothing if this is another one.
pub fn of_row(is_at: bool, has_keys: bool) -> Option<Look> {
    is_at.then_some(if has_keys { Look::Chosen } else { Look::Kept })
}

/// What stands before a row.
pub fn mark(is_at: bool) -> &'static str {
    if is_at { "› " } else { "  " }
}

//! What the keys are.

use super::super::keys::HELP;
use super::super::looks::{Look, Looks};
use super::super::piece::{piece, wrap};
use super::cells;
use super::frame::pane;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Paragraph};

/// As wide as it has to be, and its keys.
const WIDTH: u16 = 78;
const KEYS: usize = 18;

/// Draws it above everything else, beginning with line `top`.
pub fn draw(frame: &mut Frame<'_>, top: usize, looks: Looks) {
    let screen = frame.area();
    let lines = u16::try_from(HELP.len()).unwrap_or(u16::MAX);
    let (width, height) = (WIDTH.min(screen.width), (lines + 2).min(screen.height));
    let area =
        Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let inner = pane(frame, area, "keys · any key goes back", true, looks);
    let mut rows = Vec::new();
    for (keys, what) in HELP {
        let line = [piece(Look::Name, format!("{keys:<KEYS$}")), piece(Look::Plain, what)];
        wrap(&line, inner.width.into(), KEYS, &mut rows);
    }
    let seen = usize::from(inner.height);
    let top = top.min(rows.len().saturating_sub(seen));
    let rows = rows.iter().skip(top).take(seen);
    let rows: Vec<_> = rows.map(|row| cells::line(row, looks)).collect();
    frame.render_widget(Paragraph::new(rows), inner);
}

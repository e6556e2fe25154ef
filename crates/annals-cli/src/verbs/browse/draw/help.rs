//! What the keys are.

use super::super::help;
use super::super::looks::Looks;
use super::cells;
use super::frame::pane;
use ratatui::Frame;
use ratatui::widgets::{Clear, Paragraph};

/// Draws it above everything else, beginning with row `top`.
pub fn draw(frame: &mut Frame<'_>, top: usize, looks: Looks) {
    let area = help::area(frame.area().as_size());
    frame.render_widget(Clear, area);
    let inner = pane(frame, area, "keys · any other key goes back", true, looks);
    let rows = help::rows(inner.width.into());
    let rows = rows.iter().skip(top).take(inner.height.into());
    let rows: Vec<_> = rows.map(|row| cells::line(row, looks)).collect();
    frame.render_widget(Paragraph::new(rows), inner);
}

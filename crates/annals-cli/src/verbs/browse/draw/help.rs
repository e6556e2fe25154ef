//! What the keys are.

use super::super::keys::HELP;
use super::super::looks::{Look, Looks};
use super::frame::pane;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};

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
    let lines: Vec<_> = HELP.iter().skip(top).map(|(keys, what)| line(keys, what, looks)).collect();
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

fn line(keys: &str, what: &str, looks: Looks) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{keys:<KEYS$}"), looks.style(Look::Name)),
        Span::styled(what.to_owned(), looks.style(Look::Plain)),
    ])
}

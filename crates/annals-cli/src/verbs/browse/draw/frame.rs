//! The whole screen.

use super::super::layout::{self, LEAST, Layout, Pane};
use super::super::looks::{Look, Looks};
use super::super::model::Model;
use super::{cells, events, foot, help, streams};
use crate::show::thousands;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Wrap};

/// Draws what is looked at.
pub fn draw(frame: &mut Frame<'_>, model: &Model, looks: Looks) {
    let Some(layout) = Layout::of(frame.area().as_size(), model.focus) else {
        let (width, height) = (LEAST.width, LEAST.height);
        let text = format!("the terminal is too small: {width} by {height} at least");
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
        return;
    };
    if let Some(area) = layout.streams {
        streams::draw(frame, area, model, looks);
    }
    if let Some(area) = layout.events {
        events::draw(frame, area, model, looks);
    }
    if let Some(area) = layout.detail {
        detail(frame, area, model, looks);
    }
    if let Some(area) = layout.status {
        foot::status(frame, area, model, looks);
    }
    foot::foot(frame, layout.foot, model, looks);
    if let Some(top) = model.help {
        help::draw(frame, top, looks);
    }
}

/// Draws the frame of a pane; returns what is in it.
pub fn pane(frame: &mut Frame<'_>, area: Rect, title: &str, has_keys: bool, looks: Looks) -> Rect {
    let (border, head) = match has_keys {
        true => (Look::Focus, Look::Focus),
        false => (Look::Dim, Look::Plain),
    };
    let room = usize::from(area.width.saturating_sub(4));
    let title = format!(" {} ", crate::show::cut(title, room));
    let block = Block::bordered()
        .border_style(looks.style(border))
        .title(Line::styled(title, looks.style(head)));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn detail(frame: &mut Frame<'_>, area: Rect, model: &Model, looks: Looks) {
    let detail = &model.detail;
    let (seen, all) = (usize::from(layout::rows(area)), detail.rows.len());
    let mut title = detail.title.clone();
    if all > seen {
        let number = |number: usize| thousands(u64::try_from(number).unwrap_or(u64::MAX));
        let (first, last) = (detail.top + 1, (detail.top + seen).min(all));
        title = format!("{title} · lines {}-{} of {}", number(first), number(last), number(all));
    }
    let inner = pane(frame, area, &title, model.focus == Pane::Detail, looks);
    let rows = detail.rows.iter().skip(detail.top).take(seen);
    let rows: Vec<_> = rows.map(|row| cells::line(row, looks)).collect();
    frame.render_widget(Paragraph::new(rows), inner);
}

//! The list of streams.

use super::super::events::Scope;
use super::super::layout::{self, Pane};
use super::super::looks::{Look, Looks};
use super::super::model::Model;
use super::cells::{left, mark, of_row, right};
use super::frame::pane;
use crate::show::{cut, escaped, thousands};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// What the first row says.
const ALL: &str = "all events";

pub fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, looks: Looks) {
    let has_keys = model.focus == Pane::Streams;
    let inner = pane(frame, area, &title(model), has_keys, looks);
    let scroll = model.streams.scroll;
    let rows = (scroll.top..model.streams.rows()).take(layout::rows(area).into());
    let mut rows: Vec<_> =
        rows.filter_map(|nth| row(model, nth, inner.width.into(), has_keys, looks)).collect();
    if rows.is_empty() {
        rows.push(Line::styled("  none", looks.style(Look::Dim)));
    }
    frame.render_widget(Paragraph::new(rows), inner);
}

fn title(model: &Model) -> String {
    let streams = &model.streams;
    if streams.filter.is_empty() {
        return format!("streams · {}", thousands(model.log.streams()));
    }
    let more = if streams.is_whole() { "" } else { "+" };
    let filter = escaped(&streams.filter);
    format!("{}{more} with '{}'", thousands(streams.listed()), cut(&filter, 20))
}

fn row(
    model: &Model,
    nth: u64,
    columns: usize,
    has_keys: bool,
    looks: Looks,
) -> Option<Line<'static>> {
    let scope = model.streams.scope(nth)?;
    // What fails here fails louder where it is opened.
    let events = thousands(model.log.last(&scope).unwrap_or(0));
    let room = columns.saturating_sub(2);
    let number = if room >= 16 + events.len() { events.len() + 1 } else { 0 };
    let name = match &scope {
        Scope::All => ALL.into(),
        Scope::Stream(name) => escaped(name),
    };
    let is_at = nth == model.streams.scroll.at;
    let look = if scope == model.events.scope { Look::Head } else { Look::Plain };
    let chosen = of_row(is_at, has_keys);
    let style = |look: Look| looks.style(chosen.unwrap_or(look));
    Some(Line::from(vec![
        Span::styled(mark(is_at), style(Look::Plain)),
        Span::styled(left(&name, room - number), style(look)),
        Span::styled(right(if number > 0 { &events } else { "" }, number), style(Look::Dim)),
    ]))
}

//! The list of events.

use super::super::events::{Row, Scope};
use super::super::layout::{self, Pane};
use super::super::looks::{Look, Looks};
use super::super::model::Model;
use super::cells::{left, mark, of_row, right};
use super::frame::pane;
use crate::show::{escaped, thousands};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// How wide the columns are; one that is 0 is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Columns {
    position: usize,
    recorded: usize,
    stream: usize,
    version: usize,
    event_type: usize,
    payload: usize,
}

/// A date and a time to the second; and the same without its year, where there is less room.
const RECORDED: usize = 19;
const WITHOUT_YEAR: usize = 14;

impl Columns {
    /// Of a list in so many columns.
    fn of(scope: &Scope, columns: usize, head: u64, last: u64) -> Self {
        let position = head.to_string().len().max(3);
        let is_all = *scope == Scope::All;
        let version = if is_all { 0 } else { last.to_string().len().max(3) };
        let mut left = columns.saturating_sub(position + if version > 0 { version + 1 } else { 0 });
        let recorded = match columns {
            0..44 => 0,
            44..64 => WITHOUT_YEAR,
            _ => RECORDED,
        };
        left = left.saturating_sub(if recorded > 0 { recorded + 1 } else { 0 });
        // The names have what they need before the payload has any.
        let enough = (left / 4).max(18);
        let stream = if is_all { (left / 2).clamp(8, enough) } else { 0 };
        left = left.saturating_sub(if stream > 0 { stream + 1 } else { 0 });
        let event_type = left.saturating_sub(1).min(enough);
        left = left.saturating_sub(event_type + 2);
        let payload = if left >= 8 { left } else { 0 };
        Self { position, recorded, stream, version, event_type, payload }
    }

    /// The texts of a row, side by side.
    fn row(&self, row: &Row) -> Vec<(Look, String)> {
        // Fractions of a second are for who looks closer.
        let seconds = row.recorded.get(..RECORDED).unwrap_or(&row.recorded);
        let recorded = match self.recorded {
            WITHOUT_YEAR => seconds.get(RECORDED - WITHOUT_YEAR..).unwrap_or(seconds),
            _ => seconds,
        };
        let mut cells = Vec::new();
        let numbers = [
            (self.version, row.version.get().to_string()),
            (self.position, row.position.to_string()),
        ];
        let is_in_stream = self.version > 0;
        for (nth, (width, text)) in numbers.iter().enumerate() {
            let look = if is_in_stream && nth == 1 { Look::Dim } else { Look::Plain };
            cells.push((look, *width, right(text, *width)));
        }
        let texts = [
            (Look::Dim, self.recorded, recorded),
            (Look::Name, self.stream, &escaped(&row.stream)),
            (Look::Plain, self.event_type, &row.event_type),
            (Look::Dim, self.payload, &row.payload),
        ];
        cells.extend(texts.map(|(look, width, text)| (look, width, left(text, width))));
        let seen = cells.into_iter().filter(|(_, width, _)| *width > 0);
        seen.map(|(look, _, text)| (look, text)).collect()
    }

    /// The names of the columns.
    fn heads(&self) -> String {
        let short = |width, long: &str, short: &str| {
            right(if width < long.len() { short } else { long }, width)
        };
        let heads = [
            (self.version, short(self.version, "version", "ver")),
            (self.position, short(self.position, "position", "pos")),
            (self.recorded, left("recorded", self.recorded)),
            (self.stream, left("stream", self.stream)),
            (self.event_type, left("type", self.event_type)),
            (self.payload, left("payload", self.payload)),
        ];
        let seen = heads.iter().filter(|(width, _)| *width > 0);
        let seen: Vec<_> = seen.map(|(_, text)| text.as_str()).collect();
        seen.join(" ")
    }
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, looks: Looks) {
    let has_keys = model.focus == Pane::Events;
    let events = &model.events;
    let inner = pane(frame, area, &title(model), has_keys, looks);
    let width = usize::from(inner.width).saturating_sub(2);
    let columns = Columns::of(&events.scope, width, model.log.head(), events.last);
    let mut rows = Vec::new();
    if layout::has_heads(area) {
        let heads = format!("  {}", columns.heads());
        rows.push(Line::styled(heads, looks.style(Look::Head)));
    }
    let numbers = events.scroll.top..;
    for (nth, row) in numbers.zip(&events.rows) {
        let is_at = nth == events.scroll.at;
        let chosen = of_row(is_at, has_keys);
        let style = |look: Look| looks.style(chosen.unwrap_or(look));
        let mut spans = vec![Span::styled(mark(is_at), style(Look::Plain))];
        match row {
            Ok(row) => {
                for (at, (look, text)) in columns.row(row).into_iter().enumerate() {
                    let gap = if at > 0 { " " } else { "" };
                    spans.push(Span::styled(format!("{gap}{text}"), style(look)));
                }
            }
            Err(why) => {
                let text = left(&format!("{}: {why}", nth + 1), width);
                spans.push(Span::styled(text, style(Look::Bad)));
            }
        }
        rows.push(Line::from(spans));
    }
    if events.last == 0 {
        rows.push(Line::styled("  there are no events yet", looks.style(Look::Dim)));
    }
    frame.render_widget(Paragraph::new(rows), inner);
}

fn title(model: &Model) -> String {
    let events = &model.events;
    let name = match &events.scope {
        Scope::All => "all events".into(),
        Scope::Stream(name) => escaped(name),
    };
    format!("{} of {} · {name}", thousands(events.number()), thousands(events.last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_however_narrow_the_list_is() {
        let stream = Scope::Stream("a".to_owned());
        for width in 16..200 {
            for scope in [&Scope::All, &stream] {
                let columns = Columns::of(scope, width, 691_412, 8_700);
                let widths = [
                    columns.position,
                    columns.recorded,
                    columns.stream,
                    columns.version,
                    columns.event_type,
                    columns.payload,
                ];
                let seen = widths.iter().filter(|width| **width > 0).count();
                let all = widths.iter().sum::<usize>() + seen - 1;
                assert!(all <= width + 1, "{width}: {columns:?} take {all}");
                assert!(width < 24 || columns.event_type >= 5, "{width}: {columns:?}");
            }
        }
    }
}

//! The lines at the foot: what is looked at, and what is asked or said.

use super::super::layout::Pane;
use super::super::looks::{Look, Looks};
use super::super::model::Model;
use super::super::prompt::{Prompt, Question};
use super::super::search::Search;
use crate::show::{count, cut, escaped, thousands};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Draws what is looked at.
pub fn status(frame: &mut Frame<'_>, area: Rect, model: &Model, looks: Looks) {
    let mut spans = vec![
        Span::styled(format!(" {} ", cut(&model.name, 40)), looks.style(Look::Head)),
        Span::styled(
            format!(
                " {}, {} ",
                count(model.log.head(), "event"),
                count(model.log.streams(), "stream")
            ),
            looks.style(Look::Dim),
        ),
    ];
    if model.follows {
        spans.push(Span::styled(" following ", looks.style(Look::Busy)));
    }
    if model.log.damage().is_some() {
        spans.push(Span::styled(" damaged ", looks.style(Look::Bad)));
    }
    if let Some(trouble) = &model.trouble {
        spans.push(Span::styled(format!(" {trouble} "), looks.style(Look::Bad)));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Draws what is asked; or said; or done; or else what keys there are.
pub fn foot(frame: &mut Frame<'_>, area: Rect, model: &Model, looks: Looks) {
    let columns = usize::from(area.width).saturating_sub(1);
    if let Some(prompt) = &model.prompt {
        return ask(frame, area, model, prompt, looks);
    }
    let (look, text) = if let Some(search) = &model.search {
        (Look::Busy, progress(search))
    } else if let Some(note) = &model.note {
        (note.look, note.text.clone())
    } else if let Some(why) = &model.streams.trouble {
        (Look::Bad, format!("not all streams are listed: {why}"))
    } else if model.streams.is_busy() {
        let listed = thousands(model.streams.listed());
        (Look::Busy, format!("listing streams: {listed} so far; Esc stops"))
    } else if model.focus == Pane::Streams && model.streams.is_full() {
        let listed = thousands(model.streams.listed());
        (Look::Plain, format!("{listed} streams are listed, and there are more: f finds them"))
    } else {
        (Look::Dim, hints(model, columns))
    };
    let text = format!(" {}", cut(&text, columns));
    frame.render_widget(Paragraph::new(Line::styled(text, looks.style(look))), area);
}

fn progress(search: &Search) -> String {
    let part = search.looked.saturating_mul(100) / search.all.max(1);
    let (looked, all) = (thousands(search.looked), thousands(search.all));
    let needle = escaped(&search.needle);
    format!("searching '{}': {part} %, {looked} of {all}; Esc stops", cut(&needle, 30))
}

/// As many hints as there is room for.
fn hints(model: &Model, columns: usize) -> String {
    let open = match model.focus {
        Pane::Streams => "Enter open",
        Pane::Events => "Enter read",
        Pane::Detail => "Esc back",
    };
    let hints = [
        "? help",
        "q quit",
        open,
        "Tab pane",
        "/ search",
        "p position",
        "t time",
        "f streams",
        "s stream",
        "F follow",
    ];
    let mut text = String::new();
    for hint in hints {
        let gap = if text.is_empty() { "" } else { "  " };
        if text.width() + gap.len() + hint.len() > columns {
            break;
        }
        text.push_str(gap);
        text.push_str(hint);
    }
    text
}

fn ask(frame: &mut Frame<'_>, area: Rect, model: &Model, prompt: &Prompt, looks: Looks) {
    let label = match prompt.question {
        Question::Search => "search: ".to_owned(),
        Question::Number => format!("go to {}: ", model.events.scope.number_name()),
        Question::Time => "go to time: ".to_owned(),
        Question::Filter => "streams with: ".to_owned(),
    };
    let columns = usize::from(area.width).saturating_sub(2 + label.width());
    // Of a long answer the end is seen, where the cursor is.
    let answer = escaped(&prompt.text).into_owned();
    let mut seen = answer.as_str();
    while seen.width() > columns {
        let mut chars = seen.chars();
        chars.next();
        seen = chars.as_str();
    }
    let used = u16::try_from(1 + label.width() + seen.width()).unwrap_or(0);
    let hint = match (&prompt.wrong, prompt.question) {
        (Some(wrong), _) => Some((Look::Bad, wrong.as_str())),
        (None, Question::Time) if prompt.text.is_empty() => {
            Some((Look::Dim, "2013-01-31, 2013-01-31T18:00, 36h (ago)"))
        }
        _ => None,
    };
    let room = usize::from(area.width.saturating_sub(used));
    let mut spans = vec![
        Span::styled(format!(" {label}"), looks.style(Look::Head)),
        Span::styled(seen.to_owned(), looks.style(Look::Plain)),
    ];
    if let Some((look, hint)) = hint {
        let hint = format!("  {}", cut(hint, room.saturating_sub(3)));
        spans.push(Span::styled(hint, looks.style(look)));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
    frame.set_cursor_position((area.x.saturating_add(used).min(area.right() - 1), area.y));
}

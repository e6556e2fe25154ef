//! One event, all of it.

use super::events::{Events, Scope};
use super::log::{Log, said};
use super::looks::Look;
use super::piece::{Line, piece, wrap};
use super::pretty::{self, Kind};
use super::scroll::Move;
use crate::line::kind_name;
use crate::show::{count, escaped, moment, thousands};
use annals::{Error, Event};

/// What stands before a field.
const LABEL: usize = 12;

/// The event that the cursor is on, as lines.
#[derive(Default)]
pub struct Detail {
    /// What it is.
    pub title: String,
    /// All of its rows.
    pub rows: Vec<Line>,
    /// The first row that is seen.
    pub top: usize,
    /// Which event it is, and for how many columns.
    of: Option<(Scope, u64, usize)>,
}

impl Detail {
    /// Moves in it, where so many rows are seen.
    pub fn go(&mut self, by: Move, seen: usize) {
        let page = seen.saturating_sub(1).max(1);
        self.top = match by {
            Move::Up => self.top.saturating_sub(1),
            Move::Down => self.top.saturating_add(1),
            Move::PageUp => self.top.saturating_sub(page),
            Move::PageDown => self.top.saturating_add(page),
            Move::First => 0,
            Move::Last => usize::MAX,
        };
        self.settle_top(seen);
    }

    fn settle_top(&mut self, seen: usize) {
        self.top = self.top.min(self.rows.len().saturating_sub(seen));
    }

    /// Reads the event that the cursor is on, if it is not here already.
    pub fn settle(&mut self, log: &Log, events: &Events, columns: usize, seen: usize) {
        let number = events.number();
        let is_same = |of: &(Scope, u64, usize)| of.0 == events.scope && of.1 == number;
        let same = self.of.as_ref().filter(|of| is_same(of));
        if same.is_none() {
            self.top = 0;
        }
        if same.is_none_or(|of| of.2 != columns) {
            self.of = Some((events.scope.clone(), number, columns));
            self.read(log, events, columns);
        }
        self.settle_top(seen);
    }

    fn read(&mut self, log: &Log, events: &Events, columns: usize) {
        let number = events.number();
        let mut cursor = log.cursor(&events.scope, (number, number), false);
        let read = cursor.next_event().and_then(|event| event.map(|it| whole(&it)).transpose());
        let (title, fields) = match read {
            Ok(Some(found)) => found,
            Ok(None) => ("no event".to_owned(), Vec::new()),
            Err(error) => {
                let what = "this event can't be read".to_owned();
                (what, vec![Field::plain(vec![piece(Look::Bad, said(&error))])])
            }
        };
        self.title = title;
        self.rows.clear();
        for field in fields {
            wrap(&field.line, columns, field.hang, &mut self.rows);
        }
    }
}

/// A line, and where its rows begin when it takes several.
struct Field {
    line: Line,
    hang: usize,
}

impl Field {
    fn plain(line: Line) -> Self {
        Self { line, hang: 0 }
    }

    fn new(label: &str, look: Look, text: impl Into<String>) -> Self {
        let line = vec![piece(Look::Dim, format!("{label:<LABEL$}")), piece(look, text)];
        Self { line, hang: LABEL }
    }
}

/// What it is, and all its fields: first what is looked for most.
fn whole(event: &Event<'_>) -> Result<(String, Vec<Field>), Error> {
    let event_type = escaped(event.event_type()?);
    let title = format!("{} {event_type}", thousands(event.position.get()));
    let stream = format!("{}, version {}", escaped(event.stream()?), event.version);
    let mut fields = vec![
        Field::new("stream", Look::Name, stream),
        Field::new("recorded", Look::Plain, moment(event.recorded)),
    ];
    if let Some(time) = event.occurred().filter(|time| *time != event.recorded) {
        fields.push(Field::new("occurred", Look::Plain, moment(time)));
    }
    let tags: Vec<_> = event.tags()?.iter().map(escaped).collect();
    if !tags.is_empty() {
        fields.push(Field::new("tags", Look::Plain, tags.join("  ")));
    }
    fields.extend(body("payload", event.payload));
    fields.extend(event.metadata().into_iter().flat_map(|bytes| body("metadata", bytes)));
    let given = if event.is_id_given() { "" } else { " (derived from its place)" };
    fields.push(Field::new("type", Look::Plain, event_type.clone()));
    fields.push(Field::new("position", Look::Plain, event.position.to_string()));
    fields.push(Field::new("id", Look::Plain, format!("{}{given}", event.id())));
    for (label, id) in
        [("correlation", event.correlation_id()), ("causation", event.causation_id())]
    {
        fields.extend(id.map(|id| Field::new(label, Look::Plain, id.to_string())));
    }
    let kind = kind_name(event.kind());
    let kind = format!("{kind}, schema version {}", event.schema_version());
    fields.push(Field::new("kind", Look::Plain, kind));
    if event.occurred() == Some(event.recorded) {
        fields.push(Field::new("occurred", Look::Plain, moment(event.recorded)));
    }
    Ok((title, fields))
}

/// Payload or metadata.
fn body(label: &str, bytes: &[u8]) -> Vec<Field> {
    let kind = Kind::of(bytes);
    let size = count(u64::try_from(bytes.len()).unwrap_or(u64::MAX), "byte");
    if bytes.is_empty() {
        return vec![Field::new(label, Look::Dim, "empty")];
    }
    let head = Field::new(label, Look::Dim, format!("{size}, {}", kind.name()));
    let lines = pretty::lines(bytes, kind).into_iter().map(|line| {
        let hang = line
            .first()
            .map_or(0, |first| if first.text.trim().is_empty() { first.text.len() + 2 } else { 0 });
        Field { line, hang }
    });
    std::iter::once(head).chain(lines).collect()
}

//! `read`: events.

use super::Globals;
use super::select::Select;
use crate::exit::Outcome;
use crate::line::write_whole;
use crate::show::{Column, Out, Style, Table, escaped_line, short};
use crate::stop;
use crate::store::looking;
use annals::{Cursor, Event, Store};
use std::io::Write;
use std::path::PathBuf;

/// Show events: a table on a terminal, a line of JSON for each elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals read orders.annals --limit 20
  annals read orders.annals --stream order-7 --backward
  annals read orders.annals --type OrderPlaced --tag customer:7 --since 2026-01-01
  annals read orders.annals --json | jq -r .data.total")]
pub struct Args {
    /// The store
    file: PathBuf,
    #[command(flatten)]
    select: Select,
    /// Newest first
    #[arg(short, long)]
    backward: bool,
    #[command(flatten)]
    shape: Shape,
}

/// As what events are shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Shape {
    /// A line of JSON for each, on a terminal too
    #[arg(long, conflicts_with = "table")]
    json: bool,
    /// A table, also where nobody looks
    #[arg(long)]
    table: bool,
}

impl Shape {
    /// Whether it is a table.
    pub fn is_table(self, out: &Out) -> bool {
        self.table || (!self.json && out.is_terminal())
    }
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    looking(&args.file, |store| read(args, globals, store))
}

fn read(args: &Args, globals: &Globals, store: &Store) -> Outcome {
    let mut cursor = args.select.cursor(store, args.backward)?;
    let mut out = globals.out();
    let mut rows = Rows::new(args.shape, &out);
    let shown = rows.all(&mut out, &mut cursor);
    // What could be read is shown, whatever ended it.
    rows.flush(&mut out)?;
    out.flush()?;
    shown
}

/// Events, as they are shown one after another.
pub enum Rows {
    /// In a table, perhaps with their tags.
    Table(Table, bool),
    /// As lines of JSON; what is kept is the room for one.
    Lines(Vec<u8>),
}

/// On so many columns tags are shown, too.
const WIDE: usize = 140;

impl Rows {
    /// For this output.
    pub fn new(shape: Shape, out: &Out) -> Self {
        if !shape.is_table(out) {
            return Self::Lines(Vec::new());
        }
        let has_tags = out.width().is_none_or(|width| width >= WIDE);
        let mut columns = vec![
            Column::number("position"),
            Column::text("recorded").style(Style::Dim),
            Column::text("stream").style(Style::Name).at_most(40),
            Column::number("version"),
            Column::text("type").at_most(40),
        ];
        if has_tags {
            columns.push(Column::text("tags").style(Style::Dim).at_most(40));
        }
        columns.push(Column::text("payload"));
        Self::Table(Table::new(columns, out), has_tags)
    }

    /// Every event that is left.
    fn all(&mut self, out: &mut Out, cursor: &mut Cursor) -> Outcome {
        while let Some(event) = cursor.next_event()? {
            self.write(out, &event)?;
            stop::check()?;
        }
        Ok(())
    }

    /// One more event.
    pub fn write(&mut self, out: &mut Out, event: &Event<'_>) -> Outcome {
        match self {
            Self::Table(table, has_tags) => {
                let mut cells = vec![
                    event.position.to_string(),
                    short(event.recorded),
                    event.stream()?.to_owned(),
                    event.version.to_string(),
                    event.event_type()?.to_owned(),
                ];
                if *has_tags {
                    let tags: Vec<&str> = event.tags()?.iter().collect();
                    cells.push(tags.join(" "));
                }
                cells.push(beginning(event.payload));
                table.row(out, cells)?;
            }
            Self::Lines(line) => {
                line.clear();
                write_whole(event, line)?;
                out.json_line(line)?;
            }
        }
        Ok(())
    }

    /// Writes what still waits to be shown.
    pub fn flush(&mut self, out: &mut Out) -> Outcome {
        match self {
            Self::Table(table, _) => Ok(table.flush(out)?),
            Self::Lines(_) => Ok(()),
        }
    }
}

/// As much of a payload as anybody looks at in a line.
fn beginning(payload: &[u8]) -> String {
    const SEEN: usize = 2_000;
    match payload.split_at_checked(SEEN) {
        Some((beginning, [_, ..])) => escaped_line(beginning) + "…",
        _ => escaped_line(payload),
    }
}

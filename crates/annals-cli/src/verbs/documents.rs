//! `documents`: keys, revisions, sizes; and a single value.

use super::Globals;
use super::read::Shape;
use crate::exit::Outcome;
use crate::show::{Column, Style, Table, bytes, escaped_line, nearest, short, thousands};
use crate::stop;
use crate::store::{looking, not_there};
use annals::{Keys, Store};
use std::io::Write;
use std::path::PathBuf;

/// List documents by key, with revision and size; or show the value of one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals documents orders.annals
  annals documents orders.annals --prefix '~snapshot/'
  annals documents orders.annals 'settings' > settings.json")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Show the value of the document with this key: as it is, or escaped on a terminal
    #[arg(conflicts_with = "json")]
    key: Option<String>,
    /// Those whose keys begin so
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(serde::Serialize)]
struct Listed<'a> {
    document: &'a str,
    revision: u64,
    bytes: usize,
    recorded: String,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    looking(&args.file, |store| match &args.key {
        Some(key) => show(store, key, globals),
        None => list(store, args, globals),
    })
}

fn show(store: &Store, key: &str, globals: &Globals) -> Outcome {
    let Some(document) = store.document(key)? else {
        let mut keys = store.documents(Keys::all())?;
        let keys = std::iter::from_fn(|| keys.next_key().transpose());
        return Err(not_there(
            "document",
            key,
            &nearest(key, keys.map(|key| Ok::<_, annals::Error>(key?.0))),
        ));
    };
    let mut out = globals.out();
    if out.is_terminal() {
        let text = String::from_utf8_lossy(&document.value);
        // Lines are lines; whatever else would act is escaped.
        for line in text.lines() {
            writeln!(out, "{}", escaped_line(line.as_bytes()))?;
        }
    } else {
        out.write_all(&document.value)?;
    }
    Ok(out.flush()?)
}

fn list(store: &Store, args: &Args, globals: &Globals) -> Outcome {
    let mut documents =
        store.documents(Keys::prefix(&args.prefix).limit(args.limit.unwrap_or(u64::MAX)))?;
    let mut out = globals.out();
    let columns = [
        Column::number("revision"),
        Column::number("size"),
        Column::text("recorded").style(Style::Dim),
        Column::text("document").style(Style::Name),
    ];
    let mut table = Table::new(columns, &out);
    let is_table = args.shape.is_table(&out);
    while let Some(document) = documents.next_document()? {
        if is_table {
            let size = u64::try_from(document.value.len()).unwrap_or(u64::MAX);
            let cells = vec![
                thousands(document.revision.get()),
                bytes(size),
                short(document.recorded),
                document.key.to_owned(),
            ];
            table.row(&mut out, cells)?;
        } else {
            out.json(&Listed {
                document: document.key,
                revision: document.revision.get(),
                bytes: document.value.len(),
                recorded: crate::show::moment(document.recorded),
            })?;
        }
        stop::check()?;
    }
    table.flush(&mut out)?;
    Ok(out.flush()?)
}

//! `streams`, `types`, `tags`: names, and how many events have each.

use super::Globals;
use super::read::Shape;
use crate::exit::Outcome;
use crate::show::{Column, Style, Table, thousands};
use crate::stop;
use crate::store::{check_category, looking};
use annals::{Counts, Error, Keys, View};
use std::io::Write;
use std::path::PathBuf;

/// List streams, in the order in which they began, and how many events each has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals streams orders.annals
  annals streams orders.annals --category order --json | jq -s 'max_by(.events)'")]
pub struct Streams {
    /// The store
    file: PathBuf,
    /// Those of this category: whose names begin with it and a `-`
    #[arg(short, long, value_name = "NAME")]
    category: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// List types of events by name, and how many events are of each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals types orders.annals
  annals types orders.annals --prefix Order")]
pub struct Types {
    #[command(flatten)]
    of: Prefixed,
}

/// List tags by name, and how many events have each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals tags orders.annals
  annals tags orders.annals --prefix customer: --limit 20")]
pub struct Tags {
    #[command(flatten)]
    of: Prefixed,
}

#[derive(Debug, clap::Args)]
struct Prefixed {
    /// The store
    file: PathBuf,
    /// Those that begin so
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// At most so many
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    shape: Shape,
}

pub fn streams(args: &Streams, globals: &Globals) -> Outcome {
    looking(&args.file, |store| {
        let view = store.view()?;
        let names = match &args.category {
            None => view.streams(),
            Some(category) => {
                check_category(&view, category)?;
                view.streams_of(category)
            }
        };
        let counted = names.map(|name| {
            let name = name?;
            let version = view.stream_version(&name)?;
            Ok((name, version.get()))
        });
        args.shown.list("stream", counted, globals)
    })
}

pub fn types(args: &Types, globals: &Globals) -> Outcome {
    args.of.list("type", View::types, globals)
}

pub fn tags(args: &Tags, globals: &Globals) -> Outcome {
    args.of.list("tag", View::tags, globals)
}

impl Prefixed {
    /// Lists the names that begin so, of those that `names` gives.
    fn list(
        &self,
        what: &'static str,
        names: impl FnOnce(&View, &Keys) -> Counts,
        globals: &Globals,
    ) -> Outcome {
        looking(&self.file, |store| {
            let counted = names(&store.view()?, &Keys::prefix(&self.prefix));
            let counted = counted.map(|it| it.map(|it| (it.name, it.events)));
            self.shown.list(what, counted, globals)
        })
    }
}

impl Shown {
    /// Writes names of this kind, each with a number of events.
    fn list(
        &self,
        what: &'static str,
        names: impl Iterator<Item = Result<(String, u64), Error>>,
        globals: &Globals,
    ) -> Outcome {
        let most =
            self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut out = globals.out();
        let columns = [Column::number("events"), Column::text(what).style(Style::Name)];
        let mut table = Table::new(columns, &out);
        let is_table = self.shape.is_table(&out);
        let listed = names.take(most).try_for_each(|named| {
            let (name, events) = named?;
            if is_table {
                table.row(&mut out, vec![thousands(events), name])?;
            } else {
                out.json(&Named::new(what, &name, events))?;
            }
            stop::check()
        });
        // What could be read is shown, whatever ended it.
        table.flush(&mut out)?;
        out.flush()?;
        listed
    }
}

/// A line of JSON.
#[derive(Default, serde::Serialize)]
struct Named<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    events: u64,
}

impl<'a> Named<'a> {
    fn new(what: &str, name: &'a str, events: u64) -> Self {
        match what {
            "stream" => Self { stream: Some(name), events, ..Self::default() },
            "type" => Self { event_type: Some(name), events, ..Self::default() },
            _ => Self { tag: Some(name), events, ..Self::default() },
        }
    }
}

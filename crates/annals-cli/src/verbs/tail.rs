//! `tail`: the newest events, and those that come.

use super::Globals;
use super::read::{Rows, Shape};
use super::select::Select;
use crate::exit::Outcome;
use crate::stop;
use crate::store::looking;
use annals::{Position, Read, Store};
use std::io::Write;
use std::path::PathBuf;

/// Show the newest events; with -f, those that come, while another process writes them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals tail orders.annals
  annals tail -f orders.annals --type OrderPlaced
  annals tail -f orders.annals --json -n 0 | while read -r event; do ...; done")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Go on with the events that come, until it is interrupted
    #[arg(short, long, conflicts_with_all = ["from", "after", "to", "before"])]
    follow: bool,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    shape: Shape,
}

/// As many as `tail` shows.
const NEWEST: u64 = 10;

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    looking(&args.file, |store| tail(args, globals, store))
}

fn tail(args: &Args, globals: &Globals, store: &Store) -> Outcome {
    let mut out = globals.out();
    let mut rows = Rows::new(args.shape, &out);
    // Whoever follows may name what is not there yet; what comes is what comes after this.
    let view = store.view()?;
    if !args.follow {
        args.select.check_names(&view)?;
    }
    let number = args.select.limit.unwrap_or(NEWEST);
    let newest = Select { limit: Some(number), ..args.select.clone() };
    // Backward to where they begin, forward from there: however many, one at a time is held.
    let (mut cursor, mut first) = (newest.unchecked(&view, true)?, None);
    while let Some(event) = cursor.next_event()? {
        first = Some(event.position);
        stop::check()?;
    }
    if let Some(first) = first {
        let all = Select { limit: None, ..newest };
        let mut cursor = all.cursor_from(&view, first)?;
        while let Some(event) = cursor.next_event()? {
            rows.write(&mut out, &event)?;
            stop::check()?;
        }
    }
    rows.flush(&mut out)?;
    out.flush()?;
    if args.follow {
        follow(store, &args.select, view.head(), |event| match event {
            Some(event) => rows.write(&mut out, &event),
            None => {
                rows.flush(&mut out)?;
                Ok(out.flush()?)
            }
        })?;
    }
    Ok(())
}

/// Hands on what is asked for of the events after this position, and nothing when it has to wait
/// for more.
fn follow(
    store: &Store,
    select: &Select,
    mut seen: Position,
    mut hand: impl FnMut(Option<annals::Event<'_>>) -> Outcome,
) -> Outcome {
    let query = select.query();
    loop {
        let mut cursor = store.query(&query, Read::new().after(seen))?;
        while let Some(event) = cursor.next_event()? {
            hand(Some(event))?;
            if stop::is_asked() {
                break;
            }
        }
        hand(None)?;
        seen = seen.max(cursor.marker());
        while store.wait(seen, stop::STEP)? <= seen {
            stop::check()?;
        }
        stop::check()?;
    }
}

//! `tail`: the newest events, and those that come.

use super::Globals;
use super::read::{Rows, Shape};
use super::select::Select;
use crate::exit::{Failure, Outcome};
use crate::stop;
use crate::store::to_look;
use annals::{Position, Read, Store};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

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
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    shape: Shape,
}

/// As many as `tail` shows.
const NEWEST: u64 = 10;
/// Ctrl-C is noticed after so long.
const STEP: Duration = Duration::from_millis(200);

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let store = to_look(&args.file)?;
    let mut out = globals.out();
    let mut rows = Rows::new(args.shape, &out);
    let newest = Select { limit: Some(args.select.limit.unwrap_or(NEWEST)), ..args.select.clone() };
    // Whoever follows may name what is not there yet.
    let seen = match args.follow {
        true => store.head()?,
        false => {
            newest.check_names(&store)?;
            Position::START
        }
    };
    let mut events = newest.unchecked(&store, true)?.collect::<Result<Vec<_>, _>>()?;
    while let Some(event) = events.pop() {
        rows.write(&mut out, &event.as_event())?;
    }
    rows.flush(&mut out)?;
    out.flush()?;
    if args.follow {
        follow(&store, &args.select, seen, |event| match event {
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
        while store.wait(seen, STEP)? <= seen {
            if stop::is_asked() {
                return Err(Failure::interrupted(""));
            }
        }
        if stop::is_asked() {
            return Err(Failure::interrupted(""));
        }
    }
}

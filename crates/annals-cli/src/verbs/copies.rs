//! `backup` and `compact`: copies of a store.

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::{Progress, bytes, count, path_name};
use crate::stop;
use crate::store::{is_damaged, to_look};
use annals::{CopyReport, Store};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Copy a store, while it is being written to
///
/// The copy has what was durable when it began. It is read again before it appears under its name:
/// a copy that is there is whole, and closed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals backup orders.annals orders-$(date +%F).annals")]
pub struct Backup {
    #[command(flatten)]
    paths: Paths,
}

/// Write everything anew to a new store: without deleted documents, and without unused room
///
/// Each event keeps its position. The new store has an id of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals compact orders.annals smaller.annals")]
pub struct Compact {
    #[command(flatten)]
    paths: Paths,
}

#[derive(Debug, clap::Args)]
struct Paths {
    /// The store
    file: PathBuf,
    /// The copy to make, where no file is yet
    out: PathBuf,
    /// Say what was copied as JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Copied {
    commits: u64,
    events: u64,
    /// Records of them.
    documents: u64,
    bytes: u64,
}

pub fn backup(args: &Backup, globals: &Globals) -> Outcome {
    let was_read = ": read again, and whole";
    copy(&args.paths, ("copying", was_read), globals, |store, to, step| {
        store.backup_to_with(to, step)
    })
}

pub fn compact(args: &Compact, globals: &Globals) -> Outcome {
    copy(&args.paths, ("compacting", ""), globals, |store, to, step| {
        store.compact_to_with(to, step)
    })
}

/// Copies the store by `make`, which is told whom to tell how far it is. What it does has a name,
/// and something to be said of when it is done.
fn copy(
    paths: &Paths,
    (doing, done): (&'static str, &str),
    globals: &Globals,
    make: impl FnOnce(&Store, &PathBuf, &mut Step<'_>) -> Result<CopyReport, annals::Error>,
) -> Outcome {
    let store = to_look(&paths.file)?;
    if is_damaged(&store) {
        let what = "a copy would look whole, without what is behind the damage; nothing was done";
        return Err(Failure::can_not(what));
    }
    let mut progress = Progress::of_bytes(doing, globals.quiet);
    let report = make(&store, &paths.out, &mut |at, all| {
        progress.at(at, all);
        stop::flow()
    })?;
    drop(progress);
    said(paths, &report, done, globals)
}

/// Who is told how far a copy is, and may stop it.
type Step<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

fn said(paths: &Paths, report: &CopyReport, done: &str, globals: &Globals) -> Outcome {
    if report.cancelled {
        return Err(Failure::interrupted("interrupted; no copy was made"));
    }
    let (events, documents) = (report.events, report.documents);
    if paths.json {
        let mut out = globals.out();
        out.json(&Copied { commits: report.commits, events, documents, bytes: report.bytes })?;
        return Ok(out.flush()?);
    }
    globals.say(format_args!(
        "{} and {} in '{}', {}{done}",
        count(events, "event"),
        count(documents, "document record"),
        path_name(&paths.out),
        bytes(report.bytes),
    ));
    Ok(())
}

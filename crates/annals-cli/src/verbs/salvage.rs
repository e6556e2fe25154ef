//! `salvage`: what is still whole of a damaged store.

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::{Progress, count, escaped};
use crate::stop;
use annals::{SalvageReport, Store};
use std::io::Write;
use std::path::PathBuf;

/// Write what is still whole of a damaged store to a new one
///
/// Nothing is written to the damaged one, and nothing gets out but what passes its check. It ends
/// with 0 if nothing is lost, with 1 if something is: each loss is a line, with its positions.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals salvage damaged.annals rescued.annals
  annals salvage damaged.annals rescued.annals --json | jq .lost")]
pub struct Args {
    /// The damaged store
    file: PathBuf,
    /// The store to make, where no file is yet
    out: PathBuf,
    /// Say what was found as JSON
    #[arg(long)]
    json: bool,
}

/// What came of it, for programs.
#[derive(serde::Serialize)]
struct Came {
    whole: bool,
    commits: u64,
    events: u64,
    documents: u64,
    events_lost: u64,
    documents_in_doubt: u64,
    unreadable_bytes: u64,
    kept: Vec<Kept>,
    lost: Vec<Lost>,
    broken_commits: Vec<Broken>,
    torn_tail: Option<Torn>,
    issues: Vec<String>,
}

#[derive(serde::Serialize)]
struct Kept {
    first: u64,
    events: u64,
    now: u64,
}

#[derive(serde::Serialize)]
struct Lost {
    first: u64,
    events: u64,
    documents: bool,
    log_offset: u64,
    log_offset_after: u64,
    file_offset: Option<u64>,
    what: String,
}

#[derive(serde::Serialize)]
struct Broken {
    log_offset: u64,
    first: u64,
    events: u64,
    kept: u64,
}

#[derive(serde::Serialize)]
struct Torn {
    log_offset: u64,
    file_offset: Option<u64>,
    first: u64,
    events: u64,
    commits: u64,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let mut progress = Progress::of_bytes("salvaging", globals.quiet);
    let report = Store::salvage_with(&args.file, &args.out, |done, all| {
        progress.at(done, all);
        stop::flow()
    })?;
    drop(progress);
    if report.cancelled {
        return Err(Failure::interrupted("interrupted; no new store was made"));
    }
    let mut out = globals.out();
    if args.json {
        out.json(&Came::of(&report))?;
    } else {
        for line in report.to_string().lines() {
            writeln!(out, "{}", escaped(line))?;
        }
    }
    out.flush()?;
    if report.is_whole() {
        return Ok(());
    }
    // What broke into pieces without losing any has no event that is lost.
    let lost = match report.events_lost() {
        0 => "something is lost, though no event that is known of".to_owned(),
        events => format!("{} lost", count(events, "event")),
    };
    Err(Failure::problems(if args.json { String::new() } else { lost }))
}

impl Came {
    fn of(report: &SalvageReport) -> Self {
        let kept = report.kept.iter();
        let lost = report.lost.iter();
        let broken = report.broken.iter();
        Self {
            whole: report.is_whole(),
            commits: report.commits,
            events: report.events,
            documents: report.documents,
            events_lost: report.events_lost(),
            documents_in_doubt: report.documents_in_doubt,
            unreadable_bytes: report.unreadable,
            kept: kept
                .map(|it| Kept { first: it.first.get(), events: it.events, now: it.now.get() })
                .collect(),
            lost: lost
                .map(|it| Lost {
                    first: it.first.get(),
                    events: it.events,
                    documents: it.documents,
                    log_offset: it.from.get(),
                    log_offset_after: it.to.get(),
                    file_offset: it.file_offset,
                    what: it.what.clone(),
                })
                .collect(),
            broken_commits: broken
                .map(|it| Broken {
                    log_offset: it.at.get(),
                    first: it.first.get(),
                    events: it.events,
                    kept: it.kept,
                })
                .collect(),
            torn_tail: report.torn.map(|it| Torn {
                log_offset: it.at.get(),
                file_offset: it.file_offset,
                first: it.first.get(),
                events: it.events,
                commits: it.commits,
            }),
            issues: report.issues.iter().map(|issue| issue.what.clone()).collect(),
        }
    }
}

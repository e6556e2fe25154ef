//! `verify`: is a store whole?

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::{Out, Progress, Style, bytes, count, escaped, per_second, thousands};
use crate::stop;
use crate::store::opened;
use annals::{Corruption, ErrorKind, Issue, Options, Store, VerifyReport};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Read everything again: is each check right, and does the index say what the log says?
///
/// Works beside a program that is writing; nothing is changed. It ends with 0 if the store is
/// whole, with 1 if something is wrong (each problem is a line, with its position and its byte of
/// the file), with 2 if it could not look.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals verify orders.annals
  annals verify orders.annals --quick
  annals verify orders.annals --json | jq .problems[0]")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// The checks alone, of log and index; the index is not compared with the log
    #[arg(long)]
    quick: bool,
    /// Say what was found as JSON
    #[arg(long)]
    json: bool,
}

/// What was found, for programs.
#[derive(serde::Serialize)]
struct Found {
    whole: bool,
    commits: u64,
    events: u64,
    documents: u64,
    /// Of the log.
    bytes: u64,
    index_bytes: u64,
    problems: Vec<Problem>,
}

#[derive(serde::Serialize)]
struct Problem {
    what: String,
    position: Option<u64>,
    log_offset: Option<u64>,
    file_offset: Option<u64>,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let began = Instant::now();
    let mut out = globals.out();
    let mut problems = Vec::new();
    let report = match Options::new().open_read_only(&args.file) {
        Ok(store) => {
            problems.extend(store.recovery_report().corruption.as_ref().map(Problem::of_damage));
            let mut report = look(&store, args.quick, globals)?;
            // Damage of the log was met when the store was opened, and has been said.
            let known = store.recovery_report().corruption.as_ref().and_then(|it| it.log_offset);
            report.issues.retain(|issue| known.is_none() || issue.log_offset != known);
            report
        }
        // So damaged that nothing can be read: that is what was asked.
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let damage = error.corruption().map(Problem::of_damage);
            problems.push(damage.unwrap_or_else(|| Problem::said(&error.to_string())));
            VerifyReport::default()
        }
        Err(error) => return opened(&args.file, Err(error)).map(drop),
    };
    if report.cancelled {
        return Err(Failure::interrupted("interrupted; the store was not looked at to its end"));
    }
    problems.extend(report.issues.iter().map(Problem::of));
    let took = began.elapsed();
    let is_whole = problems.is_empty();
    if args.json {
        out.json(&Found {
            whole: is_whole,
            commits: report.commits,
            events: report.events,
            documents: report.documents,
            bytes: report.bytes,
            index_bytes: report.index_bytes,
            problems,
        })?;
    } else {
        shown(&mut out, &report, &problems, took, globals)?;
    }
    out.flush()?;
    if is_whole { Ok(()) } else { Err(Failure::problems("")) }
}

fn look(store: &Store, quick: bool, globals: &Globals) -> Outcome<VerifyReport> {
    let mut progress = Progress::of_bytes("verifying", globals.quiet);
    let step = |done, all| {
        progress.at(done, all);
        stop::flow()
    };
    Ok(if quick { store.verify_quick_with(step) } else { store.verify_with(step) }?)
}

fn shown(
    out: &mut Out,
    report: &VerifyReport,
    problems: &[Problem],
    took: Duration,
    globals: &Globals,
) -> Outcome {
    for problem in problems {
        out.styled(Style::Bad, "problem")?;
        writeln!(out, ": {}", problem.line())?;
    }
    if problems.is_empty() && globals.quiet {
        return Ok(());
    }
    let bytes_read = report.bytes.saturating_add(report.index_bytes);
    let (style, verdict) = match problems.len() {
        0 => (Style::Good, "whole".to_owned()),
        number => {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            (Style::Bad, format!("not whole: {}", count(number, "problem")))
        }
    };
    out.styled(style, verdict)?;
    writeln!(
        out,
        "; {}, {}, {} looked at: {} in {:.1} s, {} MiB/s",
        count(report.commits, "commit"),
        count(report.events, "event"),
        count(report.documents, "document record"),
        bytes(bytes_read),
        took.as_secs_f64(),
        thousands(per_second(bytes_read, took) >> 20),
    )?;
    Ok(())
}

impl Problem {
    fn of(issue: &Issue) -> Self {
        Self {
            what: issue.what.clone(),
            position: issue.position.map(|it| it.get()),
            log_offset: issue.log_offset.map(|it| it.get()),
            file_offset: issue.file_offset,
        }
    }

    /// Its position is that of the first event that is not there any more.
    fn of_damage(damage: &Corruption) -> Self {
        Self {
            what: damage.what.clone(),
            position: damage.intact_to.map(|it| it.get().saturating_add(1)),
            log_offset: damage.log_offset.map(|it| it.get()),
            file_offset: damage.file_offset,
        }
    }

    fn said(what: &str) -> Self {
        Self { what: what.to_owned(), position: None, log_offset: None, file_offset: None }
    }

    fn line(&self) -> String {
        let mut places = Vec::new();
        if let Some(position) = self.position {
            places.push(format!("position {position}"));
        }
        if let Some(offset) = self.log_offset {
            places.push(format!("log offset {offset}"));
        }
        if let Some(offset) = self.file_offset {
            places.push(format!("byte {offset} of the file"));
        }
        let what = escaped(&self.what);
        if places.is_empty() { what.into_owned() } else { format!("{}: {what}", places.join(", ")) }
    }
}

//! A log of flights out of New York, in an event store: loaded under exact expected versions,
//! closed, opened again, verified, replayed and counted.
//!
//! `cargo run --release --example flights -- --help` says how to use it. What the store is told
//! and asked stands here (`run`), in `load.rs` or, for many threads, `together.rs`, in `summary.rs`
//! and `check.rs`; `line.rs` makes the events.

#![allow(clippy::print_stderr, reason = "a program talks to whoever started it")]

mod args;
mod check;
mod count;
mod line;
mod load;
mod print;
mod progress;
mod source;
mod summary;
mod together;

use annals::{Ending, Position, QueryItem, Read, Store};
use args::{Args, HELP};
use count::{Counted, count};
use load::load;
use print::{Pair, each, grouped, pace};
use progress::Progress;
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::io::{BufRead, Write, stdout};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use together::load_together;

/// Where the store goes unless told.
const USUAL: &str = "flights.annals";
/// What the streams of a store that this example wrote are about.
const CATEGORIES: [&str; 3] = ["aircraft", "carrier", "station"];

fn main() -> ExitCode {
    let fail = |code: u8, why: &dyn Display| {
        eprintln!("flights: {why}");
        ExitCode::from(code)
    };
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            return match stdout().write_all(HELP.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(1, &error),
            };
        }
        Err(wrong) => return fail(2, &format!("{wrong}; --help says how it is used")),
    };
    let file = args.file.display();
    let lines = match source::open(&args.file) {
        Ok(lines) => lines,
        Err(error) => return fail(1, &format!("opening '{file}' failed: {error}")),
    };
    let path = match place(args.store.clone()) {
        Ok(path) => path,
        Err(why) => return fail(2, &why),
    };
    match run(&args, lines, &path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

/// Where the store goes, with nothing there.
///
/// Only what an earlier run has left under the usual name is removed: a store that is not damaged,
/// that nobody writes to, and that has streams of no other categories than this example writes.
fn place(given: Option<PathBuf>) -> Result<PathBuf, String> {
    let usual = given.is_none();
    let path = given.unwrap_or_else(|| USUAL.into());
    match path.try_exists() {
        Ok(false) => return Ok(path),
        Ok(true) => {}
        Err(error) => return Err(format!("looking for '{}' failed: {error}", path.display())),
    }
    let keep = |why: &dyn Display| {
        format!("'{}' is kept ({why}); say with --store where the new store goes", path.display())
    };
    if !usual {
        return Err(keep(&"it exists"));
    }
    let earlier = Store::open_read_only(&path).map_err(|error| keep(&error))?;
    let report = earlier.recovery_report();
    if matches!(report.ending, Ending::InUse | Ending::Damaged) {
        return Err(keep(&report.why));
    }
    let categories = earlier.categories().map_err(|error| keep(&error))?;
    if let Some(other) = categories.iter().find(|name| !CATEGORIES.contains(&name.as_str())) {
        return Err(keep(&format!("not from this example: it has streams of category '{other}'")));
    }
    drop(earlier);
    fs::remove_file(&path).map_err(|error| keep(&error))?;
    eprintln!("flights: replacing '{}' of an earlier run", path.display());
    Ok(path)
}

fn run(args: &Args, mut lines: Box<dyn BufRead>, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();

    // A commit returns when it is on the device, unless told otherwise.
    let store = Store::open(path)?;
    let loading = match args.threads {
        None => alone(&mut out, &store, &mut *lines),
        Some(threads) => together(&mut out, &store, &mut *lines, threads),
    };
    let (events, seen) = loading.map_err(|error| format!("{}: {error}", args.file.display()))?;
    store.close()?;
    drop((store, lines));

    let (store, time) = timed("opening", |_| Store::open(path))?;
    let milliseconds = time.as_secs_f64() * 1e3;
    writeln!(out, "open    {milliseconds:.2} ms; {}", store.recovery_report())?;

    let (report, time) = timed("verifying", |progress| {
        store.verify_with(|done, all| {
            progress.part(done, all);
            ControlFlow::Continue(())
        })
    })?;
    if !report.is_whole() || report.events != events {
        return Err(format!("the store is not whole: {report:?}").into());
    }
    writeln!(out, "verify  {}; whole", pace(events, time))?;

    // Twice through all events: once as they are, once with every payload decoded.
    let everything = store.read_all(Read::new())?;
    let (types, time) =
        timed("replaying", |progress| summary::types(everything, |done| progress.events(done)))?;
    writeln!(out, "replay  {}", pace(events, time))?;
    let everything = store.read_all(Read::new())?;
    let (carriers, time) =
        timed("decoding", |progress| summary::carriers(everything, |done| progress.events(done)))?;
    writeln!(out, "decode  {}; each payload as JSON", pace(events, time))?;
    let asked = match args.queries || seen.is_some() {
        true => compare(&mut out, &store, args, seen.as_deref())?,
        false => Vec::new(),
    };

    let stats = store.stats()?;
    let (file_bytes, log_bytes) = (grouped(stats.file_bytes), grouped(stats.log_bytes));
    writeln!(out, "file    {file_bytes} bytes, {} an event", each(stats.file_bytes, events))?;
    writeln!(out, "log     {log_bytes} bytes, {} an event", each(stats.log_bytes, events))?;
    let (runs, run_bytes) = (stats.index.runs, grouped(stats.index.run_bytes));
    let per_event = each(stats.index.run_bytes, events);
    writeln!(out, "index   {run_bytes} bytes, {per_event} an event, in {runs} runs")?;
    store.close()?;

    print::types(&mut out, types)?;
    print::carriers(&mut out, carriers)?;
    print::asked(&mut out, &asked)
}

/// How many events were loaded and, where many threads did it, up to where each had looked.
type Loading = Result<(u64, Option<Vec<Position>>), Box<dyn Error>>;

/// In commits of many events.
fn alone(out: &mut impl Write, store: &Store, lines: &mut dyn BufRead) -> Loading {
    let (loaded, time) =
        timed("loading", |progress| load(store, lines, |done| progress.events(done)))?;
    let events = some(loaded.events)?;
    let (count, commits) = (grouped(events), grouped(loaded.commits));
    let streams = grouped(store.stats()?.streams);
    writeln!(out, "load    {count} events to {streams} streams in {commits} commits, each synced")?;
    writeln!(out, "        in the store       {}", pace(events, loaded.committing))?;
    writeln!(out, "        reading lines too  {}", pace(events, time))?;
    Ok((events, None))
}

/// By many threads, each event in a commit of its own.
fn together(
    out: &mut impl Write,
    store: &Store,
    lines: &mut dyn BufRead,
    threads: usize,
) -> Loading {
    let (loaded, time) = timed("loading", |progress| {
        load_together(store, lines, threads, |done| progress.events(done))
    })?;
    let events = some(loaded.events)?;
    let (count, streams) = (grouped(events), grouped(store.stats()?.streams));
    let (early, unseen) = (grouped(loaded.early), grouped(loaded.unseen));
    let by = if threads == 1 { "thread" } else { "threads" };
    writeln!(out, "load    {count} events to {streams} streams by {threads} {by}, each synced")?;
    writeln!(out, "        reading lines too  {}", pace(events, time))?;
    writeln!(out, "        refused, retried   {early} too early, {unseen} with something unseen")?;
    Ok((events, Some(loaded.seen)))
}

fn some(events: u64) -> Result<u64, String> {
    if events > 0 { Ok(events) } else { Err("expected an event, found none".to_owned()) }
}

/// Compares the store with the lines of the file, which is read again for it. If that is wanted,
/// the store is asked for each tag and correlation id; then some of what was found is returned.
fn compare(
    out: &mut impl Write,
    store: &Store,
    args: &Args,
    seen: Option<&[Position]>,
) -> Result<Vec<Pair>, Box<dyn Error>> {
    let mut again = source::open(&args.file)?;
    let (lines, _) =
        timed("counting", |progress| count(&mut *again, |done| progress.events(done)))?;
    let everything = store.read_all(Read::new())?;
    let ((), time) = timed("checking", |progress| {
        check::replay(everything, &lines, seen, |done| progress.events(done))
    })?;
    let order = if seen.is_some() { "streams and flights" } else { "streams" };
    let pace = pace(lines.events, time);
    writeln!(out, "check   {pace}; every line once, {order} in order, types as in the file")?;
    if args.queries { ask(out, store, &lines) } else { Ok(Vec::new()) }
}

fn ask(out: &mut impl Write, store: &Store, lines: &Counted) -> Result<Vec<Pair>, Box<dyn Error>> {
    let view = store.view()?;
    let ((tags, ids), time) = timed("asking", |progress| {
        check::queries(&view, lines, |done, all| progress.part(done, all))
    })?;
    let (queries, seconds) = (grouped(tags + ids), time.as_secs_f64());
    writeln!(out, "ask     {seconds:.3} s, {queries} queries; each finds as many events as lines")?;
    let mut pairs = Vec::new();
    for tag in ["origin:JFK", "carrier:B6", "dest:SFO"] {
        let found = check::found(&view, QueryItem::new().tag(tag))?;
        pairs.push((tag, found, lines.tags.get(tag).copied().unwrap_or(0)));
    }
    pairs.push(("tags", tags, u64::try_from(lines.tags.len())?));
    pairs.push(("correlation ids", ids, u64::try_from(lines.correlations.len())?));
    Ok(pairs)
}

/// Does it, and says how long it took; for those who wait, also how far it is.
fn timed<T, E>(
    what: &'static str,
    work: impl FnOnce(&mut Progress) -> Result<T, E>,
) -> Result<(T, Duration), E> {
    let mut progress = Progress::of(what);
    let began = Instant::now();
    let done = work(&mut progress)?;
    Ok((done, began.elapsed()))
}

//! A log of flights out of New York, in an event store: loaded under exact expected versions,
//! closed, opened again, verified, replayed and counted.
//!
//! `cargo run --release --example flights -- --help` says how to use it. What the store is told
//! and asked stands here (`run`), in `load.rs` and in `summary.rs`; `line.rs` makes the events.

#![allow(clippy::print_stderr, reason = "a program talks to whoever started it")]

mod line;
mod load;
mod progress;
mod source;
mod summary;

use annals::{Ending, Read, Store};
use load::load;
use progress::Progress;
use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{BufRead, Write, stdout};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use summary::Carrier;

const HELP: &str = "\
Loads a log of flights into an event store, opens it again, verifies it, replays it and counts.

Usage: cargo run --release --example flights -- [FILE] [--store PATH]

  FILE          JSON Lines, one event each; unpacked if the name ends in .gz or .zst.
                Without it: the sample of 4,000 events that comes with the project.
  --store PATH  The store to make, where no file is yet.
                Without it: flights.annals in the current directory. If a store from an
                earlier run is there, it is replaced; any other file is left alone.
  -h, --help    This text.

It ends with 0 if all went well, 1 if not (the message says which line of FILE is wrong, and
what was expected there), 2 if it was called wrongly or something is where the store should go.
";

/// Where the store goes unless told.
const USUAL: &str = "flights.annals";
/// What the streams of a store that this example wrote are about.
const CATEGORIES: [&str; 3] = ["aircraft", "carrier", "station"];

struct Args {
    file: PathBuf,
    store: Option<PathBuf>,
}

fn main() -> ExitCode {
    let fail = |code: u8, why: &dyn Display| {
        eprintln!("flights: {why}");
        ExitCode::from(code)
    };
    let args = match arguments(std::env::args_os().skip(1)) {
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
    let path = match place(args.store) {
        Ok(path) => path,
        Err(why) => return fail(2, &why),
    };
    match run(&args.file, lines, &path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

/// What was asked for; nothing if it was help.
fn arguments(mut given: impl Iterator<Item = OsString>) -> Result<Option<Args>, String> {
    let (mut file, mut store) = (None, None);
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--store") => match given.next() {
                Some(path) => store = Some(PathBuf::from(path)),
                None => return Err("--store was given without a path".to_owned()),
            },
            Some(option) if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            _ if file.is_some() => return Err("more than one file was given".to_owned()),
            _ => file = Some(PathBuf::from(argument)),
        }
    }
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights-sample.jsonl.gz");
    Ok(Some(Args { file: file.unwrap_or_else(|| sample.into()), store }))
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

fn run(file: &Path, mut lines: Box<dyn BufRead>, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();

    // A commit returns when it is on the device, unless told otherwise.
    let store = Store::open(path)?;
    let (loaded, time) =
        timed("loading", |progress| load(&store, &mut *lines, |done| progress.events(done)))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    let events = loaded.events;
    if events == 0 {
        return Err(format!("{}: expected an event, found none", file.display()).into());
    }
    let (count, commits) = (grouped(events), grouped(loaded.commits));
    let streams = grouped(store.stats()?.streams);
    writeln!(out, "load    {count} events to {streams} streams in {commits} commits, each synced")?;
    writeln!(out, "        in the store       {}", pace(events, loaded.committing))?;
    writeln!(out, "        reading lines too  {}", pace(events, time))?;
    store.close()?;

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

    let stats = store.stats()?;
    let (file_bytes, log_bytes) = (grouped(stats.file_bytes), grouped(stats.log_bytes));
    writeln!(out, "file    {file_bytes} bytes, {} an event", each(stats.file_bytes, events))?;
    writeln!(out, "log     {log_bytes} bytes, {} an event", each(stats.log_bytes, events))?;
    let (runs, run_bytes) = (stats.index.runs, grouped(stats.index.run_bytes));
    let per_event = each(stats.index.run_bytes, events);
    writeln!(out, "index   {run_bytes} bytes, {per_event} an event, in {runs} runs")?;
    store.close()?;

    print_types(&mut out, types)?;
    print_carriers(&mut out, carriers)
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

/// The most frequent first.
fn print_types(out: &mut impl Write, types: HashMap<String, u64>) -> Result<(), Box<dyn Error>> {
    let mut types: Vec<(String, u64)> = types.into_iter().collect();
    types.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    writeln!(out, "\nEvents by type")?;
    for (name, count) in types {
        writeln!(out, "  {name:<18}{:>10}", grouped(count))?;
    }
    Ok(())
}

/// The latest first, those that never arrived last.
fn print_carriers(
    out: &mut impl Write,
    carriers: HashMap<String, Carrier>,
) -> Result<(), Box<dyn Error>> {
    let delay = |carrier: &Carrier| carrier.mean_delay().unwrap_or(f64::NEG_INFINITY);
    let mut carriers: Vec<(String, Carrier)> = carriers.into_iter().collect();
    carriers.sort_by(|(_, a), (_, b)| delay(b).total_cmp(&delay(a)));
    writeln!(out, "\nCarrier  mean arrival delay  arrivals  cancellations")?;
    for (code, carrier) in carriers {
        let mean = carrier.mean_delay().map(|minutes| format!("{minutes:.2} min"));
        let mean = mean.unwrap_or_else(|| "-".to_owned());
        let arrivals = grouped(carrier.arrivals.into());
        let cancellations = grouped(carrier.cancellations.into());
        writeln!(out, "  {code:<7}{mean:>18}{arrivals:>10}{cancellations:>15}")?;
    }
    Ok(())
}

/// `12.345 s, 56,789 events/s`.
fn pace(events: u64, time: Duration) -> String {
    let rate = u128::from(events) * 1_000_000 / time.as_micros().max(1);
    let rate = grouped(u64::try_from(rate).unwrap_or(u64::MAX));
    format!("{:.3} s, {rate} events/s", time.as_secs_f64())
}

/// Bytes of one of these events, to a tenth.
fn each(bytes: u64, events: u64) -> String {
    let tenths = bytes.saturating_mul(10) / events.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

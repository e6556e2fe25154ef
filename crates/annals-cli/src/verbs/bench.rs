//! `bench`: how fast the disk here is with events.

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::{Column, Progress, Table, bytes, path_name, per_second, thousands};
use crate::stop;
use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Read, Store};
use clap::value_parser;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Measure quick rates on the disk of a folder, synced and buffered
///
/// It makes a store in a temporary folder there, which is gone when it ends. Rates of another
/// machine, or of another day on a machine that is shared, say little: compare within a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals bench
  annals bench --dir /media/usb --seconds 5
  annals bench --json | jq '.[] | select(.what | startswith(\"synced\"))'")]
pub struct Args {
    /// Where: the disk of this folder is measured
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// How long each rate is measured
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Bytes of an event's payload
    #[arg(long, value_name = "N", default_value_t = 200)]
    #[arg(value_parser = value_parser!(u32).range(..=1_048_576))]
    payload: u32,
    /// Say the rates as JSON
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(serde::Serialize)]
struct Rate {
    what: &'static str,
    events_per_second: u64,
    /// The median of how long one took, in microseconds; nothing where they are not timed one by
    /// one.
    median_us: Option<u64>,
    /// What one in a hundred took longer than.
    p99_us: Option<u64>,
}

/// How many threads commit at once.
const THREADS: u64 = 8;
/// Events of a large commit.
const MANY: u64 = 100;

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let folder = tempfile::Builder::new().prefix(".annals-bench-").tempdir_in(&args.dir);
    let folder = folder.map_err(|error| {
        let name = path_name(&args.dir);
        Failure::io(format_args!("making a folder in '{name}' failed"), &error)
    })?;
    let store = Options::new().open(folder.path().join("bench.annals"))?;
    let bench = Bench {
        store,
        time: Duration::from_secs(args.seconds),
        payload: vec![b'x'; usize::try_from(args.payload).unwrap_or(0)],
        next: AtomicU64::new(0),
    };
    let mut rates = Vec::new();
    let mut progress = Progress::of_steps("measuring", globals.quiet);
    let steps: [&dyn Fn() -> Outcome<Rate>; 5] = [
        &|| bench.one_by_one("synced, an event each", Durability::Synced),
        &|| bench.together("synced, an event each, 8 threads"),
        &|| bench.one_by_one("buffered, an event each", Durability::Buffered),
        &|| bench.many("buffered, 100 events each"),
        &|| bench.read("read, by position"),
    ];
    for (done, step) in (1..).zip(steps) {
        rates.push(step()?);
        progress.at(done, 5);
        if stop::is_asked() {
            return Err(Failure::interrupted("interrupted; what it had made is gone"));
        }
    }
    drop(progress);
    let mut out = globals.out();
    if args.json {
        out.json(&rates)?;
        return Ok(out.flush()?);
    }
    let columns = [
        Column::number("events/s"),
        Column::number("median"),
        Column::number("99 %"),
        Column::text("what"),
    ];
    let mut table = Table::new(columns, &out);
    let micros =
        |time: Option<u64>| time.map_or_else(String::new, |it| format!("{} us", thousands(it)));
    for rate in rates {
        let cells = vec![
            thousands(rate.events_per_second),
            micros(rate.median_us),
            micros(rate.p99_us),
            rate.what.to_owned(),
        ];
        table.row(&mut out, cells)?;
    }
    table.flush(&mut out)?;
    let size = bench.store.stats()?.file_bytes;
    writeln!(
        out,
        "payloads of {} bytes; the store had {}, and is gone",
        args.payload,
        bytes(size)
    )?;
    Ok(out.flush()?)
}

struct Bench {
    store: Store,
    time: Duration,
    payload: Vec<u8>,
    /// What makes names of streams different.
    next: AtomicU64,
}

impl Bench {
    fn event(&self) -> NewEvent {
        NewEvent::new("Measured", self.payload.as_slice())
    }

    /// Events of one of a thousand streams.
    fn commit(&self, events: u64) -> Commit {
        let stream = format!("bench-{}", self.next.fetch_add(1, Ordering::Relaxed) % 1_000);
        let events = (0..events).map(|_| self.event());
        Commit::new().append(stream, ExpectedVersion::Any, events)
    }

    /// Commits until the time is over; returns how long each took, and all of it.
    fn commits(&self, events: u64, durability: Durability) -> Outcome<(Vec<Duration>, Duration)> {
        let (began, mut took) = (Instant::now(), Vec::new());
        while began.elapsed() < self.time && !stop::is_asked() {
            let commit = self.commit(events).durability(durability);
            let before = Instant::now();
            self.store.commit(commit)?;
            took.push(before.elapsed());
        }
        Ok((took, began.elapsed()))
    }

    fn one_by_one(&self, what: &'static str, durability: Durability) -> Outcome<Rate> {
        let (took, all) = self.commits(1, durability)?;
        Ok(Rate::of(what, 1, took, all))
    }

    fn many(&self, what: &'static str) -> Outcome<Rate> {
        let (took, all) = self.commits(MANY, Durability::Buffered)?;
        Ok(Rate::of(what, MANY, took, all))
    }

    fn together(&self, what: &'static str) -> Outcome<Rate> {
        let began = Instant::now();
        let took = thread::scope(|scope| {
            let commit = || scope.spawn(|| self.commits(1, Durability::Synced));
            let threads: Vec<_> = (0..THREADS).map(|_| commit()).collect();
            let mut all = Vec::new();
            for thread in threads {
                let joined = thread.join().unwrap_or_else(|it| std::panic::resume_unwind(it));
                all.extend(joined?.0);
            }
            Outcome::Ok(all)
        })?;
        Ok(Rate::of(what, 1, took, began.elapsed()))
    }

    fn read(&self, what: &'static str) -> Outcome<Rate> {
        let (began, mut events) = (Instant::now(), 0);
        while began.elapsed() < self.time && !stop::is_asked() {
            let mut cursor = self.store.read_all(Read::new())?;
            while cursor.next_event()?.is_some() {
                events += 1;
            }
        }
        let events_per_second = per_second(events, began.elapsed());
        Ok(Rate { what, events_per_second, median_us: None, p99_us: None })
    }
}

impl Rate {
    /// Of commits of so many events that took so long, and all of them together this time.
    fn of(what: &'static str, events: u64, mut took: Vec<Duration>, time: Duration) -> Self {
        took.sort_unstable();
        let number = u64::try_from(took.len()).unwrap_or(u64::MAX);
        let at = |percent: usize| {
            let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(place).map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        Self {
            what,
            events_per_second: per_second(number.saturating_mul(events), time),
            median_us: at(50),
            p99_us: at(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_the_median_and_what_one_in_a_hundred_exceeds() {
        let took = (1..=1_000).map(Duration::from_micros).collect();
        let rate = Rate::of("x", 2, took, Duration::from_secs(2));
        assert_eq!(rate.events_per_second, 1_000);
        assert_eq!((rate.median_us, rate.p99_us), (Some(501), Some(991)));
        let none = Rate::of("x", 1, Vec::new(), Duration::from_secs(1));
        assert_eq!((none.events_per_second, none.median_us), (0, None));
    }
}

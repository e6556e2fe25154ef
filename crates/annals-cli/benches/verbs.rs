//! How fast the verbs are: the program is called as users call it, several rounds in turns, and the
//! medians stand beside the goals.
//!
//!     cargo bench -p annals-cli --bench verbs -- --flights flights-2013.jsonl.zst
//!
//! Without `--flights` it imports the sample that comes with the project. `--events N` makes a
//! store of so many events for `stats` (a hundred million are asked for: 12 GB, some minutes).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark, which stops where it is surprised"
)]

use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/flights-sample.jsonl.gz");

struct Args {
    flights: PathBuf,
    rounds: usize,
    events: u64,
}

fn main() {
    let mut args = Args { flights: SAMPLE.into(), rounds: 5, events: 1_000_000 };
    let mut given = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = given.next() {
        let mut value = || given.next().expect("a value follows");
        match word.as_str() {
            "--flights" => args.flights = fs::canonicalize(value()).unwrap(),
            "--rounds" => args.rounds = value().parse().unwrap(),
            "--events" => args.events = value().parse().unwrap(),
            _ => panic!("--flights FILE, --rounds N and --events N are known"),
        }
    }
    // Beside the program, so on a disk.
    let target = Path::new(env!("CARGO_BIN_EXE_annals")).parent().unwrap();
    let folder = tempfile::tempdir_in(target).unwrap();
    let mut bench = Bench { folder, rows: Vec::new() };
    println!("{} rounds; {}", args.rounds, args.flights.display());
    bench.flights(&args);
    bench.tagged(args.rounds);
    bench.many(args.events, args.rounds);
    bench.print();
}

/// A call of the program: how long it took, and the most memory that it had.
#[derive(Clone, Copy)]
struct Ran {
    took: Duration,
    memory: u64,
}

struct Row {
    what: String,
    value: String,
    goal: &'static str,
    is_met: bool,
}

struct Bench {
    folder: TempDir,
    rows: Vec<Row>,
}

impl Bench {
    fn run(&self, words: &[&str]) -> Ran {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_annals"))
            .current_dir(self.folder.path())
            .args(words)
            .args(["--quiet"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut memory = 0;
        // What it has had at the most is there until it is waited for; it is looked at rarely
        // enough not to disturb.
        let status = loop {
            memory = most_memory(child.id()).unwrap_or(memory);
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        assert!(status.success(), "{words:?}: {status}");
        Ran { took: began.elapsed(), memory }
    }

    fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.folder.path().join(name));
    }

    /// The whole log, again and again.
    fn flights(&mut self, args: &Args) {
        let flights = args.flights.to_str().unwrap();
        let calls: [(&str, Vec<&str>); 6] = [
            ("import", vec!["import", "a.annals", flights]),
            ("import --as-recorded", vec!["import", "b.annals", flights, "--as-recorded"]),
            ("export", vec!["export", "b.annals"]),
            ("verify", vec!["verify", "b.annals"]),
            ("verify --quick", vec!["verify", "b.annals", "--quick"]),
            ("report", vec!["report", "b.annals", "-o", "report.html"]),
        ];
        let mut ran: Vec<Vec<Ran>> = vec![Vec::new(); calls.len()];
        for _ in 0..args.rounds {
            for name in ["a.annals", "b.annals", "report.html"] {
                self.remove(name);
            }
            for ((_, words), ran) in calls.iter().zip(&mut ran) {
                ran.push(self.run(words));
            }
        }
        let store = annals::Store::open_read_only(self.folder.path().join("b.annals")).unwrap();
        let stats = store.stats().unwrap();
        let page = fs::metadata(self.folder.path().join("report.html")).unwrap().len();
        let checked = stats.log_bytes + stats.index.run_bytes;
        for ((name, _), ran) in calls.iter().zip(&ran) {
            let took = median(ran.iter().map(|ran| ran.took));
            let events = per_second(stats.events, took);
            let megabytes = per_second(checked, took) / 1_000_000;
            match *name {
                "import" => {
                    let memory = median(ran.iter().map(|ran| ran.memory)) / 1_000_000;
                    self.row(name, format!("{events} events/s"), "250,000", events >= 250_000);
                    self.row("import, memory", format!("{memory} MB"), "100 MB", memory <= 100);
                }
                "import --as-recorded" => self.row(name, format!("{events} events/s"), "", true),
                "export" => {
                    self.row(name, format!("{events} events/s"), "500,000", events >= 500_000)
                }
                "verify" => {
                    self.row(name, format!("{megabytes} MB/s"), "200 MB/s", megabytes >= 200)
                }
                "verify --quick" => {
                    self.row(name, format!("{megabytes} MB/s"), "1,000 MB/s", megabytes >= 1_000);
                }
                _ => {
                    let is_met = took <= Duration::from_secs(3) && page <= 1 << 20;
                    let value = format!("{} ms, {page} bytes", took.as_millis());
                    self.row(name, value, "3 s, 1 MB", is_met);
                }
            }
        }
    }

    /// A thousand events of a million, by their tag.
    fn tagged(&mut self, rounds: usize) {
        let path = self.folder.path().join("tagged.annals");
        let options = Options::new().durability(Durability::Buffered);
        let store = options.open(&path).unwrap();
        for block in 0..1_000_u64 {
            let events = (0..1_000).map(|nth| {
                let event = NewEvent::new("Noted", format!("{{\"nth\":{nth}}}"));
                event.tag(if nth == block { "rare".to_owned() } else { format!("tag:{nth}") })
            });
            store.append(format!("s-{}", block % 100), ExpectedVersion::Any, events).unwrap();
        }
        store.close().unwrap();
        let words = ["read", "tagged.annals", "--tag", "rare", "--json"];
        let took = median((0..rounds * 5).map(|_| self.run(&words).took));
        let value = format!("{} us", took.as_micros());
        self.row(
            "read --tag, 1,000 of 1,000,000",
            value,
            "20 ms",
            took <= Duration::from_millis(20),
        );
        fs::remove_file(path).unwrap();
    }

    /// The numbers of a large store.
    fn many(&mut self, number: u64, rounds: usize) {
        let path = self.folder.path().join("many.annals");
        let store = Options::new().durability(Durability::Buffered).open(&path).unwrap();
        let mut made = 0;
        while made < number {
            let events = (number - made).min(10_000);
            let mut commit = Commit::new();
            for nth in made..made + events {
                commit = commit.event(format!("s-{}", nth % 100_000), NewEvent::new("Noted", "{}"));
            }
            store.commit(commit).unwrap();
            made += events;
        }
        store.close().unwrap();
        let took =
            median((0..rounds * 5).map(|_| self.run(&["stats", "many.annals", "--json"]).took));
        let value = format!("{} us", took.as_micros());
        let what = format!("stats of {number} events");
        self.row(&what, value, "50 ms of 100,000,000", took <= Duration::from_millis(50));
    }

    fn row(&mut self, what: &str, value: String, goal: &'static str, is_met: bool) {
        self.rows.push(Row { what: what.to_owned(), value, goal, is_met });
    }

    fn print(&self) {
        for Row { what, value, goal, is_met } in &self.rows {
            let verdict = if *is_met { "" } else { "  MISSED" };
            println!("{what:<34} {value:>24}   goal {goal}{verdict}");
        }
    }
}

/// The most memory that a process has had, in bytes; nothing where that can't be asked.
fn most_memory(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1_024)
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn per_second(number: u64, took: Duration) -> u64 {
    u64::try_from(u128::from(number) * 1_000_000 / took.as_micros().max(1)).unwrap()
}

//! Annals beside the floor and beside the stores that a user would otherwise take.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod chart;
mod growth;
mod options;
mod peer;
mod peers;
mod process;
mod rows;
mod run;
mod small;
mod syncs;
mod table;
mod workload;

#[path = "../../../benches/support/mod.rs"]
mod support;

use run::Line;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use workload::Scale;

const HELP: &str = "\
annals-compare: Annals beside the floor, SQLite, redb, LMDB, fjall and tephra

    annals-compare run [OPTION...] FILE    measures in turns; a line of JSON each, then the table
        --peers A,B   only these          --only W1,W5  only these workloads
        --rounds N    3 unless told       --events N    in a loaded store: 1000000
        --streams N   10000 unless told
    annals-compare table FILE              the table of such a file, as Markdown
    annals-compare chart FILE SVG          its chart
    annals-compare names                   the stores and workloads there are

    annals-compare growth [OPTION...] FILE     what becomes of each number when a store grows
        --events A,B    sizes, with 10000 streams: 100000,1000000,10000000
        --streams A,B   streams, with 1000000 events: 1,100,10000,1000000
        --with-streams N, --with-events N      these instead
        --peers A,B     annals,floor unless told            --rounds N    1 unless told
      Appends to FILE what has no line there, so what was ended can be gone on with; then the table.
      Events are whole hundreds, a stream has one at least. A store is gone before the next is made.
    annals-compare growth-table FILE           the table of such a file
    annals-compare curves FILE SVG             its curves

    annals-compare small [OPTION...] FILE  a store larger than the memory (a cgroup, v2 or v1,
                                           without swap) that its process may use; every answer is
                                           compared. Beside it the same without a limit
        --memory MIB  64 unless told      --factor N    the store is so many times as large: 10
        --peers A,B   annals,floor unless told
    annals-compare small-table FILE        the table of such a file

    annals-compare syncs [OPTION...]       counts with strace which commits are synced, and by what
        --commits N   160 unless told     --peers A,B   only these

Each measurement has a process of its own; files lie beside the program, so build it on the disk
that counts. Exit code: 0 done, 1 something went wrong, or a store has not synced what it had to,
2 wrong use, 3 skipped: this system does not have what it takes.
Example: annals-compare run --peers floor,annals --only W1,W2 --rounds 9 results.jsonl
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    done(&words).unwrap_or_else(|| {
        eprint!("{HELP}");
        ExitCode::from(2)
    })
}

/// Does what the words say; nothing if they are wrong.
fn done(words: &[&str]) -> Option<ExitCode> {
    match words {
        ["help"] | [.., "--help" | "-h"] => print!("{HELP}"),
        ["measure", peer, workload, folder, events, streams, seed] => {
            let [events, streams, seed] = [events, streams, seed].map(|text| text.parse().unwrap());
            run::measure(peer, workload, Path::new(folder), Scale { events, streams }, seed);
        }
        ["run", options @ .., file] => run_to(&options::run(options)?, file),
        ["table", file] => print!("{}", table::table(&read(file))),
        ["chart", file, svg] => chart::draw(&read(file), Path::new(svg)),
        ["growth", options @ .., file] => grow_to(&options::growth(options)?, file),
        ["growth-table", file] => print!("{}", growth::table(&read(file))),
        ["curves", file, svg] => fs::write(svg, growth::curves(&read(file))).unwrap(),
        ["small", options @ .., file] => return Some(small_to(&options::small(options)?, file)),
        ["small-table", file] => print!("{}", small::table(&read(file))),
        ["syncs", options @ ..] => return Some(count_syncs(&options::syncs(options)?)),
        ["names"] => {
            println!("{}", peers::names().collect::<Vec<_>>().join(", "));
            println!("{}", run::workloads().collect::<Vec<_>>().join(", "));
        }
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

/// Measures, says how far it is, and prints the table.
fn run_to(plan: &run::Plan, file: &str) {
    let mut out = Lines::new(File::create(file).unwrap());
    plan.run(|line| out.measured(line));
    print!("{}", table::table(&out.lines));
}

/// The same, going on with what is in the file.
fn grow_to(plan: &growth::Plan, file: &str) {
    let mut out = Lines::new(File::options().create(true).append(true).open(file).unwrap());
    out.lines = read(file);
    let there = out.lines.clone();
    plan.run(&there, |line| out.measured(line));
    print!("{}", growth::table(&out.lines));
}

fn small_to(plan: &small::Plan, file: &str) -> ExitCode {
    let place = match small::place() {
        Ok(place) => place,
        Err(why) => return skipped(&why),
    };
    let mut out = Lines::new(File::create(file).unwrap());
    plan.run(&place, |line: small::Line| {
        let small::Line { peer, part, is_limited, ended, measures, .. } = &line;
        let limit = if *is_limited { ", limited" } else { "" };
        let ended = ended.as_deref().unwrap_or("well");
        out.say(&format!("{peer} {part}{limit}: {ended} {measures:.1?}"));
        out.keep(line);
    });
    print!("{}", small::table(&out.lines));
    ExitCode::SUCCESS
}

fn count_syncs(plan: &syncs::Plan) -> ExitCode {
    if let Some(why) = syncs::obstacle() {
        return skipped(&why);
    }
    let found = plan.run(|found| eprintln!("{} {}", found.peer, found.workload));
    print!("{}", syncs::table(&found));
    let faults: Vec<String> = found.iter().filter_map(syncs::fault).collect();
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn skipped(why: &str) -> ExitCode {
    eprintln!("skipped: {why}");
    ExitCode::from(3)
}

/// A file of results that is being written, and what is in it.
struct Lines<L> {
    out: File,
    lines: Vec<L>,
    start: Instant,
}

impl<L: Serialize> Lines<L> {
    fn new(out: File) -> Self {
        Self { out, lines: Vec::new(), start: Instant::now() }
    }

    fn say(&self, what: &str) {
        eprintln!("{:>5} s, {what}", self.start.elapsed().as_secs());
    }

    fn keep(&mut self, line: L) {
        let text = serde_json::to_string(&line).unwrap() + "\n";
        self.out.write_all(text.as_bytes()).unwrap();
        self.lines.push(line);
    }
}

impl Lines<Line> {
    fn measured(&mut self, line: Line) {
        let Line { round, peer, workload, events, streams, measures } = &line;
        let store = format!("{events} events, {streams} streams");
        self.say(&format!("round {}, {store}: {peer} {workload} {measures:.1?}", round + 1));
        self.keep(line);
    }
}

fn read<L: DeserializeOwned>(file: &str) -> Vec<L> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

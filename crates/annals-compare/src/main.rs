//! Annals beside the floor and beside the stores that a user would otherwise take.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod chart;
mod peer;
mod peers;
mod process;
mod rows;
mod run;
mod table;
mod workload;

#[path = "../../../benches/support/mod.rs"]
mod support;

use run::{Line, Plan};
use std::fs;
use std::io::{BufWriter, Write};
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

Each measurement has a process of its own; files lie beside the program, so build it on the disk
that counts. Exit code: 0 done, 1 something went wrong, 2 wrong use.
Example: annals-compare run --peers floor,annals --only W1,W2 --rounds 9 results.jsonl
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", peer, workload, folder, events, streams, seed] => {
            let [events, streams, seed] = [events, streams, seed].map(|text| text.parse().unwrap());
            run::measure(peer, workload, Path::new(folder), Scale { events, streams }, seed);
        }
        ["run", options @ .., file] => match plan(options) {
            Some(plan) => run_to(&plan, file),
            None => return wrong_use(),
        },
        ["table", file] => print!("{}", table::table(&read(file))),
        ["chart", file, svg] => chart::draw(&read(file), Path::new(svg)),
        ["names"] => {
            println!("{}", peers::names().collect::<Vec<_>>().join(", "));
            println!("{}", run::workloads().collect::<Vec<_>>().join(", "));
        }
        ["help" | "--help" | "-h"] => print!("{HELP}"),
        _ => return wrong_use(),
    }
    ExitCode::SUCCESS
}

fn wrong_use() -> ExitCode {
    eprint!("{HELP}");
    ExitCode::from(2)
}

fn plan(options: &[&str]) -> Option<Plan> {
    let mut plan = Plan {
        peers: peers::names().map(str::to_owned).collect(),
        only: Vec::new(),
        rounds: 3,
        scale: Scale { events: 1_000_000, streams: support::STREAMS },
    };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let (pairs, rest) = options.as_chunks::<2>();
    for [option, value] in pairs {
        match *option {
            "--peers" => plan.peers = list(value),
            "--only" => plan.only = list(value),
            "--rounds" => plan.rounds = value.parse().ok()?,
            "--events" => plan.scale.events = value.parse().ok()?,
            "--streams" => plan.scale.streams = value.parse().ok()?,
            _ => return None,
        }
    }
    let are_there = plan.peers.iter().all(|name| peers::find(name).is_some())
        && plan.only.iter().all(|name| run::workloads().any(|found| found == name));
    (rest.is_empty() && are_there).then_some(plan)
}

/// Measures, says how far it is, and prints the table.
fn run_to(plan: &Plan, file: &str) {
    let mut out = BufWriter::new(fs::File::create(file).unwrap());
    let mut lines = Vec::new();
    let start = Instant::now();
    plan.run(|line| {
        let Line { round, peer, workload, measures, .. } = &line;
        let seconds = start.elapsed().as_secs();
        eprintln!("{seconds:>5} s, round {}: {peer} {workload} {measures:.1?}", round + 1);
        writeln!(out, "{}", serde_json::to_string(&line).unwrap()).unwrap();
        out.flush().unwrap();
        lines.push(line);
    });
    print!("{}", table::table(&lines));
}

fn read(file: &str) -> Vec<Line> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

//! Measures stores in turns, each measurement in a process of its own.

use crate::peers;
use crate::process;
use crate::support;
use crate::workload::{Measures, Scale};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What is to be measured.
pub struct Plan {
    pub peers: Vec<String>,
    /// Workloads; all if there are none.
    pub only: Vec<String>,
    pub rounds: u64,
    pub scale: Scale,
}

/// A measurement, a line of the file of results.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    pub round: u64,
    pub peer: String,
    pub workload: String,
    pub events: u64,
    pub streams: u64,
    pub measures: Measures,
}

/// Those that begin with a new store.
const FRESH: [&str; 10] = ["W1", "W1d", "W2", "W2d", "W3lean", "W3b", "W4", "W4d", "W9", "W9s"];
/// Those that go on with what W3 has loaded, in this order: the last two write to it.
const LOADED: [&str; 11] = ["W5", "W6", "W7", "W8", "C5", "C6", "C7", "C8", "C9", "W8k", "W10"];
/// Room reserved, or not: only these two know a difference.
const BOTH_WAYS: [&str; 3] = ["W1d", "W2d", "W4d"];
/// What announcing is for.
const ANNOUNCED: [&str; 2] = ["C6", "C9"];

/// The names of all workloads.
pub fn workloads() -> impl Iterator<Item = &'static str> {
    FRESH.into_iter().chain(["W3"]).chain(LOADED)
}

impl Plan {
    fn wants(&self, peer: &str, workload: &str) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|name| name == workload);
        is_named
            && match peer {
                "annals" | "floor" => true,
                "floor, announced" => ANNOUNCED.contains(&workload),
                _ => !BOTH_WAYS.contains(&workload),
            }
    }

    /// Measures everything, and hands out each line when it is there.
    pub fn run(&self, mut each: impl FnMut(Line)) {
        for round in 0..self.rounds {
            let mut peers: Vec<&String> = self.peers.iter().collect();
            // Who comes first changes from round to round.
            let count = peers.len();
            peers.rotate_left(round as usize % count);
            for workload in FRESH {
                for peer in &peers {
                    if self.wants(peer, workload) {
                        let folder = support::folder();
                        each(self.one(peer, workload, folder.path(), round));
                    }
                }
            }
            for peer in &peers {
                self.loaded(peer, round, &mut each);
            }
        }
    }

    /// What is measured of a store that was loaded.
    fn loaded(&self, peer: &str, round: u64, each: &mut impl FnMut(Line)) {
        let wanted: Vec<&str> =
            LOADED.into_iter().filter(|workload| self.wants(peer, workload)).collect();
        if wanted.is_empty() && !self.wants(peer, "W3") {
            return;
        }
        let folder = support::folder();
        each(self.one(peer, "W3", folder.path(), round));
        for workload in wanted {
            if workload.starts_with('C') {
                process::drop_cache(folder.path());
            }
            if workload == "W8k" {
                self.kill_a_writer(peer, folder.path(), round);
            }
            each(self.one(peer, workload, folder.path(), round));
        }
    }

    /// One measurement, in a process of its own.
    fn one(&self, peer: &str, workload: &str, folder: &Path, round: u64) -> Line {
        let child = self.child(peer, workload, folder, round);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{peer} {workload} ended with {}", output.status);
        let said = String::from_utf8(output.stdout).unwrap();
        let measures = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        let Scale { events, streams } = self.scale;
        let (peer, workload) = (peer.to_owned(), workload.to_owned());
        Line { round, peer, workload, events, streams, measures }
    }

    /// A process that writes, killed while it does.
    fn kill_a_writer(&self, peer: &str, folder: &Path, round: u64) {
        let mut child = self.child(peer, "write", folder, round);
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "{peer}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn child(&self, peer: &str, workload: &str, folder: &Path, round: u64) -> Child {
        let Scale { events, streams } = self.scale;
        let numbers = [events, streams, round + 1].map(|number| number.to_string());
        Command::new(std::env::current_exe().unwrap())
            .args(["measure", peer, workload])
            .arg(folder)
            .args(numbers)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// The measuring process: runs one workload, and prints what it came to.
pub fn measure(peer: &str, workload: &str, folder: &Path, scale: Scale, seed: u64) {
    let run = peers::find(peer).unwrap();
    let measures = run(workload, folder, scale, seed);
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&measures).unwrap()).unwrap();
}

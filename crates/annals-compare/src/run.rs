//! Measures stores in turns, each measurement in a process of its own.

use crate::peers;
use crate::process;
use crate::support;
use crate::workload::{Measures, Scale};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
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
                        each(self.one(peer, workload, folder.path(), round).line());
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
        each(self.one(peer, "W3", folder.path(), round).line());
        for workload in wanted {
            if workload.starts_with('C') {
                process::drop_cache(folder.path());
            }
            if workload == "W8k" {
                self.one(peer, workload, folder.path(), round).kill_a_writer();
            }
            each(self.one(peer, workload, folder.path(), round).line());
        }
    }

    fn one<'a>(&self, peer: &'a str, workload: &'a str, folder: &'a Path, round: u64) -> One<'a> {
        One { peer, workload, folder, scale: self.scale, round }
    }
}

/// One measurement: a workload of a store, in a process of its own.
#[derive(Clone, Copy)]
pub struct One<'a> {
    pub peer: &'a str,
    pub workload: &'a str,
    pub folder: &'a Path,
    pub scale: Scale,
    pub round: u64,
}

impl One<'_> {
    /// The line of its results.
    pub fn line(&self) -> Line {
        let (One { peer, workload, round, .. }, Scale { events, streams }) = (*self, self.scale);
        let output = self.child().wait_with_output().unwrap();
        assert!(output.status.success(), "{peer} {workload} ended with {}", output.status);
        let measures = results(&output.stdout);
        let (peer, workload) = (peer.to_owned(), workload.to_owned());
        Line { round, peer, workload, events, streams, measures }
    }

    /// A process that writes, killed while it does.
    pub fn kill_a_writer(&self) {
        let mut child = One { workload: "write", ..*self }.child();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "{}", self.peer);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The program and its arguments.
    pub fn command_line(&self) -> Vec<OsString> {
        let Scale { events, streams } = self.scale;
        let numbers = [events, streams, self.round + 1].map(|number| number.to_string());
        let words = ["measure", self.peer, self.workload].map(OsString::from);
        [std::env::current_exe().unwrap().into()]
            .into_iter()
            .chain(words)
            .chain([self.folder.into()])
            .chain(numbers.map(OsString::from))
            .collect()
    }

    fn child(&self) -> Child {
        let words = self.command_line();
        Command::new(&words[0]).args(&words[1..]).stdout(Stdio::piped()).spawn().unwrap()
    }
}

/// What a measuring process has printed last.
pub fn results(said: &[u8]) -> Measures {
    let said = std::str::from_utf8(said).unwrap();
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

/// The measuring process: runs one workload, and prints what it came to.
pub fn measure(peer: &str, workload: &str, folder: &Path, scale: Scale, seed: u64) {
    let run = peers::find(peer).unwrap();
    let measures = run(workload, folder, scale, seed);
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&measures).unwrap()).unwrap();
}

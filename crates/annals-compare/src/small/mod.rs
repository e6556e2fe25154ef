//! A store that is larger than the memory there is for it: whether everything goes on, and how
//! fast, beside the same with all the memory of the machine.

mod cgroup;
mod table;

use crate::process;
use crate::run::{One, results};
use crate::support;
use crate::workload::checked::{DECISIONS, PARTS};
use crate::workload::{Measures, Scale};
use cgroup::{Group, Place};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use cgroup::place;
pub use table::table;

/// A process that takes longer is killed: it does nothing but read the same pages again.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is to be tried.
pub struct Plan {
    pub peers: Vec<String>,
    /// MiB that a process may use.
    pub memory: u64,
    /// How many times as large the store is.
    pub factor: u64,
}

/// What became of a part.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    pub peer: String,
    pub part: String,
    pub memory: u64,
    pub factor: u64,
    /// Whether the process had no more than this memory.
    pub is_limited: bool,
    /// What it ended with, if not well.
    pub ended: Option<String>,
    pub measures: Measures,
}

/// A store that was made.
struct Made {
    folder: tempfile::TempDir,
    events: u64,
}

impl Plan {
    /// Tries everything, and hands out each line when it is there.
    pub fn run(&self, place: &Place, mut each: impl FnMut(Line)) {
        for peer in &self.peers {
            let (mut free, mut limited) = (None, None);
            for part in PARTS {
                self.one(peer, part, None, &mut free, &mut each);
            }
            self.one(peer, PARTS[0], Some(place), &mut limited, &mut each);
            // Who has no room to make the store may have enough to read it.
            let made = if limited.is_some() { &mut limited } else { &mut free };
            for part in &PARTS[1..] {
                self.one(peer, part, Some(place), made, &mut each);
            }
        }
    }

    /// One part. The first makes the store, if it ends well; without it the others are left out.
    fn one(
        &self,
        peer: &str,
        part: &str,
        place: Option<&Place>,
        made: &mut Option<Made>,
        each: &mut impl FnMut(Line),
    ) {
        let is_first = part == PARTS[0];
        let bytes = self.memory * self.factor * (1 << 20);
        let mut store = match made.take() {
            None if is_first => Made { folder: support::folder(), events: bytes },
            None => return,
            Some(made) => made,
        };
        let scale = Scale { events: store.events, streams: support::STREAMS };
        let workload = format!("small-{part}");
        let folder = store.folder.path();
        let one = One { peer, workload: &workload, folder, scale, round: 0 };
        let (measures, ended) = match self.ended(&one, place) {
            Ok(measures) => (measures, None),
            Err(ended) => (Measures::new(), Some(ended)),
        };
        if is_first {
            store.events = measures.get("events").map_or(0, |events| *events as u64);
        } else if part == "decide" && ended.is_none() {
            store.events += DECISIONS;
        }
        if store.events > 0 {
            *made = Some(store);
        }
        let (peer, part) = (peer.to_owned(), part.to_owned());
        let (Self { memory, factor, .. }, is_limited) = (self, place.is_some());
        let (memory, factor) = (*memory, *factor);
        each(Line { peer, part, memory, factor, is_limited, ended, measures });
    }

    fn ended(&self, one: &One, place: Option<&Place>) -> Result<Measures, String> {
        let Some(place) = place else { return ended(one, None) };
        // What is in the cache already is nobody's memory, and would be read for nothing.
        process::drop_cache(one.folder);
        let group = Group::new(place, self.memory << 20)?;
        let mut measures = ended(one, Some(&group))?;
        measures.insert("reclaims".to_owned(), group.reclaims() as f64);
        Ok(measures)
    }
}

/// Runs a process, in a group if there is one; returns what it has measured, or how it ended.
fn ended(one: &One, group: Option<&Group>) -> Result<Measures, String> {
    let mut command = match group {
        None => Command::new("env"),
        Some(group) => {
            let mut command = Command::new("sh");
            command.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(group.members());
            command
        }
    };
    let mut child = command.args(one.command_line()).stdout(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("not over after {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut said = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    let kills = group.map_or(0, Group::kills);
    match (status.success(), status.signal()) {
        (true, _) => Ok(results(&said)),
        (_, Some(_)) if kills > 0 => Err("killed: no memory".to_owned()),
        (_, Some(signal)) => Err(format!("killed by signal {signal}")),
        _ => Err(format!("failed: {status}")),
    }
}

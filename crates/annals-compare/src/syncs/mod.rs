//! Who syncs what: the system calls of each store's commits, counted by `strace`.

mod table;
mod trace;

use crate::run::One;
use crate::support;
use crate::workload::Scale;
use std::fs;
use std::process::{Command, Stdio};
use trace::Counts;

/// The workloads, and how many events one of their commits has.
const WORKLOADS: [(&str, u64); 4] = [("W1", 1), ("W2", 1), ("W3", 100), ("W4", 100)];
/// With fewer commits, one sync each would be no more than a handful.
pub const LEAST: u64 = 64;
/// Syncs of commits that nobody asks to be synced (redb's each time that its file doubles); and
/// those for each time that room is taken in the file, for what is in it and for what leads to it.
const HANDFUL: u64 = 16;
const FOR_ROOM: u64 = 2;
/// Syncs every commit, asked or not.
const ALWAYS_SYNCS: [&str; 1] = ["tephra"];

/// What is to be counted.
pub struct Plan {
    pub peers: Vec<String>,
    pub commits: u64,
}

/// What was counted of a store.
pub struct Found {
    pub peer: String,
    pub workload: &'static str,
    pub counts: Counts,
}

/// Why nothing can be counted, if so.
pub fn obstacle() -> Option<String> {
    let status = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("strace ended with {status}")),
        Err(error) => Some(format!("strace isn't there: {error}")),
    }
}

impl Plan {
    /// Counts everything, and hands out each when it is there.
    pub fn run(&self, mut each: impl FnMut(&Found)) -> Vec<Found> {
        let mut all = Vec::new();
        for peer in &self.peers {
            for (workload, of_commit) in WORKLOADS {
                let scale = Scale { events: self.commits * of_commit, streams: support::STREAMS };
                let found =
                    Found { peer: peer.clone(), workload, counts: traced(peer, workload, scale) };
                each(&found);
                all.push(found);
            }
        }
        all
    }
}

fn traced(peer: &str, workload: &str, scale: Scale) -> Counts {
    let folder = support::folder();
    let trace = folder.path().join("trace");
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let workload = format!("marked-{workload}");
    let one = One { peer, workload: &workload, folder: &store, scale, round: 0 };
    let mut command = Command::new("strace");
    command.args(["-f", "-e", &format!("trace={}", trace::TRACED), "-o"]).arg(&trace);
    let status = command.args(one.command_line()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{peer} {workload} ended with {status}");
    trace::counts(&fs::read_to_string(&trace).unwrap())
}

/// What is wrong with it, if anything is: a commit that was acknowledged and not synced, or syncs
/// that nobody has asked for.
pub fn fault(found: &Found) -> Option<String> {
    let Found { peer, workload, counts } = found;
    let Counts { commits, bare, .. } = counts;
    let syncs = counts.syncs();
    let wrong = match *workload {
        _ if *commits == 0 => "there were no commits".to_owned(),
        _ if syncs == 0 => "nothing was synced".to_owned(),
        "W3" if ALWAYS_SYNCS.contains(&peer.as_str()) => return None,
        "W3" if syncs <= HANDFUL + FOR_ROOM * counts.rooms => return None,
        "W3" => format!("{syncs} syncs where one at the end was asked for"),
        _ if *bare > 0 => format!("{bare} of {commits} commits were acknowledged without a sync"),
        "W1" | "W4" if syncs < *commits => format!("{syncs} syncs for {commits} commits"),
        _ => return None,
    };
    Some(format!("{peer} {workload}: {wrong}"))
}

pub use table::table;

#[cfg(test)]
mod tests {
    use super::{Counts, Found, fault};

    fn found(peer: &str, workload: &'static str, commits: u64, syncs: u64, bare: u64) -> Found {
        let calls = [("fdatasync".to_owned(), syncs)].into();
        let counts = Counts { commits, calls, writes: 0, rooms: 40, bare };
        Found { peer: peer.to_owned(), workload, counts }
    }

    #[test]
    fn who_does_not_sync_what_it_acknowledges_is_found() {
        let is_wrong = |peer, workload, commits, syncs, bare| {
            fault(&found(peer, workload, commits, syncs, bare)).is_some()
        };
        assert!(!is_wrong("annals", "W1", 100, 101, 0));
        assert!(is_wrong("annals", "W1", 100, 99, 0));
        assert!(is_wrong("annals", "W1", 100, 101, 1));
        assert!(!is_wrong("annals", "W2", 100, 7, 0));
        assert!(is_wrong("annals", "W2", 100, 0, 0));
        assert!(is_wrong("annals", "W2", 100, 7, 1));
        assert!(is_wrong("annals", "W4", 100, 99, 0));
        assert!(is_wrong("annals", "W4", 0, 0, 0));
        assert!(is_wrong("annals", "W3", 100, 0, 100));
        assert!(!is_wrong("annals", "W3", 100, 1, 99));
        assert!(!is_wrong("annals", "W3", 100, 81, 99));
        assert!(is_wrong("annals", "W3", 100, 181, 0));
        assert!(!is_wrong("tephra", "W3", 100, 181, 0));
    }
}

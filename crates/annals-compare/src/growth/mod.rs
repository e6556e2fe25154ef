//! What becomes of each number when a store grows: in events, and in streams.

mod axis;
mod curves;
mod rows;
mod table;

use crate::run::{Line, One};
use crate::support;
use crate::workload::Scale;

pub use curves::curves;
pub use table::table;

/// What is measured of a store that was loaded (by W3), in this order: the last three write to it.
const LOADED: [&str; 8] = ["W5", "W6g", "W7", "W8", "tag", "W1g", "W9g", "W8k"];

/// What is to be measured.
pub struct Plan {
    pub peers: Vec<String>,
    /// Sizes of stores with `with_streams` streams.
    pub events: Vec<u64>,
    /// Streams of stores with `with_events` events.
    pub streams: Vec<u64>,
    pub with_streams: u64,
    pub with_events: u64,
    pub rounds: u64,
}

impl Plan {
    /// Whether there can be such stores: they are loaded in batches of 100, and every stream is to
    /// have an event.
    pub fn is_possible(&self) -> bool {
        self.scales().iter().all(|it| it.events % 100 == 0 && (1..=it.events).contains(&it.streams))
    }

    /// The stores, each once.
    fn scales(&self) -> Vec<Scale> {
        let sizes = self.events.iter().map(|events| (*events, self.with_streams));
        let widths = self.streams.iter().map(|streams| (self.with_events, *streams));
        let mut all = Vec::new();
        for found in sizes.chain(widths) {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        all.into_iter().map(|(events, streams)| Scale { events, streams }).collect()
    }

    /// Measures what there is no line of yet, and hands out each line when it is there.
    pub fn run(&self, there: &[Line], mut each: impl FnMut(Line)) {
        for scale in self.scales() {
            for round in 0..self.rounds {
                for peer in &self.peers {
                    let missing = missing(there, peer, scale, round);
                    if !missing.is_empty() {
                        load_and_measure(peer, scale, round, &missing, &mut each);
                    }
                }
            }
        }
    }
}

/// The workloads of which there is no line.
fn missing(there: &[Line], peer: &str, scale: Scale, round: u64) -> Vec<&'static str> {
    let is_there = |workload: &&str| {
        there.iter().any(|line| {
            (line.peer.as_str(), line.workload.as_str()) == (peer, workload)
                && (line.events, line.streams, line.round) == (scale.events, scale.streams, round)
        })
    };
    ["W3"].into_iter().chain(LOADED).filter(|workload| !is_there(workload)).collect()
}

/// Loads a store and measures what is missing; then the store is gone.
fn load_and_measure(
    peer: &str,
    scale: Scale,
    round: u64,
    missing: &[&'static str],
    each: &mut impl FnMut(Line),
) {
    let folder = support::folder();
    let one = |workload| One { peer, workload, folder: folder.path(), scale, round };
    let loaded = one("W3").line();
    if missing.contains(&"W3") {
        each(loaded);
    }
    for workload in missing.iter().filter(|workload| **workload != "W3") {
        if *workload == "W8k" {
            one(workload).kill_a_writer();
        }
        each(one(workload).line());
    }
}

#[cfg(test)]
mod tests {
    use super::{LOADED, Line, Plan, Scale, missing};
    use crate::workload::Measures;

    fn plan(events: &[u64], streams: &[u64]) -> Plan {
        let (events, streams) = (events.to_vec(), streams.to_vec());
        let peers = vec!["annals".to_owned()];
        Plan { peers, events, streams, with_streams: 100, with_events: 1_000, rounds: 1 }
    }

    #[test]
    fn a_store_that_is_of_both_kinds_is_made_once() {
        let scales = plan(&[100, 1_000], &[1, 100, 1_000]).scales();
        let pairs: Vec<_> = scales.iter().map(|scale| (scale.events, scale.streams)).collect();
        assert_eq!(pairs, [(100, 100), (1_000, 100), (1_000, 1), (1_000, 1_000)]);
    }

    #[test]
    fn a_store_without_events_for_each_stream_is_refused() {
        assert!(plan(&[100], &[1_000]).is_possible());
        assert!(!plan(&[100], &[2_000]).is_possible());
        assert!(!plan(&[100], &[0]).is_possible());
        assert!(!plan(&[150], &[1]).is_possible());
    }

    #[test]
    fn what_there_is_a_line_of_is_not_measured_again() {
        let scale = Scale { events: 1_000, streams: 100 };
        let line = |workload: &str, round| Line {
            round,
            peer: "annals".to_owned(),
            workload: workload.to_owned(),
            events: 1_000,
            streams: 100,
            measures: Measures::new(),
        };
        let there = [line("W3", 0), line("W5", 0), line("W7", 1)];
        let left = missing(&there, "annals", scale, 0);
        assert_eq!(left, LOADED.into_iter().filter(|name| *name != "W5").collect::<Vec<_>>());
        assert_eq!(missing(&there, "floor", scale, 0).len(), LOADED.len() + 1);
    }
}

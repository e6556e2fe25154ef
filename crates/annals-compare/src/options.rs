//! What the command line asks for; nothing where it asks for what there is not.

use crate::workload::Scale;
use crate::{growth, peers, run, small, support, syncs};

/// Options and their values, or nothing if one has none.
fn pairs<'a>(options: &'a [&'a str]) -> Option<&'a [[&'a str; 2]]> {
    let (pairs, rest) = options.as_chunks::<2>();
    rest.is_empty().then_some(pairs)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|number| number.parse().ok()).collect()
}

fn are_there(names: &[String]) -> bool {
    names.iter().all(|name| peers::find(name).is_some())
}

fn all_peers() -> Vec<String> {
    peers::names().map(str::to_owned).collect()
}

pub fn run(options: &[&str]) -> Option<run::Plan> {
    let scale = Scale { events: 1_000_000, streams: support::STREAMS };
    let mut plan = run::Plan { peers: all_peers(), only: Vec::new(), rounds: 3, scale };
    for [option, value] in pairs(options)? {
        match *option {
            "--peers" => plan.peers = list(value),
            "--only" => plan.only = list(value),
            "--rounds" => plan.rounds = value.parse().ok()?,
            "--events" => plan.scale.events = value.parse().ok()?,
            "--streams" => plan.scale.streams = value.parse().ok()?,
            _ => return None,
        }
    }
    let are_workloads = plan.only.iter().all(|name| run::workloads().any(|found| found == name));
    (are_there(&plan.peers) && are_workloads).then_some(plan)
}

pub fn growth(options: &[&str]) -> Option<growth::Plan> {
    let mut plan = growth::Plan {
        peers: list("annals,floor"),
        events: vec![100_000, 1_000_000, 10_000_000],
        streams: vec![1, 100, 10_000, 1_000_000],
        with_streams: support::STREAMS,
        with_events: 1_000_000,
        rounds: 1,
    };
    for [option, value] in pairs(options)? {
        match *option {
            "--peers" => plan.peers = list(value),
            "--events" => plan.events = numbers(value)?,
            "--streams" => plan.streams = numbers(value)?,
            "--with-streams" => plan.with_streams = value.parse().ok()?,
            "--with-events" => plan.with_events = value.parse().ok()?,
            "--rounds" => plan.rounds = value.parse().ok()?,
            _ => return None,
        }
    }
    (are_there(&plan.peers) && plan.is_possible()).then_some(plan)
}

pub fn small(options: &[&str]) -> Option<small::Plan> {
    let mut plan = small::Plan { peers: list("annals,floor"), memory: 64, factor: 10 };
    for [option, value] in pairs(options)? {
        match *option {
            "--peers" => plan.peers = list(value),
            "--memory" => plan.memory = value.parse().ok()?,
            "--factor" => plan.factor = value.parse().ok()?,
            _ => return None,
        }
    }
    let is_possible = plan.memory > 0 && plan.factor > 0;
    (are_there(&plan.peers) && is_possible).then_some(plan)
}

pub fn syncs(options: &[&str]) -> Option<syncs::Plan> {
    let mut plan = syncs::Plan { peers: all_peers(), commits: 160 };
    plan.peers.retain(|name| name != "floor, announced");
    for [option, value] in pairs(options)? {
        match *option {
            "--peers" => plan.peers = list(value),
            "--commits" => plan.commits = value.parse().ok()?,
            _ => return None,
        }
    }
    (are_there(&plan.peers) && plan.commits >= syncs::LEAST).then_some(plan)
}

#[cfg(test)]
mod tests {
    use super::{growth, run, small, syncs};

    #[test]
    fn what_is_not_said_has_a_value() {
        assert_eq!(run(&[]).unwrap().rounds, 3);
        assert_eq!(growth(&[]).unwrap().events, [100_000, 1_000_000, 10_000_000]);
        assert_eq!(growth(&[]).unwrap().peers, ["annals", "floor"]);
        assert_eq!((small(&[]).unwrap().memory, small(&[]).unwrap().factor), (64, 10));
        assert!(!syncs(&[]).unwrap().peers.contains(&"floor, announced".to_owned()));
    }

    #[test]
    fn lists_and_numbers_are_taken() {
        let plan = growth(&["--events", "1000,2000", "--streams", "1", "--with-streams", "10"]);
        let plan = plan.unwrap();
        assert_eq!(
            (plan.events, plan.streams, plan.with_streams),
            (vec![1_000, 2_000], vec![1], 10)
        );
        assert_eq!(small(&["--memory", "32", "--peers", "annals"]).unwrap().memory, 32);
        assert_eq!(syncs(&["--commits", "64"]).unwrap().commits, 64);
        assert_eq!(run(&["--only", "W1,W5"]).unwrap().only, ["W1", "W5"]);
    }

    #[test]
    fn what_there_is_not_is_wrong_use() {
        assert!(run(&["--only", "W0"]).is_none());
        assert!(run(&["--rounds"]).is_none());
        assert!(growth(&["--events", "1000,x"]).is_none());
        assert!(growth(&["--streams", "10000000"]).is_none());
        assert!(growth(&["--peers", "oracle"]).is_none());
        assert!(small(&["--factor", "0"]).is_none());
        assert!(syncs(&["--commits", "1"]).is_none());
        assert!(syncs(&["--events", "1"]).is_none());
    }
}

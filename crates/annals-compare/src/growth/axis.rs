//! What the results are a function of.

use super::rows::Row;
use crate::run::Line;
use crate::support::Spread;
use std::collections::{BTreeMap, BTreeSet};

/// How much more a cost may grow than the logarithm does. Two runs on a shared machine differ by a
/// fifth.
pub const TOLERANCE: f64 = 1.25;

/// What grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Axis {
    Events,
    Streams,
}

impl Axis {
    pub const BOTH: [Self; 2] = [Self::Events, Self::Streams];

    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Streams => "streams",
        }
    }

    /// What grows, and what does not.
    fn of(self, line: &Line) -> (u64, u64) {
        match self {
            Self::Events => (line.events, line.streams),
            Self::Streams => (line.streams, line.events),
        }
    }

    /// Of the lines those where only this grows, and what the other one is: where that has most
    /// values. Nothing if it grows nowhere.
    pub fn lines(self, all: &[Line]) -> Option<(u64, Vec<&Line>)> {
        let mut values: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for line in all {
            let (growing, fixed) = self.of(line);
            values.entry(fixed).or_default().insert(growing);
        }
        let most = values.values().map(BTreeSet::len).max().filter(|most| *most > 1)?;
        let (fixed, _) = values.into_iter().find(|(_, growing)| growing.len() == most)?;
        Some((fixed, all.iter().filter(|line| self.of(line).1 == fixed).collect()))
    }

    /// The sizes there are.
    pub fn sizes(self, lines: &[&Line]) -> Vec<u64> {
        let sizes: BTreeSet<u64> = lines.iter().map(|line| self.of(line).0).collect();
        sizes.into_iter().collect()
    }

    /// The medians of a store in a row, by size.
    pub fn medians(self, lines: &[&Line], row: &Row, peer: &str) -> BTreeMap<u64, f64> {
        let mut found: BTreeMap<u64, Spread> = BTreeMap::new();
        for line in lines {
            let of_row = (line.peer == peer && line.workload == row.workload)
                .then(|| line.measures.get(row.measure));
            if let Some(number) = of_row.flatten() {
                found.entry(self.of(line).0).or_default().push(*number);
            }
        }
        found.into_iter().map(|(size, spread)| (size, spread.median())).collect()
    }
}

/// From the smallest size to the largest.
pub struct Growth {
    /// How many times as much it costs.
    pub factor: f64,
    /// How many times as large the logarithm is.
    pub logarithm: f64,
}

impl Growth {
    pub fn of(medians: &BTreeMap<u64, f64>, row: &Row) -> Option<Self> {
        let (small, first) = medians.first_key_value()?;
        let (large, last) = medians.last_key_value().filter(|(large, _)| *large > small)?;
        let factor = if row.is_rate { first / last } else { last / first };
        Some(Self { factor, logarithm: logarithm(*large) / logarithm(*small) })
    }

    /// Whether it grows no faster than the logarithm.
    pub fn is_within(&self) -> bool {
        self.factor <= self.logarithm * TOLERANCE
    }
}

/// Less counts as that: of 1 there is none that could grow.
pub const LEAST: u64 = 100;

pub fn logarithm(size: u64) -> f64 {
    (size.max(LEAST) as f64).ln()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A line of a workload with one measure.
    pub fn line(peer: &str, (events, streams): (u64, u64), measured: (&str, &str, f64)) -> Line {
        let (workload, measure, number) = measured;
        Line {
            round: 0,
            peer: peer.to_owned(),
            workload: workload.to_owned(),
            events,
            streams,
            measures: [(measure.to_owned(), number)].into(),
        }
    }

    #[test]
    fn an_axis_is_where_most_sizes_are() {
        let at = |events, streams| line("annals", (events, streams), ("W5", "rate", 1.0));
        let all = [at(100, 10), at(1_000, 10), at(10_000, 10), at(1_000, 1), at(1_000, 100)];
        let (streams, lines) = Axis::Events.lines(&all).unwrap();
        assert_eq!((streams, Axis::Events.sizes(&lines)), (10, vec![100, 1_000, 10_000]));
        let (events, lines) = Axis::Streams.lines(&all).unwrap();
        assert_eq!((events, Axis::Streams.sizes(&lines)), (1_000, vec![1, 10, 100]));
        assert!(Axis::Streams.lines(&all[..3]).is_none());
    }

    #[test]
    fn a_cost_may_grow_as_the_logarithm_does() {
        let rate = Row { name: "", workload: "", measure: "", what: "", is_rate: true };
        let cost = Row { is_rate: false, ..rate };
        let of = |small, large, row| Growth::of(&[(1_000, small), (1_000_000, large)].into(), row);
        let growth = of(100.0, 50.0, &rate).unwrap();
        assert!((growth.factor - 2.0).abs() < 1e-9 && (growth.logarithm - 2.0).abs() < 1e-9);
        assert!(growth.is_within());
        assert!(!of(100.0, 39.0, &rate).unwrap().is_within());
        assert!(of(100.0, 249.0, &cost).unwrap().is_within());
        assert!(!of(100.0, 251.0, &cost).unwrap().is_within());
        assert!(of(100.0, 10.0, &cost).unwrap().is_within());
        assert!(Growth::of(&[(1_000, 1.0)].into(), &cost).is_none());
        let streams = Growth::of(&[(1, 1.0), (1_000_000, 1.0)].into(), &cost).unwrap();
        assert!((streams.logarithm - 3.0).abs() < 1e-9);
    }

    #[test]
    fn several_rounds_come_to_their_median() {
        let of = |number| line("annals", (100, 10), ("W5", "rate", number));
        let all = [of(1.0), of(5.0), of(2.0), line("floor", (100, 10), ("W5", "rate", 9.0))];
        let row = Row { name: "", workload: "W5", measure: "rate", what: "", is_rate: true };
        let lines: Vec<_> = all.iter().collect();
        assert_eq!(Axis::Events.medians(&lines, &row, "annals"), [(100, 2.0)].into());
    }
}

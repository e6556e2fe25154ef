//! The rows of the table: what is measured, and what it is to come to.

use crate::support::grouped;
use std::fmt;

/// What a number has to be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least so much of the floor's.
    OfFloor(f64),
    /// At most so many times the floor's.
    TimesFloor(f64),
    AtLeast(f64),
    AtMost(f64),
    /// It is shown, and has no goal.
    None,
}

/// A row of the table.
pub struct Row {
    /// Its short name, as the command line takes it.
    pub name: &'static str,
    pub workload: &'static str,
    /// Which of the workload's numbers.
    pub measure: &'static str,
    pub what: &'static str,
    pub goal: Goal,
}

impl Goal {
    /// Whether more is better.
    pub fn is_rate(self) -> bool {
        matches!(self, Self::OfFloor(_) | Self::AtLeast(_))
    }

    /// Whether it is a ratio to the floor.
    pub fn is_of_floor(self) -> bool {
        matches!(self, Self::OfFloor(_) | Self::TimesFloor(_))
    }

    /// Whether these medians meet it, if it is one.
    pub fn is_met(self, annals: f64, floor: f64) -> Option<bool> {
        match self {
            Self::OfFloor(part) => Some(annals >= part * floor),
            Self::TimesFloor(times) => Some(annals <= times * floor),
            Self::AtLeast(least) => Some(annals >= least),
            Self::AtMost(most) => Some(annals <= most),
            Self::None => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfFloor(part) => write!(formatter, ">= {part} of the floor"),
            Self::TimesFloor(times) => write!(formatter, "<= {times} times the floor"),
            Self::AtLeast(least) => write!(formatter, ">= {}", grouped(*least, 0)),
            Self::AtMost(most) => write!(formatter, "<= {}", grouped(*most, 1)),
            Self::None => Ok(()),
        }
    }
}

const fn row(
    name: &'static str,
    (workload, measure): (&'static str, &'static str),
    what: &'static str,
    goal: Goal,
) -> Row {
    Row { name, workload, measure, what, goal }
}

pub const ROWS: [Row; 32] = [
    row(
        "W1",
        ("W1", "rate"),
        "one thread, one synced event a commit; events/s",
        Goal::OfFloor(0.93),
    ),
    row("W1 p99", ("W1", "p99"), "99 of 100 of these take at most; µs", Goal::TimesFloor(1.3)),
    row("W1d", ("W1d", "rate"), "W1 without room reserved", Goal::OfFloor(0.85)),
    row("W2", ("W2", "rate"), "16 threads, each its own stream; events/s", Goal::OfFloor(0.9)),
    row("W2d", ("W2d", "rate"), "W2 without room reserved", Goal::OfFloor(0.85)),
    row("W3", ("W3", "rate"), "batches of 100, one sync at the end; events/s", Goal::OfFloor(0.4)),
    row("W3 memory", ("W3", "memory"), "the most memory of that process; MB", Goal::AtMost(64.0)),
    row("W3 used", ("W3", "used"), "bytes an event, as long as the files are", Goal::AtMost(340.0)),
    row("W3 taken", ("W3", "taken"), "bytes an event, taken on the disk", Goal::AtMost(385.0)),
    row("W3lean", ("W3lean", "rate"), "W3 without tags and types; events/s", Goal::OfFloor(0.5)),
    row("W3b", ("W3b", "rate"), "one event a commit, no sync; events/s", Goal::OfFloor(0.7)),
    row("W4", ("W4", "rate"), "batches of 100, each synced; events/s", Goal::OfFloor(0.7)),
    row("W4d", ("W4d", "rate"), "W4 without room reserved", Goal::OfFloor(0.85)),
    row("W5", ("W5", "rate"), "replay of everything; events/s", Goal::OfFloor(0.6)),
    row("W6", ("W6", "rate"), "2,000 random whole streams; events/s", Goal::OfFloor(0.3)),
    row("W7", ("W7", "nanoseconds"), "random read by position; ns", Goal::TimesFloor(2.5)),
    row("W8", ("W8", "milliseconds"), "open, read one event; ms", Goal::AtMost(1.0)),
    row("W8 memory", ("W8", "memory"), "the most memory of that process; MB", Goal::AtMost(6.0)),
    row("W8k", ("W8k", "milliseconds"), "the same after kill -9; ms", Goal::AtMost(20.0)),
    row(
        "W9",
        ("W9", "rate"),
        "read by type and tag, append on condition; a second",
        Goal::OfFloor(0.6),
    ),
    row("W9s", ("W9s", "rate"), "W9, synced; a second", Goal::OfFloor(0.9)),
    row(
        "W10",
        ("W10", "written"),
        "a writer beside two readers: written events/s",
        Goal::OfFloor(0.4),
    ),
    row("W10 read", ("W10", "read"), "the same: read events/s", Goal::OfFloor(0.3)),
    row("C5", ("C5", "rate"), "cold: replay of everything; events/s", Goal::AtLeast(7e6)),
    row("C6", ("C6", "rate"), "cold: 200 random streams; events/s", Goal::AtLeast(85e3)),
    row("C6 read", ("C6", "read"), "the same: bytes read an event", Goal::AtMost(8_000.0)),
    row("C7", ("C7", "microseconds"), "cold: random read by position; µs", Goal::AtMost(60.0)),
    row("C7 read", ("C7", "read"), "the same: bytes read an event", Goal::AtMost(9_000.0)),
    row("C8", ("C8", "milliseconds"), "cold: open, read one event; ms", Goal::AtMost(1.5)),
    row("C9", ("C9", "rate"), "cold: the events of one tag; events/s", Goal::AtLeast(80e3)),
    row("C9 read", ("C9", "read"), "the same: bytes read an event", Goal::None),
    row("C5 read", ("C5", "read"), "C5: bytes read an event", Goal::None),
];

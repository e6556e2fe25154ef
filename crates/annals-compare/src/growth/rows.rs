//! What is shown of stores of growing size.

/// A number of a workload.
pub struct Row {
    pub name: &'static str,
    pub workload: &'static str,
    pub measure: &'static str,
    pub what: &'static str,
    /// Whether it is a rate, whose inverse is what an event costs; else it is a cost itself.
    pub is_rate: bool,
}

const fn row(
    name: &'static str,
    (workload, measure, is_rate): (&'static str, &'static str, bool),
    what: &'static str,
) -> Row {
    Row { name, workload, measure, what, is_rate }
}

pub const ROWS: [Row; 14] = [
    row("W1", ("W1g", "rate", true), "one synced event a commit; events/s"),
    row("W1 p99", ("W1g", "p99", false), "99 of 100 of these take at most; µs"),
    row("W3", ("W3", "rate", true), "batches of 100, one sync at the end; events/s"),
    row("W3 memory", ("W3", "memory", false), "the most memory of that process; MB"),
    row("W3 used", ("W3", "used", false), "bytes an event, as long as the files are"),
    row("W3 taken", ("W3", "taken", false), "bytes an event, taken on the disk"),
    row("W5", ("W5", "rate", true), "replay of everything; events/s"),
    row("W6", ("W6g", "rate", true), "random whole streams; events/s"),
    row("W7", ("W7", "nanoseconds", false), "random read by position; ns"),
    row("W8", ("W8", "milliseconds", false), "open, read one event; ms"),
    row("W8 memory", ("W8", "memory", false), "the most memory of that process; MB"),
    row("W8k", ("W8k", "milliseconds", false), "the same after kill -9; ms"),
    row("tag", ("tag", "rate", true), "all events of random tags; events/s"),
    row("W9", ("W9g", "rate", true), "read by type and tag, append on condition; a second"),
];

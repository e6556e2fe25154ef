//! The counts as a Markdown table.

use super::Found;
use std::fmt::Write;

pub fn table(all: &[Found]) -> String {
    let mut text = String::from(
        "| store | workload | commits | syncs | by | syncs a commit | other writes a commit | \
         room taken |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for Found { peer, workload, counts } in all {
        let by: Vec<_> =
            counts.calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let a_commit = |count: u64| count as f64 / counts.commits as f64;
        let (commits, syncs, by) = (counts.commits, counts.syncs(), by.join(", "));
        let rooms = counts.rooms;
        let (synced, written) = (a_commit(syncs), a_commit(counts.writes));
        writeln!(
            text,
            "| {peer} | {workload} | {commits} | {syncs} | {by} | {synced:.2} | {written:.2} | \
             {rooms} |"
        )
        .unwrap();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::trace::Counts;
    use super::{Found, table};

    #[test]
    fn each_store_has_a_line() {
        let calls = [("fdatasync".to_owned(), 100), ("fsync".to_owned(), 1)].into();
        let counts = Counts { commits: 100, calls, writes: 250, rooms: 3, bare: 0 };
        let text = table(&[Found { peer: "annals".to_owned(), workload: "W1", counts }]);
        let line = "| annals | W1 | 100 | 101 | fdatasync 100, fsync 1 | 1.01 | 2.50 | 3 |";
        assert_eq!(text.lines().last(), Some(line));
    }
}

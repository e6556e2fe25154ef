//! What became of each part, as a Markdown table.

use super::Line;
use crate::support::grouped;
use crate::table::decimals;
use crate::workload::checked::PARTS;
use std::fmt::Write;

/// What a part comes to: which measure, and its words.
fn number(part: &str) -> (&'static str, &'static str) {
    match part {
        "ingest" => ("rate", "batches of 100 until the store is that large; events/s"),
        "replay" => ("rate", "replay of everything; events/s"),
        "streams" => ("rate", "random whole streams; events/s"),
        "positions" => ("rate", "random positions; events/s"),
        "open" => ("milliseconds", "open, read the first event and the last; ms"),
        "tag" => ("rate", "all events of a tag; events/s"),
        _ => ("rate", "read by type and tag from the beginning, append on condition; a second"),
    }
}

pub fn table(lines: &[Line]) -> String {
    let mut text = String::new();
    let Some(first) = lines.first() else { return text };
    let mut peers: Vec<&str> = lines.iter().map(|line| line.peer.as_str()).collect();
    peers.dedup();
    peers.sort_by_key(|peer| *peer != "annals");
    peers.dedup();
    let limit = format!("{} MiB", first.memory);
    write!(text, "| part | what |").unwrap();
    for peer in &peers {
        write!(text, " {peer}, {limit} | {peer} | of it | its memory, MB |").unwrap();
    }
    text.push_str("\n|---|---|");
    peers.iter().for_each(|_| text.push_str("---|---|---|---|"));
    text.push('\n');
    for part in PARTS {
        let (measure, what) = number(part);
        write!(text, "| {part} | {what} |").unwrap();
        for peer in &peers {
            // The last line counts, where a file has been gone on with.
            let of = |is_limited| {
                let is_it = |line: &&Line| {
                    line.peer == *peer && line.part == part && line.is_limited == is_limited
                };
                lines.iter().rfind(is_it)
            };
            let [limited, free] = [true, false].map(of);
            let said = [limited, free].map(|line| said(line, measure));
            let numbers = [limited, free].map(|line| line?.measures.get(measure).copied());
            let ratio = match numbers {
                [Some(limited), Some(free)] => format!("{:.2}", limited / free),
                _ => "-".to_owned(),
            };
            let memory = limited.and_then(|line| line.measures.get("memory"));
            let memory = memory.map_or("-".to_owned(), |memory| grouped(*memory, 1));
            write!(text, " {} | {} | {ratio} | {memory} |", said[0], said[1]).unwrap();
        }
        text.push('\n');
    }
    text
}

fn said(line: Option<&Line>, measure: &str) -> String {
    match line.map(|line| (line.ended.as_ref(), line.measures.get(measure))) {
        Some((Some(ended), _)) => format!("**{ended}**"),
        Some((None, Some(number))) => grouped(*number, decimals(*number)),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, table};

    fn line(peer: &str, part: &str, is_limited: bool, rate: Option<f64>) -> Line {
        let (peer, part) = (peer.to_owned(), part.to_owned());
        let ended = rate.is_none().then(|| "killed: no memory".to_owned());
        let measures = rate.map(|rate| [("rate".to_owned(), rate), ("memory".to_owned(), 20.0)]);
        let measures = measures.into_iter().flatten().collect();
        Line { peer, part, memory: 64, factor: 10, is_limited, ended, measures }
    }

    #[test]
    fn what_was_killed_says_so_and_the_others_stand_beside_their_free_selves() {
        let lines = [
            line("floor", "replay", false, Some(100.0)),
            line("floor", "replay", true, None),
            line("annals", "replay", false, Some(1_000.0)),
            line("annals", "replay", true, Some(500.0)),
        ];
        let text = table(&lines);
        let found = text.lines().find(|line| line.starts_with("| replay")).unwrap();
        let numbers = "| 500 | 1,000 | 0.50 | 20.0 | **killed: no memory** | 100 | - | - |";
        assert!(found.ends_with(numbers), "{found}");
        assert!(text.starts_with("| part | what | annals, 64 MiB | annals | of it |"), "{text}");
    }
}

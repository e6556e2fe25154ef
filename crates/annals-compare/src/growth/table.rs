//! Markdown tables: a row a number, a column a size.

use super::axis::{Axis, Growth, LEAST, TOLERANCE};
use super::rows::ROWS;
use crate::run::Line;
use crate::support::grouped;
use crate::table::decimals;
use std::fmt::Write;

/// A table for events and one for streams, where there are several sizes.
pub fn table(lines: &[Line]) -> String {
    Axis::BOTH.into_iter().filter_map(|axis| of_axis(axis, lines)).collect::<Vec<_>>().join("\n")
}

fn of_axis(axis: Axis, lines: &[Line]) -> Option<String> {
    let (fixed, lines) = axis.lines(lines)?;
    let other = if axis == Axis::Events { Axis::Streams } else { Axis::Events };
    let sizes = axis.sizes(&lines);
    let mut text = format!(
        "By {}; {} {}. The factor is what it costs at the largest size against the smallest; log n \
         is what the logarithm grows by (that of less than {LEAST} is that of {LEAST}), of which \
         the factor may be {TOLERANCE} times as much. In bold what grows faster.\n\n| row | what |",
        axis.name(),
        grouped(fixed as f64, 0),
        other.name(),
    );
    for size in &sizes {
        write!(text, " {} |", grouped(*size as f64, 0)).unwrap();
    }
    text.push_str(" factor | log n | no faster | floor's factor |\n|---|---|");
    sizes.iter().for_each(|_| text.push_str("---|"));
    text.push_str("---|---|---|---|\n");
    for row in &ROWS {
        let medians = axis.medians(&lines, row, "annals");
        if medians.is_empty() {
            continue;
        }
        write!(text, "| {} | {} |", row.name, row.what).unwrap();
        for size in &sizes {
            let number = medians.get(size);
            let said = number.map_or("-".to_owned(), |it| grouped(*it, decimals(*it)));
            write!(text, " {said} |").unwrap();
        }
        let growth = Growth::of(&medians, row);
        let floor = Growth::of(&axis.medians(&lines, row, "floor"), row);
        let number = |number: Option<f64>| number.map_or("-".to_owned(), |it| format!("{it:.2}"));
        let [factor, logarithm] = [
            number(growth.as_ref().map(|growth| growth.factor)),
            number(growth.as_ref().map(|growth| growth.logarithm)),
        ];
        let verdict = verdict(growth.as_ref(), floor.as_ref());
        let floor = number(floor.map(|floor| floor.factor));
        writeln!(text, " {factor} | {logarithm} | {verdict} | {floor} |").unwrap();
    }
    Some(text)
}

fn verdict(annals: Option<&Growth>, floor: Option<&Growth>) -> &'static str {
    match (annals.map(Growth::is_within), floor.map(Growth::is_within)) {
        (None, _) => "-",
        (Some(true), _) => "yes",
        // The machine has no more: caches, or the disk.
        (Some(false), Some(false)) => "**no**, nor the floor",
        (Some(false), _) => "**no**",
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::tests::line;
    use super::table;

    #[test]
    fn what_grows_faster_than_the_logarithm_stands_out() {
        let at = |peer, events, workload, rate| line(peer, (events, 10), (workload, "rate", rate));
        let lines = [
            at("annals", 1_000, "W5", 1e6),
            at("annals", 1_000_000, "W5", 0.9e6),
            at("annals", 1_000, "W3", 1e6),
            at("annals", 1_000_000, "W3", 0.2e6),
            at("annals", 1_000, "W9g", 1e6),
            at("annals", 1_000_000, "W9g", 0.2e6),
            at("floor", 1_000, "W9g", 2e6),
            at("floor", 1_000_000, "W9g", 0.5e6),
        ];
        let text = table(&lines);
        let ends = |name: &str, end: &str| {
            let found = text.lines().find(|line| line.starts_with(name)).unwrap();
            assert!(found.ends_with(end), "{found}");
        };
        ends("| W5 |", "| 1,000,000 | 900,000 | 1.11 | 2.00 | yes | - |");
        ends("| W3 |", "| 1,000,000 | 200,000 | 5.00 | 2.00 | **no** | - |");
        ends("| W9 |", "| 5.00 | 2.00 | **no**, nor the floor | 4.00 |");
        assert!(text.starts_with("By events; 10 streams."), "{text}");
    }
}

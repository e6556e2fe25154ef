//! The results as a Markdown table: medians, with the smallest and the largest of Annals.

use crate::peers;
use crate::rows::{ROWS, Row};
use crate::run::Line;
use crate::support::{Spread, grouped};
use std::fmt::Write;

/// All that was measured of a row by a store.
pub fn spread(lines: &[Line], row: &Row, peer: &str) -> Option<Spread> {
    let mut spread = Spread::default();
    let of_row = |line: &&Line| line.peer == peer && line.workload == row.workload;
    let mut numbers =
        lines.iter().filter(of_row).filter_map(|line| line.measures.get(row.measure)).peekable();
    numbers.peek()?;
    numbers.for_each(|number| spread.push(*number));
    Some(spread)
}

/// The Markdown table of all rows that were measured.
pub fn table(lines: &[Line]) -> String {
    let present: Vec<&str> =
        peers::names().filter(|peer| lines.iter().any(|line| line.peer == *peer)).collect();
    let others = || present.iter().filter(|peer| **peer != "annals");
    let mut text = String::from("| row | what | annals | of the floor | goal |");
    others().for_each(|peer| write!(text, " {peer} |").unwrap());
    text.push_str("\n|---|---|---|---|---|");
    others().for_each(|_| text.push_str("---|"));
    text.push('\n');
    for row in &ROWS {
        let Some(annals) = spread(lines, row, "annals") else { continue };
        let floor = spread(lines, row, "floor");
        let ratio = floor.as_ref().map(|floor| annals.per(floor));
        let goal = goal(row, &annals, floor.as_ref());
        let ratio = ratio.filter(|_| row.goal.is_of_floor());
        let ratio = ratio.map_or(String::new(), |ratio| ratio.text(2));
        let decimals = decimals(annals.median());
        let annals = annals.text(decimals);
        write!(text, "| {} | {} | {annals} | {ratio} | {goal} |", row.name, row.what).unwrap();
        for peer in others() {
            let median = spread(lines, row, peer).map(|spread| spread.median());
            let said = median.map_or("-".to_owned(), |it| grouped(it, self::decimals(it)));
            write!(text, " {said} |").unwrap();
        }
        text.push('\n');
    }
    text
}

/// The goal, in bold where it was missed.
fn goal(row: &Row, annals: &Spread, floor: Option<&Spread>) -> String {
    // Against the floor the ratios of the rounds count: what was measured side by side shares its
    // noise.
    let is_met = match (row.goal, floor) {
        (goal, Some(floor)) if goal.is_of_floor() => goal.is_met(annals.per(floor).median(), 1.0),
        (goal, None) if goal.is_of_floor() => None,
        (goal, _) => goal.is_met(annals.median(), f64::NAN),
    };
    match is_met {
        Some(false) => format!("**{}**", row.goal),
        _ => row.goal.to_string(),
    }
}

pub fn decimals(number: f64) -> usize {
    match number {
        number if number < 10.0 => 2,
        number if number < 100.0 => 1,
        _ => 0,
    }
}

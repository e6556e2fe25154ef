//! Charts of columns. The picture scales with the page, so all text stands outside of it.

use super::pieces::share;
use maud::{Markup, html};
use std::fmt::Write;

/// The units of a chart: its height, and the width of a column with the gap behind it.
const HEIGHT: u64 = 1_000;
const STEP: usize = 10;
/// Up to so many columns there are gaps between them.
const WITH_GAPS: usize = 120;

/// A column: its parts from the bottom up, each as large as its number, and what is said to who
/// points at it.
pub struct Column<'a> {
    pub parts: &'a [u64],
    pub title: String,
}

impl Column<'_> {
    fn sum(&self) -> u64 {
        self.parts.iter().sum()
    }
}

/// A chart.
pub struct Chart<'a> {
    /// What is said to who can't see it.
    pub label: String,
    /// What the highest column stands for.
    pub highest: String,
    /// The classes that colour the parts of a column.
    pub colours: &'a [&'a str],
    /// How many columns there are, and what they stand for.
    pub columns: Vec<Column<'a>>,
    /// What is written below it, from the left to the right end.
    pub axis: Vec<String>,
}

impl Chart<'_> {
    /// Draws it.
    pub fn draw(&self) -> Markup {
        let count = self.columns.len();
        let most = self.columns.iter().map(Column::sum).max().unwrap_or(0);
        let width = if count <= WITH_GAPS { STEP - 2 } else { STEP };
        // A few columns need not fill the page.
        let class = if count < 12 { "plot few" } else { "plot" };
        let style = (count < 12).then(|| format!("--columns:{count}"));
        html! {
            div class=(class) style=[style] {
                div.highest { (self.highest) }
                svg role="img" aria-label=(self.label) preserveAspectRatio="none"
                    viewBox={ "0 0 " (count * STEP) " " (HEIGHT) } {
                    path.grid d={
                        "M0 0H" (count * STEP) "M0 250H" (count * STEP) "M0 500H" (count * STEP)
                        "M0 750H" (count * STEP)
                    } {}
                    @for (nth, colour) in self.colours.iter().enumerate() {
                        @let path = self.path(nth, most, width);
                        @if !path.is_empty() {
                            path class=(colour) d=(path) {}
                        }
                    }
                    @for (nth, column) in self.columns.iter().enumerate() {
                        @if column.sum() > 0 {
                            rect.point x=(nth * STEP) width=(STEP) height=(HEIGHT) {
                                title { (column.title) }
                            }
                        }
                    }
                }
                div.axis aria-hidden="true" {
                    @for label in &self.axis {
                        span { (label) }
                    }
                }
            }
        }
    }

    /// One part of each column.
    fn path(&self, nth: usize, most: u64, width: usize) -> String {
        let mut path = String::new();
        for (column, x) in self.columns.iter().zip((0..).step_by(STEP)) {
            let part = column.parts.get(nth).copied().unwrap_or(0);
            let below: u64 = column.parts.iter().take(nth).sum();
            if part > 0 {
                // Both ends are rounded in the same way, so that parts neither gape nor overlap.
                let (top, bottom) = (share(below + part, most, HEIGHT), share(below, most, HEIGHT));
                let height = top.saturating_sub(bottom);
                if height > 0 {
                    let x = x + (STEP - width) / 2;
                    let _ = write!(path, "M{x} {}h{width}v{height}h-{width}z", HEIGHT - top);
                }
            }
        }
        path
    }
}

/// Labels for an axis of so many columns: the first, the last, and some between.
pub fn axis(count: usize, label: impl Fn(usize) -> String) -> Vec<String> {
    let last = count.saturating_sub(1);
    let mut places: Vec<usize> = (0..=4).map(|quarter| last * quarter / 4).collect();
    places.dedup();
    // Where not all of them stand for as many columns as they seem to, only the ends are said.
    if !last.is_multiple_of(4) && last < 40 {
        places = vec![0, last];
        places.dedup();
    }
    places.into_iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(parts: &[[u64; 2]]) -> String {
        let columns = parts.iter().enumerate();
        let columns = columns.map(|(nth, parts)| Column { parts, title: format!("no {nth}") });
        let chart = Chart {
            label: "Events <a day>".to_owned(),
            highest: "9".to_owned(),
            colours: &["c1", "c2"],
            columns: columns.collect(),
            axis: axis(parts.len(), |nth| nth.to_string()),
        };
        chart.draw().into_string()
    }

    #[test]
    fn parts_stand_on_one_another_and_the_highest_column_fills_the_chart() {
        let drawn = chart(&[[1, 3], [2, 0], [0, 0]]);
        assert!(drawn.contains(r#"viewBox="0 0 30 1000""#), "{drawn}");
        assert!(drawn.contains(r#"<path class="c1" d="M1 750h8v250h-8zM11 500h8v500h-8z">"#));
        assert!(drawn.contains(r#"<path class="c2" d="M1 0h8v750h-8z">"#), "{drawn}");
        assert_eq!(drawn.matches("<title>").count(), 2, "nobody points at what is empty");
        assert!(drawn.contains(r#"aria-label="Events &lt;a day&gt;""#));
    }

    #[test]
    fn one_event_among_a_million_is_seen() {
        let drawn = chart(&[[1_000_000, 0], [1, 0]]);
        assert!(drawn.contains("M11 999h8v1h-8z"), "{drawn}");
    }

    #[test]
    fn a_chart_of_nothing_is_drawn() {
        assert!(chart(&[]).contains("<svg"));
        assert!(chart(&[[0, 0]]).contains("<svg"));
    }

    #[test]
    fn an_axis_says_its_ends_and_what_lies_evenly_between() {
        let of = |count| axis(count, |nth| nth.to_string()).join(" ");
        assert_eq!([of(1), of(2), of(5), of(6)], ["0", "0 1", "0 1 2 3 4", "0 5"]);
        assert_eq!(of(365), "0 91 182 273 364");
    }
}

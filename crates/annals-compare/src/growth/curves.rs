//! The same as curves: a panel a row.

use super::axis::{Axis, logarithm};
use super::rows::{ROWS, Row};
use crate::run::Line;
use crate::support::grouped;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Pixels: of a panel, of the plot in it, and of what is left of and above that.
const PANEL: (f64, f64) = (310.0, 190.0);
const PLOT: (f64, f64) = (225.0, 112.0);
const INSET: (f64, f64) = (56.0, 38.0);
const COLUMNS: usize = 3;
/// Above the panels of an axis, and the margin of the whole.
const HEADING: f64 = 44.0;
const MARGIN: f64 = 12.0;

const STYLE: &str = "\
text{font:11px sans-serif;fill:#333}\
.head{font-size:16px}.name{font-weight:bold}\
.grid{stroke:#ddd}.frame{fill:none;stroke:#999}\
.log{fill:none;stroke:#c81e28;stroke-dasharray:2 4}";

/// The stores that have a colour; others are grey.
const COLOURS: [(&str, &str); 7] = [
    ("annals", "#c81e28"),
    ("floor", "#777"),
    ("sqlite", "#1e64be"),
    ("redb", "#7850a0"),
    ("lmdb", "#1e8c5a"),
    ("fjall", "#dc9614"),
    ("tephra", "#5ab4d2"),
];

/// The medians of each store, by size.
type Lines<'a> = Vec<(&'a str, BTreeMap<u64, f64>)>;

/// The chart as SVG.
pub fn curves(lines: &[Line]) -> String {
    let mut body = String::new();
    let mut top = MARGIN;
    for axis in Axis::BOTH {
        let Some((fixed, lines)) = axis.lines(lines) else { continue };
        let mut peers: Vec<&str> = lines.iter().map(|line| line.peer.as_str()).collect();
        peers.sort_unstable();
        peers.dedup();
        let sizes = axis.sizes(&lines);
        let (other, by) = match axis {
            Axis::Events => ("streams", "By the number of events in the store"),
            Axis::Streams => ("events", "By the number of streams"),
        };
        let fixed = grouped(fixed as f64, 0);
        text(&mut body, (MARGIN, top + 18.0), "head", &format!("{by} ({fixed} {other})"));
        legend(&mut body, top + 36.0, &peers);
        top += HEADING;
        let panels = ROWS.iter().filter_map(|row| {
            let found = peers.iter().map(|peer| (*peer, axis.medians(&lines, row, peer)));
            let found = found.filter(|(_, medians)| !medians.is_empty());
            Some((row, found.collect::<Lines>())).filter(|(_, found)| !found.is_empty())
        });
        let panels: Vec<_> = panels.collect();
        for (nth, (row, found)) in panels.iter().enumerate() {
            let at =
                (MARGIN + (nth % COLUMNS) as f64 * PANEL.0, top + (nth / COLUMNS) as f64 * PANEL.1);
            panel(&mut body, at, row, found, &sizes);
        }
        top += panels.len().div_ceil(COLUMNS) as f64 * PANEL.1 + MARGIN;
    }
    let width = 2.0 * MARGIN + COLUMNS as f64 * PANEL.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{top:.0}\" \
         viewBox=\"0 0 {width:.0} {top:.0}\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn colour(peer: &str) -> &'static str {
    COLOURS.iter().find(|(name, _)| *name == peer).map_or("#aaa", |(_, colour)| colour)
}

fn text(body: &mut String, (x, y): (f64, f64), class: &str, said: &str) {
    anchored(body, (x, y), class, "start", said);
}

fn anchored(body: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, said: &str) {
    let said = said.replace('&', "&amp;").replace('<', "&lt;");
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{class}>{said}</text>")
        .unwrap();
}

fn legend(body: &mut String, y: f64, peers: &[&str]) {
    let mut x = MARGIN;
    for peer in peers {
        let (line, colour) = (y - 4.0, colour(peer));
        writeln!(body, "<path d=\"M{x:.1} {line:.1}h22\" stroke=\"{colour}\" stroke-width=\"2\"/>")
            .unwrap();
        text(body, (x + 27.0, y), "", peer);
        x += 50.0 + 7.0 * peer.len() as f64;
    }
    writeln!(body, "<path class=\"log\" d=\"M{x:.1} {:.1}h22\"/>", y - 4.0).unwrap();
    text(body, (x + 27.0, y), "", "what log n allows, from the first of annals");
}

fn panel(body: &mut String, at: (f64, f64), row: &Row, found: &Lines, sizes: &[u64]) {
    let (left, upper) = (at.0 + INSET.0, at.1 + INSET.1);
    let (lower, right) = (upper + PLOT.1, left + PLOT.0);
    text(body, (at.0, at.1 + 14.0), "name", row.name);
    text(body, (at.0, at.1 + 28.0), "", row.what);
    let allowed = allowed(found, row, sizes);
    let numbers = || {
        let all = found.iter().flat_map(|(_, medians)| medians.values());
        all.copied().chain(allowed.iter().map(|(_, number)| *number))
    };
    let scale = Scale::of(numbers(), (lower, upper));
    let across = Scale::between(sizes, (left, right));
    for (number, y) in scale.ticks() {
        writeln!(body, "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>").unwrap();
        anchored(body, (left - 5.0, y + 4.0), "", "end", &short(number));
    }
    for (nth, size) in sizes.iter().enumerate() {
        let x = across.at(*size as f64);
        writeln!(body, "<path class=\"grid\" d=\"M{x:.1} {upper:.1}V{lower:.1}\"/>").unwrap();
        let anchor = match nth {
            _ if nth + 1 == sizes.len() => "end",
            0 => "start",
            _ => "middle",
        };
        anchored(body, (x, lower + 15.0), "", anchor, &short(*size as f64));
    }
    writeln!(
        body,
        "<rect class=\"frame\" x=\"{left:.1}\" y=\"{upper:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        PLOT.0, PLOT.1
    )
    .unwrap();
    let path = |points: &mut dyn Iterator<Item = (u64, f64)>| {
        let points = points.map(|(size, number)| (across.at(size as f64), scale.at(number)));
        let points: Vec<_> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        format!("M{}", points.join("L"))
    };
    if allowed.len() > 1 {
        let path = path(&mut allowed.iter().copied());
        writeln!(body, "<path class=\"log\" d=\"{path}\"/>").unwrap();
    }
    for (peer, medians) in found {
        let colour = colour(peer);
        let path = path(&mut medians.iter().map(|(size, number)| (*size, *number)));
        writeln!(body, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>")
            .unwrap();
        for (size, number) in medians {
            let (x, y) = (across.at(*size as f64), scale.at(*number));
            let said = format!("{peer}: {} at {}", grouped(*number, 2), grouped(*size as f64, 0));
            writeln!(
                body,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\">\
                 <title>{said}</title></circle>"
            )
            .unwrap();
        }
    }
}

/// What the row may come to if it costs as the logarithm grows.
fn allowed(found: &Lines, row: &Row, sizes: &[u64]) -> Vec<(u64, f64)> {
    let annals = found.iter().find(|(peer, _)| *peer == "annals");
    let Some((small, first)) = annals.and_then(|(_, medians)| medians.first_key_value()) else {
        return Vec::new();
    };
    let from = sizes.iter().filter(|size| *size >= small);
    from.map(|size| {
        let growth = logarithm(*size) / logarithm(*small);
        (*size, if row.is_rate { first / growth } else { first * growth })
    })
    .collect()
}

/// A logarithmic scale: numbers between two, and where these two are drawn.
struct Scale {
    numbers: (f64, f64),
    pixels: (f64, f64),
}

impl Scale {
    /// Of numbers, with a decade at the least, so that what does not grow looks as if it did not.
    fn of(numbers: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 1e-9_f64);
        for number in numbers.filter(|number| *number > 0.0) {
            (least, most) = (least.min(number), most.max(number));
        }
        let missing = (10.0 / (most / least)).max(1.4).sqrt();
        Self { numbers: (least.min(most) / missing, most * missing), pixels }
    }

    fn between(sizes: &[u64], pixels: (f64, f64)) -> Self {
        let [first, last] = [sizes.first(), sizes.last()].map(|size| *size.unwrap_or(&1) as f64);
        Self { numbers: (first, last), pixels }
    }

    fn at(&self, number: f64) -> f64 {
        let (least, most) = self.numbers;
        let part = (number.max(1e-9) / least).ln() / (most / least).ln();
        self.pixels.0 + part * (self.pixels.1 - self.pixels.0)
    }

    /// Round numbers within, and where they are drawn: few of them.
    fn ticks(&self) -> Vec<(f64, f64)> {
        let (least, most) = self.numbers;
        let decades = (most / least).log10();
        let steps: &[f64] = match decades {
            _ if decades < 1.6 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let first = least.log10().floor() as i32;
        let all = (first..first + decades.ceil() as i32 + 2)
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        all.filter(|number| (least..=most).contains(number))
            .map(|number| (number, self.at(number)))
            .collect()
    }
}

/// A number in few letters.
fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{}M", number / 1e6),
        number if number >= 1e4 => format!("{}k", number / 1e3),
        number if number >= 1.0 => grouped(number, 0),
        number => format!("{:.3}", number).trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::tests::line;
    use super::{Scale, curves, short};

    #[test]
    fn a_panel_has_a_line_a_store_and_what_the_logarithm_allows() {
        let at = |peer, events, rate| line(peer, (events, 10), ("W5", "rate", rate));
        let svg = curves(&[
            at("annals", 1_000, 100.0),
            at("annals", 1_000_000, 90.0),
            at("floor", 1_000, 300.0),
            at("floor", 1_000_000, 300.0),
        ]);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<circle ").count(), 4);
        // One in the panel and one in the legend, each.
        assert_eq!(svg.matches("stroke=\"#c81e28\"").count(), 2);
        assert_eq!(svg.matches("class=\"log\"").count(), 2);
        assert!(svg.contains("annals: 90.00 at 1,000,000"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_scale_is_logarithmic_and_has_round_ticks() {
        let scale = Scale::between(&[1, 10_000], (0.0, 400.0));
        assert!((scale.at(100.0) - 200.0).abs() < 1e-9);
        let scale = Scale::of([1.0, 1_000.0].into_iter(), (100.0, 0.0));
        let ticks: Vec<f64> = scale.ticks().into_iter().map(|(number, _)| number).collect();
        assert_eq!(ticks, [1.0, 10.0, 100.0, 1_000.0]);
        // What is the same everywhere is drawn in the middle.
        let scale = Scale::of([5.0, 5.0].into_iter(), (100.0, 0.0));
        assert!((scale.at(5.0) - 50.0).abs() < 1e-9 && scale.ticks().len() > 2);
    }

    #[test]
    fn numbers_are_short() {
        let said = [2.5e6, 10e6, 2e4, 5_000.0, 3.0, 0.05].map(short);
        assert_eq!(said, ["2.5M", "10M", "20k", "5,000", "3", "0.05"]);
    }
}

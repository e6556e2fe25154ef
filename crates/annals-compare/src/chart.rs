//! The chart: of each row, how far every store is ahead of the best of Annals' peers.

use crate::peers;
use crate::rows::{ROWS, Row};
use crate::run::Line;
use crate::table::spread;
use plotters::prelude::*;
use std::path::Path;

/// Pixels of a row, and of what is around them.
const ROW: u32 = 22;
const AROUND: u32 = 150;
const WIDTH: u32 = 900;

/// The colours of the stores, in their order.
const COLOURS: [RGBColor; 8] = [
    RGBColor(150, 150, 150),
    RGBColor(200, 200, 200),
    RGBColor(200, 30, 40),
    RGBColor(30, 100, 190),
    RGBColor(120, 80, 160),
    RGBColor(30, 140, 90),
    RGBColor(220, 150, 20),
    RGBColor(90, 180, 210),
];

/// Draws it: to the right of 1 a store is ahead of every peer, the axis is logarithmic.
pub fn draw(lines: &[Line], path: &Path) {
    let shown: Vec<(&Row, Vec<(usize, f64)>)> =
        ROWS.iter().filter_map(|row| Some((row, of_row(lines, row)?))).collect();
    let all = || shown.iter().flat_map(|(_, stores)| stores.iter().map(|(_, ahead)| *ahead));
    let (least, most) = (all().fold(0.5, f64::min), all().fold(2.0, f64::max));
    let count = i32::try_from(shown.len()).unwrap();
    let root = SVGBackend::new(path, (WIDTH, ROW * shown.len() as u32 + AROUND));
    let root = root.into_drawing_area();
    root.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&root)
        .caption("Times the best peer (logarithmic; further right is better)", ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(310)
        .build_cartesian_2d(((least * 0.8)..(most * 1.2)).log_scale(), (0..count).into_segmented())
        .unwrap();
    let name = |value: &SegmentValue<i32>| match value {
        SegmentValue::CenterOf(nth) => shown
            .get(shown.len() - 1 - *nth as usize)
            .map_or(String::new(), |(row, _)| format!("{}  {}", row.name, row.what)),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .y_labels(shown.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|x| format!("{x}"))
        .label_style(("sans-serif", 11))
        .draw()
        .unwrap();
    for (store, peer) in peers::names().enumerate() {
        let colour = COLOURS[store];
        let radius = if peer == "annals" { 6 } else { 4 };
        let dots: Vec<(f64, SegmentValue<i32>)> = shown
            .iter()
            .rev()
            .enumerate()
            .flat_map(|(nth, (_, stores))| stores.iter().map(move |it| (nth, it)))
            .filter(|(_, (found, _))| *found == store)
            .map(|(nth, (_, ahead))| (*ahead, SegmentValue::CenterOf(nth as i32)))
            .collect();
        if !dots.is_empty() {
            let dot = move |at| Circle::new(at, radius, colour.filled());
            chart
                .draw_series(dots.into_iter().map(dot))
                .unwrap()
                .label(peer)
                .legend(move |at| Circle::new(at, radius, colour.filled()));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()
        .unwrap();
    root.present().unwrap();
}

/// How many times the best peer's number each store's is; times count the other way round. Nothing
/// where no peer was measured.
fn of_row(lines: &[Line], row: &Row) -> Option<Vec<(usize, f64)>> {
    let medians: Vec<(usize, &str, f64)> = peers::names()
        .enumerate()
        .filter_map(|(nth, peer)| Some((nth, peer, spread(lines, row, peer)?.median())))
        .map(|(nth, peer, median)| {
            (nth, peer, if row.goal.is_rate() { median } else { 1.0 / median })
        })
        .collect();
    let is_peer = |peer: &str| peer != "annals" && !peer.starts_with("floor");
    let peers = medians.iter().filter(|(_, peer, _)| is_peer(peer));
    let best = peers.map(|(_, _, number)| *number).reduce(f64::max)?;
    Some(medians.iter().map(|(nth, _, number)| (*nth, number / best)).collect())
}

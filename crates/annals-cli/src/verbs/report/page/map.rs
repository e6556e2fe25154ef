//! What lies where in the file.

use super::super::gather::Facts;
use super::super::map::{Use, lay_out, pieces, sums};
use super::pieces::{note, percent, section, swatch};
use crate::show::{bytes, count, thousands};
use annals::{FileExtent, FileMap, FilePart};
use maud::{Markup, html};

/// Pieces that are drawn, and extents that are listed.
const DRAWN: usize = 2_000;
const LISTED: usize = 200;
/// The units of the strip: the width of a row, what is the least that is seen of a piece, from
/// what width on a piece has an edge, the height of a row, and that with the gap below it.
const WIDTH: u64 = 10_000;
const LEAST: u64 = 30;
const WIDE: u64 = 150;
const HEIGHT: u64 = 20;
const STEP: u64 = 26;

fn what(used_for: Use) -> (&'static str, &'static str) {
    match used_for {
        Use::Fixed => ("c2", "fixed pages: the header, two slots, who has it open"),
        Use::Log => ("c1", "log: segments, as far as they are written"),
        Use::Ahead => ("ahead", "segments ahead of the log"),
        Use::Index => ("c3", "index: runs"),
        Use::Free => ("free", "free room, for runs"),
        Use::Unnamed => ("c0", "room that nobody names"),
    }
}

/// The section.
pub fn file(facts: &Facts) -> Markup {
    let body = match &facts.map {
        Err(why) => {
            note(&html! { "The file can't be mapped: " bdi { (crate::show::escaped(why)) } })
        }
        Ok(map) => drawn(map, facts),
    };
    section("file", "The file", &body)
}

fn drawn(map: &FileMap, facts: &Facts) -> Markup {
    let all = pieces(map, DRAWN);
    let exact = pieces(map, usize::MAX);
    let sums = sums(&exact);
    let rows = (u64::try_from(all.len()).unwrap_or(0) / 6).clamp(2, 10);
    let patches = lay_out(&all, rows, WIDTH, LEAST);
    let sum = |used_for| {
        let own = sums.iter().find(|(own, _, _)| *own == used_for);
        own.map_or(0, |(_, _, bytes)| *bytes)
    };
    let label = format!(
        "The file from its first byte to its last, in {rows} rows: {} of log, {} of index, {} free",
        bytes(sum(Use::Log)),
        bytes(sum(Use::Index)),
        bytes(sum(Use::Free)),
    );
    let index = &facts.stats.index;
    html! {
        p.lead {
            (bytes(map.file_bytes)) ": " (bytes(facts.passed.payloads.bytes)) " of payloads in "
            (bytes(sum(Use::Log))) " of log, " (count(index.runs, "run")) " of index with "
            (bytes(sum(Use::Index))) "."
            @if index.tail_events > 0 {
                " The index of the last " (count(index.tail_events, "event")) " is in memory."
            }
        }
        figure {
            figcaption { "The file from its first byte (top left) to its last (bottom right)" }
            svg.strip role="img" aria-label=(label) preserveAspectRatio="none"
                viewBox={ "0 0 " (WIDTH) " " (rows * STEP) }
                style={ "--rows:" (rows) } {
                @for patch in &patches {
                    @if let Some(piece) = all.get(patch.piece) {
                        @let colour = what(piece.used_for).0;
                        @let edge = if patch.width >= WIDE { " wide" } else { "" };
                        rect class={ (colour) (edge) } x=(patch.x) y=(patch.row * STEP)
                            width=(patch.width) height=(HEIGHT) {
                            title {
                                (what(piece.used_for).1) ", " (bytes(piece.length)) " from byte "
                                (thousands(piece.start)) " on"
                            }
                        }
                    }
                }
            }
        }
        (parts(&sums, map.file_bytes))
        (extents(map))
    }
}

/// Legend and sums at once.
fn parts(sums: &[(Use, u64, u64)], all: u64) -> Markup {
    html! {
        table.names role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "what for" }
                    th.number scope="col" role="columnheader" { "pieces" }
                    th.number scope="col" role="columnheader" { "bytes" }
                    th.number scope="col" role="columnheader" { "share" }
                }
            }
            tbody role="rowgroup" {
                @for (used_for, count, size) in sums {
                    tr role="row" {
                        th scope="row" role="rowheader" {
                            (swatch(what(*used_for).0)) (what(*used_for).1)
                        }
                        td.number role="cell" data-head="pieces" { (thousands(*count)) }
                        td.number role="cell" data-head="bytes" { (bytes(*size)) }
                        td.number role="cell" data-head="share" { (percent(*size, all)) }
                    }
                }
            }
        }
    }
}

fn extents(map: &FileMap) -> Markup {
    let left = map.extents.len().saturating_sub(LISTED);
    html! {
        details {
            summary { "All extents as a table" }
            div.scroll tabindex="0" role="region" aria-label="Extents of the file" {
                table {
                    thead {
                        tr {
                            th.number scope="col" { "offset" }
                            th.number scope="col" { "bytes" }
                            th scope="col" { "what" }
                        }
                    }
                    tbody {
                        @for extent in map.extents.iter().take(LISTED) {
                            tr {
                                td.number { (thousands(extent.file_offset)) }
                                td.number { (thousands(extent.length)) }
                                td { (described(extent)) }
                            }
                        }
                    }
                }
            }
            @if left > 0 {
                p.note {
                    (thousands(u64::try_from(left).unwrap_or(u64::MAX)))
                    " more extents are not listed."
                }
            }
        }
    }
}

fn described(extent: &FileExtent) -> String {
    match extent.part {
        FilePart::Header => "header".to_owned(),
        FilePart::Slot { counter: Some(counter), .. } => {
            format!("slot, counter {}", thousands(counter))
        }
        FilePart::Slot { .. } => "slot, not valid".to_owned(),
        FilePart::Holder => "who has it open".to_owned(),
        FilePart::Segment { log_offset, used: 0, .. } => {
            format!("segment, ahead, for log offset {}", thousands(log_offset.get()))
        }
        FilePart::Segment { log_offset, used, .. } if used < extent.length => {
            let at = thousands(log_offset.get());
            format!("segment from log offset {at} on, {} of it written", bytes(used))
        }
        FilePart::Segment { log_offset, .. } => {
            format!("segment from log offset {} on", thousands(log_offset.get()))
        }
        FilePart::Run { id, level, first, next, .. } => {
            let level = match level {
                Some(level) => format!("merged {}", count(u64::from(level), "time")),
                None => "its first page fails its check".to_owned(),
            };
            let last = next.get().saturating_sub(1);
            match first == next {
                true => format!("run {id}, documents only, {level}"),
                false => format!(
                    "run {id}, positions {} to {}, {level}",
                    thousands(first.get()),
                    thousands(last)
                ),
            }
        }
        FilePart::Free => "free".to_owned(),
        _ => "room that nobody names".to_owned(),
    }
}

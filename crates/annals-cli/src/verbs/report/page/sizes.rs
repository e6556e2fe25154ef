//! Sizes: of payloads.

use super::super::gather::Facts;
use super::super::sizes::SizeBin;
use super::chart::{Chart, Column, axis};
use super::pieces::{percent, section};
use crate::show::{bytes, count, thousands};
use maud::{Markup, html};

/// The section.
pub fn sizes(facts: &Facts) -> Markup {
    let payloads = &facts.passed.payloads;
    let metadata = facts.passed.metadata;
    let body = html! {
        @if payloads.count == 0 {
            p.none { "There are no events." }
        } @else {
            p.lead {
                "Payloads take " (bytes(payloads.bytes)) ": " (bytes(payloads.mean()))
                " an event, from " (bytes(payloads.smallest)) " to " (bytes(payloads.largest)) ". "
                @if metadata.events > 0 {
                    (count(metadata.events, "event")) " "
                    @if metadata.events == 1 { "has" } @else { "have" }
                    " metadata, " (bytes(metadata.bytes)) " in all."
                } @else {
                    "No event has metadata."
                }
            }
            (histogram(&payloads.bins(), payloads.count))
        }
    };
    section("sizes", "Sizes of payloads", &body)
}

fn range(bin: &SizeBin) -> String {
    match bin {
        SizeBin { first: 0, .. } => "empty".to_owned(),
        SizeBin { first, last, .. } if first == last => bytes(*first),
        SizeBin { first, last, .. } if *last < 1_024 => format!("{first}–{last} B"),
        SizeBin { first, last, .. } => {
            format!("{} – {}", bytes(*first), bytes(last.saturating_add(1)))
        }
    }
}

fn histogram(bins: &[SizeBin], all: u64) -> Markup {
    let counts: Vec<[u64; 1]> = bins.iter().map(|bin| [bin.count]).collect();
    let columns = bins.iter().zip(&counts).map(|(bin, parts)| Column {
        parts,
        title: format!("{}: {}", range(bin), count(bin.count, "event")),
    });
    let most = counts.iter().map(|[count]| *count).max().unwrap_or(0);
    let axis = axis(bins.len(), |nth| bins.get(nth).map(range).unwrap_or_default());
    let ends = [axis.first(), axis.last()].map(|end| end.map(String::as_str).unwrap_or_default());
    let chart = Chart {
        label: format!("Columns: events by the size of their payloads, {}", ends.join(" to ")),
        highest: count(most, "event"),
        colours: &["c1"],
        columns: columns.collect(),
        axis,
    };
    html! {
        figure {
            figcaption { "Events by the bytes of their payloads; columns grow wider with them" }
            (chart.draw())
            details {
                summary { "As a table" }
                div.scroll tabindex="0" role="region" aria-label="Sizes of payloads" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "payload" }
                                th.number scope="col" { "events" }
                                th.number scope="col" { "share" }
                            }
                        }
                        tbody {
                            @for bin in bins {
                                tr {
                                    th scope="row" { (range(bin)) }
                                    td.number { (thousands(bin.count)) }
                                    td.number { (percent(bin.count, all)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

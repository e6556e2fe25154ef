//! Events over time.

use super::super::gather::Facts;
use super::super::pass::{COLOURED, Timeline};
use super::chart::{Chart, Column, axis};
use super::pieces::{name, note, section, swatch};
use crate::show::{cut, escaped, thousands};
use maud::{Markup, html};

/// The classes of the coloured types, and of the others.
const COLOURS: [&str; COLOURED + 1] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c0"];
/// Columns of a type's name where little room is.
const SHORT: usize = 32;

/// The class of the type with this rank.
pub fn colour(rank: usize) -> &'static str {
    COLOURS.get(rank).copied().unwrap_or("c0")
}

/// The section.
pub fn over_time(facts: &Facts) -> Markup {
    let recorded = facts.passed.recorded.as_ref();
    let body = html! {
        @match recorded {
            None => p.none { "There are no events." },
            Some(timeline) => (figure(facts, timeline, "were recorded")),
        }
        @if let Some(timeline) = &facts.passed.occurred {
            (note(&html! {
                "The events were recorded within a short time, but occurred over a longer one: "
                "an older log was taken in. So here they are by when they occurred."
            }))
            (figure(facts, timeline, "occurred"))
        }
    };
    section("time", "Events over time", &body)
}

fn figure(facts: &Facts, timeline: &Timeline, what: &str) -> Markup {
    let types = facts.types.as_ref().map(|types| types.list.as_slice()).unwrap_or_default();
    let coloured: Vec<&str> = types.iter().take(COLOURED).map(|(name, _)| name.as_str()).collect();
    let others = timeline.counts.iter().any(|bin| bin.last().is_some_and(|others| *others > 0));
    let each = timeline.bins.unit.each();
    let highest = thousands(timeline.most());
    let columns = timeline.counts.iter().enumerate().map(|(nth, bin)| {
        let title = title(&timeline.bins.label(nth), bin, &coloured);
        Column { parts: bin, title }
    });
    let chart = Chart {
        label: format!(
            "Columns: events {each}, by when they {what}, from {} to {}; at most {highest}",
            timeline.bins.label(0),
            timeline.bins.label(timeline.bins.count().saturating_sub(1)),
        ),
        highest: format!("{highest} {each}"),
        colours: &COLOURS,
        columns: columns.collect(),
        axis: axis(timeline.bins.count(), |nth| timeline.bins.label(nth)),
    };
    html! {
        figure {
            figcaption { "Events " (each) ", by when they " (what) " and by type" }
            ul.legend {
                @for (rank, coloured) in coloured.iter().enumerate() {
                    li { (swatch(colour(rank))) (name(coloured)) }
                }
                @if others { li { (swatch("c0")) "other types" } }
            }
            (chart.draw())
            (table(timeline, &coloured, others))
        }
    }
}

/// What is said of a column to who points at it.
fn title(label: &str, bin: &[u64], coloured: &[&str]) -> String {
    let sum: u64 = bin.iter().sum();
    let mut title = format!("{label}: {}", thousands(sum));
    let names = coloured.iter().map(|name| cut(&escaped(name), SHORT).into_owned());
    let names = names.chain(std::iter::repeat_n("other types".to_owned(), bin.len()));
    // The others are last, however many types have a colour.
    let last = bin.len().saturating_sub(1);
    for (nth, (count, name)) in bin.iter().zip(names).enumerate() {
        if *count > 0 {
            let name = if nth == last { "other types" } else { &name };
            title += &format!("\n{name} {}", thousands(*count));
        }
    }
    title
}

fn table(timeline: &Timeline, coloured: &[&str], others: bool) -> Markup {
    let bins = timeline.counts.iter().enumerate();
    let filled = bins.filter(|(_, bin)| bin.iter().any(|count| *count > 0));
    html! {
        details {
            summary { "As a table" }
            div.scroll tabindex="0" role="region" aria-label="Events over time" {
                table {
                    thead {
                        tr {
                            th scope="col" { "from" }
                            th.number scope="col" { "events" }
                            @for coloured in coloured {
                                th.number scope="col" { (cut(&escaped(coloured), SHORT)) }
                            }
                            @if others { th.number scope="col" { "other types" } }
                        }
                    }
                    tbody {
                        @for (nth, bin) in filled {
                            tr {
                                th scope="row" { (timeline.bins.label(nth)) }
                                td.number { (thousands(bin.iter().sum())) }
                                @for count in bin.iter().take(coloured.len()) {
                                    td.number { (thousands(*count)) }
                                }
                                @if others {
                                    td.number { (thousands(bin.last().copied().unwrap_or(0))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

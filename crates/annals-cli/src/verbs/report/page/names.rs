//! Types, categories, streams and tags: those with the most, and the others summed up.

use super::super::gather::Facts;
use super::super::top::Top;
use super::pieces::{bar, name, note, percent, second, section};
use super::time::colour;
use crate::show::{bytes, count, thousands};
use maud::{Markup, html};

/// A row of a table of names.
pub struct Row {
    /// The name, or what stands in its place.
    pub name: Markup,
    /// What the bar is as long as, and its colour; nothing for a row without one.
    pub bar: Option<(u64, &'static str)>,
    /// The other cells.
    pub cells: Vec<String>,
}

/// A table of names, each with a bar. Where there is little room its rows become blocks, and each
/// cell says what it is; the roles are for those who would lose the table by that.
pub fn table(heads: &[&str], rows: &[Row]) -> Markup {
    let longest = rows.iter().filter_map(|row| row.bar).map(|(length, _)| length).max();
    html! {
        table.names role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for (nth, head) in heads.iter().enumerate() {
                        th.number[nth > 0] scope="col" role="columnheader" { (head) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        th scope="row" role="rowheader" {
                            (row.name)
                            @if let Some((length, colour)) = row.bar {
                                (bar(length, longest.unwrap_or(0), colour))
                            }
                        }
                        @for (head, cell) in heads.iter().skip(1).zip(&row.cells) {
                            td.number role="cell" data-head=[(!cell.is_empty()).then_some(head)] {
                                (cell)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The row of those that are not shown by name.
pub fn others(names: Option<u64>, what: &str, cells: Vec<String>) -> Row {
    let name = match names {
        Some(1) => format!("1 other {what}"),
        Some(names) => format!("{} others", thousands(names)),
        None => "others".to_owned(),
    };
    Row { name: html! { i { (name) } }, bar: None, cells }
}

/// That the index is damaged where something is listed.
fn unreadable() -> Markup {
    note(&html! { "The index can't be read here: it is damaged." })
}

/// By type.
pub fn types(facts: &Facts) -> Markup {
    let body = match &facts.types {
        None => unreadable(),
        Some(types) if types.list.is_empty() => html! { p.none { "There are no events." } },
        Some(types) => {
            let found = facts.passed.types.iter();
            let mut rows: Vec<Row> = Vec::new();
            let mut bytes_listed = 0;
            for (rank, ((type_name, events), sum)) in types.list.iter().zip(found).enumerate() {
                bytes_listed += sum.bytes;
                rows.push(Row {
                    name: name(type_name),
                    bar: Some((*events, colour(rank))),
                    cells: vec![
                        thousands(*events),
                        percent(*events, types.sum),
                        bytes(sum.bytes),
                        bytes(sum.bytes.checked_div(sum.events).unwrap_or(0)),
                    ],
                });
            }
            if let (names @ 1.., events) = types.rest() {
                let rest = facts.passed.payloads.bytes.saturating_sub(bytes_listed);
                let mean = bytes(rest.checked_div(events).unwrap_or(0));
                let cells = vec![thousands(events), percent(events, types.sum), bytes(rest), mean];
                rows.push(others(Some(names), "type", cells));
            }
            html! {
                p.lead { (count(types.names, "type")) "." }
                (table(&["type", "events", "share", "payload", "mean"], &rows))
            }
        }
    };
    section("types", "By type", &body)
}

/// By category.
pub fn categories(facts: &Facts) -> Markup {
    let categories = &facts.passed.categories;
    let (events, size) = (facts.passed.payloads.count, facts.passed.payloads.bytes);
    let row = |sum: &super::super::top::Sum| {
        vec![
            thousands(sum.events),
            percent(sum.events, events),
            bytes(sum.bytes),
            percent(sum.bytes, size),
        ]
    };
    let mut rows: Vec<Row> = Vec::new();
    for (category, sum) in &categories.list {
        let bar = Some((sum.events, "c1"));
        rows.push(Row { name: name(category), bar, cells: row(sum) });
    }
    let listed = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if categories.rest.events > 0 {
        let names = categories.names.map(|names| names.saturating_sub(listed));
        rows.push(others(names, "category", row(&categories.rest)));
    }
    let body = html! {
        @if rows.is_empty() {
            p.none { "There are no events." }
        } @else {
            p.lead {
                @match categories.names {
                    Some(1) => "1 category.",
                    Some(names) => { (thousands(names)) " categories." },
                    None => "Very many categories.",
                }
                " A category is the name of a stream up to the first " code { "-" } "."
            }
            @if categories.missed > 0 {
                (note(&html! {
                    "There are too many categories to count each: those below may have up to "
                    (count(categories.missed, "event")) " more than is said."
                }))
            }
            (table(&["category", "events", "of events", "payload", "of bytes"], &rows))
        }
    };
    section("categories", "By category", &body)
}

/// The streams with the most events.
pub fn streams(facts: &Facts) -> Markup {
    let mut rows: Vec<Row> = Vec::new();
    let (mut listed, mut events_listed) = (0_u64, 0_u64);
    for stream in &facts.streams {
        listed += 1;
        events_listed += stream.events;
        rows.push(Row {
            name: name(&stream.name),
            bar: Some((stream.events, "c1")),
            cells: vec![thousands(stream.events), second(stream.first), second(stream.last)],
        });
    }
    let names = facts.stats.streams.saturating_sub(listed);
    if names > 0 && listed > 0 {
        let rest = facts.stats.events.saturating_sub(events_listed);
        rows.push(others(
            Some(names),
            "stream",
            vec![thousands(rest), String::new(), String::new()],
        ));
    }
    let mean = facts.stats.events.checked_div(facts.stats.streams).unwrap_or(0);
    let body = html! {
        @if rows.is_empty() {
            p.none { "There are no streams." }
        } @else {
            p.lead {
                (count(facts.stats.streams, "stream")) ", of about "
                (count(mean, "event")) " each."
            }
            (table(&["stream", "events", "first", "last"], &rows))
        }
    };
    section("streams", "Largest streams", &body)
}

/// The tags with the most events.
pub fn tags(facts: &Facts) -> Markup {
    let body = match &facts.tags {
        None => unreadable(),
        Some(tags) if tags.list.is_empty() => html! { p.none { "No event has a tag." } },
        Some(tags) => html! {
            p.lead {
                (count(tags.names, "tag")) ". An event may have several, or none."
            }
            (table(&["tag", "events", "of all"], &tag_rows(tags, facts.stats.events)))
        },
    };
    section("tags", "Tags with most events", &body)
}

fn tag_rows(tags: &Top, events: u64) -> Vec<Row> {
    let named = tags.list.iter().map(|(tag, count)| Row {
        name: name(tag),
        bar: Some((*count, "c1")),
        cells: vec![thousands(*count), percent(*count, events)],
    });
    let (names, count) = tags.rest();
    let rest = (names > 0).then(|| {
        let times = format!("{} in sum", thousands(count));
        others(Some(names), "tag", vec![times, String::new()])
    });
    named.chain(rest).collect()
}

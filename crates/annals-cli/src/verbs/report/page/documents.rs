//! The documents, by their sizes.

use super::super::gather::Facts;
use super::health::sentence;
use super::names::{Row, others, table};
use super::pieces::{name, note, section};
use crate::show::{bytes, count};
use maud::{Markup, html};

/// The section.
pub fn documents(facts: &Facts) -> Markup {
    let body = match &facts.documents {
        None => note(&html! { "The index can't be read here: it is damaged." }),
        Some(documents) => {
            let top = &documents.top;
            let named = top.list.iter().map(|(key, size)| Row {
                name: name(key),
                bar: Some((*size, "c1")),
                cells: vec![bytes(*size)],
            });
            let (names, size) = top.rest();
            let rest = (names > 0).then(|| others(Some(names), "document", vec![bytes(size)]));
            let rows: Vec<Row> = named.chain(rest).collect();
            html! {
                @if let Some(why) = &documents.stopped {
                    (note(&html! { "Not all documents could be read: " (sentence(why)) }))
                }
                @if rows.is_empty() {
                    p.none { "There are no documents." }
                } @else {
                    p.lead { (count(top.names, "document")) " with " (bytes(top.sum)) " in all." }
                    (table(&["key", "bytes"], &rows))
                }
            }
        }
    };
    section("documents", "Documents", &body)
}

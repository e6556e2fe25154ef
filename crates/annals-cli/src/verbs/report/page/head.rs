//! What the store is.

use super::super::gather::Facts;
use super::pieces::{name, note, second};
use crate::show::{bytes, count, thousands};
use annals::Ending;
use maud::{Markup, html};

/// The head of the page.
pub fn head(facts: &Facts) -> Markup {
    let (stats, passed) = (&facts.stats, &facts.passed);
    let documents = facts.documents.as_ref().map(|documents| documents.top.names);
    let segments = count(stats.segments, "segment");
    html! {
        header {
            h1 { (name(&facts.file)) }
            p.id { "Store " code { (facts.id) } }
            @if facts.recovery.ending == Ending::Damaged {
                (note(&html! {
                    strong { "This store is damaged." }
                    " The page shows it up to the damage; see " a href="#health" { "health" } "."
                }))
            }
            @if let Some(stopped) = &passed.stopped {
                (note(&html! {
                    strong { "Not all events could be read." }
                    " What is counted by reading ends with position "
                    (thousands(stopped.after.get())) "; see " a href="#health" { "health" } "."
                }))
            }
            dl.tiles {
                (tile("events", &thousands(stats.events), ""))
                (tile("streams", &thousands(stats.streams), ""))
                (tile("documents", &documents.map_or_else(|| "?".to_owned(), thousands), ""))
                (tile("file", &bytes(stats.file_bytes), &segments))
                (tile("first event", &second(passed.span.map(|(first, _)| first)), "recorded, UTC"))
                (tile("last event", &second(passed.span.map(|(_, last)| last)), "recorded, UTC"))
            }
        }
    }
}

fn tile(what: &str, value: &str, about: &str) -> Markup {
    html! {
        div {
            dt { (what) }
            dd {
                (value)
                @if !about.is_empty() { small { (about) } }
            }
        }
    }
}

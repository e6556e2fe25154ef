//! How the store is.

use super::super::gather::Facts;
use super::pieces::{name, section};
use crate::show::{bytes, count, thousands};
use annals::Ending;
use maud::{Markup, html};

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::New => "new",
        Ending::Closed => "closed",
        Ending::Whole => "not closed, but whole",
        Ending::Torn => "not closed, and torn in the middle of writing",
        Ending::Damaged => "damaged",
        Ending::InUse => "in use: another process has it open to write",
        _ => "in a way that this program has no word for",
    }
}

/// The section.
pub fn health(facts: &Facts) -> Markup {
    let (recovery, stats) = (&facts.recovery, &facts.stats);
    let is_bad = recovery.ending == Ending::Damaged
        || recovery.header_damaged
        || facts.passed.stopped.is_some()
        || facts.types.is_none()
        || facts.map.is_err()
        || facts.tags.is_none()
        || facts.documents.as_ref().is_none_or(|documents| documents.stopped.is_some());
    let body = html! {
        p.verdict.bad[is_bad].good[!is_bad] {
            @if is_bad {
                "Damaged. " code { "annals verify" } " lists the damage, " code { "annals salvage" }
                " gets the rest out."
            } @else {
                "No damage was met: every event was read, and passed its check. "
                code { "annals verify" } " looks at the index too."
            }
        }
        dl.facts {
            (fact("The store was left", &html! { (ending(recovery.ending)) }))
            (fact("What opening it found", &html! { (sentence(&recovery.why)) }))
            @if let Some(stopped) = &facts.passed.stopped {
                (fact("Reading stopped", &html! {
                    "after position " (thousands(stopped.after.get())) ": "
                    (sentence(&stopped.why))
                }))
            }
            @if recovery.header_damaged {
                (fact("Page 0", &html! { "damaged; the slots repeat what it says" }))
            }
            (fact("Read again when it was opened", &html! {
                (count(recovery.events, "event")) " in " (count(recovery.commits, "commit"))
            }))
            @if recovery.bytes_discarded > 0 {
                (fact("Passed over behind the log's end", &html! {
                    (bytes(recovery.bytes_discarded)) ", never acknowledged as synced"
                }))
            }
            @if recovery.bytes_unproven > 0 {
                (fact("Not proven to be synced", &html! {
                    (bytes(recovery.bytes_unproven)) " of the log; they are there now, and may be "
                    "gone after a power cut"
                }))
            }
            (fact("Head", &html! { "position " (thousands(stats.head.get())) }))
            (fact("Synced", &html! { "up to position " (thousands(stats.durable.get())) }))
            @if stats.index.healed > 0 {
                (fact("Pieces of index made anew", &html! { (thousands(stats.index.healed)) }))
            }
            @if let Some(error) = &facts.health.background {
                (fact("In the background", &html! { (sentence(&error.to_string())) }))
            }
        }
    };
    section("health", "Health", &body)
}

fn fact(what: &str, value: &Markup) -> Markup {
    html! {
        div {
            dt { (what) }
            dd { (value) }
        }
    }
}

/// What the library says: as harmless as a name, and not cut.
pub fn sentence(text: &str) -> Markup {
    if text.len() > 2_000 {
        name(text)
    } else {
        html! { bdi { (crate::show::escaped(text)) } }
    }
}

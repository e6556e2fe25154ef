//! The page. Whatever comes from the store is escaped twice: what acts on a reader of plain text
//! by [`pieces::name`], what acts on HTML by the templates.

mod chart;
mod documents;
mod head;
mod health;
mod map;
mod names;
mod pieces;
mod sizes;
mod time;

use super::gather::Facts;
use crate::show::escaped;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing is loaded and nothing runs, whatever a name should bring about.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The page.
pub fn page(facts: &Facts) -> Markup {
    let title = escaped(&facts.file);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { (pieces::cut_name(&title)) " · Annals" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main {
                    (head::head(facts))
                    (time::over_time(facts))
                    (names::types(facts))
                    (names::categories(facts))
                    (names::streams(facts))
                    (names::tags(facts))
                    (sizes::sizes(facts))
                    (map::file(facts))
                    (documents::documents(facts))
                    (health::health(facts))
                }
                footer {
                    "Looked at on " (pieces::second(Some(facts.looked))) " with annals "
                    (env!("CARGO_PKG_VERSION")) ". All times are UTC. "
                    "KiB, MiB and GiB are 1,024 of the next smaller."
                }
            }
        }
    }
}

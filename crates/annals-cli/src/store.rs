//! Opening stores.

use crate::exit::{Failure, Outcome};
use annals::{Ending, Options, Store};
use std::path::Path;

/// Opens a store to look at it, also while somebody writes it. A damaged one opens up to the
/// damage, and that is said.
pub fn to_look(path: &Path) -> Outcome<Store> {
    let store = Options::new().open_read_only(path)?;
    let report = store.recovery_report();
    if report.ending == Ending::Damaged {
        crate::show::said(format_args!(
            "annals: {} is damaged, and shown up to the damage: {}; `annals verify` lists it, \
             `annals salvage` gets the rest out",
            crate::show::escaped(&path.display().to_string()),
            crate::show::escaped(&report.why),
        ));
    }
    Ok(store)
}

/// Opens a store to write, which has to be there.
pub fn to_write(options: &Options, path: &Path) -> Outcome<Store> {
    options.clone().create(false).open(path).map_err(|error| {
        let is_missing = error.kind() == annals::ErrorKind::NotFound;
        match Failure::from(error) {
            Failure::Ended(code, message) if is_missing => {
                Failure::Ended(code, format!("{message}; `annals init` makes a store"))
            }
            other => other,
        }
    })
}

/// That no event has this stream's name: with names that are near.
pub fn no_such_stream(store: &Store, stream: &str) -> Failure {
    let near = match store.streams() {
        Ok(names) => crate::show::nearest(stream, names),
        Err(_) => Vec::new(),
    };
    not_there("stream", stream, &near)
}

/// That there is no such thing of this name; near ones are.
pub fn not_there(what: &str, name: &str, near: &[String]) -> Failure {
    let near: Vec<String> =
        near.iter().map(|name| format!("'{}'", crate::show::escaped(name))).collect();
    let hint = match near.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    };
    Failure::not_there(format!("there is no {what} '{}'{hint}", crate::show::escaped(name)))
}

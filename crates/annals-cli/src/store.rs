//! Opening stores.

use crate::exit::{Failure, NOT_THERE, Outcome};
use crate::show::{escaped, nearest, path_name, said};
use annals::{Ending, Options, Store, Version, View};
use std::path::Path;

/// Opens a store to look at it, also while somebody writes it. A damaged one opens up to the
/// damage, and that is said.
pub fn to_look(path: &Path) -> Outcome<Store> {
    let store = opened(path, Options::new().open_read_only(path))?;
    if is_damaged(&store) {
        said(format_args!(
            "annals: {} is damaged, and shown up to the damage: {}; `annals verify` lists it, \
             `annals salvage` gets the rest out",
            path_name(path),
            escaped(&store.recovery_report().why),
        ));
    }
    Ok(store)
}

/// Whether it is open up to some damage.
pub fn is_damaged(store: &Store) -> bool {
    store.recovery_report().ending == Ending::Damaged
}

/// Opens a store and lets `look` at it. If it is damaged, what was shown is not all, however that
/// went.
pub fn looking(path: &Path, look: impl FnOnce(&Store) -> Outcome) -> Outcome {
    let store = to_look(path)?;
    let looked = look(&store);
    if !is_damaged(&store) {
        return looked;
    }
    match looked {
        // That it is damaged has been said.
        Ok(()) => Err(Failure::can_not("")),
        // It may have stood behind the damage.
        Err(Failure::Ended(NOT_THERE, what)) => Err(Failure::can_not(what)),
        other => other,
    }
}

/// Opens a store to write, which has to be there.
pub fn to_write(options: &Options, path: &Path) -> Outcome<Store> {
    let store = options.clone().create(false).open(path);
    let is_missing = store.as_ref().is_err_and(|error| error.kind() == annals::ErrorKind::NotFound);
    opened(path, store).map_err(|failure| match failure {
        Failure::Ended(code, message) if is_missing => {
            Failure::Ended(code, format!("{message}; `annals init` makes a store"))
        }
        other => other,
    })
}

/// What opening this file has come to; why it failed names the file.
pub fn opened(path: &Path, store: Result<Store, annals::Error>) -> Outcome<Store> {
    let name = path_name(path);
    store.map_err(|error| match Failure::from(error) {
        Failure::Ended(code, what) if !what.contains(&name) => {
            Failure::Ended(code, format!("{name}: {what}"))
        }
        other => other,
    })
}

/// That there is this stream; else names that are near.
pub fn check_stream(view: &View, stream: &str) -> Outcome {
    if view.stream_version(stream)? != Version::NONE {
        return Ok(());
    }
    Err(not_there("stream", stream, &nearest(stream, view.streams())))
}

/// That there is a stream of this category; else names that are near.
pub fn check_category(view: &View, category: &str) -> Outcome {
    if view.streams_of(category).next().is_some() {
        return Ok(());
    }
    let names = view.categories()?.into_iter().map(Ok::<_, annals::Error>);
    Err(not_there("category", category, &nearest(category, names)))
}

/// That there is no such thing of this name; near ones are.
pub fn not_there(what: &str, name: &str, near: &[String]) -> Failure {
    let near: Vec<String> = near.iter().map(|name| format!("'{}'", escaped(name))).collect();
    let hint = match near.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    };
    Failure::not_there(format!("there is no {what} '{}'{hint}", escaped(name)))
}

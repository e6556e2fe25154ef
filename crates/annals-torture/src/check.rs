//! What has to hold of a store that somebody has left, whoever looks at it.

use crate::outcome::Outcome;
use crate::plan::{Mark, keys};
use crate::walk::{Walk, mark_of};
use annals::{Document, Ending, Keys, Options, Query, QueryItem, Read, Store, View};
use std::collections::BTreeMap;
use std::path::Path;

/// What is in a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) walk: Walk,
    /// Who put each document.
    pub(crate) documents: BTreeMap<String, Mark>,
    /// The chain at the head that was asked for.
    pub(crate) chain_before: Option<u64>,
}

impl Found {
    /// The last commit of a thread that is there.
    pub(crate) fn number(&self, thread: usize) -> u64 {
        self.walk.threads.get(thread).map_or(0, |line| line.number)
    }
}

/// Looks at a store that was kept, of which nothing is known but its seed.
pub fn check_file(path: &Path, seed: u64) -> Outcome {
    let opened = Options::new().open_read_only(path).map_err(said("opening it"));
    let found = opened.and_then(|store| look(&store, seed, 0));
    let (figures, violations) = match found {
        Ok(found) => (format!("{} events", found.walk.head), Vec::new()),
        Err(what) => ("looked at".to_owned(), vec![what]),
    };
    Outcome::Done { figures, violations }
}

/// Looks at everything in the store, by every way of asking; notes the chain at `before`, a head
/// that was seen earlier.
///
/// # Errors
/// In words, what of it is not as it has to be.
pub(crate) fn look(store: &Store, seed: u64, before: u64) -> Result<Found, String> {
    let report = store.recovery_report();
    if report.ending == Ending::Damaged {
        return Err(format!("is called damaged: {report}"));
    }
    let view = store.view().map_err(said("looking at it"))?;
    let mut found = Found { walk: Walk::new(seed), ..Found::default() };
    walk_on(&view, &mut found.walk, |walk| {
        if walk.head == before {
            found.chain_before = Some(walk.chain);
        }
    })?;
    if before == 0 {
        found.chain_before = Some(0);
    }
    let documents = documents(&view)?;
    found.walk.documents(&documents)?;
    for document in &documents {
        found.documents.insert(document.key.clone(), mark_of(document)?);
    }
    by_key(&view, &found.walk, &documents)?;
    by_index(&view, &found.walk)?;
    let verified = store.verify().map_err(said("verifying it"))?;
    if !verified.is_whole() || verified.events != found.walk.head {
        return Err(format!("verified: {verified:?}, with {} events read", found.walk.head));
    }
    Ok(found)
}

/// Walks on to the end of the view, which is at the end of a commit; `each` is called after each
/// event.
pub(crate) fn walk_on(
    view: &View,
    walk: &mut Walk,
    mut each: impl FnMut(&Walk),
) -> Result<(), String> {
    let mut cursor = view.all(Read::new().after(walk.head));
    while let Some(event) = cursor.next_event().map_err(said("reading it"))? {
        walk.event(&event)?;
        each(walk);
    }
    if walk.head != view.head().get() {
        return Err(format!("the head is {}, but {} events are there", view.head(), walk.head));
    }
    if !walk.is_between_commits() {
        return Err(format!("the head {} is within a commit", walk.head));
    }
    Ok(())
}

/// All documents, in the order of their keys.
pub(crate) fn documents(view: &View) -> Result<Vec<Document>, String> {
    view.documents(&Keys::all()).collect::<Result<_, _>>().map_err(said("listing documents"))
}

/// Each key is asked for: those that are there and those that are not.
fn by_key(view: &View, walk: &Walk, documents: &[Document]) -> Result<(), String> {
    for thread in 0..walk.threads.len().max(1) as u8 {
        for key in keys(thread) {
            let found = view.document(&key).map_err(said("asking for a document"))?;
            if found.as_ref() != documents.iter().find(|document| document.key == key) {
                return Err(format!("document {key} is listed differently from {found:?}"));
            }
        }
    }
    Ok(())
}

/// What the index answers is what the walk has met.
pub(crate) fn by_index(view: &View, walk: &Walk) -> Result<(), String> {
    let names: Result<Vec<String>, _> = view.streams().collect();
    let mut names = names.map_err(said("listing streams"))?;
    names.sort_unstable();
    if names.iter().ne(walk.streams.keys()) {
        return Err(format!("the streams {names:?} are listed, not {:?}", walk.streams.keys()));
    }
    let counted = |counts: annals::Counts, wanted: &BTreeMap<String, Vec<u64>>, what: &str| {
        let counts: Result<Vec<_>, _> = counts.collect();
        let counts = counts.map_err(said("listing names"))?;
        let found = counts.iter().map(|counted| (counted.name.as_str(), counted.events));
        if found.clone().ne(wanted.iter().map(|(name, all)| (name.as_str(), all.len() as u64))) {
            return Err(format!("the {what} {:?} are listed", found.collect::<Vec<_>>()));
        }
        Ok(())
    };
    counted(view.types(&Keys::all()), &walk.types, "types")?;
    counted(view.tags(&Keys::all()), &walk.tags, "tags")?;
    for (stream, positions) in &walk.streams {
        by_stream(view, stream, positions)?;
    }
    for (tag, positions) in walk.tags.iter().filter(|(tag, _)| tag.starts_with("tag:")) {
        by_query(view, QueryItem::new().tag(tag), positions)?;
    }
    for (name, positions) in &walk.types {
        by_query(view, QueryItem::new().event_type(name), positions)?;
    }
    Ok(())
}

/// A stream has these events and no others.
pub(crate) fn by_stream(view: &View, stream: &str, positions: &[u64]) -> Result<(), String> {
    let version = view.stream_version(stream).map_err(said("asking for a version"))?.get();
    if version != positions.len() as u64 {
        return Err(format!("{stream} is at version {version}, not {}", positions.len()));
    }
    same(view.stream(stream, Read::new()), positions).map_err(|what| format!("{stream} {what}"))
}

/// A query finds these events and no others.
pub(crate) fn by_query(view: &View, item: QueryItem, positions: &[u64]) -> Result<(), String> {
    let query = Query::from(item);
    let found = view.query(&query, Read::new()).map_err(said("asking by a query"))?;
    same(found, positions).map_err(|what| format!("{query:?} {what}"))
}

fn same(mut found: annals::Cursor, positions: &[u64]) -> Result<(), String> {
    for &position in positions {
        match found.next_event().map_err(said("reading by the index"))? {
            Some(event) if event.position.get() == position => {}
            other => {
                let other = other.map(|event| event.position);
                return Err(format!("gives position {other:?} where {position} is next"));
            }
        }
    }
    match found.next_event().map_err(said("reading by the index"))? {
        None => Ok(()),
        Some(event) => Err(format!("gives position {} too", event.position)),
    }
}

/// An error in words.
pub(crate) fn said(doing: &'static str) -> impl Fn(annals::Error) -> String {
    move |error| format!("{doing}: {error:?}")
}

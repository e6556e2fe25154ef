//! Compacting: the same events at the same positions, written anew into a store with an id of its
//! own. What is not taken along: documents that were replaced or deleted, room that nobody uses,
//! and pieces of index that were merged.

use super::{Anew, CopyReport};
use crate::engine::READ_AHEAD;
use crate::engine::view::View;
use crate::engine::writer::Engine;
use crate::format::{Chain, Entries, Mark, SEGMENT_HEADER_LEN, u64_of};
use crate::log::{Fetch, Located, Walk, Window};
use crate::storage::Storage;
use crate::words::{
    AppendError, Change, Commit, Corruption, DocumentPart, Error, ErrorKind, Event, IdCheck,
    LogOffset, NewEvent, Position, Timestamp,
};
use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Engine {
    /// Writes everything visible anew to an empty device. `progress` gets bytes done and bytes in
    /// all, and may stop it.
    pub fn compact(
        &self,
        target: &Arc<dyn Storage>,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<CopyReport, Error> {
        let view = self.view()?;
        if view.sources.first() != Position::new(1) {
            let what = "a store that does not begin with position 1 can't be compacted";
            return Err(Error::new(ErrorKind::Newer, what));
        }
        let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
        let all = view.end.since(at);
        let copy = Anew::begin(target, all)?;

        self.core.all_segments(&view.segments)?;
        let core = &*self.core;
        let start = Mark { at, chain: Chain::default(), next: view.sources.first() };
        let window = Window::new(core.storage.clone(), READ_AHEAD);
        let mut walk = Walk::by_chain(core.identity.key, &view.segments, window, start);
        let mut fetch =
            Fetch::new(core.storage.clone(), core.identity, view.segments.clone(), READ_AHEAD);
        let mut report = CopyReport::default();
        while walk.here.at < view.end {
            let mut commit = None;
            let just_one = walk.here.at.plus(1);
            let stop = walk
                .run(just_one, &mut |met: Entries<'_>| {
                    commit = Some(again(&view, &mut fetch, met));
                    true
                })
                .map_err(failed)?;
            if stop.is_some() {
                return Err(Error::corrupt(Corruption {
                    file_offset: None,
                    log_offset: Some(walk.here.at),
                    intact_to: Some(walk.here.next.previous()),
                    what: "the log fails its check, so the store can't be compacted".to_owned(),
                }));
            }
            // The end of a segment is no commit; nor is one of which nothing is left.
            if let Some((commit, recorded)) = commit.transpose()?.flatten() {
                let appended = copy.commit(&commit, recorded).map_err(refused)?;
                debug_assert_eq!(appended.last, walk.here.next.previous());
                report.documents += u64_of(commit.documents.len());
                report.commits += 1;
                report.events = appended.last.get();
            }
            if progress(walk.here.at.since(at), all).is_break() {
                return Ok(CopyReport { cancelled: true, ..CopyReport::default() });
            }
        }
        report.bytes = copy.finish()?;
        Ok(report)
    }
}

/// A commit as it was made, with the ids written out, without the documents that were replaced or
/// deleted later; and its recorded time. Nothing if nothing is left of it.
fn again(
    view: &View,
    fetch: &mut Fetch,
    met: Entries<'_>,
) -> Result<Option<(Commit, Timestamp)>, Error> {
    let mut commit = Commit::new().id_check(IdCheck::Off);
    let mut recorded = Timestamp::from_micros(i64::MIN);
    let mut expected = HashSet::with_capacity(met.events.len());
    for entry in met.events {
        let stream = entry.stream.text;
        if expected.insert(entry.stream.hash) {
            commit = commit.expect(stream, entry.version.get().saturating_sub(1));
        }
        let event = view.event(fetch, Located { position: entry.position, at: entry.at })?;
        recorded = event.recorded;
        commit = commit.event(stream, new_event(&event)?);
    }
    for entry in met.documents.iter().filter(|entry| !entry.place.deleted) {
        if view.document_place(entry.key.hash)? != Some(entry.place) {
            continue;
        }
        let Some(document) = view.document(fetch, entry.key.text)? else { continue };
        recorded = document.recorded;
        commit = commit.document_part(DocumentPart {
            key: document.key.to_owned(),
            expected: None,
            change: Change::Put(document.value.to_vec()),
            given: Some(document.revision),
        });
    }
    let left = !met.events.is_empty() || !commit.documents.is_empty();
    Ok(left.then_some((commit, recorded)))
}

fn new_event(event: &Event<'_>) -> Result<NewEvent, Error> {
    let mut new = NewEvent::new(event.event_type()?, event.payload);
    new.kind = event.kind();
    new.schema_version = event.schema_version();
    new.tags = event.tags()?.iter().map(str::to_owned).collect();
    // A derived id would be another one in the copy.
    new.id = Some(event.id());
    new.correlation_id = event.correlation_id();
    new.causation_id = event.causation_id();
    new.occurred = event.occurred();
    new.metadata = event.metadata().map(<[u8]>::to_vec);
    Ok(new)
}

fn failed(error: io::Error) -> Error {
    Error::io("compacting the store failed", error)
}

fn refused(error: AppendError) -> Error {
    match error {
        AppendError::Other(error) | AppendError::OutcomeUnknown(error) => error,
        error => Error::new(
            ErrorKind::Io,
            format!("compacting the store failed: a commit does not fit the copy: {error}"),
        ),
    }
}

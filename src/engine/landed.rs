//! Retry: a commit whose ids are in the store already. It is either that very commit once more, and
//! has landed, or another one that has no right to these ids.

use super::core::{Core, READ_AHEAD, READ_ONE};
use super::heal::mark_at;
use super::view::View;
use super::writer::WriteSide;
use crate::format::{Entries, TermHash, TermKind, index};
use crate::index::{Matching, Wanted};
use crate::log::{Draft, Walk, Window, frame_of};
use crate::words::{
    AppendError, Appended, Difference, Error, IdConflict, LogOffset, Position, Revision, Version,
};
use std::sync::Arc;
use uuid::Uuid;

/// So many events with one id are looked at; there is more than one only where somebody did not
/// look.
const MOST: usize = 16;

impl WriteSide {
    /// What a commit has become of which some ids are there: when it landed, with the end of its
    /// frame. What is there is visible by now.
    pub(super) fn landed(
        &self,
        core: &Arc<Core>,
        draft: &Draft,
    ) -> Result<(LogOffset, Appended), AppendError> {
        let view = View::placed(core, self.writer().mark());
        let Some((id, positions)) = first_known(&view, draft)? else {
            // The index has found one of them before.
            return Err(Error::outcome_unknown().into());
        };
        let mut conflict = None;
        for position in positions {
            match commit_at(&view, draft, position)? {
                Ok(landed) => return Ok(landed),
                Err(difference) => {
                    conflict.get_or_insert(IdConflict { id, position, difference });
                }
            }
        }
        Err(conflict.map_or_else(|| Error::outcome_unknown().into(), AppendError::IdConflict))
    }
}

/// The first of a commit's ids that is in the store, and where.
fn first_known(view: &View, draft: &Draft) -> Result<Option<(Uuid, Vec<Position>)>, Error> {
    let all = (Position::new(1), view.head);
    for id in draft.ids().flatten() {
        let term = view.core.identity.key.term(id.as_bytes()).of(TermKind::Id);
        let mut matching = Matching::new(Wanted::term(term), all, false);
        let mut positions = Vec::new();
        while positions.len() < MOST
            && let Some(position) = view.ask(|sources| matching.next(sources))?
        {
            positions.push(position);
        }
        if !positions.is_empty() {
            return Ok(Some((id, positions)));
        }
    }
    Ok(None)
}

/// What the commit that has this position was, if it is this one; else what differs.
fn commit_at(
    view: &View,
    draft: &Draft,
    position: Position,
) -> Result<Result<(LogOffset, Appended), Difference>, Error> {
    let core = &view.core;
    let failed = |error| Error::io("reading the log failed", error);
    let place = view.place(position)?.ok_or_else(Error::outcome_unknown)?;
    core.know_segment(&view.segments, place.at)?;
    let mut window = Window::new(core.storage.clone(), READ_ONE);
    let frame = frame_of(&mut window, &view.segments, place.at).map_err(failed)?;
    let start = match frame {
        Some(at) => mark_at(&core.storage, &core.identity, &view.segments, at)?,
        None => None,
    };
    let start = start.ok_or_else(|| view.damaged_at(place))?;
    let window = Window::new(core.storage.clone(), READ_AHEAD);
    let mut walk = Walk::by_chain(core.identity.key, &view.segments, window, start);
    let mut landed = None;
    let stop = walk.run(start.at.plus(1), &mut |met: Entries<'_>| {
        landed = Some(compare(draft, met));
        true
    });
    match (stop.map_err(failed)?, landed) {
        (None, Some(landed)) => Ok(landed.map(|appended| (walk.here.at, appended))),
        _ => Err(view.damaged_at(place)),
    }
}

/// Whether a commit that landed is this one, or begins with it.
fn compare(draft: &Draft, landed: Entries<'_>) -> Result<Appended, Difference> {
    let stream = |nth: u32| draft.streams.get(index(u64::from(nth)));
    let name = |stream| draft.stream(stream).text.to_owned();
    let mut versions: Vec<(String, Version)> =
        draft.streams.iter().map(|stream| (name(stream), Version::NONE)).collect();
    let events = draft.stream_numbers().zip(draft.ids());
    for ((number, id), there) in events.zip(landed.events) {
        let hash = there.stream.hash.of(TermKind::Stream);
        let same_stream = stream(number).is_some_and(|own| draft.stream(own).hash == hash);
        if !same_stream || id != there.ids[0] {
            return Err(Difference::Event);
        }
        if let Some((_, version)) = versions.get_mut(index(u64::from(number))) {
            *version = there.version;
        }
    }
    let count = index(draft.events());
    if count > landed.events.len() {
        return Err(Difference::Longer);
    }
    let mut revisions = Vec::new();
    for document in draft.documents.iter().filter(|document| document.is_change()) {
        let revision = revision_of(document.hash, landed).ok_or(Difference::Document)?;
        revisions.push((document.key.clone(), revision));
    }
    versions.retain(|(_, version)| *version > Version::NONE);
    let position = |nth: usize| landed.events.get(nth).map(|event| event.position);
    let first = position(0).unwrap_or_default();
    let last = position(count.saturating_sub(1)).unwrap_or_default();
    Ok(Appended { first, last, versions, revisions, replayed: true })
}

/// The revision that a document got by a commit, by the hash of its key.
fn revision_of(key: TermHash, landed: Entries<'_>) -> Option<Revision> {
    let found = landed.documents.iter().find(|document| document.key.hash == key);
    found.map(|document| document.place.revision)
}

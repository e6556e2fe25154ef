//! What has to hold for a commit to land: looked at twice. Before the writer's lock is taken,
//! everything placed until then; under the lock only what has come since.

use super::core::{Core, READ_ONE};
use super::query::Matches;
use super::view::View;
use super::writer::{WriteSide, Writer};
use crate::format::{DocumentPlace, Mark, TermHash, TermKind};
use crate::index::{RunError, Sources};
use crate::log::Draft;
use crate::words::{
    AppendCondition, AppendError, Commit, ConditionFailed, Conflict, DocumentConflict, Error,
    IdCheck, Limit, LimitExceeded, LogOffset, Position, Revision,
};
use std::sync::Arc;

/// What was seen before the lock was taken.
#[derive(Default)]
pub(super) struct Seen {
    /// Up to where; nothing if there was nothing to look for.
    to: Option<Mark>,
    /// Terms of the ids to look for, sorted.
    ids: Vec<TermHash>,
    /// Whether one of them is there.
    knows_ids: bool,
    /// The newest record of each of the commit's documents.
    documents: Vec<Option<DocumentPlace>>,
    /// The first condition that fails, and the position that makes it fail.
    failing: Option<(usize, Position)>,
}

impl Seen {
    /// From where on the log was not looked at.
    fn from(&self) -> LogOffset {
        self.to.map_or(LogOffset::ZERO, |mark| mark.at)
    }

    /// The position of the first event that was not looked at.
    fn next(&self) -> Position {
        self.to.map_or(Position::new(1), |mark| mark.next)
    }
}

impl WriteSide {
    /// Looks for whatever the commit's guards ask for, in everything placed so far.
    pub(super) fn look(
        &self,
        core: &Arc<Core>,
        commit: &Commit,
        draft: &Draft,
    ) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        if commit.id_check == IdCheck::On {
            seen.ids = draft.id_terms().collect();
            seen.ids.sort_unstable();
        }
        if seen.ids.is_empty() && draft.documents.is_empty() && commit.conditions.is_empty() {
            return Ok(seen);
        }
        let to = self.writer().mark();
        if commit.conditions.iter().any(|condition| condition.query.reads_log()) {
            self.write_to(core, to.at)?;
        }
        // Taken later: everything placed is in the index.
        let view = View::placed(core, to);
        let all = (Position::new(1), view.head);
        seen.knows_ids =
            !seen.ids.is_empty() && view.ask(|sources| sources.has_any(&seen.ids, all))?;
        for document in &draft.documents {
            seen.documents.push(view.document_place(document.hash)?);
        }
        seen.failing = first_failing(&view, &commit.conditions, Position::new(1))?;
        seen.to = Some(to);
        Ok(seen)
    }

    /// Whether the store has any of the commit's ids.
    pub(super) fn knows_ids(
        &self,
        core: &Core,
        writer: &Writer,
        sources: &Sources,
        seen: &Seen,
    ) -> Result<bool, Error> {
        if seen.knows_ids || seen.ids.is_empty() || seen.next() >= writer.next {
            return Ok(seen.knows_ids);
        }
        let since = (seen.next(), Position::MAX);
        core.ask(sources, |sources| sources.has_any(&seen.ids, since))
    }

    /// Looks up the version of each stream that a commit names, by everything placed so far, and
    /// what else the newest table knows of its names. Returns the first that is not as expected.
    pub(super) fn versions(
        &self,
        core: &Core,
        writer: &Writer,
        sources: &Sources,
        draft: &mut Draft,
    ) -> Result<Option<Conflict>, AppendError> {
        let mut resolved = std::mem::take(&mut draft.resolved);
        if let Some(table) = sources.active() {
            table.resolve(draft.terms(), writer.segment_number, &mut resolved);
        }
        draft.resolved = resolved;
        let mut versions = std::mem::take(&mut draft.versions);
        for stream in &draft.streams {
            let name = draft.stream(stream);
            let known = draft.known_version(stream).or_else(|| writer.heads.get(name.hash));
            let current = match known {
                Some(version) => version,
                None => core.ask(sources, |sources| {
                    sources.version(name.hash.of(TermKind::Stream), Position::MAX)
                })?,
            };
            if !stream.expected.allows(current) {
                let (stream, expected) = (name.text.to_owned(), stream.expected);
                return Ok(Some(Conflict { stream, expected, current }));
            }
            if current.forward(stream.events).is_none() {
                let given = current.get().saturating_add(stream.events);
                return Err(over(Limit::Versions, given));
            }
            versions.push(current);
        }
        draft.versions = versions;
        Ok(None)
    }

    /// Looks up the newest record of each document that a commit names, by everything placed so
    /// far. Returns the first that is not as expected.
    pub(super) fn documents(
        &self,
        core: &Core,
        writer: &Writer,
        sources: &Sources,
        draft: &mut Draft,
        seen: &mut Seen,
    ) -> Result<Option<DocumentConflict>, AppendError> {
        draft.newest = std::mem::take(&mut seen.documents);
        for (document, newest) in draft.documents.iter().zip(&mut draft.newest) {
            if seen.from() < writer.end {
                let since = |sources: &Sources| sources.document_since(document.hash, seen.from());
                *newest = core.ask(sources, since)?.or(*newest);
            }
            let current = newest.filter(|newest| !newest.deleted);
            let current = current.map_or(Revision::NONE, |newest| newest.revision);
            if let Some(expected) = document.expected.filter(|expected| *expected != current) {
                let key = document.key.clone();
                return Ok(Some(DocumentConflict { key, expected, current }));
            }
            if newest.is_some_and(|newest| newest.revision.next().is_none()) {
                return Err(over(Limit::Revisions, Revision::MAX.get().saturating_add(1)));
            }
        }
        Ok(None)
    }

    /// The first condition that fails, and the position that makes it fail.
    pub(super) fn failing(
        &self,
        core: &Arc<Core>,
        writer: &Writer,
        sources: &Arc<Sources>,
        commit: &Commit,
        seen: &Seen,
    ) -> Result<Option<(usize, Position)>, Error> {
        if commit.conditions.is_empty() || seen.next() >= writer.next {
            return Ok(seen.failing);
        }
        // Those before the one that fails already may fail by what has come since.
        let count = seen.failing.map_or(commit.conditions.len(), |(nth, _)| nth);
        let conditions = commit.conditions.get(..count).unwrap_or_default();
        let mut view = View::placed(core, writer.mark());
        view.sources = sources.clone();
        Ok(first_failing(&view, conditions, seen.next())?.or(seen.failing))
    }

    /// What made a condition fail, once it is visible.
    pub(super) fn failed_by(
        &self,
        core: &Arc<Core>,
        condition: usize,
        position: Position,
    ) -> Result<ConditionFailed, Error> {
        let view = View::placed(core, self.writer().mark());
        let mut fetch = core.fetch(view.segments.clone(), READ_ONE);
        let place = view.place(position)?.ok_or_else(Error::outcome_unknown)?;
        let id = view.event(&mut fetch, place)?.id();
        Ok(ConditionFailed { condition, position, id })
    }
}

/// The first of these conditions that an event from this position on fails, and its position.
fn first_failing(
    view: &View,
    conditions: &[AppendCondition],
    from: Position,
) -> Result<Option<(usize, Position)>, Error> {
    for (nth, condition) in conditions.iter().enumerate() {
        let Some(after) = condition.after.next() else { continue };
        let range = (after.max(from), view.head);
        if range.0 > range.1 {
            continue;
        }
        let mut matches = Matches::new(view, &condition.query, range, false)?;
        if let Some(position) = matches.next_position(view)? {
            return Ok(Some((nth, position)));
        }
    }
    Ok(None)
}

impl Core {
    /// Asks these sources, and those that there are now if they fail.
    pub(super) fn ask<T>(
        &self,
        sources: &Sources,
        mut question: impl FnMut(&Sources) -> Result<T, RunError>,
    ) -> Result<T, Error> {
        match self.ask_once(sources, &mut question) {
            Ok(answer) => Ok(answer),
            Err(error) => self.ask_again(error, question),
        }
    }

    /// Asks these sources. Nothing of a run's pages is looked at but within a question.
    pub(super) fn ask_once<T>(
        &self,
        sources: &Sources,
        question: impl FnOnce(&Sources) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let _reading = (!sources.runs.is_empty()).then(|| self.reach.reading());
        question(sources)
    }
}

pub(super) fn over(limit: Limit, given: u64) -> AppendError {
    AppendError::Limit(LimitExceeded { limit, allowed: limit.allowed(), given })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::tests::quiet;
    use crate::format::u64_of;
    use crate::storage::MemoryStorage;
    use crate::words::{ExpectedVersion, NewEvent, Query, QueryItem, Revision};
    use uuid::Uuid;

    /// What is said of a commit that was looked at before these others were placed: whether its
    /// ids are known, the revision that its document has, and what its conditions fail by.
    fn decided(
        commit: &Commit,
        others: &[Commit],
    ) -> (bool, Option<Revision>, Option<(usize, Position)>) {
        let engine = Engine::open(Arc::new(MemoryStorage::new()), quiet()).unwrap();
        engine.commit(&noted(0)).unwrap();
        let side = engine.write_side().unwrap();
        let core = &engine.core;
        let mut draft = engine.stage(commit).unwrap();
        let mut seen = side.look(core, commit, &draft).unwrap();
        others.iter().for_each(|other| drop(engine.commit(other).unwrap()));
        let (writer, sources) = (side.writer(), core.index.sources());
        let knows = side.knows_ids(core, &writer, &sources, &seen).unwrap();
        let failing = side.failing(core, &writer, &sources, commit, &seen).unwrap();
        let conflict = side.documents(core, &writer, &sources, &mut draft, &mut seen).unwrap();
        (knows, conflict.map(|conflict| conflict.current), failing)
    }

    fn noted(id: u128) -> Commit {
        let event = NewEvent::new("Noted", "x").id(Uuid::from_u128(id)).tag("tag");
        Commit::new().append("a", ExpectedVersion::Any, [event])
    }

    #[test]
    fn what_is_placed_between_the_look_and_the_decision_counts() {
        let other = Commit::new().event("b", NewEvent::new("Noted", "x"));
        let tagged = |tags: &[&str]| Query::any([QueryItem::new().tags(tags.iter().copied())]);
        let commit = noted(7)
            .put_over("key", Revision::NONE, "value")
            .fail_if_events_match(tagged(&["tag", "another"]), 0)
            .fail_if_events_match(tagged(&["tag"]), 1);
        let put = Commit::new().put("key", "other");
        assert_eq!(decided(&commit, &[]), (false, None, None));
        assert_eq!(decided(&commit, std::slice::from_ref(&other)), (false, None, None));
        for between in [vec![], vec![other.clone()], vec![other.clone(), other]] {
            let behind = |last: Commit| -> Vec<Commit> {
                between.iter().cloned().chain([last]).chain(between.clone()).collect()
            };
            let position = Position::new(2 + u64_of(between.len()));
            assert_eq!(decided(&commit, &behind(noted(7))), (true, None, Some((1, position))));
            assert_eq!(decided(&commit, &behind(noted(8))), (false, None, Some((1, position))));
            let now = Some(Revision::new(1));
            assert_eq!(decided(&commit, &behind(put.clone())), (false, now, None));
        }
    }

    #[test]
    fn what_was_there_before_the_look_counts() {
        let tagged = Query::any([QueryItem::new().tag("tag")]);
        let commit = noted(0).fail_if_events_match(tagged, 0);
        assert_eq!(decided(&commit, &[]), (true, None, Some((0, Position::new(1)))));
        assert_eq!(decided(&commit, &[noted(9)]), (true, None, Some((0, Position::new(1)))));
    }
}

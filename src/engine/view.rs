//! Views: a fixed log offset that a reader looks at.

use super::core::{Core, READ_ONE};
use super::writer::{Engine, Mode};
use crate::format::{DocumentPlace, Mark, RawDocument, TermHash, index, u64_of};
use crate::index::{RunError, Sources};
use crate::log::{Behind, Fetch, Located, SegmentList};
use crate::words::{Corruption, DocumentRef, Error, Event, LogOffset, Position, Version};
use std::iter;
use std::sync::Arc;

/// So many positions of a stream are expected at once; more may come.
const A_BATCH: usize = 1_024;

/// What a reader looks at: the log up to a fixed offset. Later commits don't change it.
#[derive(Clone)]
pub struct View {
    /// What reading needs.
    pub core: Arc<Core>,
    /// The parts of the index as they are now.
    pub sources: Arc<Sources>,
    /// The segments as they are now.
    pub segments: SegmentList,
    /// Its end.
    pub end: LogOffset,
    /// The last position in it.
    pub head: Position,
    /// Bytes below it may be borrowed from the map.
    pub watermark: LogOffset,
}

impl Engine {
    /// What is visible now. After a failed write or sync, that is what was synced.
    pub fn view(&self) -> Result<View, Error> {
        if let Mode::Follow(follow) = &self.mode {
            let refreshed = follow.refresh(&self.core);
            self.core.bell.call();
            refreshed?;
        }
        let state = self.core.flow.lock();
        if state.closed {
            return Err(Error::closed());
        }
        let (mut end, mut head) = state.visible;
        let segments = state.segments.clone();
        let (synced, poisoned) = (state.synced, state.poisoned);
        drop(state);
        // Taken later: what is visible is in the index.
        let sources = self.core.index.sources();
        if poisoned && end > synced {
            (end, head) = (synced, sources.last_before(synced, head));
        }
        let watermark = self.core.watermark();
        Ok(View { core: self.core.clone(), sources, segments, end, head, watermark })
    }
}

impl View {
    /// Everything placed up to this mark, written or not: what a commit's guards see.
    pub(super) fn placed(core: &Arc<Core>, to: Mark) -> Self {
        let segments = core.flow.lock().segments.clone();
        let (sources, watermark) = (core.index.sources(), core.watermark());
        let head = to.next.previous();
        Self { core: core.clone(), sources, segments, end: to.at, head, watermark }
    }

    /// Asks the index. A run that is damaged, or gone from its place, does not answer; then one
    /// that stands for it does.
    pub fn ask<T>(
        &self,
        mut question: impl FnMut(&Sources) -> Result<T, RunError>,
    ) -> Result<T, Error> {
        self.core.ask(&self.sources, &mut question)
    }

    /// Where the event with this position is.
    pub fn place(&self, position: Position) -> Result<Option<Located>, Error> {
        let at = self.ask(|sources| sources.locate(position))?;
        if at.is_none() && position >= self.sources.first() && position <= self.head {
            return Err(missing(position));
        }
        Ok(at.map(|at| Located { position, at }))
    }

    /// Gives the places of the events with these positions, up to the first that is not there, or
    /// can't be found: which is an error when it is the very first.
    pub fn place_each(
        &self,
        positions: impl Iterator<Item = Position> + Clone,
        mut each: impl FnMut(Located),
    ) -> Result<(), Error> {
        let found = self.ask(|sources| {
            sources.locate_each(positions.clone(), |position, at| each(Located { position, at }))
        })?;
        if let Some(first) = positions.clone().next().filter(|_| found == 0) {
            self.place(first)?.into_iter().for_each(each);
        }
        Ok(())
    }

    /// Where the event with this position is, if it is the one behind that which was found last, as
    /// far as the log itself tells: whoever finds no such event there asks the index.
    pub fn place_behind(&self, fetch: &mut Fetch, position: Position) -> Option<Located> {
        let mut at = fetch.end_before(position)?;
        loop {
            match fetch.behind(position, at, self.watermark)? {
                Behind::Event(place) => return Some(place),
                Behind::Segment(next) => {
                    self.know(fetch, next).ok()?;
                    at = fetch.first_frame(next)?;
                }
            }
        }
    }

    /// The event at this place, lent by who gets it.
    pub fn event<'f>(&self, fetch: &'f mut Fetch, place: Located) -> Result<Event<'f>, Error> {
        self.find(fetch, place)?;
        Ok(fetch.lend())
    }

    /// Finds the event at this place, which then can be lent.
    pub fn find(&self, fetch: &mut Fetch, place: Located) -> Result<(), Error> {
        self.know(fetch, place.at)?;
        self.check_known(place.at)?;
        fetch.find(place, self.watermark).map_err(|error| self.core.fetch_error(error))
    }

    /// If what is read first is not in memory, that and all that is ahead is read meanwhile, many
    /// events at a time: a device answers sixteen questions in little more time than one.
    pub fn announce(
        &self,
        fetch: &mut Fetch,
        mut positions: impl Iterator<Item = Position> + Clone,
    ) -> Result<(), Error> {
        let (first, ahead) = (positions.next(), positions);
        let Some(first) = first.filter(|_| ahead.clone().next().is_some()) else { return Ok(()) };
        let Some(first) = self.place(first)? else { return Ok(()) };
        self.know(fetch, first.at)?;
        if !fetch.is_cold(first, self.watermark) {
            return Ok(());
        }
        ahead.clone().for_each(|position| self.sources.announce(position));
        let mut places = Vec::new();
        for place in iter::once(Ok(Some(first))).chain(ahead.map(|position| self.place(position))) {
            let Some(place) = place? else { continue };
            self.know(fetch, place.at)?;
            // At once: the first records come while later places are still waited for.
            fetch.announce(place, self.watermark);
            places.push(place);
        }
        fetch.announce_names(&places, self.watermark);
        Ok(())
    }

    /// Makes the segment known that this place is in.
    fn know(&self, fetch: &Fetch, at: LogOffset) -> Result<(), Error> {
        if fetch.is_in_segment(at) { Ok(()) } else { self.core.know_segment(&self.segments, at) }
    }

    /// The newest record of a document within the view, by the hash of its key.
    pub fn document_place(&self, key: TermHash) -> Result<Option<DocumentPlace>, Error> {
        let newest = self.ask(|sources| sources.document(key, self.end))?;
        self.newest_before_end(newest)
    }

    /// The newest record within the view, given one that may stand behind its end: a run that was
    /// made later knows only the newest of all. Each names the one before.
    fn newest_before_end(
        &self,
        newest: Option<DocumentPlace>,
    ) -> Result<Option<DocumentPlace>, Error> {
        let mut place = newest;
        while let Some(later) = place.filter(|place| place.at >= self.end) {
            place = self.record_before(later.at)?;
        }
        Ok(place)
    }

    /// The record of its key before the one here, which stands behind the view's end: in a segment
    /// that the view may not have, but that the run names that led there.
    #[cold]
    fn record_before(&self, at: LogOffset) -> Result<Option<DocumentPlace>, Error> {
        let mut segments = self.segments.clone();
        if segments.find(at).is_none() {
            let place = self.core.ask(&self.core.index.sources(), |sources| sources.segment(at))?;
            segments = SegmentList::new(place);
        }
        let mut fetch = self.core.fetch(segments, READ_ONE);
        let record = fetch.document(at, LogOffset::ZERO);
        record.map(|record| record.before).map_err(|error| self.core.fetch_error(error))
    }

    /// The document with this key, lent by who gets it.
    pub fn document<'f>(
        &self,
        fetch: &'f mut Fetch,
        key: &str,
    ) -> Result<Option<DocumentRef<'f>>, Error> {
        let Some(place) = self.document_place(self.core.hash(key))? else { return Ok(None) };
        if place.deleted {
            return Ok(None);
        }
        let RawDocument { key: found, revision, head, recorded, value, .. } =
            self.document_at(fetch, place.at)?;
        match value.filter(|_| found == key && revision == place.revision) {
            Some(value) => Ok(Some(DocumentRef { key: found, revision, head, recorded, value })),
            None => Err(misled(key, place.at)),
        }
    }

    /// The document's record here.
    fn document_at<'f>(
        &self,
        fetch: &'f mut Fetch,
        at: LogOffset,
    ) -> Result<RawDocument<'f>, Error> {
        self.know(fetch, at)?;
        self.check_known(at)?;
        fetch.document(at, self.watermark).map_err(|error| self.core.fetch_error(error))
    }

    /// What is said of an event whose frame fails its check.
    pub(super) fn damaged_at(&self, place: Located) -> Error {
        let segment = self.segments.find(place.at);
        Error::corrupt(Corruption {
            file_offset: segment.map(|segment| segment.place.file_offset(place.at)),
            log_offset: Some(place.at),
            intact_to: Some(place.position.previous()),
            what: format!("the commit of position {} fails its check", place.position),
        })
    }

    /// Where the events with these positions are, both ends included.
    pub fn places(&self, (from, to): (u64, u64)) -> Result<Vec<Located>, Error> {
        let mut offsets = Vec::new();
        let mut next = from;
        while next <= to {
            let most = index(to.saturating_sub(next).saturating_add(1));
            let found = self.ask(|sources| {
                let mut found = Vec::new();
                sources.locate_from(Position::new(next), most, &mut found)?;
                Ok(found)
            })?;
            if found.is_empty() {
                return Err(missing(Position::new(next)));
            }
            offsets.extend(found);
            next = from.saturating_add(u64_of(offsets.len()));
        }
        let located = |(nth, at)| Located { position: Position::new(nth), at };
        Ok((from..).zip(offsets).map(located).collect())
    }

    /// The positions of these versions of a stream, by the hash of its name, both ends included.
    pub fn versions(&self, name: TermHash, (from, to): (u64, u64)) -> Result<Vec<u64>, Error> {
        let range = (Version::new(from), Version::new(to));
        let most = index(to.saturating_sub(from).saturating_add(1));
        let positions = self.ask(|sources| {
            let mut positions = Vec::with_capacity(most.min(A_BATCH));
            sources.versions(name, range, most, &mut positions)?;
            Ok(positions)
        })?;
        match positions.len() < most {
            true => Err(missing(positions.last().map_or(self.head, |last| Position::new(*last)))),
            false => Ok(positions),
        }
    }

    /// An error if what stands here was not synced when a write or sync failed. Nobody knows what
    /// it is now.
    fn check_known(&self, at: LogOffset) -> Result<(), Error> {
        if at >= self.watermark && self.core.is_poisoned() && at >= self.core.watermark() {
            return Err(Error::outcome_unknown());
        }
        Ok(())
    }
}

/// The index led to a record of another document, or of another revision.
#[cold]
fn misled(key: &str, at: LogOffset) -> Error {
    Error::corrupt(Corruption {
        file_offset: None,
        log_offset: Some(at),
        intact_to: None,
        what: format!("the index says that document '{key}' is there, and it is not"),
    })
}

/// What is within the view has to be found; that it is not must never pass for the end.
#[cold]
fn missing(near: Position) -> Error {
    Error::corrupt(Corruption {
        file_offset: None,
        log_offset: None,
        intact_to: Some(near.previous()),
        what: format!("the index does not know what is at or near position {near}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;
    use crate::engine::genesis::genesis_from;
    use crate::engine::tests::{append, identity, quiet};
    use crate::format::{DocumentEntry, Entries, Named};
    use crate::storage::{Access, FileStorage, MemoryStorage};
    use crate::words::{Commit, ExpectedVersion, NewEvent, Revision};

    /// Three events of a stream, and the second revision of a document.
    fn store() -> Engine {
        let engine = Engine::open(Arc::new(MemoryStorage::new()), quiet()).unwrap();
        append(&engine, 3);
        for value in ["one", "two"] {
            engine.commit(&Commit::new().put("key", value)).unwrap();
        }
        engine
    }

    /// What the document is by this key, in a store whose index leads to the record at `place`.
    fn led(key: &str, change: impl FnOnce(&mut DocumentPlace)) -> Result<Option<Vec<u8>>, Error> {
        let engine = store();
        let hash = engine.core.hash(key);
        let mut place =
            engine.view().unwrap().document_place(engine.core.hash("key")).unwrap().unwrap();
        change(&mut place);
        let entry = DocumentEntry { key: Named { text: key, hash }, place, before: None };
        let sources = engine.core.index.sources();
        sources.active().unwrap().extend(Entries { events: &[], documents: &[entry] });
        let view = engine.view().unwrap();
        let mut fetch = engine.core.fetch(view.segments.clone(), READ_ONE);
        let found = view.document(&mut fetch, key)?;
        Ok(found.map(|found| found.value.to_vec()))
    }

    #[test]
    fn an_index_that_leads_to_another_document_is_found_out() {
        assert_eq!(led("key", |_| {}).unwrap(), Some(b"two".to_vec()));
        assert_eq!(led("key", |place| place.deleted = true).unwrap(), None);
        let error = led("key", |place| place.revision = Revision::new(3)).unwrap_err();
        assert!(error.to_string().contains("document 'key'"), "{error}");
        let error = led("other", |_| {}).unwrap_err();
        assert!(error.to_string().contains("document 'other'"), "{error}");
    }

    #[test]
    fn the_log_itself_tells_where_the_next_event_is() {
        for pad_to_sector in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.annals");
            let settings =
                Settings { segment_min: 4_096, segment_max: 8_192, pad_to_sector, ..quiet() };
            let genesis = genesis_from(&settings, identity(), Position::new(1));
            FileStorage::create(&path, &genesis.bytes, genesis.length).unwrap();
            let storage = FileStorage::open(&path, Access::Map, true).unwrap();
            let engine = Engine::open(Arc::new(storage), settings).unwrap();
            for nth in 0..30 {
                let event = || NewEvent::new("Noted", vec![7; 300]).tag(format!("tag:{nth}"));
                let commit = Commit::new().append("a", ExpectedVersion::Any, [event(), event()]);
                engine.commit(&commit.put("key", vec![7; 100 * (nth % 3)])).unwrap();
            }
            let view = engine.view().unwrap();
            assert!(view.segments.iter().count() > 3);
            let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
            assert_eq!(view.place_behind(&mut fetch, Position::new(1)), None);
            for position in (1..60).map(Position::new) {
                let next = position.next().unwrap();
                assert_eq!(view.place_behind(&mut fetch, next), None, "{position} is not read yet");
                view.event(&mut fetch, view.place(position).unwrap().unwrap()).unwrap();
                assert_eq!(view.place_behind(&mut fetch, position), None);
                // Behind a commit that fills a sector something else can stand.
                let is_told = !pad_to_sector || position.get() % 2 == 1;
                let wanted = view.place(next).unwrap().filter(|_| is_told);
                assert_eq!(view.place_behind(&mut fetch, next), wanted, "{position}");
            }
        }
    }

    #[test]
    fn an_index_that_does_not_know_what_is_there_is_found_out() {
        let view = store().view().unwrap();
        let (name, missing) = (view.core.hash("a"), "does not know what is at or near");
        assert_eq!(view.versions(name, (1, 3)).unwrap(), [1, 2, 3]);
        let error = view.versions(name, (1, 4)).unwrap_err();
        assert!(error.to_string().contains(missing), "{error}");
        for (position, is_there) in [(0, false), (1, true), (3, true), (4, false)] {
            let position = Position::new(position);
            assert_eq!(view.place(position).unwrap().is_some(), is_there);
            let forgetful = View { sources: Arc::default(), ..view.clone() };
            match forgetful.place(position) {
                Ok(place) => assert!(place.is_none() && !is_there, "{position}"),
                Err(error) => assert!(is_there && error.to_string().contains(missing), "{error}"),
            }
        }
    }
}

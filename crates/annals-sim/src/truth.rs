//! What a healthy store holds, and what each prefix of it has to answer, whatever is asked.

use crate::layout::{DocumentPlace, FramePlace, Layout};
use annals::storage::MemoryStorage;
use annals::{
    ErrorKind, Event, Keys, Options, Query, QueryItem, Read, RecordedEvent, Store, View,
    category_of,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// A healthy store, and what it holds.
pub struct Truth {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where everything stands in them.
    pub layout: Layout,
    /// Its events, in order.
    pub events: Vec<RecordedEvent>,
    /// For so many commits each: what there is to answer.
    answers: Vec<Answers>,
}

/// A document: revision, head, value.
type Document = (u64, u64, Vec<u8>);

/// What a store with a number of commits has to answer.
pub(crate) struct Answers {
    events: usize,
    /// Names of streams in the order in which they begin.
    streams: Vec<String>,
    by_stream: BTreeMap<String, Vec<usize>>,
    by_category: BTreeMap<String, Vec<usize>>,
    by_type: BTreeMap<String, Vec<usize>>,
    by_tag: BTreeMap<String, Vec<usize>>,
    documents: BTreeMap<String, Document>,
    /// The keys of documents that were ever there.
    keys: BTreeSet<String>,
}

/// A way to ask.
type Way = fn(&Truth, &View, &Answers) -> Result<(), Trouble>;

/// How much a store is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Questions {
    /// In every way.
    All,
    /// In one way, which goes round with the number.
    One(u64),
    /// In one way, and for the documents.
    OneAndDocuments(u64),
}

impl Questions {
    /// Ways to ask; the last one is for documents.
    const WAYS: u64 = 5;

    fn has(self, way: u64) -> bool {
        match self {
            Self::All => true,
            Self::One(nth) => nth % Self::WAYS == way,
            Self::OneAndDocuments(nth) => nth % Self::WAYS == way || way + 1 == Self::WAYS,
        }
    }

    fn and_documents(self) -> Self {
        match self {
            Self::One(nth) => Self::OneAndDocuments(nth),
            more => more,
        }
    }
}

/// Why a store did not answer what it should.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It says that it is damaged.
    Told(String),
    /// It answers something else.
    Wrong(String),
}

impl Truth {
    /// What a healthy store holds, closed or not.
    pub fn of(bytes: Vec<u8>) -> Self {
        let layout = Layout::of(&bytes);
        let disk = Arc::new(MemoryStorage::from_bytes(bytes.clone()));
        let store = Options::new().without_keeper().open_storage_read_only(disk);
        let store = store.expect("a healthy store opens");
        let read = store.read_all(Read::new()).expect("and is read");
        let events: Vec<RecordedEvent> = read.map(|event| event.expect("whole")).collect();
        let mut truth = Self { bytes, layout, events, answers: Vec::new() };
        truth.answers =
            (0..=truth.commits().count()).map(|count| truth.answers_of(count)).collect();
        truth
    }

    /// Its commits.
    pub(crate) fn commits(&self) -> impl Iterator<Item = &FramePlace> {
        self.layout.frames.iter().filter(|frame| frame.is_commit)
    }

    /// Whether a store answers as one that has a number of these commits, from the first on; how
    /// many they are. Where only documents tell that, they are always asked for.
    pub(crate) fn ask(&self, store: &Store, how: Questions) -> Result<usize, Trouble> {
        let view = store.view().map_err(trouble)?;
        let head = view.head().get() as usize;
        // Commits without events don't move the head: documents tell.
        let fitting = self.answers.iter().zip(0..).filter(|(answers, _)| answers.events == head);
        let fitting: Vec<(&Answers, usize)> = fitting.collect();
        let how = if fitting.len() > 1 { how.and_documents() } else { how };
        let mut result = Err(Trouble::Wrong(format!("the head is {head}, within a commit")));
        for (answers, count) in fitting.into_iter().rev() {
            match self.compare(&view, answers, how) {
                Ok(()) => return Ok(count),
                Err(Trouble::Told(what)) => return Err(Trouble::Told(what)),
                Err(wrong) if result.is_err() => result = Err(wrong),
                Err(_) => {}
            }
        }
        result
    }

    fn answers_of(&self, commits: usize) -> Answers {
        let commits: Vec<&FramePlace> = self.commits().take(commits).collect();
        let events = commits.iter().map(|commit| commit.events.len()).sum();
        let mut answers = Answers {
            events,
            streams: Vec::new(),
            by_stream: BTreeMap::new(),
            by_category: BTreeMap::new(),
            by_type: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            documents: BTreeMap::new(),
            keys: BTreeSet::new(),
        };
        for (event, nth) in self.events.iter().zip(0..events) {
            if !answers.by_stream.contains_key(&event.stream) {
                answers.streams.push(event.stream.clone());
            }
            let add = |to: &mut BTreeMap<String, Vec<usize>>, name: &str| {
                to.entry(name.to_owned()).or_default().push(nth);
            };
            add(&mut answers.by_stream, &event.stream);
            add(&mut answers.by_category, category_of(&event.stream));
            add(&mut answers.by_type, &event.event_type);
            event.tags.iter().for_each(|tag| add(&mut answers.by_tag, tag));
        }
        for DocumentPlace { key, revision, head, value, .. } in
            commits.iter().flat_map(|commit| &commit.documents)
        {
            answers.keys.insert(key.clone());
            match value.clone() {
                Some(value) => answers.documents.insert(key.clone(), (*revision, *head, value)),
                None => answers.documents.remove(key),
            };
        }
        answers
    }

    /// Asks what a store can be asked.
    fn compare(&self, view: &View, answers: &Answers, how: Questions) -> Result<(), Trouble> {
        let ways: [Way; 5] =
            [Self::log, Self::streams, Self::names, Self::one_by_one, Self::documents];
        let mut asked = ways.iter().zip(0..Questions::WAYS).filter(|(_, way)| how.has(*way));
        asked.try_for_each(|(ask, _)| ask(self, view, answers))
    }

    fn log(&self, view: &View, answers: &Answers) -> Result<(), Trouble> {
        let all: Vec<usize> = (0..answers.events).collect();
        self.same(view.all(Read::new()), &all, || "forward".to_owned())?;
        self.same(view.all(Read::new().backward()), &reversed(&all), || "backward".to_owned())
    }

    fn one_by_one(&self, view: &View, answers: &Answers) -> Result<(), Trouble> {
        let events = &self.events[..answers.events];
        for event in events {
            let by_id = view.event_by_id(event.id).map_err(trouble)?;
            let by_position = view.event(event.position).map_err(trouble)?;
            if by_id.as_ref() != Some(event) || by_position.as_ref() != Some(event) {
                return wrong(format!("position {} by its id or position", event.position));
            }
        }
        let summary = view.summary().map_err(trouble)?;
        let payload: usize = events.iter().map(|event| event.payload.len()).sum();
        match (summary.events, summary.payload_bytes) == (events.len() as u64, payload as u64) {
            true => Ok(()),
            false => wrong(format!("the summary is {summary:?}")),
        }
    }

    /// Whether a cursor gives these events, by number.
    fn same(
        &self,
        mut cursor: annals::Cursor,
        wanted: &[usize],
        what: impl Fn() -> String,
    ) -> Result<(), Trouble> {
        let mut wanted = wanted.iter();
        loop {
            let found = cursor.next_event().map_err(trouble)?;
            let expected = wanted.next().map(|nth| &self.events[*nth]);
            match (found, expected) {
                (None, None) => return Ok(()),
                (Some(found), Some(expected)) if is_same(&found, expected).map_err(trouble)? => {}
                (found, expected) => {
                    let what = what();
                    return wrong(format!("{what}: found {found:?}, not {expected:?}"));
                }
            }
        }
    }

    fn streams(&self, view: &View, answers: &Answers) -> Result<(), Trouble> {
        listed(view.streams(), &answers.streams)?;
        for (stream, wanted) in &answers.by_stream {
            let what = || format!("stream {stream}");
            self.same(view.stream(stream, Read::new()), wanted, what)?;
            let backward = view.stream(stream, Read::new().backward());
            self.same(backward, &reversed(wanted), what)?;
            let version = view.stream_version(stream).map_err(trouble)?.get();
            if version != wanted.len() as u64 {
                return wrong(format!("stream {stream} is at version {version}"));
            }
        }
        let categories = view.categories().map_err(trouble)?;
        if categories.iter().ne(answers.by_category.keys()) {
            return wrong(format!("categories are {categories:?}"));
        }
        for category in categories {
            let of = answers.streams.iter().filter(|stream| category_of(stream) == category);
            listed(view.streams_of(&category), &of.cloned().collect::<Vec<_>>())?;
        }
        match view.stream_version("nobody").map_err(trouble)?.get() {
            0 => Ok(()),
            version => wrong(format!("a stream that is not there is at version {version}")),
        }
    }

    fn names(&self, view: &View, answers: &Answers) -> Result<(), Trouble> {
        let counted = [
            (view.types(&Keys::all()), &answers.by_type),
            (view.tags(&Keys::all()), &answers.by_tag),
        ];
        for (counts, wanted) in counted {
            let found = counts.collect::<Result<Vec<_>, _>>().map_err(trouble)?;
            let found = found.iter().map(|counted| (counted.name.as_str(), counted.events));
            let wanted = wanted.iter().map(|(name, events)| (name.as_str(), events.len() as u64));
            if found.clone().ne(wanted) {
                return wrong(format!("{:?} are counted", found.collect::<Vec<_>>()));
            }
        }
        let asked = [
            (&answers.by_type, QueryItem::event_type as fn(QueryItem, String) -> QueryItem),
            (&answers.by_tag, QueryItem::tag),
            (&answers.by_category, QueryItem::category),
        ];
        for (wanted, ask) in asked {
            for (name, wanted) in wanted {
                let query = Query::from(ask(QueryItem::new(), name.clone()));
                let cursor = view.query(&query, Read::new()).map_err(trouble)?;
                self.same(cursor, wanted, || format!("query for {name}"))?;
            }
        }
        Ok(())
    }

    fn documents(&self, view: &View, answers: &Answers) -> Result<(), Trouble> {
        let listed = view.documents(&Keys::all());
        let listed = listed.collect::<Result<Vec<annals::Document>, _>>().map_err(trouble)?;
        let found = |it: &annals::Document| (it.revision.get(), it.head.get(), it.value.clone());
        let found_all = listed.iter().map(|document| (document.key.clone(), found(document)));
        if found_all.clone().collect::<BTreeMap<_, _>>() != answers.documents {
            let keys: Vec<_> = found_all.map(|(key, document)| (key, document.0)).collect();
            return wrong(format!("documents {keys:?} are listed"));
        }
        for key in &answers.keys {
            let document = view.document(key).map_err(trouble)?;
            if document.as_ref().map(found) != answers.documents.get(key).cloned() {
                return wrong(format!("document {key} is {document:?}"));
            }
        }
        Ok(())
    }
}

fn listed(names: annals::Names, wanted: &[String]) -> Result<(), Trouble> {
    let found = names.collect::<Result<Vec<String>, _>>().map_err(trouble)?;
    if found == wanted { Ok(()) } else { wrong(format!("{found:?} are listed, not {wanted:?}")) }
}

fn reversed(wanted: &[usize]) -> Vec<usize> {
    wanted.iter().rev().copied().collect()
}

fn wrong<T>(what: String) -> Result<T, Trouble> {
    Err(Trouble::Wrong(what))
}

/// Whether an event is this one, in all that it has.
pub(crate) fn is_same(found: &Event<'_>, wanted: &RecordedEvent) -> Result<bool, annals::Error> {
    let what = (found.stream()?, found.event_type()?, found.payload, found.metadata(), found.id());
    let wanted_what = (
        wanted.stream.as_str(),
        wanted.event_type.as_str(),
        wanted.payload.as_slice(),
        wanted.metadata.as_deref(),
        wanted.id,
    );
    let when = (found.position, found.version, found.recorded, found.occurred());
    let of = (found.kind(), found.schema_version(), found.correlation_id(), found.causation_id());
    Ok(what == wanted_what
        && when == (wanted.position, wanted.version, wanted.recorded, wanted.occurred)
        && of == (wanted.kind, wanted.schema_version, wanted.correlation_id, wanted.causation_id)
        && found.is_id_given() == wanted.id_given
        && found.tags()?.iter().eq(wanted.tags.iter().map(String::as_str)))
}

/// An error is an answer if it says that the store is damaged.
pub(crate) fn trouble(error: annals::Error) -> Trouble {
    match error.kind() {
        ErrorKind::Corrupt => Trouble::Told(error.to_string()),
        _ => Trouble::Wrong(format!("an error of another kind: {error:?}")),
    }
}

/// Which bytes of a store are other ones, or are not there any more.
pub(crate) fn changed(healthy: &[u8], damaged: &[u8]) -> Vec<Range<usize>> {
    const STEP: usize = 64;
    let mut changed: Vec<Range<usize>> = Vec::new();
    let both = healthy.len().min(damaged.len());
    for start in (0..both).step_by(STEP) {
        let end = (start + STEP).min(both);
        if healthy[start..end] == damaged[start..end] {
            continue;
        }
        for at in (start..end).filter(|at| healthy[*at] != damaged[*at]) {
            match changed.last_mut() {
                Some(last) if last.end == at => last.end += 1,
                _ => changed.push(at..at + 1),
            }
        }
    }
    if damaged.len() < healthy.len() {
        changed.push(both..healthy.len());
    }
    changed
}

/// Whether none of these bytes is another one.
pub(crate) fn is_spared(changed: &[Range<usize>], bytes: &Range<usize>) -> bool {
    let after = changed.partition_point(|other| other.end <= bytes.start);
    changed.get(after).is_none_or(|other| other.start >= bytes.end)
}

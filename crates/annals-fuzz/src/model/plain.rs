//! The plainest event store: a list of events, and a list of changes of documents.

use super::plan::{Change, Condition, What};
use super::plan::{Difference, Expected, KEYS, Made, MadeEvent, Part, Range, STREAMS, TAGS, TYPES};
use annals::{
    AppendCondition, AppendError, Appended, Commit, Document, ExpectedVersion, IdCheck, Invalid,
    NewEvent, RecordedEvent, Timestamp, Uuid, Version,
};

/// An event in the list; its position is its place.
#[derive(Clone, Debug)]
pub struct Kept {
    pub stream: usize,
    pub version: u64,
    pub event: MadeEvent,
}

/// A change of a document.
#[derive(Clone, Debug)]
pub struct Changed {
    pub key: usize,
    pub revision: u64,
    pub head: u64,
    /// Nothing if it was deleted.
    pub value: Option<Vec<u8>>,
}

/// A commit that landed: its events and its changes, from which on and how many.
#[derive(Clone, Debug)]
struct Landed {
    first: usize,
    events: usize,
    change: usize,
    changes: usize,
}

#[derive(Clone, Default)]
pub struct Plain {
    pub events: Vec<Kept>,
    pub changes: Vec<Changed>,
    commits: Vec<Landed>,
    /// All that were tried, for those that are made again.
    tried: Vec<Made>,
}

/// What becomes of a commit.
#[derive(PartialEq, Debug)]
pub enum Outcome {
    Landed {
        first: u64,
        last: u64,
        versions: Vec<(String, u64)>,
        revisions: Vec<(String, u64)>,
        replayed: bool,
    },
    Empty,
    Meaningless(Invalid),
    Conflict {
        stream: String,
        expected: ExpectedVersion,
        current: u64,
    },
    DocumentConflict {
        key: String,
        expected: u64,
        current: u64,
    },
    Condition {
        nth: usize,
        position: u64,
        unique: bool,
    },
    IdConflict {
        position: u64,
        difference: annals::Difference,
    },
}

impl Plain {
    pub fn version(&self, stream: usize) -> u64 {
        self.events.iter().filter(|kept| kept.stream == stream).count() as u64
    }

    /// The newest change of a document.
    fn newest(&self, key: usize) -> Option<&Changed> {
        self.changes.iter().rev().find(|changed| changed.key == key)
    }

    /// Its revision as somebody sees it who may expect one: 0 if it is not there.
    fn revision(&self, key: usize) -> u64 {
        self.document(key).map_or(0, |changed| changed.revision)
    }

    /// The newest change of a document that is there.
    pub fn document(&self, key: usize) -> Option<&Changed> {
        self.newest(key).filter(|changed| changed.value.is_some())
    }

    /// What a part expects, in the store's words.
    fn expected(&self, part: &Part) -> ExpectedVersion {
        match part.expected {
            Expected::Any => ExpectedVersion::Any,
            Expected::NoStream => ExpectedVersion::NoStream,
            Expected::StreamExists => ExpectedVersion::StreamExists,
            Expected::Near(more) => {
                let near = self.version(part.stream).saturating_add_signed(more);
                ExpectedVersion::Exact(Version::new(near))
            }
        }
    }

    /// Which revision a change expects.
    fn expected_revision(&self, change: &Change) -> Option<u64> {
        let current = self.revision(change.key);
        change.expected.map(|more| current.saturating_add_signed(more))
    }

    /// After which position a condition looks.
    fn after(&self, condition: &Condition) -> u64 {
        let head = self.events.len() as u64;
        condition.after.map_or(0, |more| head.saturating_add_signed(more))
    }

    /// A commit in the store's words.
    pub fn to_commit(&self, made: &Made) -> Commit {
        let mut commit = Commit::new().durability(made.durability).id_check(made.id_check);
        for part in &made.parts {
            let events = part.events.iter().map(MadeEvent::to_event);
            commit = commit.append(STREAMS[part.stream], self.expected(part), events);
        }
        for change in &made.documents {
            let key = KEYS[change.key];
            commit = match (self.expected_revision(change), &change.what) {
                (None, What::Put(value)) => commit.put(key, value.clone()),
                (Some(over), What::Put(value)) => commit.put_over(key, over, value.clone()),
                (None, What::Delete) => commit.delete(key),
                (Some(over), What::Delete) => commit.delete_over(key, over),
                (expected, What::Expect) => commit.expect_document(key, expected.unwrap()),
            };
        }
        for condition in &made.conditions {
            let query = condition.ask.query();
            commit = commit.condition(match condition.unique {
                true => AppendCondition::fail_if_exists(query),
                false => AppendCondition::fail_if_events_match(query).after(self.after(condition)),
            });
        }
        commit
    }

    /// A commit that was tried before, with a difference.
    pub fn again(&self, nth: usize, difference: Difference) -> Option<Made> {
        let mut made = self.tried.get(nth.checked_rem(self.tried.len())?)?.clone();
        match difference {
            Difference::None => {}
            Difference::Prefix(count) => {
                let mut left = count;
                for part in &mut made.parts {
                    part.events.truncate(left);
                    left -= part.events.len();
                }
            }
            Difference::Longer => {
                let last = made.parts.iter_mut().rfind(|part| !part.events.is_empty())?;
                let event = MadeEvent { ids: [None; 3], ..last.events.last()?.clone() };
                last.events.push(event);
            }
            Difference::OtherStream(nth) => {
                let count = made.parts.len();
                let part = made.parts.get_mut(nth.checked_rem(count)?)?;
                part.stream = (part.stream + 1) % STREAMS.len();
            }
            Difference::OtherDocument(key) => {
                made.documents.push(Change { key, expected: None, what: What::Put(vec![7]) });
            }
        }
        Some(made)
    }

    pub fn commit(&mut self, made: &Made) -> Outcome {
        self.tried.push(made.clone());
        if let Some(outcome) = meaningless(made) {
            return outcome;
        }
        if made.id_check == IdCheck::On
            && let Some(outcome) = self.landed_before(made)
        {
            return outcome;
        }
        if let Some(outcome) = self.refused(made) {
            return outcome;
        }
        let landed = Landed {
            first: self.events.len(),
            events: events_of(made).count(),
            change: self.changes.len(),
            changes: changes_of(made).count(),
        };
        for (stream, event) in events_of(made) {
            let (version, event) = (self.version(stream) + 1, event.clone());
            self.events.push(Kept { stream, version, event });
        }
        for change in changes_of(made) {
            let revision = self.newest(change.key).map_or(0, |newest| newest.revision) + 1;
            let value = match &change.what {
                What::Put(value) => Some(value.clone()),
                What::Delete | What::Expect => None,
            };
            let head = self.events.len() as u64;
            self.changes.push(Changed { key: change.key, revision, head, value });
        }
        self.commits.push(landed.clone());
        self.outcome(&landed, landed.events, made, false)
    }

    /// What a commit has become, of which the first so many events count.
    fn outcome(&self, landed: &Landed, events: usize, made: &Made, replayed: bool) -> Outcome {
        let kept = &self.events[landed.first..landed.first + events];
        let mut versions: Vec<(String, u64)> = Vec::new();
        for part in &made.parts {
            let name = STREAMS[part.stream].to_owned();
            let newest = kept.iter().rfind(|kept| kept.stream == part.stream);
            if let Some(newest) = newest.filter(|_| versions.iter().all(|(of, _)| *of != name)) {
                versions.push((name, newest.version));
            }
        }
        let changed = &self.changes[landed.change..landed.change + landed.changes];
        let revisions = changes_of(made).map(|change| {
            let changed = changed.iter().find(|changed| changed.key == change.key).unwrap();
            (KEYS[change.key].to_owned(), changed.revision)
        });
        Outcome::Landed {
            first: landed.first as u64 + 1,
            last: (landed.first + events) as u64,
            versions,
            revisions: revisions.collect(),
            replayed,
        }
    }

    /// What becomes of a commit of which some ids are there.
    fn landed_before(&self, made: &Made) -> Option<Outcome> {
        let is_there = |id: &u128| self.events.iter().any(|kept| kept.event.ids[0] == Some(*id));
        let known = events_of(made).filter_map(|(_, event)| event.ids[0]).find(is_there)?;
        let places =
            (0..self.events.len()).filter(|at| self.events[*at].event.ids[0] == Some(known));
        let mut conflict = None;
        for at in places {
            let landed = self.commits.iter().rfind(|landed| landed.first <= at).unwrap();
            match self.difference(landed, made) {
                None => return Some(self.outcome(landed, events_of(made).count(), made, true)),
                Some(difference) => {
                    let position = at as u64 + 1;
                    conflict.get_or_insert(Outcome::IdConflict { position, difference });
                }
            }
        }
        conflict
    }

    fn difference(&self, landed: &Landed, made: &Made) -> Option<annals::Difference> {
        let there = &self.events[landed.first..landed.first + landed.events];
        for ((stream, event), kept) in events_of(made).zip(there) {
            if kept.stream != stream || kept.event.ids[0] != event.ids[0] {
                return Some(annals::Difference::Event);
            }
        }
        if events_of(made).count() > there.len() {
            return Some(annals::Difference::Longer);
        }
        let changed = &self.changes[landed.change..landed.change + landed.changes];
        let same = |change: &Change| changed.iter().any(|changed| changed.key == change.key);
        (!changes_of(made).all(same)).then_some(annals::Difference::Document)
    }

    /// Why a commit can't land.
    fn refused(&self, made: &Made) -> Option<Outcome> {
        // Streams in the order in which they are named; what is expected may be said later.
        let mut streams: Vec<(usize, ExpectedVersion)> = Vec::new();
        for part in &made.parts {
            let expected = self.expected(part);
            match streams.iter_mut().find(|(stream, _)| *stream == part.stream) {
                None => streams.push((part.stream, expected)),
                Some((_, before)) if expected != ExpectedVersion::Any => *before = expected,
                Some(_) => {}
            }
        }
        for (stream, expected) in streams {
            let current = self.version(stream);
            let holds = match expected {
                ExpectedVersion::Any => true,
                ExpectedVersion::NoStream => current == 0,
                ExpectedVersion::StreamExists => current > 0,
                ExpectedVersion::Exact(version) => version.get() == current,
            };
            if !holds {
                let stream = STREAMS[stream].to_owned();
                return Some(Outcome::Conflict { stream, expected, current });
            }
        }
        for change in &made.documents {
            let current = self.revision(change.key);
            if let Some(expected) = self.expected_revision(change).filter(|it| *it != current) {
                let key = KEYS[change.key].to_owned();
                return Some(Outcome::DocumentConflict { key, expected, current });
            }
        }
        for (nth, condition) in made.conditions.iter().enumerate() {
            let after = self.after(condition);
            let mut met = (1..).zip(&self.events).filter(|(position, _)| *position > after);
            if let Some((position, _)) = met.find(|(_, kept)| condition.ask.means(kept)) {
                return Some(Outcome::Condition { nth, position, unique: condition.unique });
            }
        }
        None
    }

    /// The positions in a range of positions that `means` holds for, or of versions of a stream.
    pub fn range(
        &self,
        stream: Option<usize>,
        range: &Range,
        means: impl Fn(&Kept) -> bool,
    ) -> Vec<u64> {
        let mut found: Vec<u64> = (1..)
            .zip(&self.events)
            .filter(|(_, kept)| stream.is_none_or(|stream| stream == kept.stream))
            .filter(|(position, kept)| {
                let number = if stream.is_some() { kept.version } else { *position };
                range.from.is_none_or(|from| number >= from)
                    && range.after.is_none_or(|after| number > after)
                    && range.to.is_none_or(|to| number <= to)
                    && range.before.is_none_or(|before| number < before)
            })
            .filter(|(_, kept)| means(kept))
            .map(|(position, _)| position)
            .collect();
        if range.backward {
            found.reverse();
        }
        found.truncate(range.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()));
        found
    }

    /// The streams of a category, or all, in the order in which they began.
    pub fn streams(&self, category: Option<&str>) -> Vec<&'static str> {
        let begun = self.events.iter().filter(|kept| kept.version == 1);
        let names = begun.map(|kept| STREAMS[kept.stream]);
        names.filter(|name| category.is_none_or(|of| name.split('-').next() == Some(of))).collect()
    }

    /// Asserts that an event of the store is the one at its place here.
    #[track_caller]
    pub fn check(&self, found: &RecordedEvent) {
        let kept = &self.events[usize::try_from(found.position.get()).unwrap() - 1];
        assert_eq!(found.stream, STREAMS[kept.stream]);
        assert_eq!(found.version.get(), kept.version);
        let made = &kept.event;
        assert_eq!(found.event_type, TYPES[made.event_type]);
        assert!(found.payload == made.payload, "another payload at {}", found.position);
        assert_eq!((found.kind, found.schema_version), (made.kind, made.schema_version));
        assert_eq!(found.tags, made.tags());
        let [id, correlation, causation] = made.ids.map(|id| id.map(Uuid::from_u128));
        assert_eq!(found.id_given, id.is_some());
        assert!(id.is_none_or(|id| id == found.id));
        assert_eq!((found.correlation_id, found.causation_id), (correlation, causation));
        assert_eq!(found.occurred.map(Timestamp::micros), made.occurred);
        assert_eq!(found.metadata, made.metadata);
    }

    /// Asserts that a document of the store is the one here.
    #[track_caller]
    pub fn check_document(&self, key: usize, found: Option<&Document>) {
        let kept = self.document(key);
        assert_eq!(found.is_some(), kept.is_some(), "document {}", KEYS[key]);
        let (Some(found), Some(kept)) = (found, kept) else { return };
        assert_eq!(found.key, KEYS[key]);
        assert_eq!((found.revision.get(), found.head.get()), (kept.revision, kept.head));
        assert!(Some(&found.value) == kept.value.as_ref(), "another value of {}", found.key);
    }
}

/// The events of a commit, each with its stream.
fn events_of(made: &Made) -> impl Iterator<Item = (usize, &MadeEvent)> {
    made.parts.iter().flat_map(|part| part.events.iter().map(|event| (part.stream, event)))
}

/// The documents of a commit that it changes.
fn changes_of(made: &Made) -> impl Iterator<Item = &Change> {
    made.documents.iter().filter(|change| !matches!(change.what, What::Expect))
}

/// Why a commit can't be one.
fn meaningless(made: &Made) -> Option<Outcome> {
    if events_of(made).count() == 0 && changes_of(made).count() == 0 {
        return Some(Outcome::Empty);
    }
    let mut ids = Vec::new();
    for id in events_of(made).filter_map(|(_, event)| event.ids[0]) {
        if made.id_check == IdCheck::On && ids.contains(&id) {
            let id = Uuid::from_u128(id);
            return Some(Outcome::Meaningless(Invalid::IdTwice { id }));
        }
        ids.push(id);
    }
    let mut said = Vec::new();
    for part in made.parts.iter().filter(|part| !matches!(part.expected, Expected::Any)) {
        if said.contains(&part.stream) {
            let stream = STREAMS[part.stream].to_owned();
            return Some(Outcome::Meaningless(Invalid::StreamTwice { stream }));
        }
        said.push(part.stream);
    }
    for (nth, change) in made.documents.iter().enumerate() {
        if made.documents[..nth].iter().any(|other| other.key == change.key) {
            let key = KEYS[change.key].to_owned();
            return Some(Outcome::Meaningless(Invalid::DocumentTwice { key }));
        }
    }
    None
}

impl MadeEvent {
    /// Its tags, each once.
    fn tags(&self) -> Vec<&'static str> {
        let mut tags = Vec::new();
        for tag in self.tags.iter().map(|tag| TAGS[*tag]) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    /// The event that is appended.
    pub fn to_event(&self) -> NewEvent {
        let event = NewEvent::new(TYPES[self.event_type], self.payload.clone())
            .kind(self.kind)
            .schema_version(self.schema_version)
            .tags(self.tags.iter().map(|tag| TAGS[*tag]));
        let [id, correlation, causation] = self.ids.map(|id| id.map(Uuid::from_u128));
        let event = id.into_iter().fold(event, NewEvent::id);
        let event = correlation.into_iter().fold(event, NewEvent::correlation_id);
        let event = causation.into_iter().fold(event, NewEvent::causation_id);
        let occurred = self.occurred.map(Timestamp::from_micros);
        let event = occurred.into_iter().fold(event, NewEvent::occurred);
        self.metadata.iter().cloned().fold(event, NewEvent::metadata)
    }
}

impl From<Result<Appended, AppendError>> for Outcome {
    fn from(result: Result<Appended, AppendError>) -> Self {
        let condition = |failed: annals::ConditionFailed, unique| Self::Condition {
            nth: failed.condition,
            position: failed.position.get(),
            unique,
        };
        match result {
            Ok(done) => Self::Landed {
                first: done.first.get(),
                last: done.last.get(),
                versions: done.versions.into_iter().map(|(name, v)| (name, v.get())).collect(),
                revisions: done.revisions.into_iter().map(|(key, r)| (key, r.get())).collect(),
                replayed: done.replayed,
            },
            Err(AppendError::Empty) => Self::Empty,
            Err(AppendError::Invalid(invalid)) => Self::Meaningless(invalid),
            Err(AppendError::Conflict(conflict)) => Self::Conflict {
                stream: conflict.stream,
                expected: conflict.expected,
                current: conflict.current.get(),
            },
            Err(AppendError::DocumentConflict(conflict)) => Self::DocumentConflict {
                key: conflict.key,
                expected: conflict.expected.get(),
                current: conflict.current.get(),
            },
            Err(AppendError::ConditionFailed(failed)) => condition(failed, false),
            Err(AppendError::AlreadyExists(failed)) => condition(failed, true),
            Err(AppendError::IdConflict(conflict)) => Self::IdConflict {
                position: conflict.position.get(),
                difference: conflict.difference,
            },
            Err(other) => panic!("{other:?}"),
        }
    }
}

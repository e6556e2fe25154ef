//! The plainest event store: a list.

use super::plan::{Expected, Made, Part, Range, STREAMS, TAGS, TYPES};
use annals::{
    AppendError, Appended, ExpectedVersion, Invalid, NewEvent, RecordedEvent, Timestamp, Version,
};
use uuid::Uuid;

/// An event in the list; its position is its place.
#[derive(Clone, Debug)]
pub struct Kept {
    pub stream: usize,
    pub version: u64,
    pub event: Made,
}

#[derive(Default)]
pub struct Plain {
    pub events: Vec<Kept>,
}

/// What becomes of a commit.
#[derive(PartialEq, Debug)]
pub enum Outcome {
    Landed { first: u64, last: u64, versions: Vec<(String, u64)> },
    Empty,
    Twice(String),
    Conflict { stream: String, expected: ExpectedVersion, current: u64 },
}

impl Plain {
    pub fn version(&self, stream: usize) -> u64 {
        self.events.iter().filter(|kept| kept.stream == stream).count() as u64
    }

    /// What a part expects, in the store's words.
    pub fn expected(&self, part: &Part) -> ExpectedVersion {
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

    pub fn commit(&mut self, parts: &[Part]) -> Outcome {
        if parts.iter().all(|part| part.events.is_empty()) {
            return Outcome::Empty;
        }
        for (nth, part) in parts.iter().enumerate() {
            if parts[..nth].iter().any(|other| other.stream == part.stream) {
                return Outcome::Twice(STREAMS[part.stream].to_owned());
            }
        }
        for part in parts {
            let (expected, current) = (self.expected(part), self.version(part.stream));
            let holds = match expected {
                ExpectedVersion::Any => true,
                ExpectedVersion::NoStream => current == 0,
                ExpectedVersion::StreamExists => current > 0,
                ExpectedVersion::Exact(version) => version.get() == current,
            };
            if !holds {
                let stream = STREAMS[part.stream].to_owned();
                return Outcome::Conflict { stream, expected, current };
            }
        }
        let first = self.events.len() as u64 + 1;
        let mut versions = Vec::new();
        for part in parts.iter().filter(|part| !part.events.is_empty()) {
            let mut version = self.version(part.stream);
            for event in &part.events {
                version += 1;
                let event = event.clone();
                self.events.push(Kept { stream: part.stream, version, event });
            }
            versions.push((STREAMS[part.stream].to_owned(), version));
        }
        Outcome::Landed { first, last: self.events.len() as u64, versions }
    }

    /// The positions in a range of positions, or of versions of a stream.
    pub fn range(&self, stream: Option<usize>, range: &Range) -> Vec<u64> {
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
}

impl Made {
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
        match result {
            Ok(done) => Self::Landed {
                first: done.first.get(),
                last: done.last.get(),
                versions: done.versions.into_iter().map(|(name, v)| (name, v.get())).collect(),
            },
            Err(AppendError::Empty) => Self::Empty,
            Err(AppendError::Invalid(Invalid::StreamTwice { stream })) => Self::Twice(stream),
            Err(AppendError::Conflict(conflict)) => Self::Conflict {
                stream: conflict.stream,
                expected: conflict.expected,
                current: conflict.current.get(),
            },
            Err(other) => panic!("{other:?}"),
        }
    }
}

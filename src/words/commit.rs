//! A commit: one atomic append of events to one or more streams.

use super::{
    Durability, Limit, LimitExceeded, NewEvent, Position, Version, check_name, error::Refusal,
};
use std::collections::HashSet;

/// What a commit expects of a stream, as it is before the commit.
#[doc(alias = "ExpectedRevision")]
#[doc(alias = "StreamState")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ExpectedVersion {
    /// Anything.
    #[default]
    Any,
    /// That it does not exist; the same as `Exact(Version::NONE)`.
    NoStream,
    /// That it exists, at whatever version.
    StreamExists,
    /// That it is at exactly this version.
    Exact(Version),
}

impl ExpectedVersion {
    /// Whether a stream at `current` is as expected.
    ///
    /// ```
    /// use annals::{ExpectedVersion, Version};
    /// assert!(ExpectedVersion::Exact(Version::NONE).allows(Version::NONE));
    /// assert!(!ExpectedVersion::StreamExists.allows(Version::NONE));
    /// ```
    pub fn allows(self, current: Version) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => current == Version::NONE,
            Self::StreamExists => current > Version::NONE,
            Self::Exact(version) => current == version,
        }
    }
}

/// `3.into()`: at exactly version 3.
impl From<u64> for ExpectedVersion {
    fn from(version: u64) -> Self {
        Self::Exact(Version::new(version))
    }
}

impl From<Version> for ExpectedVersion {
    fn from(version: Version) -> Self {
        Self::Exact(version)
    }
}

/// One stream's part of a commit: what is expected of it and what is appended to it (perhaps
/// nothing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAppend {
    pub(crate) stream: String,
    pub(crate) expected: ExpectedVersion,
    pub(crate) events: Vec<NewEvent>,
}

/// One atomic append: all of it is there afterwards, or nothing of it.
///
/// ```
/// use annals::{Commit, ExpectedVersion, NewEvent, Store};
/// let store = Store::in_memory()?;
/// let done = store.commit(
///     Commit::new()
///         .append("order-1", ExpectedVersion::NoStream, [NewEvent::new("OrderPlaced", "{}")])
///         .append("customer-7", ExpectedVersion::Any, [NewEvent::new("OrderCounted", "{}")]),
/// )?;
/// assert_eq!((done.first.get(), done.last.get()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    pub(crate) parts: Vec<StreamAppend>,
    pub(crate) durability: Option<Durability>,
}

impl Commit {
    /// A commit with nothing in it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends these events to the stream, which has to be at the expected version.
    ///
    /// A stream may be named once in a commit. Events get positions in the order in which they are
    /// given here.
    #[must_use]
    pub fn append(
        mut self,
        stream: impl Into<String>,
        expected: impl Into<ExpectedVersion>,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Self {
        let events = events.into_iter().collect();
        self.parts.push(StreamAppend { stream: stream.into(), expected: expected.into(), events });
        self
    }

    /// Appends nothing to the stream, but has to find it at the expected version.
    #[must_use]
    pub fn expect(self, stream: impl Into<String>, expected: impl Into<ExpectedVersion>) -> Self {
        self.append(stream, expected, [])
    }

    /// With this durability, instead of the store's.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Whether it is within the limits and not empty. The bytes it takes are checked when it is
    /// encoded.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let events: usize = self.parts.iter().map(|part| part.events.len()).sum();
        if events == 0 {
            return Err(Refusal::Empty);
        }
        LimitExceeded::check_len(Limit::CommitEvents, events)?;
        LimitExceeded::check_len(Limit::CommitStreams, self.parts.len())?;
        let mut seen = HashSet::with_capacity(self.parts.len());
        for part in &self.parts {
            check_name("stream", &part.stream)?;
            if !seen.insert(part.stream.as_str()) {
                return Err(Refusal::twice(&part.stream));
            }
            part.events.iter().try_for_each(NewEvent::check)?;
        }
        Ok(())
    }
}

/// What a commit that landed has become.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Appended {
    /// The position of its first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
    /// The version that each stream it appended to has now, in the order of the commit.
    pub versions: Vec<(String, Version)>,
}

impl Appended {
    /// The version that the commit's only or first stream has now.
    pub fn version(&self) -> Version {
        self.versions.first().map_or(Version::NONE, |(_, version)| *version)
    }
}

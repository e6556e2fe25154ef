//! Numbers that must not be mixed: each is its own type, with only the arithmetic that means
//! something.

use std::fmt;

/// An event's number in the whole store: 1, 2, 3 …, dense, given when the event is committed.
///
/// [`Position::START`] (0) lies before everything. The largest is [`Position::MAX`] (2^63 - 1).
/// A position is a marker, too: what has been seen goes up to it. Of two markers the smaller is
/// what both have seen.
///
/// ```
/// use annals::Position;
/// assert_eq!(Position::START.next(), Some(Position::new(1)));
/// assert_eq!(Position::MAX.next(), None);
/// ```
#[doc(alias = "global_position")]
#[doc(alias = "ConsistencyMarker")]
#[doc(alias = "sequence_number")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(u64);

impl Position {
    /// Before everything.
    pub const START: Self = Self(0);
    /// The largest position. A store gives those before it: each needs a next one.
    pub const MAX: Self = Self((1 << 63) - 1);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one, or nothing after [`Position::MAX`].
    pub const fn next(self) -> Option<Self> {
        if self.0 < Self::MAX.0 { Some(Self(self.0 + 1)) } else { None }
    }

    /// The position `events` further on, if there can be one.
    pub(crate) const fn forward(self, events: u64) -> Option<Self> {
        match self.0.checked_add(events) {
            Some(number) if number <= Self::MAX.0 => Some(Self(number)),
            _ => None,
        }
    }

    /// The position before this one; before the first there is [`Position::START`].
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl From<u64> for Position {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event's number in its stream: 1, 2, 3 …; a stream's version is that of its last event.
///
/// [`Version::NONE`] (0) means that there is no such stream.
///
/// ```
/// use annals::Version;
/// assert_eq!(Version::NONE.next(), Some(Version::new(1)));
/// ```
#[doc(alias = "sequence")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// No such stream.
    pub const NONE: Self = Self(0);
    /// The last version that a stream can have.
    pub const MAX: Self = Self((1 << 63) - 1);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one, or nothing after [`Version::MAX`].
    pub const fn next(self) -> Option<Self> {
        self.forward(1)
    }

    /// The version `events` further on, if there can be one.
    pub(crate) const fn forward(self, events: u64) -> Option<Self> {
        match self.0.checked_add(events) {
            Some(number) if number <= Self::MAX.0 => Some(Self(number)),
            _ => None,
        }
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A document's number among the changes of its key: 1, 2, 3 …; a deletion is a change too.
///
/// [`Revision::NONE`] (0) means that there is no such document. No revision of a key is given
/// twice, also after the document was deleted.
///
/// ```
/// use annals::{Revision, Store};
/// let store = Store::in_memory()?;
/// store.put("settings", "dark")?;
/// assert_eq!(store.document("settings")?.unwrap().revision, Revision::new(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "etag")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(u64);

impl Revision {
    /// No such document.
    pub const NONE: Self = Self(0);
    /// The last revision that a document can have.
    pub const MAX: Self = Self((1 << 63) - 1);

    /// The revision with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision after this one, or nothing after [`Revision::MAX`].
    pub const fn next(self) -> Option<Self> {
        if self.0 < Self::MAX.0 { Some(Self(self.0 + 1)) } else { None }
    }

    /// The revision before this one; before the first there is [`Revision::NONE`].
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl From<u64> for Revision {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes since the log began, over all its segments; never decreases, whatever the place in the
/// file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogOffset(u64);

impl LogOffset {
    /// Where the log begins.
    pub const ZERO: Self = Self(0);

    /// The offset with this number of bytes before it.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes before it.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The offset `bytes` further on. No file is long enough for this to overflow; a lying file
    /// saturates.
    pub(crate) const fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// The offset `bytes` before, if the log has that many.
    pub(crate) const fn minus(self, bytes: u64) -> Option<Self> {
        match self.0.checked_sub(bytes) {
            Some(left) => Some(Self(left)),
            None => None,
        }
    }

    /// Bytes from `earlier` to here; 0 if `earlier` is not earlier.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for LogOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for LogOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

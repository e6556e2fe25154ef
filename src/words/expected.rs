//! What a commit expects of a stream.

use super::Version;

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

//! Copies of a store: as it is (backup), or written anew without what nobody needs (compact).

mod anew;
mod backup;
mod compact;

pub use anew::Anew;

/// What copying a store has come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CopyReport {
    /// Commits in the copy.
    pub commits: u64,
    /// Events in the copy.
    pub events: u64,
    /// Records of documents in the copy.
    pub documents: u64,
    /// Bytes of the copy, as long as its file is.
    pub bytes: u64,
    /// Whether it was stopped before the end: then there is no copy.
    pub cancelled: bool,
}

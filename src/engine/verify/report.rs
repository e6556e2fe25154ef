//! What verifying says.

use crate::words::{LogOffset, Position};

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Issue {
    /// The log offset, if it has one.
    pub log_offset: Option<LogOffset>,
    /// The byte of the file, if it has one.
    pub file_offset: Option<u64>,
    /// The position, if it concerns an event.
    pub position: Option<Position>,
    /// What it is, in words.
    pub what: String,
}

/// What verifying has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Commits whose checks are right.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// Records of documents in them: each put and each deletion.
    pub documents: u64,
    /// Bytes of the log that were read.
    pub bytes: u64,
    /// Bytes of the index that were read: those of the runs in the file.
    pub index_bytes: u64,
    /// What is wrong. Empty if all is well.
    pub issues: Vec<Issue>,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
}

impl VerifyReport {
    /// Whether everything was looked at and nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.issues.is_empty() && !self.cancelled
    }

    /// Adds an issue that has a place in the file at the most.
    pub(super) fn issue(&mut self, file_offset: Option<u64>, what: &str) {
        let what = what.to_owned();
        self.issues.push(Issue { log_offset: None, file_offset, position: None, what });
    }
}

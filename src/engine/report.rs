//! What opening a store has found.

use crate::log::Verdict;
use crate::words::Corruption;
use std::fmt;

/// How the store had been left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Ending {
    /// It is new.
    New,
    /// It was closed.
    Closed,
    /// Its writer ended without closing it; nothing was torn.
    Whole,
    /// Its writer ended in the middle of writing; what was torn, and never acknowledged as synced,
    /// is discarded.
    Torn,
    /// It is damaged; it is open read-only, up to the damage.
    Damaged,
    /// A writer has it open now.
    InUse,
}

impl Ending {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Clean => Self::Closed,
            Verdict::Whole => Self::Whole,
            Verdict::TornTail => Self::Torn,
            Verdict::Unreadable
            | Verdict::NoSlot
            | Verdict::SlotLost
            | Verdict::Damaged
            | Verdict::NotAsClosed => Self::Damaged,
        }
    }
}

/// What opening a store has found and done.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// How the store had been left.
    pub ending: Ending,
    /// Commits in the part of the log that was read again.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes past the end of the log that were found and discarded (read-only: passed over).
    pub bytes_discarded: u64,
    /// Bytes of the log that are valid, but that nothing proves to have been synced. Opened for
    /// writing they were written and synced again; read-only they may be gone after a power cut.
    pub bytes_unproven: u64,
    /// Whether page 0 is damaged; the slots repeat what it says.
    pub header_damaged: bool,
    /// Where and how it is damaged, if it is.
    pub corruption: Option<Corruption>,
    /// One sentence: what was found, and why it was judged so.
    pub why: String,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, commits, events, .. } = self;
        write!(f, "{why} ({commits} commits with {events} events read again)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_in_a_sentence_what_was_found() {
        let report = RecoveryReport {
            ending: Ending::Closed,
            commits: 2,
            events: 5,
            bytes_discarded: 0,
            bytes_unproven: 0,
            header_damaged: false,
            corruption: None,
            why: "the store was closed".to_owned(),
        };
        let said = "the store was closed (2 commits with 5 events read again)";
        assert_eq!(report.to_string(), said);
    }
}

//! What a run is made from: a table that takes in no more, or another run.

use crate::format::{Listed, Mark, SegmentRef, TermEntry, TermHash, TermKind, index};
use crate::index::run::{NameAt, Run, RunError};
use crate::index::table::Table;
use crate::words::{LogOffset, Position};
use std::sync::Arc;

/// One of the pieces of index that become a run.
pub enum Input {
    /// A table, its terms sorted, its names sorted.
    Table(Arc<Table>, Vec<(TermHash, u32)>, Vec<u32>, Vec<SegmentRef>),
    /// A run.
    Run(Arc<Run>),
}

/// Where a walk over an input's names stands.
#[derive(Clone, Copy, Default)]
pub(super) struct NameCursor {
    nth: usize,
    place: NameAt,
}

/// A name that was read.
#[derive(Clone, Debug)]
pub(super) struct OwnName {
    pub(super) kind: TermKind,
    pub(super) text: String,
    pub(super) count: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Input {
    /// A table that takes in no more, and the segments that hold its log.
    pub fn table(table: Arc<Table>, segments: Vec<SegmentRef>) -> Self {
        let (terms, names) = {
            let read = table.read();
            (read.by_hash(), read.by_name())
        };
        Self::Table(table, terms, names, segments)
    }

    /// What was read of it is not read again soon.
    pub(super) fn let_go(&self) {
        if let Self::Run(run) = self {
            run.pages.let_go();
        }
    }

    /// The positions that it covers: its first, and the one after its last.
    pub(super) fn range(&self) -> (Position, Position) {
        match self {
            Self::Table(table, ..) => {
                (table.start().next, table.end().map_or(table.start().next, |end| end.next))
            }
            Self::Run(run) => (run.header().first, run.header().next),
        }
    }

    /// The log offsets that it covers.
    pub(super) fn log_range(&self) -> (LogOffset, LogOffset) {
        match self {
            Self::Table(table, ..) => {
                let start = table.start();
                (start.at, table.end().map_or(start.at, |end: Mark| end.at))
            }
            Self::Run(run) => (run.header().start, run.header().end),
        }
    }

    /// The segments that hold its log, in their order.
    pub(super) fn segments(&self) -> Result<Vec<SegmentRef>, RunError> {
        match self {
            Self::Table(_, _, _, segments) => Ok(segments.clone()),
            Self::Run(run) => run.segments(),
        }
    }

    /// At most so many terms and postings.
    pub(super) fn size(&self) -> (u64, u64) {
        match self {
            // What a table has fits by its limits.
            Self::Table(_, terms, ..) => (crate::format::u64_of(terms.len()), 0),
            Self::Run(run) => {
                let header = run.header();
                let terms = u64::from(header.terms);
                (terms, u64::from(header.postings).saturating_add(terms))
            }
        }
    }

    /// Bytes of the payloads of its events.
    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            Self::Table(table, ..) => table.totals().1,
            Self::Run(run) => run.header().payload_bytes,
        }
    }

    /// What is said of an input that is not what it said: a run is made anew then.
    pub(super) fn lies(&self) -> RunError {
        match self {
            Self::Table(..) => RunError::Io(std::io::ErrorKind::InvalidData.into()),
            Self::Run(run) => run.lies(),
        }
    }

    /// The number of the first posting behind this term's, where its own are to begin at `placed`.
    pub(super) fn placed(&self, entry: &TermEntry, placed: u32) -> Result<u32, RunError> {
        match self {
            Self::Table(..) => Ok(placed),
            Self::Run(run) => run.placed(entry, placed),
        }
    }

    /// The `nth` of its terms by hash. Of a table, `start` is the term's number.
    pub(super) fn term(&self, nth: u32) -> Result<Option<TermEntry>, RunError> {
        match self {
            Self::Table(table, terms, ..) => {
                let Some((_, term)) = terms.get(index(u64::from(nth))) else { return Ok(None) };
                Ok(table.read().entry(*term))
            }
            Self::Run(run) if nth < run.header().terms => run.term(nth).map(Some),
            Self::Run(_) => Ok(None),
        }
    }

    /// The postings of a term from the `nth` on, at most `most`, into an empty `out`.
    pub(super) fn postings(
        &self,
        entry: &TermEntry,
        nth: u32,
        most: u32,
        out: &mut Vec<u32>,
    ) -> Result<(), RunError> {
        match self {
            Self::Table(table, ..) => {
                table.read().positions_of(entry.start, (nth, nth.saturating_add(most)), out);
                Ok(())
            }
            Self::Run(run) => run.postings(entry, (nth, nth.saturating_add(most)), |words| {
                out.extend(words.iter().map(|posting| u32::from_le_bytes(*posting)));
            }),
        }
    }

    /// The name that stands here, and where the next one stands.
    pub(super) fn name(&self, at: NameCursor) -> Result<Option<(OwnName, NameCursor)>, RunError> {
        let own = |listed: &Listed<'_>| OwnName {
            kind: listed.kind,
            text: listed.text.to_owned(),
            count: listed.count,
            first: listed.first,
            last: listed.last,
        };
        match self {
            Self::Table(table, _, names, _) => {
                let read = table.read();
                let listed = names.get(at.nth).and_then(|nth| read.listed(*nth));
                let next = NameCursor { nth: at.nth + 1, ..at };
                Ok(listed.map(|listed| (own(&listed), next)))
            }
            Self::Run(run) => {
                let found = run.name_at(at.place, own)?;
                Ok(found.map(|(name, place)| (name, NameCursor { place, ..at })))
            }
        }
    }

    /// Log offsets of its events from the `nth` on: some, at most `most`.
    pub(super) fn offsets(
        &self,
        nth: u32,
        most: usize,
        out: &mut Vec<LogOffset>,
    ) -> Result<(), RunError> {
        match self {
            Self::Table(table, ..) => {
                let first = table.start().next.get().saturating_add(u64::from(nth));
                let (_, next) = self.range();
                let positions = (first..next.get()).take(most);
                out.extend(positions.map_while(|nth| table.locate(Position::new(nth))));
                Ok(())
            }
            Self::Run(run) => run.offsets(nth, most, out),
        }
    }
}

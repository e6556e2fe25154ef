//! A run or a table, as a walk goes through it.

use super::Wanted;
use crate::format::{TermEntry, TermHash};
use crate::index::table::{List, Spot, Table, Terms};
use crate::index::{Run, RunError, Sources};
use crate::words::Position;
use std::sync::Arc;

/// A part of the index. It is held, so that no other can pass for it.
pub(super) enum Part {
    Run(Arc<Run>),
    /// A table, and the first of its positions that no run has.
    Table(Arc<Table>, Position),
}

/// A part during a walk: a table is locked meanwhile.
pub(super) struct Here<'a> {
    first: Position,
    backward: bool,
    what: What<'a>,
}

enum What<'a> {
    Run(&'a Run),
    Table(&'a Terms),
}

/// Where a term's positions are in a part, and how far they are passed.
pub(super) enum Place {
    Nowhere,
    /// In a run. Going up, so many of its postings are passed; going down, so many are left.
    Run(TermEntry, u32),
    Table(List, Spot),
}

impl Part {
    /// The part that has the first positions of a range, or, backward, the last; nothing if there
    /// is none.
    pub(super) fn next(
        sources: &Sources,
        (from, to): (Position, Position),
        backward: bool,
    ) -> Option<Self> {
        let tables_from = sources.tables_from();
        let table =
            |table: &Arc<Table>| Self::Table(table.clone(), table.start().next.max(tables_from));
        let run = |run: &Arc<Run>| Self::Run(run.clone());
        let part = if backward {
            let tables = sources.tables.partition_point(|table| table.start().next <= to);
            let runs = sources.runs.partition_point(|run| run.header().first <= to);
            let newest = tables.checked_sub(1).and_then(|nth| sources.tables.get(nth));
            match newest.filter(|_| to >= tables_from) {
                Some(newest) => table(newest),
                None => run(sources.runs.get(runs.checked_sub(1)?)?),
            }
        } else {
            let runs = sources.runs.partition_point(|run| run.header().next <= from);
            let ended = |table: &Arc<Table>| table.end().is_some_and(|end| end.next <= from);
            let tables = sources.tables.partition_point(ended);
            match sources.runs.get(runs) {
                Some(next) => run(next),
                None => table(sources.tables.get(tables)?),
            }
        };
        (part.first() <= to && part.last() >= from).then_some(part)
    }

    /// Whether it is one of these.
    pub(super) fn is_of(&self, sources: &Sources) -> bool {
        match self {
            Self::Run(run) => sources.runs.iter().any(|other| Arc::ptr_eq(run, other)),
            Self::Table(table, _) => sources.tables.iter().any(|other| Arc::ptr_eq(table, other)),
        }
    }

    pub(super) fn has(&self, position: Position) -> bool {
        position >= self.first() && position <= self.last()
    }

    /// The first position that it has.
    pub(super) fn first(&self) -> Position {
        match self {
            Self::Run(run) => run.header().first,
            Self::Table(_, first) => *first,
        }
    }

    /// The last position that it has, or may get.
    pub(super) fn last(&self) -> Position {
        match self {
            Self::Run(run) => run.header().next.previous(),
            Self::Table(table, _) => table.end().map_or(Position::MAX, |end| end.next.previous()),
        }
    }

    /// Gives the wanted positions in a range that it has, until `each` says that it is enough.
    /// Returns where to go on; nothing at the end.
    pub(super) fn walk(
        &self,
        wanted: &mut Wanted,
        range: (Position, Position),
        backward: bool,
        mut each: impl FnMut(Position) -> bool,
    ) -> Result<Option<Position>, RunError> {
        let terms;
        let (first, what) = match self {
            Self::Run(run) => (run.header().first, What::Run(run)),
            Self::Table(table, _) => {
                terms = table.read();
                (table.start().next, What::Table(&terms))
            }
        };
        let here = Here { first, backward, what };
        let Some((mut from, to)) = here.keys(range) else { return Ok(None) };
        while let Some(key) = wanted.next(&here, from, to)? {
            let go_on = each(here.position(key));
            match key.checked_add(1).filter(|next| *next <= to) {
                Some(next) if go_on => from = next,
                next => return Ok(next.map(|next| here.position(next))),
            }
        }
        Ok(None)
    }
}

impl Here<'_> {
    /// The keys of a range of positions: the least and the greatest; nothing if no key is of it.
    pub(super) fn keys(&self, (from, to): (Position, Position)) -> Option<(u32, u32)> {
        let relative = |position: Position| {
            u32::try_from(position.get().saturating_sub(self.first.get())).unwrap_or(u32::MAX)
        };
        if to < self.first || from > to {
            return None;
        }
        let (from, to) = (relative(from), relative(to));
        Some(if self.backward { (!to, !from) } else { (from, to) })
    }

    fn position(&self, key: u32) -> Position {
        let nth = if self.backward { !key } else { key };
        Position::new(self.first.get().saturating_add(u64::from(nth)))
    }

    /// Where a term's positions are.
    pub(super) fn find(&self, hash: TermHash) -> Result<Place, RunError> {
        Ok(match &self.what {
            What::Run(run) => match run.find(hash)? {
                None => Place::Nowhere,
                Some(entry) => Place::Run(entry, if self.backward { entry.count } else { 0 }),
            },
            What::Table(terms) => match terms.find(hash) {
                None => Place::Nowhere,
                Some(term) => Place::Table(*term.list(), Spot::default()),
            },
        })
    }

    /// The least key from `from` on.
    pub(super) fn seek(&self, place: &mut Place, from: u32) -> Result<Option<u32>, RunError> {
        let nth = if self.backward { !from } else { from };
        let found = match (place, &self.what) {
            (Place::Run(entry, passed), What::Run(run)) if !self.backward => {
                let found = run.seek(entry, (*passed, entry.count), nth)?;
                *passed = found.map_or(entry.count, |(number, _)| number);
                found.map(|(_, found)| found)
            }
            (Place::Run(entry, left), What::Run(run)) => {
                let beyond = run.seek(entry, (0, *left), nth.saturating_add(1))?;
                *left = beyond.map_or(*left, |(number, _)| number);
                let last = left.checked_sub(1);
                last.map(|last| run.posting(entry, last)).transpose()?
            }
            (Place::Table(list, spot), What::Table(terms)) => {
                terms.seek(list, spot, nth, self.backward)
            }
            _ => None,
        };
        Ok(found.map(|nth| if self.backward { !nth } else { nth }))
    }
}

//! Everything that answers: runs, then tables, in the order of the log. A value that never changes,
//! but for the last table, which takes in what is committed.

use super::run::{Listing, Run, RunError, find_in_each};
use super::table::{Known, Table};
use crate::format::{DocumentPlace, RunRef, SegmentRef, TermEntry, TermHash, TermKind, u64_of};
use crate::words::{LogOffset, Position, Version};
use std::ops::Bound;
use std::sync::Arc;

/// So many runs are asked for a term at once.
const AT_ONCE: usize = 4;

/// The parts of an index.
#[derive(Clone, Default)]
pub struct Sources {
    /// Runs, oldest first.
    pub runs: Vec<Arc<Run>>,
    /// Tables, oldest first; the last takes in what is committed.
    pub tables: Vec<Arc<Table>>,
}

impl Sources {
    /// The position of the first event that any part knows.
    pub fn first(&self) -> Position {
        match (self.runs.first(), self.tables.first()) {
            (Some(run), _) => run.header().first,
            (None, Some(table)) => table.start().next,
            (None, None) => Position::new(1),
        }
    }

    /// The position after the last event of the runs; tables answer from there on.
    pub(super) fn tables_from(&self) -> Position {
        match (self.runs.last(), self.tables.first()) {
            (Some(run), _) => run.header().next,
            (None, Some(table)) => table.start().next,
            (None, None) => Position::new(1),
        }
    }

    /// The newest table.
    pub fn active(&self) -> Option<&Arc<Table>> {
        self.tables.last()
    }

    /// The run with this place, if it is one of these.
    pub fn run(&self, place: &RunRef) -> Option<&Arc<Run>> {
        self.runs.iter().find(|run| run.place() == place)
    }

    /// The log offset of the event with this position.
    pub fn locate(&self, position: Position) -> Result<Option<LogOffset>, RunError> {
        if position >= self.tables_from() {
            return Ok(self.locate_in_tables(position));
        }
        let Some(run) = self.run_of(position) else { return Ok(None) };
        run.offset(run.nth(position)).map(Some)
    }

    /// Gives the place of each of these events, up to the first that no part knows, or that a part
    /// can't tell; returns how many. An error if that is the very first.
    pub fn locate_each(
        &self,
        positions: impl Iterator<Item = Position> + Clone,
        mut each: impl FnMut(Position, LogOffset),
    ) -> Result<usize, RunError> {
        // The offsets lie as far apart as the events: all of them come near first.
        let mut run = None;
        for position in positions.clone() {
            run = self.same_or_other(run, position);
            if let Some(run) = run {
                run.bring_offset(run.nth(position));
            }
        }
        let (mut found, mut run) = (0, None);
        for position in positions {
            run = self.same_or_other(run, position);
            let at = match run {
                Some(run) => run.offset(run.nth(position)).map(Some),
                None => Ok(self.locate_in_tables(position)),
            };
            match at {
                Ok(Some(at)) => each(position, at),
                Err(error) if found == 0 => return Err(error),
                _ => break,
            }
            found += 1;
        }
        Ok(found)
    }

    /// Has the page read meanwhile that says where the event with this position is.
    pub fn announce(&self, position: Position) {
        if let Some(run) = self.run_of(position) {
            run.announce_offset(run.nth(position));
        }
    }

    /// Log offsets of the events from this position on, going up: one at least if there is one, at
    /// most `most`.
    pub fn locate_from(
        &self,
        position: Position,
        most: usize,
        out: &mut Vec<LogOffset>,
    ) -> Result<(), RunError> {
        if position >= self.tables_from() {
            let positions = (position.get()..).take(most).map(Position::new);
            out.extend(positions.map_while(|position| self.locate_in_tables(position)));
            return Ok(());
        }
        let Some(run) = self.run_of(position) else { return Ok(()) };
        run.offsets(run.nth(position), most, out)
    }

    /// The runs that have a position in `from..=to`.
    pub(super) fn runs_over(
        &self,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = &Arc<Run>> {
        let first = self.runs.partition_point(|run| run.header().next <= from);
        let runs = self.runs.iter().skip(first);
        runs.take_while(move |run| run.header().first <= to)
    }

    /// The run that has the event with this position.
    fn run_of(&self, position: Position) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.header().first <= position);
        let run = self.runs.get(after.checked_sub(1)?)?;
        run.covers(position).then_some(run)
    }

    /// The same, by the run of another event: mostly it is that one.
    fn same_or_other<'a>(&'a self, run: Option<&'a Run>, position: Position) -> Option<&'a Run> {
        run.filter(|run| run.covers(position)).or_else(|| self.run_of(position))
    }

    fn locate_in_tables(&self, position: Position) -> Option<LogOffset> {
        let after = self.tables.partition_point(|table| table.start().next <= position);
        self.tables.get(after.checked_sub(1)?)?.locate(position)
    }

    /// The segment that holds this place of the log, by the run that indexes it; nothing if none
    /// does.
    pub fn segment(&self, at: LogOffset) -> Result<Option<SegmentRef>, RunError> {
        let after = self.runs.partition_point(|run| run.header().end <= at);
        let Some(run) = self.runs.get(after) else { return Ok(None) };
        Ok(run.segments()?.into_iter().find(|segment| segment.contains(at)))
    }

    /// The last position up to `head` whose record begins before `end`, which is not within runs;
    /// the one before the tables if none does.
    pub fn last_before(&self, end: LogOffset, head: Position) -> Position {
        let low = self.tables_from().get();
        let (mut low, mut high) = (low, head.get().saturating_add(1).max(low));
        while low < high {
            let middle = low.midpoint(high);
            match self.locate_in_tables(Position::new(middle)) {
                Some(at) if at < end => low = middle + 1,
                _ => high = middle,
            }
        }
        Position::new(low.saturating_sub(1))
    }

    /// The version of the stream whose name has this hash, after the events up to `head`.
    pub fn version(&self, name: TermHash, head: Position) -> Result<Version, RunError> {
        let hash = name.of(TermKind::Stream);
        for table in self.tables.iter().rev() {
            if let Some(Known { base, count }) = table.known_to(hash, head) {
                return Ok(Version::new(base.saturating_add(count)));
            }
        }
        // A new stream is in none of them, and each has to say so.
        self.runs.iter().for_each(|run| run.bring_filter(hash));
        for run in self.runs.iter().rev() {
            if run.header().first > head {
                continue;
            }
            if let Some(entry) = run.find(hash)? {
                let count = u64::from(run.postings_before(&entry, beyond(run, head))?);
                return Ok(Version::new(entry.base.saturating_add(count)));
            }
        }
        Ok(Version::NONE)
    }

    /// Positions of a stream's events from version `from` on up to version `to`, ascending: one at
    /// least if there is one, some `most` at most.
    pub fn versions(
        &self,
        name: TermHash,
        (from, to): (Version, Version),
        most: usize,
        out: &mut Vec<u64>,
    ) -> Result<(), RunError> {
        let hash = name.of(TermKind::Stream);
        let (from, to) = (from.get().saturating_sub(1), to.get());
        // From the newest part back to the one that has `from`; then forward.
        let mut parts: Vec<RunPart<'_>> = Vec::new();
        let mut begin = u64::MAX;
        let whole = |table: &&Arc<Table>| table.start().next >= self.tables_from();
        for table in self.tables.iter().filter(whole).rev() {
            if let Some(known) = table.known_to(hash, Position::MAX) {
                begin = known.base;
                if begin <= from {
                    break;
                }
            }
        }
        // The newest may have all of it; if not, what is cold of the others is on its way, and they
        // are asked a few at a time.
        let (mut left, mut at_once) = (&self.runs[..], 1);
        while begin > from && !left.is_empty() {
            let (earlier, asked) = left.split_at(left.len().saturating_sub(at_once));
            find_in_each(asked, hash, |run, entry| {
                if begin > from {
                    begin = entry.base;
                    parts.push((run, entry));
                }
            })?;
            if at_once == 1 && begin > from {
                earlier.iter().rev().for_each(|run| _ = run.announce_term(hash));
            }
            (left, at_once) = (earlier, AT_ONCE);
        }
        for (run, entry) in &parts {
            let [from, to] = [from, to].map(|version| narrow(version.saturating_sub(entry.base)));
            run.announce_postings(entry, (from, to));
            run.bring_postings(entry, from);
        }
        for (run, entry) in parts.iter().rev() {
            // Versions before the one that is wanted next, counted within the part.
            let skip = from.saturating_add(u64_of(out.len())).saturating_sub(entry.base);
            let end = to.saturating_sub(entry.base).min(u64::from(entry.count));
            let wanted = end.saturating_sub(skip).min(u64_of(most.saturating_sub(out.len())));
            if wanted == 0 {
                continue;
            }
            let numbers = (narrow(skip), narrow(skip.saturating_add(wanted)));
            let first = run.header().first.get();
            let absolute = |nth: &[u8; 4]| first.wrapping_add(u64::from(u32::from_le_bytes(*nth)));
            run.postings(entry, numbers, |words| out.extend(words.iter().map(absolute)))?;
            if out.len() >= most {
                return Ok(());
            }
        }
        // Where runs cover a table's beginning, its versions there are found already.
        for table in &self.tables {
            let next = Version::new(from.saturating_add(u64_of(out.len())).saturating_add(1));
            if out.len() >= most || next.get() > to {
                break;
            }
            table.versions(hash, (next, Version::new(to)), most - out.len(), out);
        }
        Ok(())
    }

    /// Whether any of these terms, sorted, has an event in `from..=to`.
    pub fn has_any(
        &self,
        terms: &[TermHash],
        (from, to): (Position, Position),
    ) -> Result<bool, RunError> {
        let in_tables = (from.max(self.tables_from()), to);
        let tables =
            self.tables.iter().filter(|table| table.end().is_none_or(|end| end.next > from));
        if tables.into_iter().any(|table| table.has_any(terms, in_tables)) {
            return Ok(true);
        }
        let mut with = Vec::new();
        for run in self.runs.iter().filter(|run| run.header().next > from) {
            with.clear();
            run.let_through(terms, &mut with)?;
            for term in with.iter().copied() {
                let Some(entry) = run.find_let_through(term)? else { continue };
                let before = run.postings_before(&entry, run.nth(from))?;
                if run.postings_before(&entry, beyond(run, to))? > before {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// How many events up to `head` a term has.
    pub fn count(&self, hash: TermHash, head: Position) -> Result<u64, RunError> {
        let mut count = 0_u64;
        for run in self.runs.iter().take_while(|run| run.header().first <= head) {
            if let Some(entry) = run.find(hash)? {
                let within = run.postings_before(&entry, beyond(run, head))?;
                count = count.saturating_add(u64::from(within));
            }
        }
        let range = (self.tables_from(), head);
        let in_tables = self.tables.iter().map(|table| table.count(hash, range));
        Ok(count.saturating_add(in_tables.sum()))
    }

    /// The newest record of a document that stands before `end`; of those that a run has it is the
    /// newest of all, which may stand behind. `key` is the hash of its key.
    pub fn document(
        &self,
        key: TermHash,
        end: LogOffset,
    ) -> Result<Option<DocumentPlace>, RunError> {
        for table in self.tables.iter().rev() {
            if let Some(place) = table.document(key, end) {
                return Ok(Some(place));
            }
        }
        for run in self.runs.iter().rev() {
            if let Some(place) = run.document(key)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The same of records that do not stand before `from`.
    pub fn document_since(
        &self,
        key: TermHash,
        from: LogOffset,
    ) -> Result<Option<DocumentPlace>, RunError> {
        let newest = |table: &Arc<Table>| table.document(key, LogOffset::new(u64::MAX));
        let mut found = self.tables.iter().rev().find_map(newest);
        if found.is_none() {
            let newer = self.runs.iter().rev().take_while(|run| run.header().end > from);
            for run in newer {
                found = run.document(key)?;
                if found.is_some() {
                    break;
                }
            }
        }
        Ok(found.filter(|place| place.at >= from))
    }

    /// Names of a kind within these bounds: the first `most`, ascending, or descending if
    /// `backward`. With each comes how many events up to `head` it has, which may be none; of
    /// documents that means nothing. `hash` is that of a name.
    pub fn names(
        &self,
        (kind, head): (TermKind, Position),
        bounds: (Bound<&str>, Bound<&str>),
        backward: bool,
        most: usize,
        hash: impl Fn(&str) -> TermHash,
    ) -> Result<Vec<(String, u64)>, RunError> {
        let mut found = Vec::new();
        for run in &self.runs {
            let mut listed = Vec::new();
            run.names(kind, bounds, backward, most, &mut listed)?;
            for Listing { text, count, last } in listed {
                let end = beyond(run, head);
                let cut = kind != TermKind::Document && last >= end;
                let count = match cut.then(|| run.find(hash(&text).of(kind))).transpose()? {
                    // A view that ends within the run.
                    Some(Some(entry)) => run.postings_before(&entry, end)?,
                    Some(None) => return Err(run.lies()),
                    None => count,
                };
                found.push((text, u64::from(count)));
            }
        }
        // Runs may cover a table's beginning.
        let range = (self.tables_from(), head);
        for table in &self.tables {
            table.names((kind, range), bounds, backward, most, &mut found);
        }
        // The first of all are among the first of each.
        let order = |a: &(String, u64), b: &(String, u64)| match backward {
            true => b.0.cmp(&a.0),
            false => a.0.cmp(&b.0),
        };
        found.sort_unstable_by(order);
        found.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 = kept.1.saturating_add(if same { next.1 } else { 0 });
            same
        });
        found.truncate(most);
        Ok(found)
    }
}

type RunPart<'a> = (&'a Arc<Run>, TermEntry);

/// The number in the run of the first event after `head`.
fn beyond(run: &Run, head: Position) -> u32 {
    narrow(head.get().saturating_add(1).saturating_sub(run.header().first.get()))
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

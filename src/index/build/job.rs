//! A run in the making, step by step, so that whoever does it can do something more urgent between.
//!
//! First everything is counted: then it is known where each part will stand. Then the terms are
//! written, with fences, filter and postings beside them; then the names, the table of positions,
//! and last the header.

use super::input::Input;
use super::output::{Output, Part, Sink};
use super::terms::{NameMerge, TermMerge};
use crate::format::{
    FileKey, Listed, PAGE_ROOM, RunHeader, Sections, SegmentRef, TERM_LEN, TermEntry, index,
    seal_page, u64_of,
};
use crate::index::run::{Block, RunError};
use crate::words::LogOffset;
use std::io;

/// A run in the making.
pub struct Job {
    inputs: Vec<Input>,
    /// Each input's first position, counted from the first of all.
    shift: Vec<u32>,
    key: FileKey,
    id: u32,
    header: RunHeader,
    sections: Sections,
    segments: Vec<SegmentRef>,
    phase: Phase,
    written: u64,
    scratch: Vec<u32>,
}

/// What a step has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// There is more to do.
    More,
    /// It will have so many pages; from now on it writes.
    Counted(u32),
    /// It is complete.
    Done,
}

enum Phase {
    CountTerms(TermMerge),
    CountNames(NameMerge, usize),
    Terms(Box<Writing>),
    Segments,
    Names(NameMerge, Part),
    Offsets(Part, usize, u32),
    Header,
    Done,
}

/// The parts that are written with the terms.
struct Writing {
    merge: TermMerge,
    terms: Part,
    fences: Part,
    filter: Part,
    postings: Part,
    /// The block that is filled now, and its number.
    block: (u32, Block),
    /// Postings written.
    placed: u32,
    /// The term whose postings are copied: of which input and from which on.
    copying: Vec<(usize, TermEntry)>,
    input: usize,
    nth: u32,
}

/// A log range from which on 32 bits don't reach over it in steps of 8 bytes.
const WIDE: u64 = 1 << 35;
/// Postings or terms taken at once.
const CHUNK: u32 = 1 << 14;

impl Job {
    /// A run with this number and level from inputs that lie behind one another; nothing if it
    /// would have more than a run can.
    pub fn new(
        inputs: Vec<Input>,
        level: u32,
        id: u32,
        key: FileKey,
    ) -> Result<Option<Self>, RunError> {
        let (Some(oldest), Some(newest)) = (inputs.first(), inputs.last()) else { return Ok(None) };
        let (start, end) = (oldest.log_range().0, newest.log_range().1);
        let (first, next) = (oldest.range().0, newest.range().1);
        let behind = inputs.iter().zip(inputs.iter().skip(1));
        debug_assert!(behind.map(|(a, b)| (a.range(), b.range())).all(|(a, b)| a.1 == b.0));
        let mut segments: Vec<SegmentRef> = Vec::new();
        for input in &inputs {
            // One that two inputs lie in is named once.
            let last = segments.last().map(|last| last.log_offset);
            let own = input.segments()?.into_iter();
            segments.extend(own.filter(|own| last.is_none_or(|last| own.log_offset > last)));
        }
        let header = RunHeader {
            segments: u32::try_from(segments.len()).unwrap_or(u32::MAX),
            level,
            start,
            end,
            first,
            next,
            width: if end.since(start) < WIDE { 4 } else { 8 },
            payload_bytes: inputs.iter().map(Input::payload_bytes).fold(0, u64::saturating_add),
            ..RunHeader::default()
        };
        let sum = |part: fn(&(u64, u64)) -> u64| -> u64 {
            inputs.iter().map(Input::size).map(|size| part(&size)).sum()
        };
        let most = u64::from(u32::MAX);
        if header.events().is_none() || sum(|size| size.0) > most || sum(|size| size.1) > most {
            return Ok(None);
        }
        let shift = inputs.iter().map(|input| input.range().0.get().saturating_sub(first.get()));
        let shift = shift.map(|shift| u32::try_from(shift).unwrap_or(u32::MAX)).collect();
        let phase = Phase::CountTerms(TermMerge::new(&inputs)?);
        let (sections, written, scratch) = (Sections::default(), 0, Vec::new());
        Ok(Some(Self {
            inputs,
            shift,
            key,
            id,
            header,
            sections,
            segments,
            phase,
            written,
            scratch,
        }))
    }

    /// What it will say of itself; complete when it is done.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Goes on for about `budget` bytes of pages. Nothing is written before it has said how many
    /// pages there will be.
    pub fn step(&mut self, sink: &mut dyn Sink, budget: u64) -> Result<Step, RunError> {
        let key = self.key;
        let mut to = Output { sink, key: &key, id: self.id, written: 0 };
        // Counting reads what writing will read; some 32 bytes for each term.
        let mut terms = budget / 32;
        loop {
            let step = self.some(&mut to)?;
            terms = terms.saturating_sub(u64::from(CHUNK));
            if step != Step::More || to.written >= budget || terms == 0 {
                self.written = self.written.saturating_add(to.written);
                // Or all that a merge walks through would count as memory of the process.
                self.inputs.iter().for_each(Input::let_go);
                return Ok(step);
            }
        }
    }

    /// A piece of work of bounded size.
    fn some(&mut self, to: &mut Output<'_>) -> Result<Step, RunError> {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::CountTerms(merge) => self.count_terms(merge)?,
            Phase::CountNames(merge, used) => return self.count_names(merge, used),
            Phase::Terms(writing) => self.terms(writing, to)?,
            Phase::Segments => self.segments(to)?,
            Phase::Names(merge, part) => self.names(merge, part, to)?,
            Phase::Offsets(part, input, nth) => self.offsets(part, input, nth, to)?,
            Phase::Header => {
                let mut page = self.header.encode();
                seal_page(&mut page, self.id, 0, &self.key);
                to.sink.write(0, &page).map_err(RunError::Io)?;
                to.written = to.written.saturating_add(u64_of(page.len()));
                return Ok(Step::Done);
            }
            Phase::Done => return Ok(Step::Done),
        }
        Ok(Step::More)
    }

    fn count_terms(&mut self, mut merge: TermMerge) -> Result<(), RunError> {
        let mut of_term = Vec::new();
        for _ in 0..CHUNK {
            of_term.clear();
            if !merge.next(&self.inputs, &mut of_term)? {
                self.phase = Phase::CountNames(NameMerge::new(&self.inputs)?, 0);
                return Ok(());
            }
            let count = count_of(&of_term).ok_or_else(too_much)?;
            self.header.terms = self.header.terms.saturating_add(1);
            if count > 1 {
                self.header.postings = self.header.postings.saturating_add(count);
            }
        }
        self.phase = Phase::CountTerms(merge);
        Ok(())
    }

    fn count_names(&mut self, mut merge: NameMerge, mut used: usize) -> Result<Step, RunError> {
        for _ in 0..CHUNK {
            let Some(name) = merge.next(&self.inputs, &self.shift)? else {
                let sections = self.header.sections();
                let (sections, pages) = sections.ok_or_else(too_much)?;
                self.sections = sections;
                self.phase = Phase::Terms(Box::new(Writing::new(&self.inputs, &self.sections)?));
                return Ok(Step::Counted(pages));
            };
            let length = name.listed().len();
            if used == 0 || used + length > PAGE_ROOM {
                self.header.name_pages = self.header.name_pages.saturating_add(1);
                used = 0;
            }
            used += length;
        }
        self.phase = Phase::CountNames(merge, used);
        Ok(Step::More)
    }

    fn terms(&mut self, mut writing: Box<Writing>, to: &mut Output<'_>) -> Result<(), RunError> {
        let mut left = CHUNK;
        while left > 0 {
            if writing.input < writing.copying.len() {
                let copied = writing.copy(&self.inputs, &self.shift, &mut self.scratch, to)?;
                left = left.saturating_sub(copied);
                continue;
            }
            (writing.input, writing.nth) = (0, 0);
            writing.copying.clear();
            if !writing.merge.next(&self.inputs, &mut writing.copying)? {
                writing.finish(self.header.filter_blocks(), to)?;
                self.phase = Phase::Segments;
                return Ok(());
            }
            writing.begin(&self.header, &self.inputs, &self.shift, &mut self.scratch, to)?;
            left -= 1;
        }
        self.phase = Phase::Terms(writing);
        Ok(())
    }

    fn segments(&mut self, to: &mut Output<'_>) -> Result<(), RunError> {
        let mut part = Part::new(&self.sections.segments);
        for segment in &self.segments {
            part.put(&segment.to_bytes(), to).map_err(RunError::Io)?;
        }
        part.flush(to).map_err(RunError::Io)?;
        let names = Part::new(&self.sections.names);
        self.phase = Phase::Names(NameMerge::new(&self.inputs)?, names);
        Ok(())
    }

    fn names(
        &mut self,
        mut merge: NameMerge,
        mut part: Part,
        to: &mut Output<'_>,
    ) -> Result<(), RunError> {
        let mut bytes = Vec::new();
        for _ in 0..CHUNK {
            let Some(name) = merge.next(&self.inputs, &self.shift)? else {
                part.flush(to).map_err(RunError::Io)?;
                self.phase = Phase::Offsets(Part::new(&self.sections.offsets), 0, 0);
                return Ok(());
            };
            bytes.clear();
            bytes.resize(name.listed().len(), 0);
            name.listed().encode(&mut bytes);
            part.put(&bytes, to).map_err(RunError::Io)?;
        }
        self.phase = Phase::Names(merge, part);
        Ok(())
    }

    /// One page of the table of positions.
    fn offsets(
        &mut self,
        mut part: Part,
        mut input: usize,
        mut nth: u32,
        to: &mut Output<'_>,
    ) -> Result<(), RunError> {
        let wanted = index(u64::from(self.header.offsets_per_page()));
        let mut page: Vec<LogOffset> = Vec::with_capacity(wanted);
        while page.len() < wanted
            && let Some(from) = self.inputs.get(input)
        {
            let (first, next) = from.range();
            let events = u32::try_from(next.get().saturating_sub(first.get())).unwrap_or(u32::MAX);
            if nth >= events {
                (input, nth) = (input + 1, 0);
                continue;
            }
            let before = page.len();
            from.offsets(nth, wanted - before, &mut page)?;
            if page.len() == before {
                return Err(too_much());
            }
            nth = nth.saturating_add(u32::try_from(page.len() - before).unwrap_or(u32::MAX));
        }
        let Some(base) = page.first().copied() else {
            part.flush(to).map_err(RunError::Io)?;
            self.phase = Phase::Header;
            return Ok(());
        };
        let mut bytes = Vec::with_capacity(PAGE_ROOM);
        bytes.extend_from_slice(&base.get().to_le_bytes());
        for at in page {
            let step = at.since(base);
            match self.header.width {
                4 => {
                    let step = u32::try_from(step / 8).unwrap_or(u32::MAX);
                    bytes.extend_from_slice(&step.to_le_bytes());
                }
                _ => bytes.extend_from_slice(&step.to_le_bytes()),
            }
        }
        part.begin_page(to).map_err(RunError::Io)?;
        part.put(&bytes, to).map_err(RunError::Io)?;
        self.phase = Phase::Offsets(part, input, nth);
        Ok(())
    }
}

impl Writing {
    fn new(inputs: &[Input], sections: &Sections) -> Result<Self, RunError> {
        Ok(Self {
            merge: TermMerge::new(inputs)?,
            terms: Part::new(&sections.terms),
            fences: Part::new(&sections.fences),
            filter: Part::new(&sections.filter),
            postings: Part::new(&sections.postings),
            block: (0, Block::default()),
            placed: 0,
            copying: Vec::new(),
            input: 0,
            nth: 0,
        })
    }

    /// Writes the entry of the term in `copying`, its fence and its bits of the filter.
    fn begin(
        &mut self,
        header: &RunHeader,
        inputs: &[Input],
        shift: &[u32],
        scratch: &mut Vec<u32>,
        to: &mut Output<'_>,
    ) -> Result<(), RunError> {
        let Some((oldest, first)) = self.copying.first().copied() else { return Ok(()) };
        let count = count_of(&self.copying).ok_or_else(too_much)?;
        let mut entry = TermEntry { hash: first.hash, start: self.placed, count, base: first.base };
        if count == 0 {
            // Of a document the newest record counts.
            entry = self.copying.last().map_or(entry, |(_, newest)| *newest);
            self.copying.clear();
        } else if count == 1 {
            // The only posting stands in the entry itself.
            scratch.clear();
            if let Some(input) = inputs.get(oldest) {
                input.postings(&first, 0, 1, scratch)?;
            }
            let shift = shift.get(oldest).copied().unwrap_or(0);
            entry.start = scratch.first().copied().unwrap_or(0).saturating_add(shift);
            self.copying.clear();
        } else {
            self.placed = self.placed.saturating_add(count);
        }
        let mut bytes = [0; TERM_LEN];
        entry.encode(&mut bytes);
        let begins = self.terms.put(&bytes, to).map_err(RunError::Io)?;
        let blocks = header.filter_blocks();
        if blocks == 0 {
            return Ok(());
        }
        if begins {
            self.fences.put(&entry.hash.high().to_le_bytes(), to).map_err(RunError::Io)?;
        }
        let block = Block::of(entry.hash, blocks);
        self.fill_to(block, to)?;
        self.block.1.add(entry.hash);
        Ok(())
    }

    /// Writes the filter's blocks up to this one.
    fn fill_to(&mut self, block: u32, to: &mut Output<'_>) -> Result<(), RunError> {
        while self.block.0 < block {
            self.filter.put(&self.block.1.bytes(), to).map_err(RunError::Io)?;
            self.block = (self.block.0 + 1, Block::default());
        }
        Ok(())
    }

    /// Copies some postings of the term; returns how many.
    fn copy(
        &mut self,
        inputs: &[Input],
        shift: &[u32],
        scratch: &mut Vec<u32>,
        to: &mut Output<'_>,
    ) -> Result<u32, RunError> {
        let Some((from, entry)) = self.copying.get(self.input).copied() else { return Ok(0) };
        scratch.clear();
        if let Some(input) = inputs.get(from) {
            input.postings(&entry, self.nth, CHUNK, scratch)?;
        }
        let shift = shift.get(from).copied().unwrap_or(0);
        for posting in scratch.iter() {
            let posting = posting.saturating_add(shift);
            self.postings.put(&posting.to_le_bytes(), to).map_err(RunError::Io)?;
        }
        let copied = u32::try_from(scratch.len()).unwrap_or(u32::MAX);
        self.nth = self.nth.saturating_add(copied.max(1));
        if self.nth >= entry.count {
            (self.input, self.nth) = (self.input + 1, 0);
        }
        Ok(copied.max(1))
    }

    fn finish(&mut self, blocks: u32, to: &mut Output<'_>) -> Result<(), RunError> {
        self.fill_to(blocks, to)?;
        for part in [&mut self.terms, &mut self.fences, &mut self.filter, &mut self.postings] {
            part.flush(to).map_err(RunError::Io)?;
        }
        Ok(())
    }
}

impl super::input::OwnName {
    fn listed(&self) -> Listed<'_> {
        let Self { kind, count, first, last, .. } = *self;
        Listed { kind, text: &self.text, count, first, last }
    }
}

/// Postings of a term in all inputs that have it: a document has none. Nothing if it is a document
/// in one of them and not in another.
fn count_of(of_term: &[(usize, TermEntry)]) -> Option<u32> {
    let documents = of_term.iter().filter(|(_, entry)| entry.document().is_some()).count();
    if documents > 0 {
        return (documents == of_term.len()).then_some(0);
    }
    Some(of_term.iter().fold(0, |sum, (_, entry)| sum.saturating_add(entry.count)))
}

/// Inputs that are not what they said.
fn too_much() -> RunError {
    RunError::Io(io::ErrorKind::InvalidData.into())
}

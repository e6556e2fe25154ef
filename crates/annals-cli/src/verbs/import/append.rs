//! The second reading: the events of the lines are appended, those that are not there yet.

use super::check::{Bad, Lines, name_bad};
use super::{Done, Globals, Told};
use crate::exit::{Failure, Outcome};
use crate::input::{Block, in_order};
use crate::line::{Line, Wrong};
use crate::show::{Progress, moment};
use crate::stop;
use crate::verbs::same::another;
use annals::{AppendError, Commit, Invalid, NewEvent, Read, RecordedEvent, Store, Timestamp};

/// The events of lines, on their way into a store.
pub struct Appending<'a> {
    store: &'a Store,
    lines: &'a Lines<'a>,
    clock: Told,
    skip_bad: bool,
    progress: Progress,
    /// When the newest event of the store was recorded.
    recorded: Option<Timestamp>,
    done: Done,
}

/// The most events in a commit. A block of lines has some hundreds, but for one that a long line
/// has made larger.
const BATCH: usize = 1 << 14;

/// Events that are appended together.
struct Batch {
    /// The numbers of their lines.
    lines: Vec<u64>,
    /// The events.
    commit: Commit,
    /// When they were recorded, if the input says so.
    time: Option<Timestamp>,
}

/// What a block has.
struct Parsed {
    batches: Vec<Batch>,
    bad: Vec<Bad>,
}

impl<'a> Appending<'a> {
    /// Of these lines into this store, whose clock says what it is told.
    pub fn new(
        store: &'a Store,
        lines: &'a Lines<'a>,
        (clock, skip_bad): (Told, bool),
        globals: &Globals,
    ) -> Self {
        let progress = Progress::of_bytes("importing", globals.quiet);
        Self { store, lines, clock, skip_bad, progress, recorded: None, done: Done::default() }
    }

    /// Appends them all, and makes them durable.
    ///
    /// # Errors
    /// An id is there already with another event; the store can't take more. What was appended
    /// before stays.
    pub fn run(&mut self) -> Outcome {
        let head = self.store.head()?;
        self.recorded = self.store.event(head)?.map(|event| event.recorded);
        let (lines, skip_bad) = (self.lines, self.skip_bad);
        let take = |parsed: Parsed| {
            let (done, all) = lines.source.progress();
            self.progress.at(done, all);
            self.take(parsed)
        };
        let work = |block: Block| parse(&block, lines, skip_bad);
        let failed = |error: &std::io::Error, line| lines.source.failed(error, line);
        in_order(lines.source.read()?, work, take, failed)?;
        Ok(self.store.sync()?)
    }

    /// What has been done; nothing of how far it was is shown any more.
    pub fn finish(self) -> Done {
        self.done
    }

    fn take(&mut self, parsed: Parsed) -> Outcome {
        for bad in &parsed.bad {
            self.progress.beside(|| name_bad(self.lines.source.name(), bad));
            if !self.skip_bad {
                let what = "the input has changed since it was checked; it is imported up to here";
                return Err(Failure::problems(what));
            }
            self.done.skipped += 1;
        }
        parsed.batches.into_iter().try_for_each(|batch| self.append(batch))?;
        if stop::is_asked() {
            let what = "interrupted; what is imported stays, and the same command goes on with it";
            return Err(Failure::interrupted(what));
        }
        Ok(())
    }

    fn append(&mut self, batch: Batch) -> Outcome {
        if let Some(time) = batch.time {
            // An event that is there already may well be older than the newest one.
            if self.recorded.is_some_and(|recorded| recorded > time) {
                return self.one_by_one(batch);
            }
            self.clock.set(time);
        }
        if self.has_derived(&batch.commit)? {
            return self.one_by_one(batch);
        }
        match self.store.commit(&batch.commit) {
            Ok(appended) if appended.replayed => {
                let read = Read::new().from(appended.first).to(appended.last);
                let mut there = self.store.read_all(read)?;
                for ((stream, event), line) in batch.commit.get_events().zip(&batch.lines) {
                    if let Some(there) = there.next().transpose()? {
                        self.is_same(&there, (stream, event), *line)?;
                    }
                }
                Ok(())
            }
            Ok(_) => {
                self.done.imported += u64::try_from(batch.lines.len()).unwrap_or(u64::MAX);
                self.recorded = batch.time.or(self.recorded);
                Ok(())
            }
            Err(AppendError::IdConflict(_) | AppendError::Invalid(Invalid::IdTwice { .. })) => {
                self.one_by_one(batch)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether one of these events is there under an id that the store gave it: a commit does not
    /// look for those, since nobody could have appended one.
    fn has_derived(&self, commit: &Commit) -> Outcome<bool> {
        // Version 8 of UUIDs is for what a program makes as it likes.
        let ids = commit.get_events().filter_map(|(_, event)| event.get_id());
        for id in ids.filter(|id| id.get_version_num() == 8) {
            if self.store.event_by_id(id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Appends what is not there yet, up to the first event that can't be.
    fn one_by_one(&mut self, batch: Batch) -> Outcome {
        let mut new = Vec::<(&str, &NewEvent)>::new();
        let mut looked = Ok(());
        for (event, line) in batch.commit.get_events().zip(&batch.lines) {
            match self.is_new(event, &new, (*line, batch.time)) {
                Ok(true) => new.push(event),
                Ok(false) => {}
                Err(failure) => {
                    looked = Err(failure);
                    break;
                }
            }
        }
        if !new.is_empty() {
            if let Some(time) = batch.time {
                self.clock.set(time);
                self.recorded = Some(time);
            }
            let of = |commit: Commit, (stream, event): &(&str, &NewEvent)| {
                commit.event(*stream, (*event).clone())
            };
            self.store.commit(new.iter().fold(Commit::new(), of))?;
            self.done.imported += u64::try_from(new.len()).unwrap_or(u64::MAX);
        }
        looked
    }

    /// Whether this event of a line is to be appended, after those that are `new`.
    fn is_new(
        &mut self,
        (stream, event): (&str, &NewEvent),
        new: &[(&str, &NewEvent)],
        (line, time): (u64, Option<Timestamp>),
    ) -> Outcome<bool> {
        let Some(id) = event.get_id() else { return Ok(true) };
        if let Some(there) = self.store.event_by_id(id)? {
            self.is_same(&there, (stream, event), line)?;
            return Ok(false);
        }
        if let Some((first, other)) = new.iter().find(|(_, other)| other.get_id() == Some(id)) {
            let other = other.to_recorded(*first, 0, 0, Timestamp::default());
            self.is_same(&other, (stream, event), line)?;
            return Ok(false);
        }
        let (Some(time), Some(recorded)) = (time, self.recorded) else { return Ok(true) };
        if recorded <= time {
            return Ok(true);
        }
        let (time, recorded) = (moment(time), moment(recorded));
        let what = format!(
            "its time {time} is before {recorded}, that of the store's newest event; with \
             --as-recorded times can't go back"
        );
        let name = self.lines.source.name();
        if !self.skip_bad {
            return Err(Failure::can_not(format!("{name}: line {line}: {what}")));
        }
        self.progress.beside(|| name_bad(name, &(line, Wrong { column: 1, what })));
        self.done.skipped += 1;
        Ok(false)
    }

    /// An event with this id is there: it has to be the same.
    fn is_same(&mut self, there: &RecordedEvent, event: (&str, &NewEvent), line: u64) -> Outcome {
        let place = match there.position.get() {
            0 => "in an earlier line".to_owned(),
            position => format!("in the store, at position {position}"),
        };
        let Some(what) = another(there, event, &place)? else {
            self.done.already_there += 1;
            return Ok(());
        };
        let name = self.lines.source.name();
        if !self.skip_bad {
            let done = "what came before this line is imported";
            return Err(Failure::problems(format!("{name}: line {line}: {what}; {done}")));
        }
        self.progress.beside(|| name_bad(name, &(line, Wrong { column: 1, what })));
        self.done.skipped += 1;
        Ok(())
    }
}

/// The events of a block's lines: in one commit, or, where their times are to be kept, in one for
/// each time. Lines are held against the rules where nobody has done that before.
fn parse(block: &Block, lines: &Lines<'_>, checks: bool) -> Parsed {
    let mut parsed = Parsed { batches: Vec::new(), bad: Vec::new() };
    for (number, text) in block.lines() {
        let checked = if checks { lines.format.check(text, number).map(|_| ()) } else { Ok(()) };
        match checked.and_then(|()| lines.parse(text, number)) {
            Err(wrong) => parsed.bad.push((number, wrong)),
            Ok((Line { stream, event, .. }, time)) => match parsed.batches.last_mut() {
                Some(last) if last.time == time && last.lines.len() < BATCH => {
                    last.lines.push(number);
                    last.commit = std::mem::take(&mut last.commit).event(stream, event);
                }
                _ => {
                    let commit = Commit::new().event(stream, event);
                    parsed.batches.push(Batch { lines: vec![number], commit, time });
                }
            },
        }
    }
    parsed
}

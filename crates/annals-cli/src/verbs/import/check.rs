//! The first reading: is every line an event?

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::input::{Block, Source, in_order};
use crate::line::{Format, Line, Times, Wrong};
use crate::show::{Progress, count, escaped, moment, said};
use crate::stop;
use annals::Timestamp;

/// Lines that are to become events.
pub struct Lines<'s> {
    /// Where they come from.
    pub source: &'s Source,
    /// As what they are written.
    pub format: Format,
    /// Whether their times become those of the store.
    pub as_recorded: bool,
}

/// A line that is wrong: its number, and why.
pub type Bad = (u64, Wrong);

/// The line and the time of an event.
type Timed = (u64, Timestamp);

/// What was found in a block.
struct Found {
    bad: Vec<Bad>,
    /// The first event that is well, and the newest.
    times: Option<(Timed, Timed)>,
}

/// Looks at every line. Each that is wrong is named.
///
/// # Errors
/// A line is wrong; what is read can't be.
pub fn all(lines: &Lines<'_>, globals: &Globals) -> Outcome {
    let name = lines.source.name();
    let mut progress = Progress::of_bytes("checking", globals.quiet);
    let (mut bad, mut before) = (0_u64, None::<Timed>);
    let take = |found: Found| {
        let (done, all) = lines.source.progress();
        progress.at(done, all);
        for line in &found.bad {
            progress.beside(|| name_bad(name, line));
            bad += 1;
        }
        if let Some((first, last)) = found.times {
            if let Some(before) = before.filter(|(_, time)| *time > first.1) {
                let wrong = out_of_order(before, first);
                progress.beside(|| name_bad(name, &(first.0, wrong)));
                bad += 1;
            }
            before = before.filter(|(_, time)| *time > last.1).or(Some(last));
        }
        match stop::is_asked() {
            true => Err(Failure::interrupted("interrupted; nothing was imported")),
            false => Ok(()),
        }
    };
    let work = |block: Block| look_at(&block, lines);
    let failed = |error: &std::io::Error, line| lines.source.failed(error, line);
    in_order(lines.source.read()?, work, take, failed)?;
    drop(progress);
    if bad == 0 {
        return Ok(());
    }
    let lines = count(bad, "line");
    let is = if bad == 1 { "is wrong" } else { "are wrong" };
    Err(Failure::problems(format!(
        "{lines} of {name} {is}; nothing was imported (--skip-bad leaves wrong lines out)"
    )))
}

/// Says which line of an input is wrong, where, and why.
pub fn name_bad(name: &str, (number, Wrong { column, what }): &Bad) {
    let what = escaped(what);
    said(format_args!("annals: {name}: line {number}, column {column}: {what}"));
}

fn look_at(block: &Block, lines: &Lines<'_>) -> Found {
    let mut found = Found { bad: Vec::new(), times: None };
    for (number, text) in block.lines() {
        let checked = lines.format.check(text, number).and_then(|times| lines.time(times));
        match checked {
            Err(wrong) => found.bad.push((number, wrong)),
            Ok(None) => {}
            Ok(Some(time)) => {
                let (first, last) = found.times.unwrap_or(((number, time), (number, time)));
                // Those that are left out leave the others as they are.
                let mut newest = (number, time);
                if last.1 > time {
                    found.bad.push((number, out_of_order(last, newest)));
                    newest = last;
                }
                found.times = Some((first, newest));
            }
        }
    }
    found
}

fn out_of_order((line, before): Timed, (_, time): Timed) -> Wrong {
    let (before, time) = (moment(before), moment(time));
    let what = format!(
        "expected a time not before {before}, that of line {line}, not {time}; with --as-recorded \
         lines have to be in the order of their times"
    );
    Wrong { column: 1, what }
}

impl Lines<'_> {
    /// What a line says, and when it was recorded, if that is asked for.
    pub fn parse(&self, text: &[u8], number: u64) -> Result<(Line, Option<Timestamp>), Wrong> {
        let line = self.format.parse(text, number)?;
        let time = self.time(line.times())?;
        Ok((line, time))
    }

    /// When an event was recorded, if that is asked for.
    fn time(&self, times: Times) -> Result<Option<Timestamp>, Wrong> {
        match times.recorded.or(times.occurred) {
            _ if !self.as_recorded => Ok(None),
            None => {
                let what = "expected a `time`, which --as-recorded needs".to_owned();
                Err(Wrong { column: 1, what })
            }
            time => Ok(time),
        }
    }
}

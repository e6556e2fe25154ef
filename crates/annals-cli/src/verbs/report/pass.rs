//! One pass over all events, in memory that does not grow with them.

use super::bins::Bins;
use super::sizes::Sizes;
use super::top::{Longest, SHOWN, Sum, Tallied, Tally, Top};
use crate::show::Progress;
use crate::stop;
use annals::{Cursor, Error, ErrorKind, Event, Position, Read, Timestamp, View};
use std::collections::HashMap;

/// Types that have a colour of their own; the others share one.
pub const COLOURED: usize = 7;
/// Categories that are counted exactly. A store in which each stream is a category of its own may
/// have any number of them.
const CATEGORIES: usize = 1 << 16;
/// Events between two looks at whether to go on.
const STRIDE: u64 = 4_096;

/// What one pass has found.
#[derive(Debug)]
pub struct Passed {
    /// The first and the last time that events were recorded.
    pub span: Option<(Timestamp, Timestamp)>,
    pub recorded: Option<Timeline>,
    /// By the times the events occurred, where those spread and the recorded ones do not.
    pub occurred: Option<Timeline>,
    /// Of the types with the most events, in their order.
    pub types: Vec<Sum>,
    pub categories: Tallied,
    pub streams: Vec<(String, u64)>,
    pub payloads: Sizes,
    /// Bytes of metadata, and events that have some.
    pub metadata: Sum,
    /// Why not all events were read.
    pub stopped: Option<Stopped>,
}

/// Where a pass came upon damage.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The last event that was read.
    pub after: Position,
    pub why: String,
}

/// Events over time, by type.
#[derive(Debug)]
pub struct Timeline {
    pub bins: Bins,
    /// Of each bin: of each coloured type its events, then those of the other types.
    pub counts: Vec<[u64; COLOURED + 1]>,
}

impl Timeline {
    fn new(first: Timestamp, last: Timestamp) -> Self {
        let bins = Bins::new(first, last);
        let counts = vec![[0; COLOURED + 1]; bins.count()];
        Self { bins, counts }
    }

    fn add(&mut self, time: Timestamp, kind: usize) {
        let bin = self.counts.get_mut(self.bins.of(time));
        if let Some(count) = bin.and_then(|bin| bin.get_mut(kind.min(COLOURED))) {
            *count += 1;
        }
    }

    /// How many events are in the bin that has most of them.
    pub fn most(&self) -> u64 {
        self.counts.iter().map(|bin| bin.iter().sum()).max().unwrap_or(0)
    }
}

/// Reads all events of a view; those up to the damage, if there is some. `types` are those with the
/// most events. Whoever asks it to stop gets what was found by then.
///
/// # Errors
/// What reading meets, if it is not damage.
pub fn pass(view: &View, types: &Top, quiet: bool) -> Result<Passed, Error> {
    let span = span(view)?;
    let mut walk = Walk { cursor: view.all(Read::new()), head: view.head(), quiet };
    let ranks: HashMap<&str, usize> =
        types.list.iter().enumerate().map(|(rank, (name, _))| (name.as_str(), rank)).collect();
    let rank = |event: &Event<'_>| -> Result<usize, Error> {
        Ok(ranks.get(event.event_type()?).copied().unwrap_or(SHOWN))
    };
    let mut recorded = span.map(|(first, last)| Timeline::new(first, last));
    let mut sums = vec![Sum::default(); types.list.len()];
    let mut categories = Tally::new(CATEGORIES);
    let mut longest = Longest::default();
    let (mut payloads, mut metadata) = (Sizes::default(), Sum::default());
    let mut occurred: Option<(Timestamp, Timestamp)> = None;
    let stopped = walk.each(|event| {
        let bytes = u64::try_from(event.payload.len()).unwrap_or(u64::MAX);
        let rank = rank(event)?;
        categories.add(event.category()?, bytes);
        if longest.wants(event.version.get()) {
            longest.add(event.stream()?, event.version.get());
        }
        payloads.add(bytes);
        if let Some(found) = event.metadata() {
            metadata.add(u64::try_from(found.len()).unwrap_or(u64::MAX));
        }
        if let Some(timeline) = &mut recorded {
            timeline.add(event.recorded, rank);
        }
        if let Some(sum) = sums.get_mut(rank) {
            sum.add(bytes);
        }
        if let Some(time) = event.occurred() {
            let (first, last) = occurred.unwrap_or((time, time));
            occurred = Some((first.min(time), last.max(time)));
        }
        Ok(())
    })?;
    let mut by_occurred = occurred
        .filter(|occurred| span.is_some_and(|recorded| spreads_more(*occurred, recorded)))
        .map(|(first, last)| Timeline::new(first, last));
    if let Some(timeline) = &mut by_occurred {
        let mut walk = Walk { cursor: view.all(Read::new()), head: view.head(), quiet };
        // Where it stops is known already.
        let _ = walk.each(|event| {
            if let Some(time) = event.occurred() {
                timeline.add(time, rank(event)?);
            }
            Ok(())
        })?;
    }
    Ok(Passed {
        span,
        recorded,
        occurred: by_occurred,
        types: sums,
        categories: categories.top(),
        streams: longest.list(),
        payloads,
        metadata,
        stopped,
    })
}

/// When the first and the last event were recorded that can be read.
fn span(view: &View) -> Result<Option<(Timestamp, Timestamp)>, Error> {
    let time = |read| {
        let mut cursor = view.all(read);
        let event = cursor.next_event()?;
        Ok(event.map(|event| event.recorded))
    };
    let (first, last) = (time(Read::new().limit(1)), time(Read::new().backward().limit(1)));
    let (first, last) = (readable(first)?.flatten(), readable(last)?.flatten());
    Ok(first.or(last).zip(last.or(first)))
}

/// Whether the times at which events occurred say more than those at which they were recorded: an
/// old log that was taken in at once.
fn spreads_more(occurred: (Timestamp, Timestamp), recorded: (Timestamp, Timestamp)) -> bool {
    let length = |(first, last): (Timestamp, Timestamp)| {
        i128::from(last.micros()) - i128::from(first.micros())
    };
    const MINUTE: i128 = 60_000_000;
    length(occurred) >= MINUTE && length(occurred) / 10 > length(recorded)
}

/// What a damaged place does not say is nothing.
///
/// # Errors
/// All that is not damage.
pub fn readable<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
        Err(error) => Err(error),
    }
}

/// A walk over events.
struct Walk {
    cursor: Cursor,
    head: Position,
    quiet: bool,
}

impl Walk {
    /// Hands each event to `look`, until the end or the first damage.
    fn each(
        &mut self,
        mut look: impl FnMut(&Event<'_>) -> Result<(), Error>,
    ) -> Result<Option<Stopped>, Error> {
        let mut progress = Progress::of_events("reading", self.quiet);
        let (mut after, mut left) = (Position::START, STRIDE);
        loop {
            let next = self.cursor.next_event();
            let looked = match next {
                Ok(Some(event)) => look(&event).map(|()| Some(event.position)),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            match looked {
                Ok(Some(position)) => after = position,
                Ok(None) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    return Ok(Some(Stopped { after, why: error.to_string() }));
                }
                Err(error) => return Err(error),
            }
            left -= 1;
            if left == 0 {
                left = STRIDE;
                progress.at(after.get(), self.head.get());
                if stop::is_asked() {
                    return Ok(None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurred_times_are_shown_where_only_they_spread() {
        let time = Timestamp::from_micros;
        let year = (time(0), time(365 * 86_400_000_000));
        let minutes = (time(5), time(5 + 180_000_000));
        assert!(spreads_more(year, minutes));
        assert!(!spreads_more(minutes, year));
        assert!(!spreads_more(year, year));
        assert!(spreads_more((time(i64::MIN), time(i64::MAX)), year));
        // Nothing is to be seen of half a minute.
        assert!(!spreads_more((time(0), time(30_000_000)), (time(0), time(0))));
    }
}

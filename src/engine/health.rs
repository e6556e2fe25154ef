//! How a store is.

use super::writer::{Engine, Mode};
use crate::format::{TermKind, u64_of};
use crate::index::Sources;
use crate::threads::PoisonError;
use crate::threads::atomic::Ordering;
use crate::words::{Error, LogOffset, Position};
use std::time::Duration;

/// How a store is: whether it can be written, and what went wrong in the background.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Whether commits can be made.
    pub writable: bool,
    /// A write or sync failed: the store has to be opened again.
    pub poisoned: bool,
    /// What the background work could not do when it last tried, such as preparing room on a full
    /// device.
    pub background: Option<Error>,
}

/// Numbers of a store.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Events that are visible.
    pub events: u64,
    /// Streams.
    pub streams: u64,
    /// The last visible position.
    pub head: Position,
    /// The last synced position.
    pub durable: Position,
    /// Bytes of the log up to the end of the visible part, unused ends of segments included.
    pub log_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Segments of the log, the one prepared next not included.
    pub segments: u64,
    /// How far the recorded time is ahead of the clock, since it never goes back.
    pub clock_ahead: Duration,
    /// Numbers of the index.
    pub index: IndexStats,
}

/// Numbers of a store's index.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct IndexStats {
    /// Runs in the file.
    pub runs: u64,
    /// Bytes of them.
    pub run_bytes: u64,
    /// Events whose index is in memory.
    pub tail_events: u64,
    /// Bytes of memory that it takes, about.
    pub tail_bytes: u64,
    /// Bytes of runs written from memory since the store was opened.
    pub written: u64,
    /// Bytes of runs written by merging others since the store was opened.
    pub rewritten: u64,
    /// The most merges that any byte of the index has gone through.
    pub levels: u32,
    /// Runs that were found damaged and made anew from the log since the store was opened.
    pub healed: u64,
}

impl Engine {
    /// How the store is.
    pub fn health(&self) -> Health {
        let (poisoned, closed) = {
            let state = self.core.flow.lock();
            (state.poisoned, state.closed)
        };
        let (writing, background) = match &self.mode {
            Mode::Write(side) => {
                let trouble = side.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
                (true, trouble.or_else(|| side.indexer.trouble()))
            }
            Mode::Follow(_) => (false, None),
        };
        Health { writable: writing && !poisoned && !closed, poisoned, background }
    }

    /// The store's numbers.
    pub fn stats(&self) -> Result<Stats, Error> {
        let view = self.view()?;
        let clock_ahead = match &self.mode {
            Mode::Write(side) => {
                let last = side.recorded.load(Ordering::Relaxed);
                let now = side.settings.clock.now().micros();
                // Without any event the last recorded time lies before all times.
                Duration::from_micros(u64::try_from(last.saturating_sub(now)).unwrap_or(0))
            }
            Mode::Follow(_) => Duration::ZERO,
        };
        let base = view.sources.first().previous();
        let begins = self.core.identity.key.term(b"").of(TermKind::Begins);
        let streams = view.ask(|sources| sources.count(begins, view.head))?;
        let size = self.core.storage.size();
        Ok(Stats {
            events: view.head.get().saturating_sub(base.get()),
            streams,
            head: view.head,
            durable: self.core.durable(),
            log_bytes: view.end.since(LogOffset::ZERO),
            file_bytes: size
                .map_err(|error| Error::io("asking for the store's size failed", error))?,
            segments: u64_of(self.core.all_segments(&view.segments)?.len()),
            clock_ahead,
            index: self.index_stats(&view.sources),
        })
    }

    fn index_stats(&self, sources: &Sources) -> IndexStats {
        let (written, rewritten) = match &self.mode {
            Mode::Write(side) => side.indexer.counters(),
            Mode::Follow(_) => (0, 0),
        };
        let runs = sources.runs.iter();
        IndexStats {
            runs: u64_of(sources.runs.len()),
            run_bytes: runs.clone().map(|run| run.place().extent().length).sum(),
            tail_events: sources.tables.iter().map(|table| table.events()).sum(),
            tail_bytes: sources.tables.iter().map(|table| table.bytes()).sum(),
            written,
            rewritten,
            levels: runs.map(|run| run.header().level).max().unwrap_or(0),
            healed: self.core.healed.load(Ordering::Relaxed),
        }
    }
}

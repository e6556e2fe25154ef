//! How a store is.

use super::writer::{Engine, Mode};
use crate::words::{Error, LogOffset, Position};
use std::sync::PoisonError;
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
    /// Streams, those of commits under way included.
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
                (true, side.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone())
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
                let last = side.recorded.load(std::sync::atomic::Ordering::Relaxed);
                let now = side.settings.clock.now().micros();
                // Without any event the last recorded time lies before all times.
                Duration::from_micros(u64::try_from(last.saturating_sub(now)).unwrap_or(0))
            }
            Mode::Follow(_) => Duration::ZERO,
        };
        let base = self.core.tail.offsets().base().previous();
        let size = self.core.storage.size();
        Ok(Stats {
            events: view.head.get().saturating_sub(base.get()),
            streams: crate::format::u64_of(self.core.tail.stream_count()),
            head: view.head,
            durable: self.core.durable(),
            log_bytes: view.end.since(LogOffset::ZERO),
            file_bytes: size
                .map_err(|error| Error::io("asking for the store's size failed", error))?,
            segments: crate::format::u64_of(view.segments.len()),
            clock_ahead,
        })
    }
}

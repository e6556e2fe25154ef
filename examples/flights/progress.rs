//! Saying how far it is, for what takes longer than a second.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A line on the terminal that goes away at the end. If stderr is no terminal, nothing.
pub struct Progress {
    what: &'static str,
    next: Option<Instant>,
    shown: bool,
}

/// Nothing is shown earlier than this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two updates.
const PAUSE: Duration = Duration::from_millis(200);
/// Events between two looks at the clock.
const STRIDE: u64 = 1_000;

impl Progress {
    /// Of this, which begins now.
    pub fn of(what: &'static str) -> Self {
        let next = stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Self { what, next, shown: false }
    }

    /// So many events are done; cheap enough to be told each.
    pub fn events(&mut self, done: u64) {
        if done.is_multiple_of(STRIDE) {
            self.say(format_args!("{done} events"));
        }
    }

    /// So much is done of so much.
    pub fn part(&mut self, done: u64, all: u64) {
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        self.say(format_args!("{percent} %"));
    }

    fn say(&mut self, how_far: std::fmt::Arguments<'_>) {
        let now = Instant::now();
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + PAUSE);
            self.shown = true;
            // A terminal that can't be written to is no reason to stop.
            let _ = write!(stderr(), "\r{}: {how_far}\x1b[K", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

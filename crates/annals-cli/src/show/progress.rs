//! How far something long is: a line on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Nothing is shown of what takes less.
const SHORT: Duration = Duration::from_secs(1);

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Bytes,
    Events,
    Steps,
}

/// How far something long is. It shows after a second, and is gone when it is dropped.
pub struct Progress {
    what: &'static str,
    is_shown: bool,
    counts: Counts,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of something counted in bytes; shown nowhere if `quiet`, or if standard error is not a
    /// terminal.
    pub fn of_bytes(what: &'static str, quiet: bool) -> Self {
        Self::new(what, Counts::Bytes, quiet)
    }

    /// Of something counted in events.
    pub fn of_events(what: &'static str, quiet: bool) -> Self {
        Self::new(what, Counts::Events, quiet)
    }

    /// Of something that has steps.
    pub fn of_steps(what: &'static str, quiet: bool) -> Self {
        Self::new(what, Counts::Steps, quiet)
    }

    fn new(what: &'static str, counts: Counts, quiet: bool) -> Self {
        let is_shown = !quiet && std::io::stderr().is_terminal();
        Self { what, is_shown, counts, began: Instant::now(), bar: None }
    }

    /// So much is done of so much; of nobody knows how much, where that is 0.
    pub fn at(&mut self, done: u64, all: u64) {
        if !self.is_shown || self.began.elapsed() < SHORT {
            return;
        }
        let (what, counts) = (self.what, self.counts);
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let numbers = match (counts, all) {
                (Counts::Steps, _) => "[{bar:30}] {pos} of {len}",
                (Counts::Bytes, 0) => "{bytes}, {binary_bytes_per_sec}",
                (Counts::Bytes, _) => {
                    "[{bar:30}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta}"
                }
                (Counts::Events, 0) => "{human_pos} events, {per_sec:0}",
                (Counts::Events, _) => "[{bar:30}] {human_pos} of {human_len} events, {eta}",
            };
            let style = ProgressStyle::with_template(&format!("{what}: {numbers}"));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if all > 0 {
            bar.set_length(all);
        }
        bar.set_position(done);
    }

    /// Lets something be said on standard error, where its line is.
    pub fn beside(&self, say: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! How far something long is: a line on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Nothing is shown of what takes less.
const SHORT: Duration = Duration::from_secs(1);

/// How far something long is. It shows after a second, and is gone when it is dropped.
pub struct Progress {
    what: &'static str,
    is_shown: bool,
    counts_bytes: bool,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of something counted in bytes; shown nowhere if `quiet`, or if standard error is not a
    /// terminal.
    pub fn of_bytes(what: &'static str, quiet: bool) -> Self {
        Self::new(what, true, quiet)
    }

    /// Of something counted in events.
    pub fn of_events(what: &'static str, quiet: bool) -> Self {
        Self::new(what, false, quiet)
    }

    fn new(what: &'static str, counts_bytes: bool, quiet: bool) -> Self {
        let is_shown = !quiet && std::io::stderr().is_terminal();
        Self { what, is_shown, counts_bytes, began: Instant::now(), bar: None }
    }

    /// So much is done of so much; of nobody knows how much, where that is 0.
    pub fn at(&mut self, done: u64, all: u64) {
        if !self.is_shown || self.began.elapsed() < SHORT {
            return;
        }
        let (what, counts_bytes) = (self.what, self.counts_bytes);
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let numbers = match (counts_bytes, all) {
                (true, 0) => "{bytes}, {binary_bytes_per_sec}",
                (true, _) => "[{bar:30}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta}",
                (false, 0) => "{human_pos} events, {per_sec:0}",
                (false, _) => "[{bar:30}] {human_pos} of {human_len} events, {eta}",
            };
            let style = ProgressStyle::with_template(&format!("{what}: {numbers}"));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if all > 0 {
            bar.set_length(all);
        }
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

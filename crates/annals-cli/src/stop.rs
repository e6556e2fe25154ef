//! Ctrl-C: whoever works on something long looks here between two steps, and leaves it whole.

use crate::exit::INTERRUPTED;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One request may come twice: from the terminal and from the shell, say.
const TWICE: Duration = Duration::from_millis(500);

static ASKED: AtomicBool = AtomicBool::new(false);
static FIRST: OnceLock<Instant> = OnceLock::new();
static AT_LAST: OnceLock<fn()> = OnceLock::new();

/// From now on Ctrl-C, and what else asks a process to end, only notes that it was asked.
pub fn on_ctrl_c() {
    // Where no handler can be set, Ctrl-C ends the process at once, as it does by itself: the store
    // is whole then too.
    let _ = ctrlc::set_handler(|| {
        ASKED.store(true, Ordering::Relaxed);
        // Whoever asks again does not want to wait.
        if FIRST.get_or_init(Instant::now).elapsed() > TWICE {
            if let Some(at_last) = AT_LAST.get() {
                at_last();
            }
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
}

/// What is to be done before the process ends because it was asked again.
pub fn at_last(done: fn()) {
    let _ = AT_LAST.set(done);
}

/// Whether it was asked to end.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// What the progress of something long answers.
pub fn flow() -> ControlFlow<()> {
    if is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

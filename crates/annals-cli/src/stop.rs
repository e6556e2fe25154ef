//! Ctrl-C: whoever works on something long looks here between two steps, and leaves it whole.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C, and what else asks a process to end, only notes that it was asked.
pub fn on_ctrl_c() {
    // Where no handler can be set, Ctrl-C ends the process at once, as it does by itself: the store
    // is whole then too.
    let _ = ctrlc::set_handler(|| {
        // Whoever asks again does not want to wait.
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(crate::exit::INTERRUPTED));
        }
    });
}

/// Whether it was asked to end.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// What the progress of something long answers.
pub fn flow() -> ControlFlow<()> {
    if is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

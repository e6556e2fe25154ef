//! Ctrl-C: whoever works on something long looks here between two steps, and leaves it whole.

use crate::exit::{Failure, INTERRUPTED, Outcome};
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whoever waits for something else looks here so often.
pub const STEP: Duration = Duration::from_millis(100);
/// One request may come twice: from the terminal and from the shell, say.
const TWICE: Duration = Duration::from_millis(500);

static ASKED: AtomicBool = AtomicBool::new(false);
static FIRST: OnceLock<Instant> = OnceLock::new();
static AT_LAST: OnceLock<fn()> = OnceLock::new();

/// From now on Ctrl-C, and what else asks a process to end, only notes that it was asked.
pub fn on_ctrl_c() {
    // Where nothing can be set, Ctrl-C ends the process at once, as it does by itself: the store is
    // whole then too.
    #[cfg(unix)]
    let _ = on_signals();
    #[cfg(not(unix))]
    let _ = ctrlc::set_handler(asked);
}

fn asked() {
    ASKED.store(true, Ordering::Relaxed);
    // Whoever asks again does not want to wait.
    if FIRST.get_or_init(Instant::now).elapsed() > TWICE {
        if let Some(at_last) = AT_LAST.get() {
            at_last();
        }
        std::process::exit(i32::from(INTERRUPTED));
    }
}

/// What asks a process to end, but for what it was started to ignore, as by `nohup`.
#[cfg(unix)]
fn on_signals() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let ignored = ignored();
    let heard = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM].iter().filter(|it| heard(it)))?;
    let listen = move || signals.forever().for_each(|_| asked());
    std::thread::Builder::new().name("annals-signals".to_owned()).spawn(listen)?;
    Ok(())
}

/// The signals that are ignored, a bit for each from the first on; none where nothing tells.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// What is to be done before the process ends because it was asked again.
pub fn at_last(done: fn()) {
    let _ = AT_LAST.set(done);
}

/// Whether it was asked to end.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Ends what only shows something, with nothing to say, if it was asked to end.
pub fn check() -> Outcome {
    if is_asked() { Err(Failure::interrupted("")) } else { Ok(()) }
}

/// What the progress of something long answers.
pub fn flow() -> ControlFlow<()> {
    if is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

//! See the module.

use crate::engine::Engine;
use crate::words::{Error, Position};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How often a follower looks whether the other process has written more.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until the head is past `after`, or for so long; returns the head.
pub fn wait(engine: &Engine, after: Position, timeout: Duration) -> Result<Position, Error> {
    let begun = Instant::now();
    loop {
        let rings = engine.core.bell.rings();
        let head = engine.view()?.head;
        let left = timeout.saturating_sub(begun.elapsed());
        if head > after || left.is_zero() {
            return Ok(head);
        }
        engine.core.check_waitable()?;
        let nap = if engine.is_follower() { left.min(LOOK) } else { left };
        engine.core.bell.wait(rings, nap);
    }
}

/// `true` if the head is past `after`; else the waker is called once when it is, or when the store
/// is closed.
pub fn wake_after(engine: &Arc<Engine>, after: Position, waker: &Waker) -> bool {
    // An error is something to look at, too.
    let more = || engine.view().map_or(true, |view| view.head > after);
    if more() || engine.core.check_waitable().is_err() {
        return true;
    }
    engine.core.bell.register(after, waker);
    if engine.is_follower() && engine.start_looking(LOOK).is_err() {
        return true;
    }
    // What came between the look and the register rang for nobody: a commit, or a failure.
    more() || engine.core.check_waitable().is_err()
}

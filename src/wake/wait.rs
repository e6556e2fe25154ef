//! See the module.

use crate::engine::{Awaited, Engine};
use crate::words::{Error, Position};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How often a follower looks whether the other process has written more.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until the head is past `after`, or for so long; returns the head.
pub fn wait(engine: &Engine, after: Position, timeout: Duration) -> Result<Position, Error> {
    wait_for(engine, after, timeout, || Ok(engine.view()?.head))
}

/// The same for the last durable position.
pub fn wait_durable_after(
    engine: &Engine,
    after: Position,
    timeout: Duration,
) -> Result<Position, Error> {
    wait_for(engine, after, timeout, || Ok(engine.durable()))
}

fn wait_for(
    engine: &Engine,
    after: Position,
    timeout: Duration,
    reached: impl Fn() -> Result<Position, Error>,
) -> Result<Position, Error> {
    let begun = Instant::now();
    loop {
        let rings = engine.core.bell.rings();
        let reached = reached()?;
        let left = timeout.saturating_sub(begun.elapsed());
        if reached > after || left.is_zero() {
            return Ok(reached);
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
    wake_when(engine, more, Awaited::Visible(after), waker)
}

/// `true` if the last durable position is past `after`; else the waker is called once at the next
/// sync, or when the store is closed.
pub fn wake_durable_after(engine: &Arc<Engine>, after: Position, waker: &Waker) -> bool {
    wake_when(engine, || engine.durable() > after, Awaited::Sync, waker)
}

fn wake_when(
    engine: &Arc<Engine>,
    more: impl Fn() -> bool,
    awaited: Awaited,
    waker: &Waker,
) -> bool {
    if more() || engine.core.check_waitable().is_err() {
        return true;
    }
    engine.core.bell.register(awaited, waker);
    if engine.is_follower() && engine.start_looking(LOOK).is_err() {
        return true;
    }
    // What came between the look and the register rang for nobody: a commit, or a failure.
    more() || engine.core.check_waitable().is_err()
}

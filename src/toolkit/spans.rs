//! Spans of `tracing` around what the toolkit runs, where the feature `tracing` is on.

use super::port::Received;

/// Around a commit.
#[cfg(feature = "tracing")]
pub fn append<T>(run: impl FnOnce() -> T) -> T {
    tracing::debug_span!("annals.append").in_scope(run)
}

/// Around the call of whoever handles an event.
#[cfg(feature = "tracing")]
pub fn publish<T>(to: &str, event: &Received<'_>, run: impl FnOnce() -> T) -> T {
    let position = event.position.get();
    tracing::debug_span!("annals.publish", to, position).in_scope(run)
}

/// Around a commit.
#[cfg(not(feature = "tracing"))]
pub fn append<T>(run: impl FnOnce() -> T) -> T {
    run()
}

/// Around the call of whoever handles an event.
#[cfg(not(feature = "tracing"))]
pub fn publish<T>(_: &str, _: &Received<'_>, run: impl FnOnce() -> T) -> T {
    run()
}

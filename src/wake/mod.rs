//! Waiting for more: blocking, or by a waker.

#[cfg(all(test, loom))]
mod races;
mod wait;

pub use wait::{wait, wake_after};

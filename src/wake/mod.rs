//! Waiting for more: blocking, or by a waker.

#[cfg(all(test, loom))]
mod races;
mod wait;

pub use wait::{wait, wait_durable_after, wake_after, wake_durable_after};

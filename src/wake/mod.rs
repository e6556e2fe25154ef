//! Waiting for more: blocking, or by a waker.

mod wait;

pub use wait::{wait, wake_after};

//! States made of events, and decisions that rest on them.

mod decider;

pub use decider::{Decider, Evolve};

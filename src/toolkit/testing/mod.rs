//! For tests of a program's own: deciders by what they decide, and time that stands.

mod clock;
mod scenario;

pub use clock::FixedClock;
pub use scenario::{Decided, Scenario};

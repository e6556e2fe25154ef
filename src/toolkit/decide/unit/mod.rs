//! Several states, changed together.

mod done;
mod phase;
mod tracked;
mod unit_of_work;

pub use done::Done;
pub use phase::UnitPhase;
pub use unit_of_work::{Handle, UnitOfWork};

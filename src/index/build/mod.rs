//! Building runs: from a table, or from runs that lie behind one another, by one code path.

mod input;
mod job;
mod output;
mod terms;

pub use input::Input;
pub use job::{Job, Step};
pub use output::Sink;

//! The toolkit, through its public functions.

mod inline;
pub mod killed;
mod projections;
mod sinks;

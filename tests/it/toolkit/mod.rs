//! The toolkit, through its public functions.

mod inline;
mod projections;
mod sinks;

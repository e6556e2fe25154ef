//! The toolkit, through its public functions.

mod bank;
mod follow;
mod inline;
pub mod killed;
mod projections;
mod repository;
mod sinks;
mod snapshots;
mod staged;
mod testing;
mod unit_of_work;

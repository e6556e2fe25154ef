//! The toolkit, through its public functions.

mod bank;
mod follow;
mod inline;
mod interceptors;
pub mod killed;
mod pipeline;
pub mod processor;
mod projections;
mod queue;
mod repository;
mod sinks;
mod snapshots;
mod staged;
mod tenants;
mod testing;
pub mod traces;
mod typed;
mod unit_of_work;

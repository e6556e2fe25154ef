//! What must not work: each with a clear error, nothing written, nothing lost.

mod clocks;
mod closed;
mod commits;
mod disks;
mod edges;
mod failures;
mod files;
mod forged;
mod full;
mod races;
mod replaced;
mod rotten;

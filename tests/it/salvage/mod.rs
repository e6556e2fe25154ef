//! Salvage: what is whole gets out of a damaged store, nothing else does, and what is lost is
//! listed. What it should be in each case is worked out by `annals_sim::Truth`, which knows where
//! everything stands by FORMAT.md alone.

mod documents;
mod epochs;
mod files;
mod forge;
mod frames;
mod heads;
mod healthy;
mod hostile;
mod random;
mod segments;
mod wreck;

use wreck::Wreck;

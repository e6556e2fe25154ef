//! Real processes: the lock between them, followers of a live writer, and writers that are killed.

pub mod child;
mod following;
mod killed;
mod locked;

pub use child::{BEGUN, Other, Random, say};

//! Verifying a store: everything read again, and the index compared with the log.

mod check;
mod compared;
mod report;
mod runs;

pub use report::{Issue, VerifyReport};

#[cfg(test)]
mod tests;

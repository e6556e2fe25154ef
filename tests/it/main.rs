//! Behaviour, through the public API: one binary, since linking many is slow.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests are named for what they claim, and stop where they are surprised"
)]
#![allow(clippy::duplicate_mod, reason = "examples share files, and are tested each by itself")]

mod append;
mod bad_input;
mod concurrency;
mod conditions;
mod copies;
mod counting;
mod documents;
mod examples;
mod fixture;
mod flights;
mod golden;
mod last_commit;
mod linearizable;
mod mapped;
mod model;
mod owned;
mod processes;
mod queries;
mod reading;
mod regressions;
mod retry;
mod runs;
mod salvage;
mod staged;
mod stress;
mod tidy;
#[cfg(feature = "toolkit")]
mod toolkit;
mod waiting;

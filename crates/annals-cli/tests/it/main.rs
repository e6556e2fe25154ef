//! The program as users meet it: called with words, looked at by what it prints and how it ends.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "tests are named for what they claim, and stop where they are surprised"
)]

mod fixture;
mod pty;

mod append;
mod bad_stores;
#[cfg(unix)]
mod browse;
mod copies;
mod diff;
mod dump;
mod export;
mod full_disks;
mod help;
mod import;
mod names;
mod on_a_terminal;
mod read;
mod replay;
mod report;
mod report_in_browser;
mod stats;
mod tail;
mod tour;
mod verify;

//! What the fuzzers of Annals run.
//!
//! Each *target* takes any bytes and panics where the store is wrong: decoding structures, opening
//! files, recovering tails, believing runs, operations and queries beside a plain model. The
//! fuzzers (`fuzz/`, with libFuzzer) are shims around them; here they are replayed without a
//! fuzzer, on stable: by `cargo test -p annals-fuzz`, and one by one by `cargo run -p annals-fuzz`.
//!
//! Files are *sealed* before they are opened: whatever the fuzzer made of them, their checks are
//! right. So what is found with `cfg(fuzzing)`, by which all checks pass, is found without it too.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a fuzzer stops where it is surprised"
)]

pub mod exercise;
pub mod images;
pub mod layout;
pub mod model;
pub mod seal;
pub mod stretch;
pub mod targets;

//! Behaviour, through the public API: one binary, since linking many is slow.
#![allow(missing_docs, reason = "tests are named for what they claim")]

mod append;

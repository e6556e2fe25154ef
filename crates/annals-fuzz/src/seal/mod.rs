//! Bytes that were changed, and the checks that make the change valid: of one structure, or of all
//! that a file has. FORMAT.md has the rules.

mod check;
mod parts;
mod whole;

pub use check::{Key, extent_of_record};
pub use parts::{
    RunPlace, reseal_head, reseal_header, reseal_page, reseal_slots, runs, seal_page, seal_record,
};
pub use whole::{seal, seal_frame};

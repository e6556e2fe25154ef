//! The log: a commit's bytes, walking over frames, reading events, and the rule of recovery.

mod draft;
mod fetch;
#[cfg(test)]
mod fixture;
mod frames;
pub mod inside;
mod residue;
mod rules;
mod segment;
mod verdict;
mod walk;
mod window;

pub use draft::{Draft, Place};
pub use fetch::{Ahead, Behind, Fetch, FetchError, Located};
pub use frames::{check_frame, frame_of};
pub use residue::{Residue, scan_past};
pub use rules::Rules;
pub use segment::{
    Segment, SegmentList, header_of, load_segments, overlap, read_header, torn_headers,
};
pub use verdict::{Evidence, Verdict, decide};
pub use walk::{Stop, Walk};
pub use window::Window;

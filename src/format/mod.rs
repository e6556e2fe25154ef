//! Bytes to structs and back, as FORMAT.md says. Nothing here does I/O.
//!
//! Every decoder takes any bytes: it returns a value or nothing, never panics, and allocates no
//! more than a slot's lists.

mod bytes;
mod check;
mod frame;
mod header;
mod layout;
mod record;
mod segment;
mod slot;
mod stub;

pub use bytes::{index, u64_of};
pub use check::{Chain, FileKey, KeyedAlready, TermHash};
pub use frame::{Epoch, FrameHeader, FrameKind};
pub use header::{FileHeader, Identity, Unopenable};
pub use layout::{
    FIRST_EXTENT, FRAME_LEN, HOLDER_PAGE, NAME_HEAD_LEN, PAGE, SEGMENT_HEADER_LEN, SLOT_PAGES,
    SLOT_SEGMENTS, STUB_LEN,
};
pub use record::{
    BodyPlan, EventHead, NameRecord, RawEvent, Record, event_head_len, write_tag_ref,
};
pub use segment::{Extent, SegmentHeader, SegmentRef};
pub use slot::{Mark, Slot};
pub use stub::Stub;

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;

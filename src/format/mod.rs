//! Bytes to structs and back, as FORMAT.md says. Nothing here does I/O.
//!
//! Every decoder takes any bytes: it returns a value or nothing, never panics, and allocates no
//! more than a slot's lists.

mod bytes;
mod check;
pub mod dissect;
mod frame;
mod header;
pub mod inside;
mod layout;
mod listed;
mod record;
mod run;
mod segment;
mod slot;
mod step;
mod stub;
mod term;

pub use bytes::{index, u64_of};
pub use check::{Chain, FileKey, KeyedAlready, TermHash};
pub use frame::{Epoch, FrameHeader, FrameKind};
pub use header::{FileHeader, Identity, Unopenable};
pub use layout::{
    DOCUMENT_LEN, FENCES_PER_PAGE, FIRST_EXTENT, FRAME_LEN, HOLDER_PAGE, NAME_HEAD_LEN, PAGE,
    PAGE_HEAD_LEN, PAGE_ROOM, POSTINGS_PER_PAGE, SEGMENT_HEADER_LEN, SEGMENTS_PER_PAGE, SLOT_FREE,
    SLOT_PAGES, SLOT_RUNS, SLOT_SEGMENTS, STUB_LEN, TERM_LEN, TERMS_PER_PAGE,
};
pub use listed::Listed;
pub use record::{
    BodyPlan, DocumentHead, EventHead, EventOutline, NameRecord, RawDocument, RawEvent, Record,
    event_head_len, write_tag_ref,
};
pub use run::{
    BLOCK_LEN, BLOCKS_PER_PAGE, RunHeader, RunRef, Sections, TermEntry, block_at, is_page,
    offset_at, page_of, page_offset, seal_page, segment_at, u32_at, u64_at, words_from,
};
pub use segment::{Extent, SegmentHeader, SegmentRef};
pub use slot::{Mark, Slot};
pub use step::Step;
pub use stub::Stub;
pub use term::{
    DocumentEntry, DocumentPlace, Entries, Entry, Named, PlacedEvent, Resolved, TermKind, TermName,
    terms_of_ids,
};

#[cfg(test)]
pub mod document_tests;
#[cfg(test)]
mod tests;

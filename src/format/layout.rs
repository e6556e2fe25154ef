//! Where each field stands. The codecs use these constants, and a test holds FORMAT.md's tables to
//! them.

/// Declares a structure: each field's offset is the sum of the sizes before it.
macro_rules! layout {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $size:expr,)* }) => {
        $(#[$doc])*
        #[allow(dead_code, reason = "some fields are only named: reserved room, lists")]
        pub(super) mod $name {
            layout!(@offsets 0; $($field: $size,)*);
            /// Name, offset, size: what FORMAT.md's table has to say.
            pub(in crate::format) const TABLE: &[(&str, usize, usize)] =
                &[$((stringify!($field), $field, $size)),*];
        }
    };
    (@offsets $at:expr; $field:ident: $size:expr, $($rest:tt)*) => {
        pub(in crate::format) const $field: usize = $at;
        layout!(@offsets $at + $size; $($rest)*);
    };
    (@offsets $at:expr;) => {
        pub(in crate::format) const LEN: usize = $at;
    };
}

/// A page: the unit of extents, of slots and of runs.
pub const PAGE: u64 = 4_096;
/// The version that this code writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Where the two slots stand.
pub const SLOT_PAGES: [u64; 2] = [PAGE, 2 * PAGE];
/// Where the holder's advice stands.
pub const HOLDER_PAGE: u64 = 3 * PAGE;
/// Where the first extent may begin.
pub const FIRST_EXTENT: u64 = 4 * PAGE;
/// Segments that a slot names.
pub const SLOT_SEGMENTS: usize = 32;
/// Runs that a slot can name.
pub const SLOT_RUNS: usize = 40;
/// Free extents that a slot can name.
pub const SLOT_FREE: usize = 64;

/// The first bytes of page 0.
pub(super) const HEADER_MAGIC: [u8; 8] = *b"\x89ANNALS\n";
/// The first bytes of a slot.
pub(super) const SLOT_MAGIC: [u8; 8] = *b"\x89ANSLOT\n";
/// The tag of a segment's header: `ANSG`.
pub(super) const SEGMENT_TAG: u32 = u32::from_le_bytes(*b"ANSG");
/// The tag of a commit's frame: `ANFR`.
pub(super) const COMMIT_TAG: u32 = u32::from_le_bytes(*b"ANFR");
/// The tag of the frame that ends a segment: `ANEN`.
pub(super) const END_TAG: u32 = u32::from_le_bytes(*b"ANEN");
/// The tag of a stub: `ANST`.
pub(super) const STUB_TAG: u32 = u32::from_le_bytes(*b"ANST");
/// The tag of a run's header: `ANRN`.
pub(super) const RUN_TAG: u32 = u32::from_le_bytes(*b"ANRN");
/// The tag of a name's record.
pub(super) const NAME_TAG: u8 = 0xA1;
/// The tag of an event's record.
pub(super) const EVENT_TAG: u8 = 0xA2;
/// The tag of a document's record.
pub(super) const DOCUMENT_TAG: u8 = 0xA3;

layout!(
    /// Page 0.
    header {
        MAGIC: 8,
        FORMAT_VERSION: 4,
        PAGE_SIZE: 4,
        STORE_ID: 16,
        FILE_KEY: 16,
        RESERVED: 4044,
        CHECK: 4,
    }
);

layout!(
    /// A slot.
    slot {
        MAGIC: 8,
        FORMAT_VERSION: 4,
        PAGE_SIZE: 4,
        STORE_ID: 16,
        FILE_KEY: 16,
        COUNTER: 8,
        COMPATIBLE: 8,
        READ_COMPATIBLE: 8,
        INCOMPATIBLE: 8,
        EPOCH: 8,
        EPOCH_SALT: 8,
        WATERMARK: 8,
        RECORDED: 8,
        INDEX_END: 8,
        INDEX_CHAIN: 8,
        INDEX_NEXT: 8,
        PROOF_START: 8,
        PROOF_CHAIN: 8,
        PROOF_NEXT: 8,
        CLEAN: 4,
        SEGMENT_COUNT: 4,
        RUN_COUNT: 4,
        FREE_COUNT: 4,
        SEGMENTS: super::segment_ref::LEN * super::SLOT_SEGMENTS,
        RUNS: super::run_ref::LEN * super::SLOT_RUNS,
        FREE: super::free_ref::LEN * super::SLOT_FREE,
        RESERVED: 840,
        CHECK: 8,
    }
);

layout!(
    /// One of a slot's segments.
    segment_ref {
        FILE_OFFSET: 8,
        LENGTH: 8,
        LOG_OFFSET: 8,
    }
);

layout!(
    /// One of a slot's runs.
    run_ref {
        FILE_OFFSET: 8,
        PAGES: 4,
        ID: 4,
        END: 8,
        NEXT: 8,
    }
);

layout!(
    /// One of a slot's free extents.
    free_ref {
        FILE_OFFSET: 8,
        LENGTH: 8,
    }
);

layout!(
    /// What each page of a run begins with.
    page_head {
        CHECK: 4,
        RUN: 4,
        NUMBER: 4,
        RESERVED: 4,
    }
);

layout!(
    /// The first page of a run.
    run {
        PAGE_HEAD: super::PAGE_HEAD_LEN,
        TAG: 4,
        LEVEL: 4,
        START: 8,
        END: 8,
        FIRST: 8,
        NEXT: 8,
        WIDTH: 4,
        TERMS: 4,
        POSTINGS: 4,
        NAME_PAGES: 4,
        SEGMENTS: 4,
        PAYLOAD_BYTES: 8,
        RESERVED: 4012,
    }
);

layout!(
    /// A term of a run.
    term_entry {
        HASH: 16,
        START: 4,
        COUNT: 4,
        BASE: 8,
    }
);

layout!(
    /// The head of a name that a run lists.
    listed {
        KIND: 1,
        RESERVED: 1,
        LENGTH: 2,
        COUNT: 4,
        FIRST: 4,
        LAST: 4,
    }
);

layout!(
    /// What an extent of the log begins with.
    segment {
        TAG: 4,
        RESERVED: 4,
        FILE_OFFSET: 8,
        LENGTH: 8,
        LOG_OFFSET: 8,
        BEFORE_FILE_OFFSET: 8,
        BEFORE_LENGTH: 8,
        BEFORE_LOG_OFFSET: 8,
        CHECK: 8,
    }
);

layout!(
    /// What a frame begins with.
    frame {
        TAG: 4,
        PADDING: 2,
        FLAGS: 2,
        LOG_OFFSET: 8,
        EPOCH: 8,
        EPOCH_SALT: 8,
        LENGTH: 4,
        RECORD_COUNT: 4,
        EVENT_COUNT: 4,
        RECORDS_CHECK: 4,
        FIRST_POSITION: 8,
        RECORDED: 8,
        BEFORE_CHECK: 8,
        WATERMARK: 8,
        NEXT_SEGMENT: 8,
        CHECK: 8,
    }
);

layout!(
    /// The head of a name's record.
    name {
        CHECK: 4,
        TAG: 1,
        RESERVED: 1,
        LENGTH: 2,
    }
);

layout!(
    /// The head of an event's record, before its tags.
    event {
        CHECK: 4,
        TAG: 1,
        KIND: 1,
        FLAGS: 2,
        DISTANCE: 4,
        PAYLOAD_LENGTH: 4,
        STREAM: 4,
        TYPE: 4,
        VERSION: 8,
        RECORDED: 8,
    }
);

layout!(
    /// The head of a document's record.
    document {
        CHECK: 4,
        TAG: 1,
        FLAGS: 1,
        KEY_LENGTH: 2,
        DISTANCE: 4,
        VALUE_LENGTH: 4,
        REVISION: 8,
        BEFORE: 8,
        HEAD: 8,
        RECORDED: 8,
    }
);

layout!(
    /// What an event has that few have.
    extras {
        METADATA_LENGTH: 4,
        SCHEMA_VERSION: 2,
        RESERVED: 2,
    }
);

layout!(
    /// What stands after the synced end while nothing follows it.
    stub {
        TAG: 4,
        RESERVED: 4,
        LOG_OFFSET: 8,
        EPOCH: 8,
        EPOCH_SALT: 8,
        WATERMARK: 8,
        CHECK: 8,
    }
);

/// Bytes of the head of a run's page.
pub const PAGE_HEAD_LEN: usize = 16;
/// Bytes of a run's page behind its head.
pub const PAGE_ROOM: usize = 4_096 - PAGE_HEAD_LEN;
/// Terms in a page.
pub const TERMS_PER_PAGE: u32 = 127;
/// Fences in a page.
pub const FENCES_PER_PAGE: u32 = 510;
/// Postings in a page.
pub const POSTINGS_PER_PAGE: u32 = 1_020;
/// Segments in a page.
pub const SEGMENTS_PER_PAGE: u32 = 170;
/// Bytes of a segment as a run names it.
pub const SEGMENT_REF_LEN: usize = segment_ref::LEN;
/// Bytes of a term.
pub const TERM_LEN: usize = term_entry::LEN;
/// Bytes of a segment's header.
pub const SEGMENT_HEADER_LEN: usize = segment::LEN;
/// Bytes of a frame's header; an end record is nothing else.
pub const FRAME_LEN: usize = frame::LEN;
/// Bytes of a name's record before the name.
pub const NAME_HEAD_LEN: usize = name::LEN;
/// Bytes of a document's record before its key.
pub const DOCUMENT_LEN: usize = document::LEN;
/// Bytes of a stub.
pub const STUB_LEN: usize = stub::LEN;

const _: () = {
    assert!(run::LEN == 4_096, "a run's header fills its page");
    assert!(127 * term_entry::LEN <= PAGE_ROOM && 510 * 8 == PAGE_ROOM && 1_020 * 4 == PAGE_ROOM);
    assert!(170 * segment_ref::LEN == PAGE_ROOM);
    assert!(header::LEN == 4_096 && slot::LEN == 4_096, "page 0 and the slots fill their pages");
    assert!(
        stub::LEN <= frame::LEN,
        "a stub fits where an end record fits, so there is always room"
    );
    assert!(
        segment::LEN.is_multiple_of(8)
            && frame::LEN.is_multiple_of(8)
            && stub::LEN.is_multiple_of(8),
        "all is 8-aligned"
    );
    assert!(
        name::LEN.is_multiple_of(8)
            && event::LEN.is_multiple_of(8)
            && document::LEN.is_multiple_of(8),
        "so are records"
    );
};

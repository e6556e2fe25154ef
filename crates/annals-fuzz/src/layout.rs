//! Where fields stand, as FORMAT.md's tables say: read from the page, not from the code of the
//! store, so that sealing and forging are a second opinion.
#![allow(missing_docs, reason = "fields are named as FORMAT.md names them")]

use std::ops::Range;

/// Bytes of a page, of page 0, of a slot.
pub const PAGE: usize = 4_096;
/// Where the two slots stand.
pub const SLOTS: [usize; 2] = [PAGE, 2 * PAGE];
/// Where the first extent may begin.
pub const FIRST_EXTENT: usize = 4 * PAGE;

/// What page 0 begins with.
pub const HEADER_MAGIC: &[u8] = b"\x89ANNALS\n";
/// What a slot begins with.
pub const SLOT_MAGIC: &[u8] = b"\x89ANSLOT\n";
/// What a segment's header begins with.
pub const SEGMENT_TAG: &[u8] = b"ANSG";
/// What a commit's frame begins with.
pub const COMMIT_TAG: &[u8] = b"ANFR";
/// What an end record begins with.
pub const END_TAG: &[u8] = b"ANEN";
/// What a stub begins with.
pub const STUB_TAG: &[u8] = b"ANST";
/// What a run's header has behind the head of its page.
pub const RUN_TAG: &[u8] = b"ANRN";
/// The tags of records.
pub const NAME_TAG: u8 = 0xA1;
/// See [`NAME_TAG`].
pub const EVENT_TAG: u8 = 0xA2;
/// See [`NAME_TAG`].
pub const DOCUMENT_TAG: u8 = 0xA3;

/// Page 0; slots have these fields in the same places.
pub mod header {
    use super::*;
    pub const FORMAT_VERSION: Range<usize> = 8..12;
    pub const PAGE_SIZE: Range<usize> = 12..16;
    pub const STORE_ID: Range<usize> = 16..32;
    pub const FILE_KEY: Range<usize> = 32..48;
    pub const CHECK: Range<usize> = 4_092..4_096;
}

/// A slot.
pub mod slot {
    use super::*;
    pub const COUNTER: Range<usize> = 48..56;
    pub const COMPATIBLE: Range<usize> = 56..64;
    pub const READ_COMPATIBLE: Range<usize> = 64..72;
    pub const INCOMPATIBLE: Range<usize> = 72..80;
    pub const EPOCH: Range<usize> = 80..88;
    pub const EPOCH_SALT: Range<usize> = 88..96;
    pub const WATERMARK: Range<usize> = 96..104;
    pub const INDEX_END: Range<usize> = 112..120;
    pub const INDEX_CHAIN: Range<usize> = 120..128;
    pub const INDEX_NEXT: Range<usize> = 128..136;
    pub const PROOF_START: Range<usize> = 136..144;
    pub const PROOF_CHAIN: Range<usize> = 144..152;
    pub const PROOF_NEXT: Range<usize> = 152..160;
    pub const CLEAN: Range<usize> = 160..164;
    pub const SEGMENT_COUNT: Range<usize> = 164..168;
    pub const RUN_COUNT: Range<usize> = 168..172;
    pub const FREE_COUNT: Range<usize> = 172..176;
    /// 32 entries of 24 bytes: file offset, length, log offset.
    pub const SEGMENTS: usize = 176;
    pub const SEGMENT_LEN: usize = 24;
    pub const SEGMENTS_MOST: usize = 32;
    /// 40 entries of 32 bytes: file offset, pages (4), id (4), end, next.
    pub const RUNS: usize = 944;
    pub const RUN_LEN: usize = 32;
    pub const RUNS_MOST: usize = 40;
    /// 64 entries of 16 bytes: file offset, length.
    pub const FREE: usize = 2_224;
    pub const FREE_LEN: usize = 16;
    pub const FREE_MOST: usize = 64;
    pub const CHECK: Range<usize> = 4_088..4_096;
}

/// A segment's header.
pub mod segment {
    use super::*;
    pub const LEN: usize = 64;
    pub const FILE_OFFSET: Range<usize> = 8..16;
    pub const LENGTH: Range<usize> = 16..24;
    pub const LOG_OFFSET: Range<usize> = 24..32;
    /// The same three numbers of the segment before it.
    pub const BEFORE: usize = 32;
    pub const CHECK: Range<usize> = 56..64;
}

/// A frame's header.
pub mod frame {
    use super::*;
    pub const LEN: usize = 96;
    pub const PADDING: Range<usize> = 4..6;
    pub const LOG_OFFSET: Range<usize> = 8..16;
    pub const EPOCH: Range<usize> = 16..24;
    pub const EPOCH_SALT: Range<usize> = 24..32;
    pub const LENGTH: Range<usize> = 32..36;
    pub const RECORD_COUNT: Range<usize> = 36..40;
    pub const EVENT_COUNT: Range<usize> = 40..44;
    pub const RECORDS_CHECK: Range<usize> = 44..48;
    pub const FIRST_POSITION: Range<usize> = 48..56;
    pub const RECORDED: Range<usize> = 56..64;
    pub const BEFORE_CHECK: Range<usize> = 64..72;
    pub const WATERMARK: Range<usize> = 72..80;
    pub const NEXT_SEGMENT: Range<usize> = 80..88;
    pub const CHECK: Range<usize> = 88..96;
}

/// Records: the check and the tag are where a name has them.
pub mod record {
    use super::*;
    pub const CHECK: Range<usize> = 0..4;
    pub const TAG: usize = 4;
    pub const NAME_LEN: usize = 8;
    pub const NAME_LENGTH: Range<usize> = 6..8;
    pub const EVENT_LEN: usize = 40;
    pub const EVENT_FLAGS: Range<usize> = 6..8;
    pub const EVENT_DISTANCE: Range<usize> = 8..12;
    pub const EVENT_PAYLOAD_LENGTH: Range<usize> = 12..16;
    pub const EVENT_STREAM: Range<usize> = 16..20;
    pub const EVENT_TYPE: Range<usize> = 20..24;
    pub const EVENT_VERSION: Range<usize> = 24..32;
    pub const DOCUMENT_LEN: usize = 48;
    pub const KEY_LENGTH: Range<usize> = 6..8;
    pub const DOCUMENT_DISTANCE: Range<usize> = 8..12;
    pub const VALUE_LENGTH: Range<usize> = 12..16;
    pub const REVISION: Range<usize> = 16..24;
    pub const BEFORE: Range<usize> = 24..32;
    pub const HEAD: Range<usize> = 32..40;
}

/// A stub.
pub mod stub {
    use super::*;
    pub const LEN: usize = 48;
    pub const LOG_OFFSET: Range<usize> = 8..16;
    pub const CHECK: Range<usize> = 40..48;
}

/// A page of a run.
pub mod page {
    use super::*;
    pub const CHECK: Range<usize> = 0..4;
    pub const RUN: Range<usize> = 4..8;
    pub const NUMBER: Range<usize> = 8..12;
    pub const RESERVED: Range<usize> = 12..16;
    /// Where the values begin.
    pub const VALUES: usize = 16;
}

/// The number in these bytes, one to eight of them; 0 where the bytes end before.
pub fn number(bytes: &[u8], field: Range<usize>) -> u64 {
    let mut wide = [0; 8];
    match (bytes.get(field.clone()), wide.get_mut(..field.len())) {
        (Some(field), Some(room)) => room.copy_from_slice(field),
        _ => return 0,
    }
    u64::from_le_bytes(wide)
}

/// Makes these bytes this number; nothing where the bytes end before.
pub fn set(bytes: &mut [u8], field: Range<usize>, number: u64) {
    let length = field.len();
    if let (Some(room), Some(new)) = (bytes.get_mut(field), number.to_le_bytes().get(..length)) {
        room.copy_from_slice(new);
    }
}

/// The number as an index; one that this machine can't address finds nothing.
pub fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The least multiple of 8 that is not below.
pub fn pad8(length: usize) -> usize {
    length.saturating_add(7) & !7
}

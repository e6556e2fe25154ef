//! What stands by itself: page 0, slots, the holder's page; headers of segments, frames and runs,
//! stubs, pages.

use super::shape::{Spot, piece, structure};
use crate::format::bytes::{get_u32, get_u64, index};
use crate::format::check::{FileKey, crc};
use crate::format::layout::{
    self, COMMIT_TAG, END_TAG, FORMAT_VERSION, HEADER_MAGIC, PAGE, RUN_TAG, SEGMENT_TAG,
    SLOT_MAGIC, STUB_TAG,
};
use crate::format::run::page_check;
use crate::format::{
    FileHeader, FrameHeader, Identity, RunHeader, RunRef, SegmentHeader, SegmentRef, Slot, u64_of,
};
use crate::words::{Structure, StructureCheck};

/// Page 0.
pub fn header(page: &[u8]) -> Structure {
    let mut found = structure(("header", layout::header::TABLE), page, Spot::in_file(0));
    let computed = crc(0, page.get(..layout::header::CHECK).unwrap_or_default());
    let stored = get_u32(page, layout::header::CHECK);
    found.check = Some(StructureCheck { stored: stored.into(), computed: computed.into() });
    found.demand(page.starts_with(&HEADER_MAGIC), "it does not have its magic");
    says_version(&mut found, page);
    if found.is_whole() {
        found.demand(FileHeader::decode(page).is_ok(), "it is not valid");
    }
    found
}

/// A slot.
pub fn slot(page: &[u8], file_offset: u64) -> Structure {
    let spot = Spot::in_file(file_offset);
    let mut found = structure(("slot", layout::slot::TABLE), page, spot);
    let computed = Identity::key(page).keyed(page.get(..layout::slot::CHECK).unwrap_or_default());
    let stored = get_u64(page, layout::slot::CHECK);
    found.check = Some(StructureCheck { stored, computed });
    found.demand(page.starts_with(&SLOT_MAGIC), "it does not have its magic");
    says_version(&mut found, page);
    for (list, count, most) in [
        ("segments", layout::slot::SEGMENT_COUNT, layout::SLOT_SEGMENTS),
        ("runs", layout::slot::RUN_COUNT, layout::SLOT_RUNS),
        ("free", layout::slot::FREE_COUNT, layout::SLOT_FREE),
    ] {
        let used = get_u32(page, count);
        found.say(list, format!("{used} of {most} entries used"));
    }
    if found.is_whole() {
        found.demand(Slot::decode(page).is_ok(), "its numbers can't be");
    }
    found
}

fn says_version(found: &mut Structure, page: &[u8]) {
    let version = get_u32(page, layout::header::FORMAT_VERSION);
    found.demand(version == FORMAT_VERSION, "its format version is not the reader's");
}

/// The holder's page.
pub fn holder(page: &[u8], file_offset: u64) -> Structure {
    let mut found = piece("holder", Spot::in_file(file_offset), PAGE);
    let end = page.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (text, rest) = page.split_at_checked(end).unwrap_or_default();
    found.add("text", 0, text, None);
    found.add("rest", end, rest, None);
    found
}

/// A segment: the fields are those of its header, the length that of all of it.
pub fn segment(bytes: &[u8], place: &SegmentRef, key: &FileKey) -> Structure {
    let spot = Spot { file_offset: place.extent.file_offset, log_offset: Some(place.log_offset) };
    let mut found = structure(("segment", layout::segment::TABLE), bytes, spot);
    found.length = place.extent.length;
    let computed = key.keyed(bytes.get(..layout::segment::CHECK).unwrap_or_default());
    let stored = get_u64(bytes, layout::segment::CHECK);
    found.check = Some(StructureCheck { stored, computed });
    let tag = get_u32(bytes, layout::segment::TAG);
    found.demand(tag == SEGMENT_TAG, "it does not have its tag");
    if found.is_whole() {
        let own = SegmentHeader::decode(bytes, key).map(|header| header.own);
        found.demand(own == Some(*place), "it does not say of itself what names it says");
    }
    found
}

/// A frame that stands here: the fields are those of its header. Its length is what the header
/// says, but at least the header's and at most `room`.
pub fn frame(bytes: &[u8], spot: Spot, room: u64, key: &FileKey) -> Structure {
    let mut found = structure(("frame", layout::frame::TABLE), bytes, spot);
    let header_len = u64_of(layout::FRAME_LEN);
    let said = u64::from(get_u32(bytes, layout::frame::LENGTH));
    found.length = said.max(header_len).min(room.max(1));
    found.fields.retain(|field| field.offset + field.size <= room);
    let computed = key.keyed(bytes.get(..layout::frame::CHECK).unwrap_or_default());
    let stored = get_u64(bytes, layout::frame::CHECK);
    found.check = Some(StructureCheck { stored, computed });
    let tag = get_u32(bytes, layout::frame::TAG);
    found.demand(tag == COMMIT_TAG || tag == END_TAG, "it has none of the two tags");
    let at = get_u64(bytes, layout::frame::LOG_OFFSET);
    let stands_there = spot.log_offset.is_none_or(|here| here.get() == at);
    found.demand(stands_there, "it says that it stands elsewhere in the log");
    found.demand(said <= room, "its segment ends before it does");
    if found.is_whole() {
        found.demand(FrameHeader::find(bytes, key).is_some(), "its numbers can't be");
    }
    if tag == END_TAG {
        found.notes.push("an end record: the log goes on in the next segment".to_owned());
    }
    found
}

/// A stub that stands here.
pub fn stub(bytes: &[u8], spot: Spot, key: &FileKey) -> Structure {
    let mut found = structure(("stub", layout::stub::TABLE), bytes, spot);
    let computed = key.keyed(bytes.get(..layout::stub::CHECK).unwrap_or_default());
    let stored = get_u64(bytes, layout::stub::CHECK);
    found.check = Some(StructureCheck { stored, computed });
    found.demand(get_u32(bytes, layout::stub::TAG) == STUB_TAG, "it does not have its tag");
    let at = get_u64(bytes, layout::stub::LOG_OFFSET);
    let stands_there = spot.log_offset.is_none_or(|here| here.get() == at);
    found.demand(stands_there, "it says that it stands elsewhere in the log");
    found.demand(get_u64(bytes, layout::stub::WATERMARK) <= at, "its watermark is above it");
    found
}

/// A run: the fields are those of its first page, the length that of all of it.
pub fn run(page: &[u8], place: &RunRef, key: &FileKey) -> Structure {
    let spot = Spot::in_file(place.file_offset);
    let mut found = structure(("run", layout::run::TABLE), page, spot);
    found.length = place.extent().length;
    found.check = Some(check_of_page(page, place.id, 0, key));
    found.demand(get_u32(page, layout::run::TAG) == RUN_TAG, "it does not have its tag");
    if found.is_whole() {
        let fits = RunHeader::decode(page, place).is_some();
        found.demand(fits, "it is not as the slot says, or its numbers can't be");
    }
    found
}

/// A page of a run, which should be the one with this number of the run with this id.
pub fn page(bytes: &[u8], spot: Spot, (id, number): (u32, u32), key: &FileKey) -> Structure {
    let mut found = structure(("page_head", layout::page_head::TABLE), bytes, spot);
    (found.name, found.length) = ("page", PAGE);
    found.check = Some(check_of_page(bytes, id, number, key));
    let says = (get_u32(bytes, layout::page_head::RUN), get_u32(bytes, layout::page_head::NUMBER));
    if bytes.len() < index(PAGE) && found.wrong.is_empty() {
        found.demand(false, "the file ends before it does");
    }
    found.demand(says == (id, number), "it is a page of another run, or another page");
    found
}

fn check_of_page(page: &[u8], id: u32, number: u32, key: &FileKey) -> StructureCheck {
    let stored = get_u32(page, layout::page_head::CHECK);
    let computed = page_check(page, id, number, key);
    StructureCheck { stored: stored.into(), computed: computed.into() }
}

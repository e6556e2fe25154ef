//! For tests: a frame at a place.

use super::{Draft, Place};
use crate::format::{Chain, Epoch, FileKey, FrameHeader, Resolved};
use crate::words::{Commit, ExpectedVersion, LogOffset, NewEvent, Position, Timestamp, Version};

/// Some place.
pub(super) fn a_place() -> Place {
    Place {
        at: LogOffset::new(8_192),
        segment: LogOffset::new(4_096),
        epoch: Epoch { counter: 1, salt: 2 },
        before: Chain(3),
        first: Position::new(40),
        recorded: Timestamp::from_micros(7),
        watermark: LogOffset::ZERO,
    }
}

/// The frame there of a commit with two events, and a document if asked for; and what its header
/// says. It ends with a sector.
pub(super) fn a_frame(place: &Place, document: bool, key: &FileKey) -> (Vec<u8>, FrameHeader) {
    frame_with(place, document, [0; 3], key)
}

/// The same, where its stream, type and tag stand so many bytes from the segment's beginning; 0:
/// they stand in the frame itself.
pub(super) fn frame_with(
    place: &Place,
    document: bool,
    names: [u32; 3],
    key: &FileKey,
) -> (Vec<u8>, FrameHeader) {
    let events = ["one", "two"].map(|payload| NewEvent::new("Type", payload).tag("tag"));
    let commit = Commit::new().append("stream", ExpectedVersion::Any, events);
    let commit = if document { commit.put("key", "value") } else { commit };
    let mut draft = Draft::default();
    draft.fill(&commit, key, 512).unwrap();
    look_up(&mut draft, |nth| names[nth]);
    let bytes = draft.place(place, key).bytes.to_vec();
    let (header, _) = FrameHeader::decode(&bytes, place.at, key).unwrap();
    (bytes, header)
}

/// What is looked up of a draft before it gets its place: where its names stand (0: nowhere yet),
/// and that there is nothing before it.
pub(super) fn look_up(draft: &mut Draft, reference: impl Fn(usize) -> u32) {
    let names = 0..draft.terms().count();
    let resolved = names.map(|nth| Resolved { reference: reference(nth), ..Resolved::default() });
    draft.resolved = resolved.collect();
    draft.versions.resize(draft.streams.len(), Version::NONE);
    draft.newest.resize(draft.documents.len(), None);
}

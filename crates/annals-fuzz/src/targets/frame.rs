//! Frames with their records, headers of segments, stubs: sealed.

use super::{KEY, again};
use crate::images::images;
use crate::layout::{FIRST_EXTENT, SEGMENT_TAG, STUB_TAG, frame, index, number, segment, stub};
use crate::seal::{Key, seal_frame};
use annals::inside;

/// See the module.
pub fn run(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let key = Key::new(KEY);
    if bytes.starts_with(SEGMENT_TAG) && bytes.len() >= segment::LEN {
        key.seal(&mut bytes[..segment::LEN], segment::CHECK);
        again(inside::segment(&bytes, KEY));
    } else if bytes.starts_with(STUB_TAG) && bytes.len() >= stub::LEN {
        key.seal(&mut bytes[..stub::LEN], stub::CHECK);
        again(inside::stub(&bytes, KEY));
    } else {
        let (at, before) = (number(&bytes, frame::LOG_OFFSET), number(&bytes, frame::BEFORE_CHECK));
        if seal_frame(&mut bytes, at, before, &key).is_none() && bytes.len() >= frame::LEN {
            // Not one that fits, but perhaps a header.
            key.seal(&mut bytes[..frame::LEN], frame::CHECK);
        }
        again(inside::frame(&bytes, KEY));
    }
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for image in images() {
        // The first segment: its header, its frames, and what stands behind.
        let file = &image.bytes[FIRST_EXTENT..];
        seeds.push(file[..segment::LEN].to_vec());
        let mut at = segment::LEN;
        while number(&file[at..], frame::LOG_OFFSET) == at as u64 && at < 4_000 {
            let is_stub = file[at..].starts_with(STUB_TAG);
            let length = index(number(&file[at..], frame::LENGTH));
            let length = if is_stub { stub::LEN } else { length };
            seeds.push(file[at..at + length].to_vec());
            at += length;
        }
    }
    seeds.dedup();
    seeds
}
